"""Owns a worker's first milliseconds: how our modules are found and what stands in for slow ones.

A run waits while its worker imports some ninety modules. Python's own finder asks every folder of
the path for each of them; here a module's place follows from its name, and what is taken is what
Python would take: its compiled file, if its source is still the one that the file names.

`typing`, `dataclasses` and `enum` take longer to import than everything else together (ADR 0012).
To the rooms in `_LIGHT`, and to nobody else, `import` gives our stand-ins for them. A test compares
what these rooms use with what the stand-ins have.
"""

from __future__ import annotations

import builtins
import gc
import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader, cache_from_source

from wherever.nanoprocess import light, light_enum, light_typing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any

__all__ = ["STAND_INS", "is_light", "main"]

_PACKAGE = "wherever."
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_HEADER = 16  # PEP 552: magic number, flags, modification time, size of the source
_UNCHECKED = bytes(4)  # no flags: valid as long as time and size are those of the source

STAND_INS: dict[str, ModuleType] = {
    "dataclasses": light,
    "enum": light_enum,
    "typing": light_typing,
    # `collections` puts this there itself; importing it for that takes a millisecond.
    "collections.abc": sys.modules["_collections_abc"],
}
_LIGHT = (
    "wherever.component.",
    "wherever.engine.",
    "wherever.hosts.component.",
    "wherever.hosts.linux.",
    "wherever.hosts.wasi.",
    "wherever.nanoprocess.",
    "wherever.policy.",
    "wherever.store.",
    "wherever.system.",
    "wherever.wasm.frozen",
    "wherever.wasm.types",
)
_FULL = frozenset({"wherever.component.wit.parse", "wherever.component.wit.resolve"})
"""What no worker imports, and uses more."""


def main() -> None:
    """Import and run the worker; collecting garbage begins when all is imported."""
    gc.disable()
    sys.meta_path.insert(0, _Finder())
    from wherever.nanoprocess.worker import main as work

    work()


def is_light(name: str) -> bool:
    """Whether the module is given stand-ins in a worker."""
    return name.startswith(_LIGHT) and name not in _FULL


def _import(
    name: str,
    space: dict[str, Any] | None = None,
    local: dict[str, Any] | None = None,
    names: Sequence[str] | None = None,
    level: int = 0,
) -> ModuleType:
    """`import`, as the light rooms have it."""
    found = STAND_INS.get(name)
    if found is None and names:
        loaded = sys.modules.get(name)  # `__import__` would ask it for a `__path__` first
        if loaded is not None and vars(loaded).keys() >= set(names):
            return loaded
    return found if found is not None else __import__(name, space, local, names or (), level)


_BUILTINS = {**vars(builtins), "__import__": _import}


class _Finder:
    """Finds `wherever.x.y` at `wherever/x/y.py` or `wherever/x/y/__init__.py`."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's place, without looking anywhere else."""
        if not name.startswith(_PACKAGE):
            return None
        base = _ROOT + name.replace(".", os.sep)
        for path, package in ((base + ".py", False), (f"{base}{os.sep}__init__.py", True)):
            try:
                found = os.stat(path)
            except OSError:
                continue
            spec = ModuleSpec(name, _Loader(name, path, found), origin=path, is_package=package)
            spec.has_location = True
            if package:
                spec.submodule_search_locations = [base]
            return spec
        return None


class _Loader(SourceFileLoader):
    """Reads the compiled file at once where it belongs to the source as it is now."""

    def __init__(self, name: str, path: str, found: os.stat_result) -> None:
        super().__init__(name, path)
        numbers = int(found.st_mtime), found.st_size
        self._stamp = _UNCHECKED + b"".join(
            (number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, with stand-ins where it may have them."""
        if is_light(module.__name__):
            vars(module)["__builtins__"] = _BUILTINS
        super().exec_module(module)

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code; anything unusual is for the loader that this one extends."""
        try:
            fd = os.open(cache_from_source(self.path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return super().get_code(fullname)
        try:
            data = os.read(fd, os.fstat(fd).st_size)
        finally:
            os.close(fd)
        if data[:4] != MAGIC_NUMBER or data[4:_HEADER] != self._stamp:
            return super().get_code(fullname)
        code: CodeType = marshal.loads(memoryview(data)[_HEADER:])
        return code
