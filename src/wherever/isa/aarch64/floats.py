"""Owns the two views of floating-point registers, single and double, and exact arithmetic on them.

Wasm leaves the bits of a NaN open. Every operation here that can make one tests its result against
itself and lets a runtime function, called only for a NaN, say which one A64 gives (ADR 0030).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.isa.aarch64 import runtime_float as runtime
from wherever.isa.aarch64.registers import FPCR, V

if TYPE_CHECKING:
    from wherever.ir.builder import Builder
    from wherever.ir.values import RuntimeFunction, Value

__all__ = ["Floats"]


class Floats:
    """Floating-point registers and operations of one precision: `f = m.floats[ftype]`."""

    def __init__(self, b: Builder, double: bool) -> None:
        self.b = b
        self.double = double
        self.bits = 64 if double else 32
        self.const = b.const_f64 if double else b.const_f32
        self.abs = b.f64_abs if double else b.f32_abs
        self.neg = b.f64_neg if double else b.f32_neg
        self.eq = b.f64_eq if double else b.f32_eq
        self.ne = b.f64_ne if double else b.f32_ne
        self.lt = b.f64_lt if double else b.f32_lt
        self.le = b.f64_le if double else b.f32_le
        self.gt = b.f64_gt if double else b.f32_gt
        self.ge = b.f64_ge if double else b.f32_ge
        self.copysign = b.f64_copysign if double else b.f32_copysign
        self.to_bits = b.i64_reinterpret_f64 if double else b.i32_reinterpret_f32
        self.from_bits = b.f64_reinterpret_i64 if double else b.f32_reinterpret_i32
        self._add = b.f64_add if double else b.f32_add
        self._sub = b.f64_sub if double else b.f32_sub
        self._mul = b.f64_mul if double else b.f32_mul
        self._div = b.f64_div if double else b.f32_div
        self._sqrt = b.f64_sqrt if double else b.f32_sqrt
        self._min = b.f64_min if double else b.f32_min
        self._max = b.f64_max if double else b.f32_max
        self._fma = b.f64_fma if double else b.f32_fma
        self._nearest = b.f64_nearest if double else b.f32_nearest
        self._ceil = b.f64_ceil if double else b.f32_ceil
        self._floor = b.f64_floor if double else b.f32_floor
        self._trunc = b.f64_trunc if double else b.f32_trunc
        # the integer conversions of Wasm saturate and turn a NaN into 0, as A64's do
        self.to_integer = (
            (
                (b.i32_trunc_sat_f64_s, b.i64_trunc_sat_f64_s),
                (b.i32_trunc_sat_f64_u, b.i64_trunc_sat_f64_u),
            )
            if double
            else (
                (b.i32_trunc_sat_f32_s, b.i64_trunc_sat_f32_s),
                (b.i32_trunc_sat_f32_u, b.i64_trunc_sat_f32_u),
            )
        )  # [unsigned][sf]
        self.from_integer = (
            (
                (b.f64_convert_i32_s, b.f64_convert_i64_s),
                (b.f64_convert_i32_u, b.f64_convert_i64_u),
            )
            if double
            else (
                (b.f32_convert_i32_s, b.f32_convert_i64_s),
                (b.f32_convert_i32_u, b.f32_convert_i64_u),
            )
        )  # [unsigned][sf]

    # -- registers

    def read(self, number: int) -> Value:
        """Sn or Dn."""
        value = self.b.get(V[number])
        if self.double:
            return self.b.f64x2_extract_lane(value, 0)
        return self.b.f32x4_extract_lane(value, 0)

    def write(self, number: int, value: Value) -> None:
        """Set Sn or Dn, clearing the rest of the register."""
        b = self.b
        b.set(V[number], b.v128_from_f64(value) if self.double else b.v128_from_f32(value))

    # -- arithmetic; a NaN is the one that A64 gives

    def _unless_nan(self, function: RuntimeFunction, result: Value, *operands: Value) -> Value:
        return self.b.rarely(self.ne(result, result), function, result, *operands)

    def nan_of_one(self, result: Value, x: Value) -> Value:
        """`result`, or if it is a NaN what FPProcessNaN makes of x, or the default NaN."""
        return self._unless_nan(runtime.nan_of_one(self.double), result, x)

    def nan_of_two(self, result: Value, x: Value, y: Value) -> Value:
        """`result`, or if it is a NaN what FPProcessNaNs makes of x and y."""
        return self._unless_nan(runtime.nan_of_two(self.double), result, x, y)

    def add(self, x: Value, y: Value) -> Value:
        """FPAdd."""
        return self.nan_of_two(self._add(x, y), x, y)

    def sub(self, x: Value, y: Value) -> Value:
        """FPSub."""
        return self.nan_of_two(self._sub(x, y), x, y)

    def mul(self, x: Value, y: Value) -> Value:
        """FPMul."""
        return self.nan_of_two(self._mul(x, y), x, y)

    def div(self, x: Value, y: Value) -> Value:
        """FPDiv."""
        return self.nan_of_two(self._div(x, y), x, y)

    def min(self, x: Value, y: Value) -> Value:
        """FPMin: of the zeros, -0 is less, as in Wasm."""
        return self.nan_of_two(self._min(x, y), x, y)

    def max(self, x: Value, y: Value) -> Value:
        """FPMax."""
        return self.nan_of_two(self._max(x, y), x, y)

    def min_number(self, x: Value, y: Value) -> Value:
        """FPMinNum: a number wins over a quiet NaN."""
        return self._unless_nan(runtime.number_of_two(self.double), self._min(x, y), x, y)

    def max_number(self, x: Value, y: Value) -> Value:
        """FPMaxNum."""
        return self._unless_nan(runtime.number_of_two(self.double), self._max(x, y), x, y)

    def sqrt(self, x: Value) -> Value:
        """FPSqrt."""
        return self.nan_of_one(self._sqrt(x), x)

    def fma(self, addend: Value, x: Value, y: Value) -> Value:
        """FPMulAdd: addend + x * y, rounded once."""
        result = self._fma(x, y, addend)
        return self._unless_nan(runtime.nan_of_three(self.double), result, addend, x, y)

    def mul_extended(self, x: Value, y: Value) -> Value:
        """FPMulX: as FPMul, but zero times infinity is two."""
        result = self._mul(x, y)
        return self._unless_nan(runtime.product_extended(self.double), result, x, y)

    def scale(self, x: Value, exponent: int) -> Value:
        """x times two to the exponent, where that is exact; the bits of a NaN are left open."""
        power = 1023 + exponent << 52 if self.double else 127 + exponent << 23
        return self._mul(x, self.const(power))

    # -- conversions

    def convert_integer(self, x: Value, unsigned: int, sf: int, fraction: int = 0) -> Value:
        """FixedToFP: scaling is exact, nothing of 64 bits gets near the subnormals."""
        whole = self.from_integer[unsigned][sf](x)
        return self.scale(whole, -fraction) if fraction else whole

    def convert_other(self, x: Value) -> Value:
        """FPConvert from the other precision."""
        b = self.b
        if self.double:
            nan, function = b.f32_ne(x, x), runtime.double_from_single_nan()
            return b.rarely(nan, function, b.f64_promote_f32(x), x)
        nan, function = b.f64_ne(x, x), runtime.single_from_double_nan()
        return b.rarely(nan, function, b.f32_demote_f64(x), x)

    def note_conversion(self, x: Value, whole: Value, unsigned: int, sf: int) -> None:
        """FPSR after a conversion of x, rounded to `whole`, to an integer; not by default."""

    def note_compare(self, x: Value, y: Value, signalling: int) -> None:
        """FPSR after a compare; not by default."""

    # -- rounding to an integral number

    def round_plain(self, x: Value, mode: int) -> Value:
        """Round by mode 0-3 as in FPCR (nearest even, up, down, zero) or 4, nearest away.

        The bits of a NaN are left open.
        """
        if mode < 4:
            return (self._nearest, self._ceil, self._floor, self._trunc)[mode](x)
        # away from zero from one half on; x - trunc(x) is exact
        one = self.const(0x3FF0 << 48 if self.double else 0x3F80_0000)
        half = self.const(0x3FE0 << 48 if self.double else 0x3F00_0000)
        whole = self._trunc(x)
        far = self.ge(self.abs(self._sub(x, whole)), half)
        away = self._add(whole, self.copysign(one, x))
        return self.b.select(far, away, whole)

    def round(self, x: Value, mode: int) -> Value:
        """FPRoundInt with a mode that the instruction gives."""
        return self.nan_of_one(self.round_plain(x, mode), x)

    def round_current(self, x: Value) -> Value:
        """FPRoundInt with the mode that FPCR gives; nearest even is the fast one."""
        b = self.b
        fpcr = b.get(FPCR)
        other = b.i32_and(fpcr, b.const_i32(0x00C0_0000))
        rounded = b.rarely(other, runtime.round_by(self.double), self._nearest(x), x, fpcr)
        return self.nan_of_one(rounded, x)
