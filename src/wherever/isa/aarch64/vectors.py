"""Owns the view of vector registers as lanes: operations by lane size, widths, halves, scalars.

Sizes are those of the encodings: 0, 1, 2, 3 for lanes of 8, 16, 32 and 64 bits. Every operation
works on all 128 bits; `write` then keeps what the instruction's width asks for. Where Wasm has an
operation for one size only, the others are composed here, so that semantics never ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.isa.aarch64.registers import V

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherever.ir.builder import Builder
    from wherever.ir.values import Value

__all__ = ["Vectors"]

_ONES: Final = (1 << 128) - 1


def splat_bits(pattern: int, size: int) -> int:
    """128 bits with `pattern` in every lane."""
    bits = 8 << size
    pattern &= (1 << bits) - 1
    return sum(pattern << position for position in range(0, 128, bits))


class Vectors:
    """Vector registers and lane operations; the tuples are indexed by lane size."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.add = (b.i8x16_add, b.i16x8_add, b.i32x4_add, b.i64x2_add)
        self.sub = (b.i8x16_sub, b.i16x8_sub, b.i32x4_sub, b.i64x2_sub)
        self.neg = (b.i8x16_neg, b.i16x8_neg, b.i32x4_neg, b.i64x2_neg)
        self.abs = (b.i8x16_abs, b.i16x8_abs, b.i32x4_abs, b.i64x2_abs)
        self.eq = (b.i8x16_eq, b.i16x8_eq, b.i32x4_eq, b.i64x2_eq)
        self.gt_s = (b.i8x16_gt_s, b.i16x8_gt_s, b.i32x4_gt_s, b.i64x2_gt_s)
        self.ge_s = (b.i8x16_ge_s, b.i16x8_ge_s, b.i32x4_ge_s, b.i64x2_ge_s)
        self._gt_u = (b.i8x16_gt_u, b.i16x8_gt_u, b.i32x4_gt_u)
        self._ge_u = (b.i8x16_ge_u, b.i16x8_ge_u, b.i32x4_ge_u)
        self.shl_by = (b.i8x16_shl, b.i16x8_shl, b.i32x4_shl, b.i64x2_shl)
        self.shr_s_by = (b.i8x16_shr_s, b.i16x8_shr_s, b.i32x4_shr_s, b.i64x2_shr_s)
        self.shr_u_by = (b.i8x16_shr_u, b.i16x8_shr_u, b.i32x4_shr_u, b.i64x2_shr_u)
        self.max_s = (b.i8x16_max_s, b.i16x8_max_s, b.i32x4_max_s)
        self.max_u = (b.i8x16_max_u, b.i16x8_max_u, b.i32x4_max_u)
        self.min_s = (b.i8x16_min_s, b.i16x8_min_s, b.i32x4_min_s)
        self.min_u = (b.i8x16_min_u, b.i16x8_min_u, b.i32x4_min_u)
        self._mul = (None, b.i16x8_mul, b.i32x4_mul, b.i64x2_mul)
        self._add_sat = (
            (b.i8x16_add_sat_s, b.i16x8_add_sat_s),
            (b.i8x16_add_sat_u, b.i16x8_add_sat_u),
        )
        self._sub_sat = (
            (b.i8x16_sub_sat_s, b.i16x8_sub_sat_s),
            (b.i8x16_sub_sat_u, b.i16x8_sub_sat_u),
        )
        # [unsigned][upper half][size of the narrow lane]
        self._extend = (
            (
                (
                    b.i16x8_extend_low_i8x16_s,
                    b.i32x4_extend_low_i16x8_s,
                    b.i64x2_extend_low_i32x4_s,
                ),
                (
                    b.i16x8_extend_high_i8x16_s,
                    b.i32x4_extend_high_i16x8_s,
                    b.i64x2_extend_high_i32x4_s,
                ),
            ),
            (
                (
                    b.i16x8_extend_low_i8x16_u,
                    b.i32x4_extend_low_i16x8_u,
                    b.i64x2_extend_low_i32x4_u,
                ),
                (
                    b.i16x8_extend_high_i8x16_u,
                    b.i32x4_extend_high_i16x8_u,
                    b.i64x2_extend_high_i32x4_u,
                ),
            ),
        )
        self._extmul = (
            (
                (
                    b.i16x8_extmul_low_i8x16_s,
                    b.i32x4_extmul_low_i16x8_s,
                    b.i64x2_extmul_low_i32x4_s,
                ),
                (
                    b.i16x8_extmul_high_i8x16_s,
                    b.i32x4_extmul_high_i16x8_s,
                    b.i64x2_extmul_high_i32x4_s,
                ),
            ),
            (
                (
                    b.i16x8_extmul_low_i8x16_u,
                    b.i32x4_extmul_low_i16x8_u,
                    b.i64x2_extmul_low_i32x4_u,
                ),
                (
                    b.i16x8_extmul_high_i8x16_u,
                    b.i32x4_extmul_high_i16x8_u,
                    b.i64x2_extmul_high_i32x4_u,
                ),
            ),
        )

    # -- registers

    def read(self, number: int) -> Value:
        """All 128 bits of Vn."""
        return self.b.get(V[number])

    def write(self, number: int, value: Value, q: int) -> None:
        """Set Vn; without q only its lower half, clearing the upper one."""
        self.b.set(V[number], value if q else self.low(value, 64))

    def write_scalar(self, number: int, value: Value, size: int) -> None:
        """Set Bn, Hn, Sn or Dn from lane 0, clearing the rest."""
        self.b.set(V[number], self.low(value, 8 << size))

    def write_half(self, number: int, value: Value, upper: int) -> None:
        """Set one half from the lower half of `value`: the other is kept (upper) or cleared."""
        if upper:
            shuffled = self.b.i8x16_shuffle(self.read(number), value, (*range(8), *range(16, 24)))
            self.b.set(V[number], shuffled)
        else:
            self.write(number, value, 0)

    def low(self, value: Value, bits: int) -> Value:
        """The lowest bits; the others zero."""
        return self.b.v128_and(value, self.b.const_v128((1 << bits) - 1))

    def splat(self, pattern: int, size: int) -> Value:
        """A constant in every lane."""
        return self.b.const_v128(splat_bits(pattern, size))

    @property
    def zero(self) -> Value:
        """All bits zero."""
        return self.b.const_v128(0)

    # -- lanes

    def permute(self, x: Value, y: Value, size: int, lanes: Sequence[int]) -> Value:
        """Lanes picked by number from those of x, then those of y."""
        width = 1 << size
        return self.b.i8x16_shuffle(
            x, y, [lane * width + byte for lane in lanes for byte in range(width)]
        )

    def pairs(self, x: Value, y: Value, size: int, q: int) -> tuple[Value, Value]:
        """The even and the odd lanes of x and y one after the other, as wide as q says."""
        count = (8 << q) >> size
        whole = 16 >> size
        joined = [*range(count), *range(whole, whole + count)]
        if count == 1:
            # one lane each: a pair is (x, y)
            joined = [0, whole]
        fill = [0] * (whole - len(joined) // 2)
        evens = self.permute(x, y, size, joined[0::2] + fill)
        return evens, self.permute(x, y, size, joined[1::2] + fill)

    def lane(self, x: Value, size: int, index: int) -> Value:
        """One lane, zero-extended: an i32, or an i64 for the largest."""
        b = self.b
        if size == 0:
            return b.i8x16_extract_lane_u(x, index)
        if size == 1:
            return b.i16x8_extract_lane_u(x, index)
        if size == 2:
            return b.i32x4_extract_lane(x, index)
        return b.i64x2_extract_lane(x, index)

    def with_lane(self, x: Value, size: int, index: int, value: Value) -> Value:
        """x with one lane replaced."""
        b = self.b
        replace = (
            b.i8x16_replace_lane,
            b.i16x8_replace_lane,
            b.i32x4_replace_lane,
            b.i64x2_replace_lane,
        )[size]
        return replace(x, index, value)

    def splat_lane(self, x: Value, size: int, index: int) -> Value:
        """One lane in all of them."""
        return self.permute(x, x, size, [index] * (16 >> size))

    # -- what Wasm has for some sizes only

    def mul(self, size: int, x: Value, y: Value) -> Value:
        """The low halves of the products."""
        multiply = self._mul[size]
        if multiply is not None:
            return multiply(x, y)
        b = self.b
        even = b.i16x8_mul(x, y)
        eight = b.const_i32(8)
        odd = b.i16x8_mul(b.i16x8_shr_u(x, eight), b.i16x8_shr_u(y, eight))
        return b.v128_or(b.v128_and(even, self.splat(0xFF, 1)), b.i16x8_shl(odd, eight))

    def gt_u(self, size: int, x: Value, y: Value) -> Value:
        """Unsigned greater: all ones or zero."""
        if size < 3:
            return self._gt_u[size](x, y)
        flip = self.splat(1 << 63, 3)
        return self.b.i64x2_gt_s(self.b.v128_xor(x, flip), self.b.v128_xor(y, flip))

    def ge_u(self, size: int, x: Value, y: Value) -> Value:
        """Unsigned greater or equal."""
        if size < 3:
            return self._ge_u[size](x, y)
        return self.b.v128_not(self.gt_u(3, y, x))

    def shl(self, size: int, x: Value, amount: int) -> Value:
        """Shift left; an amount of the lane's width gives zero."""
        if amount >= 8 << size:
            return self.zero
        return self.shl_by[size](x, self.b.const_i32(amount)) if amount else x

    def shr(self, unsigned: int, size: int, x: Value, amount: int) -> Value:
        """Shift right; an amount of the lane's width is allowed."""
        bits = 8 << size
        if amount >= bits:
            if unsigned:
                return self.zero
            amount = bits - 1
        if not amount:
            return x
        return (self.shr_u_by if unsigned else self.shr_s_by)[size](x, self.b.const_i32(amount))

    def shr_round(self, unsigned: int, size: int, x: Value, amount: int) -> Value:
        """Shift right, rounding halves up, without overflow: the bit shifted out last is added."""
        last = self.b.v128_and(self.shr(unsigned, size, x, amount - 1), self.splat(1, size))
        return self.add[size](self.shr(unsigned, size, x, amount), last)

    def add_sat(self, unsigned: int, size: int, x: Value, y: Value) -> Value:
        """Saturating addition."""
        if size < 2:
            return self._add_sat[unsigned][size](x, y)
        b = self.b
        total = self.add[size](x, y)
        if unsigned:
            return b.v128_or(total, self.gt_u(size, x, total))
        overflow = b.v128_and(b.v128_xor(total, x), b.v128_xor(total, y))
        return self._saturated(size, overflow, x, total)

    def sub_sat(self, unsigned: int, size: int, x: Value, y: Value) -> Value:
        """Saturating subtraction."""
        if size < 2:
            return self._sub_sat[unsigned][size](x, y)
        b = self.b
        total = self.sub[size](x, y)
        if unsigned:
            return b.v128_and(total, self.ge_u(size, x, y))
        overflow = b.v128_and(b.v128_xor(x, y), b.v128_xor(x, total))
        return self._saturated(size, overflow, x, total)

    def _saturated(self, size: int, overflow: Value, x: Value, total: Value) -> Value:
        """`total`, but where overflow has its sign set the extreme number with the sign of x."""
        bits = 8 << size
        b = self.b
        extreme = b.v128_xor(self.shr(0, size, x, bits - 1), self.splat((1 << bits - 1) - 1, size))
        return b.v128_bitselect(extreme, total, self.shr(0, size, overflow, bits - 1))

    def min(self, unsigned: int, size: int, x: Value, y: Value) -> Value:
        """Minimum, also of 64-bit lanes."""
        if size < 3:
            return (self.min_u if unsigned else self.min_s)[size](x, y)
        greater = self.gt_u(3, x, y) if unsigned else self.b.i64x2_gt_s(x, y)
        return self.b.v128_bitselect(y, x, greater)

    def abs_difference(self, unsigned: int, size: int, x: Value, y: Value) -> Value:
        """|x - y|, as an unsigned number."""
        larger, smaller = (self.max_u, self.min_u) if unsigned else (self.max_s, self.min_s)
        return self.sub[size](larger[size](x, y), smaller[size](x, y))

    def extend(self, unsigned: int, upper: int, size: int, x: Value) -> Value:
        """Lanes of `size` in one half, widened to the next size."""
        return self._extend[unsigned][upper][size](x)

    def extmul(self, unsigned: int, upper: int, size: int, x: Value, y: Value) -> Value:
        """Whole products of the lanes of `size` in one half."""
        return self._extmul[unsigned][upper][size](x, y)

    def add_pairs_long(self, unsigned: int, size: int, x: Value) -> Value:
        """Sums of neighbours, in lanes of the next size."""
        b = self.b
        if size == 0:
            return (
                b.i16x8_extadd_pairwise_i8x16_u if unsigned else b.i16x8_extadd_pairwise_i8x16_s
            )(x)
        if size == 1:
            return (
                b.i32x4_extadd_pairwise_i16x8_u if unsigned else b.i32x4_extadd_pairwise_i16x8_s
            )(x)
        low = self.shr(unsigned, 3, self.shl(3, x, 32), 32)
        return b.i64x2_add(low, self.shr(unsigned, 3, x, 32))

    def narrow(self, size: int, x: Value, y: Value | None = None) -> Value:
        """The low halves of lanes of size + 1, in the lower half of the result (x), then y's."""
        count = 8 >> size
        evens = (
            [2 * lane for lane in range(2 * count)]
            if y is not None
            else [2 * lane for lane in range(count)] * 2
        )
        return self.permute(x, x if y is None else y, size, evens)

    def narrow_high(self, size: int, x: Value) -> Value:
        """The high halves of lanes of size + 1, in the lower half of the result."""
        return self.permute(x, x, size, [2 * lane + 1 for lane in range(8 >> size)] * 2)

    def narrow_sat(self, to_unsigned: int, from_unsigned: int, size: int, x: Value) -> Value:
        """Lanes of size + 1, saturated to lanes of size, in the lower half of the result."""
        b = self.b
        bits = 8 << size
        wide = size + 1
        if from_unsigned:
            top = self.splat((1 << bits) - 1, wide)
            return self.narrow(size, self.min(1, wide, x, top))
        if size == 0:
            return (b.i8x16_narrow_i16x8_u if to_unsigned else b.i8x16_narrow_i16x8_s)(x, x)
        if size == 1:
            return (b.i16x8_narrow_i32x4_u if to_unsigned else b.i16x8_narrow_i32x4_s)(x, x)
        top = self.splat((1 << bits) - 1 if to_unsigned else (1 << bits - 1) - 1, wide)
        bottom = self.splat(0 if to_unsigned else -(1 << bits - 1), wide)
        below = b.i64x2_gt_s(bottom, x)
        clamped = b.v128_bitselect(bottom, self.min(0, wide, x, top), below)
        return self.narrow(size, clamped)

    def fold(
        self, size: int, count: int, x: Value, combine: Callable[[Value, Value], Value]
    ) -> Value:
        """All `count` lanes combined in lane 0, by halving."""
        while count > 1:
            count //= 2
            moved = self.permute(
                x, x, size, [(count + lane) % (16 >> size) for lane in range(16 >> size)]
            )
            x = combine(x, moved)
        return x
