"""Owns how signals of the command line reach a Linux guest's handlers.

What the terminal or another process sends to `wherever run` is passed on to the worker under a
real-time number, one for each signal. The worker lets the kernel do with both numbers what the
guest said: ignore, take the default action at once (whatever the guest is doing), or tell us. The
terminal sends its signals to the worker as well, which ignores them where the guest handles them:
else each would arrive twice. Whether it does, its parent reads in /proc.

A handler of ours runs while the worker is in a host call, never in the middle of guest code; a wait
is woken (`Interrupt.wake`). What was told to the guest is told to the parent too, so that a second
Ctrl-C ends a guest that has taken no notice of the first.
"""

from __future__ import annotations

import os

from wherever.nanoprocess.signals import (
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGQUIT,
    SIGRTMIN,
    SIGTERM,
    SIGTSTP,
    SIGUSR1,
    SIGUSR2,
    SIGWINCH,
    default,
    handle,
    ignore,
    wake_through,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.system.polling import Interrupt

__all__ = ["PASSED", "Passing", "passed_as", "passed_from", "takes"]

PASSED = (
    *(SIGINT, SIGTERM, SIGHUP, SIGQUIT),
    *(SIGWINCH, SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2),
)
_MOST_TOLD = 1000  # a parent bounds what it hears


def passed_as(number: int) -> int:
    """The number under which a signal is passed on."""
    return SIGRTMIN + 1 + PASSED.index(number)


def passed_from(number: int) -> int:
    """The signal that was passed on under a number, or the number itself."""
    at = number - SIGRTMIN - 1
    return PASSED[at] if 0 <= at < len(PASSED) else number


def takes(pid: int, number: int) -> bool:
    """Whether a worker's guest handles or ignores a signal (proc(5), SigIgn): pass it on, then."""
    try:
        fd = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        text = os.read(fd, 1 << 16)
    finally:
        os.close(fd)
    _, found, rest = text.partition(b"\nSigIgn:")
    return bool(found) and int(rest.split(b"\n", 1)[0], 16) >> (number - 1) & 1 == 1


class Passing:
    """The signals of a worker, done with as the guest says."""

    __slots__ = ("_done", "_interrupt", "_told", "_took")

    def __init__(self, interrupt: Interrupt, took: Callable[[], None]) -> None:
        """`took` says that the guest has been told of a Ctrl-C."""
        self._interrupt = interrupt
        self._took = took
        self._told = 0
        self._done: dict[int, int] = {}

    def actions(self, caught: int, ignored: int, arrived: Callable[[int], None]) -> None:
        """What the guest does with each signal, as masks; `arrived` is told of those it handles."""
        if self._interrupt.wake < 0:
            self._interrupt.wake = wake_through()

        def told(received: int) -> None:
            number = passed_from(received)
            arrived(number)
            if number == SIGINT and self._told < _MOST_TOLD:
                self._told += 1
                self._took()

        for number in PASSED:
            bit = 1 << number - 1
            how = 2 if caught & bit else 1 if ignored & bit else 0
            if self._done.get(number, 0) == how:
                continue
            self._done[number] = how
            if how == 2:
                handle(passed_as(number), told)
                ignore(number)
            elif how == 1:
                ignore(passed_as(number))
                ignore(number)
            else:
                default(number)
                default(passed_as(number))
