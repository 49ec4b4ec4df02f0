"""Owns wasi:filesystem 0.2: descriptors over the granted directories and what is opened in them."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from wherever.hosts.component.wasi.errors import error_code, label_of
from wherever.hosts.component.wasi.io import MOST, Error, InputStream, OutputStream
from wherever.hosts.component.wasi.plain import datetime
from wherever.system.handles import Directory, Entry, File, Handle, Kind, Opening, Stat, refuse
from wherever.system.surroundings import Surroundings

_blake2b: Any = __import__("_blake2").blake2b  # `hashlib` would load OpenSSL too
_TYPES = {
    Kind.REGULAR: "regular-file",
    Kind.DIRECTORY: "directory",
    Kind.SYMLINK: "symbolic-link",
    Kind.CHARACTER: "character-device",
    Kind.BLOCK: "block-device",
    Kind.FIFO: "fifo",
    Kind.SOCKET: "socket",
    Kind.UNKNOWN: "unknown",
}
# descriptor-flags, path-flags and open-flags by their bits, in the order of the interface
_READ, _WRITE, _FILE_SYNC, _DATA_SYNC, _REQUESTED_SYNC, _MUTATE = (1 << i for i in range(6))
_FOLLOW = 1
_CREATE, _DIRECTORY, _EXCLUSIVE, _TRUNCATE = (1 << i for i in range(4))


def _stat(stat: Stat) -> dict[str, Any]:
    return {
        "type": _TYPES[stat.kind],
        "link_count": stat.links,
        "size": stat.size,
        "data_access_timestamp": datetime(stat.accessed),
        "data_modification_timestamp": datetime(stat.modified),
        "status_change_timestamp": datetime(stat.changed),
    }


def _hash(stat: Stat) -> dict[str, int]:
    text = f"{stat.device} {stat.inode} {stat.size} {stat.modified} {stat.kind.value}"
    digest = _blake2b(text.encode(), digest_size=16).digest()
    return {
        "lower": int.from_bytes(digest[:8], "little"),
        "upper": int.from_bytes(digest[8:], "little"),
    }


class DirectoryEntryStream:
    """wasi:filesystem/types.directory-entry-stream"""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = [e for e in entries if e.name not in (b".", b"..")]
        self.at = 0

    def read_directory_entry(self) -> dict[str, str] | None:
        """The next entry; names that are not Unicode are not shown."""
        while self.at < len(self.entries):
            entry = self.entries[self.at]
            self.at += 1
            try:
                return {"type": _TYPES[entry.kind], "name": entry.name.decode()}
            except UnicodeDecodeError:
                continue
        return None


class Descriptor:
    """wasi:filesystem/types.descriptor"""

    def __init__(self, world: Surroundings, count: Count, handle: Handle, flags: int) -> None:
        count.take()
        self.world = world
        self.count = count
        self.handle = handle
        self.flags = flags

    def __drop__(self) -> None:
        self.count.open -= 1
        if not any(self.handle is directory for _, directory in self.world.preopens):
            self.handle.close()

    def file(self) -> File:
        """The file this is, else is-directory."""
        if isinstance(self.handle, File):
            return self.handle
        raise refuse(errno.EISDIR)

    def directory(self) -> Directory:
        """The directory this is, else not-directory."""
        if isinstance(self.handle, Directory):
            return self.handle
        raise refuse(errno.ENOTDIR)

    def readable(self) -> File:
        """The file this is, if it was opened for reading."""
        file = self.file()
        if not self.flags & _READ:
            raise refuse(errno.EBADF)
        return file

    def writable(self) -> File:
        """The file this is, if it was opened for writing."""
        file = self.file()
        if not self.flags & _WRITE:
            raise refuse(errno.EBADF)
        return file

    # -- files -------------------------------------------------------------------------------

    @error_code
    def read_via_stream(self, offset: int) -> InputStream:
        """A stream from `offset` on."""
        return InputStream(self.world, self.readable(), offset)

    @error_code
    def write_via_stream(self, offset: int) -> OutputStream:
        """A stream to `offset` and on."""
        return OutputStream(self.world, self.writable(), offset)

    @error_code
    def append_via_stream(self) -> OutputStream:
        """A stream to the end."""
        return OutputStream(self.world, self.writable(), append=True)

    @error_code
    def advise(self, offset: int, length: int, advice: Any) -> None:
        """posix_fadvise(2)"""
        self.file().advise(offset, length, int(advice.value))

    @error_code
    def sync_data(self) -> None:
        """fdatasync(2)"""
        self.handle.sync(data_only=True)

    @error_code
    def sync(self) -> None:
        """fsync(2)"""
        self.handle.sync()

    @error_code
    def get_flags(self) -> frozenset[str]:
        """How it was opened."""
        labels = (
            "read",
            "write",
            "file-integrity-sync",
            "data-integrity-sync",
            "requested-write-sync",
            "mutate-directory",
        )
        return frozenset(label for i, label in enumerate(labels) if self.flags >> i & 1)

    @error_code
    def get_type(self) -> str:
        """What it is."""
        return _TYPES[self.handle.kind]

    @error_code
    def set_size(self, size: int) -> None:
        """ftruncate(2)"""
        self.writable().truncate(size)

    @error_code
    def set_times(self, accessed: Any, modified: Any) -> None:
        """futimens(2)"""
        self.handle.set_times(self._time(accessed), self._time(modified))

    def _time(self, given: Any) -> int | None:
        match type(given).__dict__["_wit_name"]:
            case "no-change":
                return None
            case "now":
                return self.world.clocks.realtime()
            case _:
                value = given.value
                return int(value.seconds) * 1_000_000_000 + int(value.nanoseconds)

    @error_code
    def read(self, length: int, offset: int) -> tuple[bytes, bool]:
        """pread(2): the bytes, and whether the end was reached."""
        buffer = bytearray(min(length, MOST))
        count = self.readable().read_at([memoryview(buffer)], offset)
        return bytes(memoryview(buffer)[:count]), count == 0 and length > 0

    @error_code
    def write(self, buffer: bytes, offset: int) -> int:
        """pwrite(2)"""
        return self.writable().write_at([memoryview(buffer)], offset)

    # -- directories -------------------------------------------------------------------------

    @error_code
    def read_directory(self) -> DirectoryEntryStream:
        """What is in it now."""
        return DirectoryEntryStream(self.directory().entries())

    @error_code
    def create_directory_at(self, path: str) -> None:
        """mkdirat(2)"""
        self.directory().make_directory(path.encode())

    @error_code
    def stat(self) -> dict[str, Any]:
        """fstat(2)"""
        return _stat(self.handle.stat())

    @error_code
    def stat_at(self, path_flags: Any, path: str) -> dict[str, Any]:
        """fstatat(2)"""
        follow = bool(path_flags.value & _FOLLOW)
        return _stat(self.directory().stat_path(path.encode(), follow=follow))

    @error_code
    def set_times_at(self, path_flags: Any, path: str, accessed: Any, modified: Any) -> None:
        """utimensat(2)"""
        follow = bool(path_flags.value & _FOLLOW)
        self.directory().set_path_times(
            path.encode(), self._time(accessed), self._time(modified), follow=follow
        )

    @error_code
    def link_at(
        self, path_flags: Any, old_path: str, new_descriptor: Descriptor, new_path: str
    ) -> None:
        """linkat(2)"""
        if path_flags.value & _FOLLOW:
            raise refuse(errno.EINVAL)
        self.directory().link(old_path.encode(), new_descriptor.directory(), new_path.encode())

    @error_code
    def open_at(self, path_flags: Any, path: str, open_flags: Any, flags: Any) -> Descriptor:
        """openat(2)"""
        how, wanted = int(open_flags.value), int(flags.value)
        write = bool(wanted & _WRITE)
        opening = Opening(
            read=bool(wanted & _READ) or not write,
            write=write,
            create=bool(how & _CREATE),
            exclusive=bool(how & _EXCLUSIVE),
            truncate=bool(how & _TRUNCATE),
            directory=bool(how & _DIRECTORY),
            sync=bool(wanted & _FILE_SYNC),
            data_sync=bool(wanted & (_DATA_SYNC | _REQUESTED_SYNC)),
            follow=bool(path_flags.value & _FOLLOW),
        )
        self.count.check()
        opened = self.directory().open(path.encode(), opening)
        return Descriptor(self.world, self.count, opened, wanted)

    @error_code
    def readlink_at(self, path: str) -> str:
        """readlinkat(2)"""
        target = self.directory().readlink(path.encode())
        try:
            return target.decode()
        except UnicodeDecodeError:
            raise refuse(errno.EILSEQ) from None

    @error_code
    def remove_directory_at(self, path: str) -> None:
        """rmdir(2)"""
        self.directory().remove_directory(path.encode())

    @error_code
    def rename_at(self, old_path: str, new_descriptor: Descriptor, new_path: str) -> None:
        """renameat(2)"""
        self.directory().rename(old_path.encode(), new_descriptor.directory(), new_path.encode())

    @error_code
    def symlink_at(self, old_path: str, new_path: str) -> None:
        """symlinkat(2)"""
        self.directory().symlink(old_path.encode(), new_path.encode())

    @error_code
    def unlink_file_at(self, path: str) -> None:
        """unlinkat(2)"""
        self.directory().unlink(path.encode())

    def is_same_object(self, other: Descriptor) -> bool:
        """Are both the same file?"""
        try:
            a, b = self.handle.stat(), other.handle.stat()
        except OSError:
            return False
        return (a.device, a.inode) == (b.device, b.inode)

    @error_code
    def metadata_hash(self) -> dict[str, int]:
        """A number that changes when the file does."""
        return _hash(self.handle.stat())

    @error_code
    def metadata_hash_at(self, path_flags: Any, path: str) -> dict[str, int]:
        """A number that changes when the file does."""
        follow = bool(path_flags.value & _FOLLOW)
        return _hash(self.directory().stat_path(path.encode(), follow=follow))


class Count:
    """How many descriptors are open, of how many allowed."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0

    def check(self) -> None:
        """Refuse another."""
        if self.open >= self.most:
            raise refuse(errno.EMFILE)

    def take(self) -> None:
        """One more."""
        self.check()
        self.open += 1


class Types:
    """wasi:filesystem/types"""

    Descriptor = Descriptor
    DirectoryEntryStream = DirectoryEntryStream

    @staticmethod
    def filesystem_error_code(error: Error) -> str | None:
        """The error code behind a stream's error."""
        return label_of(error.cause)


class Preopens:
    """wasi:filesystem/preopens"""

    def __init__(self, world: Surroundings) -> None:
        self.world = world
        self.count = Count(world.files)

    def get_directories(self) -> list[tuple[Descriptor, str]]:
        """The granted directories, then the root that stands for everything not granted."""
        found: list[tuple[bytes, Directory]] = list(self.world.preopens)
        if self.world.ungranted is not None:
            found.append((b"/", self.world.ungranted))
        return [
            (
                Descriptor(self.world, self.count, directory, _READ | _MUTATE),
                path.decode("utf-8", "replace"),
            )
            for path, directory in found
        ]
