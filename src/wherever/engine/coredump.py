"""Owns making the core dump of an instance: what the C API lets us see of it, and no more.

The engine has no core dumps in its C API. Frames come with the error; memories and globals are read
through the exports, since nothing else names them. What is left out is told in the dump.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from wherever.engine.externs import Global, Memory
from wherever.engine.frames import Frame
from wherever.errors import Unsupported
from wherever.wasm.coredump import StackFrame, encode_core_dump
from wherever.wasm.cursor import Malformed
from wherever.wasm.names import names_of
from wherever.wasm.reader import read_module
from wherever.wasm.types import NumType, VecType

if TYPE_CHECKING:
    from wherever.engine.instance import Instance
    from wherever.errors import GuestTrap
    from wherever.wasm.module import Module

__all__ = ["core_dump"]

_FORMATS: dict[object, str] = {
    NumType.I32: "<i",
    NumType.I64: "<q",
    NumType.F32: "<f",
    NumType.F64: "<d",
    VecType.V128: "16s",
}


def core_dump(instance: Instance, error: GuestTrap | None = None) -> bytes:
    """The instance as it is now, with the stack of the error that ended a call into it."""
    if not instance.code.wasm:
        raise Unsupported("a core dump of a module whose bytes are not in this process")
    module = read_module(instance.code.wasm)
    memories: dict[int, memoryview] = {}
    values: dict[int, bytes] = {}
    for name, item in instance.code.outline.exports.items():
        extern = instance[name]
        if isinstance(extern, Memory):
            memories[item.index] = extern.view()
        elif isinstance(extern, Global):
            format_ = _FORMATS.get(extern.type.value)
            if format_ is not None:
                values[item.index] = struct.pack(format_, extern.get())
    frames = error.frames if error is not None else ()
    stack = [
        StackFrame(frame.function_index, min(frame.function_offset, 0xFFFFFFFF))
        for frame in frames
        if isinstance(frame, Frame)
    ]
    return encode_core_dump(module, stack, memories, values, name=_name(module))


def _name(module: Module) -> str:
    try:
        return names_of(module).module() or "module"
    except Malformed:
        return "module"
