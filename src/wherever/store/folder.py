"""Owns folders that are ours alone, and the atomic write: a file appears whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

from wherever.errors import Denied
from wherever.store.lock import is_locked_elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer  # in collections.abc from 3.12

__all__ = ["Folder", "cache_root"]

_ASIDE = "aside"
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CHUNK = 1 << 20


def cache_root() -> str:
    """Where the caches live: `WHEREVER_CACHE`, else `wherever` in the user's cache folder."""
    if named := os.environ.get("WHEREVER_CACHE"):
        return os.path.abspath(named)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the XDG specification: relative paths are invalid, ignore them
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "wherever")


class Folder:
    """An open folder that only we can write to.

    All work is relative to its descriptor, so nobody can swap the folder under us afterwards.
    A folder of someone else's, or one that others can write to, is refused: what we find in it
    would prove nothing (DESIGN, "Decisions with evidence", 8).
    """

    __slots__ = ("fd", "path")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.fd = -1
        with_parents(self.path)
        fd = os.open(self.path, _OPEN_FOLDER)
        try:
            _require_ours(fd, self.path)
        except BaseException:
            os.close(fd)
            raise
        self.fd = fd

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor; doing it twice is harmless."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def subfolder(self, name: str) -> Folder:
        """The folder `name` inside this one, created if need be, held to the same conditions."""
        return Folder(os.path.join(self.path, name))

    def names(self) -> list[str]:
        """The names of the plain entries, without the aside folder."""
        return sorted(name for name in os.listdir(self.fd) if name != _ASIDE)

    def write(self, name: str, data: Buffer) -> None:
        """Write a file whole: aside, fsync, rename, fsync of the folder.

        Readers see the old file, no file or the new one; so does the disk after a crash. On any
        error (a full disk, a size limit) nothing of the new file is left.
        """
        aside = os.path.join(_ASIDE, f"{os.getpid()}-{os.urandom(8).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            fd = os.open(aside, flags, 0o600, dir_fd=self.fd)
        except FileNotFoundError:
            with_mkdir(_ASIDE, self.fd)
            fd = os.open(aside, flags, 0o600, dir_fd=self.fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)  # says "the writer is alive" to sweep()
            view = memoryview(data).cast("B")
            while view:
                view = view[os.write(fd, view[:_CHUNK]) :]
            os.fchmod(fd, 0o400)
            os.fsync(fd)
            os.rename(aside, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)
        except BaseException:
            self.remove(aside)
            raise
        finally:
            os.close(fd)
        os.fsync(self.fd)

    def read(self, name: str) -> bytes | None:
        """The file's bytes, or None if there is no such plain file of ours."""
        fd = self.open(name)
        if fd is None:
            return None
        try:
            return _read_all(fd)
        finally:
            os.close(fd)

    def open(self, name: str) -> int | None:
        """A descriptor for reading the file, or None if there is no such plain file of ours."""
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            fd = os.open(name, flags, dir_fd=self.fd)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                return None
            raise
        status = os.fstat(fd)
        ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if not ours or status.st_mode & 0o022:
            os.close(fd)
            return None
        return fd

    def remove(self, name: str) -> bool:
        """Remove a file; False if it was not there."""
        try:
            os.unlink(name, dir_fd=self.fd)
        except FileNotFoundError:
            return False
        return True

    def sweep(self) -> int:
        """Remove what dead writers left aside; returns how many files that was."""
        swept = 0
        try:
            aside = os.open(_ASIDE, _OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=self.fd)
        except FileNotFoundError:
            return 0
        try:
            for name in os.listdir(aside):
                swept += _swept(name, aside)
        finally:
            os.close(aside)
        return swept


def with_parents(path: str) -> None:
    """Create the folder, and those above it, with mode 0700 where they are missing."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        with_parents(os.path.dirname(path))
        with_mkdir(path, None)


def with_mkdir(name: str, dir_fd: int | None) -> None:
    """Create one folder with mode 0700; another process may have done it first."""
    try:
        os.mkdir(name, 0o700, dir_fd=dir_fd)
    except FileExistsError:
        return


def _require_ours(fd: int, path: str) -> None:
    status = os.fstat(fd)
    if status.st_uid != os.geteuid():
        raise Denied(
            f"the cache folder {path} belongs to user {status.st_uid} and we are user "
            f"{os.geteuid()}: what it holds cannot be trusted; "
            "name a folder of your own in WHEREVER_CACHE"
        )
    if status.st_mode & 0o022:
        raise Denied(
            f"the cache folder {path} can be written to by others (mode "
            f"{stat.S_IMODE(status.st_mode):04o}): what it holds cannot be trusted; "
            "chmod 700 it, or name another folder in WHEREVER_CACHE"
        )
    if status.st_mode & 0o055:
        os.fchmod(fd, 0o700)  # ours, and merely readable by others: close it


def _swept(name: str, aside: int) -> bool:
    """Remove one file left aside, if its writer is dead."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=aside)
    except OSError:
        return False  # renamed into place meanwhile
    try:
        # A writer takes its lock just after creating the file: spare the newborn.
        if time.time() - os.fstat(fd).st_mtime < 1.0 or is_locked_elsewhere(fd):
            return False
        os.unlink(name, dir_fd=aside)
    except FileNotFoundError:
        return False
    finally:
        os.close(fd)
    return True


def _read_all(fd: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(fd, max(_CHUNK, os.fstat(fd).st_size + 1)):
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
