"""Is legal IR accepted, and is every kind of illegal IR named?"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from random_ir import random_function

from wherever.errors import InternalError
from wherever.ir import opcodes as op
from wherever.ir.builder import PURE, Builder, RuntimeBuilder, RuntimeTable
from wherever.ir.ops import I32, I64, V128, VOID
from wherever.ir.values import Block, Exit, ExitKind, Registers, TrapKind, Value
from wherever.ir.verify import (
    Stage,
    problems_of_block,
    problems_of_runtime,
    require_block,
    require_runtime,
)
from wherever.isa.aarch64 import table
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.registers import REGISTERS as A64

REGISTERS = Registers()
X = REGISTERS.declare("x", I64)
W = REGISTERS.declare("w", I32)
V = REGISTERS.declare("v", V128)
x = Value(op.GET, I64, (), X)
w = Value(op.GET, I32, (), W)


@pytest.mark.parametrize("seed", range(60))
def test_random_functions_are_legal(seed: int) -> None:
    assert problems_of_runtime(random_function(seed)) == []


@pytest.mark.parametrize("exact", [False, True])
def test_every_instruction_means_legal_ir(exact: bool) -> None:
    runtime = RuntimeTable()
    b = Builder(A64, runtime)
    m = Lifter(b, exact=exact)
    for group in table.GROUPS:
        for instruction in group.instructions:
            if instruction.meaning is None:
                continue
            for example in instruction.examples:
                b.begin(0x4000_0000)
                b.pc, b.next = 0x4000_0000, 0x4000_0004
                table.lift(m, instruction, int(example.split()[0], 16))
                block = b.finish()
                require_block(block, A64, runtime.functions, Stage.LIFTED)
    for function in runtime.functions:
        require_runtime(function, runtime.functions)


def block(*effects: Value, end: Exit | None = None, **outs: Value) -> Block:
    made = Block(0)
    made.end = 4
    made.effects = list(effects)
    made.outs = {REGISTERS.by_name[name]: value for name, value in outs.items()}
    made.exit = Exit(ExitKind.JUMP, None, 4) if end is None else end
    return made


load = Value(op.I64_LOAD, I64, (x,), 0)
circle = Value(op.I64_ADD, I64, (), 0)
circle.args = (x, circle)
_BAD: dict[str, tuple[Callable[[], Block], str]] = {
    "operand": (lambda: block(x=Value(op.I64_ADD, I64, (x, w), 0)), "takes (i64 i64), not (i64"),
    "count": (lambda: block(x=Value(op.I64_ADD, I64, (x,), 0)), "not (i64)"),
    "result": (lambda: block(w=Value(op.I64_ADD, I32, (x, x), 0)), "i64.add is i64, not i32"),
    "operation": (lambda: block(x=Value(0xBAD, I64, (), 0)), "no operation 0xbad"),
    "register": (lambda: block(x=Value(op.GET, I64, (), 99)), "register 99, which there is not"),
    "its type": (lambda: block(x=Value(op.GET, I64, (), W)), "get of w is i64"),
    "out": (lambda: block(x=w), "register x is i64, its value i32"),
    "constant": (lambda: block(w=Value(op.I32_CONST, I32, (), 1 << 32)), "immediate 0x100000000"),
    "lane": (
        lambda: block(w=Value(op.I32X4_EXTRACT_LANE, I32, (PURE.const_v128(0),), 4)),
        "immediate 0x4",
    ),
    "not ordered": (lambda: block(x=load), "uses i64.load before it happens"),
    "too early": (
        lambda: block(Value(op.I64_STORE, VOID, (x, load), 0), load),
        "effect 0 uses i64.load before it happens",
    ),
    "twice": (lambda: block(load, load), "stands there twice"),
    "pure effect": (lambda: block(Value(op.I64_ADD, I64, (x, x), 0)), "which is no effect"),
    "cycle": (lambda: block(x=circle), "computed from itself"),
    "select": (lambda: block(x=Value(op.SELECT, I64, (x, x, x), 0)), "select is i64 of"),
    "call": (lambda: block(Value(op.CALL, I64, (x,), 7)), "runtime function 7, which"),
    "not a call": (lambda: block(x=Value(op.RESULT, I64, (x,), 0)), "of what is no call"),
    "condition": (lambda: block(end=Exit(ExitKind.BRANCH, x, 4, 8)), "looks at i64"),
    "one way": (lambda: block(end=Exit(ExitKind.BRANCH, w, 4)), "one way only"),
    "no value": (lambda: block(end=Exit(ExitKind.RET)), "ret has no value"),
    "a value": (lambda: block(end=Exit(ExitKind.JUMP, x, 4)), "jump has a value"),
    "no target": (lambda: block(end=Exit(ExitKind.CALL)), "call has no target"),
    "stage": (lambda: block(end=Exit(ExitKind.RESULTS)), "no exit results at the stage"),
}


@pytest.mark.parametrize("name", _BAD)
def test_what_is_illegal_is_named(name: str) -> None:
    make, why = _BAD[name]
    found = problems_of_block(make(), REGISTERS)
    assert any(why in problem for problem in found), found
    with pytest.raises(InternalError, match="is not legal"):
        require_block(make(), REGISTERS)


def test_marks_are_in_order() -> None:
    made = block(load)
    made.marks = [(0, 4), (0, 8)]
    assert any("out of order" in problem for problem in problems_of_block(made, REGISTERS))


def test_jumps_lead_to_blocks() -> None:
    assert problems_of_block(block(), REGISTERS, inside={8}) == [
        "the exit jump leads to 0x4, where nothing is"
    ]


def test_runtime_functions_give_what_they_say() -> None:
    r = RuntimeBuilder("liar", [I64], [I32])
    r.label(0)
    r.store(op.I64_STORE, r.get(0), r.get(0))
    r.results(r.get(0))
    found = problems_of_runtime(r.function())
    assert "block 0: gives (i64), not (i32)" in found
    assert "touches memory, and does not say so" in found


def test_a_trap_of_a_guest_is_legal_and_of_a_runtime_function_is_not() -> None:
    b = Builder(REGISTERS)
    b.trap(TrapKind.ILLEGAL)
    made = b.finish()
    assert problems_of_block(made, REGISTERS, stage=Stage.LIFTED) == []
    assert problems_of_block(made, REGISTERS, stage=Stage.RUNTIME) != []
