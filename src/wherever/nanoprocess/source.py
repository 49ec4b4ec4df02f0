"""Owns a program as it was given: its name, its first bytes, its digest, and all of it if need be.

A cache answers for a digest, so a large program that it knows is hashed piece by piece and never
held.
"""

from __future__ import annotations

import os
import stat

from wherever.store.digest import digest_of, digest_of_descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import FileIO

    from wherever.store import Digest

    Program = str | os.PathLike[str] | bytes

__all__ = ["Source"]

_HEAD = 512
_LARGE = 1 << 20


class Source:
    """A program's bytes, read when they are asked for."""

    __slots__ = ("_data", "_file", "_size", "head", "name")

    def __init__(self, program: Program) -> None:
        self._file: FileIO | None = None
        self._size = 0
        if isinstance(program, bytes | bytearray | memoryview):
            self.name = "program"
            self._keep(bytes(program))
            return
        self.name = os.fspath(program)
        self._file = open(self.name, "rb", buffering=0)  # noqa: SIM115 - closed with the source
        status = os.fstat(self._file.fileno())
        self._size = status.st_size
        if stat.S_ISREG(status.st_mode) and self._size >= _LARGE:
            self._data: bytes | None = None
            self.head = os.pread(self._file.fileno(), _HEAD, 0)
        else:
            self._keep(self._read())

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def digest(self) -> Digest:
        """The digest of the bytes as they are now."""
        if self._data is None and self._file is not None:
            found = digest_of_descriptor(self._file.fileno(), self._size)
            if found is not None:
                return found
        return digest_of(self.data())  # held, or growing while it is read

    def data(self) -> bytes:
        """All bytes; from now on they are what every question is about."""
        if self._data is None:
            self._keep(self._read())
            assert self._data is not None
        return self._data

    def _keep(self, data: bytes) -> None:
        self._data = data
        self.head = data[:_HEAD]

    def _read(self) -> bytes:
        assert self._file is not None
        data = self._file.readall()
        self.close()
        return data
