"""wherever: run any program wherever you are, with only the rights you gave it.

The package root re-exports public names, each from the one room that defines it, and imports none
of them before it is asked for: `wherever run` must start in milliseconds.
"""

from __future__ import annotations

from wherever.version import __version__

TYPE_CHECKING = False  # `typing` costs a third of an interpreter start, and every start pays
if TYPE_CHECKING:
    from wherever.errors import (
        Denied,
        GuestTrap,
        InternalError,
        InvalidProgram,
        LimitExceeded,
        Unsupported,
        WhereverError,
    )
    from wherever.nanoprocess import GuestFailed, Result, Trap, Usage, arun, run, spawn
    from wherever.nanoprocess.importing import enable_imports
    from wherever.nanoprocess.loading import load
    from wherever.policy import (
        Audit,
        Clock,
        Decision,
        Dir,
        Env,
        Grants,
        Limits,
        Listen,
        Malformed,
        Net,
        Origin,
        Random,
    )

__all__ = [
    "Audit",
    "Clock",
    "Decision",
    "Denied",
    "Dir",
    "Env",
    "Grants",
    "GuestFailed",
    "GuestTrap",
    "InternalError",
    "InvalidProgram",
    "LimitExceeded",
    "Limits",
    "Listen",
    "Malformed",
    "Net",
    "Origin",
    "Random",
    "Result",
    "Trap",
    "Unsupported",
    "Usage",
    "WhereverError",
    "__version__",
    "arun",
    "enable_imports",
    "load",
    "run",
    "spawn",
]

# public name -> the module that defines it
_HOMES: dict[str, str] = {
    "Denied": "wherever.errors",
    "GuestTrap": "wherever.errors",
    "InternalError": "wherever.errors",
    "InvalidProgram": "wherever.errors",
    "LimitExceeded": "wherever.errors",
    "Unsupported": "wherever.errors",
    "WhereverError": "wherever.errors",
    "Audit": "wherever.policy",
    "Clock": "wherever.policy",
    "Decision": "wherever.policy",
    "Dir": "wherever.policy",
    "Env": "wherever.policy",
    "Grants": "wherever.policy",
    "Limits": "wherever.policy",
    "Listen": "wherever.policy",
    "Malformed": "wherever.policy",
    "Net": "wherever.policy",
    "Origin": "wherever.policy",
    "Random": "wherever.policy",
    "GuestFailed": "wherever.nanoprocess",
    "Result": "wherever.nanoprocess",
    "Trap": "wherever.nanoprocess",
    "Usage": "wherever.nanoprocess",
    "enable_imports": "wherever.nanoprocess.importing",
    "load": "wherever.nanoprocess.loading",
    "arun": "wherever.nanoprocess",
    "run": "wherever.nanoprocess",
    "spawn": "wherever.nanoprocess",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'wherever' has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
