"""Owns values on the checked path: wasmtime_val_t and the references that it can hold.

An externref is any Python object. References to functions are `Func` values, references into the
guest's garbage-collected heap are opaque `GcRef` and `ExnRef` handles, and an i31 is an int.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
from typing import TYPE_CHECKING, Any

from wherever.engine.calls import checked_value, get_nan, put_nan
from wherever.engine.library import library, message_of
from wherever.engine.state import dead_objects, drop_dead_objects, objects
from wherever.engine.valtypes import Kind, kind_of
from wherever.errors import LimitExceeded, Unsupported
from wherever.wasm.types import NumType, RefType, ValType, VecType

if TYPE_CHECKING:
    from wherever.engine.state import StoreState

__all__ = ["OF", "VAL", "ExnRef", "ForeignRef", "GcRef", "new_vals", "read_val", "write_val"]

VAL = 32
"""Bytes of one wasmtime_val_t: the kind, then at 8 a union of at most 24 bytes."""
OF = 8

_NUMBERS: dict[object, tuple[int, struct.Struct]] = {
    NumType.I32: (Kind.I32.value, struct.Struct("<B7xi")),
    NumType.I64: (Kind.I64.value, struct.Struct("<B7xq")),
    NumType.F32: (Kind.F32.value, struct.Struct("<B7xf")),
    NumType.F64: (Kind.F64.value, struct.Struct("<B7xd")),
    VecType.V128: (Kind.V128.value, struct.Struct("<B7x16s")),
}
_BY_KIND = dict(_NUMBERS.values())


class GcRef:
    """A reference into a store's garbage-collected heap (any, eq, struct, array, i31).

    Opaque: it can be passed back to the same store, and compared with nothing but itself.
    """

    __slots__ = ("cell", "store")
    kind = Kind.ANYREF

    def __init__(self, store: StoreState, val: int) -> None:
        self.store = store
        self.cell = ctypes.create_string_buffer(VAL)
        library().wasmtime_val_clone(val, ctypes.addressof(self.cell))

    def __del__(self) -> None:
        # The root outlives its store: a root is counted, and unrooting a dead store's is in order.
        library().wasmtime_val_unroot(ctypes.addressof(self.cell))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.store!r}>"


class ForeignRef(GcRef):
    """A guest's own reference that it made external (extern.convert_any)."""

    __slots__ = ()
    kind = Kind.EXTERNREF


class ExnRef(GcRef):
    """A reference to an exception that a guest threw or that the host made."""

    __slots__ = ()
    kind = Kind.EXNREF


_numbers = itertools.count(1)
_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_size_t)


_on_collected = _FINALIZER(dead_objects.append)
_on_collected_at = ctypes.cast(_on_collected, ctypes.c_void_p)


def new_vals(count: int) -> ctypes.Array[ctypes.c_char]:
    """Cleared wasmtime_val_t's; a cleared one is an i32."""
    return ctypes.create_string_buffer(VAL * max(1, count))


def write_val(store: StoreState, at: int, value: object, valtype: ValType, what: str) -> None:
    """Put a Python value at an address, as the type says; TypeError or OverflowError otherwise."""
    cell = (ctypes.c_char * VAL).from_address(at)
    number = _NUMBERS.get(valtype)
    if number is not None:
        kind, packer = number
        checked = checked_value(value, valtype, what)
        packer.pack_into(cell, 0, kind, checked)
        if valtype is NumType.F32 and checked != checked:  # a NaN
            put_nan(cell, OF, checked)
        return
    assert isinstance(valtype, RefType)
    kind_of_ref = kind_of(valtype) or _kind_of_value(value)
    ctypes.memset(at, 0, VAL)
    cell[0] = bytes([kind_of_ref.value])
    if value is None:
        if not valtype.nullable:
            raise TypeError(f"{what} is {valtype}: None (a null reference) is not allowed")
        return
    match kind_of_ref:
        case Kind.EXTERNREF if not isinstance(value, ForeignRef):
            _write_extern(store, at, value)
        case Kind.FUNCREF:
            _write_func(store, at, value, valtype, what)
        case Kind.ANYREF if isinstance(value, int) and not isinstance(value, bool):
            if not -(1 << 30) <= value < 1 << 30:
                raise OverflowError(f"{what} is {valtype}: {value} does not fit an i31")
            library().wasmtime_anyref_from_i31(store.context, value & 0x7FFFFFFF, at + OF)
        case _:
            if not isinstance(value, GcRef) or value.kind is not kind_of_ref:
                raise TypeError(
                    f"{what} is {valtype}: {type(value).__name__} is not such a reference"
                )
            if value.store is not store:
                raise TypeError(f"{what} is a reference into another store")
            library().wasmtime_val_clone(ctypes.addressof(value.cell), at)


def _kind_of_value(value: object) -> Kind:
    """The hierarchy of a module's own type, as the value shows it; wasmtime checks the rest."""
    if isinstance(value, GcRef):
        return value.kind
    return Kind.ANYREF if isinstance(value, int) else Kind.FUNCREF


_MANY = 10_000


def _write_extern(store: StoreState, at: int, value: object) -> None:
    if len(dead_objects) > 64:
        drop_dead_objects()
    store.externs += 1
    if store.externs >= _MANY:
        # The guest's collector sees small references and no hurry; the objects may be large.
        store.externs = 0
        error = library().wasmtime_context_gc(store.context)
        if error:
            message_of(error)
    number = next(_numbers)
    objects[number] = value
    made = library().wasmtime_externref_new(store.context, number, _on_collected_at, at + OF)
    if not made:
        objects.pop(number, None)
        raise LimitExceeded(
            "the store's garbage-collected heap is full: no externref can be made", limit="memory"
        )


def _write_func(store: StoreState, at: int, value: object, valtype: ValType, what: str) -> None:
    func = store.func_cell(value)
    if func is None:
        raise TypeError(
            f"{what} is {valtype}: a guest's function or None is needed, not "
            f"{type(value).__name__}; wrap a Python callable with store.host_func(type, callable)"
        )
    if func[0] is not store:
        raise TypeError(f"{what} is a function of another store")
    ctypes.memmove(at + OF, func[1], 16)


def read_val(store: StoreState, at: int, *, own: bool) -> Any:
    """The Python value at an address; `own` says that the root there is ours to let go of."""
    cell = (ctypes.c_char * VAL).from_address(at)
    kind = cell[0][0]
    packer = _BY_KIND.get(kind)
    if packer is not None:
        value = packer.unpack_from(cell)[1]
        if kind == Kind.F32.value and value != value:  # a NaN
            return get_nan(cell, OF)
        return value
    store_id = ctypes.c_uint64.from_address(at + OF).value
    if store_id == 0:
        return None
    if kind == Kind.FUNCREF.value:
        return store.func_at(at + OF)
    try:
        if kind == Kind.EXTERNREF.value:
            number = library().wasmtime_externref_data(store.context, at + OF)
            # One that stands for no object of ours is a guest's own reference, made external.
            return objects[number] if number in objects else ForeignRef(store, at)
        if kind == Kind.ANYREF.value:
            small = ctypes.c_int32()
            if library().wasmtime_anyref_i31_get_s(store.context, at + OF, ctypes.addressof(small)):
                return small.value
            return GcRef(store, at)
        if kind == Kind.EXNREF.value:
            return ExnRef(store, at)
        raise Unsupported(f"a value of kind {kind}")
    finally:
        if own:
            library().wasmtime_val_unroot(at)
