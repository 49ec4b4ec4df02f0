"""Owns calls into the guest: one generated Python function a signature, over preallocated cells.

For `(i32, i32) -> i32` the generated function is

    def add(p0, p1, /):
        with lock:                          # a store is one thread's at a time
            if blocked:                     # closed, or suspended in a host call
                raise store.refusal()
            if not thread.fits:             # this thread's stack cannot hold a guest
                raise refuse_thread()
            try:
                pack(cells, 0, 0, p0, p1)   # also the check of types and ranges
            except BAD_VALUE:
                pack(cells, 0, 0, *checked((p0, p1)))
            error = call(context, function, at, count, cells)
            ended, r0 = unpack(cells, 0)
            if error or ended:
                raise store.failed(error, ended)
            return r0

The buffer starts with the trap's address, so that one `unpack` reads the trap and the results. The
cells are free again once the guest has its parameters, hence a call inside a host call inside a
call of the same function is in order.
"""

from __future__ import annotations

import ctypes
import operator
import struct
from typing import TYPE_CHECKING, Any, SupportsFloat, SupportsIndex, cast

from wherever.engine.library import library
from wherever.engine.threads import here, refuse_thread
from wherever.engine.valtypes import CELL, show
from wherever.wasm.types import FuncType, NumType, ValType, VecType

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.engine.state import StoreState

__all__ = ["checked_value", "get_nan", "lane", "maker_of", "put_nan"]

# The lane of each type: struct's letter, and the bytes that fill the cell up.
_LANES: dict[object, str] = {
    NumType.I32: "i12x",
    NumType.I64: "q8x",
    NumType.F32: "f12x",
    NumType.F64: "d8x",
    VecType.V128: "16s",
}
_HINTS: dict[object, str] = {
    NumType.I32: "int",
    NumType.I64: "int",
    NumType.F32: "float",
    NumType.F64: "float",
    VecType.V128: "bytes",
}
_HEADER = 16  # the trap's address, and padding that keeps cells aligned

_BOUNDS: dict[object, tuple[int, int, int]] = {
    NumType.I32: (-(1 << 31), 1 << 31, 1 << 32),
    NumType.I64: (-(1 << 63), 1 << 63, 1 << 64),
}


def lane(valtype: ValType) -> str:
    """How `struct` writes a number or a vector into a cell."""
    return _LANES[valtype]


_U32, _U64, _F64 = struct.Struct("<I"), struct.Struct("<Q"), struct.Struct("<d")


def get_nan(cell: object, offset: int) -> float:
    """The f32 NaN in a cell as a float with the same sign, quiet bit and payload."""
    (bits,) = _U32.unpack_from(cast("bytes", cell), offset)
    wide = (bits & 0x8000_0000) << 32 | 0x7FF << 52 | (bits & 0x7F_FFFF) << 29
    (value,) = _F64.unpack(_U64.pack(wide))
    return float(value)


def put_nan(cell: object, offset: int, value: float) -> None:
    """Put a NaN into an f32 cell, its bits as near as they fit."""
    (wide,) = _U64.unpack(_F64.pack(value))
    payload = (wide >> 29) & 0x7F_FFFF or 0x40_0000
    _U32.pack_into(
        cast("bytearray", cell), offset, wide >> 32 & 0x8000_0000 | 0x7F80_0000 | payload
    )


def checked_value(value: object, valtype: ValType, what: str) -> Any:
    """The value as `struct` takes it, or TypeError or OverflowError that names `what`.

    An integer type has no sign: 0xFFFFFFFF and -1 are the same i32, and both are accepted.
    """
    match valtype:
        case NumType.I32 | NumType.I64:
            low, half, full = _BOUNDS[valtype]
            # isinstance of a protocol takes microseconds, so the common class goes first.
            if not isinstance(value, int) and not isinstance(value, SupportsIndex):
                raise TypeError(f"{what} is {valtype}: an int is needed, not {_type(value)}")
            number = operator.index(value)
            if not low <= number < full:
                raise OverflowError(f"{what} is {valtype}: {number} does not fit")
            return number if number < half else number - full
        case NumType.F32 | NumType.F64:
            if value.__class__ is not float and not isinstance(
                value, SupportsFloat | SupportsIndex
            ):
                raise TypeError(f"{what} is {valtype}: a float is needed, not {_type(value)}")
            real = float(cast("SupportsFloat", value))
            if valtype is NumType.F32:
                try:
                    struct.pack("<f", real)
                except OverflowError:
                    raise OverflowError(f"{what} is f32: {real!r} does not fit") from None
            return real
        case VecType():
            if not isinstance(value, bytes | bytearray):
                raise TypeError(f"{what} is v128: 16 bytes are needed, not {_type(value)}")
            if len(value) != CELL:
                raise ValueError(f"{what} is v128: 16 bytes are needed, not {len(value)}")
            return bytes(value)
        case _:
            raise TypeError(f"{what} is {valtype}, which does not travel in a cell")


def _type(value: object) -> str:
    return type(value).__name__


_makers: dict[FuncType, Callable[[StoreState, int, str], Callable[..., Any]]] = {}


def maker_of(signature: FuncType) -> Callable[[StoreState, int, str], Callable[..., Any]]:
    """What makes a Python function of a store, the address of a wasmtime_func_t and a name.

    The caller keeps what is at the address alive. The maker is worth keeping: looking up a
    signature costs as much as a call.
    """
    made = _makers.get(signature)
    if made is None:
        made = _makers[signature] = _maker(signature)
    return made


def _maker(signature: FuncType) -> Callable[[StoreState, int, str], Callable[..., Any]]:
    params, results = signature.params, signature.results
    count = max(len(params), len(results))
    size = _HEADER + CELL * count
    pack = struct.Struct("<q8x" + "".join(map(lane, params))).pack_into
    reader = struct.Struct("<q8x" + "".join(map(lane, results)))
    names = [f"p{index}" for index in range(len(params))]
    values = "".join(f", {name}" for name in names)
    # A vector given short would be filled up in silence: it is always looked at.
    vectors = any(isinstance(one, VecType) for one in params)
    write = f"pack(cells, 0, 0{values})"
    rewrite = f"pack(cells, 0, 0, *checked(({values[2:]},), name))"
    outs = [f"r{index}" for index in range(len(results))]
    # Annotations are what an editor and `help` show.
    hints = [_HINTS[one] for one in params]
    given = [f"{name}: {hint}" for name, hint in zip(names, hints, strict=True)]
    out = [_HINTS[one] for one in results]
    annotation = out[0] if len(out) == 1 else f"tuple[{', '.join(out)}]" if out else None
    source = [
        "def maker(store, lock, blocked, context, function, at, cells, name):",
        f"    def guest({', '.join(given)}{', /' if names else ''}) -> {annotation}:",
        "        with lock:",
        "            if blocked: raise store.refusal()",
        "            if not here.fits: raise refuse_thread()",
    ]
    if vectors:
        source.append(f"            {rewrite}")
    elif params:
        source += [
            f"            try: {write}",
            f"            except BAD_VALUE: {rewrite}",
        ]
    else:
        source.append(f"            {write}")
    # A conversion to and from Python's float would quiet a signalling NaN: its bits go apart.
    narrow = [index for index, one in enumerate(params) if one is NumType.F32]
    source += [
        f"            if p{index} != p{index}: put_nan(cells, {_HEADER + CELL * index}, p{index})"
        for index in narrow
    ]
    source += [
        f"            error = call(context, function, at, {count}, cells)",
        f"            {', '.join(['ended', *outs])}{'' if outs else ','} = unpack(cells, 0)",
        "            if error or ended: raise store.failed(error, ended)",
    ]
    source += [
        f"            if r{index} != r{index}: r{index} = get_nan(cells, {_HEADER + CELL * index})"
        for index, one in enumerate(results)
        if one is NumType.F32
    ]
    if len(outs) == 1:
        source.append("            return r0")
    elif outs:
        source.append(f"            return ({', '.join(outs)})")
    source += ["    return guest"]

    def checked(given: tuple[object, ...], name: str) -> list[Any]:
        return [
            checked_value(value, valtype, f"{name}: parameter {index}")
            for index, (value, valtype) in enumerate(zip(given, params, strict=True))
        ]

    scope: dict[str, Any] = {
        "BAD_VALUE": (struct.error, OverflowError, TypeError),
        "call": library().bare.wasmtime_func_call_unchecked,
        "checked": checked,
        "get_nan": get_nan,
        "here": here,
        "pack": pack,
        "put_nan": put_nan,
        "refuse_thread": refuse_thread,
        "unpack": reader.unpack_from,
    }
    exec(
        "\n".join(["from __future__ import annotations", *source]), scope
    )  # built from numbers and fixed words only
    maker = scope["maker"]
    buffer = ctypes.c_char * size
    signature_text = show(signature)

    def make(store: StoreState, func: int, name: str) -> Callable[..., Any]:
        cells = buffer()
        guest: Callable[..., Any] = maker(
            store,
            store.lock,
            store.blocked,
            store.context_arg,
            ctypes.c_void_p(func),
            ctypes.c_void_p(ctypes.addressof(cells) + _HEADER),
            cells,
            name,
        )
        guest.__name__ = guest.__qualname__ = name
        guest.__doc__ = f"{name}{signature_text}"
        return guest

    return make
