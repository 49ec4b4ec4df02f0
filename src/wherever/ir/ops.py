"""Owns the table of IR operations: one row each, Wasm-shaped, from which everything else derives.

An operation that Wasm has carries Wasm's name and number, so that emission is nearly one to one:
`number = prefix << 12 | sub-opcode` for the prefixed ones (0xFC, 0xFD, 0xFE). The few of our own
(reading a register, fused multiply-add, ...) start at 0x100000.

`wherever.ir.generate` turns the table into `opcodes.py` (constants) and `build_ops.py` (the
builder's methods); a test keeps them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

# Value types are Wasm's own bytes (core specification, 5.3.1); VOID marks an effect without value.
I32: Final = 0x7F
I64: Final = 0x7E
F32: Final = 0x7D
F64: Final = 0x7C
V128: Final = 0x7B
VOID: Final = 0x40

TYPE_NAMES: Final[dict[int, str]] = {
    I32: "i32",
    I64: "i64",
    F32: "f32",
    F64: "f64",
    V128: "v128",
    VOID: "void",
}
TYPE_OF_NAME: Final[dict[str, int]] = {name: number for number, name in TYPE_NAMES.items()}

_LETTERS: Final = {"i": I32, "l": I64, "f": F32, "d": F64, "v": V128}


class Kind(Enum):
    """What an operation is, beyond its operand types."""

    PURE = "pure"  # a value of its operands alone
    LANE = "lane"  # pure, with a lane immediate
    SHUFFLE = "shuffle"  # pure, with sixteen lane immediates, packed in 128 bits
    CONST = "const"  # an immediate
    LOAD = "load"  # reads memory: address, then (for lane loads) a vector
    STORE = "store"  # writes memory: address, value
    LOAD_LANE = "load_lane"
    STORE_LANE = "store_lane"
    ATOMIC = "atomic"  # reads and writes memory, indivisibly
    SPECIAL = "special"  # has a method of its own in the builder


@dataclass(frozen=True, slots=True)
class Op:
    """One row of the table."""

    name: str  # as the text format writes it
    number: int
    params: tuple[int, ...]
    result: int
    kind: Kind
    access: int = 0  # bytes of memory touched, for the memory operations

    @property
    def method(self) -> str:
        """The builder's method, and in capitals the constant, for this operation."""
        return self.name.replace(".", "_")


# A row is "name number signature"; a missing number is the previous one plus one. Signatures:
# i=i32 l=i64 f=f32 d=f64 v=v128, parameters before the colon and the result after it.
_SCALAR = """
i32.eqz 0x45 i:i
i32.eq - ii:i
i32.ne - ii:i
i32.lt_s - ii:i
i32.lt_u - ii:i
i32.gt_s - ii:i
i32.gt_u - ii:i
i32.le_s - ii:i
i32.le_u - ii:i
i32.ge_s - ii:i
i32.ge_u - ii:i
i64.eqz - l:i
i64.eq - ll:i
i64.ne - ll:i
i64.lt_s - ll:i
i64.lt_u - ll:i
i64.gt_s - ll:i
i64.gt_u - ll:i
i64.le_s - ll:i
i64.le_u - ll:i
i64.ge_s - ll:i
i64.ge_u - ll:i
f32.eq - ff:i
f32.ne - ff:i
f32.lt - ff:i
f32.gt - ff:i
f32.le - ff:i
f32.ge - ff:i
f64.eq - dd:i
f64.ne - dd:i
f64.lt - dd:i
f64.gt - dd:i
f64.le - dd:i
f64.ge - dd:i
i32.clz - i:i
i32.ctz - i:i
i32.popcnt - i:i
i32.add - ii:i
i32.sub - ii:i
i32.mul - ii:i
i32.div_s - ii:i
i32.div_u - ii:i
i32.rem_s - ii:i
i32.rem_u - ii:i
i32.and - ii:i
i32.or - ii:i
i32.xor - ii:i
i32.shl - ii:i
i32.shr_s - ii:i
i32.shr_u - ii:i
i32.rotl - ii:i
i32.rotr - ii:i
i64.clz - l:l
i64.ctz - l:l
i64.popcnt - l:l
i64.add - ll:l
i64.sub - ll:l
i64.mul - ll:l
i64.div_s - ll:l
i64.div_u - ll:l
i64.rem_s - ll:l
i64.rem_u - ll:l
i64.and - ll:l
i64.or - ll:l
i64.xor - ll:l
i64.shl - ll:l
i64.shr_s - ll:l
i64.shr_u - ll:l
i64.rotl - ll:l
i64.rotr - ll:l
f32.abs - f:f
f32.neg - f:f
f32.ceil - f:f
f32.floor - f:f
f32.trunc - f:f
f32.nearest - f:f
f32.sqrt - f:f
f32.add - ff:f
f32.sub - ff:f
f32.mul - ff:f
f32.div - ff:f
f32.min - ff:f
f32.max - ff:f
f32.copysign - ff:f
f64.abs - d:d
f64.neg - d:d
f64.ceil - d:d
f64.floor - d:d
f64.trunc - d:d
f64.nearest - d:d
f64.sqrt - d:d
f64.add - dd:d
f64.sub - dd:d
f64.mul - dd:d
f64.div - dd:d
f64.min - dd:d
f64.max - dd:d
f64.copysign - dd:d
i32.wrap_i64 - l:i
i32.trunc_f32_s - f:i
i32.trunc_f32_u - f:i
i32.trunc_f64_s - d:i
i32.trunc_f64_u - d:i
i64.extend_i32_s - i:l
i64.extend_i32_u - i:l
i64.trunc_f32_s - f:l
i64.trunc_f32_u - f:l
i64.trunc_f64_s - d:l
i64.trunc_f64_u - d:l
f32.convert_i32_s - i:f
f32.convert_i32_u - i:f
f32.convert_i64_s - l:f
f32.convert_i64_u - l:f
f32.demote_f64 - d:f
f64.convert_i32_s - i:d
f64.convert_i32_u - i:d
f64.convert_i64_s - l:d
f64.convert_i64_u - l:d
f64.promote_f32 - f:d
i32.reinterpret_f32 - f:i
i64.reinterpret_f64 - d:l
f32.reinterpret_i32 - i:f
f64.reinterpret_i64 - l:d
i32.extend8_s - i:i
i32.extend16_s - i:i
i64.extend8_s - l:l
i64.extend16_s - l:l
i64.extend32_s - l:l
i32.trunc_sat_f32_s 0xFC000 f:i
i32.trunc_sat_f32_u - f:i
i32.trunc_sat_f64_s - d:i
i32.trunc_sat_f64_u - d:i
i64.trunc_sat_f32_s - f:l
i64.trunc_sat_f32_u - f:l
i64.trunc_sat_f64_s - d:l
i64.trunc_sat_f64_u - d:l
"""

_VECTOR = """
i8x16.swizzle 0xFD00E vv:v
i8x16.splat - i:v
i16x8.splat - i:v
i32x4.splat - i:v
i64x2.splat - l:v
f32x4.splat - f:v
f64x2.splat - d:v
i8x16.eq 0xFD023 vv:v
i8x16.ne - vv:v
i8x16.lt_s - vv:v
i8x16.lt_u - vv:v
i8x16.gt_s - vv:v
i8x16.gt_u - vv:v
i8x16.le_s - vv:v
i8x16.le_u - vv:v
i8x16.ge_s - vv:v
i8x16.ge_u - vv:v
i16x8.eq - vv:v
i16x8.ne - vv:v
i16x8.lt_s - vv:v
i16x8.lt_u - vv:v
i16x8.gt_s - vv:v
i16x8.gt_u - vv:v
i16x8.le_s - vv:v
i16x8.le_u - vv:v
i16x8.ge_s - vv:v
i16x8.ge_u - vv:v
i32x4.eq - vv:v
i32x4.ne - vv:v
i32x4.lt_s - vv:v
i32x4.lt_u - vv:v
i32x4.gt_s - vv:v
i32x4.gt_u - vv:v
i32x4.le_s - vv:v
i32x4.le_u - vv:v
i32x4.ge_s - vv:v
i32x4.ge_u - vv:v
f32x4.eq - vv:v
f32x4.ne - vv:v
f32x4.lt - vv:v
f32x4.gt - vv:v
f32x4.le - vv:v
f32x4.ge - vv:v
f64x2.eq - vv:v
f64x2.ne - vv:v
f64x2.lt - vv:v
f64x2.gt - vv:v
f64x2.le - vv:v
f64x2.ge - vv:v
v128.not - v:v
v128.and - vv:v
v128.andnot - vv:v
v128.or - vv:v
v128.xor - vv:v
v128.bitselect - vvv:v
v128.any_true - v:i
f32x4.demote_f64x2_zero 0xFD05E v:v
f64x2.promote_low_f32x4 - v:v
i8x16.abs - v:v
i8x16.neg - v:v
i8x16.popcnt - v:v
i8x16.all_true - v:i
i8x16.bitmask - v:i
i8x16.narrow_i16x8_s - vv:v
i8x16.narrow_i16x8_u - vv:v
f32x4.ceil - v:v
f32x4.floor - v:v
f32x4.trunc - v:v
f32x4.nearest - v:v
i8x16.shl - vi:v
i8x16.shr_s - vi:v
i8x16.shr_u - vi:v
i8x16.add - vv:v
i8x16.add_sat_s - vv:v
i8x16.add_sat_u - vv:v
i8x16.sub - vv:v
i8x16.sub_sat_s - vv:v
i8x16.sub_sat_u - vv:v
f64x2.ceil - v:v
f64x2.floor - v:v
i8x16.min_s - vv:v
i8x16.min_u - vv:v
i8x16.max_s - vv:v
i8x16.max_u - vv:v
f64x2.trunc - v:v
i8x16.avgr_u - vv:v
i16x8.extadd_pairwise_i8x16_s - v:v
i16x8.extadd_pairwise_i8x16_u - v:v
i32x4.extadd_pairwise_i16x8_s - v:v
i32x4.extadd_pairwise_i16x8_u - v:v
i16x8.abs - v:v
i16x8.neg - v:v
i16x8.q15mulr_sat_s - vv:v
i16x8.all_true - v:i
i16x8.bitmask - v:i
i16x8.narrow_i32x4_s - vv:v
i16x8.narrow_i32x4_u - vv:v
i16x8.extend_low_i8x16_s - v:v
i16x8.extend_high_i8x16_s - v:v
i16x8.extend_low_i8x16_u - v:v
i16x8.extend_high_i8x16_u - v:v
i16x8.shl - vi:v
i16x8.shr_s - vi:v
i16x8.shr_u - vi:v
i16x8.add - vv:v
i16x8.add_sat_s - vv:v
i16x8.add_sat_u - vv:v
i16x8.sub - vv:v
i16x8.sub_sat_s - vv:v
i16x8.sub_sat_u - vv:v
f64x2.nearest - v:v
i16x8.mul - vv:v
i16x8.min_s - vv:v
i16x8.min_u - vv:v
i16x8.max_s - vv:v
i16x8.max_u - vv:v
i16x8.avgr_u 0xFD09B vv:v
i16x8.extmul_low_i8x16_s - vv:v
i16x8.extmul_high_i8x16_s - vv:v
i16x8.extmul_low_i8x16_u - vv:v
i16x8.extmul_high_i8x16_u - vv:v
i32x4.abs - v:v
i32x4.neg - v:v
i32x4.all_true 0xFD0A3 v:i
i32x4.bitmask - v:i
i32x4.extend_low_i16x8_s 0xFD0A7 v:v
i32x4.extend_high_i16x8_s - v:v
i32x4.extend_low_i16x8_u - v:v
i32x4.extend_high_i16x8_u - v:v
i32x4.shl - vi:v
i32x4.shr_s - vi:v
i32x4.shr_u - vi:v
i32x4.add - vv:v
i32x4.sub 0xFD0B1 vv:v
i32x4.mul 0xFD0B5 vv:v
i32x4.min_s - vv:v
i32x4.min_u - vv:v
i32x4.max_s - vv:v
i32x4.max_u - vv:v
i32x4.dot_i16x8_s - vv:v
i32x4.extmul_low_i16x8_s 0xFD0BC vv:v
i32x4.extmul_high_i16x8_s - vv:v
i32x4.extmul_low_i16x8_u - vv:v
i32x4.extmul_high_i16x8_u - vv:v
i64x2.abs - v:v
i64x2.neg - v:v
i64x2.all_true 0xFD0C3 v:i
i64x2.bitmask - v:i
i64x2.extend_low_i32x4_s 0xFD0C7 v:v
i64x2.extend_high_i32x4_s - v:v
i64x2.extend_low_i32x4_u - v:v
i64x2.extend_high_i32x4_u - v:v
i64x2.shl - vi:v
i64x2.shr_s - vi:v
i64x2.shr_u - vi:v
i64x2.add - vv:v
i64x2.sub 0xFD0D1 vv:v
i64x2.mul 0xFD0D5 vv:v
i64x2.eq - vv:v
i64x2.ne - vv:v
i64x2.lt_s - vv:v
i64x2.gt_s - vv:v
i64x2.le_s - vv:v
i64x2.ge_s - vv:v
i64x2.extmul_low_i32x4_s - vv:v
i64x2.extmul_high_i32x4_s - vv:v
i64x2.extmul_low_i32x4_u - vv:v
i64x2.extmul_high_i32x4_u - vv:v
f32x4.abs - v:v
f32x4.neg - v:v
f32x4.sqrt 0xFD0E3 v:v
f32x4.add - vv:v
f32x4.sub - vv:v
f32x4.mul - vv:v
f32x4.div - vv:v
f32x4.min - vv:v
f32x4.max - vv:v
f32x4.pmin - vv:v
f32x4.pmax - vv:v
f64x2.abs - v:v
f64x2.neg - v:v
f64x2.sqrt 0xFD0EF v:v
f64x2.add - vv:v
f64x2.sub - vv:v
f64x2.mul - vv:v
f64x2.div - vv:v
f64x2.min - vv:v
f64x2.max - vv:v
f64x2.pmin - vv:v
f64x2.pmax - vv:v
i32x4.trunc_sat_f32x4_s - v:v
i32x4.trunc_sat_f32x4_u - v:v
f32x4.convert_i32x4_s - v:v
f32x4.convert_i32x4_u - v:v
i32x4.trunc_sat_f64x2_s_zero - v:v
i32x4.trunc_sat_f64x2_u_zero - v:v
f64x2.convert_low_i32x4_s - v:v
f64x2.convert_low_i32x4_u - v:v
f32x4.relaxed_madd 0xFD105 vvv:v
f64x2.relaxed_madd 0xFD107 vvv:v
"""

# Lane operations; the lane comes after the vector.
_LANE = """
i8x16.extract_lane_s 0xFD015 v:i
i8x16.extract_lane_u - v:i
i8x16.replace_lane - vi:v
i16x8.extract_lane_s - v:i
i16x8.extract_lane_u - v:i
i16x8.replace_lane - vi:v
i32x4.extract_lane - v:i
i32x4.replace_lane - vi:v
i64x2.extract_lane - v:l
i64x2.replace_lane - vl:v
f32x4.extract_lane - v:f
f32x4.replace_lane - vf:v
f64x2.extract_lane - v:d
f64x2.replace_lane - vd:v
"""

# Memory rows end with the bytes touched; the address parameter (a 64-bit guest address) is
# written first.
_LOAD = """
i32.load 0x28 l:i 4
i64.load - l:l 8
f32.load - l:f 4
f64.load - l:d 8
i32.load8_s - l:i 1
i32.load8_u - l:i 1
i32.load16_s - l:i 2
i32.load16_u - l:i 2
i64.load8_s - l:l 1
i64.load8_u - l:l 1
i64.load16_s - l:l 2
i64.load16_u - l:l 2
i64.load32_s - l:l 4
i64.load32_u - l:l 4
v128.load 0xFD000 l:v 16
v128.load8x8_s - l:v 8
v128.load8x8_u - l:v 8
v128.load16x4_s - l:v 8
v128.load16x4_u - l:v 8
v128.load32x2_s - l:v 8
v128.load32x2_u - l:v 8
v128.load8_splat - l:v 1
v128.load16_splat - l:v 2
v128.load32_splat - l:v 4
v128.load64_splat - l:v 8
v128.load32_zero 0xFD05C l:v 4
v128.load64_zero - l:v 8
i32.atomic.load 0xFE010 l:i 4
i64.atomic.load - l:l 8
i32.atomic.load8_u - l:i 1
i32.atomic.load16_u - l:i 2
i64.atomic.load8_u - l:l 1
i64.atomic.load16_u - l:l 2
i64.atomic.load32_u - l:l 4
"""

_STORE = """
i32.store 0x36 li: 4
i64.store - ll: 8
f32.store - lf: 4
f64.store - ld: 8
i32.store8 - li: 1
i32.store16 - li: 2
i64.store8 - ll: 1
i64.store16 - ll: 2
i64.store32 - ll: 4
v128.store 0xFD00B lv: 16
i32.atomic.store 0xFE017 li: 4
i64.atomic.store - ll: 8
i32.atomic.store8 - li: 1
i32.atomic.store16 - li: 2
i64.atomic.store8 - ll: 1
i64.atomic.store16 - ll: 2
i64.atomic.store32 - ll: 4
"""

_LOAD_LANE = """
v128.load8_lane 0xFD054 lv:v 1
v128.load16_lane - lv:v 2
v128.load32_lane - lv:v 4
v128.load64_lane - lv:v 8
"""

_STORE_LANE = """
v128.store8_lane 0xFD058 lv: 1
v128.store16_lane - lv: 2
v128.store32_lane - lv: 4
v128.store64_lane - lv: 8
"""

_ATOMIC_FAMILIES = (
    ("add", 0xFE01E),
    ("sub", 0xFE025),
    ("and", 0xFE02C),
    ("or", 0xFE033),
    ("xor", 0xFE03A),
    ("xchg", 0xFE041),
    ("cmpxchg", 0xFE048),
)
_ATOMIC_WIDTHS = (
    ("i32.atomic.rmw.{}", "i", 4),
    ("i64.atomic.rmw.{}", "l", 8),
    ("i32.atomic.rmw8.{}_u", "i", 1),
    ("i32.atomic.rmw16.{}_u", "i", 2),
    ("i64.atomic.rmw8.{}_u", "l", 1),
    ("i64.atomic.rmw16.{}_u", "l", 2),
    ("i64.atomic.rmw32.{}_u", "l", 4),
)

# Our own. "v128.from_*" is a scalar in the low lane with all other bits zero, which is what a
# scalar write does to a vector register; emission keeps it a scalar while nobody reads the rest.
# "fma" is fused, one rounding. "mulh" is the high half of the 128-bit product.
_OWN = """
v128.from_f32 0x100000 f:v
v128.from_f64 - d:v
v128.from_i32 - i:v
v128.from_i64 - l:v
f32.fma - fff:f
f64.fma - ddd:d
i64.mulh_s - ll:l
i64.mulh_u - ll:l
"""

_SPECIAL = (
    Op("i32.const", 0x41, (), I32, Kind.CONST),
    Op("i64.const", 0x42, (), I64, Kind.CONST),
    Op("f32.const", 0x43, (), F32, Kind.CONST),
    Op("f64.const", 0x44, (), F64, Kind.CONST),
    Op("v128.const", 0xFD00C, (), V128, Kind.CONST),
    Op("i8x16.shuffle", 0xFD00D, (V128, V128), V128, Kind.SHUFFLE),
    Op("atomic.fence", 0xFE003, (), VOID, Kind.SPECIAL),
    Op("select", 0x1B, (), VOID, Kind.SPECIAL),  # typed by its operands
    Op("get", 0x100100, (), VOID, Kind.SPECIAL),  # a register as it was on entry to the block
    Op("call", 0x100101, (), VOID, Kind.SPECIAL),  # a runtime function
    Op("result", 0x100102, (), VOID, Kind.SPECIAL),  # one of several results of a call
    Op("rarely", 0x100103, (), VOID, Kind.SPECIAL),  # a pure runtime function, seldom called
)


def _types(letters: str) -> tuple[int, ...]:
    return tuple(_LETTERS[letter] for letter in letters)


def _rows(text: str, kind: Kind) -> list[Op]:
    rows: list[Op] = []
    number = 0
    for line in text.strip().splitlines():
        name, at, signature, *access = line.split()
        number = number + 1 if at == "-" else int(at, 16)
        params, result = signature.split(":")
        rows.append(
            Op(
                name,
                number,
                _types(params),
                _LETTERS[result] if result else VOID,
                kind,
                int(access[0]) if access else 0,
            )
        )
    return rows


def _atomics() -> list[Op]:
    return [
        Op(
            pattern.format(family),
            base + index,
            (I64, *_types(letter * (2 if family == "cmpxchg" else 1))),
            _LETTERS[letter],
            Kind.ATOMIC,
            access,
        )
        for family, base in _ATOMIC_FAMILIES
        for index, (pattern, letter, access) in enumerate(_ATOMIC_WIDTHS)
    ]


OPS: Final[tuple[Op, ...]] = (
    *_rows(_SCALAR, Kind.PURE),
    *_rows(_VECTOR, Kind.PURE),
    *_rows(_LANE, Kind.LANE),
    *_rows(_LOAD, Kind.LOAD),
    *_rows(_STORE, Kind.STORE),
    *_rows(_LOAD_LANE, Kind.LOAD_LANE),
    *_rows(_STORE_LANE, Kind.STORE_LANE),
    *_atomics(),
    *_rows(_OWN, Kind.PURE),
    *_SPECIAL,
)
BY_NUMBER: Final[dict[int, Op]] = {op.number: op for op in OPS}
BY_NAME: Final[dict[str, Op]] = {op.name: op for op in OPS}
