"""Owns what a translated guest adds to its preview 1 state: terminals, an end by a signal."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING, Final, Protocol

from wherever.hosts.wasi.run import GuestExit, Preview1

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.engine.externs import Memory

__all__ = ["GuestKilled", "Linux"]

TCSETSW: Final = 0x5403


class GuestKilled(GuestExit):
    """The guest ended by a signal's default action: its status is 128 and the signal's number."""

    def __init__(self, signal: int) -> None:
        super().__init__(128 + signal)
        self.signal = signal


class Signals(Protocol):
    """What takes the signals of the guest's worker."""

    def actions(self, caught: int, ignored: int, arrived: Callable[[int], None]) -> None:
        """Those in the mask `caught` are told to `arrived` while a host call runs."""
        ...


class Linux:
    """The state behind `wherever_linux` for one guest; descriptors are preview 1's own."""

    __slots__ = ("_terminals", "bring", "memory", "signals", "wasi")

    def __init__(self, wasi: Preview1) -> None:
        self.wasi = wasi
        self.memory: Memory | None = None
        """The guest's memory, where its pages may be protected."""
        self.signals: Signals | None = None
        """The signals of the worker, where they are the guest's."""
        self.bring: Callable[[], object] | None = None
        """Links the module of the guest's resume bodies, which it has not needed until then."""
        self._terminals: dict[int, bytes] = {}

    def remember_terminal(self, fd: int, settings: bytes) -> None:
        """A guest is about to change a terminal: what it was comes back when the guest ends."""
        self._terminals.setdefault(fd, settings)

    def close(self) -> None:
        """Give each terminal its first settings back: a guest killed in raw mode leaves none."""
        for fd, settings in self._terminals.items():
            with contextlib.suppress(OSError):
                fcntl.ioctl(fd, TCSETSW, settings)
        self._terminals.clear()
