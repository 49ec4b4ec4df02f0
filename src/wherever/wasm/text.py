"""Owns the text of instructions and of a function's listing, in the WAT manner (6.5)."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from wherever.wasm.instructions import Cast, Catch, Instruction, MemArg, TypeBlock, Value
from wherever.wasm.opcodes import Immediate, Opcode
from wherever.wasm.types import AbstractHeap, ConcreteHeap, RefType

_OPENS: Final = frozenset({"block", "loop", "if", "try", "try_table"})
_MIDDLES: Final = frozenset({"else", "catch", "catch_all"})
_CLOSES: Final = frozenset({"end", "delegate"})
# memory.init and table.init, and call_indirect, put in text first what the binary puts second.
_SWAPPED: Final = frozenset({"memory.init", "table.init", "call_indirect", "return_call_indirect"})
# Memory 0 and table 0 go without saying, but for the instructions on one table and nothing else.
_IMPLIED: Final = frozenset({Immediate.MEMORY, Immediate.TABLE})
_SAYS_TABLE: Final = (Immediate.TABLE,)


def float_text(bits: int, size: int) -> str:
    """A float literal that reads back to the same `bits` (6.3.2), NaN payload included."""
    width, form = (23, "<f") if size == 4 else (52, "<d")
    sign = "-" if bits >> (size * 8 - 1) else ""
    fraction = bits & ((1 << width) - 1)
    value: float = abs(struct.unpack(form, bits.to_bytes(size, "little"))[0])
    if math.isnan(value):
        canonical = fraction == 1 << (width - 1)
        return f"{sign}nan" if canonical else f"{sign}nan:{fraction:#x}"
    if math.isinf(value):
        return f"{sign}inf"
    if value < 1e15 and value % 1 == 0:
        return f"{sign}{int(value)}"
    return sign + value.hex()


def quoted(name: str) -> str:
    """A name as a string literal (6.3.3), safe to print: no control, bidi or odd characters."""
    out = ['"']
    for char in name:
        if char in '"\\':
            out.append(f"\\{char}")
        elif char.isprintable():
            out.append(char)
        else:
            out.append(f"\\u{{{ord(char):x}}}")
    return "".join([*out, '"'])


@cache
def natural_alignment(opcode: Opcode) -> int:
    """The exponent of a memory access's width: the alignment that text leaves out."""
    access = re.search(r"(?:load|store|rmw|wait)(\d*)(?:x(\d))?", opcode.name)
    if access is None or not access[1]:
        kind = opcode.name.split(".", 1)[0]
        bits = 128 if kind == "v128" else 64 if kind.endswith("64") else 32
    else:
        bits = int(access[1]) * int(access[2] or 1)
    return bits.bit_length() - 4


def _plain(value: Value) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _block_type(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, TypeBlock):
        return f"(type {value.index})"
    return f"(result {_plain(value)})"


def _memarg(value: MemArg, opcode: Opcode) -> str:
    words = [str(value.memory)] if value.memory else []
    if value.offset:
        words.append(f"offset={value.offset}")
    if value.align != natural_alignment(opcode):
        words.append(f"align={1 << value.align}")
    return " ".join(words)


def _catch(value: Catch) -> str:
    tag = "" if value.tag is None else f" {value.tag}"
    return f"({value.kind}{tag} {value.label})"


def _immediate(opcode: Opcode, immediate: Immediate, value: Value) -> str:
    match immediate, value:
        case Immediate.BLOCKTYPE, _:
            return _block_type(value)
        case Immediate.F32, int():
            return float_text(value, 4)
        case Immediate.F64, int():
            return float_text(value, 8)
        case Immediate.V128, bytes():
            lanes = [int.from_bytes(value[at : at + 4], "little") for at in (0, 4, 8, 12)]
            return "i32x4 " + " ".join(f"{lane:#010x}" for lane in lanes)
        case Immediate.LANES, bytes():
            return " ".join(map(str, value))
        case Immediate.MEMARG, MemArg():
            return _memarg(value, opcode)
        case Immediate.VALTYPES, tuple():
            return f"(result{''.join(f' {valtype}' for valtype in value)})"
        case Immediate.CATCHES, tuple():
            return " ".join(_catch(item) for item in value if isinstance(item, Catch))
        case Immediate.LABELS, tuple():
            return " ".join(map(str, value))
        case Immediate.CAST, Cast(label, source, target):
            return f"{label} {source} {target}"
        case Immediate.HEAPTYPE, _ if opcode.name.startswith(("ref.test", "ref.cast")):
            assert isinstance(value, AbstractHeap | ConcreteHeap)
            return str(RefType(nullable=opcode.name.endswith("_null"), heap=value))
        case Immediate.TYPE, _ if opcode.name in _SWAPPED:
            return f"(type {_plain(value)})"
        case Immediate.ZERO, _:
            return ""
        case _:
            return _plain(value)


def instruction_text(instruction: Instruction) -> str:
    """One instruction, without indentation: `i32.load offset=8`."""
    opcode = instruction.opcode
    pairs = list(zip(opcode.immediates, instruction.immediates, strict=True))
    if opcode.name in _SWAPPED:
        pairs.reverse()
    if opcode.immediates != _SAYS_TABLE and not any(
        value for immediate, value in pairs if immediate in _IMPLIED
    ):
        pairs = [pair for pair in pairs if pair[0] not in _IMPLIED]
    words = [_immediate(opcode, immediate, value) for immediate, value in pairs]
    return " ".join([opcode.mnemonic, *[word for word in words if word]])


def listing(
    instructions: Iterable[tuple[int, Instruction]], *, offsets: bool = True
) -> Iterator[str]:
    """Lines for instructions with their offsets, indented by their nesting."""
    depth = 1
    for offset, instruction in instructions:
        name = instruction.opcode.name
        if name in _CLOSES:
            depth -= 1
        indent = "  " * (depth - (name in _MIDDLES))
        if name in _OPENS:
            depth += 1
        prefix = f"{offset:#08x}  " if offsets else ""
        yield f"{prefix}{indent}{instruction_text(instruction)}"
