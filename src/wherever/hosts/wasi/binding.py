"""Owns making a table entry callable for one guest: rights checked, errors as errno values."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from wherever.hosts.wasi.abi import Errno, errno_of
from wherever.hosts.wasi.direct import DIRECT
from wherever.hosts.wasi.run import Preview1, Refused
from wherever.hosts.wasi.table import Function

__all__ = ["bind", "bind_ordinary"]

_BADF: Final = int(Errno.BADF)
_NOT_CAPABLE: Final = int(Errno.NOTCAPABLE)
_OF_MEMORY: Final = errno_of(OSError(errno.ENOMEM, ""))
_FAILURES: Final = (OSError, Refused, ValueError, OverflowError, MemoryError)


def bind(run: Preview1, function: Function) -> Callable[..., int]:
    """The function for one guest: plain integers in, an errno out.

    Raises only what must unwind the guest: its exit, a limit, the run's interrupt, and our bugs.
    """
    direct = DIRECT.get(function.name)
    if direct is None:
        return bind_ordinary(run, function)
    made: list[Callable[..., int]] = []

    def ordinary(*arguments: int) -> int:
        if not made:
            made.append(bind_ordinary(run, function))
        return made[0](*arguments)

    return direct(run, ordinary)


def bind_ordinary(run: Preview1, function: Function) -> Callable[..., int]:
    """As `bind`, by the function's table entry and body alone."""
    if function.fd < 0:
        return _bind_plain(run, function.body)
    if function.fd == 0:
        return _bind_first(run, function.body, function.rights)
    return _bind_at(run, function.body, function.rights, function.fd)


def _bind_plain(run: Preview1, body: Callable[..., int]) -> Callable[..., int]:
    def call(*arguments: int) -> int:
        try:
            return body(run, *arguments)
        except _FAILURES as failure:
            return _errno(failure)

    return call


def _bind_first(run: Preview1, body: Callable[..., int], needed: int) -> Callable[..., int]:
    slots = run.fds.slots

    def call(number: int, *arguments: int) -> int:
        try:
            descriptor = slots[number]
            if needed & ~descriptor.rights:
                return _NOT_CAPABLE
            return body(run, descriptor, *arguments)
        except KeyError:
            return _BADF
        except _FAILURES as failure:
            return _errno(failure)

    return call


def _bind_at(run: Preview1, body: Callable[..., int], needed: int, at: int) -> Callable[..., int]:
    slots = run.fds.slots

    def call(*arguments: int) -> int:
        descriptor = slots.get(arguments[at])
        if descriptor is None:
            return _BADF
        if needed & ~descriptor.rights:
            return _NOT_CAPABLE
        try:
            return body(run, *arguments[:at], descriptor, *arguments[at + 1 :])
        except _FAILURES as failure:
            return _errno(failure)

    return call


def _errno(failure: BaseException) -> int:
    if isinstance(failure, OSError):
        return errno_of(failure)
    if isinstance(failure, Refused):
        return failure.code
    if isinstance(failure, MemoryError):
        return _OF_MEMORY
    return Errno.INVAL.value  # a number out of the range of the host's call
