"""Owns what can be imported and exported: functions, memories, tables, globals and tags."""

from __future__ import annotations

import ctypes
import weakref
from ctypes import addressof
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import ref

from wherever.engine.calls import maker_of
from wherever.engine.checked import checked_call
from wherever.engine.library import Words4, library, message_of
from wherever.engine.reflect import functype_at
from wherever.engine.valtypes import is_raw
from wherever.engine.values import new_vals, read_val, write_val
from wherever.errors import GuestTrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.engine.state import StoreState
    from wherever.wasm.types import FuncType, GlobalType, MemoryType, TableType

    Maker = Callable[[StoreState, int, str], Callable[..., Any]]

__all__ = [
    "Extern",
    "Func",
    "FuncHandle",
    "Global",
    "Memory",
    "OutOfBounds",
    "Table",
    "Tag",
    "call_maker",
    "func_from",
    "func_of",
    "handle_from",
    "handle_of",
]


class OutOfBounds(GuestTrap, IndexError):
    """A host function was given an address that is outside the guest's linear memory."""

    def __init__(self, address: int, size: int, bound: int) -> None:
        super().__init__(
            f"the guest named bytes {address:#x}..{address + size:#x} of a memory of {bound:#x}",
            code="out of bounds memory access",
        )


class FuncHandle:
    """Which function it is: shared by a `Func` and the callable that enters the guest.

    It holds both weakly, so that neither keeps the other, and a dropped store is freed at once.
    """

    __slots__ = ("__weakref__", "_call", "_cell", "at", "func", "name", "store", "type")

    def __init__(
        self,
        store: StoreState,
        cell: ctypes.Array[ctypes.c_uint64],
        at: int,
        type_: FuncType | None,
        name: str,
    ) -> None:
        self.store = store
        self._cell = cell  # the wasmtime_func_t at `at` is in it
        self.at = at
        self.type = type_
        self.name = name
        self._call: weakref.ref[Callable[..., Any]] | None = None
        self.func: weakref.ref[Func] | None = None

    def signature(self) -> FuncType:
        """The type; where the host was not told, wasmtime is asked."""
        if self.type is None:
            with self.store.lock:
                if "closed" in self.store.blocked:
                    raise self.store.refusal()
                self.type = functype_at(self.store.context, self.at)
        return self.type

    def callable(self, make: Maker | None = None) -> Callable[..., Any]:
        """The Python function that enters the guest: one while anyone holds it."""
        call = self._call() if self._call is not None else None
        if call is None:
            if make is None:
                make = call_maker(self.signature())
            call = make(self.store, self.at, self.name)
            call.__dict__["__wasm__"] = self  # the call reads the handle's cell
            self._call = ref(call)
        return call


class Func:
    """A function of a store. `call` is the fast way in: a plain Python function."""

    __slots__ = ("__weakref__", "_call", "handle", "store")
    kind = 0

    def __init__(self, handle: FuncHandle) -> None:
        self.handle = handle
        self.store = handle.store
        self._call: Callable[..., Any] | None = None
        handle.func = weakref.ref(self)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.handle.name

    @property
    def at(self) -> int:
        """The address of its wasmtime_func_t."""
        return self.handle.at

    @property
    def type(self) -> FuncType:
        """The signature; types of the guest's own are shown as their abstract supertypes."""
        return self.handle.signature()

    @property
    def call(self) -> Callable[..., Any]:
        """The Python function that enters the guest; made at the first look, then kept."""
        call = self._call
        if call is None:
            call = self._call = self.handle.callable()
        return call

    def __call__(self, *args: object) -> Any:
        return self.call(*args)

    def __repr__(self) -> str:
        return f"<Func {self.name!r}>"


_array_types: dict[int, type[ctypes.Array[ctypes.c_uint8]]] = {}


class Memory:
    """A linear memory. Its base never moves (ADR 0003), so views of it stay where they are."""

    __slots__ = ("__weakref__", "_view", "base", "cell", "size", "store", "type")
    kind = 3

    def __init__(
        self, store: StoreState, cell: ctypes.Array[ctypes.c_uint64], type_: MemoryType
    ) -> None:
        self.store = store
        self.cell = cell
        self.type = type_
        self.base = 0
        self.size = 0
        """The bytes that were there when last looked: memories only grow, so never too many."""
        self._view: memoryview | None = None
        store.memories.append(weakref.ref(self))

    def refresh(self) -> int:
        """Look at the size again; called where an address is beyond the last known one."""
        store = self.store
        with store.lock:
            if "closed" in store.blocked:
                raise store.refusal()
            at = ctypes.addressof(self.cell)
            lib = library()
            size = lib.wasmtime_memory_data_size(store.context, at)
            if not self.base:
                self.base = lib.wasmtime_memory_data(store.context, at)
            if size != self.size or self._view is None:
                self._view = self._export(size)
                self.size = size
        return size

    def _export(self, size: int) -> memoryview:
        if size == 0:
            return memoryview(bytearray())
        array_type = _array_types.get(size)
        if array_type is None:
            if len(_array_types) > 64:
                _array_types.clear()
            array_type = _array_types[size] = ctypes.c_uint8 * size
        region = array_type.from_address(self.base)
        native = self.store.native
        # The view keeps the region, the region keeps the native store: dropping every other
        # reference, or closing, can never leave a view over memory that is gone.
        vars(region)["native"] = native
        native.regions.append(weakref.ref(region, native.region_gone))
        return memoryview(region).cast("B")

    def view(self) -> memoryview:
        """All of the memory, zero-copy, as large as it is now.

        After `Store.close` this view is released: using it raises ValueError. Slices taken from it
        stay readable, and keep the memory until they are dropped.
        """
        self.refresh()
        assert self._view is not None
        return self._view

    def slice(self, address: int, size: int) -> memoryview:
        """A writable view of some bytes, for readinto and the like; `OutOfBounds` beyond."""
        end = address + size
        if not 0 <= address <= end <= self.size and not 0 <= address <= end <= self.refresh():
            raise OutOfBounds(address, size, self.size)
        view = self._view
        return view[address:end] if view is not None else self.view()[address:end]

    def read(self, address: int, size: int) -> bytes:
        """A copy of some bytes; `OutOfBounds` beyond."""
        return bytes(self.slice(address, size))

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Put bytes at an address; `OutOfBounds` beyond."""
        self.slice(address, len(data))[:] = data

    def grow(self, pages: int) -> int:
        """Add pages; the old size in pages, or -1 where a limit forbids it."""
        old = ctypes.c_uint64()
        store = self.store
        with store.lock:
            store.require_open()
            error = library().wasmtime_memory_grow(
                store.context, ctypes.addressof(self.cell), pages, ctypes.addressof(old)
            )
            if error:
                message_of(error)
                return -1
            self.refresh()
        return old.value

    def release(self) -> None:
        """Give up the view: the store is closing."""
        view, self._view = self._view, None
        self.size = 0
        if view is not None:
            try:
                view.release()
            except BufferError:  # someone holds a buffer of it; the region lives on with them
                return

    def __repr__(self) -> str:
        return f"<Memory {self.type}>"


class Table:
    """A table of references."""

    __slots__ = ("cell", "store", "type")
    kind = 2

    def __init__(
        self, store: StoreState, cell: ctypes.Array[ctypes.c_uint64], type_: TableType
    ) -> None:
        self.store = store
        self.cell = cell
        self.type = type_

    def __len__(self) -> int:
        store = self.store
        with store.lock:
            store.require_open()
            return library().wasmtime_table_size(store.context, ctypes.addressof(self.cell))

    def get(self, index: int) -> Any:
        """The element; IndexError beyond the end."""
        store = self.store
        val = new_vals(1)
        with store.lock:
            store.require_open()
            at = ctypes.addressof(val)
            if not 0 <= index < len(self) or not library().wasmtime_table_get(
                store.context, ctypes.addressof(self.cell), index, at
            ):
                raise IndexError(f"table index {index} of {len(self)}")
            return read_val(store, at, own=True)

    def set(self, index: int, value: object) -> None:
        """Replace an element; IndexError beyond the end, TypeError for a wrong reference."""
        store = self.store
        val = new_vals(1)
        at = ctypes.addressof(val)
        with store.lock:
            store.require_open()
            if not 0 <= index < len(self):
                raise IndexError(f"table index {index} of {len(self)}")
            try:
                write_val(store, at, value, self.type.element, "a table element")
                error = library().wasmtime_table_set(
                    store.context, ctypes.addressof(self.cell), index, at
                )
            finally:
                library().wasmtime_val_unroot(at)
            if error:
                raise TypeError(message_of(error))

    def grow(self, count: int, init: object = None) -> int:
        """Add elements; the old length, or -1 where a limit forbids it."""
        store = self.store
        val = new_vals(1)
        at = ctypes.addressof(val)
        old = ctypes.c_uint64()
        with store.lock:
            store.require_open()
            try:
                write_val(store, at, init, self.type.element, "a table element")
                error = library().wasmtime_table_grow(
                    store.context, ctypes.addressof(self.cell), count, at, ctypes.addressof(old)
                )
            finally:
                library().wasmtime_val_unroot(at)
            if error:
                message_of(error)
                return -1
            return old.value

    def __repr__(self) -> str:
        return f"<Table {self.type}>"


class Global:
    """A global variable."""

    __slots__ = ("cell", "store", "type")
    kind = 1

    def __init__(
        self, store: StoreState, cell: ctypes.Array[ctypes.c_uint64], type_: GlobalType
    ) -> None:
        self.store = store
        self.cell = cell
        self.type = type_

    def get(self) -> Any:
        """The value."""
        store = self.store
        val = new_vals(1)
        with store.lock:
            store.require_open()
            at = ctypes.addressof(val)
            library().wasmtime_global_get(store.context, ctypes.addressof(self.cell), at)
            return read_val(store, at, own=True)

    def set(self, value: object) -> None:
        """Replace the value; TypeError where the global is immutable or the value is wrong."""
        if not self.type.mutable:
            raise TypeError("the global is immutable")
        store = self.store
        val = new_vals(1)
        at = ctypes.addressof(val)
        with store.lock:
            store.require_open()
            try:
                write_val(store, at, value, self.type.value, "a global's value")
                error = library().wasmtime_global_set(
                    store.context, ctypes.addressof(self.cell), at
                )
            finally:
                library().wasmtime_val_unroot(at)
            if error:
                raise TypeError(message_of(error))

    def __repr__(self) -> str:
        return f"<Global {self.type}>"


class Tag:
    """An exception tag."""

    __slots__ = ("cell", "params", "store")
    kind = 5

    def __init__(
        self, store: StoreState, cell: ctypes.Array[ctypes.c_uint64], params: FuncType | None
    ) -> None:
        self.store = store
        self.cell = cell
        self.params = params

    def same(self, other: Tag) -> bool:
        """Whether both are the same tag of the same store."""
        if self.store is not other.store:
            return False
        with self.store.lock:
            self.store.require_open()
            return bool(
                library().wasmtime_tag_eq(
                    self.store.context, ctypes.addressof(self.cell), ctypes.addressof(other.cell)
                )
            )

    def __repr__(self) -> str:
        return f"<Tag {self.params}>"


Extern: TypeAlias = Func | Memory | Table | Global | Tag


def handle_of(value: object) -> FuncHandle | None:
    """The function that a value is: a `Func`, or the callable of one."""
    if isinstance(value, Func):
        return value.handle
    handle = getattr(value, "__wasm__", None)
    return handle if isinstance(handle, FuncHandle) else None


def handle_from(
    store: StoreState,
    cell: ctypes.Array[ctypes.c_uint64],
    type_: FuncType | None,
    name: str,
    *,
    skip: int = 0,
) -> FuncHandle:
    """The one handle of the wasmtime_func_t after `skip` words of the cell.

    Its second word tells functions apart.
    """
    key = cell[skip + 1]
    known = store.funcs.get(key)
    if known is not None:
        handle = known()
        if isinstance(handle, FuncHandle):
            return handle
    several = len(store.codes) > 1
    if several:
        known = _elsewhere(store, key)
        handle = known() if known is not None else None
        if known is not None and isinstance(handle, FuncHandle):
            store.funcs[key] = known
            return handle
    handle = FuncHandle(store, cell, addressof(cell) + 8 * skip, type_, name)
    store.funcs[key] = ref(handle)
    if several:
        store.same[_identity(key)] = ref(handle)
    return handle


def _elsewhere(store: StoreState, key: int) -> ref[object] | None:
    """The handle of the same function at another address.

    An instance has a record of its own of each function that it imports and gives away, so with
    several instances an address does not tell functions apart.
    """
    if not store.same:
        store.same.update((_identity(at), known) for at, known in store.funcs.items())
    return store.same.get(_identity(key))


def _identity(at: int) -> tuple[int, int]:
    """What the record of a function (VMFuncRef) has in common with others of the same: its entry
    and its instance, the first and the fourth word."""
    words = Words4.from_address(at)
    return words[0], words[3]


def func_of(handle: FuncHandle) -> Func:
    """The one `Func` of a handle, while anyone holds it."""
    func = handle.func() if handle.func is not None else None
    return func if func is not None else Func(handle)


def func_from(
    store: StoreState, cell: ctypes.Array[ctypes.c_uint64], type_: FuncType | None, name: str
) -> Func:
    """The one `Func` of the wasmtime_func_t in a cell."""
    return func_of(handle_from(store, cell, type_, name))


def call_maker(signature: FuncType) -> Maker:
    """What makes callables of functions with the signature."""
    if is_raw(signature.params) and is_raw(signature.results):
        return maker_of(signature)

    def checked(store: StoreState, at: int, name: str) -> Callable[..., Any]:
        return checked_call(store, at, signature, name)

    return checked
