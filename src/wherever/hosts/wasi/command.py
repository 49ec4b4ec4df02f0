"""Owns running a core module under preview 1: linking what it imports, its memory, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from wherever.engine.hostcalls import HostFunc
from wherever.engine.shared import Prepared, SharedModule
from wherever.errors import InvalidProgram, Unsupported
from wherever.hosts.wasi.binding import bind
from wherever.hosts.wasi.run import GuestExit, Preview1
from wherever.hosts.wasi.table import FUNCTIONS, MODULE, Function
from wherever.wasm.types import I32, I64, FuncType, MemoryType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wherever.engine.engine import Code
    from wherever.engine.instance import Given, Instance
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


class _Exported:
    """The memory that an instance exports, looked up when the guest first needs it."""

    __slots__ = ("_instance",)

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def view(self) -> memoryview:
        """All of it, as large as it is now."""
        return self._instance.memory("memory").view()


def _bind(run: Preview1, name: str) -> Callable[..., int]:
    return bind(run, FUNCTIONS[name])


_shared: list[SharedModule] = []
_prepared: WeakKeyDictionary[Code, Prepared | None] = WeakKeyDictionary()


def _prepare(code: Code) -> Prepared | None:
    """The module linked to preview 1 once for all its guests; None if it needs other imports."""
    try:
        return _prepared[code]
    except KeyError:
        pass
    if not _shared:
        types = {name: _type_of(function) for name, function in FUNCTIONS.items()}
        _shared.append(SharedModule(MODULE, types, _bind))
    prepared = _prepared[code] = _shared[0].prepare(code)
    return prepared


def imports(run: Preview1, wanted: Iterable[ImportItem]) -> dict[tuple[str, str], HostFunc]:
    """The preview 1 functions among a module's imports, bound to one guest.

    For a module that has imports of others as well; `instantiate` links the rest faster.
    """
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


def instantiate(
    store: Store, code: Code, surroundings: Surroundings, others: Given | None = None
) -> tuple[Instance, Preview1]:
    """An instance of a module with its preview 1 imports, and the guest's state behind them.

    `others` are what it imports besides. A memory comes with the instance: what a start function
    asks of WASI before that is `fault`.
    """
    run = Preview1(surroundings)
    prepared = None if others else _prepare(code)
    if prepared is not None:
        instance = prepared.instantiate(store, code, run)
    else:
        given = {**imports(run, code.outline.imports), **(others or {})}
        instance = store.instantiate(code, given)
    exported = code.outline.exports.get("memory")
    if exported is not None and isinstance(exported.type, MemoryType):
        run.attach(_Exported(instance))
        surroundings.memory.changed = store.reserve
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
