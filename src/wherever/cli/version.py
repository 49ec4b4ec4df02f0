"""Owns `wherever version`."""

from __future__ import annotations

import os
import sys

from wherever.policy import Malformed
from wherever.version import __version__

__all__ = ["main"]


def main(words: list[str]) -> int:
    """`wherever version`."""
    if words:
        raise Malformed(f"wherever version takes nothing, not {' '.join(words)}")
    machine = os.uname()
    python = ".".join(map(str, sys.version_info[:3]))
    print(f"wherever {__version__}")
    print(f"wasmtime {_engine_version()}")
    print(f"{sys.implementation.name} {python}, {machine.sysname} {machine.machine}")
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
