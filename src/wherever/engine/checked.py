"""Owns calls whose signatures hold references: slower, and every value is checked by wasmtime."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from wherever.engine.hostcalls import several
from wherever.engine.library import library
from wherever.engine.threads import here, refuse_thread
from wherever.engine.valtypes import show
from wherever.engine.values import VAL, new_vals, read_val, write_val

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.engine.hostcalls import HostFunc
    from wherever.engine.state import StoreState
    from wherever.wasm.types import FuncType

__all__ = ["checked_call", "checked_callback"]


def checked_call(
    store: StoreState, func: int, signature: FuncType, name: str
) -> Callable[..., Any]:
    """A Python function that calls the guest function at `func` (a wasmtime_func_t)."""
    params, results = signature.params, signature.results
    call = library().wasmtime_func_call
    unroot = library().wasmtime_val_unroot

    def guest(*given: object) -> Any:
        if len(given) != len(params):
            raise TypeError(f"{name}{show(signature)} takes {len(params)} values, not {len(given)}")
        with store.lock:
            if store.blocked:
                raise store.refusal()
            if not here.fits:
                raise refuse_thread()
            cells = new_vals(len(params) + len(results))
            at = ctypes.addressof(cells)
            out = at + VAL * len(params)
            trap = ctypes.c_size_t()
            try:
                for index, (value, valtype) in enumerate(zip(given, params, strict=True)):
                    what = f"{name}: parameter {index}"
                    write_val(store, at + VAL * index, value, valtype, what)
                error = call(
                    store.context, func, at, len(params), out, len(results), ctypes.addressof(trap)
                )
            finally:
                for index in range(len(params)):
                    unroot(at + VAL * index)
            if error or trap.value:
                raise store.failed(error, trap.value)
            values = tuple(
                read_val(store, out + VAL * index, own=True) for index in range(len(results))
            )
            if len(values) == 1:
                return values[0]
            return values or None

    guest.__name__ = guest.__qualname__ = name
    guest.__doc__ = f"{name}{show(signature)}"
    return guest


_PROTOTYPE = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_uint8,
    ctypes.c_uint8,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_size_t,
)


def checked_callback(store: StoreState, host: HostFunc) -> Any:
    """The C callback (wasmtime_func_callback_t); the caller must keep it alive."""
    results = host.type.results
    function, name = host.function, host.name

    def callback(_env: int, _caller: int, args: int, count: int, out: int, _results: int) -> int:
        try:
            given = [read_val(store, args + VAL * index, own=False) for index in range(count)]
            returned = function(*given)
            if len(results) == 1:
                write_val(store, out, returned, results[0], f"{name}: result")
            elif results:
                for index, value in enumerate(several(returned, len(results), name)):
                    what = f"{name}: result {index}"
                    write_val(store, out + VAL * index, value, results[index], what)
        except BaseException as error:  # see hostcalls.py: nothing may escape
            return store.carry(error)
        return 0

    return _PROTOTYPE(callback)
