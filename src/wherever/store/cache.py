"""Owns the cache: bytes that we made, found again by what they were made from, within a quota."""

from __future__ import annotations

import errno
import os
import time

from wherever.store.digest import Digest, digest_of, digest_of_descriptor, is_digest
from wherever.store.folder import Folder, cache_root
from wherever.store.ledger import Ledger
from wherever.store.lock import locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer  # in collections.abc from 3.12

__all__ = ["Cache", "Entry", "Usage", "open_cache"]

DEFAULT_QUOTA = 2 << 30
_LOCK = "cache.lock"
_OBJECTS = "objects"
_COPIED = 1 << 20  # from this size on an object is hashed as it is copied, and never held whole
_USE_RESOLUTION = 60.0  # seconds: a use is noted at most this often

# A cache that cannot be written to is slower, not broken: these leave the entry absent.
_NO_ROOM = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO}
)


class Entry:
    """One object of the cache: its digest, its size and when it was last used (seconds)."""

    __slots__ = ("digest", "size", "used")

    def __init__(self, digest: Digest, size: int, used: float) -> None:
        self.digest = digest
        self.size = size
        self.used = used

    def __repr__(self) -> str:
        return f"Entry(digest={self.digest!r}, size={self.size}, used={self.used})"


class Usage:
    """What the cache holds, and what it may hold."""

    __slots__ = ("bytes", "entries", "quota")

    def __init__(self, entries: int, bytes_: int, quota: int) -> None:
        self.entries = entries
        self.bytes = bytes_
        self.quota = quota

    def __repr__(self) -> str:
        return f"Usage(entries={self.entries}, bytes={self.bytes}, quota={self.quota})"


class Cache:
    """Keyed, content-addressed bytes in a folder of ours.

    A key is the digest of everything that decides the bytes (see `digest_of_parts`). `put` stores
    the bytes under their own digest, then writes key and digest into the ledger; `get` asks the
    ledger and hashes what it finds. So an entry is whole or absent, and damaged, swapped or forged
    files are absent too.
    """

    __slots__ = ("_folder", "_objects", "ledger", "quota")

    def __init__(self, path: str | os.PathLike[str], *, quota: int = DEFAULT_QUOTA) -> None:
        self._folder = Folder(path)
        self._objects = self._folder.subfolder(_OBJECTS)
        self.ledger = Ledger(self._folder)
        self.quota = quota

    @property
    def path(self) -> str:
        """The cache's folder."""
        return self._folder.path

    def close(self) -> None:
        """Close the folders; the cache is of no use afterwards."""
        self._objects.close()
        self._folder.close()

    def put(self, key: Digest, data: Buffer) -> bool:
        """Keep bytes that we made from what `key` names.

        False means that the disk would not take them: `get` then finds nothing, as before. Bytes
        larger than the quota are not kept either.
        """
        size = memoryview(data).nbytes
        if size > self.quota:
            return False
        digest = digest_of(data)
        try:
            self._make_room(size)
            self._objects.write(digest, data)
            self.ledger.record(digest, key)
        except OSError as error:
            if error.errno in _NO_ROOM:
                return False
            raise
        return True

    def get(self, key: Digest) -> bytes | None:
        """The bytes that we made from what `key` names, checked against the ledger; or None."""
        digest = self.ledger.made_from(key)
        return None if digest is None else self._checked(digest)

    def descriptor(self, key: Digest) -> int | None:
        """A descriptor of the checked bytes, for another process or for mapping; or None.

        It is memory, sealed: whoever receives it cannot change the bytes, nor reach the cache.
        """
        digest = self.ledger.made_from(key)
        if digest is None:
            return None
        fd = self._objects.open(digest)
        if fd is None:
            return None
        try:
            status = os.fstat(fd)
            if status.st_size < _COPIED:
                data = self._checked(digest)
                return None if data is None else sealed(data)
            memory, copied = _sealed_copy(fd, status.st_size)
            if copied != digest:
                os.close(memory)
                self._objects.remove(digest)
                return None
            if time.time() - status.st_mtime > _USE_RESOLUTION:
                _touch(fd)
            return memory
        finally:
            os.close(fd)

    def holds(self, key: Digest) -> bool:
        """Whether `get` would most likely find something; does not read the bytes."""
        digest = self.ledger.made_from(key)
        return digest is not None and digest in self._objects.names()

    def entries(self) -> list[Entry]:
        """Every object, the least recently used first."""
        found: list[Entry] = []
        with os.scandir(self._objects.fd) as scan:
            for item in scan:
                if not is_digest(item.name):
                    continue
                try:
                    status = item.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                found.append(Entry(Digest(item.name), status.st_size, status.st_mtime))
        found.sort(key=lambda entry: (entry.used, entry.digest))
        return found

    def usage(self) -> Usage:
        """How much the cache holds."""
        entries = self.entries()
        return Usage(len(entries), sum(entry.size for entry in entries), self.quota)

    def clear(self) -> Usage:
        """Remove every object and forget the ledger; returns what was held."""
        with locked(self._folder.fd, _LOCK):
            held = self.usage()
            self.ledger.forget()
            for name in self._objects.names():
                self._objects.remove(name)
            self._objects.sweep()
        return held

    def _checked(self, digest: Digest) -> bytes | None:
        fd = self._objects.open(digest)
        if fd is None:
            return None
        try:
            status = os.fstat(fd)
            data = _read(fd, status.st_size)
            if digest_of(data) != digest:
                self._objects.remove(digest)  # damaged: it will be made anew
                return None
            if time.time() - status.st_mtime > _USE_RESOLUTION:
                _touch(fd)
        finally:
            os.close(fd)
        return data

    def _make_room(self, size: int) -> None:
        """Evict the least recently used objects until `size` more bytes fit in the quota."""
        entries = self.entries()
        held = sum(entry.size for entry in entries)
        if held + size <= self.quota:
            return
        with locked(self._folder.fd, _LOCK):
            self._objects.sweep()
            entries = self.entries()
            held = sum(entry.size for entry in entries)
            for entry in entries:
                if held + size <= self.quota * 9 // 10 or held == 0:
                    break
                if self._objects.remove(entry.digest):
                    held -= entry.size


def open_cache(name: str, *, quota: int | None = None) -> Cache:
    """The cache called `name` ("code", "translations", ...) under `cache_root()`.

    The quota comes from `WHEREVER_CACHE_QUOTA` (bytes) where none is given, else 2 GiB. Raises
    `Denied` where the folder is not ours alone, and OSError where it cannot be created.
    """
    if quota is None:
        text = os.environ.get("WHEREVER_CACHE_QUOTA", "")
        quota = int(text) if text.isdecimal() else DEFAULT_QUOTA
    return Cache(os.path.join(cache_root(), name), quota=quota)


def sealed(data: Buffer) -> int:
    """A descriptor of these bytes in memory that nobody can change any more (memfd_create(2))."""
    fd = _memory()
    try:
        view = memoryview(data).cast("B")
        while view:
            view = view[os.write(fd, view) :]
        _seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _memory() -> int:
    return os.memfd_create("wherever", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def _seal(fd: int) -> None:
    import fcntl

    os.lseek(fd, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)


def _sealed_copy(source: int, size: int) -> tuple[int, Digest | None]:
    """A file's bytes as `sealed` has them, and the digest of what was copied."""
    fd = _memory()
    try:
        digest = digest_of_descriptor(source, size, fd)
        _seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd, digest


def _read(fd: int, size: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(fd, size + 1):
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _touch(fd: int) -> None:
    try:
        os.utime(fd)
    except OSError:
        return  # a read-only file system: eviction will not know of this use
