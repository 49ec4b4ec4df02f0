"""Owns the signal calls that starting and ending workers need, without the 3 ms of `signal`."""

from __future__ import annotations

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
    "SIGINT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPROF",
    "SIGXCPU",
    "default",
    "handle",
    "send_by_pidfd",
    "start_timer",
]

SIGABRT = int(raw.SIGABRT)
SIGINT = int(raw.SIGINT)
SIGKILL = int(raw.SIGKILL)
SIGPIPE = int(raw.SIGPIPE)
SIGPROF = int(raw.SIGPROF)
SIGXCPU = int(raw.SIGXCPU)
ENDING = (SIGINT, int(raw.SIGTERM), int(raw.SIGHUP), int(raw.SIGQUIT))


def default(number: int) -> None:
    """Let the signal do again what it does to a process that does not know it."""
    raw.signal(number, raw.SIG_DFL)


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
