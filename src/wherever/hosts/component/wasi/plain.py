"""Owns the small interfaces of WASI 0.2: wasi:clocks, wasi:random and wasi:cli."""

from __future__ import annotations

import os
from typing import Any, NoReturn

from wherever.component.canonical.values import Err, Ok
from wherever.errors import LimitExceeded
from wherever.hosts.component.wasi.io import InputStream, OutputStream, Pollable
from wherever.hosts.wasi.run import GuestExit
from wherever.system.handles import File
from wherever.system.surroundings import Surroundings

_MOST_RANDOM = 1 << 24


class MonotonicClock:
    """wasi:clocks/monotonic-clock"""

    def __init__(self, world: Surroundings) -> None:
        self.world = world

    def now(self) -> int:
        """Nanoseconds."""
        return self.world.clocks.monotonic()

    def resolution(self) -> int:
        """Nanoseconds."""
        return self.world.clocks.resolution()

    def subscribe_instant(self, when: int) -> Pollable:
        """Ready at a moment."""
        return Pollable(self.world, when=when)

    def subscribe_duration(self, when: int) -> Pollable:
        """Ready after a while."""
        return Pollable(self.world, when=self.world.clocks.monotonic() + when)


def datetime(nanoseconds: int) -> dict[str, int]:
    """wasi:clocks/wall-clock.datetime"""
    seconds, rest = divmod(max(nanoseconds, 0), 1_000_000_000)
    return {"seconds": seconds, "nanoseconds": rest}


class WallClock:
    """wasi:clocks/wall-clock"""

    def __init__(self, world: Surroundings) -> None:
        self.world = world

    def now(self) -> dict[str, int]:
        """The time since the epoch."""
        return datetime(self.world.clocks.realtime())

    def resolution(self) -> dict[str, int]:
        """The finest step."""
        return datetime(self.world.clocks.resolution())


class Random:
    """wasi:random/random, and insecure, which is no less secure here."""

    def __init__(self, world: Surroundings) -> None:
        self.world = world

    def get_random_bytes(self, length: int) -> bytes:
        """Random bytes."""
        if length > _MOST_RANDOM:
            raise LimitExceeded(
                f"limit: {length} random bytes in one call, of {_MOST_RANDOM} allowed",
                limit="random bytes",
                value=_MOST_RANDOM,
            )
        data = bytearray(length)
        self.world.randomness.fill(memoryview(data))
        return bytes(data)

    def get_random_u64(self) -> int:
        """A random number."""
        return int.from_bytes(self.get_random_bytes(8), "little")

    get_insecure_random_bytes = get_random_bytes
    get_insecure_random_u64 = get_random_u64

    def insecure_seed(self) -> tuple[int, int]:
        """A seed for hash tables."""
        return self.get_random_u64(), self.get_random_u64()


class Environment:
    """wasi:cli/environment"""

    def __init__(self, world: Surroundings) -> None:
        self.world = world

    def get_environment(self) -> list[tuple[str, str]]:
        """The granted variables."""
        return [(_text(k), _text(v)) for k, v in self.world.environment.items()]

    def get_arguments(self) -> list[str]:
        """The arguments, the program's name first."""
        return [_text(argument) for argument in self.world.arguments]

    def initial_cwd(self) -> str | None:
        """There is none: the granted directories have names of their own."""
        return None


def _text(data: bytes) -> str:
    return os.fsdecode(data).encode("utf-8", "replace").decode()


class Exit:
    """wasi:cli/exit"""

    def exit(self, status: Ok[Any] | Err[Any]) -> NoReturn:
        """End the guest: 0 or 1."""
        raise GuestExit(0 if isinstance(status, Ok) else 1)

    def exit_with_code(self, status_code: int) -> NoReturn:
        """End the guest."""
        raise GuestExit(status_code)


class TerminalInput:
    """wasi:cli/terminal-input.terminal-input"""


class TerminalOutput:
    """wasi:cli/terminal-output.terminal-output"""


class Terminals:
    """wasi:cli/terminal-input and terminal-output"""

    TerminalInput = TerminalInput
    TerminalOutput = TerminalOutput


class Stdio:
    """wasi:cli/stdin, stdout, stderr, terminal-stdin, terminal-stdout and terminal-stderr."""

    def __init__(self, world: Surroundings) -> None:
        self.world = world

    def get_stdin(self) -> InputStream:
        """Standard input."""
        return InputStream(self.world, self._stream(0))

    def get_stdout(self) -> OutputStream:
        """Standard output."""
        return OutputStream(self.world, self._stream(1))

    def get_stderr(self) -> OutputStream:
        """Standard error."""
        return OutputStream(self.world, self._stream(2))

    def _stream(self, number: int) -> File:
        return self.world.streams[number]

    def get_terminal_stdin(self) -> TerminalInput | None:
        """Is standard input a terminal?"""
        return TerminalInput() if self._stream(0).is_terminal() else None

    def get_terminal_stdout(self) -> TerminalOutput | None:
        """Is standard output a terminal?"""
        return TerminalOutput() if self._stream(1).is_terminal() else None

    def get_terminal_stderr(self) -> TerminalOutput | None:
        """Is standard error a terminal?"""
        return TerminalOutput() if self._stream(2).is_terminal() else None
