"""Owns loops that fill memory with one value: sixteen bytes a turn where that changes nothing else.

A loop of one block that stores a value which it does not change at addresses one after the other,
until a register reaches something: rule `wide-fill`. Before each turn: if at least as many turns
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
from wherever.aot.paced import Pace, changes_of, left, looping, move_on, pace, speed
from wherever.ir import opcodes as op
from wherever.ir.ops import I32, I64
from wherever.passes.facts import needs

if TYPE_CHECKING:
    from wherever.aot.expressions import Expressions
    from wherever.ir.values import Block, Value

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


@dataclass(frozen=True, slots=True)
class Fill:
    """A loop that may go on sixteen bytes at a time."""

    store: Value
    turns: int  # that store sixteen bytes
    splat: int
    paced: Pace


def filling(block: Block, live: int) -> Fill | None:
    """The loop that a block is, out of whose registers those in `live` are wanted after it."""
    if len(block.effects) != 1 or not looping(block):
        return None
    store = block.effects[0]
    known = SPLATS.get(store.op)
    if known is None:
        return None
    changes = changes_of(block)
    address, stored = store.args
    if needs(stored) & changes:
        return None
    paced = pace(block, live, changes)
    if paced is None:
        return None
    size, splat = known
    if speed(address, paced.steps, changes) != size:
        return None
    return Fill(store, 16 // size, splat, paced)


def wide_turn(fill: Fill, x: Expressions, again: int) -> None:
    """Sixteen bytes at once, where that may be; `again` is the label of the loop's head."""
    code, locals_ = x.code, x.locals
    address, stored = fill.store.args
    paced = fill.paced
    together = (paced.more, paced.less, address, stored)
    x.alone(together)
    wide = paced.more.type == I64
    last = (fill.turns - 1) * paced.by
    constant = e.i64_const if wide else e.i32_const
    following = left(paced, x, last)
    code += e.IF
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
    code += e.local_get(following) + constant(last)
    code += e.OPCODE[op.I64_NE if wide else op.I32_NE] + e.IF
    move_on(paced.steps, x, fill.turns)
    code += e.branch(again + 3) + e.END
    # these turns are all that is left: the block itself does the last of them again
    move_on(paced.steps, x, fill.turns - 1)
    code += e.END + e.END
    x.forget(together)
