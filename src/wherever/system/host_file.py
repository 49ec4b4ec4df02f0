"""Owns open files and streams of the host: bytes go straight between kernel and guest memory."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from typing import Final

from wherever.system.handles import File, Kind, Stat, Whence, refuse
from wherever.system.kernel import utimes_handle
from wherever.system.polling import READABLE, WRITABLE, Interrupt, Readiness, wait

__all__ = ["HostFile", "HostStream", "refuse_set_id"]

_ADVICE: Final = (
    os.POSIX_FADV_NORMAL,
    os.POSIX_FADV_SEQUENTIAL,
    os.POSIX_FADV_RANDOM,
    os.POSIX_FADV_WILLNEED,
    os.POSIX_FADV_DONTNEED,
    os.POSIX_FADV_NOREUSE,
)


def refuse_set_id(mode: int) -> int:
    """The mode, if it has no set-user-ID or set-group-ID bit: a guest may not make those."""
    if mode & (stat.S_ISUID | stat.S_ISGID):
        raise refuse(errno.EPERM)
    return mode & 0o1777


class _HostDescriptor(File):
    """What regular files and streams share: a descriptor of the host and fcntl flags."""

    __slots__ = ("fd", "owned")

    def __init__(self, fd: int, *, readable: bool, writable: bool, owned: bool = True) -> None:
        super().__init__(readable=readable, writable=writable)
        self.fd = fd
        self.owned = owned

    def stat(self) -> Stat:
        return Stat.of(os.fstat(self.fd))

    def set_flags(self, *, append: bool, nonblock: bool, data_sync: bool, sync: bool) -> None:
        if data_sync != self.data_sync or sync != self.sync_writes:
            raise refuse(errno.ENOTSUP)  # fcntl(F_SETFL) cannot change these on Linux
        if self.owned:  # an inherited descriptor shares its flags with other processes
            flags = fcntl.fcntl(self.fd, fcntl.F_GETFL) & ~(os.O_APPEND | os.O_NONBLOCK)
            flags |= (os.O_APPEND if append else 0) | (os.O_NONBLOCK if nonblock else 0)
            fcntl.fcntl(self.fd, fcntl.F_SETFL, flags)
        self.append = append
        self.nonblock = nonblock

    def is_terminal(self) -> bool:
        return os.isatty(self.fd)

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0 and self.owned:
            os.close(fd)


class HostFile(_HostDescriptor):
    """An open regular file of the host."""

    __slots__ = ("changeable",)

    def __init__(self, fd: int, *, readable: bool, writable: bool, changeable: bool) -> None:
        """`changeable`: the grant allows writing, so modes and times may be set."""
        super().__init__(fd, readable=readable, writable=writable)
        self.changeable = changeable

    def read(self, into: Sequence[memoryview]) -> int:
        return os.readv(self.fd, into)

    def write(self, parts: Sequence[memoryview]) -> int:
        return os.writev(self.fd, parts)

    def read_at(self, into: Sequence[memoryview], offset: int) -> int:
        return os.preadv(self.fd, into, offset)

    def write_at(self, parts: Sequence[memoryview], offset: int) -> int:
        return os.pwritev(self.fd, parts, offset)

    def seek(self, offset: int, whence: Whence) -> int:
        return os.lseek(self.fd, offset, whence)

    def truncate(self, size: int) -> None:
        if not self.writable:
            raise refuse(errno.EINVAL)
        os.ftruncate(self.fd, size)

    def allocate(self, offset: int, length: int) -> None:
        if not self.writable:
            raise refuse(errno.EBADF)
        os.posix_fallocate(self.fd, offset, length)

    def advise(self, offset: int, length: int, advice: int) -> None:
        if not 0 <= advice < len(_ADVICE):
            raise refuse(errno.EINVAL)
        os.posix_fadvise(self.fd, offset, length, _ADVICE[advice])

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        self._change()
        utimes_handle(self.fd, accessed, modified)

    def chmod(self, mode: int) -> None:
        self._change()
        os.fchmod(self.fd, refuse_set_id(mode))

    def chown(self, uid: int, gid: int) -> None:
        self._change()
        os.fchown(self.fd, uid, gid)

    def sync(self, *, data_only: bool = False) -> None:
        if data_only:
            os.fdatasync(self.fd)
        else:
            os.fsync(self.fd)

    def readiness(self, events: int) -> Readiness:
        if events & WRITABLE:
            return Readiness.always(1 << 16)
        left = os.fstat(self.fd).st_size - os.lseek(self.fd, 0, os.SEEK_CUR)
        return Readiness.always(max(left, 0))

    def _change(self) -> None:
        if not self.changeable:
            raise refuse(errno.EROFS)


class HostStream(_HostDescriptor):
    """A pipe, a terminal or a socket of the host: whatever stdin, stdout and stderr may be.

    A read or write that would block waits under the run's interrupt instead, so that a guest
    blocked on its standard input can be ended.
    """

    __slots__ = ("_interrupt", "kind")

    def __init__(
        self,
        fd: int,
        *,
        readable: bool,
        writable: bool,
        interrupt: Interrupt | None = None,
        owned: bool = True,
    ) -> None:
        super().__init__(fd, readable=readable, writable=writable, owned=owned)
        self._interrupt = interrupt
        self.kind = Kind.of_mode(os.fstat(fd).st_mode)

    def _block(self, events: int) -> None:
        """Wait until reading or writing would not block; regular files never do."""
        if self.kind is Kind.REGULAR:
            return
        if self.nonblock:
            if not wait([(self.fd, events)], 0, self._interrupt)[0]:
                raise refuse(errno.EAGAIN)
            return
        if self._interrupt is not None:
            wait([(self.fd, events)], None, self._interrupt)

    def read(self, into: Sequence[memoryview]) -> int:
        if not self.readable:
            raise refuse(errno.EBADF)
        while True:
            self._block(READABLE)
            # EAGAIN: the host's end is non-blocking and someone else took the bytes
            try:
                return os.readv(self.fd, into)
            except BlockingIOError:
                if self.nonblock:
                    raise

    def write(self, parts: Sequence[memoryview]) -> int:
        if not self.writable:
            raise refuse(errno.EBADF)
        while True:
            if self.nonblock:
                self._block(WRITABLE)
            try:
                return os.writev(self.fd, parts)
            except BlockingIOError:
                if self.nonblock:
                    raise
            wait([(self.fd, WRITABLE)], None, self._interrupt)

    def seek(self, offset: int, whence: Whence) -> int:
        return os.lseek(self.fd, offset, whence)

    def sync(self, *, data_only: bool = False) -> None:
        if self.kind is Kind.REGULAR:
            (os.fdatasync if data_only else os.fsync)(self.fd)

    def readiness(self, events: int) -> Readiness:
        if self.kind is Kind.REGULAR:
            return Readiness.always(1)
        return Readiness.of_descriptor(self.fd)
