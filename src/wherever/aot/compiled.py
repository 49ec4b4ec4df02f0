"""Owns using the hot rooms as machine code: only where it was made of the sources that lie here.

`wherever.aot.build` compiles them (ADR 0045) into a folder that Python does not look into, named
after the kind of interpreter and a digest of the sources, so an edited file is never shadowed by an
older one. Without machine code the same modules run interpreted, and give the same bytes.
"""

from __future__ import annotations

import os
import sys
from enum import Enum
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES

from wherever.store.digest import digest_of, digest_of_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = [
    "GROUP",
    "MODULES",
    "PACKAGE",
    "TOOLS",
    "State",
    "current",
    "describe",
    "kind",
    "made_of",
    "state",
    "use",
]

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_ROOMS = ("ir", "isa", "isa/aarch64", "passes", "aot")
_SWITCH = "WHEREVER_COMPILED"  # "no" has everything interpreted

GROUP = "wherever"
_SHARED = f"{GROUP}__mypyc"  # as mypyc names it: the library with all the code

TOOLS = ("mypy[mypyc]==2.4.1", "setuptools==80.10.2", "ziglang==0.17.0")
"""What machine code is made with."""

MODULES = tuple(
    f"wherever.{room}.{name}"
    for room, names in (
        ("ir", "values fold build_ops builder"),
        ("isa", "decoder"),
        ("isa.aarch64", "registers integers flags lifter"),
        ("passes", "counted cycles facts frame structure unroll"),
        (
            "aot",
            "arriving asked computed convention emit encode entries exits expressions fills "
            "functions inline layout lift liveness locals nans narrow nesting paced points "
            "registers resume returned runtime selection signature streams tables uses values",
        ),
    )
    for name in names.split()
)


class State(Enum):
    """How the hot rooms run in a process that calls `use` first."""

    COMPILED = "compiled"
    ABSENT = "interpreted: no machine code was built for this Python"
    STALE = "interpreted: the machine code was made of other sources"
    OFF = f"interpreted: {_SWITCH}=no"


@cache
def current() -> str:
    """`made_of` the sources that lie here; read once in a process."""
    return made_of(PACKAGE)


def made_of(package: str) -> str:
    """A digest of the sources, of what is not compiled too: constants are taken from there."""
    parts = [repr(TOOLS), repr(MODULES)]
    for room in _ROOMS:
        folder = os.path.join(package, room)
        for name in sorted(name for name in os.listdir(folder) if name.endswith(".py")):
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                parts += [name, digest_of(file.readall())]
    return digest_of_parts(*parts)[:16]


def kind() -> str:
    """Where machine code for this kind of interpreter lies, of whatever sources."""
    suffix = EXTENSION_SUFFIXES[0] if EXTENSION_SUFFIXES else ".none"
    return os.path.join(PACKAGE, "aot", "built", suffix.split(".")[1])


def state() -> State:
    """Whether there is machine code of these sources for this interpreter."""
    if os.environ.get(_SWITCH) == "no":
        return State.OFF
    try:
        found = [name for name in os.listdir(kind()) if name[0] != "."]
    except OSError:
        return State.ABSENT
    if current() in found:
        return State.COMPILED
    return State.STALE if found else State.ABSENT


def describe() -> str:
    """`state` in words, with the kind of interpreter where it is compiled."""
    found = state()
    return f"compiled for {os.path.basename(kind())}" if found is State.COMPILED else found.value


class _Finder:
    """Finds the compiled modules; asked before Python looks for their sources."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _SHARED and name not in MODULES:
            return None
        from importlib.machinery import ExtensionFileLoader
        from importlib.util import spec_from_file_location

        file = os.path.join(self._folder, f"{name}.so")
        return spec_from_file_location(name, file, loader=ExtensionFileLoader(name, file))


def use() -> bool:
    """Have the hot rooms imported as machine code from here on; whether they are.

    For the start of a process: of two kinds of a class, interpreted and compiled, neither would be
    taken for the other, so nothing changes once one of the modules is imported.
    """
    if not sys.modules.keys().isdisjoint(MODULES) or state() is not State.COMPILED:
        return False
    sys.meta_path.insert(0, _Finder(os.path.join(kind(), current())))
    return True
