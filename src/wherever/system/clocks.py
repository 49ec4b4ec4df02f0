"""Owns time as a guest is granted it: real, coarse or fixed."""

from __future__ import annotations

import errno
import time
from typing import Final, Protocol

from wherever.system.handles import refuse

__all__ = ["Clocks", "CoarseClocks", "FixedClocks", "RealClocks"]

_COARSE_STEP: Final = 1_000_000  # 1 ms: too coarse to time a cache


class Clocks(Protocol):
    """Wall-clock and monotonic time in nanoseconds, and how fine each is."""

    def realtime(self) -> int:
        """Nanoseconds since the epoch."""
        ...

    def monotonic(self) -> int:
        """Nanoseconds since some moment before the run; never goes back."""
        ...

    def process_time(self) -> int:
        """CPU nanoseconds this process has used."""
        ...

    def thread_time(self) -> int:
        """CPU nanoseconds this thread has used."""
        ...

    def resolution(self) -> int:
        """The finest step any of them makes."""
        ...

    def deadline(self, monotonic: int) -> int | None:
        """The host's monotonic time at which this clock shows `monotonic`; None means already."""
        ...


class RealClocks:
    """The host's own clocks. The methods are the C functions themselves: no Python in between."""

    __slots__ = ()

    realtime = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic_ns)
    process_time = staticmethod(time.process_time_ns)
    thread_time = staticmethod(time.thread_time_ns)

    def resolution(self) -> int:
        """See `Clocks`."""
        return max(int(time.get_clock_info("monotonic").resolution * 1e9), 1)

    def deadline(self, monotonic: int) -> int | None:
        """See `Clocks`."""
        return monotonic


class CoarseClocks:
    """The host's clocks in steps of a millisecond, against timing of caches and of neighbours."""

    __slots__ = ("_step",)

    def __init__(self, step: int = _COARSE_STEP) -> None:
        self._step = step

    def realtime(self) -> int:
        """See `Clocks`."""
        return time.time_ns() // self._step * self._step

    def monotonic(self) -> int:
        """See `Clocks`."""
        return time.monotonic_ns() // self._step * self._step

    def process_time(self) -> int:
        """See `Clocks`."""
        return time.process_time_ns() // self._step * self._step

    def thread_time(self) -> int:
        """See `Clocks`."""
        return time.thread_time_ns() // self._step * self._step

    def resolution(self) -> int:
        """See `Clocks`."""
        return self._step

    def deadline(self, monotonic: int) -> int | None:
        """See `Clocks`: rounded up to a step, so that a sleep never seems to end early."""
        return -(-monotonic // self._step) * self._step


class FixedClocks:
    """A clock that stands still, for runs that must give the same bytes every time.

    A sleep moves it to the end of the sleep at once: a guest that sleeps in a loop until a time
    comes does not hang.
    """

    __slots__ = ("_slept", "_start")

    def __init__(self, realtime: int) -> None:
        if realtime < 0:
            raise refuse(errno.EINVAL)
        self._start = realtime
        self._slept = 0

    def realtime(self) -> int:
        """See `Clocks`."""
        return self._start + self._slept

    def monotonic(self) -> int:
        """See `Clocks`."""
        return self._slept

    def process_time(self) -> int:
        """See `Clocks`: a fixed run uses no CPU time."""
        return 0

    def thread_time(self) -> int:
        """See `Clocks`."""
        return 0

    def resolution(self) -> int:
        """See `Clocks`."""
        return 1

    def deadline(self, monotonic: int) -> int | None:
        """See `Clocks`: move to the deadline, which has therefore passed."""
        self._slept = max(self._slept, monotonic)
        return None
