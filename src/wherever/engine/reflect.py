"""Owns reading a function's type back from wasmtime, for functions that tables and calls give.

Every other type comes from the module's own bytes. `wasm_valtype_kind` ends the process on vectors
and on most references, so kinds are read through `wasmtime_valtype_new`, which knows them all.
"""

from __future__ import annotations

import ctypes

from wherever.engine.library import library
from wherever.engine.valtypes import CValType, valtype_of
from wherever.wasm.types import FuncType, ValType

__all__ = ["functype_at"]


def functype_at(context: int, func: int) -> FuncType:
    """The signature of the wasmtime_func_t at an address."""
    lib = library()
    type_ = lib.wasmtime_func_type(context, func)
    signature = FuncType(
        _types(lib.wasm_functype_params(type_)), _types(lib.wasm_functype_results(type_))
    )
    lib.wasm_functype_delete(type_)
    return signature


def _types(vector: int) -> tuple[ValType, ...]:
    count, first = (ctypes.c_size_t * 2).from_address(vector)
    if not count:
        return ()
    return tuple(map(_type, (ctypes.c_size_t * count).from_address(first)))


def _type(valtype: int) -> ValType:
    lib = library()
    out = CValType()
    lib.wasmtime_valtype_new(valtype, ctypes.addressof(out))
    made = valtype_of(out)
    lib.wasmtime_valtype_delete(ctypes.addressof(out))
    return made
