"""Owns the shape of what a guest can hold open: handles, files, directories, as POSIX has them.

An ABI adapter sees only these classes. They are as rich as Linux (modes, owners, link counts,
device and inode numbers, times in nanoseconds); an adapter narrows them to its ABI. Every method
that fails raises OSError with a Linux errno; the base class refuses each operation with the errno
that POSIX gives for a thing that cannot do it.
"""

from __future__ import annotations

import enum
import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from wherever.system.polling import Readiness

__all__ = [
    "Directory",
    "Entry",
    "File",
    "Handle",
    "Kind",
    "Opening",
    "Stat",
    "Whence",
    "refuse",
]


class Kind(enum.Enum):
    """What a name in a directory can be; the value is its S_IFMT bits."""

    REGULAR = stat.S_IFREG
    DIRECTORY = stat.S_IFDIR
    SYMLINK = stat.S_IFLNK
    CHARACTER = stat.S_IFCHR
    BLOCK = stat.S_IFBLK
    FIFO = stat.S_IFIFO
    SOCKET = stat.S_IFSOCK
    UNKNOWN = 0

    @classmethod
    def of_mode(cls, mode: int) -> Kind:
        """The kind in the type bits of an st_mode."""
        return _KIND_OF_BITS.get(stat.S_IFMT(mode), cls.UNKNOWN)


_KIND_OF_BITS = {kind.value: kind for kind in Kind}


class Stat(NamedTuple):
    """stat(2): the times are nanoseconds since the epoch, `mode` is the permission bits only."""

    device: int
    inode: int
    kind: Kind
    mode: int
    links: int
    uid: int
    gid: int
    size: int
    accessed: int
    modified: int
    changed: int
    represents: int = 0  # st_rdev

    @property
    def blocks(self) -> int:
        """st_blocks, in 512-byte units, as a filesystem without holes would count them."""
        return -(-self.size // 512)

    @classmethod
    def of(cls, result: os.stat_result) -> Stat:
        """The value for what the host's kernel answered."""
        mode = result.st_mode
        return cls(
            result.st_dev,
            result.st_ino,
            _KIND_OF_BITS.get(mode & 0o170000, Kind.UNKNOWN),
            mode & 0o7777,
            result.st_nlink,
            result.st_uid,
            result.st_gid,
            result.st_size,
            result.st_atime_ns,
            result.st_mtime_ns,
            result.st_ctime_ns,
            result.st_rdev,
        )


class Entry(NamedTuple):
    """One name in a directory."""

    name: bytes
    kind: Kind
    inode: int


class Whence(enum.IntEnum):
    """From where lseek(2) counts."""

    SET = 0
    CURRENT = 1
    END = 2


@dataclass(frozen=True, slots=True)
class Opening:
    """How a path is opened: openat(2)'s flags by name. `follow` speaks of the final link only."""

    read: bool = True
    write: bool = False
    create: bool = False
    exclusive: bool = False
    truncate: bool = False
    directory: bool = False
    append: bool = False
    nonblock: bool = False
    sync: bool = False
    data_sync: bool = False
    follow: bool = True
    mode: int = 0o666

    @property
    def changes(self) -> bool:
        """Whether this opening alone may change the file or the directory."""
        return self.write or self.truncate or self.create


def refuse(code: int, path: bytes | None = None) -> OSError:
    """The OSError of an errno, to be raised."""
    return OSError(code, os.strerror(code), path)


class Handle:
    """Something a guest can hold open. `kind` tells which it is; `closed` ends it."""

    __slots__ = ("__weakref__",)

    kind: Kind = Kind.UNKNOWN

    def stat(self) -> Stat:
        """fstat(2)."""
        raise refuse(errno.EBADF)

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        """futimens(2): nanoseconds since the epoch, None leaves a time as it is."""
        raise refuse(errno.EBADF)

    def chmod(self, mode: int) -> None:
        """fchmod(2); set-id bits are refused."""
        raise refuse(errno.EBADF)

    def chown(self, uid: int, gid: int) -> None:
        """fchown(2); -1 leaves one as it is."""
        raise refuse(errno.EBADF)

    def sync(self, *, data_only: bool = False) -> None:
        """fsync(2), or fdatasync(2)."""
        raise refuse(errno.EINVAL)

    def read(self, into: Sequence[memoryview]) -> int:
        """readv(2) at the file's own position: how many bytes, 0 at the end."""
        raise refuse(errno.EISDIR)

    def write(self, parts: Sequence[memoryview]) -> int:
        """writev(2) at the file's own position."""
        raise refuse(errno.EBADF)

    def readiness(self, events: int) -> Readiness:
        """How to find out whether reading or writing would block; see `polling`."""
        raise refuse(errno.EPERM)

    def close(self) -> None:
        """Give the resource back. Closing twice is harmless."""


class File(Handle):
    """An open file description: a regular file, a stream, a pipe end or a socket."""

    __slots__ = ("append", "data_sync", "nonblock", "readable", "sync_writes", "writable")

    kind: Kind = Kind.REGULAR

    def __init__(self, *, readable: bool = False, writable: bool = False) -> None:
        self.readable = readable
        self.writable = writable
        self.append = False
        self.nonblock = False
        self.sync_writes = False
        self.data_sync = False

    def read(self, into: Sequence[memoryview]) -> int:
        """readv(2) at the file's own position: how many bytes, 0 at the end."""
        raise refuse(errno.EBADF)

    def write(self, parts: Sequence[memoryview]) -> int:
        """writev(2) at the file's own position."""
        raise refuse(errno.EBADF)

    def read_at(self, into: Sequence[memoryview], offset: int) -> int:
        """preadv(2)."""
        raise refuse(errno.ESPIPE)

    def write_at(self, parts: Sequence[memoryview], offset: int) -> int:
        """pwritev(2)."""
        raise refuse(errno.ESPIPE)

    def seek(self, offset: int, whence: Whence) -> int:
        """lseek(2): the new position."""
        raise refuse(errno.ESPIPE)

    def truncate(self, size: int) -> None:
        """ftruncate(2)."""
        raise refuse(errno.EINVAL)

    def allocate(self, offset: int, length: int) -> None:
        """posix_fallocate(3): the file is at least offset + length long afterwards."""
        raise refuse(errno.ESPIPE)

    def advise(self, offset: int, length: int, advice: int) -> None:
        """posix_fadvise(2); the answer may be to do nothing."""
        raise refuse(errno.ESPIPE)

    def set_flags(self, *, append: bool, nonblock: bool, data_sync: bool, sync: bool) -> None:
        """fcntl(F_SETFL): what a file description may change after it was opened."""
        self.append = append
        self.nonblock = nonblock
        self.data_sync = data_sync
        self.sync_writes = sync

    def is_terminal(self) -> bool:
        """isatty(3)."""
        return False


class Directory(Handle):
    """An open directory: every path is relative to it and cannot lead out of it.

    `other` in `link` and `rename` is the directory of the new name; the two must be of one grant's
    kind (both of the host, or the same overlay), else EXDEV.
    """

    __slots__ = ()

    kind: Kind = Kind.DIRECTORY

    def open(self, path: bytes, how: Opening) -> File | Directory:
        """openat(2)."""
        raise refuse(errno.ENOENT, path)

    def stat_path(self, path: bytes, *, follow: bool = True) -> Stat:
        """fstatat(2)."""
        raise refuse(errno.ENOENT, path)

    def set_path_times(
        self, path: bytes, accessed: int | None, modified: int | None, *, follow: bool = True
    ) -> None:
        """utimensat(2)."""
        raise refuse(errno.ENOENT, path)

    def chmod_path(self, path: bytes, mode: int, *, follow: bool = True) -> None:
        """fchmodat(2)."""
        raise refuse(errno.ENOENT, path)

    def chown_path(self, path: bytes, uid: int, gid: int, *, follow: bool = True) -> None:
        """fchownat(2)."""
        raise refuse(errno.ENOENT, path)

    def make_directory(self, path: bytes, mode: int = 0o777) -> None:
        """mkdirat(2)."""
        raise refuse(errno.ENOENT, path)

    def remove_directory(self, path: bytes) -> None:
        """unlinkat(2) with AT_REMOVEDIR."""
        raise refuse(errno.ENOENT, path)

    def unlink(self, path: bytes) -> None:
        """unlinkat(2)."""
        raise refuse(errno.ENOENT, path)

    def symlink(self, target: bytes, path: bytes) -> None:
        """symlinkat(2): a target that is absolute, or leads out of the grant, is refused."""
        raise refuse(errno.ENOENT, path)

    def readlink(self, path: bytes) -> bytes:
        """readlinkat(2)."""
        raise refuse(errno.ENOENT, path)

    def link(self, path: bytes, other: Directory, other_path: bytes) -> None:
        """linkat(2) without AT_SYMLINK_FOLLOW."""
        raise refuse(errno.ENOENT, path)

    def rename(
        self, path: bytes, other: Directory, other_path: bytes, *, replace: bool = True
    ) -> None:
        """renameat2(2); `replace` false is RENAME_NOREPLACE."""
        raise refuse(errno.ENOENT, path)

    def entries(self) -> list[Entry]:
        """What the directory holds now, `.` and `..` first."""
        raise refuse(errno.ENOENT)
