"""Owns the one way a guest's path becomes a descriptor: resolved beneath a granted directory.

Two implementations of the same contract. `openat2(2)` lets the kernel resolve the whole path and
refuse every step that leaves the directory; where the kernel (or a filter) lacks it, `Walk` goes
component by component, opens each without following links, resolves links itself and holds every
directory on the way, so that `..` is a step back along what was walked, never a lookup.

Contract: no absolute path, no `..` above the start, no link that leads there, no magic link of
/proc. A refusal because of the boundary is an `Escaped`, so that callers can report it as one.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Final, Protocol

from wherever.system.kernel import HAS_OPENAT2, openat2

__all__ = ["O_PATH", "Escaped", "KernelResolver", "Resolver", "WalkResolver", "default_resolver"]

O_PATH: Final = 0o10000000
_O_PATH_DIRECTORY: Final = O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_MAX_LINKS: Final = 40  # as Linux: path_resolution(7)
_MAX_PATH: Final = 4096
_RACE_ATTEMPTS: Final = 64


class Escaped(OSError):
    """A path, a link or a rename would have led out of the granted directory."""

    def __init__(self, path: bytes) -> None:
        super().__init__(errno.EPERM, "the path leads out of the granted directory", path)


class Resolver(Protocol):
    """How a path is opened beneath a directory."""

    def open(
        self, directory: int, path: bytes, flags: int, mode: int = 0, *, follow: bool = True
    ) -> int:
        """Open `path` with open(2)'s `flags`; a final symbolic link is followed if `follow`.

        Without `follow`, a final link is opened itself under O_PATH and is ELOOP otherwise.
        """
        ...


class KernelResolver:
    """Resolution by openat2(2)."""

    def __init__(self) -> None:
        self._walk = WalkResolver()

    def open(
        self, directory: int, path: bytes, flags: int, mode: int = 0, *, follow: bool = True
    ) -> int:
        """See `Resolver.open`."""
        if not follow:
            flags |= os.O_NOFOLLOW
        for _ in range(_RACE_ATTEMPTS):
            try:
                return openat2(directory, path, flags, mode)
            except OSError as error:
                if error.errno == errno.EAGAIN:  # a rename or mount elsewhere raced with `..`
                    continue
                if error.errno == errno.EXDEV:
                    raise Escaped(path) from None
                raise
        # A storm of renames can starve the kernel's lock-free walk: ours does not depend on it.
        return self._walk.open(directory, path, flags, mode, follow=follow)


class WalkResolver:
    """Resolution component by component, for kernels without openat2(2)."""

    def __init__(self, before_step: Callable[[bytes], None] | None = None) -> None:
        self._before_step = before_step  # lets a test rename things in the middle of a walk

    def open(
        self, directory: int, path: bytes, flags: int, mode: int = 0, *, follow: bool = True
    ) -> int:
        """See `Resolver.open`."""
        if b"\0" in path:
            raise OSError(errno.EINVAL, "a path cannot hold a NUL byte", path)
        if not path:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if len(path) >= _MAX_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        if path.startswith(b"/"):
            raise Escaped(path)
        if flags & os.O_NOFOLLOW:
            follow = False
        walked: list[int] = []  # the directories below `directory`, innermost last
        try:
            return self._walk(directory, path, flags, mode, follow, walked)
        finally:
            for fd in walked:
                os.close(fd)

    def _walk(
        self, root: int, path: bytes, flags: int, mode: int, follow: bool, walked: list[int]
    ) -> int:
        pending = path.split(b"/")
        links = 0
        while True:
            name = pending.pop(0)
            here = walked[-1] if walked else root
            last = not any(pending)  # only trailing slashes are left
            slashed = bool(pending)
            if self._before_step is not None:
                self._before_step(name)
            if name in (b"", b"."):
                if last:
                    return os.open(b".", _directory(flags), dir_fd=here)
                continue
            if name == b"..":
                if not walked:
                    raise Escaped(path)
                os.close(walked.pop())
                if last:
                    here = walked[-1] if walked else root
                    return os.open(b".", _directory(flags), dir_fd=here)
                continue
            if last and not slashed:
                try:
                    return self._final(here, name, flags, mode, follow)
                except _IsLink:
                    pass
            if last and flags & os.O_CREAT:  # a slash after what would be a file
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            links += 1
            target = self._step(here, name, walked)
            if target is None:
                links -= 1
                if last:
                    return os.open(b".", _directory(flags), dir_fd=walked[-1])
                continue
            if links > _MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith(b"/"):
                raise Escaped(path)
            pending = target.split(b"/") + pending

    @staticmethod
    def _step(here: int, name: bytes, walked: list[int]) -> bytes | None:
        """Enter the directory `name`, or return the target of the link it is."""
        fd = os.open(name, O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
        kind = stat.S_IFMT(os.fstat(fd).st_mode)
        if kind == stat.S_IFDIR:
            walked.append(fd)
            return None
        try:
            if kind != stat.S_IFLNK:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
            target = os.readlink(b"", dir_fd=fd)
            if not target:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
            return target
        finally:
            os.close(fd)

    @staticmethod
    def _final(here: int, name: bytes, flags: int, mode: int, follow: bool) -> int:
        """Open the last component itself; _IsLink if it is a link that must be followed."""
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC
        if flags & O_PATH:
            fd = os.open(name, flags & ~os.O_DIRECTORY, dir_fd=here)
            kind = stat.S_IFMT(os.fstat(fd).st_mode)
            if kind == stat.S_IFLNK and follow:
                os.close(fd)
                raise _IsLink
            if flags & os.O_DIRECTORY and kind != stat.S_IFDIR:
                os.close(fd)
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
            return fd
        try:
            return os.open(name, flags, mode, dir_fd=here)
        except OSError as error:
            # O_NOFOLLOW on a link: ELOOP, or ENOTDIR together with O_DIRECTORY
            if follow and error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(here, name):
                raise _IsLink from None
            raise


class _IsLink(Exception):
    """The last component is a symbolic link and is to be followed."""


def _is_link(here: int, name: bytes) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode)


def _directory(flags: int) -> int:
    """The flags to open a directory that was reached through `.`, `..` or a trailing slash."""
    if flags & os.O_CREAT:
        code = errno.EEXIST if flags & os.O_EXCL else errno.EISDIR
        raise OSError(code, os.strerror(code))
    return (flags & ~os.O_NOFOLLOW) | os.O_DIRECTORY | os.O_CLOEXEC


def default_resolver() -> Resolver:
    """The kernel's resolution where it has one, ours otherwise."""
    return _DEFAULT


_DEFAULT: Final[Resolver] = KernelResolver() if HAS_OPENAT2 else WalkResolver()
