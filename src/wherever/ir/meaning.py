"""Owns what each scalar operation means, over Python ints, for the reference interpreter.

Every value is an unsigned bit pattern, floats too (core specification, 4.3). A NaN result is the
canonical NaN unless an operand was one, then it is that operand, quieted, the first one first:
what x86-64 and A64 (with the default NaN off) both do and the specification allows.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Final

_M32: Final = 0xFFFF_FFFF
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF

Meaning = Callable[..., int]


def unary(function: Callable[[int], int]) -> Meaning:
    """A meaning of one operand (the wrapper gives a lambda its types)."""
    return function


def binary(function: Callable[[int, int], int]) -> Meaning:
    """A meaning of two operands."""
    return function


def ternary(function: Callable[[int, int, int], int]) -> Meaning:
    """A meaning of three operands."""
    return function


class DivideTrap(ArithmeticError):
    """Integer division by zero or overflow, or a conversion out of range: Wasm traps there."""


def signed(value: int, bits: int) -> int:
    """Two's complement reading of an unsigned bit pattern."""
    return value - (1 << bits) if value >> (bits - 1) else value


# -- floats as bit patterns


def to_float(pattern: int, bits: int) -> float:
    """The number a bit pattern stands for."""
    if bits == 32:
        return float(struct.unpack("<f", struct.pack("<I", pattern))[0])
    return float(struct.unpack("<d", struct.pack("<Q", pattern))[0])


def from_float(number: float, bits: int) -> int:
    """The nearest bit pattern, ties to even; a Python NaN is the canonical one."""
    if math.isnan(number):
        return 0x7FC0_0000 if bits == 32 else 0x7FF8_0000_0000_0000
    if bits == 64:
        return int(struct.unpack("<Q", struct.pack("<d", number))[0])
    try:
        return int(struct.unpack("<I", struct.pack("<f", number))[0])
    except OverflowError:
        return 0x7F80_0000 | (0x8000_0000 if number < 0 else 0)


def round_fraction(exact: Fraction, bits: int, *, negative_zero: bool = False) -> int:
    """An exact rational to the nearest float of a width, ties to even, as a bit pattern."""
    mantissa, low = (23, -149) if bits == 32 else (52, -1074)
    sign = exact < 0 or (exact == 0 and negative_zero)
    magnitude = abs(exact)
    pattern = 0
    if magnitude:
        exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length() - 1
        while Fraction(2) ** (exponent + 1) <= magnitude:
            exponent += 1
        unit = max(exponent - mantissa, low)
        pattern = round(magnitude / Fraction(2) ** unit) + (unit - low << mantissa)
        infinity = 0x7F80_0000 if bits == 32 else 0x7FF0_0000_0000_0000
        pattern = min(pattern, infinity)
    return pattern | (1 << (bits - 1) if sign else 0)


def _quiet(pattern: int, bits: int) -> int:
    return pattern | (0x0040_0000 if bits == 32 else 0x0008_0000_0000_0000)


def is_nan(pattern: int, bits: int) -> bool:
    """Whether a bit pattern is a NaN."""
    magnitude = pattern & ((1 << (bits - 1)) - 1)
    return magnitude > (0x7F80_0000 if bits == 32 else 0x7FF0_0000_0000_0000)


def nan_of(bits: int, *operands: int) -> int | None:
    """The NaN that a result inherits from its operands, if any."""
    for operand in operands:
        if is_nan(operand, bits):
            return _quiet(operand, bits)
    return None


def _default_nan(bits: int) -> int:
    # x86-64 sets the sign of a NaN it makes itself; the specification allows either, so the
    # interpreter takes A64's choice, which semantics on top make exact.
    return 0x7FC0_0000 if bits == 32 else 0x7FF8_0000_0000_0000


def f_add(x: int, y: int, bits: int) -> int:
    """Addition."""
    nan = nan_of(bits, x, y)
    if nan is not None:
        return nan
    a, b = to_float(x, bits), to_float(y, bits)
    if math.isinf(a) or math.isinf(b):
        return (
            _default_nan(bits)
            if math.isinf(a) and math.isinf(b) and a != b
            else from_float(a + b, bits)
        )
    if a == 0 == b:
        return x & y
    return round_fraction(Fraction(a) + Fraction(b), bits)


def f_neg(x: int, bits: int) -> int:
    """Negation, of the sign bit alone."""
    return x ^ 1 << (bits - 1)


def f_sub(x: int, y: int, bits: int) -> int:
    """Subtraction."""
    nan = nan_of(bits, x, y)
    return nan if nan is not None else f_add(x, f_neg(y, bits), bits)


def f_mul(x: int, y: int, bits: int) -> int:
    """Multiplication."""
    nan = nan_of(bits, x, y)
    if nan is not None:
        return nan
    a, b = to_float(x, bits), to_float(y, bits)
    if math.isinf(a) or math.isinf(b):
        return _default_nan(bits) if a == 0 or b == 0 else from_float(a * b, bits)
    return round_fraction(
        Fraction(a) * Fraction(b), bits, negative_zero=bool((x ^ y) >> (bits - 1))
    )


def f_div(x: int, y: int, bits: int) -> int:
    """Division."""
    nan = nan_of(bits, x, y)
    if nan is not None:
        return nan
    a, b = to_float(x, bits), to_float(y, bits)
    sign = (x ^ y) >> (bits - 1)
    infinity = (0x7F80_0000 if bits == 32 else 0x7FF0_0000_0000_0000) | sign << (bits - 1)
    if math.isinf(a):
        return _default_nan(bits) if math.isinf(b) else infinity
    if math.isinf(b):
        return sign << (bits - 1)
    if b == 0:
        return _default_nan(bits) if a == 0 else infinity
    return round_fraction(Fraction(a) / Fraction(b), bits, negative_zero=bool(sign))


def f_sqrt(x: int, bits: int) -> int:
    """Square root, correctly rounded."""
    nan = nan_of(bits, x)
    if nan is not None:
        return nan
    a = to_float(x, bits)
    if a == 0 or a == math.inf:
        return x
    if a < 0:
        return _default_nan(bits)
    # the f64 root of an f32 rounds to the right f32 (Figueroa: 53 >= 2*24 + 2)
    return from_float(math.sqrt(a), bits)


def f_min(x: int, y: int, bits: int) -> int:
    """Minimum, -0 below +0."""
    nan = nan_of(bits, x, y)
    if nan is not None:
        return nan
    a, b = to_float(x, bits), to_float(y, bits)
    if a == b:
        return x | y
    return x if a < b else y


def f_max(x: int, y: int, bits: int) -> int:
    """Maximum, -0 below +0."""
    nan = nan_of(bits, x, y)
    if nan is not None:
        return nan
    a, b = to_float(x, bits), to_float(y, bits)
    if a == b:
        return x & y
    return x if a > b else y


def f_fma(x: int, y: int, z: int, bits: int) -> int:
    """x * y + z with one rounding."""
    nan = nan_of(bits, x, y, z)
    if nan is not None:
        return nan
    a, b, c = (to_float(v, bits) for v in (x, y, z))
    if math.isinf(a) or math.isinf(b):
        if a == 0 or b == 0:
            return _default_nan(bits)
        product = math.inf if (x ^ y) >> (bits - 1) == 0 else -math.inf
        if math.isinf(c) and c != product:
            return _default_nan(bits)
        return from_float(product, bits)
    if math.isinf(c):
        return z
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    minus = bool((x ^ y) >> (bits - 1))
    negative_zero = minus and bool(z >> (bits - 1))
    return round_fraction(exact, bits, negative_zero=negative_zero)


def f_round(how: Callable[[float], int]) -> Callable[[int, int], int]:
    """A rounding to an integral float that keeps the sign of zero."""

    def rounded(x: int, bits: int) -> int:
        nan = nan_of(bits, x)
        if nan is not None:
            return nan
        a = to_float(x, bits)
        if math.isinf(a):
            return x
        return from_float(float(how(a)), bits) | x & 1 << (bits - 1)

    return rounded


f_ceil = f_round(math.ceil)
f_floor = f_round(math.floor)
f_trunc = f_round(math.trunc)
f_nearest = f_round(round)


def trunc_sat(x: int, bits: int, to: int, *, is_signed: bool) -> int:
    """Saturating conversion to an integer."""
    if is_nan(x, bits):
        return 0
    a = to_float(x, bits)
    low, high = (-(1 << (to - 1)), (1 << (to - 1)) - 1) if is_signed else (0, (1 << to) - 1)
    if math.isinf(a):
        return (high if a > 0 else low) & ((1 << to) - 1)
    return max(low, min(high, math.trunc(a))) & ((1 << to) - 1)


def _trunc(x: int, bits: int, to: int, *, is_signed: bool) -> int:
    if is_nan(x, bits) or math.isinf(to_float(x, bits)):
        raise DivideTrap("conversion of NaN or infinity")
    exact = math.trunc(to_float(x, bits))
    low, high = (-(1 << (to - 1)), (1 << (to - 1)) - 1) if is_signed else (0, (1 << to) - 1)
    if not low <= exact <= high:
        raise DivideTrap("integer overflow")
    return exact & ((1 << to) - 1)


# -- integers


def _divide(x: int, y: int) -> int:
    if y == 0:
        raise DivideTrap("integer divide by zero")
    quotient = abs(x) // abs(y)
    return quotient if (x < 0) == (y < 0) else -quotient


def _integer(bits: int) -> dict[str, Meaning]:
    mask = (1 << bits) - 1

    def s(value: int) -> int:
        return signed(value, bits)

    def div_s(x: int, y: int) -> int:
        quotient = _divide(s(x), s(y))
        if quotient == 1 << (bits - 1):
            raise DivideTrap("integer overflow")
        return quotient & mask

    def rem_s(x: int, y: int) -> int:
        return s(x) - s(y) * _divide(s(x), s(y)) & mask

    def rotl(x: int, n: int) -> int:
        n %= bits
        return (x << n | x >> (bits - n)) & mask

    def ctz(x: int) -> int:
        return (x & -x).bit_length() - 1 if x else bits

    return {
        "eqz": unary(lambda x: int(x == 0)),
        "eq": binary(lambda x, y: int(x == y)),
        "ne": binary(lambda x, y: int(x != y)),
        "lt_s": binary(lambda x, y: int(s(x) < s(y))),
        "lt_u": binary(lambda x, y: int(x < y)),
        "gt_s": binary(lambda x, y: int(s(x) > s(y))),
        "gt_u": binary(lambda x, y: int(x > y)),
        "le_s": binary(lambda x, y: int(s(x) <= s(y))),
        "le_u": binary(lambda x, y: int(x <= y)),
        "ge_s": binary(lambda x, y: int(s(x) >= s(y))),
        "ge_u": binary(lambda x, y: int(x >= y)),
        "clz": unary(lambda x: bits - x.bit_length()),
        "ctz": ctz,
        "popcnt": unary(lambda x: x.bit_count()),
        "add": binary(lambda x, y: x + y & mask),
        "sub": binary(lambda x, y: x - y & mask),
        "mul": binary(lambda x, y: x * y & mask),
        "div_s": div_s,
        "div_u": binary(lambda x, y: _divide(x, y)),
        "rem_s": rem_s,
        "rem_u": binary(lambda x, y: x - y * _divide(x, y)),
        "and": binary(lambda x, y: x & y),
        "or": binary(lambda x, y: x | y),
        "xor": binary(lambda x, y: x ^ y),
        "shl": binary(lambda x, n: x << n % bits & mask),
        "shr_s": binary(lambda x, n: s(x) >> n % bits & mask),
        "shr_u": binary(lambda x, n: x >> n % bits),
        "rotl": rotl,
        "rotr": binary(lambda x, n: rotl(x, -n % bits)),
        "extend8_s": unary(lambda x: signed(x & 0xFF, 8) & mask),
        "extend16_s": unary(lambda x: signed(x & 0xFFFF, 16) & mask),
        "extend32_s": unary(lambda x: signed(x & _M32, 32) & mask),
        "mulh_s": binary(lambda x, y: s(x) * s(y) >> bits & mask),
        "mulh_u": binary(lambda x, y: x * y >> bits & mask),
    }


def _float(bits: int) -> dict[str, Meaning]:
    top = 1 << (bits - 1)

    def compare(holds: Callable[[float, float], bool]) -> Meaning:
        return binary(lambda x, y: int(holds(to_float(x, bits), to_float(y, bits))))

    def one(function: Callable[[int, int], int]) -> Meaning:
        return unary(lambda x: function(x, bits))

    def two(function: Callable[[int, int, int], int]) -> Meaning:
        return binary(lambda x, y: function(x, y, bits))

    return {
        "eq": compare(lambda x, y: x == y),
        "ne": compare(lambda x, y: x != y),
        "lt": compare(lambda x, y: x < y),
        "gt": compare(lambda x, y: x > y),
        "le": compare(lambda x, y: x <= y),
        "ge": compare(lambda x, y: x >= y),
        "abs": unary(lambda x: x & ~top),
        "neg": unary(lambda x: x ^ top),
        "ceil": one(f_ceil),
        "floor": one(f_floor),
        "trunc": one(f_trunc),
        "nearest": one(f_nearest),
        "sqrt": one(f_sqrt),
        "add": two(f_add),
        "sub": two(f_sub),
        "mul": two(f_mul),
        "div": two(f_div),
        "min": two(f_min),
        "max": two(f_max),
        "copysign": binary(lambda x, y: x & ~top | y & top),
        "fma": ternary(lambda x, y, z: f_fma(x, y, z, bits)),
    }


def _demote(x: int) -> int:
    if is_nan(x, 64):
        return x >> 32 & 0x8000_0000 | 0x7FC0_0000 | x >> 29 & 0x3F_FFFF
    return from_float(to_float(x, 64), 32)


def _promote(x: int) -> int:
    if is_nan(x, 32):
        return (x & 0x8000_0000) << 32 | 0x7FF8_0000_0000_0000 | (x & 0x3F_FFFF) << 29
    return from_float(to_float(x, 32), 64)


def _convert(bits: int, *, is_signed: bool, to: int) -> Meaning:
    def convert(x: int) -> int:
        return round_fraction(Fraction(signed(x, bits) if is_signed else x), to)

    return convert


def _conversions() -> dict[str, Meaning]:
    table: dict[str, Meaning] = {
        "i32.wrap_i64": unary(lambda x: x & _M32),
        "i64.extend_i32_s": unary(lambda x: signed(x, 32) & _M64),
        "i64.extend_i32_u": unary(lambda x: x),
        "f32.demote_f64": _demote,
        "f64.promote_f32": _promote,
        "i32.reinterpret_f32": unary(lambda x: x),
        "i64.reinterpret_f64": unary(lambda x: x),
        "f32.reinterpret_i32": unary(lambda x: x),
        "f64.reinterpret_i64": unary(lambda x: x),
    }

    def truncation(how: Callable[..., int], bits: int, to: int, *, is_signed: bool) -> Meaning:
        return unary(lambda x: how(x, bits, to, is_signed=is_signed))

    for integer in (32, 64):
        for real in (32, 64):
            for sign in ("s", "u"):
                is_signed = sign == "s"
                table[f"i{integer}.trunc_f{real}_{sign}"] = truncation(
                    _trunc, real, integer, is_signed=is_signed
                )
                table[f"i{integer}.trunc_sat_f{real}_{sign}"] = truncation(
                    trunc_sat, real, integer, is_signed=is_signed
                )
                table[f"f{real}.convert_i{integer}_{sign}"] = _convert(
                    integer, is_signed=is_signed, to=real
                )
    return table


INTEGER: Final = {32: _integer(32), 64: _integer(64)}
FLOAT: Final = {32: _float(32), 64: _float(64)}
SCALAR: Final[dict[str, Meaning]] = {
    **{f"i{bits}.{name}": f for bits in (32, 64) for name, f in INTEGER[bits].items()},
    **{f"f{bits}.{name}": f for bits in (32, 64) for name, f in FLOAT[bits].items()},
    **_conversions(),
    "v128.from_f32": unary(lambda x: x),
    "v128.from_f64": unary(lambda x: x),
    "v128.from_i32": unary(lambda x: x),
    "v128.from_i64": unary(lambda x: x),
}
