"""Owns locks between processes: advisory, on a file, released by the kernel if the holder dies."""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["Locked", "is_locked_elsewhere", "locked"]


class Locked:
    """A held lock: leave the `with` block, close it, or die, and it is free.

    flock(2), not fcntl(2): a POSIX record lock is lost when any descriptor of the file is closed,
    by whichever library, and cannot exclude two threads of one process.
    """

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def close(self) -> None:
        """Release the lock; doing it twice is harmless."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def locked(dir_fd: int, name: str, *, shared: bool = False) -> Locked:
    """Wait for the lock on the file `name` of the folder, creating the file if need be."""
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=dir_fd)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    except BaseException:
        os.close(fd)
        raise
    return Locked(fd)


def is_locked_elsewhere(fd: int) -> bool:
    """Whether someone alive holds the open file's lock; takes the lock if nobody does."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
