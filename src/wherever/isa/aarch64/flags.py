"""Owns the condition flags: an instruction leaves a record, a condition makes one compare of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir.builder import PURE
from wherever.isa.aarch64.registers import FLAGS, VF, C, N, Z

if TYPE_CHECKING:
    from wherever.ir.builder import Builder
    from wherever.ir.values import Slot, Value
    from wherever.isa.aarch64.integers import Integers

__all__ = ["AddRecord", "CompareIfRecord", "Flags", "FloatRecord", "LogicRecord", "SubRecord"]

# Condition codes (Arm ARM C1.2.4); the lowest bit inverts.
EQ: Final = 0
CS: Final = 2
MI: Final = 4
VS: Final = 6
HI: Final = 8
GE: Final = 10
GT: Final = 12
AL: Final = 14


def holds(cond: int, nzcv: int) -> bool:
    """ConditionHolds of the Arm ARM, for known flags."""
    n, z, c, v = nzcv >> 3 & 1, nzcv >> 2 & 1, nzcv >> 1 & 1, nzcv & 1
    match cond >> 1:
        case 0:
            result = z == 1
        case 1:
            result = c == 1
        case 2:
            result = n == 1
        case 3:
            result = v == 1
        case 4:
            result = c == 1 and z == 0
        case 5:
            result = n == v
        case 6:
            result = n == v and z == 0
        case _:
            return True
    return result != bool(cond & 1)


class Record:
    """What the last flag-setting instruction computed from; the flags themselves on demand."""

    __slots__ = ("operands",)
    slots = FLAGS

    def __init__(self, *operands: Value) -> None:
        self.operands: tuple[Value, ...] = operands

    def condition(self, cond: int) -> Value:
        """An i32 that is not zero exactly if the condition holds; `cond` is even and not AL."""
        raise NotImplementedError

    def value(self, slot: Slot) -> Value:
        """One flag, 0 or 1."""
        if slot == N:
            return self.condition(MI)
        if slot == Z:
            return self.condition(EQ)
        return self.condition(CS if slot == C else VS)


def _any(record: Record | _Stored, cond: int) -> Value:
    """Any condition but AL, from the even ones."""
    value = record.condition(cond & ~1)
    return PURE.i32_eqz(value) if cond & 1 else value


class SubRecord(Record):
    """Flags of `a - b`: every condition but MI and VS is a compare of a with b."""

    __slots__ = ("i",)

    def __init__(self, i: Integers, a: Value, b: Value) -> None:
        super().__init__(a, b)
        self.i = i

    def condition(self, cond: int) -> Value:
        """See Record."""
        i = self.i
        x, y = self.operands
        match cond:
            case 0:
                return i.eq(x, y)
            case 2:
                return i.ge_u(x, y)
            case 4:
                return i.lt_s(i.sub(x, y), i.const(0))
            case 6:
                return i.lt_s(i.and_(i.xor(x, y), i.xor(x, i.sub(x, y))), i.const(0))
            case 8:
                return i.gt_u(x, y)
            case 10:
                return i.ge_s(x, y)
            case _:
                return i.gt_s(x, y)


class AddRecord(Record):
    """Flags of `a + b`."""

    __slots__ = ("i",)

    def __init__(self, i: Integers, a: Value, b: Value, total: Value) -> None:
        super().__init__(a, b, total)
        self.i = i

    def condition(self, cond: int) -> Value:
        """See Record."""
        i = self.i
        x, y, total = self.operands
        zero = i.const(0)
        match cond:
            case 0:
                return i.eq(total, zero)
            case 2:
                return i.lt_u(total, x)
            case 4:
                return i.lt_s(total, zero)
            case 6:
                return i.lt_s(i.and_(i.xor(total, x), i.xor(total, y)), zero)
            case 8:
                return PURE.i32_and(i.lt_u(total, x), i.ne(total, zero))
            case 10:
                return PURE.i32_eq(self.condition(MI), self.condition(VS))
            case _:
                return PURE.i32_and(self.condition(GE), i.ne(total, zero))


class CarryRecord(AddRecord):
    """Flags of `a + b + carry` (adcs, sbcs)."""

    __slots__ = ("carry",)

    def __init__(self, i: Integers, a: Value, b: Value, carry: Value, total: Value) -> None:
        super().__init__(i, a, b, total)
        self.carry = carry
        self.operands = (a, b, total, carry)

    def condition(self, cond: int) -> Value:
        """See Record; the carry out is the majority of the top bits of a, b and not total."""
        i = self.i
        x, y, total, _ = self.operands
        zero = i.const(0)
        match cond:
            case 0:
                return i.eq(total, zero)
            case 2:
                out = i.or_(i.and_(x, y), i.and_(i.or_(x, y), i.not_(total)))
                return i.lt_s(out, zero)
            case 4:
                return i.lt_s(total, zero)
            case 6:
                return i.lt_s(i.and_(i.xor(total, x), i.xor(total, y)), zero)
            case 8:
                return PURE.i32_and(self.condition(CS), i.ne(total, zero))
            case 10:
                return PURE.i32_eq(self.condition(MI), self.condition(VS))
            case _:
                return PURE.i32_and(self.condition(GE), i.ne(total, zero))


class LogicRecord(Record):
    """Flags of a logical result: C and V are clear."""

    __slots__ = ("i",)

    def __init__(self, i: Integers, result: Value) -> None:
        super().__init__(result)
        self.i = i

    def condition(self, cond: int) -> Value:
        """See Record."""
        i = self.i
        (result,) = self.operands
        zero = i.const(0)
        match cond:
            case 0:
                return i.eq(result, zero)
            case 4:
                return i.lt_s(result, zero)
            case 10:
                return i.ge_s(result, zero)
            case 12:
                return i.gt_s(result, zero)
            case _:
                return PURE.const_i32(0)


class FloatRecord(Record):
    """Flags of a floating-point compare (Arm ARM FPCompare): unordered gives C and V."""

    __slots__ = ("double",)

    def __init__(self, a: Value, b: Value, double: bool) -> None:
        super().__init__(a, b)
        self.double = double

    def condition(self, cond: int) -> Value:
        """See Record."""
        x, y = self.operands
        double = self.double
        match cond:
            case 0:
                return PURE.f64_eq(x, y) if double else PURE.f32_eq(x, y)
            case 2:
                return PURE.i32_eqz(PURE.f64_lt(x, y) if double else PURE.f32_lt(x, y))
            case 4:
                return PURE.f64_lt(x, y) if double else PURE.f32_lt(x, y)
            case 6:
                nan = (PURE.f64_ne, PURE.f64_ne) if double else (PURE.f32_ne, PURE.f32_ne)
                return PURE.i32_or(nan[0](x, x), nan[1](y, y))
            case 8:
                return PURE.i32_eqz(PURE.f64_le(x, y) if double else PURE.f32_le(x, y))
            case 10:
                return PURE.f64_ge(x, y) if double else PURE.f32_ge(x, y)
            case _:
                return PURE.f64_gt(x, y) if double else PURE.f32_gt(x, y)


class CompareIfRecord(Record):
    """Flags of a conditional compare: those of `inner` where `when` holds, else the constant."""

    __slots__ = ("inner", "nzcv")

    def __init__(self, when: Value, inner: Record, nzcv: int) -> None:
        super().__init__(when, *inner.operands)
        self.inner = inner
        self.nzcv = nzcv

    def condition(self, cond: int) -> Value:
        """See Record; a chain of compares becomes a chain of `and` and `or`."""
        when = self.operands[0]
        inner = self.inner.condition(cond)
        if holds(cond, self.nzcv):
            return PURE.i32_or(PURE.i32_eqz(when), inner)
        return PURE.i32_and(PURE.i32_ne(when, PURE.const_i32(0)), inner)


class _Stored:
    """Flags found in their registers, because an earlier block or an msr set them."""

    __slots__ = ("_b",)

    def __init__(self, b: Builder) -> None:
        self._b = b

    def condition(self, cond: int) -> Value:
        """See Record."""
        b = self._b
        match cond:
            case 0:
                return b.get(Z)
            case 2:
                return b.get(C)
            case 4:
                return b.get(N)
            case 6:
                return b.get(VF)
            case 8:
                return b.i32_and(b.get(C), b.i32_eqz(b.get(Z)))
            case 10:
                return b.i32_eq(b.get(N), b.get(VF))
            case _:
                return b.i32_and(b.i32_eq(b.get(N), b.get(VF)), b.i32_eqz(b.get(Z)))


class Flags:
    """The flags as semantics use them."""

    __slots__ = ("_b", "_stored")

    def __init__(self, b: Builder) -> None:
        self._b = b
        self._stored = _Stored(b)

    def add(self, i: Integers, x: Value, y: Value) -> Value:
        """`x + y`, setting the flags."""
        total = i.add(x, y)
        value = i.constant(y)
        if value is not None and value not in (0, 1 << i.bits - 1):
            # cmn x, #k is cmp x, #-k, flags included
            self._b.defer(SubRecord(i, x, i.const(-value)))
        else:
            self._b.defer(AddRecord(i, x, y, total))
        return total

    def sub(self, i: Integers, x: Value, y: Value) -> Value:
        """`x - y`, setting the flags."""
        self._b.defer(SubRecord(i, x, y))
        return i.sub(x, y)

    def logic(self, i: Integers, result: Value) -> Value:
        """A logical result, setting the flags."""
        self._b.defer(LogicRecord(i, result))
        return result

    def add_with_carry(self, i: Integers, x: Value, y: Value) -> Value:
        """`x + y + C`, setting the flags (Arm ARM AddWithCarry)."""
        carry = i.from_i32(self.c())
        total = i.add(i.add(x, y), carry)
        self._b.defer(CarryRecord(i, x, y, carry, total))
        return total

    def compare_if(
        self, cond: int, nzcv: int, i: Integers, x: Value, y: Value, *, negative: bool = False
    ) -> None:
        """ccmp, and with `negative` ccmn."""
        when = self.condition(cond)
        inner: Record = AddRecord(i, x, y, i.add(x, y)) if negative else SubRecord(i, x, y)
        self._b.defer(CompareIfRecord(when, inner, nzcv))

    def compare_floats(self, x: Value, y: Value, *, double: bool) -> None:
        """fcmp."""
        self._b.defer(FloatRecord(x, y, double))

    def compare_floats_if(self, cond: int, nzcv: int, x: Value, y: Value, *, double: bool) -> None:
        """fccmp."""
        when = self.condition(cond)
        self._b.defer(CompareIfRecord(when, FloatRecord(x, y, double), nzcv))

    def condition(self, cond: int) -> Value:
        """An i32 that is not zero exactly if the condition holds."""
        b = self._b
        if cond >= AL:
            return b.const_i32(1)
        record = b.deferred
        return _any(record if isinstance(record, Record) else self._stored, cond)

    def c(self) -> Value:
        """The carry flag, 0 or 1."""
        return self._b.get(C)

    def nzcv(self) -> Value:
        """The four flags as the NZCV register has them, an i32."""
        b = self._b
        result = b.const_i32(0)
        for slot, shift in ((N, 31), (Z, 30), (C, 29), (VF, 28)):
            result = b.i32_or(result, b.i32_shl(b.get(slot), b.const_i32(shift)))
        return result

    def set_nzcv(self, value: Value) -> None:
        """Set the four flags from the bits of an i32."""
        b = self._b
        for slot, shift in ((N, 31), (Z, 30), (C, 29), (VF, 28)):
            bit = b.i32_and(b.i32_shr_u(value, b.const_i32(shift)), b.const_i32(1))
            b.set(slot, bit)
