"""Owns which Wasm instruction stands for an operation, where it is not the one of that name."""

from __future__ import annotations

from typing import Final

from wherever.aot import encode as e
from wherever.ir import opcodes as op
from wherever.ir.ops import BY_NUMBER, F32, F64, I32, I64, Kind

BY_NAME: Final = {row.name: number for number, row in BY_NUMBER.items()}
LOADS: Final = frozenset(n for n, row in BY_NUMBER.items() if row.kind is Kind.LOAD)
STORES: Final = frozenset(n for n, row in BY_NUMBER.items() if row.kind is Kind.STORE)
# what touches memory at its first operand plus the offset in the low half of `imm`
ACCESSES: Final = frozenset(n for n, row in BY_NUMBER.items() if row.access)
LANES: Final = frozenset(n for n, row in BY_NUMBER.items() if row.kind is Kind.LANE)
CONSTS: Final = frozenset((op.I32_CONST, op.I64_CONST, op.F32_CONST, op.F64_CONST, op.V128_CONST))
# what has no operands and is emitted anew at each use
LEAVES: Final = CONSTS | {op.GET}
M32: Final = 0xFFFF_FFFF
M64: Final = 0xFFFF_FFFF_FFFF_FFFF
# an offset below this from an address that wrapped lands where nobody maps anything
FOLDED: Final = 0x1_0000
# a store of an extended or wrapped value stores the value itself
STORE_OF_WRAP: Final = {
    op.I32_STORE: op.I64_STORE32,
    op.I32_STORE8: op.I64_STORE8,
    op.I32_STORE16: op.I64_STORE16,
}
STORE_OF_EXTEND: Final = {
    op.I64_STORE32: op.I32_STORE,
    op.I64_STORE8: op.I32_STORE8,
    op.I64_STORE16: op.I32_STORE16,
}
LOAD_OF_EXTEND_U: Final = {
    op.I32_LOAD: op.I64_LOAD32_U,
    op.I32_LOAD8_U: op.I64_LOAD8_U,
    op.I32_LOAD16_U: op.I64_LOAD16_U,
}
LOAD_OF_WRAP: Final = {
    op.I64_LOAD: op.I32_LOAD,
    op.I64_LOAD32_U: op.I32_LOAD,
    op.I64_LOAD32_S: op.I32_LOAD,
    op.I64_LOAD8_U: op.I32_LOAD8_U,
    op.I64_LOAD8_S: op.I32_LOAD8_S,
    op.I64_LOAD16_U: op.I32_LOAD16_U,
    op.I64_LOAD16_S: op.I32_LOAD16_S,
}
# wrapping a 64-bit operation is the 32-bit operation on wrapped operands
NARROW: Final = {
    op.I64_ADD: op.I32_ADD,
    op.I64_SUB: op.I32_SUB,
    op.I64_MUL: op.I32_MUL,
    op.I64_AND: op.I32_AND,
    op.I64_OR: op.I32_OR,
    op.I64_XOR: op.I32_XOR,
}
LANE_BYTES: Final = {
    op.V128_FROM_F32: e.OPCODE[op.F32X4_REPLACE_LANE] + b"\0",
    op.V128_FROM_F64: e.OPCODE[op.F64X2_REPLACE_LANE] + b"\0",
    op.V128_FROM_I32: e.OPCODE[op.I32X4_REPLACE_LANE] + b"\0",
    op.V128_FROM_I64: e.OPCODE[op.I64X2_REPLACE_LANE] + b"\0",
}
# a vector whose low lane is of the type of its operand, and what makes the operand the other type
SCALARS: Final = {
    op.V128_FROM_F64: b"",
    op.V128_FROM_I64: e.OPCODE[op.F64_REINTERPRET_I64],
    op.V128_FROM_F32: b"",
    op.V128_FROM_I32: e.OPCODE[op.F32_REINTERPRET_I32],
}
# arithmetic on scalars that are kept in the low lane of a vector: the same, on all of its lanes
PACKED: Final = {
    BY_NAME[f"{scalar}.{name}"]: BY_NAME[f"{vector}.{name}"]
    for scalar, vector in (("f32", "f32x4"), ("f64", "f64x2"))
    for name in ("add", "sub", "mul", "div", "sqrt", "neg", "abs")
} | {op.F32_FMA: op.F32X4_RELAXED_MADD, op.F64_FMA: op.F64X2_RELAXED_MADD}
# part of a fused operation where that takes it
NEGATIONS: Final = frozenset((op.F32_NEG, op.F64_NEG))
LOW_LANES: Final = frozenset((op.F32X4_EXTRACT_LANE, op.F64X2_EXTRACT_LANE))
FROM_LOW: Final = frozenset((op.V128_FROM_F32, op.V128_FROM_F64))
LOW_BYTES: Final = {op.V128_FROM_F32: 4, op.V128_FROM_F64: 8}
CONST_LOW: Final = frozenset((op.F32_CONST, op.F64_CONST))
REPLACE_LOW: Final = {
    F32: e.OPCODE[op.F32X4_REPLACE_LANE] + b"\0",
    F64: e.OPCODE[op.F64X2_REPLACE_LANE] + b"\0",
}
EXTRACT_LOW: Final = {
    F32: e.OPCODE[op.F32X4_EXTRACT_LANE] + b"\0",
    F64: e.OPCODE[op.F64X2_EXTRACT_LANE] + b"\0",
}
FMA: Final = {
    op.F32_FMA: (op.F32X4_SPLAT, op.F32X4_RELAXED_MADD, op.F32X4_EXTRACT_LANE),
    op.F64_FMA: (op.F64X2_SPLAT, op.F64X2_RELAXED_MADD, op.F64X2_EXTRACT_LANE),
}
# halves of 64 bits; and how the high one is taken, of a product that counts signs or does not
MASK: Final = e.i64_const(M32) + e.OPCODE[op.I64_AND]
HALF: Final = e.i64_const(32)
SHIFT_S: Final = e.OPCODE[op.I64_SHR_S]
HIGH: Final = {op.I64_MULH_U: e.OPCODE[op.I64_SHR_U], op.I64_MULH_S: SHIFT_S}
# plain loads and stores for the atomic ones: one thread runs at a time
PLAIN_LOAD: Final = {
    op.I32_ATOMIC_LOAD: op.I32_LOAD,
    op.I64_ATOMIC_LOAD: op.I64_LOAD,
    op.I32_ATOMIC_LOAD8_U: op.I32_LOAD8_U,
    op.I32_ATOMIC_LOAD16_U: op.I32_LOAD16_U,
    op.I64_ATOMIC_LOAD8_U: op.I64_LOAD8_U,
    op.I64_ATOMIC_LOAD16_U: op.I64_LOAD16_U,
    op.I64_ATOMIC_LOAD32_U: op.I64_LOAD32_U,
}
PLAIN_STORE: Final = {
    op.I32_ATOMIC_STORE: op.I32_STORE,
    op.I64_ATOMIC_STORE: op.I64_STORE,
    op.I32_ATOMIC_STORE8: op.I32_STORE8,
    op.I32_ATOMIC_STORE16: op.I32_STORE16,
    op.I64_ATOMIC_STORE8: op.I64_STORE8,
    op.I64_ATOMIC_STORE16: op.I64_STORE16,
    op.I64_ATOMIC_STORE32: op.I64_STORE32,
}
RMW_LOAD: Final = {
    (I32, 4): op.I32_LOAD,
    (I32, 1): op.I32_LOAD8_U,
    (I32, 2): op.I32_LOAD16_U,
    (I64, 8): op.I64_LOAD,
    (I64, 1): op.I64_LOAD8_U,
    (I64, 2): op.I64_LOAD16_U,
    (I64, 4): op.I64_LOAD32_U,
}
RMW_STORE: Final = {
    (I32, 4): op.I32_STORE,
    (I32, 1): op.I32_STORE8,
    (I32, 2): op.I32_STORE16,
    (I64, 8): op.I64_STORE,
    (I64, 1): op.I64_STORE8,
    (I64, 2): op.I64_STORE16,
    (I64, 4): op.I64_STORE32,
}
