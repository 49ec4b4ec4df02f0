"""Owns wasi:filesystem's error codes: a Linux errno becomes the label that the interface has."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

from wherever.component.canonical.values import ResultError

_P = ParamSpec("_P")
_T = TypeVar("_T")

LABELS: Mapping[int, str] = {
    errno.EACCES: "access",
    errno.EAGAIN: "would-block",
    errno.EALREADY: "already",
    errno.EBADF: "bad-descriptor",
    errno.EBUSY: "busy",
    errno.EDEADLK: "deadlock",
    errno.EDQUOT: "quota",
    errno.EEXIST: "exist",
    errno.EFBIG: "file-too-large",
    errno.EILSEQ: "illegal-byte-sequence",
    errno.EINPROGRESS: "in-progress",
    errno.EINTR: "interrupted",
    errno.EINVAL: "invalid",
    errno.EIO: "io",
    errno.EISDIR: "is-directory",
    errno.ELOOP: "loop",
    errno.EMLINK: "too-many-links",
    errno.EMSGSIZE: "message-size",
    errno.ENAMETOOLONG: "name-too-long",
    errno.ENODEV: "no-device",
    errno.ENOENT: "no-entry",
    errno.ENOLCK: "no-lock",
    errno.ENOMEM: "insufficient-memory",
    errno.EMFILE: "insufficient-memory",
    errno.ENFILE: "insufficient-memory",
    errno.ENOSPC: "insufficient-space",
    errno.ENOTDIR: "not-directory",
    errno.ENOTEMPTY: "not-empty",
    errno.ENOTRECOVERABLE: "not-recoverable",
    errno.ENOTSUP: "unsupported",
    errno.ENOSYS: "unsupported",
    errno.ENOTTY: "no-tty",
    errno.ENXIO: "no-such-device",
    errno.EOVERFLOW: "overflow",
    errno.EPERM: "not-permitted",
    errno.EPIPE: "pipe",
    errno.EROFS: "read-only",
    errno.ESPIPE: "invalid-seek",
    errno.ETXTBSY: "text-file-busy",
    errno.EXDEV: "cross-device",
}


def label_of(error: OSError) -> str:
    """The error code for an errno; `io` for one that the interface has no label for."""
    return LABELS.get(error.errno or 0, "io")


def error_code(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """A method whose OSError is the error code of its `result`."""

    @wraps(function)
    def call(*args: _P.args, **keywords: _P.kwargs) -> _T:
        try:
            return function(*args, **keywords)
        except OSError as error:
            raise ResultError(label_of(error)) from None

    return call
