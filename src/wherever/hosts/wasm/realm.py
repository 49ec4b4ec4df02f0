"""Owns which store the API's objects live in.

JavaScript has one store for a page and never frees it. Here an instance whose imports are plain
functions gets a store of its own, which goes when the instance goes. Memories, tables, globals and
tags made on their own go into one store a thread, which lives while any of them does, and an
instance that imports one joins its store. `Store` makes one explicitly: to bound what its guests
may use, or to link objects that were made on different threads.
"""

from __future__ import annotations

import ctypes
import weakref
from threading import local
from typing import TYPE_CHECKING

from wherever.engine.engine import Engine
from wherever.engine.externs import handle_from, handle_of
from wherever.engine.fibers import AsyncStore
from wherever.engine.hostcalls import HostFunc
from wherever.engine.library import Words2
from wherever.engine.profile import Placement, Profile
from wherever.engine.state import Limits
from wherever.engine.store import Store as EngineStore
from wherever.hosts.wasm.errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wherever.engine.externs import FuncHandle
    from wherever.engine.state import StoreState

__all__ = ["ON_DEMAND", "POOLED", "AsyncRealm", "Realm", "Store", "current"]

POOLED = Profile()
ON_DEMAND = Profile(Placement.DEMAND)

_LIMITS = Limits(
    memory=1000 * (4 << 30),
    memories=1000,
    table_elements=4000 * 10_000_000,
    tables=4000,
    instances=1000,
)


class Realm(EngineStore):
    """A store whose errors are the API's, and whose functions are plain callables."""

    __slots__ = ("_callables", "_foreign")
    DEFAULT = _LIMITS
    _foreign: dict[Callable[..., Any], ctypes.Array[ctypes.c_uint64]]
    """Functions of other stores that were put into this one's tables: their cells here."""
    _callables: dict[int, Callable[..., Any]]
    """The same by the address that a cell holds."""

    def failed(self, error: int, trap: int) -> BaseException:
        """The exception for what a call into the C API returned."""
        return translated(super().failed(error, trap))

    def func_at(self, at: int) -> object:
        """The callable of the wasmtime_func_t at an address."""
        cell = Words2()
        ctypes.memmove(cell, at, 16)
        foreign = getattr(self, "_callables", None)
        if foreign and cell[1] in foreign:
            return foreign[cell[1]]
        return handle_from(self, cell, None, "function").callable()

    def func_cell(self, value: object) -> tuple[StoreState, int] | None:
        """The store and the wasmtime_func_t of a function; of another store's, one that calls it.

        As for imports: in JavaScript there is one store, and any exported function fits anywhere.
        """
        handle = handle_of(value)
        if handle is None:
            return None
        if handle.store is self or not isinstance(handle.store, Realm):
            return handle.store, handle.at
        return self, ctypes.addressof(self._calling(handle))

    def _calling(self, handle: FuncHandle) -> ctypes.Array[ctypes.c_uint64]:
        """A function of this store that calls another's; it comes back out as that very one."""
        if getattr(self, "_foreign", None) is None:
            self._foreign, self._callables = {}, {}
        call = handle.callable()
        cell = self._foreign.get(call)
        if cell is None:
            func = self.link(HostFunc(handle.signature(), call, name=handle.name))
            cell = self._foreign[call] = Words2()
            ctypes.memmove(cell, func.at, 16)
            self._callables[cell[1]] = call
        return cell


class AsyncRealm(AsyncStore):
    """The same for guests that wait."""

    __slots__ = ()
    DEFAULT = _LIMITS

    def failed(self, error: int, trap: int) -> BaseException:
        """The exception for what a call into the C API returned."""
        return translated(super().failed(error, trap))


class Store(Realm):
    """A store to make objects and instances in, with limits of its own.

    `memory` bounds the bytes of all linear memories together, divided among `memories`: one where
    there is such a bound, 100 otherwise. `seconds` is how long its guests may run from now. Use it
    as a context manager: at its end everything in it is gone, and views of its memories raise
    ValueError.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        memory: int | None = None,
        memories: int | None = None,
        table_elements: int = 10_000_000,
        tables: int = 100,
        instances: int = 1000,
        seconds: float | None = None,
    ) -> None:
        if memories is None:
            memories = 100 if memory is None else 1
        limits = Limits(
            memory=memories * (4 << 30) if memory is None else memory,
            memories=memories,
            table_elements=table_elements,
            tables=tables,
            instances=instances,
        )
        super().__init__(Engine.of(ON_DEMAND), limits)
        if seconds is not None:
            self.set_deadline(seconds)


class _Thread(local):
    def __init__(self) -> None:
        self.store: Callable[[], Realm | None] = lambda: None


_thread = _Thread()


def current() -> Realm:
    """The store of objects that this thread makes on their own."""
    store = _thread.store()
    if store is None or store.closed:
        store = Realm(Engine.of(ON_DEMAND))
        _thread.store = weakref.ref(store)
    return store
