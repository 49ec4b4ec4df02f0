"""Owns emitting code fast: instructions as ready-made bytes, for a compiler's inner loop.

A compiler collects the bytes of a body in a `bytearray` and hands them to a `ModuleBuilder`:

    code = bytearray()
    code += local_get(0)
    code += i32_const(8)
    code += I32_ADD                      # I32_ADD = encoding("i32.add"), looked up once
    code += memory_access("i64.load", 16)
    code += END
    builder.define(index, function_body([Local(2, I64)], code))

Each function here answers with `bytes` from a table or a cache, so that a common instruction is
made once a process. Where even the call is too much, index the tables: `LOCAL_GET[3]`. Nothing
here checks types; the engine does, when it compiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from wherever.wasm.instructions import BlockType, TypeBlock
from wherever.wasm.leb128 import signed, unsigned
from wherever.wasm.module import Local
from wherever.wasm.opcodes import BY_NAME, Immediate
from wherever.wasm.text import natural_alignment
from wherever.wasm.type_codec import encode_val_type
from wherever.wasm.types import ValType
from wherever.wasm.writer import encode_locals

_SMALL: Final = 512


def encoding(name: str) -> bytes:
    """An opcode's own bytes, by its name; immediates, where it has them, follow."""
    return BY_NAME[name].encoding


END: Final = encoding("end")
ELSE: Final = encoding("else")


def _indexed(name: str) -> tuple[bytes, ...]:
    head = encoding(name)
    return tuple(head + unsigned(index) for index in range(_SMALL))


LOCAL_GET: Final = _indexed("local.get")
LOCAL_SET: Final = _indexed("local.set")
LOCAL_TEE: Final = _indexed("local.tee")
GLOBAL_GET: Final = _indexed("global.get")
GLOBAL_SET: Final = _indexed("global.set")
BR: Final = _indexed("br")
BR_IF: Final = _indexed("br_if")


def local_get(index: int) -> bytes:
    """`local.get index`."""
    return LOCAL_GET[index] if 0 <= index < _SMALL else b"\x20" + unsigned(index)


def local_set(index: int) -> bytes:
    """`local.set index`."""
    return LOCAL_SET[index] if 0 <= index < _SMALL else b"\x21" + unsigned(index)


def local_tee(index: int) -> bytes:
    """`local.tee index`."""
    return LOCAL_TEE[index] if 0 <= index < _SMALL else b"\x22" + unsigned(index)


def global_get(index: int) -> bytes:
    """`global.get index`."""
    return GLOBAL_GET[index] if 0 <= index < _SMALL else b"\x23" + unsigned(index)


def global_set(index: int) -> bytes:
    """`global.set index`."""
    return GLOBAL_SET[index] if 0 <= index < _SMALL else b"\x24" + unsigned(index)


def br(label: int) -> bytes:
    """`br label`."""
    return BR[label] if 0 <= label < _SMALL else b"\x0c" + unsigned(label)


def br_if(label: int) -> bytes:
    """`br_if label`."""
    return BR_IF[label] if 0 <= label < _SMALL else b"\x0d" + unsigned(label)


def br_table(labels: Sequence[int], default: int) -> bytes:
    """`br_table labels default`."""
    return b"\x0e" + unsigned(len(labels)) + b"".join(map(unsigned, labels)) + unsigned(default)


@lru_cache(1 << 16)
def i32_const(value: int) -> bytes:
    """`i32.const value`, for a value that is signed or unsigned, in 32 bits."""
    if not -(1 << 31) <= value < 1 << 32:
        raise ValueError(f"{value} does not fit 32 bits")
    return b"\x41" + signed(value - (1 << 32) if value >= 1 << 31 else value)


@lru_cache(1 << 16)
def i64_const(value: int) -> bytes:
    """`i64.const value`, for a value that is signed or unsigned, in 64 bits."""
    if not -(1 << 63) <= value < 1 << 64:
        raise ValueError(f"{value} does not fit 64 bits")
    return b"\x42" + signed(value - (1 << 64) if value >= 1 << 63 else value)


def f32_const(bits: int) -> bytes:
    """`f32.const`, by the integer of its bits."""
    return b"\x43" + bits.to_bytes(4, "little")


def f64_const(bits: int) -> bytes:
    """`f64.const`, by the integer of its bits."""
    return b"\x44" + bits.to_bytes(8, "little")


def v128_const(lanes: bytes) -> bytes:
    """`v128.const`, by its 16 bytes."""
    if len(lanes) != 16:
        raise ValueError(f"a v128 has 16 bytes, not {len(lanes)}")
    return b"\xfd\x0c" + lanes


def shuffle(lanes: bytes) -> bytes:
    """`i8x16.shuffle`, by its 16 lane numbers."""
    if len(lanes) != 16 or max(lanes) > 31:
        raise ValueError("i8x16.shuffle takes 16 lane numbers, each below 32")
    return b"\xfd\x0d" + lanes


@lru_cache(1 << 16)
def memory_access(
    name: str, offset: int = 0, *, align: int | None = None, memory: int = 0
) -> bytes:
    """A load, store or atomic by its name; `align` is an exponent and by default the natural one.

    Relaxed alignment is only a hint, but a guest whose addresses are often unaligned should say 0.
    """
    opcode = BY_NAME[name]
    if Immediate.MEMARG not in opcode.immediates:
        raise ValueError(f"{name} does not access memory")
    flags = natural_alignment(opcode) if align is None else align
    if memory:
        return opcode.encoding + unsigned(flags | 0x40) + unsigned(memory) + unsigned(offset)
    return opcode.encoding + unsigned(flags) + unsigned(offset)


@lru_cache(1 << 16)
def with_indices(name: str, *indices: int) -> bytes:
    """Any instruction whose immediates are indices or lanes, in binary order: `memory.copy 0 0`."""
    opcode = BY_NAME[name]
    if len(indices) != len(opcode.immediates):
        raise ValueError(f"{name} takes {len(opcode.immediates)} immediates, not {len(indices)}")
    return opcode.encoding + b"".join(map(unsigned, indices))


def call(function: int) -> bytes:
    """`call function`."""
    return b"\x10" + unsigned(function)


def return_call(function: int) -> bytes:
    """`return_call function`."""
    return b"\x12" + unsigned(function)


def call_indirect(type_index: int, table: int = 0) -> bytes:
    """`call_indirect table (type type_index)`."""
    return b"\x11" + unsigned(type_index) + unsigned(table)


def return_call_indirect(type_index: int, table: int = 0) -> bytes:
    """`return_call_indirect table (type type_index)`."""
    return b"\x13" + unsigned(type_index) + unsigned(table)


def block_type(result: BlockType) -> bytes:
    """What follows `block`, `loop`, `if`: nothing, one result, or a type by index."""
    if result is None:
        return b"\x40"
    if isinstance(result, TypeBlock):
        return signed(result.index)
    return encode_val_type(result)


@lru_cache(1 << 12)
def block(result: BlockType = None) -> bytes:
    """`block`."""
    return b"\x02" + block_type(result)


@lru_cache(1 << 12)
def loop(result: BlockType = None) -> bytes:
    """`loop`."""
    return b"\x03" + block_type(result)


@lru_cache(1 << 12)
def if_(result: BlockType = None) -> bytes:
    """`if`."""
    return b"\x04" + block_type(result)


def select(result: ValType | None = None) -> bytes:
    """`select`, with its type where the operands are references."""
    return b"\x1b" if result is None else b"\x1c\x01" + encode_val_type(result)


def function_body(runs: Sequence[Local], code: bytes | bytearray) -> bytes:
    """A body as `ModuleBuilder.define` takes it: local declarations, then `code` with its `end`."""
    return encode_locals(runs) + code


def locals_of(types: Sequence[ValType]) -> list[Local]:
    """Runs for locals given one by one, in their order."""
    runs: list[Local] = []
    for valtype in types:
        if runs and runs[-1].type == valtype:
            runs[-1] = Local(runs[-1].count + 1, valtype)
        else:
            runs.append(Local(1, valtype))
    return runs
