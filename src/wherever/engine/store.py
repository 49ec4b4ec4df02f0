"""Owns the store: making what lives in it, its deadline, its end."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Self

from wherever.engine import epochs
from wherever.engine.exceptions import GuestException, take, throw
from wherever.engine.externs import Func, Global, Memory, Table, Tag, func_from, handle_of
from wherever.engine.hostcalls import HostFunc
from wherever.engine.instance import Given, Instance, Linking, instantiate
from wherever.engine.library import Words2, Words3, library
from wherever.engine.state import Limits, StoreState, drop_dead_objects
from wherever.engine.valtypes import functype, new_valtype
from wherever.engine.values import new_vals, write_val
from wherever.errors import Unsupported
from wherever.wasm.types import AddressType

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.engine.engine import Code
    from wherever.wasm.types import FuncType, GlobalType, MemoryType, TableType

__all__ = ["Limits", "Store"]

_DEFAULT = Limits()


class Store(Linking):
    """Where instances live together: they share its limits, its deadline and its end."""

    __slots__ = ()
    DEFAULT = _DEFAULT

    # What instances are made of.

    def instantiate(self, code: Code, imports: Given | None = None) -> Instance:
        """Link a compiled module's imports, by (module, name), and run its start function."""
        return instantiate(self, code, imports or {})

    def host_func(
        self,
        signature: FuncType,
        function: Callable[..., Any],
        *,
        name: str = "",
        unsigned: bool = False,
    ) -> Func:
        """A Python callable as a function of this store; it takes and gives what the type says."""
        return self.link(HostFunc(signature, function, name=name, unsigned=unsigned))

    def late_func(
        self, signature: FuncType, build: Callable[[], Callable[..., Any]], name: str
    ) -> Func:
        """The same of a callable that is made when a guest first calls it, unsigned."""
        return self.link(HostFunc(signature, build, name=name, unsigned=True, build=build))

    def memory(self, type_: MemoryType) -> Memory:
        """A new linear memory."""
        lib = library()
        limits = type_.limits
        out = ctypes.c_size_t()
        with self.lock:
            self.require_open()
            if self.host_memories >= self.limits.memories:
                raise self.too_many("memories", self.limits.memories)
            self.check(
                lib.wasmtime_memorytype_new(
                    limits.minimum,
                    limits.maximum is not None,
                    limits.maximum or 0,
                    limits.address.value == "i64",
                    limits.shared,
                    type_.page_size_log2,
                    ctypes.addressof(out),
                )
            )
            cell = Words3()
            error = lib.wasmtime_memory_new(self.context, out.value, ctypes.addressof(cell))
            lib.wasm_memorytype_delete(out.value)
            self.check(error, limit="memory")
            self.host_memories += 1
            self.set_limits()
        return Memory(self, cell, type_)

    def table(self, type_: TableType, init: object = None) -> Table:
        """A new table, filled with one value."""
        lib = library()
        cell = Words3()
        if type_.limits.address is AddressType.I64:
            raise Unsupported(
                "a table indexed by i64, made by the host: the C API has no such type"
            )
        bounds = (ctypes.c_uint32 * 2)(
            type_.limits.minimum,
            0xFFFFFFFF if type_.limits.maximum is None else type_.limits.maximum,
        )
        val = new_vals(1)
        at = ctypes.addressof(val)
        with self.lock:
            self.require_open()
            if self.host_tables >= self.limits.tables:
                raise self.too_many("tables", self.limits.tables)
            write_val(self, at, init, type_.element, "a table's initial value")
            made = lib.wasm_tabletype_new(
                new_valtype(self.engine, type_.element), ctypes.addressof(bounds)
            )
            error = lib.wasmtime_table_new(self.context, made, at, ctypes.addressof(cell))
            lib.wasm_tabletype_delete(made)
            lib.wasmtime_val_unroot(at)
            self.check(error, limit="table elements")
            self.host_tables += 1
            self.set_limits()
        return Table(self, cell, type_)

    def global_(self, type_: GlobalType, value: object) -> Global:
        """A new global."""
        lib = library()
        cell = Words3()
        val = new_vals(1)
        at = ctypes.addressof(val)
        with self.lock:
            self.require_open()
            write_val(self, at, value, type_.value, "a global's value")
            made = lib.wasm_globaltype_new(
                new_valtype(self.engine, type_.value), int(type_.mutable)
            )
            error = lib.wasmtime_global_new(self.context, made, at, ctypes.addressof(cell))
            lib.wasm_globaltype_delete(made)
            lib.wasmtime_val_unroot(at)
            self.check(error)
        return Global(self, cell, type_)

    def tag(self, params: FuncType) -> Tag:
        """A new exception tag that carries values of the parameters' types."""
        lib = library()
        cell = Words3()
        with self.lock:
            self.require_open()
            # A tag type takes its function type over; the engine's copy stays the engine's.
            self.engine.functypes.pop(params, None)
            made = lib.wasm_tagtype_new(functype(self.engine, params))
            self.engine.functypes.pop(params, None)
            error = lib.wasmtime_tag_new(self.context, made, ctypes.addressof(cell))
            lib.wasm_tagtype_delete(made)
            self.check(error)
        return Tag(self, cell, params)

    # Identity of functions.

    def func_cell(self, value: object) -> tuple[StoreState, int] | None:
        """The store and address of a `Func`, or of a callable made by this room."""
        handle = handle_of(value)
        return (handle.store, handle.at) if handle is not None else None

    def func_at(self, at: int) -> object:
        """The one `Func` of the wasmtime_func_t at an address, whose type the guest decides."""
        cell = Words2()
        ctypes.memmove(cell, at, 16)
        return func_from(self, cell, None, "function")

    # Exceptions.

    def carry(self, error: BaseException) -> int:
        """The trap for a host function that raised; a `GuestException` is one a guest can catch."""
        if isinstance(error, GuestException):
            try:
                return throw(self, error)
            except Exception as wrong:  # a wrong tag or value: that is the error
                return super().carry(wrong)
        return super().carry(error)

    def uncaught(self) -> BaseException | None:
        """The guest's own exception that ended a call, if one did."""
        return take(self)

    # Time.

    def set_deadline(self, seconds: float | None) -> None:
        """Stop the guests of this store `seconds` from now; None takes the deadline away."""
        if not self.engine.profile.epochs:
            raise ValueError(
                f"{self.engine.profile!r} has no epochs: nothing would look at a deadline"
            )
        with self.lock:
            self.require_open()
            epochs.arm(self, seconds)

    # The end.

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return "closed" in self.blocked

    def close(self) -> None:
        """End every instance of the store; views of memories stay readable, alone, until dropped.

        Waits for a call that another thread has in the guest. Inside one of the store's own host
        calls it is refused: the guest's frames are still on the stack.
        """
        if self.inside():
            raise RuntimeError("a store cannot be closed inside one of its own host calls")
        with self.lock:
            if self.closed:
                return
            self.blocked.append("closed")
            epochs.disarm(self)
            for ref in self.memories:
                memory = ref()
                if isinstance(memory, Memory):
                    memory.release()
            self.release_native()
        drop_dead_objects()

    def release_native(self) -> None:
        """Free the wasmtime store now if no view needs it, else when the last view goes."""
        native = self.native
        native.closing = True
        if not native.regions:
            native.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<Store {state}, {self.engine.profile.name}>"
