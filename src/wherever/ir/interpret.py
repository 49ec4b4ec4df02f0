"""Owns the reference interpreter: what the IR means, plainly, to check everything else against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from wherever.ir import meaning, opcodes, vector
from wherever.ir.ops import BY_NUMBER, I32, I64, Kind, Op
from wherever.ir.values import Block, ExitKind, Function, RuntimeFunction, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONSTS: Final = frozenset(op.number for op in BY_NUMBER.values() if op.kind is Kind.CONST)
_MEANINGS: Final[dict[int, meaning.Meaning]] = {
    op.number: meaning.SCALAR.get(op.name) or vector.VECTOR[op.name]
    for op in BY_NUMBER.values()
    if op.kind in (Kind.PURE, Kind.LANE)
}
_LANED: Final = frozenset(op.number for op in BY_NUMBER.values() if op.kind is Kind.LANE)
_INSIDE: Final = (ExitKind.JUMP, ExitKind.BRANCH, ExitKind.SWITCH, ExitKind.JUMP_INDIRECT)
_M32: Final = 0xFFFF_FFFF
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF


class Memory(Protocol):
    """What the interpreter needs of the guest's memory."""

    def read(self, address: int, size: int) -> bytes:
        """Bytes at an address."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Put bytes at an address."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a block ended: where control goes now."""

    kind: ExitKind
    address: int  # where control goes (a call: the callee), -1 for a system call and for results
    other: int = -1  # where a call or a system call comes back to
    imm: int = 0
    values: tuple[int, ...] = ()


class _Frame:
    """The values of one run of one block."""

    def __init__(
        self, state: list[int], memory: Memory, runtime: Sequence[RuntimeFunction]
    ) -> None:
        self.entry = list(state)
        self.memory = memory
        self.runtime = runtime
        self.known: dict[int, int] = {}
        self.results: dict[int, tuple[int, ...]] = {}
        self.keep: list[Value] = []

    def of(self, value: Value) -> int:
        """The number a value stands for."""
        found = self.known.get(id(value))
        if found is None:
            found = self._compute(value)
            self.known[id(value)] = found
            self.keep.append(value)
        return found

    def _compute(self, value: Value) -> int:
        op = value.op
        if op in _CONSTS:
            return value.imm
        if op == opcodes.GET:
            return self.entry[value.imm]
        if op == opcodes.SELECT:
            return self.of(value.args[0] if self.of(value.args[2]) else value.args[1])
        if op == opcodes.RARELY:
            if not self.of(value.args[0]):
                return self.of(value.args[1])
            rare = [self.of(arg) for arg in value.args[2:]]
            return run_runtime(self.runtime[value.imm], rare, self.memory, self.runtime)[0]
        if op == opcodes.RESULT:
            self.of(value.args[0])
            return self.results[id(value.args[0])][value.imm]
        if op == opcodes.I8X16_SHUFFLE:
            return vector.shuffle(value.imm, self.of(value.args[0]), self.of(value.args[1]))
        if op in _LANED:
            return _MEANINGS[op](value.imm, *map(self.of, value.args))
        return _MEANINGS[op](*map(self.of, value.args))

    def effect(self, value: Value) -> None:
        """Do what must happen in order."""
        args = [self.of(arg) for arg in value.args]
        op = BY_NUMBER[value.op]
        result = 0
        if value.op == opcodes.CALL:
            function = self.runtime[value.imm]
            results = run_runtime(function, args, self.memory, self.runtime)
            self.results[id(value)] = results
            result = results[0] if results else 0
        elif value.op != opcodes.ATOMIC_FENCE:
            result = _access(op, value.imm, args, self.memory)
        self.known[id(value)] = result
        self.keep.append(value)


def _loaded(op: Op, data: bytes) -> int:
    raw = int.from_bytes(data, "little")
    name = op.name.split(".", 1)[1]
    bits = op.access * 8
    if op.kind is Kind.LOAD and op.name.startswith("v128"):
        if name.endswith("splat"):
            return vector.join([raw] * (128 // bits), bits)
        if "x" in name:  # v128.load8x8_s: half a vector, each lane widened
            narrow = int(name[4:].split("x")[0])
            lanes = [raw >> at & ((1 << narrow) - 1) for at in range(0, 64, narrow)]
            if name.endswith("_s"):
                lanes = [meaning.signed(lane, narrow) for lane in lanes]
            return vector.join(lanes, narrow * 2)
        return raw
    if name.endswith("_s"):
        return meaning.signed(raw, bits) & (_M32 if op.result == I32 else _M64)
    return raw


def _access(op: Op, imm: int, args: list[int], memory: Memory) -> int:
    address = args[0] + (imm & _M32) & _M64
    size = op.access
    match op.kind:
        case Kind.LOAD:
            return _loaded(op, memory.read(address, size))
        case Kind.STORE:
            data = args[1] & ((1 << size * 8) - 1)
            memory.write(address, data.to_bytes(size, "little"))
            return 0
        case Kind.LOAD_LANE:
            lanes = vector.split(args[1], size * 8)
            lanes[imm >> 32] = int.from_bytes(memory.read(address, size), "little")
            return vector.join(lanes, size * 8)
        case Kind.STORE_LANE:
            lane = vector.split(args[1], size * 8)[imm >> 32]
            memory.write(address, lane.to_bytes(size, "little"))
            return 0
        case Kind.ATOMIC:
            mask = (1 << size * 8) - 1
            old = int.from_bytes(memory.read(address, size), "little")
            new = _replaced(op, old, args[1:]) & mask
            memory.write(address, new.to_bytes(size, "little"))
            return old
        case Kind.PURE | Kind.LANE | Kind.SHUFFLE | Kind.CONST | Kind.SPECIAL:
            raise ValueError(f"{op.name} is not an effect")


def _replaced(op: Op, old: int, operands: list[int]) -> int:
    name = op.name.rsplit(".", 1)[1].removesuffix("_u")
    match name:
        case "xchg":
            return operands[0]
        case "cmpxchg":
            return operands[1] if operands[0] == old else old
        case _:
            return meaning.INTEGER[64][name](old, operands[0] & _M64)


def run_block(
    block: Block,
    state: list[int],
    memory: Memory,
    runtime: Sequence[RuntimeFunction] = (),
) -> Outcome:
    """Run a block: effects in order, then the changed registers, then the exit.

    Deferred registers are all computed, so that a test sees every flag.
    """
    frame = _Frame(state, memory, runtime)
    for value in block.effects:
        frame.effect(value)
    outs = {slot: frame.of(value) for slot, value in block.outs.items()}
    if block.deferred is not None:
        for slot in block.deferred.slots:
            if slot not in outs:
                outs[slot] = frame.of(block.deferred.value(slot))
    end = block.exit
    subject = -1 if end.value is None else frame.of(end.value)
    values = tuple(frame.of(value) for value in end.values)
    for slot, number in outs.items():
        state[slot] = number
    match end.kind:
        case ExitKind.BRANCH:
            return Outcome(end.kind, end.target if subject else end.other)
        case ExitKind.SWITCH:
            inside = subject < len(end.targets)
            return Outcome(end.kind, end.targets[subject] if inside else end.other)
        case ExitKind.JUMP_INDIRECT | ExitKind.CALL_INDIRECT | ExitKind.RET:
            return Outcome(end.kind, subject, end.other)
        case ExitKind.JUMP | ExitKind.CALL | ExitKind.SYSCALL | ExitKind.TRAP | ExitKind.RESULTS:
            return Outcome(end.kind, end.target, end.other, end.imm, values)


def run_function(
    function: Function,
    state: list[int],
    memory: Memory,
    runtime: Sequence[RuntimeFunction] = (),
    *,
    at: int | None = None,
    steps: int = 1_000_000,
) -> Outcome:
    """Run a guest function from `at` (else its entry) until control leaves its blocks.

    That is at a call, a return, a system call, a trap, or a jump to where it has no block.
    """
    here = function.entry if at is None else at
    for _ in range(steps):
        outcome = run_block(function.blocks[here], state, memory, runtime)
        if outcome.kind not in _INSIDE or outcome.address not in function.blocks:
            return outcome
        here = outcome.address
    raise RuntimeError(f"function {function.name} did not leave its blocks in {steps} steps")


def run_runtime(
    function: RuntimeFunction,
    args: Sequence[int],
    memory: Memory,
    runtime: Sequence[RuntimeFunction] = (),
    *,
    steps: int = 1_000_000,
) -> tuple[int, ...]:
    """Run a runtime function; its results."""
    state = [*args, *([0] * (len(function.function.registers) - len(args)))]
    at = function.function.entry
    for _ in range(steps):
        outcome = run_block(function.function.blocks[at], state, memory, runtime)
        if outcome.kind is ExitKind.RESULTS:
            return outcome.values
        at = outcome.address
    raise RuntimeError(f"runtime function {function.name} did not end in {steps} blocks")


def evaluate(value: Value, state: list[int] | None = None) -> int:
    """The number a pure value stands for."""

    class _None:
        def read(self, address: int, size: int) -> bytes:
            raise ValueError(f"pure value reads {size} bytes at {address:#x}")

        def write(self, address: int, data: bytes) -> None:
            raise ValueError(f"pure value writes {len(data)} bytes at {address:#x}")

    return _Frame([] if state is None else state, _None(), ()).of(value)


__all__ = [
    "I32",
    "I64",
    "Memory",
    "Outcome",
    "evaluate",
    "run_block",
    "run_function",
    "run_runtime",
]
