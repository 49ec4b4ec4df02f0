"""Owns what the IR is made of: registers, values, exits, blocks and functions.

A block is a directed graph of values plus what must happen in order: its effects (loads, stores,
calls of runtime functions), the registers it leaves changed (`outs`) and one exit. A value that
nothing reaches from there is dead without anyone having to say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from wherever.ir.ops import TYPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

# A slot is the number of a guest register in its `Registers`; a plain int, because it is read
# and written several times for every guest instruction.
Slot = int


class Registers:
    """The guest registers of an instruction set: a slot, a name and a Wasm type each."""

    __slots__ = ("by_name", "names", "types")

    def __init__(self) -> None:
        self.names: list[str] = []
        self.types: list[int] = []
        self.by_name: dict[str, Slot] = {}

    def declare(self, name: str, type: int) -> Slot:  # noqa: A002 - the word of the specification
        """Add a register and return its slot."""
        if name in self.by_name:
            raise ValueError(f"register {name} is declared twice")
        if type not in TYPE_NAMES:
            raise ValueError(f"register {name} has no value type: {type}")
        slot = len(self.names)
        self.by_name[name] = slot
        self.names.append(name)
        self.types.append(type)
        return slot

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class CallingConvention:
    """What the ABI says of registers at a call; the pipeline checks rather than trusts it."""

    arguments: frozenset[Slot]  # may carry arguments
    results: frozenset[Slot]  # may carry results
    callee_saved: frozenset[Slot]
    stack_pointer: Slot
    link: Slot | None  # holds the return address; None where the stack does
    flags: frozenset[Slot] = field(default_factory=frozenset[Slot])  # dead at calls and returns


class Value:
    """One node: an operation, its operands, its immediate.

    `imm` holds constants as unsigned bit patterns, a memory offset (with the lane of a lane
    access above bit 32), a slot, a lane, or the index of a runtime function.
    """

    __slots__ = ("args", "imm", "needs", "op", "place", "type", "uses")

    def __init__(self, op: int, type: int, args: tuple[Value, ...], imm: int) -> None:  # noqa: A002
        self.op = op
        self.type = type
        self.args = args
        self.imm = imm
        self.uses = 0  # counted by whoever needs it, just before
        self.place = -1  # where emission keeps it
        self.needs = -1  # the registers it is computed from, as a mask, once asked (passes.facts)

    def __repr__(self) -> str:
        return f"<value op={self.op:#x} imm={self.imm:#x} of {len(self.args)}>"


class ExitKind(IntEnum):
    """How control leaves a block."""

    JUMP = 0  # to `target`
    BRANCH = 1  # to `target` where `value` is not zero, else to `other`
    JUMP_INDIRECT = 2  # to the address `value`, usually one of `targets` (a jump table)
    SWITCH = 3  # to `targets[value]`; out of range goes to `other`
    CALL = 4  # of `target`, coming back to `other`
    CALL_INDIRECT = 5  # of the address `value`, coming back to `other`
    RET = 6  # to the caller, whose address is `value`
    SYSCALL = 7  # `imm`, coming back to `other`
    TRAP = 8  # for the reason `imm` (a TrapKind) at `target`
    RESULTS = 9  # of a runtime function: `values`


class TrapKind(IntEnum):
    """Why an instruction cannot be executed; each becomes a signal to the guest."""

    ILLEGAL = 0  # SIGILL: no such instruction, or one that is not translated
    BREAKPOINT = 1  # SIGTRAP
    DIVIDE = 2  # SIGFPE
    SEGMENT = 3  # SIGSEGV: control ran where no code is
    ALIGNMENT = 4  # SIGBUS


class Exit:
    """The end of a block."""

    __slots__ = ("imm", "kind", "other", "target", "targets", "value", "values")

    def __init__(
        self,
        kind: ExitKind,
        value: Value | None = None,
        target: int = -1,
        other: int = -1,
        imm: int = 0,
    ) -> None:
        self.kind = kind
        self.value = value
        self.target = target
        self.other = other
        self.imm = imm
        self.targets: tuple[int, ...] = ()
        self.values: tuple[Value, ...] = ()

    def successors(self) -> tuple[int, ...]:
        """The addresses inside the function that control may go to next."""
        kind = self.kind  # asked several times of every block, so the usual kinds come first
        if kind is ExitKind.BRANCH:
            return (self.target, self.other)
        if kind is ExitKind.JUMP:
            return (self.target,)
        if kind is ExitKind.CALL or kind is ExitKind.CALL_INDIRECT or kind is ExitKind.SYSCALL:
            return () if self.other < 0 else (self.other,)
        if kind is ExitKind.SWITCH:
            return self.targets if self.other < 0 else (*self.targets, self.other)
        if kind is ExitKind.JUMP_INDIRECT:
            return self.targets
        # a trap and the results of a runtime function have none, a return of a call in place one
        return (self.other,) if kind is ExitKind.RET and self.other >= 0 else ()


class Deferred(Protocol):
    """Registers whose values are computed only if somebody reads them: lazy flags.

    An instruction set implements this with a record of the comparison; a condition that finds
    the record in `Builder.deferred` turns it into one compare, and `value` gives a single
    register where a later block wants it.
    """

    @property
    def slots(self) -> frozenset[Slot]:
        """The registers this record stands for."""
        ...

    @property
    def operands(self) -> Sequence[Value]:
        """The values the record is computed from."""
        ...

    def value(self, slot: Slot) -> Value:
        """Compute one of the registers (with `builder.PURE`, which needs no block)."""
        ...


class Asks(IntEnum):
    """Whether a block asks for rare cases (`rarely`), and when."""

    NOTHING = 0
    FIRST = 1  # before it has any effect: it could begin anew where a case is rare
    LATER = 2


class Block:
    """A straight piece of code with one entrance and one exit."""

    __slots__ = ("asks", "deferred", "effects", "end", "exit", "marks", "outs", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start  # first address after the block
        self.effects: list[Value] = []
        self.outs: dict[Slot, Value] = {}
        self.deferred: Deferred | None = None
        self.exit = Exit(ExitKind.TRAP, target=start, imm=TrapKind.SEGMENT)
        # (index into effects, guest address): where each instruction with an effect began
        self.marks: list[tuple[int, int]] = []
        self.asks = Asks.NOTHING


class Function:
    """Blocks by address, entered at `entry`."""

    __slots__ = ("blocks", "entry", "name", "registers")

    def __init__(self, entry: int, name: str, registers: Registers) -> None:
        self.entry = entry
        self.name = name
        self.registers = registers
        self.blocks: dict[int, Block] = {}


@dataclass(frozen=True, slots=True)
class RuntimeFunction:
    """A small function the semantics call, described once: interpreted, and emitted as Wasm.

    Its registers are its parameters, then its locals; its blocks are addressed 0, 1, 2, ...
    One that is `imported` exists outside: emission calls what has that name, and the blocks are
    only what the interpreter takes for it.
    """

    name: str
    parameters: tuple[int, ...]
    results: tuple[int, ...]
    function: Function
    reads_memory: bool = False
    writes_memory: bool = False
    imported: str = ""
    gives_nan: bool = False  # whatever it is called with, its result is a NaN
    # a compare-and-exchange where the first two operands are the same address: 0 if it stored, else
    # 1; the third operand is what memory has to hold, the fourth the new value
    exchanges: int = 0


NO_ARGS: Final[tuple[Value, ...]] = ()
