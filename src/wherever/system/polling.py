"""Owns waiting: until descriptors are ready, until a deadline, or until the guest is cancelled.

Nothing else in `system` blocks. A blocking host call of a guest is a `wait` on its descriptor and
on the run's `Interrupt`, so ending a guest never depends on the guest.
"""

from __future__ import annotations

import _thread
import enum
import errno
import fcntl
import os
import select
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from wherever.system.kernel import poll_descriptors

__all__ = [
    "READABLE",
    "WRITABLE",
    "Interrupt",
    "Interrupted",
    "Readiness",
    "State",
    "bytes_readable",
    "wait",
]

READABLE: Final = select.POLLIN
WRITABLE: Final = select.POLLOUT
_HANG_UP: Final = select.POLLHUP
_FAILED: Final = select.POLLERR | select.POLLNVAL
_WAKES: Final = 4096
_FIONREAD: Final = 0x541B  # asm-generic/ioctls.h; importing `termios` for it takes a millisecond


class Interrupted(Exception):
    """The run was ended from outside while the guest was in a host call; unwinds the guest."""


class State(enum.Flag):
    """What a wait found out about one handle."""

    NOT_READY = 0
    READY = enum.auto()
    HANG_UP = enum.auto()
    FAILED = enum.auto()


class Readiness(NamedTuple):
    """Either known now (`state`), or to be asked of the kernel (`descriptor`).

    `available` is how many bytes can be read or written without blocking, as far as is known.
    """

    state: State
    available: int = 0
    descriptor: int = -1

    @classmethod
    def always(cls, available: int = 0) -> Readiness:
        """Never blocks, as a regular file."""
        return cls(State.READY, available)

    @classmethod
    def of_descriptor(cls, descriptor: int) -> Readiness:
        """Ask the kernel about this descriptor."""
        return cls(State.NOT_READY, 0, descriptor)


class Interrupt:
    """Ends one guest's blocking host calls, from any thread: `set` is final.

    The descriptor that wakes a wait is made by the first wait that blocks, so a run that never
    blocks pays nothing for it.
    """

    __slots__ = ("_event", "_lock", "_reason", "wake")

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._event = -1
        self._reason: BaseException | None = None
        self.wake = -1
        """Readable when something has come for the guest: its wait ends by EINTR."""

    def set(self, reason: BaseException | None = None) -> None:
        """Make every present and future wait raise `reason` (an `Interrupted` if none is given)."""
        with self._lock:
            if self._reason is None:
                self._reason = reason or Interrupted("the run was cancelled")
            if self._event >= 0:
                os.eventfd_write(self._event, 1)

    @property
    def reason(self) -> BaseException | None:
        """Why the run must end, if it must."""
        return self._reason

    def check(self) -> None:
        """Raise the reason if the run must end."""
        if self._reason is not None:
            raise self._reason

    def descriptor(self) -> int:
        """A descriptor that becomes readable once the interrupt is set."""
        with self._lock:
            if self._event < 0:
                self._event = os.eventfd(1 if self._reason else 0, os.EFD_CLOEXEC)
            return self._event

    def close(self) -> None:
        """Give the descriptor back; no wait may be going on."""
        with self._lock:
            if self._event >= 0:
                os.close(self._event)
                self._event = -1


def wait(
    wanted: Sequence[tuple[int, int]], deadline: int | None, interrupt: Interrupt | None
) -> list[State]:
    """Wait for any of (descriptor, events), or the monotonic `deadline` in ns; None waits for ever.

    With nothing wanted this is a sleep. Returns one `State` for each; all NOT_READY at the
    deadline. A deadline that has passed already still polls once.
    """
    polled = list(wanted)
    wake = -1
    if interrupt is not None:
        interrupt.check()
        wake = interrupt.wake
        if wake >= 0:
            polled.append((wake, READABLE))
        polled.append((interrupt.descriptor(), READABLE))
    while True:
        timeout = None if deadline is None else max(deadline - time.monotonic_ns(), 0)
        returned = poll_descriptors(polled, timeout)
        if interrupt is not None and returned.pop():
            interrupt.check()
        if wake >= 0 and returned.pop() and not any(returned) and timeout != 0:
            os.read(wake, _WAKES)
            raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
        if any(returned) or timeout == 0:
            return [_state(events) for events in returned]


def _state(events: int) -> State:
    state = State.NOT_READY
    if events & (READABLE | WRITABLE):
        state |= State.READY
    if events & _HANG_UP:
        state |= State.HANG_UP | State.READY
    if events & _FAILED:
        state |= State.FAILED | State.READY
    return state


def bytes_readable(fd: int) -> int:
    """How many bytes can be read without blocking (FIONREAD), 0 where the kernel cannot say."""
    count = bytearray(4)
    try:
        fcntl.ioctl(fd, _FIONREAD, count)
    except OSError:
        return 0  # a listening socket, for one
    return int.from_bytes(count, sys.byteorder)
