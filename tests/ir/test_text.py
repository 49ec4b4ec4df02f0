"""Does the printed IR read back as the same IR, and does the parser say where text is wrong?"""

from __future__ import annotations

import itertools

import pytest
from random_ir import random_function

from wherever.errors import InvalidProgram
from wherever.ir import opcodes as op
from wherever.ir.builder import Builder, RuntimeBuilder, RuntimeTable
from wherever.ir.ops import I32, I64, V128
from wherever.ir.parse import parse_block, parse_function, parse_runtime
from wherever.ir.text import print_block, print_function, print_runtime
from wherever.ir.values import Function, Registers, TrapKind
from wherever.isa.aarch64 import table
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.registers import REGISTERS


@pytest.mark.parametrize("seed", range(60))
def test_random_functions_come_back(seed: int) -> None:
    function = random_function(seed)
    text = print_runtime(function)
    again = parse_runtime(text)
    assert print_runtime(again) == text
    assert (again.name, again.parameters, again.results) == (function.name, (), ())
    assert [len(b.effects) for b in again.function.blocks.values()] == [
        len(b.effects) for b in function.function.blocks.values()
    ]


def test_every_instruction_comes_back() -> None:
    runtime = RuntimeTable()
    b = Builder(REGISTERS, runtime)
    m = Lifter(b)
    for group in table.GROUPS:
        for instruction in group.instructions:
            if instruction.meaning is None:
                continue
            for example in instruction.examples:
                b.begin(0x4000_0000)
                b.pc, b.next = 0x4000_0000, 0x4000_0004
                table.lift(m, instruction, int(example.split()[0], 16))
                block = b.finish()
                text = print_block(block, REGISTERS, runtime.functions)
                back = parse_block(text, REGISTERS, runtime.functions)
                assert print_block(back, REGISTERS, runtime.functions) == text, instruction.name
    for function in runtime.functions:
        text = print_runtime(function, runtime.functions)
        assert print_runtime(parse_runtime(text, runtime.functions), runtime.functions) == text


def test_a_block_as_it_is_read() -> None:
    registers = Registers()
    x, v = registers.declare("x", I64), registers.declare("v", V128)
    b = Builder(registers)
    b.begin(0x40)
    b.next = 0x44
    total = b.i64_add(b.get(x), b.const_i64(-32))
    b.store(op.I64_STORE, total, b.const_i64(1 << 40), 8)
    b.set(x, b.select(b.i64_eqz(total), b.const_i64(5), total))
    b.set(v, b.i8x16_shuffle(b.get(v), b.get(v), range(16)))
    block = b.finish()
    block.marks.append((0, 0x40))
    assert print_block(block, registers).splitlines() == [
        "block 0x40 to 0x44:",
        "  at 0x40:",
        "    %0 = i64.add x -32",
        "    i64.store %0 0x10000000000 offset=8",
        "    %1 = i64.eqz %0",
        "    %2 = select i64:5 %0 %1",
        "    %3 = i8x16.shuffle v v lanes=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
        "  x = %2",
        "  v = %3",
        "  jump 0x44",
    ]


def test_every_exit_comes_back() -> None:
    registers = Registers()
    x = registers.declare("x", I64)
    function = Function(0, "exits", registers)
    b = Builder(registers)
    addresses = itertools.count(0, 4)

    def begin() -> None:
        b.begin(next(addresses))
        b.pc, b.next = b.block.start, b.block.start + 4

    def end() -> None:
        block = b.finish()
        function.blocks[block.start] = block

    for one in ("jump", "branch", "indirect", "table", "call", "blr", "ret", "svc", "trap"):
        begin()
        match one:
            case "jump":
                b.jump(0x40)
            case "branch":
                b.branch(b.i64_eqz(b.get(x)), 0x40, 0x44)
            case "indirect" | "table":
                b.jump_indirect(b.get(x))
                if one == "table":
                    b.block.exit.targets = (0, 4, 8)
            case "call":
                b.call(0x80, b.next)
            case "blr":
                b.call_indirect(b.get(x), b.next)
            case "ret":
                b.ret(b.get(x))
            case "svc":
                b.syscall(3)
            case _:
                b.trap(TrapKind.DIVIDE)
        end()
    text = print_function(function)
    back = parse_function(text, registers)
    assert print_function(back) == text
    for start, block in function.blocks.items():
        ours, theirs = block.exit, back.blocks[start].exit
        assert (ours.kind, ours.target, ours.other, ours.imm, ours.targets) == (
            *(theirs.kind, theirs.target, theirs.other, theirs.imm, theirs.targets),
        )


def test_calls_and_their_results_come_back() -> None:
    r = RuntimeBuilder("twice", [I64], [I64, I32])
    r.label(0)
    r.results(r.i64_add(r.get(0), r.get(0)), r.const_i32(1))
    twice = r.function()
    pure = RuntimeBuilder("rare", [I64], [I64])
    pure.label(0)
    pure.results(pure.get(0))
    registers = Registers()
    x = registers.declare("x", I64)
    b = Builder(registers)
    first, second = b.call_runtime(twice, b.get(x))
    b.set(x, b.rarely(second, pure.function(), first, b.const_i64(1 << 63)))
    runtime = b.runtime.functions
    text = print_block(b.finish(), registers, runtime)
    assert "%0 = call twice x" in text
    assert "rarely rare %1 %2 i64:0x8000000000000000" in text
    assert print_block(parse_block(text, registers, runtime), registers, runtime) == text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("%0 = i64.frobnicate x x", "no operation"),
        ("%0 = i64.add x", "2 operands, not 1"),
        ("%0 = i64.add x %7", "used before it is defined"),
        ("%0 = i64.add x y", "neither a value, a register nor a number"),
        ("%0 = i32.const 5", "no operation"),
        ("%0 = select x x 1", "needs its type"),
        ("%0 = i64.add x 0x10000000000000000", "does not fit 64 bits"),
        ("%0 = i8x16.shuffle v v lanes=1,2", "sixteen lanes"),
        ("%0 = i64.load x depth=3", "no depth"),
        ("%0 = call nobody x", "no runtime function"),
        ("x = f128:5", "no type"),
        ("branch x to", "no address"),
        ("jump 0x10 0x20", "too much"),
        ("trap door at 0x10", "no trap 'door'"),
        ("wander", "no operation, register or exit"),
    ],
)
def test_wrong_text_is_refused_where_it_is_wrong(line: str, why: str) -> None:
    registers = Registers()
    registers.declare("x", I64)
    registers.declare("v", V128)
    with pytest.raises(InvalidProgram, match="line 2") as refused:
        parse_block(f"block 0x0 to 0x4:\n  {line}\n  jump 0x4", registers)
    assert why in str(refused.value)


def test_text_that_ends_early_is_refused() -> None:
    with pytest.raises(InvalidProgram, match="ends too early"):
        parse_block("block 0x0 to 0x4:", Registers())
