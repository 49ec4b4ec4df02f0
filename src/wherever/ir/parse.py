"""Owns reading the IR's text back: the inverse of `wherever.ir.text`, folding nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from wherever.errors import InvalidProgram
from wherever.ir import opcodes
from wherever.ir.ops import BY_NAME, F32, F64, I32, I64, TYPE_OF_NAME, V128, VOID, Kind
from wherever.ir.text import EFFECTS
from wherever.ir.values import (
    Block,
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

__all__ = ["Lazy", "parse_block", "parse_function", "parse_runtime"]

_BITS: Final = {I32: 32, I64: 64, F32: 32, F64: 64, V128: 128}
_CONST: Final = {
    I32: opcodes.I32_CONST,
    I64: opcodes.I64_CONST,
    F32: opcodes.F32_CONST,
    F64: opcodes.F64_CONST,
    V128: opcodes.V128_CONST,
}
_HEAD: Final = re.compile(
    r"runtime (?P<name>\S+) \((?P<parameters>[^)]*)\) -> \((?P<results>[^)]*)\)"
    r"(?: locals \((?P<locals>[^)]*)\))?(?P<reads> reads_memory)?(?P<writes> writes_memory)?"
    r"(?: imported (?P<imported>\S+))?$"
)


@dataclass(frozen=True, slots=True, eq=False)
class Lazy:
    """Deferred registers as the text gives them: a value each (`values.Deferred`)."""

    values: dict[Slot, Value]

    @property
    def slots(self) -> frozenset[Slot]:
        """The registers."""
        return frozenset(self.values)

    @property
    def operands(self) -> Sequence[Value]:
        """What the registers are computed from: the values themselves."""
        return tuple(self.values.values())

    def value(self, slot: Slot) -> Value:
        """One register."""
        return self.values[slot]


class _Parser:
    def __init__(self, text: str, registers: Registers, runtime: Sequence[RuntimeFunction]) -> None:
        self.lines = [
            (number, line.strip())
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip() and not line.lstrip().startswith(";")
        ]
        self.at = 0
        self.registers = registers
        self.runtime = {function.name: i for i, function in enumerate(runtime)}
        self.functions = runtime
        self.known: dict[str, Value] = {}

    # -- lines and words

    def fail(self, why: str) -> NoReturn:
        number, line = self.lines[min(self.at, len(self.lines) - 1)] if self.lines else (0, "")
        raise InvalidProgram(f"IR text, line {number}: {why}: {line!r}")

    def line(self) -> str:
        if self.at >= len(self.lines):
            self.fail("the text ends too early")
        return self.lines[self.at][1]

    def more(self) -> bool:
        return self.at < len(self.lines)

    def address(self, word: str) -> int:
        try:
            return int(word, 0)
        except ValueError:
            self.fail(f"{word!r} is no address")

    # -- values

    def constant(self, word: str, type_: int) -> Value:
        try:
            number = int(word, 0)
        except ValueError:
            self.fail(f"{word!r} is neither a value, a register nor a number")
        bits = _BITS[type_]
        if not -(1 << bits - 1) <= number < 1 << bits:
            self.fail(f"{word} does not fit {bits} bits")
        return Value(_CONST[type_], type_, (), number & ((1 << bits) - 1))

    def operand(self, word: str, expected: int = VOID) -> Value:
        if word.startswith("%"):
            value = self.known.get(word)
            if value is None:
                self.fail(f"{word} is used before it is defined")
            return value
        slot = self.registers.by_name.get(word)
        if slot is not None:
            return Value(opcodes.GET, self.registers.types[slot], (), slot)
        name, colon, number = word.partition(":")
        if colon:
            if name not in TYPE_OF_NAME or TYPE_OF_NAME[name] == VOID:
                self.fail(f"{name!r} is no type")
            return self.constant(number, TYPE_OF_NAME[name])
        if expected == VOID:
            self.fail(f"the constant {word!r} needs its type before it, as in i64:5")
        return self.constant(word, expected)

    def operation(self, words: list[str]) -> Value:
        name, *rest = words
        op = BY_NAME.get(name)
        if op is None or op.kind is Kind.CONST or name == "get":
            self.fail(f"{name!r} is no operation")
        match op.number:
            case opcodes.CALL | opcodes.RARELY:
                return self.calling(op.number, rest)
            case opcodes.RESULT:
                if len(rest) != 3 or rest[1] != "of":
                    self.fail("a result is written: result 0 of %1")
                return self.result(self.address(rest[0]), self.operand(rest[2]))
            case opcodes.SELECT:
                args = tuple(map(self.operand, rest))
                if len(args) != 3:
                    self.fail("select has three operands")
                return Value(op.number, args[0].type, args, 0)
            case _:
                pass
        named = dict(word.split("=", 1) for word in rest if "=" in word)
        plain = [word for word in rest if "=" not in word]
        if len(plain) != len(op.params):
            self.fail(f"{name} has {len(op.params)} operands, not {len(plain)}")
        args = tuple(self.operand(w, t) for w, t in zip(plain, op.params, strict=True))
        imm = self.address(named.pop("offset", "0"))
        lane = self.address(named.pop("lane", "0"))
        if op.kind is Kind.LANE:
            imm = lane
        elif op.kind in (Kind.LOAD_LANE, Kind.STORE_LANE):
            imm |= lane << 32
        elif op.kind is Kind.SHUFFLE:
            lanes = [self.address(word) for word in named.pop("lanes", "").split(",") if word]
            if len(lanes) != 16 or any(not 0 <= lane < 32 for lane in lanes):
                self.fail("a shuffle has sixteen lanes from 0 to 31")
            imm = int.from_bytes(bytes(lanes), "little")
        if named:
            self.fail(f"{name} has no {', '.join(sorted(named))}")
        return Value(op.number, op.result, args, imm)

    def calling(self, op: int, words: list[str]) -> Value:
        if not words:
            self.fail("which function?")
        index = self.runtime.get(words[0])
        if index is None:
            self.fail(f"no runtime function {words[0]!r}")
        args = tuple(map(self.operand, words[1:]))
        results = self.functions[index].results
        if op == opcodes.RARELY:
            if len(args) < 2:
                self.fail("rarely has a condition and a usual value")
            return Value(op, args[1].type, args, index)
        return Value(op, results[0] if len(results) == 1 else VOID, args, index)

    def result(self, index: int, call: Value) -> Value:
        if call.op != opcodes.CALL or not 0 <= index < len(self.functions[call.imm].results):
            self.fail("that is no result of a call")
        return Value(opcodes.RESULT, self.functions[call.imm].results[index], (call,), index)

    # -- blocks

    def block(self) -> Block:
        words = self.line().split()
        if len(words) != 4 or words[0] != "block" or words[2] != "to" or words[3][-1] != ":":
            self.fail("a block begins: block 0x1000 to 0x1008:")
        block = Block(self.address(words[1]))
        block.end = self.address(words[3][:-1])
        self.at += 1
        self.known = {}
        lazy: dict[Slot, Value] = {}
        while True:
            line = self.line()
            words = line.split()
            if words[0] == "at" and len(words) == 2 and words[1].endswith(":"):
                block.marks.append((len(block.effects), self.address(words[1][:-1])))
            elif words[0].startswith("%") and words[1:2] == ["="]:
                value = self.operation(words[2:])
                if words[0] in self.known:
                    self.fail(f"{words[0]} is defined twice")
                self.known[words[0]] = value
                if value.op in EFFECTS:
                    block.effects.append(value)
            elif words[0] == "lazy" or words[1:2] == ["="]:
                registers = words[1:] if words[0] == "lazy" else words
                slot = self.registers.by_name.get(registers[0])
                if slot is None or len(registers) != 3:
                    self.fail("that is no register's value")
                value = self.operand(registers[2], self.registers.types[slot])
                (lazy if words[0] == "lazy" else block.outs)[slot] = value
            elif words[0] in BY_NAME and not (words[0] == "call" and _is_exit_call(words)):
                value = self.operation(words)
                if value.op not in EFFECTS:
                    self.fail("a value that nobody names")
                block.effects.append(value)
            else:
                block.exit = self.exit(words)
                break
            self.at += 1
        self.at += 1
        if lazy:
            block.deferred = Lazy(lazy)
        return block

    def exit(self, words: list[str]) -> Exit:
        rest = _Words(words[1:])
        match words[0]:
            case "jump":
                end = Exit(ExitKind.JUMP, None, self.address(rest.next()))
            case "branch":
                end = Exit(ExitKind.BRANCH, self.operand(rest.next(), I32))
                end.target = self.address(rest.after("to"))
                end.other = self.address(rest.after("else"))
            case "jump_indirect" | "switch":
                kind = ExitKind.SWITCH if words[0] == "switch" else ExitKind.JUMP_INDIRECT
                subject = I32 if kind is ExitKind.SWITCH else I64
                end = Exit(kind, self.operand(rest.next(), subject))
                end.targets = tuple(map(self.address, rest.bracketed()))
                if kind is ExitKind.SWITCH and rest.words:
                    end.other = self.address(rest.after("else"))
            case "call":
                end = Exit(ExitKind.CALL, None, self.address(rest.next()))
            case "call_indirect":
                end = Exit(ExitKind.CALL_INDIRECT, self.operand(rest.next(), I64))
            case "ret":
                end = Exit(ExitKind.RET, self.operand(rest.next(), I64))
            case "syscall":
                end = Exit(ExitKind.SYSCALL, imm=self.address(rest.next()))
            case "trap":
                name = rest.next().upper()
                if name not in TrapKind.__members__:
                    self.fail(f"no trap {name.lower()!r}")
                end = Exit(ExitKind.TRAP, imm=TrapKind[name])
                end.target = self.address(rest.after("at"))
            case "results":
                end = Exit(ExitKind.RESULTS)
                end.values = tuple(self.operand(word) for word in rest)
            case _:
                self.fail("that is no operation, register or exit")
        if end.kind in _RETURNING and rest.words:
            end.other = self.address(rest.after("back"))
        if rest.words:
            self.fail(f"{' '.join(rest.words)!r} is too much")
        return end

    def blocks(self, function: Function) -> None:
        while self.more():
            block = self.block()
            if block.start in function.blocks:
                self.at -= 1
                self.fail(f"a second block {block.start:#x}")
            function.blocks[block.start] = block


_RETURNING: Final = (ExitKind.CALL, ExitKind.CALL_INDIRECT, ExitKind.SYSCALL)


class _Words:
    """The words of an exit, one after the other; a missing one is empty, and no address."""

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def __iter__(self) -> Iterator[str]:
        while self.words:
            yield self.words.pop(0)

    def next(self) -> str:
        return self.words.pop(0) if self.words else ""

    def after(self, word: str) -> str:
        return self.next() if self.next() == word else ""

    def bracketed(self) -> list[str]:
        text = " ".join(self.words)
        if not text.startswith("["):
            return []
        inside, _, rest = text[1:].partition("]")
        self.words = rest.split()
        return inside.split()


def _is_exit_call(words: list[str]) -> bool:
    """`call 0x1000 back 0x1004` is an exit; `call name ...` is a runtime function."""
    return len(words) > 1 and words[1][:1].isdigit()


def parse_block(text: str, registers: Registers, runtime: Sequence[RuntimeFunction] = ()) -> Block:
    """One block."""
    parser = _Parser(text, registers, runtime)
    block = parser.block()
    if parser.more():
        parser.fail("there is more than one block")
    return block


def parse_function(
    text: str, registers: Registers, runtime: Sequence[RuntimeFunction] = ()
) -> Function:
    """A function of the guest."""
    parser = _Parser(text, registers, runtime)
    words = parser.line().split()
    if len(words) != 4 or words[0] != "function" or words[2] != "at":
        parser.fail("a function begins: function name at 0x1000")
    function = Function(parser.address(words[3]), words[1], registers)
    parser.at += 1
    parser.blocks(function)
    return function


def parse_runtime(text: str, runtime: Sequence[RuntimeFunction] = ()) -> RuntimeFunction:
    """A runtime function; `runtime` holds those that it calls."""
    registers = Registers()
    parser = _Parser(text, registers, runtime)
    head = _HEAD.match(parser.line())
    if head is None:
        parser.fail("a runtime function begins: runtime name (i64) -> (i32)")

    def types(names: str | None) -> tuple[int, ...]:
        words = (names or "").split()
        if any(TYPE_OF_NAME.get(word, VOID) == VOID for word in words):
            parser.fail("that is no list of types")
        return tuple(TYPE_OF_NAME[word] for word in words)

    parameters, own = types(head["parameters"]), types(head["locals"])
    for i, type_ in enumerate((*parameters, *own)):
        registers.declare(f"p{i}" if i < len(parameters) else f"t{i}", type_)
    function = Function(0, head["name"], registers)
    parser.at += 1
    parser.blocks(function)
    return RuntimeFunction(
        head["name"],
        parameters,
        types(head["results"]),
        function,
        reads_memory=head["reads"] is not None,
        writes_memory=head["writes"] is not None,
        imported=head["imported"] or "",
    )
