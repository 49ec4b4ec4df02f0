"""Owns how the specification's value types appear to the C API: valtypes, functypes, lanes.

A *lane* is how one value sits in a 16-byte cell of an unchecked call (wasmtime_val_raw_t). Only
numbers and vectors travel unchecked: a wrong reference in a cell would be believed, so signatures
with references take the checked path (`values.py`).
"""

from __future__ import annotations

import ctypes
from enum import Enum
from typing import TYPE_CHECKING

from wherever.engine.library import library
from wherever.errors import Unsupported
from wherever.wasm.types import AbstractHeap, FuncType, NumType, RefType, VecType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.engine.engine import Engine
    from wherever.wasm.types import ValType

__all__ = [
    "CELL",
    "CValType",
    "Kind",
    "functype",
    "is_raw",
    "kind_of",
    "new_valtype",
    "show",
    "valtype_of",
]

CELL = 16
"""Bytes of one wasmtime_val_raw_t."""


class Kind(Enum):
    """wasmtime_valkind_t: how a checked value (wasmtime_val_t) is tagged."""

    I32 = 0
    I64 = 1
    F32 = 2
    F64 = 3
    V128 = 4
    FUNCREF = 5
    EXTERNREF = 6
    ANYREF = 7
    EXNREF = 8


_NUMERIC = {
    NumType.I32: Kind.I32,
    NumType.I64: Kind.I64,
    NumType.F32: Kind.F32,
    NumType.F64: Kind.F64,
}

# wasmtime_heaptype_kind_t, as 50.0.1 numbers them, and the hierarchy each heap type is in.
_HEAP: dict[AbstractHeap, tuple[int, Kind]] = {
    AbstractHeap.EXTERN: (0, Kind.EXTERNREF),
    AbstractHeap.NOEXTERN: (1, Kind.EXTERNREF),
    AbstractHeap.FUNC: (2, Kind.FUNCREF),
    AbstractHeap.NOFUNC: (4, Kind.FUNCREF),
    AbstractHeap.ANY: (5, Kind.ANYREF),
    AbstractHeap.NONE: (6, Kind.ANYREF),
    AbstractHeap.EQ: (7, Kind.ANYREF),
    AbstractHeap.I31: (8, Kind.ANYREF),
    AbstractHeap.ARRAY: (9, Kind.ANYREF),
    AbstractHeap.STRUCT: (11, Kind.ANYREF),
    AbstractHeap.EXN: (13, Kind.EXNREF),
    AbstractHeap.NOEXN: (15, Kind.EXNREF),
}
_REF = 5  # wasmtime_valtype_kind_t of every reference type


class _HeapType(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_uint8), ("of", ctypes.c_void_p))


class _RefType(ctypes.Structure):
    _fields_ = (("nullable", ctypes.c_bool), ("heap", _HeapType))


class CValType(ctypes.Structure):
    """wasmtime_valtype_t."""

    _fields_ = (("kind", ctypes.c_uint8), ("ref", _RefType))


def kind_of(valtype: ValType) -> Kind | None:
    """How a value of the type is tagged; None for a reference to one of a module's own types."""
    match valtype:
        case NumType():
            return _NUMERIC[valtype]
        case VecType():
            return Kind.V128
        case RefType(heap=AbstractHeap() as heap):
            return _HEAP[heap][1]
        case RefType():
            return None


def is_raw(types: Sequence[ValType]) -> bool:
    """Whether values of all these types may travel unchecked."""
    return all(isinstance(valtype, NumType | VecType) for valtype in types)


def new_valtype(engine: Engine, valtype: ValType) -> int:
    """A new wasm_valtype_t, which the caller owns."""
    lib = library()
    out = CValType(kind=Kind.V128.value)
    match valtype:
        case NumType():
            return lib.wasm_valtype_new(_NUMERIC[valtype].value)
        case VecType():
            pass
        case RefType(nullable, AbstractHeap() as heap):
            out = CValType(_REF, _RefType(nullable, _HeapType(_HEAP[heap][0], None)))
        case RefType(heap=heap):
            raise Unsupported(
                f"a host value of type {valtype}: type {heap} is the module's own, and the host "
                "can name only abstract heap types (func, extern, any, eq, i31, struct, array, exn)"
            )
    return lib.wasmtime_valtype_to_wasm(engine.ptr, ctypes.addressof(out))


_NUMBERS = {kind.value: valtype for valtype, kind in _NUMERIC.items()}
_HEAPS = {number: heap for heap, (number, _) in _HEAP.items()} | {
    # A module's own type reads as its abstract supertype: the host has no name for it.
    3: AbstractHeap.FUNC,
    10: AbstractHeap.ARRAY,
    12: AbstractHeap.STRUCT,
    14: AbstractHeap.EXN,
}


def valtype_of(valtype: CValType) -> ValType:
    """The value type that a wasmtime_valtype_t says."""
    if valtype.kind == _REF:
        return RefType(valtype.ref.nullable, _HEAPS[valtype.ref.heap.kind])
    return VecType.V128 if valtype.kind == Kind.V128.value else _NUMBERS[valtype.kind]


def functype(engine: Engine, signature: FuncType) -> int:
    """The engine's wasm_functype_t of a signature; made once, never freed."""
    made = engine.functypes.get(signature)
    if made is None:
        lib = library()
        params = _vector(engine, signature.params)
        results = _vector(engine, signature.results)
        made = lib.wasm_functype_new(ctypes.addressof(params), ctypes.addressof(results))
        engine.functypes[signature] = made
    return made


def _vector(engine: Engine, types: Sequence[ValType]) -> ctypes.Array[ctypes.c_size_t]:
    valtypes = (ctypes.c_size_t * len(types))(*[new_valtype(engine, one) for one in types])
    vector = (ctypes.c_size_t * 2)()
    library().wasm_valtype_vec_new(ctypes.addressof(vector), len(types), ctypes.addressof(valtypes))
    return vector


def show(signature: FuncType) -> str:
    """A signature as a reader of Python expects it: `(i32, i32) -> i32`."""
    results = ", ".join(map(str, signature.results))
    if len(signature.results) != 1:
        results = f"({results})"
    return f"({', '.join(map(str, signature.params))}) -> {results}"
