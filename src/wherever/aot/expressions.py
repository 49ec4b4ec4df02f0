"""Owns emitting one block's values: expression trees onto Wasm's stack, shared ones into locals.

Order is kept by three rules. Effects are emitted as listed. A load used once is emitted inside its
user if nothing writes memory in between, else it is emitted where it stands. Registers keep their
entry values in their locals until the end of the block; then the changed ones are assigned, each
once nothing is left that reads its old value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.aot import encode as e
from wherever.aot.nans import BLIND, MAX_CHAIN, SUM, tests_itself, unequal
from wherever.ir import opcodes as op
from wherever.ir.ops import BY_NUMBER, F32, F64, I32, I64, V128, VOID, Kind
from wherever.ir.values import Block, Value
from wherever.passes.facts import is_load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOADS: Final = frozenset(n for n, row in BY_NUMBER.items() if row.kind is Kind.LOAD)
_STORES: Final = frozenset(n for n, row in BY_NUMBER.items() if row.kind is Kind.STORE)
_LANES: Final = frozenset(n for n, row in BY_NUMBER.items() if row.kind is Kind.LANE)
_CONSTS: Final = frozenset((op.I32_CONST, op.I64_CONST, op.F32_CONST, op.F64_CONST, op.V128_CONST))
# what has no operands and is emitted anew at each use
LEAVES: Final = _CONSTS | {op.GET}
_M32: Final = 0xFFFF_FFFF
# a store of an extended or wrapped value stores the value itself
_STORE_OF_WRAP: Final = {
    op.I32_STORE: op.I64_STORE32,
    op.I32_STORE8: op.I64_STORE8,
    op.I32_STORE16: op.I64_STORE16,
}
_STORE_OF_EXTEND: Final = {
    op.I64_STORE32: op.I32_STORE,
    op.I64_STORE8: op.I32_STORE8,
    op.I64_STORE16: op.I32_STORE16,
}
_LOAD_OF_EXTEND_U: Final = {
    op.I32_LOAD: op.I64_LOAD32_U,
    op.I32_LOAD8_U: op.I64_LOAD8_U,
    op.I32_LOAD16_U: op.I64_LOAD16_U,
}
_LOAD_OF_WRAP: Final = {
    op.I64_LOAD: op.I32_LOAD,
    op.I64_LOAD32_U: op.I32_LOAD,
    op.I64_LOAD32_S: op.I32_LOAD,
    op.I64_LOAD8_U: op.I32_LOAD8_U,
    op.I64_LOAD8_S: op.I32_LOAD8_S,
    op.I64_LOAD16_U: op.I32_LOAD16_U,
    op.I64_LOAD16_S: op.I32_LOAD16_S,
}
# wrapping a 64-bit operation is the 32-bit operation on wrapped operands
_NARROW: Final = {
    op.I64_ADD: op.I32_ADD,
    op.I64_SUB: op.I32_SUB,
    op.I64_MUL: op.I32_MUL,
    op.I64_AND: op.I32_AND,
    op.I64_OR: op.I32_OR,
    op.I64_XOR: op.I32_XOR,
}
_LANE_BYTES: Final = {
    op.V128_FROM_F32: e.OPCODE[op.F32X4_REPLACE_LANE] + b"\0",
    op.V128_FROM_F64: e.OPCODE[op.F64X2_REPLACE_LANE] + b"\0",
    op.V128_FROM_I32: e.OPCODE[op.I32X4_REPLACE_LANE] + b"\0",
    op.V128_FROM_I64: e.OPCODE[op.I64X2_REPLACE_LANE] + b"\0",
}
# between a scalar and the low lane of a vector
_WIDEN: Final = {F32: op.V128_FROM_F32, F64: op.V128_FROM_F64}
_LOW: Final = {F32: op.F32X4_EXTRACT_LANE, F64: op.F64X2_EXTRACT_LANE}
# a vector whose low lane is of the type of its operand, and what makes the operand the other type
_SCALARS: Final = {
    op.V128_FROM_F64: b"",
    op.V128_FROM_I64: e.OPCODE[op.F64_REINTERPRET_I64],
    op.V128_FROM_F32: b"",
    op.V128_FROM_I32: e.OPCODE[op.F32_REINTERPRET_I32],
}
_FMA: Final = {
    op.F32_FMA: (op.F32X4_SPLAT, op.F32X4_RELAXED_MADD, op.F32X4_EXTRACT_LANE),
    op.F64_FMA: (op.F64X2_SPLAT, op.F64X2_RELAXED_MADD, op.F64X2_EXTRACT_LANE),
}
# plain loads and stores for the atomic ones: one thread runs at a time
_PLAIN_LOAD: Final = {
    op.I32_ATOMIC_LOAD: op.I32_LOAD,
    op.I64_ATOMIC_LOAD: op.I64_LOAD,
    op.I32_ATOMIC_LOAD8_U: op.I32_LOAD8_U,
    op.I32_ATOMIC_LOAD16_U: op.I32_LOAD16_U,
    op.I64_ATOMIC_LOAD8_U: op.I64_LOAD8_U,
    op.I64_ATOMIC_LOAD16_U: op.I64_LOAD16_U,
    op.I64_ATOMIC_LOAD32_U: op.I64_LOAD32_U,
}
_PLAIN_STORE: Final = {
    op.I32_ATOMIC_STORE: op.I32_STORE,
    op.I64_ATOMIC_STORE: op.I64_STORE,
    op.I32_ATOMIC_STORE8: op.I32_STORE8,
    op.I32_ATOMIC_STORE16: op.I32_STORE16,
    op.I64_ATOMIC_STORE8: op.I64_STORE8,
    op.I64_ATOMIC_STORE16: op.I64_STORE16,
    op.I64_ATOMIC_STORE32: op.I64_STORE32,
}
_RMW_LOAD: Final = {
    (I32, 4): op.I32_LOAD,
    (I32, 1): op.I32_LOAD8_U,
    (I32, 2): op.I32_LOAD16_U,
    (I64, 8): op.I64_LOAD,
    (I64, 1): op.I64_LOAD8_U,
    (I64, 2): op.I64_LOAD16_U,
    (I64, 4): op.I64_LOAD32_U,
}
_RMW_STORE: Final = {
    (I32, 4): op.I32_STORE,
    (I32, 1): op.I32_STORE8,
    (I32, 2): op.I32_STORE16,
    (I64, 8): op.I64_STORE,
    (I64, 1): op.I64_STORE8,
    (I64, 2): op.I64_STORE16,
    (I64, 4): op.I64_STORE32,
}


# of a runtime function: its index, the types of its results, whether it always gives a NaN
RuntimeRow = tuple[int, tuple[int, ...], bool]


class Locals:
    """A function's locals: registers keep one for good, temporaries are reused block by block."""

    __slots__ = ("_free", "_used", "narrow", "reads", "registers", "slots", "types", "zero")

    def __init__(self, parameters: Sequence[int], registers: Sequence[int]) -> None:
        self.registers = registers  # the type of each
        self.types = [registers[slot] for slot in parameters]
        self.slots = {slot: i for i, slot in enumerate(parameters)}
        self.reads: dict[int, bytes] = {}  # register -> the instructions that push it
        self.narrow: dict[int, int] = {}  # vector register -> the type of the scalar that it is
        self._free: dict[int, list[int]] = {}
        self._used: list[int] = []
        self.zero = -1

    def new(self, type_: int) -> int:
        """A local that nothing else uses."""
        self.types.append(type_)
        return len(self.types) - 1

    def slot(self, slot: int) -> int:
        """The local of a register."""
        index = self.slots.get(slot)
        if index is None:
            index = self.slots[slot] = self.new(self.narrow.get(slot) or self.registers[slot])
        return index

    def make_narrow(self, types: dict[int, int]) -> bytes:
        """Keep registers as scalars from now on; the code that narrows parameters."""
        code = b""
        self.narrow = types
        for slot in types:
            parameter = self.slots.pop(slot, -1)
            if parameter >= 0:
                code += e.local_get(parameter) + self.write(slot)
        return code

    def read(self, slot: int) -> bytes:
        """Push a register."""
        code = self.reads.get(slot)
        if code is None:
            code = e.local_get(self.slot(slot))
            type_ = self.narrow.get(slot)
            if type_ is not None:
                code = e.local_get(self.zero_vector()) + code + _LANE_BYTES[_WIDEN[type_]]
            self.reads[slot] = code
        return code

    def read_scalar(self, slot: int, number: int) -> bytes:
        """Push what a low lane of a narrowed register is, by the operation that extracts it."""
        code = e.local_get(self.slot(slot))
        if number == op.I64X2_EXTRACT_LANE:
            return code + e.OPCODE[op.I64_REINTERPRET_F64]
        if number == op.I32X4_EXTRACT_LANE:
            return code + e.OPCODE[op.I32_REINTERPRET_F32]
        return code

    def write(self, slot: int) -> bytes:
        """Pop into a register."""
        code = e.local_set(self.slot(slot))
        type_ = self.narrow.get(slot)
        return code if type_ is None else e.OPCODE[_LOW[type_]] + b"\0" + code

    def temporary(self, type_: int) -> int:
        """A local until the end of the block."""
        free = self._free.get(type_)
        index = free.pop() if free else self.new(type_)
        self._used.append(index)
        return index

    def release(self) -> None:
        """The block ends: its temporaries are free again."""
        for index in self._used:
            self._free.setdefault(self.types[index], []).append(index)
        self._used.clear()

    def zero_vector(self) -> int:
        """A vector local that nobody writes: all zero."""
        if self.zero < 0:
            self.zero = self.new(V128)
        return self.zero


class Expressions:
    """Emits the values of one function's blocks into `code`."""

    __slots__ = (
        "chained",
        "code",
        "epoch",
        "helpers",
        "leave",
        "locals",
        "pending",
        "results",
        "roots",
        "runtime",
    )

    def __init__(
        self,
        code: bytearray,
        locals_: Locals,
        runtime: Sequence[RuntimeRow],
        helpers: dict[int, int],
    ) -> None:
        self.code = code
        self.locals = locals_
        self.runtime = runtime  # function index and result types of each runtime function
        self.helpers = helpers  # function index of what has no instruction: mulh
        self.pending: dict[int, int] = {}  # register -> reads of its entry value still to come
        self.results: dict[int, list[int]] = {}  # id of a call -> locals of its results
        self.epoch = 0
        self.chained: dict[int, bool] = {}  # id of a `rarely` -> whether it is made exact late
        # where the block can begin anew: leaves for there if the condition on the stack holds
        self.leave: Callable[[], None] | None = None
        self.roots: list[Value] = []  # what asks before the block's first effect

    # -- counting

    def count(self, value: Value, epoch: int) -> None:
        """One more use of a value; on the first, of its operands too."""
        value.uses += 1
        if value.op == op.GET:
            self.pending[value.imm] = self.pending.get(value.imm, 0) + 1
            return
        if value.uses > 1:
            return
        value.place = -1
        number = value.op
        if is_load(number):
            value.place = -2 - epoch  # remembers when its first user runs
        elif number == op.RARELY:
            itself = tests_itself(value)
            if itself:
                self._count_usual(value.args[1], epoch, 1)
            if self.leave is not None:
                if not itself:
                    self.count(value.args[0], epoch)
                    self.count(value.args[1], epoch)
                value.args[1].uses += 1
                self.roots.append(value)
                return
            if itself:
                self._count_exact(value, epoch, set())
                return
        elif number in BLIND:
            for arg in value.args:
                self._count_blind(arg, epoch, 0)
            return
        for arg in value.args:
            self.count(arg, epoch)

    def _late(self, value: Value, depth: int) -> bool:
        """Whether a value's exact NaN is left to whoever ends the chain; decided once."""
        if value.op != op.RARELY:
            return False
        known = self.chained.get(id(value))
        if known is None:
            known = depth < MAX_CHAIN and self.runtime[value.imm][2] and tests_itself(value)
            self.chained[id(value)] = known
            if known and not value.uses:
                value.place = -2  # so that it is reset, though nobody may count it
        return known

    def _count_blind(self, value: Value, epoch: int, depth: int) -> None:
        """A use that does not tell NaNs apart."""
        if self._late(value, depth):
            self._count_usual(value.args[1], epoch, depth + 1)
        else:
            self.count(value, epoch)

    def _count_usual(self, usual: Value, epoch: int, depth: int) -> None:
        usual.uses += 1
        if usual.uses == 1:
            usual.place = -1
            for arg in usual.args:
                self._count_blind(arg, epoch, depth)

    def _count_exact(self, value: Value, epoch: int, seen: set[int]) -> None:
        """What the branch of a NaN reads: so each of it is shared, and in a local by then."""
        value.args[1].uses += 1
        for arg in value.args[2:]:
            if self.chained.get(id(arg)):
                if id(arg) not in seen:
                    seen.add(id(arg))
                    self._count_exact(arg, epoch, seen)
            elif arg is not value.args[1]:
                self.count(arg, epoch)

    def reset(self, value: Value) -> None:
        """Forget the counts below a root."""
        if value.uses or value.place != -1:
            value.uses = 0
            value.place = -1
            for arg in value.args:
                self.reset(arg)

    def done(self, block: Block, ends: Sequence[Value]) -> None:
        """Leave the values as they were found: another function may have the block too."""
        for effect in block.effects:
            self.reset(effect)
            for arg in effect.args:
                self.reset(arg)
        for value in ends:
            self.reset(value)
        self.locals.release()

    def effects(self, block: Block, ends: Sequence[Value]) -> None:
        """Count everything the block must do and leave, then emit the effects in order."""
        self.pending.clear()
        self.results.clear()
        self.chained.clear()
        self.roots.clear()
        epoch = 0
        for effect in block.effects:
            if not is_load(effect.op):
                for arg in effect.args:
                    self.count(arg, epoch)
                epoch += 1
        for value in ends:
            self.count(value, epoch)
        self.epoch = 0
        for effect in block.effects:
            if is_load(effect.op):
                if effect.uses and (effect.uses > 1 or -2 - effect.place != self.epoch):
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

    # -- values

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
            return
        if number in _CONSTS:
            self._const(value)
            return
        self._compute(value)
        if value.uses > 1:
            place = self.locals.temporary(value.type)
            value.place = place
            code += e.local_tee(place)

    def emit_narrow(self, slot: int, value: Value) -> None:
        """Push the scalar that a value leaves in a narrowed register."""
        made = _SCALARS.get(value.op)
        if value.op == op.V128_CONST:
            wide = self.locals.narrow[slot] == F64
            self.code += b"\x44" if wide else b"\x43"
            self.code += value.imm.to_bytes(8 if wide else 4, "little")
        elif made is not None and self._single(value):
            self.emit(value.args[0])
            self.code += made
        else:
            self.emit(value)
            self.code += e.OPCODE[_LOW[self.locals.narrow[slot]]] + b"\0"

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
            wider = _LOAD_OF_EXTEND_U.get(inner.op)
            if wider is not None:
                self._memory(wider, inner)
            else:
                self._compute(inner)
                code += e.I64_EXTEND_U
        elif number in _LANES and args[0].op == op.GET and args[0].imm in self.locals.narrow:
            self.pending[args[0].imm] -= 1
            code += self.locals.read_scalar(args[0].imm, number)
        elif number in _LANES:
            for arg in args:
                self.emit(arg)
            code += e.OPCODE[number]
            code.append(value.imm)
        elif number == op.I8X16_SHUFFLE:
            self.emit(args[0])
            self.emit(args[1])
            code += b"\xfd\x0d" + value.imm.to_bytes(16, "little")
        elif number == op.RESULT:
            code += e.local_get(self.results[id(args[0])][value.imm])
        elif number in _LANE_BYTES:
            code += e.local_get(self.locals.zero_vector())
            self.emit(args[0])
            code += _LANE_BYTES[number]
        elif number in _FMA:
            splat, fma, extract = _FMA[number]
            for arg in args:
                self.emit(arg)
                code += e.OPCODE[splat]
            code += e.OPCODE[fma] + e.OPCODE[extract] + b"\0"
        elif number in self.helpers:
            for arg in args:
                self.emit(arg)
            code += e.call(self.helpers[number])
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

    def _blind(self, value: Value) -> None:
        """Push a value for a use that does not tell NaNs apart."""
        if self.chained.get(id(value)):
            self._usual(value.args[1])
        else:
            self.emit(value)

    def _usual(self, usual: Value) -> None:
        """Push the result of arithmetic, from operands whose NaNs need not be exact yet."""
        code = self.code
        if usual.place >= 0:
            code += e.local_get(usual.place)
            return
        fused = _FMA.get(usual.op)
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
        for root in self.roots:
            usual = root.args[1]
            if tests_itself(root):
                if usual.place < 0:
                    self._usual(usual)
                    code += e.DROP
                root.place = usual.place
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
                code += e.local_get(place)
                for other in places[1:]:
                    code += e.local_get(other) + e.OPCODE[SUM[number]]
                place = self.locals.temporary(self.locals.types[place])
                code += e.local_set(place)
            code += e.local_get(place) + e.local_get(place) + e.OPCODE[number]
            if self.locals.types[place] == V128:
                code += e.OPCODE[op.V128_ANY_TRUE]
            self.leave()
        self.roots.clear()

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
            if arg.place < 0 and arg.op != op.GET and arg.op not in _CONSTS:
                self.compute_any(arg)
                arg.place = self.locals.temporary(arg.type)
                code += e.local_set(arg.place)
        self.emit(condition)
        code += e.IF
        for arg in args:
            self.emit(arg)
        code += e.call(self.runtime[value.imm][0]) + e.local_set(result) + e.END
        code += e.local_get(result)

    def _single(self, value: Value) -> bool:
        """Whether a value is computed here and nowhere else."""
        return (
            value.uses == 1 and value.place < 0 and value.op != op.GET and value.op not in _CONSTS
        )

    def wrapped(self, value: Value) -> None:
        """Push the low 32 bits of an i64, pushing the wrap down as far as it is free."""
        number = value.op
        code = self.code
        if number == op.I64_CONST:
            code += e.i32_const(value.imm)
            return
        if self._single(value):
            narrow = _NARROW.get(number)
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
            load = _LOAD_OF_WRAP.get(number)
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

    def _address(self, value: Value, offset: int) -> int:
        """Push a 32-bit address; the offset that is left."""
        if value.op == op.I64_CONST:
            at = (value.imm & _M32) + offset
            if at <= _M32:
                # a small constant operand and the rest as offset costs the same; keep one form
                self.code += e.i32_const(at)
                return 0
        self.wrapped(value)
        return offset

    def _load(self, value: Value) -> None:
        self._memory(_PLAIN_LOAD.get(value.op, value.op), value)

    def _memory(self, number: int, value: Value) -> None:
        """A load, perhaps of another width than the value says."""
        offset = self._address(value.args[0], value.imm & _M32)
        code = self.code
        if len(value.args) > 1:
            self.emit(value.args[1])
        code += e.MEMORY[number]
        code += e.unsigned(offset)
        if len(value.args) > 1:
            code.append(value.imm >> 32)

    def _effect(self, value: Value) -> None:
        number = _PLAIN_STORE.get(value.op, value.op)
        code = self.code
        args = value.args
        if number in _STORES:
            offset = self._address(args[0], value.imm)
            stored = args[1]
            if self._single(stored):
                if stored.op == op.I32_WRAP_I64 and number in _STORE_OF_WRAP:
                    number, stored = _STORE_OF_WRAP[number], stored.args[0]
                elif stored.op == op.I64_EXTEND_I32_U and number in _STORE_OF_EXTEND:
                    number, stored = _STORE_OF_EXTEND[number], stored.args[0]
            self.emit(stored)
            code += e.MEMORY[number]
            code += e.unsigned(offset)
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
                offset = self._address(args[0], value.imm & _M32)
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

    def _atomic(self, value: Value) -> None:
        """A read-modify-write as a load and a store: nobody runs in between."""
        row = BY_NUMBER[value.op]
        what = row.name.rsplit(".", 1)[1].removesuffix("_u")
        key = (row.result, row.access)
        locals_ = self.locals
        code = self.code
        address = locals_.temporary(I32)
        old = locals_.temporary(row.result)
        offset = self._address(value.args[0], value.imm & _M32)
        tail = e.unsigned(offset)
        code += e.local_tee(address) + e.MEMORY[_RMW_LOAD[key]] + tail + e.local_set(old)
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
                code += e.OPCODE[_BY_NAME[prefix + what]]
        code += e.MEMORY[_RMW_STORE[key]] + tail
        value.place = old


_BY_NAME: Final = {row.name: number for number, row in BY_NUMBER.items()}
