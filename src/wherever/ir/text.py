"""Owns printing the IR: a line an operation, what happens in order, then what the block leaves.

    block 0x400120 to 0x40012c:
      at 0x400120:
        %0 = i64.add sp -32
        i64.store %0 x29 offset=16
      sp = %0
      lazy z = %3
      branch %4 to 0x400140 else 0x40012c

A register stands for what it held on entry to the block, a number for a constant; where the
operation does not say a constant's type, it is written before it (`i64:5`). `wherever.ir.parse`
reads it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes
from wherever.ir.ops import BY_NUMBER, I32, I64, TYPE_NAMES, VOID, Kind
from wherever.ir.values import Block, Exit, ExitKind, Function, RuntimeFunction, TrapKind, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.ir.values import Registers

__all__ = ["CONSTS", "EFFECTS", "print_block", "print_function", "print_runtime"]

CONSTS: Final = frozenset(op.number for op in BY_NUMBER.values() if op.kind is Kind.CONST)
# what must happen in order, and so stands among a block's effects
EFFECTS: Final = frozenset(
    op.number
    for op in BY_NUMBER.values()
    if op.kind in (Kind.LOAD, Kind.STORE, Kind.LOAD_LANE, Kind.STORE_LANE, Kind.ATOMIC)
) | {opcodes.CALL, opcodes.ATOMIC_FENCE}
_LANED_MEMORY: Final = (Kind.LOAD_LANE, Kind.STORE_LANE)
_SMALL: Final = 4096


def _number(value: int, type_: int) -> str:
    """A constant: signed and decimal where it is small, else the bits."""
    if type_ in (I32, I64):
        bits = 32 if type_ == I32 else 64
        signed = value - (1 << bits) if value >> bits - 1 else value
        if -_SMALL < signed < _SMALL:
            return str(signed)
    return f"{value:#x}"


class _Printer:
    """The lines of one block."""

    def __init__(
        self, block: Block, registers: Registers, runtime: Sequence[RuntimeFunction]
    ) -> None:
        self.block = block
        self.registers = registers
        self.runtime = runtime
        self.names: dict[int, str] = {}
        self.kept: list[Value] = []  # so that no two values have one identity
        self.lines: list[str] = []

    def operand(self, value: Value, expected: int = VOID) -> str:
        if value.op in CONSTS:
            text = _number(value.imm, value.type)
            return text if value.type == expected else f"{TYPE_NAMES[value.type]}:{text}"
        if value.op == opcodes.GET:
            if 0 <= value.imm < len(self.registers):
                return self.registers.names[value.imm]
            return f"register{value.imm}?"
        return self.names.get(id(value), "%?")

    def need(self, root: Value) -> None:
        """Print what a value is computed from, operands first; effects have their own turn."""
        stack: list[tuple[Value, bool]] = [(root, False)]
        entered: set[int] = set()
        while stack:
            value, ready = stack.pop()
            if id(value) in self.names or value.op in CONSTS or value.op == opcodes.GET:
                continue
            if value.op in EFFECTS:
                continue  # used before it happens: shown as %?
            if ready:
                self.define(value)
            elif id(value) not in entered:
                entered.add(id(value))
                stack.append((value, True))
                stack.extend((arg, False) for arg in reversed(value.args))

    def define(self, value: Value) -> None:
        text = self.operation(value)
        name = f"%{len(self.names)}"
        self.names[id(value)] = name
        self.kept.append(value)
        self.lines.append(f"    {name} = {text}")

    def operation(self, value: Value) -> str:
        op = BY_NUMBER.get(value.op)
        if op is None:
            return f"{value.op:#x}?"
        args = value.args
        match value.op:
            case opcodes.CALL:
                words = [f"call {self.called(value)}", *map(self.operand, args)]
                return " ".join(words)
            case opcodes.RESULT:
                return f"result {value.imm} of {self.operand(args[0])}"
            case opcodes.RARELY:
                words = [f"rarely {self.called(value)}", *map(self.operand, args)]
                return " ".join(words)
            case opcodes.SELECT:
                return " ".join(["select", *map(self.operand, args)])
            case _:
                pass
        words = [op.name]
        for i, arg in enumerate(args):
            words.append(self.operand(arg, op.params[i] if i < len(op.params) else VOID))
        if op.access and value.imm & 0xFFFF_FFFF:
            words.append(f"offset={value.imm & 0xFFFF_FFFF}")
        if op.kind in _LANED_MEMORY:
            words.append(f"lane={value.imm >> 32}")
        elif op.kind is Kind.LANE:
            words.append(f"lane={value.imm}")
        elif op.kind is Kind.SHUFFLE:
            lanes = value.imm.to_bytes(16, "little")
            words.append("lanes=" + ",".join(map(str, lanes)))
        return " ".join(words)

    def called(self, value: Value) -> str:
        if 0 <= value.imm < len(self.runtime):
            return self.runtime[value.imm].name
        return f"function{value.imm}?"

    def effect(self, value: Value) -> None:
        for arg in value.args:
            self.need(arg)
        if value.op == opcodes.CALL or value.type != VOID:
            self.define(value)
        else:
            self.lines.append(f"    {self.operation(value)}")

    def print(self) -> list[str]:
        block = self.block
        self.lines.append(f"block {block.start:#x} to {block.end:#x}:")
        marks = dict(block.marks)
        for i, value in enumerate(block.effects):
            if i in marks:
                self.lines.append(f"  at {marks[i]:#x}:")
            self.effect(value)
        outs = list(block.outs.items())
        record = block.deferred
        slots = () if record is None else sorted(record.slots - block.outs.keys())
        lazy = [] if record is None else [(slot, record.value(slot)) for slot in slots]
        end = block.exit
        ends = [end.value] if end.value is not None else []
        for value in [v for _, v in outs] + [v for _, v in lazy] + ends + list(end.values):
            self.need(value)
        types = self.registers.types
        for word, pairs in (("", outs), ("lazy ", lazy)):
            for slot, value in pairs:
                name = self.registers.names[slot] if slot < len(types) else f"register{slot}?"
                expected = types[slot] if slot < len(types) else VOID
                self.lines.append(f"  {word}{name} = {self.operand(value, expected)}")
        self.lines.append(f"  {self.exit(end)}")
        return self.lines

    def exit(self, end: Exit) -> str:
        value = "" if end.value is None else " " + self.operand(end.value, _subject(end.kind))
        targets = " [" + " ".join(f"{t:#x}" for t in end.targets) + "]"
        back = f" back {end.other:#x}" if end.other >= 0 else ""
        match end.kind:
            case ExitKind.JUMP:
                return f"jump {end.target:#x}"
            case ExitKind.BRANCH:
                return f"branch{value} to {end.target:#x} else {end.other:#x}"
            case ExitKind.JUMP_INDIRECT:
                return f"jump_indirect{value}{targets if end.targets else ''}"
            case ExitKind.SWITCH:
                rest = f" else {end.other:#x}" if end.other >= 0 else ""
                return f"switch{value}{targets}{rest}"
            case ExitKind.CALL:
                return f"call {end.target:#x}{back}"
            case ExitKind.CALL_INDIRECT:
                return f"call_indirect{value}{back}"
            case ExitKind.RET:
                return f"ret{value}"
            case ExitKind.SYSCALL:
                return f"syscall {end.imm}{back}"
            case ExitKind.TRAP:
                return f"trap {TrapKind(end.imm).name.lower()} at {end.target:#x}"
            case ExitKind.RESULTS:
                return " ".join(["results", *map(self.operand, end.values)])


def _subject(kind: ExitKind) -> int:
    """The type of the value that an exit looks at."""
    return I32 if kind in (ExitKind.BRANCH, ExitKind.SWITCH) else I64


def print_block(block: Block, registers: Registers, runtime: Sequence[RuntimeFunction] = ()) -> str:
    """One block."""
    return "\n".join(_Printer(block, registers, runtime).print())


def _blocks(function: Function, runtime: Sequence[RuntimeFunction]) -> str:
    blocks = function.blocks
    order = sorted(blocks, key=lambda start: (start != function.entry, start))
    return "\n".join(print_block(blocks[start], function.registers, runtime) for start in order)


def print_function(function: Function, runtime: Sequence[RuntimeFunction] = ()) -> str:
    """A function of the guest: its entry first, then its blocks by address."""
    name = function.name or "?"
    return f"function {name} at {function.entry:#x}\n{_blocks(function, runtime)}\n"


def print_runtime(function: RuntimeFunction, runtime: Sequence[RuntimeFunction] = ()) -> str:
    """A runtime function; its registers are p0, p1, ... and its locals t2, t3, ..."""

    def types(numbers: Sequence[int]) -> str:
        return "(" + " ".join(TYPE_NAMES[t] for t in numbers) + ")"

    words = ["runtime", function.name, types(function.parameters), "->", types(function.results)]
    own = function.function.registers.types[len(function.parameters) :]
    if own:
        words += ["locals", types(own)]
    words += ["reads_memory"] if function.reads_memory else []
    words += ["writes_memory"] if function.writes_memory else []
    words += [f"imported {function.imported}"] if function.imported else []
    return f"{' '.join(words)}\n{_blocks(function.function, runtime)}\n"
