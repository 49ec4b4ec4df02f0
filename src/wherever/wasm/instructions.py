"""Owns instructions as values, and their binary form read and written (5.4 Instructions)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias, cast

from wherever.wasm.cursor import Cursor
from wherever.wasm.leb128 import signed, unsigned
from wherever.wasm.opcodes import BY_NAME, INDEX_IMMEDIATES, PLAIN, PREFIXED, Immediate, Opcode
from wherever.wasm.type_codec import (
    encode_heap_type,
    encode_val_type,
    encode_val_types,
    read_heap_type,
    read_val_type,
    read_val_types,
)
from wherever.wasm.types import HeapType, RefType, TypeIndex, ValType


@dataclass(frozen=True, slots=True)
class MemArg:
    """Where a load or a store reaches (5.4.6): `align` is the exponent of two, as in the binary."""

    align: int
    offset: int = 0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class TypeBlock:
    """A block type that is a type index."""

    index: TypeIndex


BlockType: TypeAlias = TypeBlock | ValType | None
"""The type of a block: none, one result, or a function type by its index."""


class CatchKind(Enum):
    """What a clause of `try_table` catches; the value is its code in the binary format."""

    CATCH = 0
    CATCH_REF = 1
    CATCH_ALL = 2
    CATCH_ALL_REF = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Catch:
    """One clause of `try_table`; `tag` is None where it catches all."""

    kind: CatchKind
    tag: int | None
    label: int


@dataclass(frozen=True, slots=True)
class Cast:
    """The immediates of `br_on_cast` and `br_on_cast_fail`."""

    label: int
    source: RefType
    target: RefType


Value: TypeAlias = (
    int
    | bytes
    | MemArg
    | BlockType
    | HeapType
    | Cast
    | tuple[int, ...]
    | tuple[Catch, ...]
    | tuple[ValType, ...]
)
"""An immediate. A float is the integer of its bits: Python floats do not keep NaN payloads."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """An opcode with its immediates, in binary order; `br_table` has its default label last."""

    opcode: Opcode
    immediates: tuple[Value, ...] = ()


_MEMARG_HAS_MEMORY = 0x40
_EMPTY_BLOCK = 0x40


def _read_memarg(cursor: Cursor) -> MemArg:
    start = cursor.pos
    flags = cursor.u32()
    if flags >= 2 * _MEMARG_HAS_MEMORY:
        raise cursor.error(f"malformed memory operand flags {flags:#x}", start)
    memory = cursor.u32() if flags & _MEMARG_HAS_MEMORY else 0
    return MemArg(flags & ~_MEMARG_HAS_MEMORY, cursor.u64(), memory)


def _encode_memarg(value: MemArg) -> bytes:
    if value.memory:
        return (
            unsigned(value.align | _MEMARG_HAS_MEMORY)
            + unsigned(value.memory)
            + unsigned(value.offset)
        )
    return unsigned(value.align) + unsigned(value.offset)


def _read_block_type(cursor: Cursor) -> BlockType:
    code = cursor.peek()
    if code == _EMPTY_BLOCK:
        cursor.pos += 1
        return None
    if 0x40 < code < 0x80:  # a negative number of one byte: a value type
        return read_val_type(cursor)
    start = cursor.pos
    index = cursor.s33()
    if index < 0:
        raise cursor.error(f"malformed block type {code:#04x}", start)
    return TypeBlock(TypeIndex(index))


def _encode_block_type(value: BlockType) -> bytes:
    if value is None:
        return bytes((_EMPTY_BLOCK,))
    if isinstance(value, TypeBlock):
        return signed(value.index)
    return encode_val_type(value)


def _read_labels(cursor: Cursor) -> tuple[int, ...]:
    return (*cursor.u32s("labels"), cursor.u32())


def _encode_labels(value: tuple[int, ...]) -> bytes:
    return unsigned(len(value) - 1) + b"".join(map(unsigned, value))


def _read_catch(cursor: Cursor) -> Catch:
    code = cursor.u8()
    if code > CatchKind.CATCH_ALL_REF.value:
        raise cursor.error(f"malformed catch clause {code:#04x}", cursor.pos - 1)
    kind = CatchKind(code)
    tag = cursor.u32() if kind in (CatchKind.CATCH, CatchKind.CATCH_REF) else None
    return Catch(kind, tag, cursor.u32())


def _encode_catch(value: Catch) -> bytes:
    tag = b"" if value.tag is None else unsigned(value.tag)
    return bytes((value.kind.value,)) + tag + unsigned(value.label)


def _read_catches(cursor: Cursor) -> tuple[Catch, ...]:
    count = cursor.count("catch clauses", smallest=2)
    return tuple([_read_catch(cursor) for _ in range(count)])


def _encode_catches(value: tuple[Catch, ...]) -> bytes:
    return unsigned(len(value)) + b"".join(map(_encode_catch, value))


def _read_cast(cursor: Cursor) -> Cast:
    flags = cursor.u8()
    if flags > 3:
        raise cursor.error(f"malformed cast flags {flags:#04x}", cursor.pos - 1)
    label = cursor.u32()
    source = RefType(nullable=flags & 1 != 0, heap=read_heap_type(cursor))
    return Cast(label, source, RefType(nullable=flags & 2 != 0, heap=read_heap_type(cursor)))


def _encode_cast(value: Cast) -> bytes:
    flags = value.source.nullable | value.target.nullable << 1
    heaps = encode_heap_type(value.source.heap) + encode_heap_type(value.target.heap)
    return bytes((flags,)) + unsigned(value.label) + heaps


def _read_zero(cursor: Cursor) -> int:
    if cursor.u8():
        raise cursor.error("zero byte expected", cursor.pos - 1)
    return 0


def _read_bits(size: int) -> Callable[[Cursor], int]:
    return lambda cursor: int.from_bytes(cursor.take(size), "little")


def _encode_bits(size: int) -> Callable[[int], bytes]:
    return lambda value: value.to_bytes(size, "little")


# immediate -> how it is read and how it is written
_Codec: TypeAlias = tuple[Callable[[Cursor], Value], Callable[[Value], bytes]]


def _codec(
    read: Callable[[Cursor], Value], encode: Callable[[MemArg], bytes] | Callable[..., bytes]
) -> _Codec:
    return read, cast("Callable[[Value], bytes]", encode)


_CODECS: Final[dict[Immediate, _Codec]] = {
    **{immediate: _codec(Cursor.u32, unsigned) for immediate in INDEX_IMMEDIATES},
    Immediate.BLOCKTYPE: _codec(_read_block_type, _encode_block_type),
    Immediate.LABELS: _codec(_read_labels, _encode_labels),
    Immediate.MEMARG: _codec(_read_memarg, _encode_memarg),
    Immediate.I32: _codec(Cursor.s32, signed),
    Immediate.I64: _codec(Cursor.s64, signed),
    Immediate.F32: _codec(_read_bits(4), _encode_bits(4)),
    Immediate.F64: _codec(_read_bits(8), _encode_bits(8)),
    Immediate.V128: _codec(lambda cursor: cursor.take(16), bytes),
    Immediate.LANES: _codec(lambda cursor: cursor.take(16), bytes),
    Immediate.LANE: _codec(Cursor.u8, _encode_bits(1)),
    Immediate.ZERO: _codec(_read_zero, _encode_bits(1)),
    Immediate.VALTYPES: _codec(read_val_types, encode_val_types),
    Immediate.HEAPTYPE: _codec(read_heap_type, encode_heap_type),
    Immediate.CATCHES: _codec(_read_catches, _encode_catches),
    Immediate.CAST: _codec(_read_cast, _encode_cast),
}

# The opcodes without immediates need one Instruction each, for ever.
_BARE: Final[dict[Opcode, Instruction]] = {
    opcode: Instruction(opcode) for opcode in BY_NAME.values() if not opcode.immediates
}


def read_opcode(cursor: Cursor) -> Opcode:
    """The opcode at the cursor, which is left before its immediates."""
    start = cursor.pos
    code = cursor.u8()
    opcode = PLAIN[code]
    if opcode is not None:
        return opcode
    table = PREFIXED.get(code)
    if table is None:
        raise cursor.error(f"illegal opcode {code:#04x}", start)
    number = cursor.u32()
    opcode = table.get(number)
    if opcode is None:
        raise cursor.error(f"illegal opcode {code:#04x} {number:#04x}", start)
    return opcode


def read_instruction(cursor: Cursor) -> Instruction:
    """The instruction at the cursor."""
    opcode = read_opcode(cursor)
    bare = _BARE.get(opcode)
    if bare is not None:
        return bare
    return Instruction(
        opcode, tuple([_CODECS[immediate][0](cursor) for immediate in opcode.immediates])
    )


def encode_instruction(instruction: Instruction) -> bytes:
    """The inverse of `read_instruction`, in the shortest form."""
    opcode = instruction.opcode
    out = opcode.encoding
    for immediate, value in zip(opcode.immediates, instruction.immediates, strict=True):
        out += _CODECS[immediate][1](value)
    return out


def instruction(name: str, *immediates: Value) -> Instruction:
    """An instruction by the name of its opcode: `instruction("i32.const", 7)`."""
    opcode = BY_NAME[name]
    if len(immediates) != len(opcode.immediates):
        wanted = ", ".join(immediate.value for immediate in opcode.immediates) or "none"
        raise TypeError(f"{name} takes the immediates ({wanted}), {len(immediates)} given")
    return Instruction(opcode, immediates)


def read_expression(cursor: Cursor) -> Iterator[tuple[int, Instruction]]:
    """Instructions with their offsets, through the `end` that closes the expression (5.4.9).

    Nesting is counted, not recursed into. That `else`, `catch` and `delegate` stand in the right
    block is the format's only other rule here, and is kept.
    """
    nesting: list[str] = []
    while True:
        start = cursor.pos
        current = read_instruction(cursor)
        yield start, current
        name = current.opcode.name
        if name == "end":
            if not nesting:
                return
            nesting.pop()
        elif name in _OPENS:
            nesting.append(name)
        elif name in _CONTINUES:
            if not nesting or nesting[-1] not in _CONTINUES[name]:
                raise cursor.error(f"{name} outside {' or '.join(_CONTINUES[name])}", start)
            if name == "delegate":
                nesting.pop()
            else:
                nesting[-1] = name


_OPENS: Final = frozenset({"block", "loop", "if", "try", "try_table"})
# What each of these may follow in its block; it then stands for that block.
_CONTINUES: Final[dict[str, tuple[str, ...]]] = {
    "else": ("if",),
    "catch": ("try", "catch"),
    "catch_all": ("try", "catch"),
    "delegate": ("try",),
}
