"""Owns the bench: the personality alone, without a translated program, driven call by call."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from pathlib import Path

import wasmtime

from wherever.linux.calls import CALLS
from wherever.linux.module import personality

IMAGE = 0x400000
SCRATCH = 0x410000
NUMBERS = {call.name: call.generic for call in CALLS if call.generic is not None}


class Bench:
    """One instance of the portable personality over `folder`, granted as `/work`."""

    def __init__(self, folder: Path, arguments: list[str], environment: dict[str, str]) -> None:
        config = wasmtime.Config()
        engine = wasmtime.Engine(config)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self.store = wasmtime.Store(engine)
        wasi = wasmtime.WasiConfig()
        wasi.argv = arguments
        wasi.env = list(environment.items())
        self.stdout = folder.parent / f"{folder.name}.stdout"
        self.stderr = folder.parent / f"{folder.name}.stderr"
        wasi.stdout_file = str(self.stdout)
        wasi.stderr_file = str(self.stderr)
        wasi.preopen_dir(str(folder), "/work")
        self.store.set_wasi(wasi)
        module = _module(engine)
        self.exports = linker.instantiate(self.store, module).exports(self.store)
        memory = self.exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self.memory = memory
        memory.grow(self.store, (0x500000 >> 16) - memory.size(self.store))
        segment = 0x1C0000
        self.put(segment, struct.pack("<4Q", IMAGE, 0x500000, 7, 0))
        fields = [IMAGE, 0, 0, 56, 0, IMAGE, 0x500000, 3, 0, segment, 1, 0, 0, 0, 0]
        self.put(self.address("linux_image"), struct.pack("<15Q", *fields))
        self._call = self._function("linux_syscall")
        self._at = SCRATCH
        self.sp = self._function("linux_start")(self.store)

    def _function(self, name: str) -> Callable[..., int]:
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        return function

    def address(self, name: str) -> int:
        """Where a datum of the personality lies."""
        exported = self.exports[name]
        assert isinstance(exported, wasmtime.Global)
        value: int = exported.value(self.store)
        return value

    def put(self, address: int, content: bytes) -> None:
        """Write guest memory."""
        self.memory.write(self.store, content, address)

    def get(self, address: int, size: int) -> bytes:
        """Read guest memory."""
        return bytes(self.memory.read(self.store, address, address + size))

    def buffer(self, content: bytes | int) -> int:
        """Room in guest memory, filled, or of a size; 64-byte aligned."""
        data = content if isinstance(content, bytes) else bytes(content)
        at = self._at
        self._at += (len(data) + 64) & ~63
        if self._at > 0x4F0000:
            self._at = at = SCRATCH
            self._at += (len(data) + 64) & ~63
        self.put(at, data)
        return at

    def __call__(self, name: str, *arguments: int | bytes | str) -> int:
        """Make a system call; a string or bytes is put into memory (a string with its zero)."""
        words = []
        for argument in arguments:
            if isinstance(argument, str):
                argument = argument.encode() + b"\0"
            if isinstance(argument, bytes):
                argument = self.buffer(argument)
            words.append(ctypes.c_int64(argument).value)
        words += [0] * (6 - len(words))
        return self._call(self.store, NUMBERS[name], *words)

    def registers(self) -> int:
        """What generated code does after a call that left `linux_pending` set."""
        self.put(self.address("linux_pending"), b"\0\0\0\0")
        return self._function("linux_registers")(self.store)

    @property
    def pending(self) -> bool:
        """Whether the last call wants `linux_registers` next."""
        return self.get(self.address("linux_pending"), 4) != b"\0\0\0\0"


def _module(engine: wasmtime.Engine) -> wasmtime.Module:
    serialized = _serialized()
    return wasmtime.Module.deserialize(engine, serialized)


_COMPILED: list[bytearray] = []


def _serialized() -> bytearray:
    if not _COMPILED:
        engine = wasmtime.Engine()
        _COMPILED.append(wasmtime.Module(engine, personality("wasi")).serialize())
    return _COMPILED[0]
