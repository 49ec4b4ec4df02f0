"""Owns emitting a block's effects, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.aot import encode as e
from wherever.aot.selection import (
    ACCESSES,
    BY_NAME,
    FOLDED,
    M32,
    PLAIN_STORE,
    RMW_LOAD,
    RMW_STORE,
    STORE_OF_EXTEND,
    STORE_OF_WRAP,
    STORES,
)
from wherever.aot.values import Values
from wherever.ir import opcodes as op
from wherever.ir.ops import BY_NUMBER, I32, I64, VOID, Kind
from wherever.ir.values import Asks, Block, Value
from wherever.isa.aarch64.registers import SP
from wherever.passes.facts import affine_of, is_load, may_vanish

if TYPE_CHECKING:
    from collections.abc import Sequence


class Expressions(Values):
    """Emits the effects and values of one function's blocks into `code`."""

    __slots__ = ()

    def effects(self, block: Block, ends: Sequence[Value]) -> None:
        """Count everything the block must do and leave, then emit the effects in order."""
        self.pending.clear()
        self.results.clear()
        self.chained.clear()
        self.roots.clear()
        # where NaNs are made exact in place, their functions take and give scalars
        self.packed = self.fuses and (self.leave is not None or block.asks is Asks.NOTHING)
        epoch = 0
        for effect in block.effects:
            if not is_load(effect.op):
                for arg in effect.args:
                    self.count(arg, epoch)
                epoch += 1
        for value in ends:
            self.count(value, epoch)
        self._count_unused(block.effects, epoch)
        self._find_bases(block.effects)
        self.epoch = 0
        for effect in block.effects:
            if is_load(effect.op):
                if effect.uses == 0:
                    if effect.place != -1:
                        self._load(effect)
                        self.code += e.DROP
                elif effect.uses > 1 or -2 - effect.place != self.epoch:
                    self._load(effect)
                    place = self.locals.temporary(effect.type)
                    effect.place = place
                    self.code += e.local_set(place)
            else:
                if self.roots:
                    self._ask()
                self._effect(effect)
                self.epoch += 1
        if self.roots:
            self._ask()

    def _find_bases(self, effects: Sequence[Value]) -> None:
        """Where several accesses lie around a register, some below it, compute the lowest address.

        Every access then is an offset from there: one below the register would be an addition each.
        """
        self.bases.clear()
        spans: dict[int, tuple[int, int, int]] = {}  # register -> lowest, highest, how many
        for effect in effects:
            if effect.op not in ACCESSES or (is_load(effect.op) and not effect.uses):
                continue
            register, distance = affine_of(effect.args[0])
            if register < 0:
                continue
            distance += effect.imm & M32
            low, high, many = spans.get(register, (distance, distance, 0))
            spans[register] = min(low, distance), max(high, distance), many + 1
        for register, (low, high, many) in spans.items():
            if many > 1 and low < 0 and high - low < FOLDED:
                place = self.locals.temporary(I32)
                code = self.code
                code += self.locals.read(register) + e.I32_WRAP + e.i32_const(low) + e.I32_ADD
                code += e.local_set(place)
                self.bases[register] = place, low

    def _count_unused(self, effects: Sequence[Value], epoch: int) -> None:
        """A load that nobody uses happens where it stands: it may fault."""
        for effect in reversed(effects):
            if not is_load(effect.op):
                epoch -= 1
            elif effect.uses == 0 and not may_vanish(effect, SP):
                effect.place = -2 - epoch
                for arg in effect.args:
                    self.count(arg, epoch)

    def _effect(self, value: Value) -> None:
        number = PLAIN_STORE.get(value.op, value.op)
        code = self.code
        args = value.args
        if number in STORES:
            offset = self.address(args[0], value.imm)
            stored = args[1]
            if self._single(stored):
                if stored.op == op.I32_WRAP_I64 and number in STORE_OF_WRAP:
                    number, stored = STORE_OF_WRAP[number], stored.args[0]
                elif stored.op == op.I64_EXTEND_I32_U and number in STORE_OF_EXTEND:
                    number, stored = STORE_OF_EXTEND[number], stored.args[0]
            self.emit(stored)
            code += e.MEMORY[number]
            code += e.unsigned(offset)
        elif number == op.CALL and self.runtime[value.imm][3]:
            self._exclusive(value, self.runtime[value.imm][3])
        elif number == op.CALL:
            for arg in args:
                self.emit(arg)
            code += e.call(self.runtime[value.imm][0])
            self._call_results(value)
        elif number == op.ATOMIC_FENCE:
            pass
        else:
            row = BY_NUMBER[number]
            if row.kind is Kind.STORE_LANE:
                offset = self.address(args[0], value.imm & M32)
                self.emit(args[1])
                code += e.MEMORY[number]
                code += e.unsigned(offset)
                code.append(value.imm >> 32)
            else:
                self._atomic(value)

    def _call_results(self, value: Value) -> None:
        if value.type != VOID:
            if value.uses:
                value.place = self.locals.temporary(value.type)
                self.code += e.local_set(value.place)
            else:
                self.code += e.DROP
            return
        places = [self.locals.temporary(type_) for type_ in self.runtime[value.imm][1]]
        self.results[id(value)] = places
        for place in reversed(places):
            self.code += e.local_set(place)

    def _exclusive(self, value: Value, exchange: int) -> None:
        """A store-exclusive in place (ADR 0031); a failed one touches no memory elsewhere."""
        locals_ = self.locals
        code = self.code
        operands: list[bytes] = []
        for arg in value.args:
            self.emit(arg)
            place = locals_.temporary(I64)
            code += e.local_set(place)
            operands.append(e.local_get(place))
        address, monitored, seen, new = operands
        failed = locals_.temporary(I32)
        access = BY_NUMBER[exchange].access
        code += e.i32_const(1) + e.local_set(failed)
        code += address + monitored + b"\x51" + e.IF  # i64.eq
        code += address + e.I32_WRAP + e.MEMORY[RMW_LOAD[I64, access]] + b"\0"
        code += seen + b"\x51" + e.IF
        code += address + e.I32_WRAP + new + e.MEMORY[RMW_STORE[I64, access]] + b"\0"
        code += e.i32_const(0) + e.local_set(failed)
        code += e.END + e.END
        value.place = failed

    def _atomic(self, value: Value) -> None:
        """A read-modify-write as a load and a store: nobody runs in between."""
        row = BY_NUMBER[value.op]
        what = row.name.rsplit(".", 1)[1].removesuffix("_u")
        key = (row.result, row.access)
        locals_ = self.locals
        code = self.code
        address = locals_.temporary(I32)
        old = locals_.temporary(row.result)
        offset = self.address(value.args[0], value.imm & M32)
        tail = e.unsigned(offset)
        code += e.local_tee(address) + e.MEMORY[RMW_LOAD[key]] + tail + e.local_set(old)
        prefix = "i32." if row.result == I32 else "i64."
        if what == "cmpxchg":
            expected = locals_.temporary(row.result)
            new = locals_.temporary(row.result)
            self.emit(value.args[1])
            code += e.local_set(expected)
            self.emit(value.args[2])
            code += e.local_set(new)
            code += e.local_get(address) + e.local_get(new) + e.local_get(old)
            code += e.local_get(old) + e.local_get(expected)
            code += b"\x46" if row.result == I32 else b"\x51"
            code += b"\x1b"
        else:
            operand = locals_.temporary(row.result)
            self.emit(value.args[1])
            code += e.local_set(operand) + e.local_get(address)
            if what == "xchg":
                code += e.local_get(operand)
            else:
                code += e.local_get(old) + e.local_get(operand)
                code += e.OPCODE[BY_NAME[prefix + what]]
        code += e.MEMORY[RMW_STORE[key]] + tail
        value.place = old
