"""Owns the folds made while a value is built: constants, identities, and a canonical order.

Each function takes the operands of one operation and returns a better value, or None. A constant
operand goes to the right; a subtraction of a constant is an addition, so that addresses have one
shape. Every rule here is run against the interpreter on random operands (tests/ir/test_fold.py).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from wherever.ir.ops import BY_NAME, F32, F64, I32, I64, V128
from wherever.ir.values import Value

Unary = Callable[[Value], Value | None]
Binary = Callable[[Value, Value], Value | None]

_C32: Final = 0x41
_C64: Final = 0x42
_CF32: Final = 0x43
_CF64: Final = 0x44
_CV: Final = 0xFD00C
_M32: Final = 0xFFFF_FFFF
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF
_WRAP: Final = BY_NAME["i32.wrap_i64"].number
_EXTEND_S: Final = BY_NAME["i64.extend_i32_s"].number
_EXTEND_U: Final = BY_NAME["i64.extend_i32_u"].number
_FROM_F32: Final = BY_NAME["v128.from_f32"].number
_FROM_F64: Final = BY_NAME["v128.from_f64"].number
_FROM_I32: Final = BY_NAME["v128.from_i32"].number
_FROM_I64: Final = BY_NAME["v128.from_i64"].number

# the comparison that is true exactly where the named one is false
_OPPOSITE_NAMES: Final = (
    ("eq", "ne"),
    ("lt_s", "ge_s"),
    ("lt_u", "ge_u"),
    ("gt_s", "le_s"),
    ("gt_u", "le_u"),
)
_OPPOSITE: Final[dict[int, int]] = {
    BY_NAME[f"{width}.{one}"].number: BY_NAME[f"{width}.{other}"].number
    for width in ("i32", "i64")
    for pair in _OPPOSITE_NAMES
    for one, other in (pair, pair[::-1])
}
_SWAPPED_NAMES: Final = {
    "eq": "eq",
    "ne": "ne",
    "lt_s": "gt_s",
    "lt_u": "gt_u",
    "gt_s": "lt_s",
    "gt_u": "lt_u",
    "le_s": "ge_s",
    "le_u": "ge_u",
    "ge_s": "le_s",
    "ge_u": "le_u",
}


def i32(value: int) -> Value:
    """A 32-bit constant."""
    return Value(_C32, I32, (), value & _M32)


def i64(value: int) -> Value:
    """A 64-bit constant."""
    return Value(_C64, I64, (), value & _M64)


def _add(op: int, const: int, type: int, mask: int) -> Binary:  # noqa: A002
    def fold(a: Value, b: Value) -> Value | None:
        if b.op == const:
            if b.imm == 0:
                return a
            if a.op == const:
                return Value(const, type, (), (a.imm + b.imm) & mask)
            if a.op == op and a.args[1].op == const:
                total = (a.args[1].imm + b.imm) & mask
                if total == 0:
                    return a.args[0]
                return Value(op, type, (a.args[0], Value(const, type, (), total)), 0)
        elif a.op == const:
            return fold(b, a) or Value(op, type, (b, a), 0)
        return None

    return fold


def _sub(add: Binary, op_add: int, const: int, type: int, mask: int) -> Binary:  # noqa: A002
    def fold(a: Value, b: Value) -> Value | None:
        if b.op == const:
            minus = Value(const, type, (), -b.imm & mask)
            return add(a, minus) or Value(op_add, type, (a, minus), 0)
        if a is b:
            return Value(const, type, (), 0)
        return None

    return fold


def _mul(op: int, const: int, type: int, mask: int) -> Binary:  # noqa: A002
    def fold(a: Value, b: Value) -> Value | None:
        if b.op == const:
            if b.imm == 1:
                return a
            if b.imm == 0:
                return b
            if a.op == const:
                return Value(const, type, (), (a.imm * b.imm) & mask)
        elif a.op == const:
            return fold(b, a) or Value(op, type, (b, a), 0)
        return None

    return fold


def _and(op: int, const: int, type: int, mask: int) -> Binary:  # noqa: A002
    def fold(a: Value, b: Value) -> Value | None:
        if b.op == const:
            if b.imm == mask:
                return a
            if b.imm == 0:
                return b
            if a.op == const:
                return Value(const, type, (), a.imm & b.imm)
            if a.op == op and a.args[1].op == const:
                both = Value(const, type, (), a.args[1].imm & b.imm)
                return Value(op, type, (a.args[0], both), 0)
            if a.op == _EXTEND_U and b.imm & _M32 == _M32:
                return a
        elif a.op == const:
            return fold(b, a) or Value(op, type, (b, a), 0)
        elif a is b:
            return a
        return None

    return fold


def _or(op: int, const: int, type: int, mask: int) -> Binary:  # noqa: A002
    def fold(a: Value, b: Value) -> Value | None:
        if b.op == const:
            if b.imm == 0:
                return a
            if b.imm == mask:
                return b
            if a.op == const:
                return Value(const, type, (), a.imm | b.imm)
        elif a.op == const:
            return fold(b, a) or Value(op, type, (b, a), 0)
        elif a is b:
            return a
        return None

    return fold


def _xor(op: int, const: int, type: int) -> Binary:  # noqa: A002
    def fold(a: Value, b: Value) -> Value | None:
        if b.op == const:
            if b.imm == 0:
                return a
            if a.op == const:
                return Value(const, type, (), a.imm ^ b.imm)
        elif a.op == const:
            return fold(b, a) or Value(op, type, (b, a), 0)
        elif a is b:
            return Value(const, type, (), 0)
        return None

    return fold


def _shift(const: int, type: int, bits: int, shift: Callable[[int, int], int]) -> Binary:  # noqa: A002
    def fold(a: Value, b: Value) -> Value | None:
        if b.op == const:
            amount = b.imm % bits
            if amount == 0:
                return a
            if a.op == const:
                return Value(const, type, (), shift(a.imm, amount))
        return None

    return fold


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _compare(const: int, swapped: int, holds: Callable[[int, int], bool]) -> Binary:
    def fold(a: Value, b: Value) -> Value | None:
        if a.op == const:
            if b.op == const:
                return Value(_C32, I32, (), int(holds(a.imm, b.imm)))
            return Value(swapped, I32, (b, a), 0)
        return None

    return fold


def _equal_zero(eqz: int, op: int, const: int) -> Binary:
    compare = _compare(const, op, lambda x, y: x == y)

    def fold(a: Value, b: Value) -> Value | None:
        if b.op == const and b.imm == 0 and a.op != const:
            return Value(eqz, I32, (a,), 0)
        if a.op == const and a.imm == 0 and b.op != const:
            return Value(eqz, I32, (b,), 0)
        return compare(a, b)

    return fold


def _i32_eqz(a: Value) -> Value | None:
    if a.op == _C32:
        return i32(int(a.imm == 0))
    opposite = _OPPOSITE.get(a.op)
    if opposite is not None:
        return Value(opposite, I32, a.args, 0)
    return None


def _i64_eqz(a: Value) -> Value | None:
    if a.op == _C64:
        return i32(int(a.imm == 0))
    if a.op in (_EXTEND_U, _EXTEND_S):
        inner = a.args[0]
        return _i32_eqz(inner) or Value(BY_NAME["i32.eqz"].number, I32, (inner,), 0)
    return None


def _wrap(a: Value) -> Value | None:
    if a.op in (_EXTEND_U, _EXTEND_S):
        return a.args[0]
    if a.op == _C64:
        return i32(a.imm)
    return None


def _extend_u(a: Value) -> Value | None:
    return i64(a.imm) if a.op == _C32 else None


def _extend_s(a: Value) -> Value | None:
    return i64(_signed(a.imm, 32)) if a.op == _C32 else None


def _sign_extend(const: int, type: int, bits: int, mask: int) -> Unary:  # noqa: A002
    def fold(a: Value) -> Value | None:
        if a.op == const:
            return Value(const, type, (), _signed(a.imm & ((1 << bits) - 1), bits) & mask)
        return None

    return fold


def _i64_extend32_s(a: Value) -> Value | None:
    if a.op == _C64:
        return i64(_signed(a.imm & _M32, 32))
    if a.op in (_EXTEND_U, _EXTEND_S):
        return Value(_EXTEND_S, I64, a.args, 0)
    return None


def _reinterpret(back: int, source: int, const: int, type: int) -> Unary:  # noqa: A002
    """A reinterpretation of constants, and of its own inverse."""

    def fold(a: Value) -> Value | None:
        if a.op == source:
            return Value(const, type, (), a.imm)
        if a.op == back:
            return a.args[0]
        return None

    return fold


def _low_lane_f32(a: Value) -> Value | None:
    if a.op == _FROM_F32:
        return a.args[0]
    if a.op == _FROM_I32:
        return Value(BY_NAME["f32.reinterpret_i32"].number, F32, a.args, 0)
    return Value(_CF32, F32, (), a.imm & _M32) if a.op == _CV else None


def _low_lane_f64(a: Value) -> Value | None:
    if a.op == _FROM_F64:
        return a.args[0]
    if a.op == _FROM_I64:
        return Value(BY_NAME["f64.reinterpret_i64"].number, F64, a.args, 0)
    return Value(_CF64, F64, (), a.imm & _M64) if a.op == _CV else None


def _low_lane_i32(a: Value) -> Value | None:
    if a.op == _FROM_I32:
        return a.args[0]
    if a.op == _FROM_F32:
        return Value(BY_NAME["i32.reinterpret_f32"].number, I32, a.args, 0)
    return i32(a.imm) if a.op == _CV else None


def _low_lane_i64(a: Value) -> Value | None:
    if a.op == _FROM_I64:
        return a.args[0]
    if a.op == _FROM_F64:
        return Value(BY_NAME["i64.reinterpret_f64"].number, I64, a.args, 0)
    return i64(a.imm) if a.op == _CV else None


def _from(const: int) -> Unary:
    def fold(a: Value) -> Value | None:
        return Value(_CV, V128, (), a.imm) if a.op == const else None

    return fold


def _shifts(bits: int, mask: int) -> dict[str, Callable[[int, int], int]]:
    def shl(x: int, n: int) -> int:
        return x << n & mask

    def shr_u(x: int, n: int) -> int:
        return x >> n

    def shr_s(x: int, n: int) -> int:
        return _signed(x, bits) >> n & mask

    def rotl(x: int, n: int) -> int:
        return (x << n | x >> (bits - n)) & mask

    def rotr(x: int, n: int) -> int:
        return (x >> n | x << (bits - n)) & mask

    return {"shl": shl, "shr_u": shr_u, "shr_s": shr_s, "rotl": rotl, "rotr": rotr}


def _orders(bits: int) -> dict[str, Callable[[int, int], bool]]:
    def signed(compare: Callable[[int, int], bool]) -> Callable[[int, int], bool]:
        def holds(x: int, y: int) -> bool:
            return compare(_signed(x, bits), _signed(y, bits))

        return holds

    return {
        "ne": operator.ne,
        "lt_u": operator.lt,
        "gt_u": operator.gt,
        "le_u": operator.le,
        "ge_u": operator.ge,
        "lt_s": signed(operator.lt),
        "gt_s": signed(operator.gt),
        "le_s": signed(operator.le),
        "ge_s": signed(operator.ge),
    }


def _integer_folds() -> dict[str, Binary]:
    folds: dict[str, Binary] = {}
    for width, const, type_, mask, bits in (
        ("i32", _C32, I32, _M32, 32),
        ("i64", _C64, I64, _M64, 64),
    ):

        def number(name: str, width: str = width) -> int:
            return BY_NAME[f"{width}.{name}"].number

        add = _add(number("add"), const, type_, mask)
        folds[f"{width}_add"] = add
        folds[f"{width}_sub"] = _sub(add, number("add"), const, type_, mask)
        folds[f"{width}_mul"] = _mul(number("mul"), const, type_, mask)
        folds[f"{width}_and"] = _and(number("and"), const, type_, mask)
        folds[f"{width}_or"] = _or(number("or"), const, type_, mask)
        folds[f"{width}_xor"] = _xor(number("xor"), const, type_)
        for name, shift in _shifts(bits, mask).items():
            folds[f"{width}_{name}"] = _shift(const, type_, bits, shift)

        for name, holds in _orders(bits).items():
            swapped = number(_SWAPPED_NAMES[name])
            folds[f"{width}_{name}"] = _compare(const, swapped, holds)
        folds[f"{width}_eq"] = _equal_zero(number("eqz"), number("eq"), const)
    return folds


def _number(name: str) -> int:
    return BY_NAME[name].number


BINARY: Final[dict[str, Binary]] = _integer_folds()
UNARY: Final[dict[str, Unary]] = {
    "i32_eqz": _i32_eqz,
    "i64_eqz": _i64_eqz,
    "i32_wrap_i64": _wrap,
    "i64_extend_i32_u": _extend_u,
    "i64_extend_i32_s": _extend_s,
    "i32_extend8_s": _sign_extend(_C32, I32, 8, _M32),
    "i32_extend16_s": _sign_extend(_C32, I32, 16, _M32),
    "i64_extend8_s": _sign_extend(_C64, I64, 8, _M64),
    "i64_extend16_s": _sign_extend(_C64, I64, 16, _M64),
    "i64_extend32_s": _i64_extend32_s,
    "i32_reinterpret_f32": _reinterpret(_number("f32.reinterpret_i32"), _CF32, _C32, I32),
    "i64_reinterpret_f64": _reinterpret(_number("f64.reinterpret_i64"), _CF64, _C64, I64),
    "f32_reinterpret_i32": _reinterpret(_number("i32.reinterpret_f32"), _C32, _CF32, F32),
    "f64_reinterpret_i64": _reinterpret(_number("i64.reinterpret_f64"), _C64, _CF64, F64),
    "v128_from_f32": _from(_CF32),
    "v128_from_f64": _from(_CF64),
    "v128_from_i32": _from(_C32),
    "v128_from_i64": _from(_C64),
}
# lane 0 only; the builder's methods ask when the lane is 0
LOW_LANE: Final[dict[str, Unary]] = {
    "f32x4_extract_lane": _low_lane_f32,
    "f64x2_extract_lane": _low_lane_f64,
    "i32x4_extract_lane": _low_lane_i32,
    "i64x2_extract_lane": _low_lane_i64,
}
