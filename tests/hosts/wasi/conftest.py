"""A guest made of Python: calls the 46 functions with integers over a linear memory of ours."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wherever.hosts.wasi.abi import DIRECTORY_RIGHTS, FILE_RIGHTS
from wherever.hosts.wasi.binding import bind
from wherever.hosts.wasi.run import Preview1
from wherever.hosts.wasi.table import FUNCTIONS
from wherever.policy import Audit, Grants, Limits
from wherever.system.surroundings import Surroundings, surroundings

ALL_RIGHTS = DIRECTORY_RIGHTS | FILE_RIGHTS


class PythonMemory:
    """A linear memory that is a bytearray."""

    def __init__(self, size: int = 1 << 18) -> None:
        self.data = bytearray(size)

    def view(self) -> memoryview:
        return memoryview(self.data)


class Guest:
    """Calls preview 1 functions as a guest would: errno values; outputs are read back."""

    def __init__(self, around: Surroundings, audit: Audit) -> None:
        self.memory = PythonMemory()
        self.audit = audit
        self.run = Preview1(around, self.memory)
        self.around = around
        self.raw: dict[str, Callable[..., int]] = {
            name: bind(self.run, function) for name, function in FUNCTIONS.items()
        }
        self._next = 1024

    def close(self) -> None:
        self.run.close()
        self.around.close()

    # -- memory

    def put(self, data: bytes) -> tuple[int, int]:
        """Store bytes somewhere, and return their address and length."""
        if self._next + len(data) > len(self.memory.data):
            self._next = 1024
        at = self._next
        self.memory.data[at : at + len(data)] = data
        self._next = (at + len(data) + 15) & ~7
        return at, len(data)

    def room(self, size: int) -> int:
        return self.put(bytes(size))[0]

    def get(self, at: int, size: int) -> bytes:
        return bytes(self.memory.data[at : at + size])

    def u32(self, at: int) -> int:
        return struct.unpack_from("<I", self.memory.data, at)[0]

    def u64(self, at: int) -> int:
        return struct.unpack_from("<Q", self.memory.data, at)[0]

    def vectors(self, *parts: tuple[int, int]) -> tuple[int, int]:
        at, _ = self.put(b"".join(struct.pack("<II", *part) for part in parts))
        return at, len(parts)

    # -- functions, with results as (errno, value)

    def open(
        self,
        path: bytes | str,
        *,
        fd: int = 3,
        oflags: int = 0,
        rights: int = ALL_RIGHTS,
        inheriting: int = ALL_RIGHTS,
        fdflags: int = 0,
        follow: bool = True,
    ) -> tuple[int, int]:
        result = self.room(4)
        code = self.raw["path_open"](
            fd, int(follow), *self._path(path), oflags, rights, inheriting, fdflags, result
        )
        return code, self.u32(result)

    def read(self, fd: int, size: int = 4096) -> tuple[int, bytes]:
        at = self.room(size)
        result = self.room(4)
        code = self.raw["fd_read"](fd, *self.vectors((at, size)), result)
        return code, self.get(at, self.u32(result)) if code == 0 else b""

    def write(self, fd: int, data: bytes) -> int:
        return self.raw["fd_write"](fd, *self.vectors(self.put(data)), self.room(4))

    def stat(
        self, path: bytes | str, *, fd: int = 3, follow: bool = True
    ) -> tuple[int, tuple[Any, ...]]:
        result = self.room(64)
        code = self.raw["path_filestat_get"](fd, int(follow), *self._path(path), result)
        return code, struct.unpack("<QQB7xQQQQQ", self.get(result, 64))

    def call(self, name: str, *arguments: int | bytes | str) -> int:
        """A function by name; a path or bytes stands for its address and length."""
        plain: list[int] = []
        for argument in arguments:
            if isinstance(argument, int):
                plain.append(argument)
            else:
                plain.extend(self._path(argument))
        return self.raw[name](*plain)

    def listing(self, fd: int = 3) -> list[bytes]:
        names: list[bytes] = []
        buffer, used = self.room(4096), self.room(4)
        cookie = 0
        while True:
            assert self.raw["fd_readdir"](fd, buffer, 4096, cookie, used) == 0
            data = self.get(buffer, self.u32(used))
            at = 0
            while at + 24 <= len(data):
                cookie, _, length, _ = struct.unpack_from("<QQIB3x", data, at)
                if at + 24 + length > len(data):
                    break
                names.append(data[at + 24 : at + 24 + length])
                at += 24 + length
            if len(data) < 4096:
                return names

    def contents(self, path: bytes | str, *, fd: int = 3, follow: bool = True) -> bytes | int:
        """What a path's file holds, or the errno of opening or reading it."""
        code, opened = self.open(path, fd=fd, rights=FILE_RIGHTS & ~(1 << 6), follow=follow)
        if code:
            return code
        code, data = self.read(opened)
        self.raw["fd_close"](opened)
        return code or data

    def denials(self) -> str:
        return "\n".join(denial.sentence() for denial in self.audit.denials)

    def _path(self, path: bytes | str) -> tuple[int, int]:
        return self.put(path.encode() if isinstance(path, str) else path)


MakeGuest = Callable[..., Guest]


@pytest.fixture
def make_guest() -> Iterator[MakeGuest]:
    """Makes guests with grants and limits as the command line spells them."""
    made: list[Guest] = []

    def make(
        *dirs: str,
        limits: Limits | None = None,
        arguments: tuple[str, ...] = (),
        streams: Any = None,
        **grants: Any,
    ) -> Guest:
        audit = Audit()
        around = surroundings(
            Grants(dirs=dirs, **grants), limits, arguments, streams=streams, audit=audit
        )
        made.append(Guest(around, audit))
        return made[-1]

    yield make
    for guest in made:
        guest.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory to grant, beside a secret that is not granted."""
    (tmp_path / "secret").write_text("the secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("the secret")
    granted = tmp_path / "granted"
    granted.mkdir()
    (granted / "file").write_text("hello")
    (granted / "sub").mkdir()
    (granted / "sub" / "deep").write_text("deep")
    return granted
