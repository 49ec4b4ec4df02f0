"""Owns what is legal IR: a table of exits for each stage, and the rules that hold at every stage.

A verifier reports, it repairs nothing. `problems_of_*` say everything that is wrong, as text;
`require_*` raise our own bug, with the text of what is wrong in it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from wherever.errors import InternalError
from wherever.ir import opcodes
from wherever.ir.ops import BY_NUMBER, F32, F64, I32, I64, TYPE_NAMES, V128, VOID, Kind
from wherever.ir.text import EFFECTS, print_block, print_runtime
from wherever.ir.values import Block, ExitKind, RuntimeFunction, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from wherever.ir.values import Registers

__all__ = [
    "Stage",
    "problems_of_block",
    "problems_of_runtime",
    "require_block",
    "require_runtime",
]


class Stage(Enum):
    """Where in the pipeline a block stands."""

    LIFTED = "lifted"  # as the semantics built it
    LINKED = "linked"  # computed jumps have their targets
    RUNTIME = "runtime"  # of a runtime function


_GUEST: Final = frozenset(ExitKind) - {ExitKind.RESULTS}
# which exits a block may have at each stage
_EXITS: Final[dict[Stage, frozenset[ExitKind]]] = {
    Stage.LIFTED: _GUEST - {ExitKind.SWITCH},
    Stage.LINKED: _GUEST,
    Stage.RUNTIME: frozenset({ExitKind.JUMP, ExitKind.BRANCH, ExitKind.SWITCH, ExitKind.RESULTS}),
}
_BITS: Final = {I32: 32, I64: 64, F32: 32, F64: 64, V128: 128}
# the type of the value that an exit looks at; those left out have none
_SUBJECT: Final = {
    ExitKind.BRANCH: I32,
    ExitKind.SWITCH: I32,
    ExitKind.JUMP_INDIRECT: I64,
    ExitKind.CALL_INDIRECT: I64,
    ExitKind.RET: I64,
}
_LANES: Final = {"i8x16": 16, "i16x8": 8, "i32x4": 4, "i64x2": 2, "f32x4": 4, "f64x2": 2}


def _types(values: Sequence[Value]) -> tuple[int, ...]:
    return tuple(value.type for value in values)


def _named(types: Sequence[int]) -> str:
    return "(" + " ".join(TYPE_NAMES.get(t, f"{t:#x}?") for t in types) + ")"


class _Block:
    """One block under examination."""

    def __init__(
        self, block: Block, registers: Registers, runtime: Sequence[RuntimeFunction], stage: Stage
    ) -> None:
        self.block = block
        self.registers = registers
        self.runtime = runtime
        self.stage = stage
        self.done: set[int] = set()  # values that were looked at
        self.happened: set[int] = set()  # effects so far

    def problems(self) -> Iterator[str]:
        block = self.block
        for i, effect in enumerate(block.effects):
            where = f"effect {i}"
            if effect.op not in EFFECTS:
                yield f"{where} is {_name(effect)}, which is no effect"
            if id(effect) in self.happened:
                yield f"{where}, {_name(effect)}, stands there twice"
                continue
            for arg in effect.args:
                yield from self.graph(arg, where)
            yield from self.value(effect, where)
            self.happened.add(id(effect))
        yield from self.marks()
        types = self.registers.types
        for slot, value in [*block.outs.items(), *self.deferred()]:
            if not 0 <= slot < len(types):
                yield f"there is no register {slot}"
                continue
            where = f"register {self.registers.names[slot]}"
            yield from self.graph(value, where)
            if value.type != types[slot]:
                yield f"{where} is {TYPE_NAMES[types[slot]]}, its value {_typed(value)}"
        yield from self.exit()

    def deferred(self) -> list[tuple[int, Value]]:
        record = self.block.deferred
        if record is None:
            return []
        return [(slot, record.value(slot)) for slot in sorted(record.slots)]

    def marks(self) -> Iterator[str]:
        last = (-1, -1)
        for index, address in self.block.marks:
            if not (last[0] < index < len(self.block.effects) and last[1] < address):
                yield f"mark {address:#x} at effect {index} is out of order"
            last = (index, address)

    def graph(self, root: Value, where: str) -> Iterator[str]:
        """Every value that is not known yet, operands first: no cycles, no effect too early."""
        stack: list[tuple[Value, bool]] = [(root, False)]
        open_: set[int] = set()
        while stack:
            value, ready = stack.pop()
            if ready:
                open_.discard(id(value))
                self.done.add(id(value))
                yield from self.value(value, where)
            elif value.op in EFFECTS:
                if id(value) not in self.happened:
                    yield f"{where} uses {_name(value)} before it happens"
            elif id(value) in open_:
                yield f"{where}: {_name(value)} is computed from itself"
                return
            elif id(value) not in self.done:
                open_.add(id(value))
                stack.append((value, True))
                stack.extend((arg, False) for arg in value.args)

    # -- one value

    def value(self, value: Value, where: str) -> Iterator[str]:
        op = BY_NUMBER.get(value.op)
        if op is None:
            yield f"{where}: there is no operation {value.op:#x}"
            return
        here = f"{where}: {op.name}"
        special = _SPECIAL.get(value.op)
        if special is not None:
            for problem in special(self, value):
                yield f"{here} {problem}"
            return
        if _types(value.args) != op.params:
            yield f"{here} takes {_named(op.params)}, not {_named(_types(value.args))}"
        if value.type != op.result:
            yield f"{here} is {TYPE_NAMES[op.result]}, not {_typed(value)}"
        if not _immediate_fits(value):
            yield f"{here} cannot have the immediate {value.imm:#x}"

    def get(self, value: Value) -> Iterator[str]:
        if not 0 <= value.imm < len(self.registers):
            yield f"of register {value.imm}, which there is not"
        elif value.type != self.registers.types[value.imm] or value.args:
            yield f"of {self.registers.names[value.imm]} is {_typed(value)}"

    def select(self, value: Value) -> Iterator[str]:
        if _types(value.args) != (value.type, value.type, I32):
            yield f"is {_typed(value)} of {_named(_types(value.args))}"

    def fence(self, value: Value) -> Iterator[str]:
        if value.args or value.type != VOID:
            yield f"is {_typed(value)} of {_named(_types(value.args))}"

    def called(self, value: Value) -> RuntimeFunction | None:
        inside = 0 <= value.imm < len(self.runtime)
        return self.runtime[value.imm] if inside else None

    def call(self, value: Value) -> Iterator[str]:
        function = self.called(value)
        if function is None:
            yield f"of runtime function {value.imm}, which there is not"
            return
        if _types(value.args) != function.parameters:
            yield (
                f"of {function.name} takes {_named(function.parameters)}, "
                f"not {_named(_types(value.args))}"
            )
        single = len(function.results) == 1
        if value.type != (function.results[0] if single else VOID):
            yield f"of {function.name} is {_named(function.results)}, not {_typed(value)}"

    def result(self, value: Value) -> Iterator[str]:
        call = value.args[0] if len(value.args) == 1 else None
        function = None if call is None or call.op != opcodes.CALL else self.called(call)
        if function is None:
            yield "of what is no call"
        elif not 0 <= value.imm < len(function.results):
            yield f"{value.imm} of {function.name}, which has {len(function.results)}"
        elif value.type != function.results[value.imm]:
            yield f"{value.imm} of {function.name} is {_typed(value)}"

    def rarely(self, value: Value) -> Iterator[str]:
        function = self.called(value)
        types = _types(value.args)
        if function is None:
            yield f"of runtime function {value.imm}, which there is not"
        elif types != (I32, value.type, *function.parameters):
            yield f"{function.name} is {_typed(value)} of {_named(types)}"
        elif function.results != (value.type,):
            yield f"{function.name} gives {_named(function.results)}, not {_typed(value)}"
        elif function.reads_memory or function.writes_memory:
            yield f"{function.name} touches memory"

    # -- the exit

    def exit(self) -> Iterator[str]:
        end = self.block.exit
        name = end.kind.name.lower()
        if end.kind not in _EXITS[self.stage]:
            yield f"no exit {name} at the stage {self.stage.value}"
        subject = _SUBJECT.get(end.kind)
        if (end.value is None) != (subject is None):
            yield f"the exit {name} has {'no' if end.value is None else 'a'} value"
        if end.value is not None:
            yield from self.graph(end.value, f"the exit {name}")
            if subject is not None and end.value.type != subject:
                yield f"the exit {name} looks at {_typed(end.value)}"
        if end.values and end.kind is not ExitKind.RESULTS:
            yield f"the exit {name} has results"
        for value in end.values:
            yield from self.graph(value, f"the exit {name}")
        if end.targets and end.kind not in (ExitKind.SWITCH, ExitKind.JUMP_INDIRECT):
            yield f"the exit {name} has targets"
        addressed = (ExitKind.JUMP, ExitKind.BRANCH, ExitKind.CALL, ExitKind.TRAP)
        if (end.target >= 0) != (end.kind in addressed):
            yield f"the exit {name} has {'a' if end.target >= 0 else 'no'} target"
        if end.kind is ExitKind.BRANCH and end.other < 0:
            yield "the exit branch has one way only"


def _name(value: Value) -> str:
    op = BY_NUMBER.get(value.op)
    return f"operation {value.op:#x}" if op is None else op.name


def _typed(value: Value) -> str:
    return TYPE_NAMES.get(value.type, f"type {value.type:#x}")


def _immediate_fits(value: Value) -> bool:
    op = BY_NUMBER[value.op]
    match op.kind:
        case Kind.CONST:
            return 0 <= value.imm < 1 << _BITS[op.result]
        case Kind.LANE:
            return 0 <= value.imm < _LANES[op.name.split(".", 1)[0]]
        case Kind.SHUFFLE:
            return 0 <= value.imm < 1 << 128 and max(value.imm.to_bytes(16, "little")) < 32
        case Kind.LOAD_LANE | Kind.STORE_LANE:
            return 0 <= value.imm >> 32 < 16 // op.access
        case Kind.LOAD | Kind.STORE | Kind.ATOMIC:
            return 0 <= value.imm < 1 << 32
        case Kind.PURE | Kind.SPECIAL:
            return value.imm == 0


_SPECIAL: Final[dict[int, Callable[[_Block, Value], Iterator[str]]]] = {
    opcodes.GET: _Block.get,
    opcodes.SELECT: _Block.select,
    opcodes.ATOMIC_FENCE: _Block.fence,
    opcodes.CALL: _Block.call,
    opcodes.RESULT: _Block.result,
    opcodes.RARELY: _Block.rarely,
}


def problems_of_block(
    block: Block,
    registers: Registers,
    runtime: Sequence[RuntimeFunction] = (),
    stage: Stage = Stage.LINKED,
    inside: Container[int] | None = None,
) -> list[str]:
    """What is wrong with a block; jumps must lead to `inside`, where that is given."""
    found = list(_Block(block, registers, runtime, stage).problems())
    if inside is not None:
        found += [
            f"the exit {block.exit.kind.name.lower()} leads to {target:#x}, where nothing is"
            for target in block.exit.successors()
            if target not in inside
        ]
    return found


def problems_of_runtime(
    function: RuntimeFunction, runtime: Sequence[RuntimeFunction] = ()
) -> list[str]:
    """What is wrong with a runtime function. Its locals start at zero, as Wasm's do."""
    blocks = function.function.blocks
    registers = function.function.registers
    found: list[str] = []
    if function.function.entry not in blocks:
        return [f"the entry {function.function.entry} is no block"]
    if tuple(registers.types[: len(function.parameters)]) != function.parameters:
        found.append("its first registers are not its parameters")
    for start, block in blocks.items():
        problems = problems_of_block(block, registers, runtime, Stage.RUNTIME, blocks)
        end = block.exit
        if end.kind is ExitKind.RESULTS and _types(end.values) != function.results:
            problems.append(f"gives {_named(_types(end.values))}, not {_named(function.results)}")
        if block.start != start:
            problems.append(f"calls itself {block.start}")
        found += [f"block {start}: {problem}" for problem in problems]
    accesses = {value.op for block in blocks.values() for value in block.effects}
    kinds = {BY_NUMBER[op].kind for op in accesses if op in BY_NUMBER}
    reads = kinds & {Kind.LOAD, Kind.LOAD_LANE, Kind.ATOMIC}
    writes = kinds & {Kind.STORE, Kind.STORE_LANE}
    if (reads and not function.reads_memory) or (writes and not function.writes_memory):
        found.append("touches memory, and does not say so")
    return found


def require_block(
    block: Block,
    registers: Registers,
    runtime: Sequence[RuntimeFunction] = (),
    stage: Stage = Stage.LINKED,
    inside: Container[int] | None = None,
) -> None:
    """Raise our own bug where a block is not legal."""
    problems = problems_of_block(block, registers, runtime, stage, inside)
    if problems:
        shown = print_block(block, registers, runtime) if not _broken(problems) else ""
        raise InternalError(_told(f"block {block.start:#x} ({stage.value})", problems, shown))


def require_runtime(function: RuntimeFunction, runtime: Sequence[RuntimeFunction] = ()) -> None:
    """Raise our own bug where a runtime function is not legal."""
    problems = problems_of_runtime(function, runtime)
    if problems:
        shown = print_runtime(function, runtime) if not _broken(problems) else ""
        raise InternalError(_told(f"runtime function {function.name}", problems, shown))


def _broken(problems: list[str]) -> bool:
    """Whether the graph has no end, so that it cannot be printed."""
    return any("computed from itself" in problem for problem in problems)


def _told(what: str, problems: list[str], shown: str) -> str:
    lines = [f"the IR of {what} is not legal:", *(f"  {problem}" for problem in problems), shown]
    return "\n".join(line for line in lines if line)
