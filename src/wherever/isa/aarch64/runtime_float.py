"""Owns the runtime functions of floating-point semantics: NaNs, rounding modes, half precision.

They work on bit patterns with integer operations, so that they give the same on every engine.
Names and cases are those of the Arm ARM's shared pseudocode (J1, FPProcessNaNs and others).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from wherever.ir.builder import RuntimeBuilder
from wherever.ir.ops import F32, F64, I32, V128
from wherever.isa.aarch64.integers import Integers

if TYPE_CHECKING:
    from wherever.ir.builder import Builder
    from wherever.ir.values import RuntimeFunction, Value

__all__ = [
    "double_from_single_nan",
    "doubles_from_singles",
    "half_from_double",
    "nan_of_one",
    "nan_of_three",
    "nan_of_two",
    "number_of_two",
    "product_extended",
    "round_by",
    "single_from_double_nan",
    "single_from_half",
    "singles_from_doubles",
    "vector_nan",
    "vector_round_by",
]


class _Patterns:
    """Questions about the bit patterns of one precision."""

    def __init__(self, b: Builder, double: bool) -> None:
        self.b = b
        self.i = Integers(b, wide=double)
        self.infinity = 0x7FF0 << 48 if double else 0x7F80_0000
        self.quiet = 1 << 51 if double else 1 << 22
        self.default = self.infinity | self.quiet
        self.sign = 1 << 63 if double else 1 << 31
        self.to_bits = b.i64_reinterpret_f64 if double else b.i32_reinterpret_f32
        self.from_bits = b.f64_reinterpret_i64 if double else b.f32_reinterpret_i32

    def magnitude(self, x: Value) -> Value:
        return self.i.and_(x, self.i.const(self.sign - 1))

    def is_nan(self, x: Value) -> Value:
        return self.i.gt_u(self.magnitude(x), self.i.const(self.infinity))

    def is_signalling(self, x: Value) -> Value:
        i = self.i
        return self.b.i32_and(self.is_nan(x), i.eqz(i.and_(x, i.const(self.quiet))))

    def is_infinite(self, x: Value) -> Value:
        return self.i.eq(self.magnitude(x), self.i.const(self.infinity))

    def is_zero(self, x: Value) -> Value:
        return self.i.eqz(self.magnitude(x))

    def process(self, *operands: Value) -> Value:
        """FPProcessNaNs: the first signalling, else the first quiet NaN, else the default one."""
        b, i = self.b, self.i
        result = i.const(self.default)
        for x in reversed(operands):
            result = b.select(self.is_nan(x), x, result)
        for x in reversed(operands):
            result = b.select(self.is_signalling(x), x, result)
        return i.or_(result, i.const(self.quiet))


def _float(double: bool) -> int:
    return F64 if double else F32


def _name(stem: str, double: bool) -> str:
    return f"{stem}_{'f64' if double else 'f32'}"


def _start(stem: str, double: bool, operands: int) -> tuple[RuntimeBuilder, _Patterns, list[Value]]:
    kind = _float(double)
    r = RuntimeBuilder(_name(stem, double), [kind] * operands, [kind])
    r.label(0)
    p = _Patterns(r, double)
    return r, p, [p.to_bits(r.get(number)) for number in range(operands)]


@lru_cache(maxsize=2)
def nan_of_one(double: bool) -> RuntimeFunction:
    """FPProcessNaN of one operand."""
    r, p, operands = _start("nan_of_one", double, 1)
    r.results(p.from_bits(p.process(*operands)))
    return replace(r.function(), gives_nan=True)


@lru_cache(maxsize=2)
def nan_of_two(double: bool) -> RuntimeFunction:
    """FPProcessNaNs of two operands."""
    r, p, operands = _start("nan_of_two", double, 2)
    r.results(p.from_bits(p.process(*operands)))
    return replace(r.function(), gives_nan=True)


@lru_cache(maxsize=2)
def nan_of_three(double: bool) -> RuntimeFunction:
    """The NaN of FPMulAdd(addend, x, y): infinity times zero hides a quiet addend."""
    r, p, (addend, x, y) = _start("nan_of_three", double, 3)
    invalid = r.i32_or(
        r.i32_and(p.is_infinite(x), p.is_zero(y)), r.i32_and(p.is_zero(x), p.is_infinite(y))
    )
    quiet = r.i32_and(p.is_nan(addend), r.i32_eqz(p.is_signalling(addend)))
    default = p.i.const(p.default)
    result = r.select(r.i32_and(invalid, quiet), default, p.process(addend, x, y))
    r.results(p.from_bits(result))
    return replace(r.function(), gives_nan=True)


@lru_cache(maxsize=2)
def number_of_two(double: bool) -> RuntimeFunction:
    """FPMinNum and FPMaxNum where an operand is a NaN."""
    r, p, (x, y) = _start("number_of_two", double, 2)
    signalling = r.i32_or(p.is_signalling(x), p.is_signalling(y))
    result = p.process(x, y)
    only_x = r.i32_and(p.is_nan(x), r.i32_eqz(r.i32_or(p.is_nan(y), signalling)))
    only_y = r.i32_and(p.is_nan(y), r.i32_eqz(r.i32_or(p.is_nan(x), signalling)))
    result = r.select(only_x, y, r.select(only_y, x, result))
    r.results(p.from_bits(result))
    return r.function()


@lru_cache(maxsize=2)
def product_extended(double: bool) -> RuntimeFunction:
    """FPMulX where the product is a NaN."""
    r, p, (x, y) = _start("product_extended", double, 2)
    neither = r.i32_eqz(r.i32_or(p.is_nan(x), p.is_nan(y)))
    two = 1 << 62 if double else 1 << 30
    sign = p.i.and_(p.i.xor(x, y), p.i.const(p.sign))
    result = r.select(neither, p.i.or_(sign, p.i.const(two)), p.process(x, y))
    r.results(p.from_bits(result))
    return r.function()


@lru_cache(maxsize=2)
def round_by(double: bool) -> RuntimeFunction:
    """(x, FPCR) -> x rounded to an integral number by FPCR.RMode."""
    kind = _float(double)
    r = RuntimeBuilder(_name("round_by", double), [kind, I32], [kind])
    r.label(0)
    mode = r.i32_and(r.i32_shr_u(r.get(1), r.const_i32(22)), r.const_i32(3))
    x = r.get(0)
    up = r.f64_ceil(x) if double else r.f32_ceil(x)
    down = r.f64_floor(x) if double else r.f32_floor(x)
    zero = r.f64_trunc(x) if double else r.f32_trunc(x)
    nearest = r.f64_nearest(x) if double else r.f32_nearest(x)
    result = r.select(r.i32_eq(mode, r.const_i32(2)), down, zero)
    result = r.select(r.i32_eq(mode, r.const_i32(1)), up, result)
    r.results(r.select(r.i32_eqz(mode), nearest, result))
    return r.function()


# --- conversions between precisions ---


@lru_cache(maxsize=1)
def single_from_double_nan() -> RuntimeFunction:
    """FPConvertNaN from double to single."""
    r = RuntimeBuilder("single_from_double_nan", [F64], [F32])
    r.label(0)
    x = r.i64_reinterpret_f64(r.get(0))
    sign = r.i32_wrap_i64(r.i64_shl(r.i64_shr_u(x, r.const_i64(63)), r.const_i64(31)))
    payload = r.i32_wrap_i64(r.i64_and(r.i64_shr_u(x, r.const_i64(29)), r.const_i64(0x003F_FFFF)))
    r.results(r.f32_reinterpret_i32(r.i32_or(r.i32_or(sign, payload), r.const_i32(0x7FC0_0000))))
    return r.function()


@lru_cache(maxsize=1)
def double_from_single_nan() -> RuntimeFunction:
    """FPConvertNaN from single to double."""
    r = RuntimeBuilder("double_from_single_nan", [F32], [F64])
    r.label(0)
    x = r.i64_extend_i32_u(r.i32_reinterpret_f32(r.get(0)))
    sign = r.i64_shl(r.i64_shr_u(x, r.const_i64(31)), r.const_i64(63))
    payload = r.i64_shl(r.i64_and(x, r.const_i64(0x003F_FFFF)), r.const_i64(29))
    r.results(r.f64_reinterpret_i64(r.i64_or(r.i64_or(sign, payload), r.const_i64(0x7FF8 << 48))))
    return r.function()


@lru_cache(maxsize=1)
def single_from_half() -> RuntimeFunction:
    """(half's bits) -> the single with the same value: FPConvert, which is exact."""
    r = RuntimeBuilder("single_from_half", [I32], [F32])
    r.label(0)
    half = r.get(0)
    sign = r.i32_shl(r.i32_and(half, r.const_i32(0x8000)), r.const_i32(16))
    magnitude = r.i32_and(half, r.const_i32(0x7FFF))
    # a subnormal half is a normal single: its integer value times 2^-24
    small = r.i32_reinterpret_f32(
        r.f32_mul(r.f32_convert_i32_u(magnitude), r.const_f32(0x3380_0000))
    )
    moved = r.i32_shl(magnitude, r.const_i32(13))
    normal = r.i32_add(moved, r.const_i32(112 << 23))
    special = r.i32_or(moved, r.const_i32(0x7F80_0000))
    nan = r.i32_or(special, r.const_i32(1 << 22))
    result = r.select(r.i32_lt_u(magnitude, r.const_i32(0x400)), small, normal)
    result = r.select(r.i32_ge_u(magnitude, r.const_i32(0x7C00)), special, result)
    result = r.select(r.i32_gt_u(magnitude, r.const_i32(0x7C00)), nan, result)
    r.results(r.f32_reinterpret_i32(r.i32_or(sign, result)))
    return r.function()


@lru_cache(maxsize=1)
def half_from_double() -> RuntimeFunction:
    """(double) -> the nearest half's bits, ties to even, rounded once; overflow gives infinity."""
    r = RuntimeBuilder("half_from_double", [F64], [I32])
    r.label(0)
    x = r.i64_reinterpret_f64(r.get(0))
    sign = r.i32_and(r.i32_wrap_i64(r.i64_shr_u(x, r.const_i64(48))), r.const_i32(0x8000))
    magnitude = r.i64_and(x, r.const_i64((1 << 63) - 1))
    # Normal: round the 52 bits of the fraction to 10 in place, the carry goes into the exponent.
    odd = r.i64_and(r.i64_shr_u(magnitude, r.const_i64(42)), r.const_i64(1))
    bumped = r.i64_add(r.i64_add(magnitude, r.const_i64((1 << 41) - 1)), odd)
    normal = r.i32_wrap_i64(
        r.i64_sub(r.i64_shr_u(bumped, r.const_i64(42)), r.const_i64((1023 - 15) << 10))
    )
    # Subnormal: adding 2^28 leaves the value in units of 2^-24 in the lowest bits, rounded.
    anchor = r.const_f64(0x41B0 << 48)
    lifted = r.f64_add(r.f64_reinterpret_i64(magnitude), anchor)
    small = r.i32_wrap_i64(r.i64_sub(r.i64_reinterpret_f64(lifted), r.const_i64(0x41B0 << 48)))
    nan = r.i32_or(
        r.i32_wrap_i64(r.i64_and(r.i64_shr_u(x, r.const_i64(42)), r.const_i64(0x1FF))),
        r.const_i32(0x7E00),
    )
    infinity = r.const_i32(0x7C00)
    result = r.select(r.i64_lt_u(magnitude, r.const_i64(0x3F10 << 48)), small, normal)
    # 65520 and above round to infinity
    overflow = r.i64_ge_u(magnitude, r.const_i64(0x40EFFE00_00000000))
    result = r.select(overflow, infinity, result)
    result = r.select(r.i64_gt_u(magnitude, r.const_i64(0x7FF0 << 48)), nan, result)
    r.results(r.i32_or(sign, result))
    return r.function()


# --- vectors ---


class _LanePatterns:
    """The questions of _Patterns, answered for all lanes at once by masks."""

    def __init__(self, b: Builder, double: bool) -> None:
        self.b = b
        self.double = double
        self.gt = b.i64x2_gt_s if double else b.i32x4_gt_s
        self.eq = b.i64x2_eq if double else b.i32x4_eq
        p = _Patterns(b, double)
        self.sign, self.infinity, self.quiet, self.default = (
            self.splat(pattern) for pattern in (p.sign, p.infinity, p.quiet, p.default)
        )

    def splat(self, pattern: int) -> Value:
        if self.double:
            return self.b.const_v128(pattern << 64 | pattern)
        return self.b.const_v128(sum(pattern << shift for shift in (0, 32, 64, 96)))

    def magnitude(self, x: Value) -> Value:
        return self.b.v128_andnot(x, self.sign)

    def is_nan(self, x: Value) -> Value:
        return self.gt(self.magnitude(x), self.infinity)

    def is_signalling(self, x: Value) -> Value:
        zero = self.b.const_v128(0)
        return self.b.v128_and(self.is_nan(x), self.eq(self.b.v128_and(x, self.quiet), zero))

    def is_infinite(self, x: Value) -> Value:
        return self.eq(self.magnitude(x), self.infinity)

    def is_zero(self, x: Value) -> Value:
        return self.eq(self.magnitude(x), self.b.const_v128(0))

    def process(self, *operands: Value) -> Value:
        b = self.b
        result = self.default
        for x in reversed(operands):
            result = b.v128_bitselect(x, result, self.is_nan(x))
        for x in reversed(operands):
            result = b.v128_bitselect(x, result, self.is_signalling(x))
        return b.v128_or(result, self.quiet)


@lru_cache(maxsize=16)
def vector_nan(kind: str, double: bool) -> RuntimeFunction:
    """(result, operands...) -> result, its NaN lanes replaced by what A64 gives.

    `kind` is "one", "two", "three" (addend, x, y), "number" or "extended", as for scalars.
    """
    operands = {"one": 1, "three": 3}.get(kind, 2)
    r = RuntimeBuilder(_name(f"vector_nan_{kind}", double), [V128] * (operands + 1), [V128])
    r.label(0)
    p = _LanePatterns(r, double)
    result, *given = [r.get(number) for number in range(operands + 1)]
    nan = p.process(*given)
    if kind == "three":
        addend, x, y = given
        invalid = r.v128_or(
            r.v128_and(p.is_infinite(x), p.is_zero(y)), r.v128_and(p.is_zero(x), p.is_infinite(y))
        )
        quiet = r.v128_andnot(p.is_nan(addend), p.is_signalling(addend))
        nan = r.v128_bitselect(p.default, nan, r.v128_and(invalid, quiet))
    elif kind == "number":
        x, y = given
        signalling = r.v128_or(p.is_signalling(x), p.is_signalling(y))
        only_x = r.v128_andnot(p.is_nan(x), r.v128_or(p.is_nan(y), signalling))
        only_y = r.v128_andnot(p.is_nan(y), r.v128_or(p.is_nan(x), signalling))
        nan = r.v128_bitselect(y, r.v128_bitselect(x, nan, only_y), only_x)
    elif kind == "extended":
        x, y = given
        sign = r.v128_and(r.v128_xor(x, y), p.sign)
        two = r.v128_or(sign, p.splat(1 << 62 if double else 1 << 30))
        nan = r.v128_bitselect(nan, two, r.v128_or(p.is_nan(x), p.is_nan(y)))
    r.results(r.v128_bitselect(nan, result, p.is_nan(result)))
    return replace(r.function(), gives_nan=kind in ("one", "two", "three"))


@lru_cache(maxsize=2)
def vector_round_by(double: bool) -> RuntimeFunction:
    """(x, FPCR) -> the lanes of x rounded to integral numbers by FPCR.RMode."""
    r = RuntimeBuilder(_name("vector_round_by", double), [V128, I32], [V128])
    r.label(0)
    mode = r.i32_and(r.i32_shr_u(r.get(1), r.const_i32(22)), r.const_i32(3))
    x = r.get(0)
    up = r.f64x2_ceil(x) if double else r.f32x4_ceil(x)
    down = r.f64x2_floor(x) if double else r.f32x4_floor(x)
    zero = r.f64x2_trunc(x) if double else r.f32x4_trunc(x)
    nearest = r.f64x2_nearest(x) if double else r.f32x4_nearest(x)
    result = r.select(r.i32_eq(mode, r.const_i32(2)), down, zero)
    result = r.select(r.i32_eq(mode, r.const_i32(1)), up, result)
    r.results(r.select(r.i32_eqz(mode), nearest, result))
    return r.function()


@lru_cache(maxsize=1)
def singles_from_doubles() -> RuntimeFunction:
    """Two doubles to the lower two singles, with NaNs as FPConvertNaN has them."""
    r = RuntimeBuilder("singles_from_doubles", [V128], [V128])
    r.label(0)
    x = r.get(0)
    plain = r.f32x4_demote_f64x2_zero(x)
    p = _LanePatterns(r, double=True)
    sign = r.i64x2_shr_u(r.v128_and(x, p.sign), r.const_i32(32))
    payload = r.v128_and(r.i64x2_shr_u(x, r.const_i32(29)), p.splat(0x003F_FFFF))
    wide = r.v128_or(r.v128_or(sign, payload), p.splat(0x7FC0_0000))
    even = [*range(4), *range(8, 12), *[16] * 8]
    nans = r.i8x16_shuffle(wide, r.const_v128(0), even)
    where = r.i8x16_shuffle(p.is_nan(x), r.const_v128(0), even)
    r.results(r.v128_bitselect(nans, plain, where))
    return r.function()


@lru_cache(maxsize=1)
def doubles_from_singles() -> RuntimeFunction:
    """The lower two singles to two doubles, with NaNs as FPConvertNaN has them."""
    r = RuntimeBuilder("doubles_from_singles", [V128], [V128])
    r.label(0)
    x = r.get(0)
    plain = r.f64x2_promote_low_f32x4(x)
    wide = r.i64x2_extend_low_i32x4_u(x)
    p = _LanePatterns(r, double=True)
    sign = r.v128_and(r.i64x2_shl(wide, r.const_i32(32)), p.sign)
    payload = r.i64x2_shl(r.v128_and(wide, p.splat(0x003F_FFFF)), r.const_i32(29))
    nan = r.v128_or(r.v128_or(sign, payload), p.splat(0x7FF8 << 48))
    magnitude = r.v128_and(wide, p.splat(0x7FFF_FFFF))
    is_nan = r.i64x2_gt_s(magnitude, p.splat(0x7F80_0000))
    r.results(r.v128_bitselect(nan, plain, is_nan))
    return r.function()
