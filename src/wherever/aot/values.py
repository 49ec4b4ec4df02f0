"""Owns emitting a block's values: expression trees onto Wasm's stack, shared ones into locals."""

from __future__ import annotations

from wherever.aot import encode as e
from wherever.aot.nans import BLIND, STICKY, SUM, implied, tests_itself, unequal
from wherever.aot.selection import (
    CONST_LOW,
    CONSTS,
    EXTRACT_LOW,
    FMA,
    FOLDED,
    FROM_LOW,
    HALF,
    HIGH,
    LANE_BYTES,
    LANES,
    LEAVES,
    LOAD_OF_EXTEND_U,
    LOAD_OF_WRAP,
    LOADS,
    LOW_BYTES,
    LOW_LANES,
    M32,
    M64,
    MASK,
    NARROW,
    NEGATIONS,
    PACKED,
    PLAIN_LOAD,
    REPLACE_LOW,
    SCALARS,
    SHIFT_S,
)
from wherever.aot.uses import Uses
from wherever.ir import opcodes as op
from wherever.ir.ops import BY_NUMBER, F64, I64, V128
from wherever.ir.values import Value
from wherever.passes.facts import affine_of, is_load


class Values(Uses):
    """Emits values."""

    __slots__ = ()

    def emit(self, value: Value) -> None:
        """Push a value."""
        number = value.op
        code = self.code
        if number == op.GET:
            slot = value.imm
            self.pending[slot] -= 1
            code += self.locals.reads.get(slot) or self.locals.read(slot)
            return
        if value.place >= 0:
            code += e.local_get(value.place)
            if self.packed and value.type in EXTRACT_LOW:
                self._scalar(value.place, value.type)
            return
        if number in CONSTS:
            self._const(value)
            return
        if self.packed and value.type in EXTRACT_LOW and self._in_low_lane(value):
            self.emit_low(value)
            code += EXTRACT_LOW[value.type]
            return
        self._compute(value)
        if value.uses > 1:
            place = self.locals.temporary(value.type)
            value.place = place
            code += e.local_tee(place)

    def _scalar(self, place: int, type_: int) -> None:
        """What was pushed of a local is to be a scalar, even if it is kept in a low lane."""
        if self.locals.types[place] == V128:
            self.code += EXTRACT_LOW[type_]

    def _in_low_lane(self, value: Value) -> bool:
        """Whether a value is the low lane of a vector, or is best computed there.

        Moving a scalar into a vector costs an instruction, though only once for all its uses; what
        is loaded for one use alone is part of that instruction where it stays a scalar.
        """
        if value.place >= 0:
            return self.locals.types[value.place] == V128
        number = value.op
        if number in FMA or number in CONST_LOW or number in NEGATIONS:
            return True
        if number in LOW_LANES:
            if value.imm:
                return False
            source = value.args[0]
            return source.op != op.GET or self.locals.packed or source.imm not in self.locals.narrow
        if number not in PACKED:
            return False
        return not any(arg.op in LOADS and self._single(arg) for arg in value.args)

    def emit_low(self, value: Value) -> None:
        """Push a vector whose low lane is a scalar; the others hold anything."""
        code = self.code
        number = value.op
        type_ = value.type
        if value.place >= 0:
            if self.locals.types[value.place] == V128:
                code += e.local_get(value.place)
            else:
                code += e.local_get(self.locals.zero_vector()) + e.local_get(value.place)
                code += REPLACE_LOW[type_]
            return
        if number in CONST_LOW:
            code += b"\xfd\x0c" + value.imm.to_bytes(16, "little")
            return
        if not self.packed or not self._in_low_lane(value):
            code += e.local_get(self.locals.zero_vector())
            if number in PACKED or number in STICKY:
                self._usual(value)
            else:
                self.emit(value)
            code += REPLACE_LOW[type_]
            return
        if number in LOW_LANES:
            self._vector(value.args[0])
        else:
            for arg in value.args:
                self._blind_low(arg)
            code += e.OPCODE[PACKED[number]]
        if value.uses > 1:
            value.place = self.locals.temporary(V128)
            code += e.local_tee(value.place)

    def _vector(self, value: Value) -> None:
        """Push a vector of which only the low lane is wanted."""
        if value.op == op.GET and value.imm in self.locals.narrow and self.locals.packed:
            self.pending[value.imm] -= 1
            self.code += e.local_get(self.locals.slot(value.imm))
        elif value.op == op.V128_AND and self._single(value) and _keeps_low(value.args[1]):
            self._vector(value.args[0])
        else:
            self.emit(value)

    def _low_twice(self, value: Value) -> bool:
        """Push both operands of a shuffle that looks at a scalar only, wherever that is a low lane.

        Nothing above it has to be cleared for that; whether it was so.
        """
        source, same = value.args
        width = LOW_BYTES.get(source.op)
        if not self.packed or width is None or source is not same or source.place >= 0:
            return False
        if any(lane >= width for lane in value.imm.to_bytes(16, "little")):
            return False
        scalar = source.args[0]
        if scalar.place >= 0 and self.locals.types[scalar.place] == V128:
            self.code += e.local_get(scalar.place) * 2
        elif source.uses == 2:
            self.emit_low(scalar)
            place = self.locals.temporary(V128)
            self.code += e.local_tee(place) + e.local_get(place)
        else:
            return False
        return True

    def emit_narrow(self, slot: int, value: Value) -> None:
        """Push what a value leaves in a narrowed register."""
        made = SCALARS.get(value.op)
        if self.locals.packed:
            if value.op in FROM_LOW and self._single(value):
                self.emit_low(value.args[0])
            else:
                self.emit(value)
        elif value.op == op.V128_CONST:
            wide = self.locals.narrow[slot] == F64
            self.code += b"\x44" if wide else b"\x43"
            self.code += value.imm.to_bytes(8 if wide else 4, "little")
        elif made is not None and self._single(value):
            self.emit(value.args[0])
            self.code += made
        else:
            self.emit(value)
            self.code += EXTRACT_LOW[self.locals.narrow[slot]]

    def compute_only(self, value: Value) -> None:
        """Push a shared value that is about to be kept in a register's local."""
        self._compute(value)

    def compute_any(self, value: Value) -> None:
        """Push a value of any kind, shared or not."""
        if value.op in LEAVES or value.place >= 0:
            self.emit(value)
        else:
            self._compute(value)

    def _const(self, value: Value) -> None:
        number = value.op
        if number == op.I64_CONST:
            self.code += e.i64_const(value.imm)
        elif number == op.I32_CONST:
            self.code += e.i32_const(value.imm)
        elif number == op.F32_CONST:
            self.code += b"\x43" + value.imm.to_bytes(4, "little")
        elif number == op.F64_CONST:
            self.code += b"\x44" + value.imm.to_bytes(8, "little")
        elif value.imm == 0:
            self.code += e.local_get(self.locals.zero_vector())
        else:
            self.code += b"\xfd\x0c" + value.imm.to_bytes(16, "little")

    def _compute(self, value: Value) -> None:
        number = value.op
        args = value.args
        code = self.code
        if is_load(number):
            self._load(value)
        elif number == op.I32_WRAP_I64:
            self.wrapped(args[0])
        elif number == op.I64_EXTEND_I32_U and self._single(args[0]):
            inner = args[0]
            wider = LOAD_OF_EXTEND_U.get(inner.op)
            if wider is not None:
                self._memory(wider, inner)
            else:
                self._compute(inner)
                code += e.I64_EXTEND_U
        elif number in LANES and args[0].op == op.GET and args[0].imm in self.locals.narrow:
            self.pending[args[0].imm] -= 1
            code += self.locals.read_scalar(args[0].imm, number)
        elif number in LANES:
            for arg in args:
                self.emit(arg)
            code += e.OPCODE[number]
            code.append(value.imm)
        elif number == op.I8X16_SHUFFLE:
            if not self._low_twice(value):
                self.emit(args[0])
                self.emit(args[1])
            code += b"\xfd\x0d" + value.imm.to_bytes(16, "little")
        elif number == op.RESULT:
            code += e.local_get(self.results[id(args[0])][value.imm])
        elif number in LANE_BYTES:
            code += e.local_get(self.locals.zero_vector())
            self.emit(args[0])
            code += LANE_BYTES[number]
        elif number in FMA:
            splat, fma, extract = FMA[number]
            for arg in args:
                self.emit(arg)
                code += e.OPCODE[splat]
            code += e.OPCODE[fma] + e.OPCODE[extract] + b"\0"
        elif number in HIGH:
            self._high(args[0], args[1], HIGH[number])
        elif number == op.RARELY:
            if tests_itself(value):
                self._exact(value)
            else:
                self._rarely(value)
        elif number in BLIND:
            for arg in args:
                self._blind(arg)
            code += e.OPCODE[number]
        elif number == op.SELECT and value.type == V128:
            for arg in args:
                self.emit(arg)
            code += b"\x1c\x01\x7b"
        elif number not in e.OPCODE:
            raise AssertionError(f"{BY_NUMBER[number].name} was to be emitted as an effect")
        else:
            for arg in args:
                self.emit(arg)
            code += e.OPCODE[number]

    def _high(self, a: Value, b: Value, shift: bytes) -> None:
        """The high half of a product of 128 bits, from four products of 32-bit halves.

        With signed shifts the high halves count their sign, and everything else is as unsigned
        (wasm's wide arithmetic is not in every runtime).
        """
        code = self.code
        low: list[bytes] = []
        high: list[bytes] = []
        for value in (a, b):
            if value.op == op.I64_CONST:
                top = value.imm >> 32 & M32
                if shift == SHIFT_S and top >> 31:
                    top -= 1 << 32
                low.append(e.i64_const(value.imm & M32))
                high.append(e.i64_const(top))
                continue
            place = self.locals.temporary(I64)
            self.emit(value)
            code += e.local_set(place)
            low.append(e.local_get(place) + MASK)
            high.append(e.local_get(place) + HALF + shift)
        carry = self.locals.temporary(I64)
        mul, add = e.OPCODE[op.I64_MUL], e.OPCODE[op.I64_ADD]
        # carry = high(a) low(b) + (low(a) low(b) >> 32); no sum here leaves 64 bits
        code += high[0] + low[1] + mul + low[0] + low[1] + mul + HALF + e.OPCODE[op.I64_SHR_U] + add
        code += e.local_set(carry)
        code += low[0] + high[1] + mul + e.local_get(carry) + MASK + add + HALF + shift
        code += high[0] + high[1] + mul + add + e.local_get(carry) + HALF + shift + add

    def _single(self, value: Value) -> bool:
        """Whether a value is computed here and nowhere else."""
        return value.uses == 1 and value.place < 0 and value.op != op.GET and value.op not in CONSTS

    def wrapped(self, value: Value) -> None:
        """Push the low 32 bits of an i64, pushing the wrap down as far as it is free."""
        number = value.op
        code = self.code
        if number == op.I64_CONST:
            code += e.i32_const(value.imm)
            return
        if self._single(value):
            narrow = NARROW.get(number)
            if narrow is not None:
                self.wrapped(value.args[0])
                self.wrapped(value.args[1])
                code += e.OPCODE[narrow]
                return
            if number in (op.I64_EXTEND_I32_U, op.I64_EXTEND_I32_S):
                self.emit(value.args[0])
                return
            if number == op.I64_EXTEND32_S:
                self.wrapped(value.args[0])
                return
            if number == op.I64_SHL and value.args[1].op == op.I64_CONST:
                amount = value.args[1].imm & 63
                if amount < 32:
                    self.wrapped(value.args[0])
                    code += e.i32_const(amount) + b"\x74"
                    return
            load = LOAD_OF_WRAP.get(number)
            if load is not None:
                self._memory(load, value)
                return
        self.emit(value)
        code += e.I32_WRAP

    def condition(self, value: Value) -> bool:
        """Push a condition; whether it is inverted (control goes where it is zero)."""
        if self._single(value):
            number = value.op
            if number == op.I32_EQZ:
                return not self.condition(value.args[0])
            if number == op.I32_NE and value.args[1].op == op.I32_CONST and not value.args[1].imm:
                self.emit(value.args[0])
                return False
            if number == op.I64_NE and value.args[1].op == op.I64_CONST and not value.args[1].imm:
                self.emit(value.args[0])
                self.code += b"\x50"
                return True
        self.emit(value)
        return False

    # -- memory

    def address(self, value: Value, offset: int) -> int:
        """Push a 32-bit address; the offset that is left."""
        if self.bases:
            register, distance = affine_of(value)
            base = self.bases.get(register)
            if base is not None and 0 <= distance + offset - base[1] < FOLDED:
                self.code += e.local_get(base[0])
                self.uncount(value)
                return distance + offset - base[1]
        if value.op == op.I64_CONST:
            at = (value.imm & M32) + offset
            if at <= M32:
                # a small constant operand and the rest as offset costs the same; keep one form
                self.code += e.i32_const(at)
                return 0
        self.wrapped(value)
        return offset

    def _load(self, value: Value) -> None:
        self._memory(PLAIN_LOAD.get(value.op, value.op), value)

    def _memory(self, number: int, value: Value) -> None:
        """A load, perhaps of another width than the value says."""
        offset = self.address(value.args[0], value.imm & M32)
        code = self.code
        if len(value.args) > 1:
            self.emit(value.args[1])
        code += e.MEMORY[number]
        code += e.unsigned(offset)
        if len(value.args) > 1:
            code.append(value.imm >> 32)

    # -- exact NaNs

    def _blind(self, value: Value) -> None:
        """Push a value for a use that does not tell NaNs apart."""
        if self.chained.get(id(value)):
            self._usual(value.args[1])
        else:
            self.emit(value)

    def _blind_low(self, value: Value) -> None:
        """The same, as a low lane."""
        self.emit_low(value.args[1] if self.chained.get(id(value)) else value)

    def _usual(self, usual: Value) -> None:
        """Push the result of arithmetic, from operands whose NaNs need not be exact yet."""
        code = self.code
        if usual.place >= 0:
            code += e.local_get(usual.place)
            if self.packed and usual.type in EXTRACT_LOW:
                self._scalar(usual.place, usual.type)
            return
        if self.packed and self._in_low_lane(usual):
            self.emit_low(usual)
            code += EXTRACT_LOW[usual.type]
            return
        fused = FMA.get(usual.op)
        for arg in usual.args:
            self._blind(arg)
            if fused is not None:
                code += e.OPCODE[fused[0]]
        if fused is None:
            code += e.OPCODE[usual.op]
        else:
            code += e.OPCODE[fused[1]] + e.OPCODE[fused[2]] + b"\0"
        if usual.uses > 1:
            usual.place = self.locals.temporary(usual.type)
            code += e.local_tee(usual.place)

    def _ask(self) -> None:
        """Leave for the exact body in every rare case; what is left has its usual value."""
        assert self.leave is not None
        code = self.code
        together: dict[int, list[int]] = {}  # the operation that compares -> locals of results
        silent = implied(self.roots)
        for root in self.roots:
            usual = root.args[1]
            if tests_itself(root):
                if usual.place < 0:
                    self._usual(usual)
                    code += e.DROP
                root.place = usual.place
                if id(root) not in silent:
                    together.setdefault(unequal(root), []).append(usual.place)
            else:
                self.emit(usual)
                root.place = self.locals.temporary(root.type)
                code += e.local_set(root.place)
                self.emit(root.args[0])
                self.leave()
        for number, places in together.items():
            place = places[0]
            if len(places) > 1:
                # a sum is a NaN if one of its terms is (or infinities meet, which does no harm)
                self._term(place, number)
                for other in places[1:]:
                    self._term(other, number)
                    code += e.OPCODE[SUM[number]]
                place = self.locals.temporary(BY_NUMBER[SUM[number]].result)
                code += e.local_set(place)
            self._term(place, number)
            self._term(place, number)
            code += e.OPCODE[number]
            if BY_NUMBER[SUM[number]].result == V128:
                code += e.OPCODE[op.V128_ANY_TRUE]
            self.leave()
        self.roots.clear()

    def _term(self, place: int, number: int) -> None:
        """Push a result that is asked about by this operation."""
        self.code += e.local_get(place)
        type_ = BY_NUMBER[SUM[number]].result
        if type_ != V128:
            self._scalar(place, type_)

    def _exact(self, value: Value) -> None:
        """Push a result with the NaN that it has to be (rule `nan-late`)."""
        code = self.code
        self._usual(value.args[1])
        code += e.DROP
        self._correct(value, set())
        code += e.local_get(value.args[1].place)

    def _correct(self, value: Value, seen: set[int]) -> None:
        """Make the local of a result exact, where it is a NaN."""
        code = self.code
        usual = value.args[1]
        place = e.local_get(usual.place)
        code += place + place + e.OPCODE[unequal(value)]
        if usual.type == V128:
            code += e.OPCODE[op.V128_ANY_TRUE]
        code += e.IF
        for arg in value.args[2:]:
            if self.chained.get(id(arg)) and id(arg) not in seen:
                seen.add(id(arg))
                self._correct(arg, seen)
        for arg in value.args[2:]:
            if arg is usual:
                code += place
            elif self.chained.get(id(arg)):
                code += e.local_get(arg.args[1].place)
            else:
                self.emit(arg)
        code += e.call(self.runtime[value.imm][0]) + e.local_set(usual.place) + e.END

    def _rarely(self, value: Value) -> None:
        """The usual value; in the rare case, in a branch, what the function makes of the rest."""
        code = self.code
        condition, usual, *args = value.args
        result = self.locals.temporary(value.type)
        self.emit(usual)
        code += e.local_set(result)
        for arg in args:
            # what others share must be computed on both ways
            if arg.place < 0 and arg.op != op.GET and arg.op not in CONSTS:
                self.compute_any(arg)
                arg.place = self.locals.temporary(arg.type)
                code += e.local_set(arg.place)
        self.emit(condition)
        code += e.IF
        for arg in args:
            self.emit(arg)
        code += e.call(self.runtime[value.imm][0]) + e.local_set(result) + e.END
        code += e.local_get(result)


def _keeps_low(mask: Value) -> bool:
    """Whether a vector is a mask that leaves the low 64 bits as they are."""
    return mask.op == op.V128_CONST and mask.imm & M64 == M64
