"""Owns floating-point arithmetic on whole vectors, with the NaNs that A64 gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.isa.aarch64 import runtime_float as runtime
from wherever.isa.aarch64.registers import FPCR

if TYPE_CHECKING:
    from wherever.ir.builder import Builder
    from wherever.ir.values import Value

__all__ = ["VectorFloats"]


class VectorFloats:
    """Operations on lanes of one precision: `v = m.float_lanes(sz, q)`."""

    def __init__(self, b: Builder, double: bool) -> None:
        self.b = b
        self.double = double
        self.abs = b.f64x2_abs if double else b.f32x4_abs
        self.neg = b.f64x2_neg if double else b.f32x4_neg
        self.eq = b.f64x2_eq if double else b.f32x4_eq
        self.ne = b.f64x2_ne if double else b.f32x4_ne
        self.gt = b.f64x2_gt if double else b.f32x4_gt
        self.ge = b.f64x2_ge if double else b.f32x4_ge
        self._add = b.f64x2_add if double else b.f32x4_add
        self._sub = b.f64x2_sub if double else b.f32x4_sub
        self._mul = b.f64x2_mul if double else b.f32x4_mul
        self._div = b.f64x2_div if double else b.f32x4_div
        self._min = b.f64x2_min if double else b.f32x4_min
        self._max = b.f64x2_max if double else b.f32x4_max
        self._sqrt = b.f64x2_sqrt if double else b.f32x4_sqrt
        self._madd = b.f64x2_relaxed_madd if double else b.f32x4_relaxed_madd
        self._rounded = (
            (b.f64x2_nearest, b.f64x2_ceil, b.f64x2_floor, b.f64x2_trunc)
            if double
            else (b.f32x4_nearest, b.f32x4_ceil, b.f32x4_floor, b.f32x4_trunc)
        )

    def splat(self, single: int, double: int) -> Value:
        """A constant in every lane, given as the bit patterns of both precisions."""
        if self.double:
            return self.b.const_v128(double << 64 | double)
        return self.b.const_v128(single << 96 | single << 64 | single << 32 | single)

    def _exact(self, kind: str, result: Value, *operands: Value) -> Value:
        b = self.b
        any_nan = b.v128_any_true(self.ne(result, result))
        function = runtime.vector_nan(kind, self.double)
        return b.rarely(any_nan, function, result, result, *operands)

    def add(self, x: Value, y: Value) -> Value:
        """FPAdd."""
        return self._exact("two", self._add(x, y), x, y)

    def sub(self, x: Value, y: Value) -> Value:
        """FPSub."""
        return self._exact("two", self._sub(x, y), x, y)

    def mul(self, x: Value, y: Value) -> Value:
        """FPMul."""
        return self._exact("two", self._mul(x, y), x, y)

    def div(self, x: Value, y: Value) -> Value:
        """FPDiv."""
        return self._exact("two", self._div(x, y), x, y)

    def min(self, x: Value, y: Value) -> Value:
        """FPMin."""
        return self._exact("two", self._min(x, y), x, y)

    def max(self, x: Value, y: Value) -> Value:
        """FPMax."""
        return self._exact("two", self._max(x, y), x, y)

    def min_number(self, x: Value, y: Value) -> Value:
        """FPMinNum."""
        return self._exact("number", self._min(x, y), x, y)

    def max_number(self, x: Value, y: Value) -> Value:
        """FPMaxNum."""
        return self._exact("number", self._max(x, y), x, y)

    def mul_extended(self, x: Value, y: Value) -> Value:
        """FPMulX."""
        return self._exact("extended", self._mul(x, y), x, y)

    def abs_difference(self, x: Value, y: Value) -> Value:
        """FPAbs of FPSub."""
        return self.abs(self.sub(x, y))

    def sqrt(self, x: Value) -> Value:
        """FPSqrt."""
        return self._exact("one", self._sqrt(x), x)

    def fma(self, addend: Value, x: Value, y: Value) -> Value:
        """FPMulAdd: addend + x * y, rounded once."""
        return self._exact("three", self._madd(x, y, addend), addend, x, y)

    def recip_step(self, x: Value, y: Value) -> Value:
        """FPRecipStepFused: 2 - x * y; infinity times zero gives 2."""
        two = self.splat(0x4000_0000, 0x4000 << 48)
        x = self.neg(x)
        return self._step(self._madd(x, y, two), x, y, two)

    def root_step(self, x: Value, y: Value) -> Value:
        """FPRSqrtStepFused: (3 - x * y) / 2; infinity times zero gives 1.5.

        Halving one factor first keeps one rounding; the larger one is halved, which is exact
        wherever the product matters.
        """
        b = self.b
        one_and_half = self.splat(0x3FC0_0000, 0x3FF8 << 48)
        half = self.splat(0x3F00_0000, 0x3FE0 << 48)
        one = self.splat(0x3F80_0000, 0x3FF0 << 48)
        x = self.neg(x)
        small = self.gt(one, self.abs(x))
        halved_x = b.v128_bitselect(x, self._mul(x, half), small)
        halved_y = b.v128_bitselect(self._mul(y, half), y, small)
        return self._step(self._madd(halved_x, halved_y, one_and_half), x, y, one_and_half)

    def _step(self, result: Value, x: Value, y: Value, product_invalid: Value) -> Value:
        """NaN lanes: of the operands if one is a NaN, else zero met infinity."""
        b = self.b
        numbers = b.v128_and(self.eq(x, x), self.eq(y, y))
        nan = self.ne(result, result)
        result = b.v128_bitselect(product_invalid, result, b.v128_and(numbers, nan))
        return self._exact("two", result, x, y)

    def convert_integers(self, x: Value, unsigned: int) -> Value:
        """FixedToFP, lane by lane; only the exact option asks for it."""
        raise NotImplementedError

    def round_plain(self, x: Value, mode: int) -> Value:
        """Round to an integral number by mode 0-3 as in FPCR, or 4, nearest away."""
        if mode < 4:
            return self._rounded[mode](x)
        b = self.b
        whole = self._rounded[3](x)
        half = self.splat(0x3F00_0000, 0x3FE0 << 48)
        far = self.ge(self.abs(self._sub(x, whole)), half)
        sign = b.v128_and(x, self.splat(1 << 31, 1 << 63))
        one = b.v128_or(sign, self.splat(0x3F80_0000, 0x3FF0 << 48))
        return b.v128_bitselect(self._add(whole, one), whole, far)

    def round(self, x: Value, mode: int) -> Value:
        """FPRoundInt with a mode that the instruction gives."""
        return self._exact("one", self.round_plain(x, mode), x)

    def round_current(self, x: Value) -> Value:
        """FPRoundInt with the mode that FPCR gives."""
        b = self.b
        fpcr = b.get(FPCR)
        other = b.i32_and(fpcr, b.const_i32(0x00C0_0000))
        function = runtime.vector_round_by(self.double)
        return self._exact("one", b.rarely(other, function, self._rounded[0](x), x, fpcr), x)
