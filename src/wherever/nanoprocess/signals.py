"""Owns the signal calls that starting and ending workers need, without the 3 ms of `signal`."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as raw
else:
    import _signal as raw  # what `signal` wraps; it adds enumerations and nothing else

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ENDING",
    "SIGABRT",
    "SIGCONT",
    "SIGHUP",
    "SIGINT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPROF",
    "SIGQUIT",
    "SIGRTMIN",
    "SIGTERM",
    "SIGTSTP",
    "SIGUSR1",
    "SIGUSR2",
    "SIGWINCH",
    "SIGXCPU",
    "default",
    "handle",
    "ignore",
    "send_by_pidfd",
    "start_timer",
    "wake_through",
]

SIGABRT = int(raw.SIGABRT)
SIGCONT = int(raw.SIGCONT)
SIGHUP = int(raw.SIGHUP)
SIGINT = int(raw.SIGINT)
SIGKILL = int(raw.SIGKILL)
SIGPIPE = int(raw.SIGPIPE)
SIGPROF = int(raw.SIGPROF)
SIGQUIT = int(raw.SIGQUIT)
SIGRTMIN = int(raw.SIGRTMIN)
SIGTERM = int(raw.SIGTERM)
SIGTSTP = int(raw.SIGTSTP)
SIGUSR1 = int(raw.SIGUSR1)
SIGUSR2 = int(raw.SIGUSR2)
SIGWINCH = int(raw.SIGWINCH)
SIGXCPU = int(raw.SIGXCPU)
ENDING = (SIGINT, SIGTERM, SIGHUP, SIGQUIT)


def default(number: int) -> None:
    """Let the signal do again what it does to a process that does not know it."""
    raw.signal(number, raw.SIG_DFL)


def ignore(number: int) -> None:
    """Let the signal do nothing."""
    raw.signal(number, raw.SIG_IGN)


def wake_through() -> int:
    """A descriptor that becomes readable when a signal with a handler has come."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    raw.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def handle(number: int, action: Callable[[int], object]) -> None:
    """Call the action with the signal's number when it comes; only on the main thread."""
    raw.signal(number, lambda received, _: action(received))


def send_by_pidfd(pidfd: int, number: int) -> None:
    """pidfd_send_signal(2)."""
    raw.pidfd_send_signal(pidfd, number)


def start_timer(seconds: float) -> None:
    """SIGPROF after that much processor time of this process; by default it ends it."""
    default(SIGPROF)
    raw.setitimer(raw.ITIMER_PROF, max(seconds, 1e-3))
