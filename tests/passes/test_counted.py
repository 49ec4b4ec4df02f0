"""How many turns does a counted loop make? Beside the loop itself, run turn by turn."""

from __future__ import annotations

import pytest

from wherever.ir.builder import Builder, RuntimeTable
from wherever.ir.values import Block
from wherever.isa.aarch64.registers import REGISTERS, X
from wherever.passes.counted import turns

HEAD, OUT = 0x100, 0x200
BUILDER = Builder(REGISTERS, RuntimeTable())


def entering(start: int | None) -> Block:
    b = BUILDER
    b.begin(0x80)
    b.set(X[1], b.get(X[0]) if start is None else b.const_i64(start))
    b.jump(HEAD)
    return b.finish()


def body(step: int, end: int, *, narrow: bool = False, form: str = "ne") -> Block:
    b = BUILDER
    b.begin(HEAD)
    if narrow:
        small = b.i32_add(b.i32_wrap_i64(b.get(X[1])), b.const_i32(step))
        b.set(X[1], b.i64_extend_i32_u(small))
        equal, unequal = b.i32_eq(small, b.const_i32(end)), b.i32_ne(small, b.const_i32(end))
    else:
        wide = b.i64_add(b.get(X[1]), b.const_i64(step))
        b.set(X[1], wide)
        equal, unequal = b.i64_eq(wide, b.const_i64(end)), b.i64_ne(wide, b.const_i64(end))
    match form:
        case "ne":
            b.branch(unequal, HEAD, OUT)
        case "eq":
            b.branch(equal, OUT, HEAD)
        case "not eq":
            b.branch(b.i32_eqz(equal), HEAD, OUT)
        case _:
            b.branch(equal, HEAD, OUT)  # goes on while it is equal: nothing is counted
    return b.finish()


def run(start: int, step: int, end: int, width: int) -> int:
    mask = (1 << width) - 1
    count, at = 1, start + step & mask
    while at != end & mask and count < 1000:
        count, at = count + 1, at + step & mask
    return count


@pytest.mark.parametrize("form", ["ne", "eq", "not eq"])
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(
    ("start", "step", "end"),
    [(0, 8, 1280), (0, 1, 200), (5, -1, 0), (-4, 2, 4), (7, 7, 14), (100, -25, -100), (1, 1, 2)],
)
def test_as_many_as_it_makes(start: int, step: int, end: int, narrow: bool, form: str) -> None:
    cycle = [body(step, end, narrow=narrow, form=form)]
    assert turns(cycle, [entering(start)]) == (0, run(start, step, end, 32 if narrow else 64))


@pytest.mark.parametrize(
    ("start", "step", "end"),
    [(0, 3, 1280), (0, -8, 1280), (8, 1, 8), (0, 1, 1 << 63), (1, 8, 1280)],
)
def test_one_that_goes_around_is_not_counted(start: int, step: int, end: int) -> None:
    assert turns([body(step, end)], [entering(start)])[1] == 0


def test_whoever_enters_it_counts() -> None:
    loop = [body(8, 1280)]
    assert turns(loop, [entering(0), entering(0)])[1] == 160
    assert turns(loop, [entering(0), entering(8)])[1] == 0
    assert turns(loop, [entering(0), entering(None)])[1] == 0
    assert turns(loop, [])[1] == 0
    assert turns([body(8, 1280, form="while equal")], [entering(0)])[1] == 0


def test_only_one_block_may_change_the_counter() -> None:
    b = BUILDER
    b.begin(0x140)
    b.set(X[1], b.i64_add(b.get(X[1]), b.const_i64(8)))
    b.jump(HEAD)
    other = b.finish()
    first = body(8, 1280)
    first.exit.target = 0x140
    assert turns([first, other], [entering(0)])[1] == 0
    other.outs.clear()
    assert turns([first, other], [entering(0)]) == (0, 160)
