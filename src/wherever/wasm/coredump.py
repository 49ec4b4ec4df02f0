"""Owns the format of core dumps: a trapped instance as a module, as the tool conventions have it.

    core           what was running
    coremodules    its modules by name
    memory, global the state, each at its own index
    coreinstances  which of them are whose
    corestack      the frames: function and offset, their locals and operands where they are known
    data           what the memories held, without pages of zeros

A reader finds in `wherever.absent` what could not be had, a line each: what is not told there is as
it was. Values that are absent are zero or null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wherever.wasm.leb128 import signed, unsigned
from wherever.wasm.module import Data, Expression, Module, SectionId, SegmentMode
from wherever.wasm.preamble import MODULE_PREAMBLE
from wherever.wasm.type_codec import encode_global_type, encode_heap_type, encode_memory_type
from wherever.wasm.types import (
    AbstractHeap,
    AddressType,
    GlobalType,
    Limits,
    MemoryType,
    NumType,
    RefType,
    ValType,
    VecType,
)
from wherever.wasm.writer import (
    encode_custom,
    encode_data,
    encode_name,
    encode_section,
    encode_vector,
)

__all__ = ["ABSENT", "StackFrame", "encode_core_dump"]

ABSENT: Final = "wherever.absent"
_PAGE: Final = 4096  # bytes that are left out where all are zero
_END: Final = b"\x0b"
# The opcodes of constants (5.4.2), and how many bytes a float has.
_I32, _I64, _F32, _F64 = b"\x41", b"\x42", b"\x43", b"\x44"
_V128: Final = b"\xfd\x0c"
_REF_NULL: Final = b"\xd0"


@dataclass(frozen=True, slots=True)
class StackFrame:
    """Where one call was: the function's index, and the offset in its body."""

    function: int
    offset: int


def encode_core_dump(
    module: Module,
    stack: Sequence[StackFrame],
    memories: Mapping[int, memoryview],
    values: Mapping[int, bytes],
    *,
    name: str = "",
) -> bytes:
    """The core dump of one instance of `module`.

    `stack` is innermost first; `memories` holds what could be had by index, `values` the bytes of
    globals of numbers and vectors, little-endian, by index.
    """
    absent = ["locals and operands of every frame"] if stack else []
    types = module.memory_types()
    sizes: list[MemoryType] = []
    segments: list[bytes] = []
    for index, declared in enumerate(types):
        contents = memories.get(index)
        if contents is None:
            absent.append(f"memory {index}: it is not exported")
            sizes.append(declared)
            continue
        sizes.append(_as_large(declared, len(contents)))
        segments += [
            encode_data(_segment(index, declared, start, piece))
            for start, piece in _pieces(contents)
        ]
    items: list[bytes] = []
    for index, global_type in enumerate(module.global_types()):
        value = values.get(index)
        if value is None:
            what = "a reference" if isinstance(global_type.value, RefType) else "not exported"
            absent.append(f"global {index}: it is {what}")
        items.append(_global(global_type, value))
    parts = [
        MODULE_PREAMBLE,
        encode_custom("core", b"\0" + encode_name(name)),
        encode_custom("coremodules", encode_vector([b"\0" + encode_name(name)])),
    ]
    if sizes:
        declared_sizes = encode_vector([encode_memory_type(one) for one in sizes])
        parts.append(encode_section(SectionId.MEMORY, declared_sizes))
    if items:
        parts.append(encode_section(SectionId.GLOBAL, encode_vector(items)))
    parts.append(
        encode_custom(
            "coreinstances",
            encode_vector([b"\0\0" + _indices(len(sizes)) + _indices(len(items))]),
        )
    )
    frames = [b"\0\0" + unsigned(one.function) + unsigned(one.offset) + b"\0\0" for one in stack]
    parts.append(encode_custom("corestack", b"\0" + encode_name("main") + encode_vector(frames)))
    if segments:
        parts.append(encode_section(SectionId.DATA, encode_vector(segments)))
    parts.append(encode_custom(ABSENT, "\n".join(absent).encode()))
    return b"".join(parts)


def _indices(count: int) -> bytes:
    return encode_vector([unsigned(index) for index in range(count)])


def _as_large(declared: MemoryType, size: int) -> MemoryType:
    """The type of a memory that has grown to that many bytes; nobody shares a dump's."""
    limits = declared.limits
    pages = size >> declared.page_size_log2
    return MemoryType(Limits(pages, limits.maximum, limits.address), declared.page_size_log2)


def _pieces(contents: memoryview) -> list[tuple[int, memoryview]]:
    """Runs of pages that are not all zero, each with its address."""
    zeros = bytes(_PAGE)
    pieces: list[tuple[int, memoryview]] = []
    begin = -1
    for at in range(0, len(contents), _PAGE):
        page = bytes(contents[at : at + _PAGE])
        if page == zeros[: len(page)]:
            if begin >= 0:
                pieces.append((begin, contents[begin:at]))
            begin = -1
        elif begin < 0:
            begin = at
    if begin >= 0:
        pieces.append((begin, contents[begin:]))
    return pieces


def _segment(memory: int, declared: MemoryType, start: int, piece: memoryview) -> Data:
    wide = declared.limits.address is AddressType.I64
    value = start - (1 << (64 if wide else 32)) if start >> (63 if wide else 31) else start
    offset = Expression((_I64 if wide else _I32) + signed(value) + _END)
    return Data(SegmentMode.ACTIVE, piece, memory, offset)


def _global(global_type: GlobalType, value: bytes | None) -> bytes:
    type_ = global_type.value
    if isinstance(type_, RefType):
        # The dump has none of the module's own types, and references mean nothing in it.
        heap = type_.heap if isinstance(type_.heap, AbstractHeap) else AbstractHeap.ANY
        shown = GlobalType(RefType(True, heap), global_type.mutable)
        return encode_global_type(shown) + _REF_NULL + encode_heap_type(heap) + _END
    return encode_global_type(global_type) + _constant(type_, value or bytes(16)) + _END


def _constant(type_: ValType, value: bytes) -> bytes:
    match type_:
        case NumType.I32:
            return _I32 + signed(int.from_bytes(value[:4], "little", signed=True))
        case NumType.I64:
            return _I64 + signed(int.from_bytes(value[:8], "little", signed=True))
        case NumType.F32:
            return _F32 + value[:4]
        case NumType.F64:
            return _F64 + value[:8]
        case VecType():
            return _V128 + value[:16]
        case _:
            raise AssertionError(type_)
