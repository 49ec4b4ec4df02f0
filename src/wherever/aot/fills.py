"""Owns loops that fill memory with one value: sixteen bytes a turn where that changes nothing else.

A loop of one block that stores a value which it does not change at addresses one after the other,
until a register equals something: rule `wide-fill`. Before each turn: if at least as many turns
follow as sixteen bytes take, and the address is a multiple of sixteen, they are stored at once and
every register of the loop moves on by that many turns. The last turn is always the block itself,
so whatever the block leaves in registers beside is what it always leaves. An aligned store lies in
one page: where it faults, the first byte would have.

Every shape, length and alignment beside qemu, and faults: tests/programs/linux/fills.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wherever.aot import encode as e
from wherever.ir import opcodes as op
from wherever.ir.ops import I32, I64
from wherever.ir.values import Block, ExitKind, Value
from wherever.passes.facts import needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherever.aot.expressions import Expressions

# what is stored, and the vector made of it
SPLATS: Final = {
    op.I32_STORE8: (1, op.I8X16_SPLAT),
    op.I64_STORE8: (1, op.I8X16_SPLAT),
    op.I32_STORE16: (2, op.I16X8_SPLAT),
    op.I64_STORE16: (2, op.I16X8_SPLAT),
    op.I32_STORE: (4, op.I32X4_SPLAT),
    op.I64_STORE32: (4, op.I32X4_SPLAT),
    op.I64_STORE: (8, op.I64X2_SPLAT),
}
_M32: Final = 0xFFFF_FFFF
_M64: Final = 0xFFFF_FFFF_FFFF_FFFF
_FURTHEST: Final = 64  # what a turn may add to the register that is compared


@dataclass(frozen=True, slots=True)
class Step:
    """What a turn adds to a register: to all of it, or to its low half while the rest is zero."""

    by: int
    wide: bool


@dataclass(frozen=True, slots=True)
class Fill:
    """A loop that may go on sixteen bytes at a time."""

    store: Value
    turns: int  # that store sixteen bytes
    splat: int
    steps: dict[int, Step]  # what a turn adds to each register that the block reads and changes
    # the loop goes on while these differ; after each turn `more - less` is smaller by `by`
    more: Value
    less: Value
    by: int


def filling(block: Block, live: int) -> Fill | None:
    """The loop that a block is, out of whose registers those in `live` are wanted after it."""
    end = block.exit
    if end.kind is not ExitKind.BRANCH or end.value is None or len(block.effects) != 1:
        return None
    store = block.effects[0]
    known = SPLATS.get(store.op)
    if known is None or (end.target == block.start) is (end.other == block.start):
        return None
    changes = read = 0
    for slot in block.outs:
        changes |= 1 << slot
    if block.deferred is not None:
        for slot in block.deferred.slots:
            changes |= 1 << slot
        for operand in block.deferred.operands:
            read |= needs(operand)
    for value in (*block.outs.values(), *store.args, end.value):
        read |= needs(value)
    steps = _steps(block, read & changes & live)
    address, stored = store.args
    if steps is None or needs(stored) & changes:
        return None
    size, splat = known
    at = _summand(address, changes)
    if at is None or steps.get(at) != Step(size, wide=True):
        return None
    compared = _compared(end.value, changes, steps, goes_on=end.target == block.start)
    if compared is None:
        return None
    return Fill(store, 16 // size, splat, steps, *compared)


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


def _summand(value: Value, changes: int) -> int | None:
    """The one changing register that a value is the sum of, with what does not change."""
    if value.op == op.GET:
        return value.imm if changes >> value.imm & 1 else None
    if value.op == op.I32_WRAP_I64:
        return _summand(value.args[0], changes)
    if value.op in (op.I64_ADD, op.I32_ADD):
        one, other = value.args
        if not needs(other) & changes:
            return _summand(one, changes)
        if not needs(one) & changes:
            return _summand(other, changes)
    return None


def _compared(
    value: Value, changes: int, steps: Mapping[int, Step], *, goes_on: bool
) -> tuple[Value, Value, int] | None:
    """What is larger and what is smaller as long as a loop goes on, and how they come closer."""
    while value.op == op.I32_EQZ:
        value, goes_on = value.args[0], not goes_on
    if value.op not in ((op.I64_NE, op.I32_NE) if goes_on else (op.I64_EQ, op.I32_EQ)):
        return None
    moving, fixed = value.args
    if needs(fixed) & changes:
        moving, fixed = fixed, moving
    slot = _summand(moving, changes)
    if slot is None or needs(fixed) & changes:
        return None
    step = steps.get(slot)
    if step is None or not 0 < abs(step.by) <= _FURTHEST:
        return None
    if moving.type == I64 and not step.wide:
        return None
    return (fixed, moving, step.by) if step.by > 0 else (moving, fixed, -step.by)


def wide_turn(fill: Fill, x: Expressions, again: int) -> None:
    """Sixteen bytes at once, where that may be; `again` is the label of the loop's head."""
    code, locals_ = x.code, x.locals
    address, stored = fill.store.args
    together = (fill.more, fill.less, address, stored)
    x.alone(together)
    wide = fill.more.type == I64
    last = (fill.turns - 1) * fill.by
    constant = e.i64_const if wide else e.i32_const
    left = locals_.temporary(fill.more.type)
    x.emit(fill.more)
    x.emit(fill.less)
    code += e.OPCODE[op.I64_SUB if wide else op.I32_SUB] + e.local_tee(left)
    code += constant(last) + e.OPCODE[op.I64_GE_U if wide else op.I32_GE_U] + e.IF
    at = locals_.temporary(I32)
    offset = x.address(address, fill.store.imm)
    code += e.local_tee(at)
    if offset % 16:
        code += e.i32_const(offset) + e.I32_ADD
    code += e.i32_const(15) + e.OPCODE[op.I32_AND] + e.I32_EQZ + e.IF
    code += e.local_get(at)
    if stored.type == I64 and fill.splat != op.I64X2_SPLAT:
        x.wrapped(stored)
    else:
        x.emit(stored)
    code += e.OPCODE[fill.splat] + e.MEMORY[op.V128_STORE] + e.unsigned(offset)
    code += e.local_get(left) + constant(last)
    code += e.OPCODE[op.I64_NE if wide else op.I32_NE] + e.IF
    _move_on(fill, x, fill.turns)
    code += e.branch(again + 3) + e.END
    # these turns are all that is left: the block itself does the last of them again
    _move_on(fill, x, fill.turns - 1)
    code += e.END + e.END
    x.forget(together)


def _move_on(fill: Fill, x: Expressions, turns: int) -> None:
    code, locals_ = x.code, x.locals
    for slot, step in sorted(fill.steps.items()):
        code += locals_.read(slot)
        if step.wide:
            code += e.i64_const(step.by * turns) + e.OPCODE[op.I64_ADD]
        else:
            code += e.I32_WRAP + e.i32_const(step.by * turns) + e.I32_ADD + e.I64_EXTEND_U
        code += locals_.write(slot)
