"""Owns host functions that are linked once: any store reaches its own environment through them.

Making a host function costs a C callback and a wasmtime function for each store and import, which
for an ABI of dozens of functions is most of the price of a short-lived guest. Here an import is
one C callback for the process, a module is type-checked against its imports once, and a store only
enters its environment into `_tables`. The callback finds it by the store's context, which is the
first word of the caller that wasmtime hands it (checked against the C API where it does not fit).

    shared = SharedModule("wasi_snapshot_preview1", types, bind)
    prepared = shared.prepare(code)          # once a module; None if it imports anything else
    instance = prepared.instantiate(store, code, environment)

`bind(environment, name)` makes the Python function for one environment, at its first call.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import TYPE_CHECKING, Any, Final

from wherever.engine.instance import Instance, refused
from wherever.engine.library import library, message_of
from wherever.engine.threads import here, refuse_thread
from wherever.engine.traps import new_trap
from wherever.engine.valtypes import functype
from wherever.wasm.types import FuncType, NumType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherever.engine.engine import Code, Engine
    from wherever.engine.state import StoreState

__all__ = ["Prepared", "SharedModule"]

_MASK: Final = 0xFFFFFFFF


class _Table(dict[str, "Callable[..., Any]"]):
    """One store's functions by name, bound when first called."""

    __slots__ = ("bind", "environment", "store")

    def __init__(
        self,
        store: StoreState,
        environment: object,
        bind: Callable[[Any, str], Callable[..., Any]],
    ) -> None:
        super().__init__()
        self.store = weakref.ref(store)
        self.environment = environment
        self.bind = bind

    def __missing__(self, name: str) -> Callable[..., Any]:
        made = self[name] = self.bind(self.environment, name)
        return made


_tables: dict[int, _Table] = {}  # by the store's context, while the store lives


class _Entered:
    """Kept by the native store: takes the store's table out when the store is freed."""

    __slots__ = ("_context", "_table")

    def __init__(self, context: int, table: _Table) -> None:
        self._context = context
        self._table = table

    def __del__(self) -> None:
        if _tables.get(self._context) is self._table:
            del _tables[self._context]


def _table_of(caller: Any) -> _Table:
    """The table of a caller whose first word was not it: ask the C API."""
    context = library().wasmtime_caller_context(ctypes.addressof(caller.contents))
    return _tables[context]


def _carry(caller: Any, error: BaseException) -> int:
    """Put a function's exception where the call into the guest finds it, and trap."""
    table = _tables.get(caller[0]) or _table_of(caller)
    store = table.store()
    if store is not None:
        store.error = error
    return new_trap()


def _callback(name: str, signature: FuncType) -> Any:
    """The C callback of one function, for every store: integers in, at most one i32 out."""
    kinds = set(signature.params + signature.results)
    if not kinds <= {NumType.I32, NumType.I64} or signature.results not in ((), (NumType.I32,)):
        raise TypeError(f"{name} of type {signature} cannot be shared: integers in, one i32 out")
    narrow = NumType.I64 not in kinds
    given = ", ".join(
        f"cells[{4 * index}]"
        if narrow
        else f"cells[{2 * index}]" + ("" if one is NumType.I64 else f" & {_MASK}")
        for index, one in enumerate(signature.params)
    )
    call = f"(tables.get(caller[0]) or table_of(caller))[{name!r}]({given})"
    source = [
        "def host(env, caller, cells, count):",
        "    try:",
        f"        {'cells[0] = ' if signature.results else ''}{call}",
        "        return 0",
        "    except BaseException as error:",
        "        return carry(caller, error)",
    ]
    scope: dict[str, Any] = {"tables": _tables, "table_of": _table_of, "carry": _carry}
    exec("\n".join(source), scope)  # built from a name given by us and fixed words
    prototype = ctypes.CFUNCTYPE(
        ctypes.c_size_t,
        ctypes.c_uint8,
        ctypes.POINTER(ctypes.c_uint64),
        ctypes.POINTER(ctypes.c_uint32 if narrow else ctypes.c_uint64),
        ctypes.c_uint8,
    )
    return prototype(scope["host"])


class SharedModule:
    """Host functions of one import module, defined once for all stores."""

    __slots__ = ("_bind", "_callbacks", "_module", "_types")

    def __init__(
        self,
        module: str,
        types: Mapping[str, FuncType],
        bind: Callable[[Any, str], Callable[..., Any]],
    ) -> None:
        """Integers reach the functions unsigned, as an ABI of pointers and lengths wants them."""
        self._module = module
        self._types = types
        self._bind = bind
        self._callbacks: dict[str, Any] = {}

    def prepare(self, code: Code) -> Prepared | None:
        """Link a module; None if it imports anything else, or with other types."""
        imports = code.outline.imports
        for item in imports:
            if item.module != self._module or self._types.get(item.name) != item.type:
                return None
        lib = library()
        linker = lib.wasmtime_linker_new(code.engine.ptr)
        try:
            lib.wasmtime_linker_allow_shadowing(linker, True)  # a name may be imported twice
            for name in dict.fromkeys(item.name for item in imports):
                self._define(linker, code, name)
            out = ctypes.c_size_t()
            error = lib.wasmtime_linker_instantiate_pre(linker, code.ptr, ctypes.addressof(out))
        finally:
            lib.wasmtime_linker_delete(linker)
        if error:
            raise refused(message_of(error))
        return Prepared(code.engine, out.value, self._bind, self._callbacks)

    def _define(self, linker: int, code: Code, name: str) -> None:
        callback = self._callbacks.get(name)
        if callback is None:
            callback = self._callbacks[name] = _callback(name, self._types[name])
        module, encoded = self._module.encode(), name.encode()
        error = library().wasmtime_linker_define_func_unchecked(
            linker,
            module,
            len(module),
            encoded,
            len(encoded),
            functype(code.engine, self._types[name]),
            ctypes.cast(callback, ctypes.c_void_p),
            None,
            None,
        )
        if error:
            raise refused(message_of(error))


class Prepared:
    """A module linked to shared host functions, ready to be instantiated in any store."""

    __slots__ = ("_bind", "_callbacks", "_delete", "_engine", "_instantiate", "_ptr")

    def __init__(
        self,
        engine: Engine,
        ptr: int,
        bind: Callable[[Any, str], Callable[..., Any]],
        callbacks: Mapping[str, Any],
    ) -> None:
        # The linked code holds the callbacks' addresses and nothing of Python's: they live as long
        # as this does, and this as long as every store it was instantiated in.
        self._callbacks = callbacks
        self._engine = engine  # not the code: whoever keeps this by the code would keep both
        self._ptr = ptr
        self._bind = bind
        lib = library()
        self._instantiate = lib.wasmtime_instance_pre_instantiate
        self._delete = lib.wasmtime_instance_pre_delete

    def instantiate(self, store: StoreState, code: Code, environment: object) -> Instance:
        """An instance of the prepared code, its host functions those of `environment`."""
        if self._engine is not store.engine:
            raise ValueError(f"the code is of {self._engine!r}, the store of {store.engine!r}")
        cell = (ctypes.c_uint64 * 2)()
        trap = ctypes.c_size_t()
        context = store.context
        with store.lock:
            store.require_open()
            if not here.fits:
                raise refuse_thread()
            if context in _tables and _tables[context].store() is store:
                raise ValueError("the store has an environment of shared functions already")
            table = _tables[context] = _Table(store, environment, self._bind)
            store.native.keep += (_Entered(context, table), self)
            store.know(code)
            error = self._instantiate(
                self._ptr, context, ctypes.addressof(cell), ctypes.addressof(trap)
            )
            if trap.value:
                raise store.failed(0, trap.value)
            if error:
                if store.error is not None:
                    raise store.failed(error, 0)
                raise refused(message_of(error))
        return Instance(store, code, cell)

    def __del__(self) -> None:
        self._delete(self._ptr)
