"""Owns `wherever version`."""

from __future__ import annotations

import os
import sys

from wherever.aot.compiled import describe
from wherever.policy import Malformed
from wherever.version import __version__

__all__ = ["main"]


def main(words: list[str]) -> int:
    """`wherever version [--json]`."""
    rest = [word for word in words if word != "--json"]
    if rest:
        raise Malformed(f"wherever version takes nothing but --json, not {' '.join(rest)}")
    machine = os.uname()
    python = f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}"
    engine = _engine_version()
    if rest != words:
        import json

        platform = {"system": machine.sysname, "machine": machine.machine}
        facts = {"wherever": __version__, "wasmtime": engine, "python": python}
        print(json.dumps({**facts, **platform, "translator": describe()}))
        return 0
    print(f"wherever {__version__}")
    print(f"wasmtime {engine}")
    print(f"{python}, {machine.sysname} {machine.machine}")
    print(f"translator {describe()}")
    return 0


def _engine_version() -> str:
    """The installed engine's version, from its metadata's folder: importing it takes longer."""
    for path in sys.path:
        try:
            names = os.listdir(path or ".")
        except OSError:
            continue
        for name in names:
            if name.startswith("wasmtime-") and name.endswith(".dist-info"):
                return name.removeprefix("wasmtime-").removesuffix(".dist-info")
    return "(not installed)"
