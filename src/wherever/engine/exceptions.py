"""Owns exceptions of the specification: thrown by guests and not caught, or thrown by the host."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from wherever.engine.externs import Tag
from wherever.engine.library import Words3, library, message_of
from wherever.engine.valtypes import Kind
from wherever.engine.values import OF, VAL, ExnRef, new_vals, read_val, write_val
from wherever.errors import GuestTrap, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.engine.state import StoreState

__all__ = ["GuestException", "take", "throw"]


class GuestException(GuestTrap):
    """An exception with a tag and values. Raised in a host function, the guest can catch it."""

    def __init__(self, tag: Tag, values: Sequence[object], *, ref: ExnRef | None = None) -> None:
        super().__init__(
            f"an exception with {len(values)} values was thrown and not caught",
            code="uncaught exception",
        )
        self.tag = tag
        self.values = tuple(values)
        self.ref = ref

    def is_(self, tag: Tag) -> bool:
        """Whether it was thrown with this tag."""
        return self.tag.same(tag)


def take(store: StoreState) -> GuestException | None:
    """The exception that ended a call, taken out of the store; None where there is none."""
    lib = library()
    if not lib.wasmtime_context_has_exception(store.context):
        return None
    val = new_vals(1)
    at = ctypes.addressof(val)
    val[0] = bytes([Kind.EXNREF.value])
    if not lib.wasmtime_context_take_exception(store.context, at + OF):
        return None
    try:
        cell = Words3()
        _check(lib.wasmtime_exnref_tag(store.context, at + OF, ctypes.addressof(cell)))
        values: list[Any] = []
        for index in range(lib.wasmtime_exnref_field_count(store.context, at + OF)):
            field = new_vals(1)
            field_at = ctypes.addressof(field)
            _check(lib.wasmtime_exnref_field(store.context, at + OF, index, field_at))
            values.append(read_val(store, field_at, own=True))
        return GuestException(Tag(store, cell, None), values, ref=ExnRef(store, at))
    finally:
        lib.wasmtime_val_unroot(at)


def throw(store: StoreState, error: GuestException) -> int:
    """The wasm_trap_t that, returned by a host function, throws the exception in the guest."""
    lib = library()
    if error.tag.store is not store:
        raise ValueError("the exception's tag belongs to another store")
    exception = new_vals(1)
    at = ctypes.addressof(exception)
    if error.ref is not None:
        lib.wasmtime_val_clone(ctypes.addressof(error.ref.cell), at)
        return lib.wasmtime_context_set_exception(store.context, at + OF)
    types = error.tag.params.params if error.tag.params is not None else ()
    if len(types) != len(error.values):
        raise TypeError(f"the tag carries {len(types)} values, not {len(error.values)}")
    vals = new_vals(len(types))
    first = ctypes.addressof(vals)
    try:
        for index, (value, valtype) in enumerate(zip(error.values, types, strict=True)):
            write_val(store, first + VAL * index, value, valtype, f"exception value {index}")
        _check(
            lib.wasmtime_exnref_new(
                store.context, ctypes.addressof(error.tag.cell), first, len(types), at + OF
            )
        )
    finally:
        for index in range(len(types)):
            lib.wasmtime_val_unroot(first + VAL * index)
    return lib.wasmtime_context_set_exception(store.context, at + OF)


def _check(error: int) -> None:
    if error:
        raise LimitExceeded(message_of(error), limit="memory")
