"""Owns nanoprocesses: a program, its grants, a worker of its own, and a result.

The worker imports this package too and needs none of the public names: they come when asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.nanoprocess.result import GuestFailed, Result, Trap, Usage
    from wherever.nanoprocess.running import arun, run, spawn

__all__ = ["GuestFailed", "Result", "Trap", "Usage", "arun", "run", "spawn"]

_HOMES = {
    **dict.fromkeys(("GuestFailed", "Result", "Trap", "Usage"), "result"),
    **dict.fromkeys(("arun", "run", "spawn"), "running"),
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(f"{__name__}.{home}", fromlist=[name]), name)
    globals()[name] = value
    return value
