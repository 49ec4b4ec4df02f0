"""Owns the two views of general registers, 32 and 64 bits wide, and their arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes
from wherever.isa.aarch64.registers import SP, X

if TYPE_CHECKING:
    from wherever.ir.builder import Builder
    from wherever.ir.values import Value

__all__ = ["Integers"]

_ONES: Final = 0x0001_0001_0001_0001


class Integers:
    """General registers and integer operations of one width; register 31 reads as zero.

    The operations are the builder's own methods, bound once, so that the semantics of both
    widths are one text: `i = m.ints[sf]; i.add(x, y)`.
    """

    def __init__(self, b: Builder, wide: bool) -> None:
        self.b = b
        self.wide = wide
        self.bits = 64 if wide else 32
        self.const = b.const_i64 if wide else b.const_i32
        self._const_op = opcodes.I64_CONST if wide else opcodes.I32_CONST
        self.add = b.i64_add if wide else b.i32_add
        self.sub = b.i64_sub if wide else b.i32_sub
        self.mul = b.i64_mul if wide else b.i32_mul
        self.and_ = b.i64_and if wide else b.i32_and
        self.or_ = b.i64_or if wide else b.i32_or
        self.xor = b.i64_xor if wide else b.i32_xor
        self.shl = b.i64_shl if wide else b.i32_shl
        self.shr_u = b.i64_shr_u if wide else b.i32_shr_u
        self.shr_s = b.i64_shr_s if wide else b.i32_shr_s
        self.rotr = b.i64_rotr if wide else b.i32_rotr
        self.clz = b.i64_clz if wide else b.i32_clz
        self.eqz = b.i64_eqz if wide else b.i32_eqz
        self.eq = b.i64_eq if wide else b.i32_eq
        self.ne = b.i64_ne if wide else b.i32_ne
        self.lt_u = b.i64_lt_u if wide else b.i32_lt_u
        self.lt_s = b.i64_lt_s if wide else b.i32_lt_s
        self.le_u = b.i64_le_u if wide else b.i32_le_u
        self.gt_u = b.i64_gt_u if wide else b.i32_gt_u
        self.gt_s = b.i64_gt_s if wide else b.i32_gt_s
        self.ge_u = b.i64_ge_u if wide else b.i32_ge_u
        self.ge_s = b.i64_ge_s if wide else b.i32_ge_s
        self._div_u = b.i64_div_u if wide else b.i32_div_u
        self._div_s = b.i64_div_s if wide else b.i32_div_s
        self._extend8_s = b.i64_extend8_s if wide else b.i32_extend8_s
        self._extend16_s = b.i64_extend16_s if wide else b.i32_extend16_s

    # -- registers

    def read(self, number: int) -> Value:
        """Xn or Wn; number 31 is the zero register."""
        if number == 31:
            return self.const(0)
        value = self.b.get(X[number])
        return value if self.wide else self.b.i32_wrap_i64(value)

    def read_sp(self, number: int) -> Value:
        """Xn or Wn; number 31 is the stack pointer."""
        value = self.b.get(SP if number == 31 else X[number])
        return value if self.wide else self.b.i32_wrap_i64(value)

    def write(self, number: int, value: Value) -> None:
        """Set Xn, or Wn clearing the upper half; number 31 discards."""
        if number != 31:
            self.b.set(X[number], value if self.wide else self.b.i64_extend_i32_u(value))

    def write_sp(self, number: int, value: Value) -> None:
        """Set Xn or Wn; number 31 is the stack pointer."""
        self.b.set(
            SP if number == 31 else X[number],
            value if self.wide else self.b.i64_extend_i32_u(value),
        )

    # -- what Wasm says in several operations

    def constant(self, value: Value) -> int | None:
        """The number, unsigned, if the value is a constant."""
        return value.imm if value.op == self._const_op else None

    def not_(self, value: Value) -> Value:
        """All bits inverted."""
        return self.xor(value, self.const(-1))

    def from_i32(self, value: Value) -> Value:
        """An i32, zero-extended to this width."""
        return self.b.i64_extend_i32_u(value) if self.wide else value

    def select(self, yes: Value, no: Value, condition: Value) -> Value:
        """`yes` if the condition is not zero, else `no`."""
        return self.b.select(condition, yes, no)

    def sign_extend(self, value: Value, bits: int) -> Value:
        """The lowest 8, 16 or 32 bits, sign-extended."""
        if bits == 8:
            return self._extend8_s(value)
        if bits == 16:
            return self._extend16_s(value)
        return self.b.i64_extend32_s(value) if self.wide else value

    def div_u(self, x: Value, y: Value) -> Value:
        """UDIV: division by zero gives zero."""
        known = self.constant(y)
        if known is not None:
            return self._div_u(x, y) if known else y
        zero = self.eqz(y)
        safe = self._div_u(x, self.or_(y, self.from_i32(zero)))
        return self.b.select(zero, self.const(0), safe)

    def div_s(self, x: Value, y: Value) -> Value:
        """SDIV: division by zero gives zero, the smallest number by -1 gives itself."""
        known = self.constant(y)
        ones = (1 << self.bits) - 1
        if known is not None and known not in (0, ones):
            return self._div_s(x, y)
        # y + 1 <= 1 exactly for -1 and 0: there the quotient is -x & y
        special = self.le_u(self.add(y, self.const(1)), self.const(1))
        safe = self._div_s(x, self.b.select(special, self.const(1), y))
        return self.b.select(special, self.and_(self.sub(self.const(0), x), y), safe)

    def swap(self, value: Value, distance: int, mask: int) -> Value:
        """Exchange neighbouring runs of `distance` bits; `mask` (16 bits) has the lower."""
        lower = self.const(mask * _ONES)
        amount = self.const(distance)
        up = self.shl(self.and_(value, lower), amount)
        return self.or_(up, self.and_(self.shr_u(value, amount), lower))

    def byte_swap(self, value: Value) -> Value:
        """The bytes in reverse order."""
        value = self.swap(value, 8, 0x00FF)
        if self.wide:
            lower = self.const(0x0000_FFFF_0000_FFFF)
            amount = self.const(16)
            up = self.shl(self.and_(value, lower), amount)
            value = self.or_(up, self.and_(self.shr_u(value, amount), lower))
            return self.rotr(value, self.const(32))
        return self.rotr(value, self.const(16))
