"""Owns calls from the guest to Python: one generated callback a signature, over the guest's cells.

For `(i32, i32) -> i32` the generated callback is

    def host(env, caller, cells, count):
        try:
            r0 = function(cells[0], cells[4])
            if r0.__class__ is int and -2147483648 <= r0 <= 2147483647: cells[0] = r0
            else: cells[0] = checked(r0)
            return 0
        except BaseException as error:
            return carry(error)

It catches everything: an exception that reached the C frames would be lost, and the guest would go
on with whatever was in the cell. `carry` puts the error into the store's slot and returns a trap;
where the trap comes out, the original exception is raised again.
"""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING, Any, cast

from wherever.engine.calls import checked_value, lane
from wherever.engine.valtypes import CELL
from wherever.wasm.types import FuncType, NumType, ValType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherever.engine.state import StoreState

__all__ = ["HostFunc", "raw_callback", "several"]


class HostFunc:
    """A Python callable with the Wasm signature that it serves.

    `unsigned` hands i32 and i64 parameters over as unsigned ints, as an ABI of pointers and
    lengths wants them. `suspends` says that it may return an awaitable, in an `AsyncStore` only.
    With `build`, the function is what that makes when the guest first calls it.
    """

    __slots__ = ("build", "function", "name", "suspends", "type", "unsigned")

    def __init__(
        self,
        type_: FuncType,
        function: Callable[..., Any],
        *,
        name: str = "",
        unsigned: bool = False,
        suspends: bool = False,
        build: Callable[[], Callable[..., Any]] | None = None,
    ) -> None:
        self.suspends = suspends
        self.type = type_
        self.function = function
        self.build = build
        self.name = name or getattr(function, "__name__", "host function")
        self.unsigned = unsigned

    def __repr__(self) -> str:
        return f"HostFunc({self.name!r}, {self.type})"


def several(value: object, count: int, name: str) -> tuple[object, ...]:
    """The values of a host function that has several results."""
    if isinstance(value, tuple | list):
        values = tuple(cast("Sequence[object]", value))
        if len(values) == count:
            return values
    raise TypeError(f"{name}: {count} results are needed, in a tuple, not {value!r:.80}")


_makers: dict[tuple[FuncType, bool], Callable[[StoreState, HostFunc], Callable[..., int]]] = {}
_prototypes: dict[Any, Any] = {}


def raw_callback(store: StoreState, host: HostFunc) -> Any:
    """The C callback (wasmtime_func_unchecked_callback_t); the caller must keep it alive."""
    item = _item({*host.type.params, *host.type.results}, host.unsigned)
    prototype = _prototypes.get(item)
    if prototype is None:
        # The environment and the caller are not looked at: as bytes they cost no int object.
        prototype = _prototypes[item] = ctypes.CFUNCTYPE(
            ctypes.c_size_t, ctypes.c_uint8, ctypes.c_uint8, item, ctypes.c_uint8
        )
    return prototype(_made(store, host) if host.build is None else _late(store, host))


def _made(store: StoreState, host: HostFunc) -> Callable[..., int]:
    key = (host.type, host.unsigned)
    make = _makers.get(key)
    if make is None:
        make = _makers[key] = _maker(*key)
    return make(store, host)


def _late(store: StoreState, host: HostFunc) -> Callable[..., int]:
    """What becomes the function at its first call: most of what a component imports is never."""
    made: Callable[..., int] | None = None

    def call(env: object, caller: object, cells: object, count: object) -> int:
        nonlocal made
        if made is None:
            try:
                assert host.build is not None
                host.function = host.build()
                made = _made(store, host)
            except BaseException as error:  # C frames lose what is raised through them
                return store.carry(error)
        return made(env, caller, cells, count)

    return call


# Integer-only signatures read cells in place; the pointer's item says what an index means.
_I32, _I64 = NumType.I32, NumType.I64
_MASK, _SIGN = 0xFFFFFFFF, 0x80000000


def _maker(
    signature: FuncType, unsigned: bool
) -> Callable[[StoreState, HostFunc], Callable[..., int]]:
    types = {*signature.params, *signature.results}
    read, write = _access(signature, types)
    results = signature.results
    outs = [f"r{index}" for index in range(len(results))]
    source = [
        "def maker(function, carry, checked, name):",
        "    def host(env, caller, cells, count):",
    ]
    source += ["        try:", *(f"            {line}" for line in read)]
    given = ", ".join(f"p{index}" for index in range(len(signature.params)))
    if not read and signature.params:
        given = ", ".join(_in_place(signature, types, unsigned))
    match len(outs):
        case 0:
            source.append(f"            function({given})")
        case 1:
            source.append(f"            r0 = function({given})")
        case _:
            source.append(f"            {', '.join(outs)} = checked_tuple(function({given}), name)")
    source += [f"            {line}" for line in write]
    source += [
        "            return 0",
        "        except BaseException as error:",
        "            return carry(error)",
        "    return host",
    ]

    def checked_tuple(value: object, name: str) -> tuple[object, ...]:
        return several(value, len(outs), name)

    scope: dict[str, Any] = {
        "__name__": __name__,
        "checked_tuple": checked_tuple,
        "cells_at": (
            ctypes.c_char * (CELL * max(1, len(signature.params), len(outs)))
        ).from_address,
        "unpack": struct.Struct("<" + "".join(map(_lane(unsigned), signature.params))).unpack_from,
        "pack": struct.Struct("<" + "".join(map(lane, results))).pack_into,
    }
    exec("\n".join(source), scope)  # built from numbers and fixed words only
    maker = scope["maker"]

    def make(store: StoreState, host: HostFunc) -> Callable[..., int]:
        def checked(value: object, index: int = 0) -> Any:
            which = f" {index}" if len(results) > 1 else ""
            return checked_value(value, results[index], f"{host.name}: result{which}")

        function: Callable[..., int] = maker(host.function, store.carry, checked, host.name)
        return function

    return make


def _lane(unsigned: bool) -> Callable[[ValType], str]:
    def letters(valtype: ValType) -> str:
        letters = lane(valtype)
        return letters.replace("i", "I").replace("q", "Q") if unsigned else letters

    return letters


def _item(types: set[ValType], unsigned: bool) -> Any:
    """The callback's type for the cells."""
    if types <= {_I32}:
        return cast("Any", ctypes.POINTER)(ctypes.c_uint32 if unsigned else ctypes.c_int32)
    if types <= {_I32, _I64}:
        return cast("Any", ctypes.POINTER)(ctypes.c_uint64 if unsigned else ctypes.c_int64)
    return ctypes.c_size_t


def _access(signature: FuncType, types: set[ValType]) -> tuple[list[str], list[str]]:
    """The lines that read parameters and write results."""
    outs = range(len(signature.results))
    if types <= {_I32, _I64}:
        stride = 4 if types <= {_I32} else 2
        write: list[str] = []
        for index in outs:
            if signature.results[index] is _I32:
                low, high = -(1 << 31), (1 << 32) - 1
            else:
                low, high = -(1 << 63), (1 << 64) - 1
            write += [
                f"if r{index}.__class__ is int and {low} <= r{index} <= {high}: "
                f"cells[{stride * index}] = r{index}",
                f"else: cells[{stride * index}] = checked(r{index}, {index})",
            ]
        return [], write
    read: list[str] = []
    if signature.params:
        names = "".join(f"p{index}, " for index in range(len(signature.params)))
        read = [f"{names}= unpack(cells_at(cells), 0)"]
    write = []
    if outs:
        values = "".join(f", checked(r{index}, {index})" for index in outs)
        write = [f"pack(cells_at(cells), 0{values})"]
    return read, write


def _in_place(signature: FuncType, types: set[ValType], unsigned: bool) -> list[str]:
    if types <= {_I32}:
        return [f"cells[{4 * index}]" for index in range(len(signature.params))]
    return [
        f"cells[{2 * index}]"
        if one is _I64
        else f"cells[{2 * index}] & {_MASK}"
        if unsigned
        else f"((cells[{2 * index}] & {_MASK}) ^ {_SIGN}) - {_SIGN}"
        for index, one in enumerate(signature.params)
    ]
