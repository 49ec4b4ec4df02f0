"""Owns running a core module under preview 1: linking what it imports, its memory, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.engine.hostcalls import HostFunc
from wherever.errors import InvalidProgram, Unsupported
from wherever.hosts.wasi.binding import bind
from wherever.hosts.wasi.run import GuestExit, Preview1
from wherever.hosts.wasi.table import FUNCTIONS, MODULE, Function
from wherever.wasm.types import I32, I64, FuncType, MemoryType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherever.engine.engine import Code
    from wherever.engine.instance import Instance
    from wherever.engine.outline import ImportItem
    from wherever.engine.store import Store
    from wherever.system.surroundings import Surroundings

__all__ = ["imports", "instantiate", "run_command"]

_LETTERS: Final = {"i32": I32, "i64": I64}
_PREVIEW_0: Final = "wasi_unstable"

# The Wasm type of each function, made when first imported.
_types: dict[str, FuncType] = {}


def _type_of(function: Function) -> FuncType:
    found = _types.get(function.name)
    if found is None:
        found = _types[function.name] = FuncType(
            tuple(_LETTERS[word] for word in function.signature),
            tuple(_LETTERS[word] for word in function.results),
        )
    return found


def imports(run: Preview1, wanted: Iterable[ImportItem]) -> dict[tuple[str, str], HostFunc]:
    """The preview 1 functions that a module imports, bound to one guest; no others are made."""
    given: dict[tuple[str, str], HostFunc] = {}
    for item in wanted:
        if item.module == _PREVIEW_0:
            raise Unsupported(
                f"the program imports {item.name!r} of WASI preview 0 ({_PREVIEW_0}), the draft "
                f"before preview 1; build it with a newer toolchain"
            )
        function = FUNCTIONS.get(item.name) if item.module == MODULE else None
        if function is not None and (MODULE, item.name) not in given:
            given[MODULE, item.name] = HostFunc(
                _type_of(function), bind(run, function), name=item.name, unsigned=True
            )
    return given


def instantiate(store: Store, code: Code, surroundings: Surroundings) -> tuple[Instance, Preview1]:
    """An instance of a module with its preview 1 imports, and the guest's state behind them.

    A memory comes with the instance: what a start function asks of WASI before that is `fault`.
    """
    run = Preview1(surroundings)
    instance = store.instantiate(code, imports(run, code.outline.imports))
    exported = code.outline.exports.get("memory")
    if exported is not None and isinstance(exported.type, MemoryType):
        run.attach(instance.memory("memory"))
    return instance, run


def run_command(store: Store, code: Code, surroundings: Surroundings) -> int:
    """Run a command to its end: its exit status. What ends it otherwise is raised."""
    instance, run = instantiate(store, code, surroundings)
    try:
        if "_start" not in code.outline.exports:
            raise InvalidProgram(
                "the module exports no _start, so it is not a command; "
                "name one of its functions with --invoke"
            )
        instance.func("_start").call()
    except GuestExit as end:
        return end.status
    finally:
        run.close()
    return 0
