"""Owns the option `exact`: FPCR's rounding, flushing and default NaNs, and FPSR's flags.

A lifter made with exact=True uses this instead of floats.py and vector_floats.py; every operation
is a call of soft floating point (ADR 0030).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.isa.aarch64 import runtime_soft as soft
from wherever.isa.aarch64.floats import Floats
from wherever.isa.aarch64.registers import FPCR, FPSR
from wherever.isa.aarch64.vector_floats import VectorFloats

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.ir.builder import Builder
    from wherever.ir.values import RuntimeFunction, Value

__all__ = ["ExactFloats", "ExactVectorFloats"]


class ExactFloats(Floats):
    """Soft arithmetic of one precision."""

    def _wide(self, x: Value) -> Value:
        bits = self.to_bits(x)
        return bits if self.double else self.b.i64_extend_i32_u(bits)

    def _narrow(self, bits: Value) -> Value:
        return self.from_bits(bits if self.double else self.b.i32_wrap_i64(bits))

    def call(self, function: RuntimeFunction, *patterns: Value) -> Value:
        """A soft function of bit patterns; its flags are added to FPSR."""
        b = self.b
        bits, flags = b.call_runtime(function, *patterns, b.get(FPCR))
        b.set(FPSR, b.i32_or(b.get(FPSR), flags))
        return self._narrow(bits)

    def add(self, x: Value, y: Value) -> Value:
        """FPAdd."""
        one = self.b.const_i64(0x3FF0 << 48 if self.double else 0x3F80_0000)
        return self.call(soft.soft_fma(self.double, "add"), self._wide(y), self._wide(x), one)

    def sub(self, x: Value, y: Value) -> Value:
        """FPSub: a NaN keeps its sign, so the negation is not that of FPNeg."""
        b = self.b
        negated = b.select(self.ne(y, y), y, self.neg(y))
        return self.add(x, negated)

    def _product(self, kind: str, x: Value, y: Value) -> Value:
        b = self.b
        a, c = self._wide(x), self._wide(y)
        sign = b.const_i64(1 << self.bits - 1)
        zero = b.i64_and(b.i64_xor(a, c), sign)
        return self.call(soft.soft_fma(self.double, kind), zero, a, c)

    def mul(self, x: Value, y: Value) -> Value:
        """FPMul."""
        return self._product("mul", x, y)

    def mul_extended(self, x: Value, y: Value) -> Value:
        """FPMulX."""
        return self._product("mulx", x, y)

    def div(self, x: Value, y: Value) -> Value:
        """FPDiv."""
        return self.call(soft.soft_divide(self.double), self._wide(x), self._wide(y))

    def sqrt(self, x: Value) -> Value:
        """FPSqrt."""
        return self.call(soft.soft_root(self.double), self._wide(x))

    def fma(self, addend: Value, x: Value, y: Value) -> Value:
        """FPMulAdd."""
        function = soft.soft_fma(self.double, "fma")
        return self.call(function, self._wide(addend), self._wide(x), self._wide(y))

    def convert_integer(self, x: Value, unsigned: int, sf: int, fraction: int = 0) -> Value:
        """FixedToFP."""
        b = self.b
        if not sf:
            x = (b.i64_extend_i32_u if unsigned else b.i64_extend_i32_s)(x)
        function = soft.soft_from_integer(self.double, unsigned == 1)
        return self.call(function, x, b.const_i64(fraction))

    def convert_other(self, x: Value) -> Value:
        """FPConvert."""
        b = self.b
        if self.double:
            bits = b.i64_extend_i32_u(b.i32_reinterpret_f32(x))
        else:
            bits = b.i64_reinterpret_f64(x)
        return self.call(soft.soft_convert(self.double), bits)

    def _note(self, flags: Value) -> None:
        b = self.b
        b.set(FPSR, b.i32_or(b.get(FPSR), flags))

    def _power(self, exponent: int, sign: int = 0) -> Value:
        if self.double:
            return self.const(sign << 63 | 1023 + exponent << 52)
        return self.const(sign << 31 | 127 + exponent << 23)

    def note_conversion(self, x: Value, whole: Value, unsigned: int, sf: int) -> None:
        """FPToFixed: out of range is invalid, else anything lost is inexact."""
        b = self.b
        bits = (64 if sf else 32) - (0 if unsigned else 1)
        low = self.const(0) if unsigned else self._power(bits, 1)
        inside = b.i32_and(self.ge(whole, low), self.lt(whole, self._power(bits)))
        lost = b.select(self.ne(whole, x), b.const_i32(soft.INEXACT), b.const_i32(0))
        self._note(b.select(inside, lost, b.const_i32(soft.INVALID)))

    def _signalling(self, x: Value) -> Value:
        b = self.b
        bits = self._wide(x)
        quiet = b.const_i64(1 << 51 if self.double else 1 << 22)
        return b.i32_and(self.ne(x, x), b.i64_eqz(b.i64_and(bits, quiet)))

    def note_compare(self, x: Value, y: Value, signalling: int) -> None:
        """FPCompare: a signalling NaN is invalid, with FCMPE every NaN."""
        b = self.b
        if signalling:
            invalid = b.i32_or(self.ne(x, x), self.ne(y, y))
        else:
            invalid = b.i32_or(self._signalling(x), self._signalling(y))
        self._note(b.select(invalid, b.const_i32(soft.INVALID), b.const_i32(0)))


class ExactVectorFloats(VectorFloats):
    """Soft arithmetic, lane by lane; the lanes that are not used raise no flags."""

    def __init__(self, b: Builder, double: bool, count: int) -> None:
        super().__init__(b, double)
        self._scalar = ExactFloats(b, double)
        self._count = count

    def _lanes(self, do: Callable[..., Value], *operands: Value) -> Value:
        b = self.b
        extract = b.f64x2_extract_lane if self.double else b.f32x4_extract_lane
        replace = b.f64x2_replace_lane if self.double else b.f32x4_replace_lane
        result = b.const_v128(0)
        for lane in range(self._count):
            result = replace(result, lane, do(*[extract(x, lane) for x in operands]))
        return result

    def add(self, x: Value, y: Value) -> Value:
        """FPAdd."""
        return self._lanes(self._scalar.add, x, y)

    def sub(self, x: Value, y: Value) -> Value:
        """FPSub."""
        return self._lanes(self._scalar.sub, x, y)

    def mul(self, x: Value, y: Value) -> Value:
        """FPMul."""
        return self._lanes(self._scalar.mul, x, y)

    def mul_extended(self, x: Value, y: Value) -> Value:
        """FPMulX."""
        return self._lanes(self._scalar.mul_extended, x, y)

    def div(self, x: Value, y: Value) -> Value:
        """FPDiv."""
        return self._lanes(self._scalar.div, x, y)

    def sqrt(self, x: Value) -> Value:
        """FPSqrt."""
        return self._lanes(self._scalar.sqrt, x)

    def fma(self, addend: Value, x: Value, y: Value) -> Value:
        """FPMulAdd."""
        return self._lanes(self._scalar.fma, addend, x, y)

    def convert_integers(self, x: Value, unsigned: int) -> Value:
        """FixedToFP."""
        b = self.b
        extract = b.i64x2_extract_lane if self.double else b.i32x4_extract_lane
        replace = b.f64x2_replace_lane if self.double else b.f32x4_replace_lane
        result = b.const_v128(0)
        for lane in range(self._count):
            number = self._scalar.convert_integer(extract(x, lane), unsigned, int(self.double))
            result = replace(result, lane, number)
        return result
