"""Owns the bench: the personality alone, without a translated program, driven call by call."""

from __future__ import annotations

import ctypes
import os
import struct
from functools import cache
from pathlib import Path
from typing import Any

import wasmtime

from wherever.engine.engine import Code, Engine
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.hosts.linux.command import instantiate
from wherever.linux.calls import CALLS
from wherever.linux.module import personality
from wherever.policy import Audit
from wherever.policy.grammar import parse_words
from wherever.system.host_file import HostStream
from wherever.system.surroundings import surroundings

IMAGE = 0x400000
SCRATCH = 0x410000
SCRATCH_END = 0x4F0000
SEGMENT = 0x1C0000
NUMBERS = {call.name: call.generic for call in CALLS if call.generic is not None}
TARGETS = ("wasi", "wherever")


class Bench:
    """One personality over `folder`, granted as `/work`; a subclass says under which host."""

    stdout: Path
    stderr: Path

    def export(self, name: str) -> int:
        """The value of an exported global."""
        raise NotImplementedError

    def call(self, name: str, *arguments: int) -> Any:
        """Call an exported function."""
        raise NotImplementedError

    def put(self, address: int, content: bytes) -> None:
        """Write guest memory."""
        raise NotImplementedError

    def get(self, address: int, size: int) -> bytes:
        """Read guest memory."""
        raise NotImplementedError

    def start(self) -> None:
        """What the translator's data segment and `_start` do."""
        self.put(SEGMENT, struct.pack("<4Q", IMAGE, 0x500000, 7, 0))
        fields = [IMAGE, 0, 0, 56, 0, IMAGE, 0x500000, 3, 0, SEGMENT, 1, 0, 0, 0, 0]
        self.put(self.export("linux_image"), struct.pack("<15Q", *fields))
        self._at = SCRATCH
        self.sp: int = self.call("linux_start")

    def buffer(self, content: bytes | int) -> int:
        """Room in guest memory, filled, or of a size; 64-byte aligned."""
        data = content if isinstance(content, bytes) else bytes(content)
        if self._at + len(data) + 64 > SCRATCH_END:
            self._at = SCRATCH
        at = self._at
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
        result: int = self.call("linux_syscall", NUMBERS[name] or 0, *words)
        return result

    def registers(self) -> int:
        """What generated code does after a call that left `linux_pending` set."""
        self.put(self.export("linux_pending"), b"\0\0\0\0")
        changed: int = self.call("linux_registers")
        return changed

    @property
    def pending(self) -> bool:
        """Whether the last call wants `linux_registers` next."""
        return self.get(self.export("linux_pending"), 4) != b"\0\0\0\0"


class Portable(Bench):
    """The `wasi` personality under wasmtime's own preview 1."""

    def __init__(
        self,
        folder: Path,
        arguments: list[str],
        environment: dict[str, str],
        at: str = "/work",
    ) -> None:
        engine = wasmtime.Engine()
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
        wasi.preopen_dir(str(folder), at)
        self.store.set_wasi(wasi)
        module = wasmtime.Module.deserialize(engine, _serialised())
        self.exports = linker.instantiate(self.store, module).exports(self.store)
        memory = self.exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self.memory = memory
        memory.grow(self.store, (0x500000 >> 16) - memory.size(self.store))
        self.start()

    def export(self, name: str) -> int:
        exported = self.exports[name]
        assert isinstance(exported, wasmtime.Global)
        return int(exported.value(self.store))

    def call(self, name: str, *arguments: int) -> Any:
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        return function(self.store, *arguments)

    def put(self, address: int, content: bytes) -> None:
        self.memory.write(self.store, content, address)

    def get(self, address: int, size: int) -> bytes:
        return bytes(self.memory.read(self.store, address, address + size))


@cache
def _serialised() -> bytearray:
    return wasmtime.Module(wasmtime.Engine(), personality("wasi")).serialize()


@cache
def _code() -> Code:
    return Engine.of(Profile()).compile(personality("wherever"))


class Hosted(Bench):
    """The `wherever` personality under our own host, with our own imports."""

    def __init__(
        self,
        folder: Path,
        arguments: list[str],
        environment: dict[str, str],
        mode: str = "rw",
        code: Code | None = None,
    ) -> None:
        code = code or _code()
        self.audit = Audit()
        words = ["--dir", f"{folder}::/work,{mode}"]
        for name, value in environment.items():
            words += ["--env", f"{name}={value}"]
        self.stdout = folder.parent / f"{folder.name}.stdout"
        self.stderr = folder.parent / f"{folder.name}.stderr"
        standard = [
            os.open(os.devnull, os.O_RDONLY),
            os.open(self.stdout, os.O_CREAT | os.O_WRONLY, 0o644),
            os.open(self.stderr, os.O_CREAT | os.O_WRONLY, 0o644),
        ]
        streams = (
            HostStream(standard[0], readable=True, writable=False),
            HostStream(standard[1], readable=False, writable=True),
            HostStream(standard[2], readable=False, writable=True),
        )
        self.around = surroundings(
            parse_words(words).grants, None, arguments, streams=streams, audit=self.audit
        )
        self.store = Store(code.engine)
        self.instance, self.linux = instantiate(self.store, code, self.around)
        self.memory = self.instance.memory("memory")
        self.memory.grow((0x500000 >> 16) - (len(self.memory.view()) >> 16))
        self.start()

    def close(self) -> None:
        """Give everything back."""
        self.linux.close()
        self.linux.wasi.close()
        self.around.close()
        self.memory.release()
        self.store.close()

    def export(self, name: str) -> int:
        exported: Any = self.instance[name]
        return int(exported.get())

    def call(self, name: str, *arguments: int) -> Any:
        return self.instance.func(name).call(*arguments)

    def put(self, address: int, content: bytes) -> None:
        self.memory.write(address, content)

    def get(self, address: int, size: int) -> bytes:
        return self.memory.read(address, size)


def bench(target: str, folder: Path) -> Bench:
    """A personality that has started, by target."""
    arguments, environment = ["/bin/prog", "one", "two"], {"PWD": "/work", "HOME": "/"}
    if target == "wasi":
        return Portable(folder, arguments, environment)
    return Hosted(folder, arguments, environment)
