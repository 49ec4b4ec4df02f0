"""Owns how a loop of one block goes on: what a turn adds to its registers, and how many follow.

What `fills` and `streams` have in common: both do many turns of such a loop at once, where at least
so many follow; every register of the loop then moves on by that many turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wherever.aot import encode as e
from wherever.ir import opcodes as op
from wherever.ir.ops import I64
from wherever.ir.values import Block, ExitKind, Value
from wherever.passes.facts import needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherever.aot.expressions import Expressions

_M32: Final = 0xFFFF_FFFF
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF
_FURTHEST: Final = 64  # what a turn may add to the register that is compared
_UNEQUAL: Final = (op.I64_NE, op.I32_NE)
_EQUAL: Final = (op.I64_EQ, op.I32_EQ, op.I64_EQZ)
_LINEAR: Final = frozenset((op.I64_ADD, op.I32_ADD, op.I64_SUB, op.I32_SUB, op.I64_SHL, op.I32_SHL))
# a comparison: the same one strictly, whether its first operand is the smaller, and its opposite
_ORDERED: Final = {
    number: (strict, first, opposite)
    for lt, le, gt, ge in (
        (op.I64_LT_S, op.I64_LE_S, op.I64_GT_S, op.I64_GE_S),
        (op.I64_LT_U, op.I64_LE_U, op.I64_GT_U, op.I64_GE_U),
        (op.I32_LT_S, op.I32_LE_S, op.I32_GT_S, op.I32_GE_S),
        (op.I32_LT_U, op.I32_LE_U, op.I32_GT_U, op.I32_GE_U),
    )
    for number, strict, first, opposite in (
        (lt, lt, True, ge),
        (le, lt, True, gt),
        (gt, lt, False, le),
        (ge, lt, False, lt),
    )
}


@dataclass(frozen=True, slots=True)
class Step:
    """What a turn adds to a register: to all of it, or to its low half while the rest is zero."""

    by: int
    wide: bool


@dataclass(frozen=True, slots=True)
class Pace:
    """How a loop goes on.

    It does while `less` and `more` differ, or, if `below` says so, while `less` is below `more` in
    that order at least; after each turn `more - less` is smaller by `by`.
    """

    steps: dict[int, Step]  # what a turn adds to each register that the block reads and changes
    more: Value
    less: Value
    by: int
    below: int  # the operation that has to hold of `less` and `more` beforehand, or 0


def looping(block: Block) -> bool:
    """Whether a block is a loop of its own, and is left in one way."""
    end = block.exit
    if end.kind is not ExitKind.BRANCH or end.value is None:
        return False
    return (end.target == block.start) is not (end.other == block.start)


def changes_of(block: Block) -> int:
    """The registers that a block changes."""
    changes = 0
    for slot in block.outs:
        changes |= 1 << slot
    if block.deferred is not None:
        for slot in block.deferred.slots:
            changes |= 1 << slot
    return changes


def pace(block: Block, live: int, changes: int) -> Pace | None:
    """How a loop goes on, out of whose registers those in `live` are wanted after a turn."""
    end = block.exit
    assert end.value is not None
    read = needs(end.value)
    if block.deferred is not None:
        for operand in block.deferred.operands:
            read |= needs(operand)
    for value in block.outs.values():
        read |= needs(value)
    for effect in block.effects:
        for value in effect.args:
            read |= needs(value)
    steps = _steps(block, read & changes & live)
    if steps is None:
        return None
    return _compared(end.value, changes, steps, goes_on=end.target == block.start)


def _steps(block: Block, registers: int) -> dict[int, Step] | None:
    """What a turn adds to each of some registers, if that is all it does to them."""
    steps: dict[int, Step] = {}
    slot = 0
    while registers >> slot:
        if registers >> slot & 1:
            value = block.outs.get(slot)
            step = None if value is None else _step(slot, value)
            if step is None:
                return None
            steps[slot] = step
        slot += 1
    return steps


def _step(slot: int, value: Value) -> Step | None:
    if value.op == op.I64_EXTEND_I32_U:
        inner = value.args[0]
        if inner.op == op.I32_ADD and inner.args[1].op == op.I32_CONST:
            low = inner.args[0]
            if low.op == op.I32_WRAP_I64 and _is(low.args[0], slot):
                return Step(_signed(inner.args[1].imm & _M32, 32), wide=False)
        return None
    if value.op == op.I64_ADD and value.args[1].op == op.I64_CONST and _is(value.args[0], slot):
        return Step(_signed(value.args[1].imm & _M64, 64), wide=True)
    return None


def _is(value: Value, slot: int) -> bool:
    return value.op == op.GET and value.imm == slot


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def speed(
    value: Value, steps: Mapping[int, Step], changes: int, *, low: bool = False
) -> int | None:
    """What a turn adds to a value, as far as its `low` half goes or to all of it."""
    if not needs(value) & changes:
        return 0
    number = value.op
    if number == op.GET:
        step = steps.get(value.imm)
        return step.by if step is not None and (step.wide or low) else None
    if number == op.I32_WRAP_I64:
        return speed(value.args[0], steps, changes, low=True)
    if number not in _LINEAR:
        return None
    one = speed(value.args[0], steps, changes, low=low)
    other = speed(value.args[1], steps, changes, low=low)
    if one is None or other is None:
        return None
    if number in (op.I64_SHL, op.I32_SHL):
        by = value.args[1]
        known = by.op in (op.I64_CONST, op.I32_CONST) and by.imm < _FURTHEST.bit_length()
        return one << by.imm if known else None
    return one - other if number in (op.I64_SUB, op.I32_SUB) else one + other


def _compared(value: Value, changes: int, steps: dict[int, Step], *, goes_on: bool) -> Pace | None:
    """What is larger and what is smaller as long as a loop goes on, and how they come closer."""
    while value.op == op.I32_EQZ:
        value, goes_on = value.args[0], not goes_on
    number = value.op
    if number in _ORDERED and not goes_on:
        number = _ORDERED[number][2]
    elif number not in _ORDERED and number not in (_UNEQUAL if goes_on else _EQUAL):
        return None
    moving, *others = value.args
    fixed = others[0] if others else Value(op.I64_CONST, I64, (), 0)
    turned = bool(needs(fixed) & changes)
    if turned:
        moving, fixed = fixed, moving
    by = speed(moving, steps, changes)
    if by is None or needs(fixed) & changes or not 0 < abs(by) <= _FURTHEST:
        return None
    below = 0
    if number in _ORDERED:
        below, first, _ = _ORDERED[number]
        # what is compared has to move towards where the loop ends
        if (by > 0) is not (first is not turned):
            return None
    if by > 0:
        return Pace(steps, fixed, moving, by, below)
    return Pace(steps, moving, fixed, -by, below)


def left(paced: Pace, x: Expressions, needed: int) -> int:
    """The local of `more - less`; and push whether it is at least so much, rightly ordered."""
    code = x.code
    wide = paced.more.type == I64
    place = x.locals.temporary(paced.more.type)
    if not paced.below:
        x.emit(paced.more)
        x.emit(paced.less)
        code += e.OPCODE[op.I64_SUB if wide else op.I32_SUB] + e.local_tee(place)
        code += (e.i64_const if wide else e.i32_const)(needed)
        code += e.OPCODE[op.I64_GE_U if wide else op.I32_GE_U]
        return place
    less, more = x.locals.temporary(paced.more.type), x.locals.temporary(paced.more.type)
    x.emit(paced.more)
    code += e.local_tee(more)
    x.emit(paced.less)
    code += e.local_tee(less) + e.OPCODE[op.I64_SUB if wide else op.I32_SUB]
    code += e.local_tee(place) + (e.i64_const if wide else e.i32_const)(needed)
    code += e.OPCODE[op.I64_GE_U if wide else op.I32_GE_U]
    code += e.local_get(less) + e.local_get(more) + e.OPCODE[paced.below]
    code += e.OPCODE[op.I32_AND]
    return place


def move_on(steps: Mapping[int, Step], x: Expressions, turns: int) -> None:
    """Leave registers as some turns leave them."""
    code, locals_ = x.code, x.locals
    for slot, step in sorted(steps.items()):
        code += locals_.read(slot)
        if step.wide:
            code += e.i64_const(step.by * turns) + e.OPCODE[op.I64_ADD]
        else:
            code += e.I32_WRAP + e.i32_const(step.by * turns) + e.I32_ADD + e.I64_EXTEND_U
        code += locals_.write(slot)
