"""Owns soft floating point: every rounding mode of FPCR, every cumulative flag of FPSR.

One core, a fused multiply-add over 128-bit integers, serves addition and multiplication too. All
functions take bit patterns in i64 and FPCR, and return the result's bit pattern and the flags to be
set in FPSR. Pseudocode: Arm ARM J1, FPRound, FPUnpack, FPProcessNaNs, FPMulAdd.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wherever.ir.builder import RuntimeBuilder
from wherever.ir.ops import I32, I64

if TYPE_CHECKING:
    from wherever.ir.values import RuntimeFunction, Value

__all__ = [
    "INEXACT",
    "INVALID",
    "soft_convert",
    "soft_divide",
    "soft_fma",
    "soft_from_integer",
    "soft_root",
]

# FPSR
INVALID: Final = 1 << 0
DIVIDE_BY_ZERO: Final = 1 << 1
OVERFLOW: Final = 1 << 2
UNDERFLOW: Final = 1 << 3
INEXACT: Final = 1 << 4
INPUT_DENORMAL: Final = 1 << 7

_FAR: Final = -0x10000  # the exponent of a zero: below every other


class _Operand:
    """An unpacked number: sign 0 or 1, exponent, and significand with its leading one at bit 62."""

    def __init__(self, f: _Format, bits: Value) -> None:
        r = f.r
        self.bits = bits
        self.sign = r.i64_shr_u(bits, r.const_i64(f.bits - 1))
        self.magnitude = r.i64_and(bits, r.const_i64((1 << f.bits - 1) - 1))
        field = r.i64_shr_u(self.magnitude, r.const_i64(f.width))
        fraction = r.i64_and(self.magnitude, r.const_i64((1 << f.width) - 1))
        subnormal = r.i32_and(r.i64_eqz(field), r.i64_ne(fraction, r.const_i64(0)))
        self.flushed = r.i32_and(subnormal, f.flush)
        self.zero = r.i32_or(r.i64_eqz(self.magnitude), self.flushed)
        top = r.const_i64(f.top << f.width)
        self.infinite = r.i64_eq(self.magnitude, top)
        self.nan = r.i64_gt_u(self.magnitude, top)
        quiet = r.i64_and(bits, r.const_i64(1 << f.width - 1))
        self.signalling = r.i32_and(self.nan, r.i64_eqz(quiet))
        lead = r.i64_clz(fraction)
        small = r.i64_shl(fraction, r.i64_sub(lead, r.const_i64(1)))
        small_exponent = r.i64_sub(r.const_i64(64 - f.width), lead)
        normal = r.i64_shl(r.i64_or(fraction, r.const_i64(1 << f.width)), r.const_i64(62 - f.width))
        zero = r.const_i64(0)
        self.significand = r.select(self.zero, zero, r.select(subnormal, small, normal))
        exponent = r.select(subnormal, small_exponent, field)
        self.exponent = r.select(self.zero, r.const_i64(_FAR), exponent)


class _Format:
    """One precision, the modes of FPCR, and what rounds to it."""

    def __init__(self, r: RuntimeBuilder, double: bool, fpcr: Value) -> None:
        self.r = r
        self.bits, self.width, self.top = (64, 52, 0x7FF) if double else (32, 23, 0xFF)
        self.bias = self.top >> 1
        self.flush = r.i32_and(r.i32_shr_u(fpcr, r.const_i32(24)), r.const_i32(1))
        self.default_nans = r.i32_and(r.i32_shr_u(fpcr, r.const_i32(25)), r.const_i32(1))
        self.mode = r.i32_and(r.i32_shr_u(fpcr, r.const_i32(22)), r.const_i32(3))
        self.default = self.top << self.width | 1 << self.width - 1
        self.fpcr = fpcr

    def with_sign(self, sign: Value, bits: Value) -> Value:
        return self.r.i64_or(self.r.i64_shl(sign, self.r.const_i64(self.bits - 1)), bits)

    def flag(self, condition: Value, flag: int) -> Value:
        r = self.r
        return r.select(condition, r.const_i32(flag), r.const_i32(0))

    def process(self, *operands: _Operand) -> Value:
        """FPProcessNaNs."""
        r = self.r
        result = r.const_i64(self.default)
        for x in reversed(operands):
            result = r.select(x.nan, x.bits, result)
        for x in reversed(operands):
            result = r.select(x.signalling, x.bits, result)
        result = r.i64_or(result, r.const_i64(1 << self.width - 1))
        return r.select(self.default_nans, r.const_i64(self.default), result)

    def input_flags(self, *operands: _Operand) -> Value:
        r = self.r
        flags = r.const_i32(0)
        for x in operands:
            flags = r.i32_or(flags, self.flag(x.signalling, INVALID))
            flags = r.i32_or(flags, self.flag(x.flushed, INPUT_DENORMAL))
        return flags

    def round(self, sign: Value, exponent: Value, significand: Value) -> tuple[Value, Value]:
        """FPRound of a number that is not zero; the leading one of the significand is bit 62."""
        r = self.r
        c = r.const_i64
        zero, one = c(0), c(1)
        tiny = r.i64_le_s(exponent, zero)
        places = r.i64_sub(one, exponent)
        places = r.select(r.i64_gt_s(places, c(63)), c(63), places)
        moved = r.i64_shr_u(significand, places)
        lost = r.i64_ne(r.i64_shl(moved, places), significand)
        moved = r.i64_or(moved, r.i64_extend_i32_u(lost))
        significand = r.select(tiny, moved, significand)
        extra = 62 - self.width
        low = r.i64_and(significand, c((1 << extra) - 1))
        whole = r.i64_shr_u(significand, c(extra))
        half = c(1 << extra - 1)
        odd = r.i32_wrap_i64(r.i64_and(whole, one))
        inexact = r.i64_ne(low, zero)
        nearest = r.i32_or(r.i64_gt_u(low, half), r.i32_and(r.i64_eq(low, half), odd))
        negative = r.i32_wrap_i64(sign)
        plus, minus = (r.i32_eq(self.mode, r.const_i32(mode)) for mode in (1, 2))
        directed = r.i32_or(r.i32_and(plus, r.i32_eqz(negative)), r.i32_and(minus, negative))
        to_nearest = r.i32_eqz(self.mode)
        up = r.select(to_nearest, nearest, r.i32_and(directed, inexact))
        whole = r.i64_add(whole, r.i64_extend_i32_u(up))
        biased = r.i64_sub(exponent, one)
        biased = r.select(r.i64_gt_s(biased, c(self.top)), c(self.top), biased)
        biased = r.select(tiny, zero, biased)
        bits = r.i64_add(r.i64_shl(biased, c(self.width)), whole)
        infinity = c(self.top << self.width)
        overflow = r.i64_ge_u(bits, infinity)
        largest = c((self.top << self.width) - 1)
        bits = r.select(overflow, r.select(r.i32_or(to_nearest, directed), infinity, largest), bits)
        flags = r.i32_or(
            self.flag(r.i32_or(inexact, overflow), INEXACT), self.flag(overflow, OVERFLOW)
        )
        flags = r.i32_or(flags, self.flag(r.i32_and(tiny, inexact), UNDERFLOW))
        flush = r.i32_and(tiny, self.flush)
        bits = r.select(flush, zero, bits)
        flags = r.select(flush, r.const_i32(UNDERFLOW), flags)
        return self.with_sign(sign, bits), flags


def _start(
    name: str, double: bool, operands: int
) -> tuple[RuntimeBuilder, _Format, list[_Operand]]:
    r = RuntimeBuilder(
        f"soft_{name}_{'f64' if double else 'f32'}", [I64] * operands + [I32], [I64, I32]
    )
    r.label(0)
    f = _Format(r, double, r.get(operands))
    return r, f, [_Operand(f, r.get(number)) for number in range(operands)]


@lru_cache(maxsize=8)
def soft_fma(double: bool, kind: str) -> RuntimeFunction:
    """(addend, x, y, FPCR) -> FPMulAdd; `kind` is fma, add, mul or mulx.

    It says whose NaNs and special cases hold. For add, y is one; for mul, the addend is a zero with
    the sign of the product.
    """
    r, f, (addend, x, y) = _start(kind, double, 3)
    c = r.const_i64
    zero, one = c(0), c(1)
    # the product, its leading one at bit 125 of high:low
    sign = r.i64_xor(x.sign, y.sign)
    high = r.i64_mulh_u(x.significand, y.significand)
    low = r.i64_mul(x.significand, y.significand)
    short = r.i64_eqz(r.i64_and(high, c(1 << 61)))
    step = r.i64_extend_i32_u(short)
    high = r.i64_or(r.i64_shl(high, step), r.i64_and(r.i64_shr_u(low, c(63)), step))
    low = r.i64_shl(low, step)
    exponent = r.i64_sub(r.i64_add(x.exponent, y.exponent), c(f.bias - 1))
    exponent = r.i64_sub(exponent, step)
    no_product = r.i32_or(x.zero, y.zero)
    exponent = r.select(no_product, c(2 * _FAR), exponent)
    # the addend beside it
    other = r.i64_shr_u(addend.significand, one)
    other_low = r.i64_shl(addend.significand, c(63))
    other_exponent = r.select(addend.zero, c(2 * _FAR), addend.exponent)
    # the larger first
    greater = r.i32_or(
        r.i64_gt_s(other_exponent, exponent),
        r.i32_and(
            r.i64_eq(other_exponent, exponent),
            r.i32_or(
                r.i64_gt_u(other, high),
                r.i32_and(r.i64_eq(other, high), r.i64_gt_u(other_low, low)),
            ),
        ),
    )
    large_sign = r.select(greater, addend.sign, sign)
    large, large_low = r.select(greater, other, high), r.select(greater, other_low, low)
    large_exponent = r.select(greater, other_exponent, exponent)
    small, small_low = r.select(greater, high, other), r.select(greater, low, other_low)
    distance = r.i64_sub(large_exponent, r.select(greater, exponent, other_exponent))
    distance = r.select(r.i64_gt_u(distance, c(127)), c(127), distance)
    # shift the smaller right by distance, what falls out is remembered in the lowest bit
    far = r.i64_ge_u(distance, c(64))
    within = r.i64_and(distance, c(63))
    across = r.i64_shl(r.i64_shl(small, r.i64_sub(c(63), within)), one)
    near_low = r.i64_or(r.i64_shr_u(small_low, within), across)
    near_lost = r.i64_ne(r.i64_shl(r.i64_shr_u(small_low, within), within), small_low)
    far_low = r.i64_shr_u(small, within)
    far_lost = r.i32_or(r.i64_ne(small_low, zero), r.i64_ne(r.i64_shl(far_low, within), small))
    lost = r.select(far, far_lost, near_lost)
    moved_low = r.i64_or(r.select(far, far_low, near_low), r.i64_extend_i32_u(lost))
    moved = r.select(far, zero, r.i64_shr_u(small, within))
    # add or subtract
    opposite = r.i64_ne(sign, addend.sign)
    sum_low = r.i64_add(large_low, moved_low)
    carry = r.i64_extend_i32_u(r.i64_lt_u(sum_low, moved_low))
    sum_high = r.i64_add(r.i64_add(large, moved), carry)
    difference_low = r.i64_sub(large_low, moved_low)
    borrow = r.i64_extend_i32_u(r.i64_lt_u(large_low, moved_low))
    difference = r.i64_sub(r.i64_sub(large, moved), borrow)
    total_low = r.select(opposite, difference_low, sum_low)
    total = r.select(opposite, difference, sum_high)
    nothing = r.i64_eqz(r.i64_or(total, total_low))
    # leading one to bit 126
    only_low = r.i64_eqz(total)
    total_ = r.select(only_low, total_low, total)
    rest = r.select(only_low, zero, total_low)
    lead = r.i64_sub(r.i64_clz(total_), one)
    over = r.i64_lt_s(lead, zero)  # the low word may begin with a one
    left = r.select(over, zero, lead)
    joined = r.i64_or(
        r.i64_shl(total_, left), r.i64_shr_u(r.i64_shr_u(rest, one), r.i64_sub(c(63), left))
    )
    sticky = r.i64_ne(r.i64_shl(rest, left), zero)
    joined = r.select(over, r.i64_or(r.i64_shr_u(total_, one), r.i64_and(total_, one)), joined)
    joined = r.i64_or(joined, r.i64_extend_i32_u(sticky))
    exponent = r.i64_sub(r.i64_add(large_exponent, one), lead)
    exponent = r.select(only_low, r.i64_sub(exponent, c(64)), exponent)
    bits, flags = f.round(large_sign, exponent, joined)
    # an exact zero
    down = r.i64_extend_i32_u(r.i32_eq(f.mode, r.const_i32(2)))
    zero_sign = r.select(opposite, down, addend.sign)
    bits = r.select(nothing, f.with_sign(zero_sign, zero), bits)
    flags = r.select(nothing, r.const_i32(0), flags)
    # infinities
    infinity = c(f.top << f.width)
    product_infinite = r.i32_or(x.infinite, y.infinite)
    any_infinite = r.i32_or(addend.infinite, product_infinite)
    infinite_sign = r.select(addend.infinite, addend.sign, sign)
    bits = r.select(any_infinite, f.with_sign(infinite_sign, infinity), bits)
    flags = r.select(any_infinite, r.const_i32(0), flags)
    undefined = r.i32_or(r.i32_and(x.infinite, y.zero), r.i32_and(x.zero, y.infinite))
    clash = r.i32_and(r.i32_and(addend.infinite, product_infinite), opposite)
    invalid = r.i32_or(undefined, clash)
    operands = {"fma": (addend, x, y), "add": (x, addend)}.get(kind, (x, y))
    any_nan = r.const_i32(0)
    for one_operand in operands:
        any_nan = r.i32_or(any_nan, one_operand.nan)
    nan_bits, nan_flags = f.process(*operands), r.const_i32(0)
    if kind == "fma":  # infinity times zero hides a quiet addend
        quiet = r.i32_and(addend.nan, r.i32_eqz(addend.signalling))
        hidden = r.i32_and(undefined, quiet)
        nan_bits = r.select(hidden, c(f.default), nan_bits)
        nan_flags = f.flag(hidden, INVALID)
    if kind == "mulx":
        two = c(f.bias + 1 << f.width)
        bits = r.select(undefined, f.with_sign(sign, two), bits)
        flags = r.select(undefined, r.const_i32(0), flags)
    else:
        bits = r.select(invalid, c(f.default), bits)
        flags = r.select(invalid, r.const_i32(INVALID), flags)
    bits = r.select(any_nan, nan_bits, bits)
    flags = r.select(any_nan, nan_flags, flags)
    r.results(bits, r.i32_or(flags, f.input_flags(*operands)))
    return r.function()


@lru_cache(maxsize=2)
def soft_divide(double: bool) -> RuntimeFunction:
    """(x, y, FPCR) -> FPDiv."""
    r, f, (x, y) = _start("div", double, 2)
    c = r.const_i64
    zero, one = c(0), c(1)
    sign = r.i64_xor(x.sign, y.sign)
    # significands of 53 bits leave eleven for each step of the long division
    divisor = r.i64_shr_u(y.significand, c(10))
    divisor = r.select(r.i64_eqz(divisor), one, divisor)
    dividend = r.i64_shr_u(x.significand, c(10))
    quotient = r.i64_div_u(dividend, divisor)
    rest = r.i64_rem_u(dividend, divisor)
    for step in (10, 10, 10, 10, 10, 10, 2):
        rest = r.i64_shl(rest, c(step))
        quotient = r.i64_or(r.i64_shl(quotient, c(step)), r.i64_div_u(rest, divisor))
        rest = r.i64_rem_u(rest, divisor)
    short = r.i64_extend_i32_u(r.i64_eqz(r.i64_shr_u(quotient, c(62))))
    rest_digit = r.i64_extend_i32_u(r.i64_ge_u(r.i64_shl(rest, one), divisor))
    rest_short = r.i64_sub(r.i64_shl(rest, one), r.i64_mul(divisor, rest_digit))
    shifted = r.i64_or(r.i64_shl(quotient, one), rest_digit)
    is_short = r.i32_wrap_i64(short)
    quotient = r.select(is_short, shifted, quotient)
    rest = r.select(is_short, rest_short, rest)
    quotient = r.i64_or(quotient, r.i64_extend_i32_u(r.i64_ne(rest, zero)))
    exponent = r.i64_sub(r.i64_add(r.i64_sub(x.exponent, y.exponent), c(f.bias)), short)
    bits, flags = f.round(sign, exponent, quotient)
    vanish = r.i32_or(x.zero, y.infinite)
    bits = r.select(vanish, f.with_sign(sign, zero), bits)
    flags = r.select(vanish, r.const_i32(0), flags)
    unbounded = r.i32_or(x.infinite, y.zero)
    bits = r.select(unbounded, f.with_sign(sign, c(f.top << f.width)), bits)
    flags = r.select(unbounded, f.flag(r.i32_eqz(x.infinite), DIVIDE_BY_ZERO), flags)
    invalid = r.i32_or(r.i32_and(x.zero, y.zero), r.i32_and(x.infinite, y.infinite))
    bits = r.select(invalid, c(f.default), bits)
    flags = r.select(invalid, r.const_i32(INVALID), flags)
    any_nan = r.i32_or(x.nan, y.nan)
    bits = r.select(any_nan, f.process(x, y), bits)
    flags = r.select(any_nan, r.const_i32(0), flags)
    r.results(bits, r.i32_or(flags, f.input_flags(x, y)))
    return r.function()


@lru_cache(maxsize=2)
def soft_root(double: bool) -> RuntimeFunction:
    """(x, FPCR) -> FPSqrt, digit by digit."""
    r = RuntimeBuilder(f"soft_sqrt_{'f64' if double else 'f32'}", [I64, I32], [I64, I32], [I64] * 4)
    c = r.const_i64
    root, rest, digits, count = 2, 3, 4, 5
    r.label(0)
    f = _Format(r, double, r.get(1))
    x = _Operand(f, r.get(0))
    # an even exponent; the radicand's leading digit (two bits) is at the top
    odd = r.i64_and(r.i64_add(x.exponent, c(f.bias)), c(1))
    r.set(digits, r.i64_shl(x.significand, odd))
    r.set(root, c(0))
    r.set(rest, c(0))
    r.set(count, c(f.width + 3))
    r.label(1)
    next_rest = r.i64_or(r.i64_shl(r.get(rest), c(2)), r.i64_shr_u(r.get(digits), c(62)))
    trial = r.i64_or(r.i64_shl(r.get(root), c(2)), c(1))
    fits = r.i64_ge_u(next_rest, trial)
    new_rest = r.select(fits, r.i64_sub(next_rest, trial), next_rest)
    new_root = r.i64_or(r.i64_shl(r.get(root), c(1)), r.i64_extend_i32_u(fits))
    new_digits = r.i64_shl(r.get(digits), c(2))
    left = r.i64_sub(r.get(count), c(1))
    r.set(rest, new_rest)
    r.set(root, new_root)
    r.set(digits, new_digits)
    r.set(count, left)
    r.branch(r.i64_ne(left, c(0)), 1, 2)
    r.label(2)
    f = _Format(r, double, r.get(1))
    x = _Operand(f, r.get(0))
    sticky = r.i64_extend_i32_u(r.i64_ne(r.get(rest), c(0)))
    significand = r.i64_or(r.i64_shl(r.get(root), c(60 - f.width)), sticky)
    unbiased = r.i64_shr_s(r.i64_sub(x.exponent, c(f.bias)), c(1))
    bits, flags = f.round(c(0), r.i64_add(unbiased, c(f.bias)), significand)
    same = r.i32_or(x.zero, x.infinite)
    kept = r.select(x.zero, f.with_sign(x.sign, c(0)), x.bits)
    bits = r.select(same, kept, bits)
    flags = r.select(same, r.const_i32(0), flags)
    negative = r.i32_and(r.i32_wrap_i64(x.sign), r.i32_eqz(x.zero))
    bits = r.select(negative, c(f.default), bits)
    flags = r.select(negative, r.const_i32(INVALID), flags)
    bits = r.select(x.nan, f.process(x), bits)
    flags = r.select(x.nan, r.const_i32(0), flags)
    r.results(bits, r.i32_or(flags, f.input_flags(x)))
    return r.function()


@lru_cache(maxsize=2)
def soft_convert(to_double: bool) -> RuntimeFunction:
    """(x, FPCR) -> FPConvert between single and double."""
    r = RuntimeBuilder(f"soft_convert_to_{'f64' if to_double else 'f32'}", [I64, I32], [I64, I32])
    r.label(0)
    c = r.const_i64
    source, target = _Format(r, not to_double, r.get(1)), _Format(r, to_double, r.get(1))
    x = _Operand(source, r.get(0))
    exponent = r.i64_add(x.exponent, c(target.bias - source.bias))
    bits, flags = target.round(x.sign, exponent, x.significand)
    same = r.i32_or(x.zero, x.infinite)
    kept = r.select(x.zero, c(0), c(target.top << target.width))
    bits = r.select(same, target.with_sign(x.sign, kept), bits)
    flags = r.select(same, r.const_i32(0), flags)
    move = r.i64_shl if to_double else r.i64_shr_u
    payload = r.i64_and(x.magnitude, c((1 << source.width - 1) - 1))
    nan = r.i64_or(move(payload, c(29)), c(target.default))
    nan = r.select(source.default_nans, c(target.default), target.with_sign(x.sign, nan))
    bits = r.select(x.nan, nan, bits)
    flags = r.select(x.nan, r.const_i32(0), flags)
    r.results(bits, r.i32_or(flags, source.input_flags(x)))
    return r.function()


@lru_cache(maxsize=4)
def soft_from_integer(double: bool, unsigned: bool) -> RuntimeFunction:
    """(x, fraction bits, FPCR) -> FixedToFP of 64 bits."""
    name = f"soft_{'u' if unsigned else 's'}cvtf_{'f64' if double else 'f32'}"
    r = RuntimeBuilder(name, [I64, I64, I32], [I64, I32])
    r.label(0)
    c = r.const_i64
    f = _Format(r, double, r.get(2))
    x = r.get(0)
    sign = c(0) if unsigned else r.i64_shr_u(x, c(63))
    magnitude = r.select(r.i32_wrap_i64(sign), r.i64_sub(c(0), x), x)
    lead = r.i64_clz(magnitude)
    large = r.i64_eqz(lead)
    halved = r.i64_or(r.i64_shr_u(magnitude, c(1)), r.i64_and(magnitude, c(1)))
    moved = r.i64_shl(magnitude, r.i64_sub(lead, c(1)))
    significand = r.select(large, halved, moved)
    exponent = r.i64_sub(r.i64_sub(c(63 + f.bias), lead), r.get(1))
    bits, flags = f.round(sign, exponent, significand)
    nothing = r.i64_eqz(x)
    r.results(r.select(nothing, c(0), bits), r.select(nothing, r.const_i32(0), flags))
    return r.function()
