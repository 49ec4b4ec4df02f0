"""Owns the builder: how instruction semantics say what they mean, one block at a time.

`b.get(slot)` and `b.set(slot, value)` are guest registers; `b.i64_add(x, y)` and its 330 siblings
are Wasm's operations (generated, see `build_ops.py`); memory is addressed by 64-bit guest
addresses; exactly one of the exits ends the block. See the room's README for examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes
from wherever.ir.build_ops import OpBuilder
from wherever.ir.ops import BY_NUMBER, F32, F64, I32, I64, V128, VOID, Kind
from wherever.ir.values import (
    Asks,
    Block,
    Deferred,
    Exit,
    ExitKind,
    Function,
    Registers,
    RuntimeFunction,
    Slot,
    TrapKind,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOADS: Final = frozenset(
    number for number, op in BY_NUMBER.items() if op.kind in (Kind.LOAD, Kind.LOAD_LANE)
)
_M32: Final = 0xFFFF_FFFF
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF
_M128: Final = (1 << 128) - 1
_RESULT_TYPE: Final[dict[int, int]] = {number: op.result for number, op in BY_NUMBER.items()}
_C32: Final = opcodes.I32_CONST
# Below this much is never mapped, so an address that wraps past 4 GiB by less still faults.
_FOLDABLE_OFFSET: Final = 0x1_0000


class PureBuilder(OpBuilder):
    """Builds what needs no block: constants and operations on values."""

    __slots__ = ()

    # -- constants

    def const_i32(self, value: int) -> Value:
        """`i32.const`."""
        return Value(opcodes.I32_CONST, I32, (), value & _M32)

    def const_i64(self, value: int) -> Value:
        """`i64.const`."""
        return Value(opcodes.I64_CONST, I64, (), value & _M64)

    def const_f32(self, bits: int) -> Value:
        """`f32.const`, given as its bit pattern."""
        return Value(opcodes.F32_CONST, F32, (), bits & _M32)

    def const_f64(self, bits: int) -> Value:
        """`f64.const`, given as its bit pattern."""
        return Value(opcodes.F64_CONST, F64, (), bits & _M64)

    def const_v128(self, bits: int) -> Value:
        """`v128.const`, given as a little-endian 128-bit number."""
        return Value(opcodes.V128_CONST, V128, (), bits & _M128)

    # -- values with shapes of their own

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        """`yes` where the i32 condition is not zero, else `no` (both are evaluated)."""
        if condition.op == _C32:
            return yes if condition.imm else no
        if yes is no:
            return yes
        return Value(opcodes.SELECT, yes.type, (yes, no, condition), 0)

    def i8x16_shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """`i8x16.shuffle`: sixteen bytes picked from the 32 of a and b."""
        return Value(opcodes.I8X16_SHUFFLE, V128, (a, b), int.from_bytes(bytes(lanes), "little"))


PURE: Final = PureBuilder()


class Builder(PureBuilder):
    """Builds blocks of one function."""

    __slots__ = (
        "_types",
        "block",
        "deferred",
        "done",
        "effects",
        "loads",
        "next",
        "pc",
        "runtime",
        "values",
    )

    def __init__(self, registers: Registers, runtime: RuntimeTable | None = None) -> None:
        self._types = registers.types
        self.runtime = RuntimeTable() if runtime is None else runtime
        self.pc = 0  # address of the instruction whose semantics run
        self.next = 0  # address of the one after it
        self.begin(0)

    # -- blocks

    def begin(self, start: int) -> None:
        """Start a block."""
        self.block = Block(start)
        self.effects = self.block.effects
        self.loads = 0  # so many of the first effects are loads
        self.values: dict[Slot, Value] = {}
        self.deferred: Deferred | None = None
        self.done = False

    def finish(self) -> Block:
        """End the block, falling through to `next` where no exit was given."""
        block = self.block
        if not self.done:
            self.jump(self.next)
        outs = block.outs
        for slot, value in self.values.items():
            if value.op != opcodes.GET or value.imm != slot:
                outs[slot] = value
        block.deferred = self.deferred
        block.end = self.next
        return block

    def reopen(self, block: Block) -> None:
        """Go on with a finished block, to give it more outs."""
        self.block = block
        self.effects = block.effects
        self.loads = 0
        self.values = block.outs
        self.deferred = block.deferred
        self.done = True

    # -- registers

    def get(self, slot: Slot) -> Value:
        """The value of a guest register here."""
        value = self.values.get(slot)
        if value is None:
            if self.deferred is not None and slot in self.deferred.slots:
                value = self.deferred.value(slot)
            else:
                value = Value(opcodes.GET, self._types[slot], (), slot)
            self.values[slot] = value
        return value

    def set(self, slot: Slot, value: Value) -> None:
        """Give a guest register a value."""
        if self.deferred is not None and slot in self.deferred.slots:
            self.settle()
        self.values[slot] = value

    def defer(self, record: Deferred) -> None:
        """Give the record's registers values that are computed only where they are read."""
        if self.deferred is not None and not self.deferred.slots <= record.slots:
            self.settle()
        for slot in record.slots:
            self.values.pop(slot, None)
        self.deferred = record

    def settle(self) -> None:
        """Compute every deferred register now."""
        record = self.deferred
        if record is not None:
            for slot in sorted(record.slots):
                self.get(slot)
            self.deferred = None

    # -- memory; addresses are 64-bit guest addresses

    def _address(self, address: Value, offset: int) -> tuple[Value, int]:
        if offset and not 0 <= offset < _FOLDABLE_OFFSET:
            return self.i64_add(address, self.const_i64(offset)), 0
        if (
            address.op == opcodes.I64_ADD
            and address.args[1].op == opcodes.I64_CONST
            and address.args[1].imm + offset < _FOLDABLE_OFFSET
        ):
            return address.args[0], address.args[1].imm + offset
        return address, offset

    def load(self, op: int, address: Value, offset: int = 0) -> Value:
        """A load, by opcode: `b.load(opcodes.I64_LOAD32_U, base, 8)`."""
        address, offset = self._address(address, offset)
        value = Value(op, _RESULT_TYPE[op], (address,), offset)
        self.effects.append(value)
        return value

    def store(self, op: int, address: Value, value: Value, offset: int = 0) -> None:
        """A store, by opcode."""
        address, offset = self._address(address, offset)
        self.effects.append(Value(op, VOID, (address, value), offset))

    def load_lane(
        self, op: int, address: Value, vector: Value, lane: int, offset: int = 0
    ) -> Value:
        """`v128.loadN_lane`: the vector with one lane from memory."""
        address, offset = self._address(address, offset)
        value = Value(op, V128, (address, vector), lane << 32 | offset)
        self.effects.append(value)
        return value

    def store_lane(
        self, op: int, address: Value, vector: Value, lane: int, offset: int = 0
    ) -> None:
        """`v128.storeN_lane`: one lane to memory."""
        address, offset = self._address(address, offset)
        self.effects.append(Value(op, VOID, (address, vector), lane << 32 | offset))

    def atomic(self, op: int, address: Value, *operands: Value) -> Value:
        """A read-modify-write: `operands` is the value, or what is expected and the value."""
        value = Value(op, _RESULT_TYPE[op], (address, *operands), 0)
        self.effects.append(value)
        return value

    def fence(self) -> None:
        """`atomic.fence`."""
        self.effects.append(Value(opcodes.ATOMIC_FENCE, VOID, (), 0))

    # -- runtime functions

    def call_runtime(self, function: RuntimeFunction, *args: Value) -> tuple[Value, ...]:
        """Call a runtime function; its results, in order."""
        index = self.runtime.index(function)
        results = function.results
        single = len(results) == 1
        call = Value(opcodes.CALL, results[0] if single else VOID, args, index)
        self.effects.append(call)
        if single:
            return (call,)
        return tuple(Value(opcodes.RESULT, type_, (call,), i) for i, type_ in enumerate(results))

    def rarely(
        self, condition: Value, function: RuntimeFunction, usual: Value, *args: Value
    ) -> Value:
        """`usual`, but the function of `args` where the i32 condition is not zero.

        The function has one result, no memory, and is called only where the condition holds:
        what makes a rule with a rare exception cost one test.
        """
        if condition.op == _C32 and not condition.imm:
            return usual
        index = self.runtime.index(function)
        if self.block.asks is not Asks.LATER:
            self.block.asks = Asks.LATER if self._has_effect() else Asks.FIRST
        return Value(opcodes.RARELY, usual.type, (condition, usual, *args), index)

    def _has_effect(self) -> bool:
        """Whether the block has done anything but load by now."""
        effects = self.effects
        at = self.loads
        while at < len(effects) and effects[at].op in _LOADS:
            at += 1
        self.loads = at
        return at < len(effects)

    # -- exits

    def _exit(self, end: Exit) -> None:
        if self.done:
            raise ValueError(f"block {self.block.start:#x} already has an exit")
        self.block.exit = end
        self.done = True

    def jump(self, target: int) -> None:
        """Go to a known address."""
        self._exit(Exit(ExitKind.JUMP, None, target))

    def branch(self, condition: Value, taken: int, fallthrough: int) -> None:
        """Go to `taken` where the i32 condition is not zero, else to `fallthrough`."""
        if condition.op == _C32:
            self._exit(Exit(ExitKind.JUMP, None, taken if condition.imm else fallthrough))
        else:
            self._exit(Exit(ExitKind.BRANCH, condition, taken, fallthrough))

    def jump_indirect(self, address: Value) -> None:
        """Go to a computed address."""
        self._exit(Exit(ExitKind.JUMP_INDIRECT, address))

    def call(self, target: int, return_address: int) -> None:
        """Call a known address (the link register is set by the semantics)."""
        self._exit(Exit(ExitKind.CALL, None, target, return_address))

    def call_indirect(self, address: Value, return_address: int) -> None:
        """Call a computed address."""
        self._exit(Exit(ExitKind.CALL_INDIRECT, address, -1, return_address))

    def ret(self, address: Value) -> None:
        """Return to a computed address, expected to be the caller's."""
        self._exit(Exit(ExitKind.RET, address))

    def syscall(self, imm: int = 0) -> None:
        """A system call, coming back to the next instruction."""
        self._exit(Exit(ExitKind.SYSCALL, None, -1, self.next, imm))

    def trap(self, kind: TrapKind) -> None:
        """A fault of this instruction, delivered to the guest as a signal."""
        self._exit(Exit(ExitKind.TRAP, None, self.pc, -1, kind))

    def results(self, *values: Value) -> None:
        """The end of a runtime function."""
        end = Exit(ExitKind.RESULTS)
        end.values = values
        self._exit(end)


class RuntimeTable:
    """The runtime functions that the code built so far calls, in order of first use."""

    __slots__ = ("_index", "functions")

    def __init__(self) -> None:
        self.functions: list[RuntimeFunction] = []
        self._index: dict[str, int] = {}

    def index(self, function: RuntimeFunction) -> int:
        """The number of a runtime function, giving it one on first use."""
        index = self._index.get(function.name)
        if index is None:
            index = len(self.functions)
            self._index[function.name] = index
            self.functions.append(function)
        return index


class RuntimeBuilder(Builder):
    """Builds a runtime function: blocks 0, 1, 2, ... over its parameters and locals.

    r = RuntimeBuilder("count", parameters=[I64], locals=[I64], results=[I64])
    r.label(0); ...; r.jump(1); r.label(1); ...; r.results(r.get(1)); function = r.function()
    """

    __slots__ = ("_function", "_open", "_parameters", "_results")

    def __init__(
        self,
        name: str,
        parameters: Sequence[int],
        results: Sequence[int],
        locals: Sequence[int] = (),  # noqa: A002 - Wasm's word
        runtime: RuntimeTable | None = None,
    ) -> None:
        registers = Registers()
        for i, type_ in enumerate((*parameters, *locals)):
            registers.declare(f"p{i}" if i < len(parameters) else f"t{i}", type_)
        super().__init__(registers, runtime)
        self._function = Function(0, name, registers)
        self._parameters = tuple(parameters)
        self._results = tuple(results)
        self._open = False

    def label(self, number: int) -> None:
        """Start the block with this number; the block before falls through to it."""
        self._close(number)
        self.pc = number
        self.begin(number)
        self._open = True

    def _close(self, following: int) -> None:
        if self._open:
            self.next = following
            block = self.finish()
            self._function.blocks[block.start] = block
            self._open = False

    def function(
        self,
        *,
        reads_memory: bool = False,
        writes_memory: bool = False,
        imported: str = "",
        exchanges: int = 0,
    ) -> RuntimeFunction:
        """The finished function."""
        if not self.done:
            raise ValueError(f"runtime function {self._function.name} does not end in results")
        self._close(-1)
        return RuntimeFunction(
            self._function.name,
            self._parameters,
            self._results,
            self._function,
            reads_memory,
            writes_memory,
            imported,
            exchanges=exchanges,
        )
