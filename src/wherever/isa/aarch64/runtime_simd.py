"""Owns the runtime functions of Advanced SIMD: what has to be computed lane by lane."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wherever.ir.builder import RuntimeBuilder
from wherever.ir.ops import V128

if TYPE_CHECKING:
    from wherever.ir.values import RuntimeFunction, Value

__all__ = ["LANES", "lane_function"]

Body = Callable[[RuntimeBuilder, int, bool, "list[Value]"], "Value"]


def _read_lane(r: RuntimeBuilder, x: Value, size: int, lane: int, unsigned: bool) -> Value:
    if size == 0:
        extract = r.i8x16_extract_lane_u if unsigned else r.i8x16_extract_lane_s
        narrow = extract(x, lane)
    elif size == 1:
        extract = r.i16x8_extract_lane_u if unsigned else r.i16x8_extract_lane_s
        narrow = extract(x, lane)
    elif size == 2:
        narrow = r.i32x4_extract_lane(x, lane)
    else:
        return r.i64x2_extract_lane(x, lane)
    return (r.i64_extend_i32_u if unsigned else r.i64_extend_i32_s)(narrow)


def _write_lane(r: RuntimeBuilder, x: Value, size: int, lane: int, value: Value) -> Value:
    if size == 3:
        return r.i64x2_replace_lane(x, lane, value)
    replace = (r.i8x16_replace_lane, r.i16x8_replace_lane, r.i32x4_replace_lane)[size]
    return replace(x, lane, r.i32_wrap_i64(value))


@lru_cache(maxsize=256)
def lane_function(name: str, size: int, unsigned: bool, operands: int) -> RuntimeFunction:
    """A row of LANES as a function of vectors; lanes reach it as i64, extended as it says."""
    bits = 8 << size
    r = RuntimeBuilder(f"{name}_{'u' if unsigned else 's'}{bits}", [V128] * operands, [V128])
    r.label(0)
    result = r.const_v128(0)
    for lane in range(128 // bits):
        inputs = [_read_lane(r, r.get(n), size, lane, unsigned) for n in range(operands)]
        result = _write_lane(r, result, size, lane, LANES[name](r, bits, unsigned, inputs))
    r.results(result)
    return r.function()


# --- pieces ---


def _resize(r: RuntimeBuilder, bits: int, unsigned: bool, x: Value) -> Value:
    """The lowest bits, extended to 64 again."""
    if bits == 64:
        return x
    if unsigned:
        return r.i64_and(x, r.const_i64((1 << bits) - 1))
    return (r.i64_extend8_s, r.i64_extend16_s, r.i64_extend32_s)[bits.bit_length() - 4](x)


def _shr(r: RuntimeBuilder, unsigned: bool, x: Value, amount: Value) -> Value:
    """Shift right by an amount that may be 64 or more."""
    large = r.i64_ge_u(amount, r.const_i64(64))
    if unsigned:
        return r.select(large, r.const_i64(0), r.i64_shr_u(x, amount))
    return r.i64_shr_s(x, r.select(large, r.const_i64(63), amount))


def _shr_round(r: RuntimeBuilder, unsigned: bool, x: Value, amount: Value) -> Value:
    last = _shr(r, unsigned, x, r.i64_sub(amount, r.const_i64(1)))
    return r.i64_add(_shr(r, unsigned, x, amount), r.i64_and(last, r.const_i64(1)))


def _clamp(r: RuntimeBuilder, bits: int, unsigned: bool, x: Value) -> Value:
    """Saturate a number that fits 64 signed bits to fewer."""
    low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)
    x = r.select(r.i64_lt_s(x, r.const_i64(low)), r.const_i64(low), x)
    return r.select(r.i64_gt_s(x, r.const_i64(high)), r.const_i64(high), x)


def _extreme(r: RuntimeBuilder, bits: int, unsigned: bool, x: Value) -> Value:
    """The number that x saturates to."""
    if unsigned:
        return r.const_i64((1 << bits) - 1)
    top = r.const_i64((1 << bits - 1) - 1)
    return r.i64_xor(r.i64_shr_s(x, r.const_i64(63)), top)


def _shift_left_sat(r: RuntimeBuilder, bits: int, unsigned: bool, x: Value, amount: Value) -> Value:
    moved = _resize(r, bits, unsigned, r.i64_shl(x, amount))
    back = _shr(r, unsigned, moved, amount)
    fits = r.i32_and(r.i64_lt_u(amount, r.const_i64(bits)), r.i64_eq(back, x))
    saturated = r.select(fits, moved, _extreme(r, bits, unsigned, x))
    return r.select(r.i64_eqz(x), x, saturated)


def _shift(*, rounding: bool, saturating: bool) -> Body:
    """SSHL and its kin: by the signed lowest byte of the second operand."""

    def body(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
        x, y = lanes
        amount = r.i64_extend8_s(y)
        back = r.i64_sub(r.const_i64(0), amount)
        right = (_shr_round if rounding else _shr)(r, unsigned, x, back)
        if saturating:
            left = _shift_left_sat(r, bits, unsigned, x, amount)
        else:
            inside = r.i64_lt_u(amount, r.const_i64(64))
            left = r.select(inside, r.i64_shl(x, amount), r.const_i64(0))
        return r.select(r.i64_lt_s(amount, r.const_i64(0)), right, left)

    return body


def _shift_to_unsigned(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """SQSHLU: a signed number, shifted left, saturated to an unsigned one."""
    del unsigned
    x, amount = lanes
    moved = _shift_left_sat(r, bits, True, x, amount)
    return r.select(r.i64_lt_s(x, r.const_i64(0)), r.const_i64(0), moved)


def _shift_by(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """SQSHL, UQSHL (immediate)."""
    return _shift_left_sat(r, bits, unsigned, *lanes)


def _double_high(*, rounding: bool) -> Body:
    """SQDMULH, SQRDMULH."""

    def body(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
        del unsigned
        # twice the product of the smallest numbers is 2^63 for 32 bits: halve everything
        product = r.i64_mul(*lanes)
        if rounding:
            product = r.i64_add(product, r.const_i64(1 << bits - 2))
        return _clamp(r, bits, False, r.i64_shr_s(product, r.const_i64(bits - 1)))

    return body


def _leading(*, signs: bool) -> Body:
    """CLS, CLZ."""

    def body(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
        del unsigned
        (x,) = lanes
        if signs:
            same = r.i64_xor(x, r.i64_shr_s(x, r.const_i64(1)))
            return r.i64_sub(r.i64_clz(same), r.const_i64(65 - bits))
        return r.i64_sub(r.i64_clz(x), r.const_i64(64 - bits))

    return body


def _add_unsigned_to_signed(
    r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]
) -> Value:
    """SUQADD: both lanes come signed; the second is meant unsigned."""
    del unsigned
    x, y = lanes
    if bits < 64:
        y = _resize(r, bits, True, y)
        return _clamp(r, bits, False, r.i64_add(x, y))
    top = r.const_i64((1 << 63) - 1)
    return r.select(r.i64_gt_u(y, r.i64_sub(top, x)), top, r.i64_add(x, y))


def _add_signed_to_unsigned(
    r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]
) -> Value:
    """USQADD: both lanes come unsigned; the second is meant signed."""
    del unsigned
    x, y = lanes
    if bits < 64:
        return _clamp(r, bits, True, r.i64_add(x, _resize(r, bits, False, y)))
    total = r.i64_add(x, y)
    up = r.select(r.i64_lt_u(total, x), r.const_i64(-1), total)
    down = r.select(r.i64_gt_u(total, x), r.const_i64(0), total)
    return r.select(r.i64_lt_s(y, r.const_i64(0)), down, up)


def _polynomial(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """The low half of the carry-less product (PMUL), and of lanes widened before, all of it."""
    del unsigned
    x, y = lanes
    result = r.const_i64(0)
    for bit in range(min(bits, 8)):
        taken = r.i64_sub(
            r.const_i64(0), r.i64_and(r.i64_shr_u(y, r.const_i64(bit)), r.const_i64(1))
        )
        result = r.i64_xor(result, r.i64_and(r.i64_shl(x, r.const_i64(bit)), taken))
    return result


def _reciprocal_estimate(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """URECPE (Arm ARM UnsignedRecipEstimate)."""
    del bits, unsigned
    (x,) = lanes
    estimate = recip_estimate(r, r.i64_shr_u(x, r.const_i64(23)))
    small = r.i64_eqz(r.i64_shr_u(x, r.const_i64(31)))
    return r.select(small, r.const_i64(0xFFFF_FFFF), r.i64_shl(estimate, r.const_i64(23)))


def _root_estimate(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """URSQRTE (Arm ARM UnsignedRSqrtEstimate)."""
    del bits, unsigned
    (x,) = lanes
    estimate = root_estimate(r, r.i64_shr_u(x, r.const_i64(23)))
    small = r.i64_eqz(r.i64_shr_u(x, r.const_i64(30)))
    return r.select(small, r.const_i64(0xFFFF_FFFF), r.i64_shl(estimate, r.const_i64(23)))


def recip_estimate(r: RuntimeBuilder, a: Value) -> Value:
    """RecipEstimate: 256 <= a < 512 in, 256 <= result < 512 out."""
    odd = r.i64_add(r.i64_shl(a, r.const_i64(1)), r.const_i64(1))
    quotient = r.i64_div_u(r.const_i64(1 << 19), odd)
    return r.i64_shr_u(r.i64_add(quotient, r.const_i64(1)), r.const_i64(1))


def root_estimate(r: RuntimeBuilder, a: Value) -> Value:
    """RecipSqrtEstimate: 128 <= a < 512 in, 256 <= result < 512 out."""
    low = r.i64_add(r.i64_shl(a, r.const_i64(1)), r.const_i64(1))
    high = r.i64_shl(r.i64_add(r.i64_and(a, r.const_i64(-2)), r.const_i64(1)), r.const_i64(1))
    a = r.select(r.i64_lt_u(a, r.const_i64(256)), low, high)
    # the largest number with a * number^2 < 2^28, found bit by bit; it is never below 512
    result = r.const_i64(511)
    for bit in (1 << n for n in range(8, -1, -1)):
        tried = r.i64_add(result, r.const_i64(bit))
        square = r.i64_mul(a, r.i64_mul(tried, tried))
        result = r.select(r.i64_lt_u(square, r.const_i64(1 << 28)), tried, result)
    return r.i64_shr_u(r.i64_add(result, r.const_i64(1)), r.const_i64(1))


def _float_shape(bits: int) -> tuple[int, int, int]:
    """Bits of the fraction, the exponent's highest value, the default NaN."""
    return (52, 0x7FF, 0x7FF8 << 48) if bits == 64 else (23, 0xFF, 0x7FC0_0000)


def _float_reciprocal(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """FRECPE (Arm ARM FPRecipEstimate), rounding to nearest."""
    del unsigned
    (x,) = lanes
    c = r.const_i64
    width, top, _ = _float_shape(bits)
    sign = r.i64_and(x, c(1 << bits - 1))
    magnitude = r.i64_and(x, c((1 << bits - 1) - 1))
    exponent = r.i64_shr_u(magnitude, c(width))
    fraction = r.i64_and(magnitude, c((1 << width) - 1))
    # a subnormal is normalised by one or two places; with more it overflows
    subnormal = r.i64_eqz(exponent)
    one_place = r.i64_ne(r.i64_and(fraction, c(1 << width - 1)), c(0))
    exponent = r.select(subnormal, r.select(one_place, c(0), c(-1)), exponent)
    places = r.select(subnormal, r.select(one_place, c(1), c(2)), c(0))
    fraction = r.i64_and(r.i64_shl(fraction, places), c((1 << width) - 1))
    scaled = r.i64_or(r.i64_shr_u(fraction, c(width - 8)), c(256))
    result_exponent = r.i64_sub(c(2 * (top >> 1) - 1), exponent)
    estimate = r.i64_shl(r.i64_and(recip_estimate(r, scaled), c(255)), c(width - 8))
    whole = r.i64_or(estimate, c(1 << width))
    denormal = r.select(
        r.i64_eqz(result_exponent), r.i64_shr_u(whole, c(1)), r.i64_shr_u(whole, c(2))
    )
    normal = r.i64_or(r.i64_shl(result_exponent, c(width)), estimate)
    result = r.select(r.i64_gt_s(result_exponent, c(0)), normal, denormal)
    infinity = c(top << width)
    small = r.i64_lt_u(magnitude, c(1 << width - 2))
    result = r.select(small, infinity, result)
    result = r.select(r.i64_eq(magnitude, infinity), c(0), result)
    result = r.i64_or(result, sign)
    quieted = r.i64_or(x, c(1 << width - 1))
    return r.select(r.i64_gt_u(magnitude, infinity), quieted, result)


def _float_root(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """FRSQRTE (Arm ARM FPRSqrtEstimate)."""
    del unsigned
    (x,) = lanes
    c = r.const_i64
    width, top, default = _float_shape(bits)
    sign = r.i64_and(x, c(1 << bits - 1))
    magnitude = r.i64_and(x, c((1 << bits - 1) - 1))
    exponent = r.i64_shr_u(magnitude, c(width))
    # normalise a subnormal: its leading one goes where the hidden bit is
    places = r.i64_sub(r.i64_clz(magnitude), c(63 - width))
    subnormal = r.i64_eqz(exponent)
    exponent = r.select(subnormal, r.i64_sub(c(1), places), exponent)
    shifted = r.select(subnormal, r.i64_shl(magnitude, places), magnitude)
    fraction = r.i64_and(shifted, c((1 << width) - 1))
    even = r.i64_or(r.i64_shr_u(fraction, c(width - 8)), c(256))
    odd = r.i64_or(r.i64_shr_u(fraction, c(width - 7)), c(128))
    scaled = r.select(r.i64_eqz(r.i64_and(exponent, c(1))), even, odd)
    result_exponent = r.i64_shr_u(r.i64_sub(c(3 * (top >> 1) - 1), exponent), c(1))
    estimate = r.i64_shl(r.i64_and(root_estimate(r, scaled), c(255)), c(width - 8))
    result = r.i64_or(r.i64_shl(result_exponent, c(width)), estimate)
    infinity = c(top << width)
    result = r.select(r.i64_eq(magnitude, infinity), c(0), result)
    result = r.select(r.i64_eqz(sign), result, c(default))
    result = r.select(r.i64_eqz(magnitude), r.i64_or(sign, infinity), result)
    quieted = r.i64_or(x, c(1 << width - 1))
    return r.select(r.i64_gt_u(magnitude, infinity), quieted, result)


def _float_exponent(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """FRECPX (Arm ARM FPRecpX)."""
    del unsigned
    (x,) = lanes
    c = r.const_i64
    width, top, _ = _float_shape(bits)
    magnitude = r.i64_and(x, c((1 << bits - 1) - 1))
    inverted = r.i64_and(r.i64_xor(x, c(top << width)), c((top | top + 1) << width))
    zero = r.i64_lt_u(magnitude, c(1 << width))
    largest = r.i64_or(r.i64_and(x, c(1 << bits - 1)), c(top - 1 << width))
    quieted = r.i64_or(x, c(1 << width - 1))
    result = r.select(zero, largest, inverted)
    return r.select(r.i64_gt_u(magnitude, c(top << width)), quieted, result)


def _round_to_odd(r: RuntimeBuilder, bits: int, unsigned: bool, lanes: list[Value]) -> Value:
    """FCVTXN: the single for a double, rounded to odd, in the low half of the lane."""
    del bits, unsigned
    (x,) = lanes
    c = r.const_i64
    ones = c((1 << 63) - 1)
    nearest = r.f32_demote_f64(r.f64_reinterpret_i64(x))
    pattern = r.i64_extend_i32_u(r.i32_reinterpret_f32(nearest))
    back = r.i64_and(r.i64_reinterpret_f64(r.f64_promote_f32(nearest)), ones)
    magnitude = r.i64_and(x, ones)
    inexact = r.i64_extend_i32_u(r.i64_ne(back, magnitude))
    above = r.i64_extend_i32_u(r.i64_gt_u(back, magnitude))
    result = r.i64_or(r.i64_sub(pattern, above), inexact)
    sign = r.i64_shl(r.i64_shr_u(x, c(63)), c(31))
    payload = r.i64_and(r.i64_shr_u(x, c(29)), c(0x003F_FFFF))
    nan = r.i64_or(r.i64_or(sign, payload), c(0x7FC0_0000))
    return r.select(r.i64_gt_u(magnitude, c(0x7FF0 << 48)), nan, result)


LANES: Final[dict[str, Body]] = {
    "shl": _shift(rounding=False, saturating=False),
    "rshl": _shift(rounding=True, saturating=False),
    "qshl": _shift(rounding=False, saturating=True),
    "qrshl": _shift(rounding=True, saturating=True),
    "qshl_by": _shift_by,
    "qshlu_by": _shift_to_unsigned,
    "qdmulh": _double_high(rounding=False),
    "qrdmulh": _double_high(rounding=True),
    "cls": _leading(signs=True),
    "clz": _leading(signs=False),
    "suqadd": _add_unsigned_to_signed,
    "usqadd": _add_signed_to_unsigned,
    "pmul": _polynomial,
    "urecpe": _reciprocal_estimate,
    "ursqrte": _root_estimate,
    "frecpe": _float_reciprocal,
    "frsqrte": _float_root,
    "frecpx": _float_exponent,
    "fcvtxn": _round_to_odd,
}
