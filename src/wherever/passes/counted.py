"""Owns how many turns a loop makes, where start, step and end of its counter are constants.

A loop that goes on while a counter differs from a constant makes a known number of turns if all
who enter it put one constant into the counter, and only the block that compares changes it, by one
constant. Where a repeated loop (see `unroll`) has as many copies as divide that number, only the
last copy can be the one that leaves it, and the others need not ask. Rule `counted-loop`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes as op
from wherever.ir.values import ExitKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.ir.values import Block, Value

_COMPARES: Final = frozenset((op.I32_EQ, op.I32_NE, op.I64_EQ, op.I64_NE))
_EQUAL: Final = frozenset((op.I32_EQ, op.I64_EQ, op.I32_EQZ, op.I64_EQZ))
_GOES: Final = (ExitKind.JUMP, ExitKind.BRANCH)
# a counter: its register, its width in bits, what is added in a turn
_Counter = tuple[int, int, int]


def turns(cycle: Sequence[Block], entering: Sequence[Block]) -> tuple[int, int]:
    """Which block of a cycle decides whether it goes on, and after how many turns it does not.

    `entering` is every block that control comes from, other than those of the cycle. No turns
    where the number is not known.
    """
    for at, block in enumerate(cycle):
        if block.exit.kind is ExitKind.BRANCH:
            found = _end(block, cycle[(at + 1) % len(cycle)].start)
            if found is not None:
                counter, end = found
                slot = counter[0]
                others = (other for i, other in enumerate(cycle) if i != at)
                if not any(_changes(other, slot) for other in others):
                    return at, _turns(counter, end, entering)
    return -1, 0


def _changes(block: Block, slot: int) -> bool:
    return slot in block.outs or (block.deferred is not None and slot in block.deferred.slots)


def _turns(counter: _Counter, end: int, entering: Sequence[Block]) -> int:
    slot, width, step = counter
    starts: set[int] = set()
    for block in entering:
        value = block.outs.get(slot)
        if value is None or value.op != op.I64_CONST or block.exit.kind not in _GOES:
            return 0
        starts.add(value.imm & (1 << width) - 1)
    if len(starts) != 1:
        return 0
    # the counter meets the end without having gone around: the way is less than half of all
    way = (end - starts.pop()) * (1 if step > 0 else -1) & (1 << width) - 1
    count, rest = divmod(way, abs(step))
    return 0 if rest or way >> width - 1 else count


def _end(block: Block, inside: int) -> tuple[_Counter, int] | None:
    """The counter that a block changes and compares, and for which value it leaves the cycle."""
    end = block.exit
    value = end.value
    if value is None or end.target == end.other or inside not in (end.target, end.other):
        return None
    while_true = end.target == inside
    while value.op == op.I32_EQZ and value.args[0].op in _EQUAL | _COMPARES:
        value = value.args[0]
        while_true = not while_true
    number = value.op
    last = 0
    if number in _COMPARES:
        if value.args[1].op not in (op.I32_CONST, op.I64_CONST):
            return None
        last = value.args[1].imm
        compared = value.args[0]
    elif number in _EQUAL:
        compared = value.args[0]
    else:
        compared = value  # goes by whether it is zero
    if while_true == (number in _EQUAL):
        return None
    plain = _register(compared)
    if plain is not None:
        # what the counter was before this turn's step
        counter = _stepped(block.outs.get(plain[0]))
        if counter is None or counter[:2] != plain:
            return None
        last += counter[2]
    else:
        counter = _stepped(compared)
        if counter is None or counter != _stepped(block.outs.get(counter[0])):
            return None
    return counter, last & (1 << counter[1]) - 1


def _register(value: Value) -> tuple[int, int] | None:
    """The register that a value is, and in how many bits."""
    width = 64
    if value.op == op.I32_WRAP_I64:
        value = value.args[0]
        width = 32
    return (value.imm, width) if value.op == op.GET else None


def _stepped(value: Value | None) -> _Counter | None:
    """The register, and what is added to it, if a value is such a sum."""
    if value is None:
        return None
    if value.op == op.I64_EXTEND_I32_U:
        value = value.args[0]
    if value.op not in (op.I32_ADD, op.I64_ADD) or value.args[1].op not in (
        op.I32_CONST,
        op.I64_CONST,
    ):
        return None
    of, step = value.args[0], value.args[1].imm
    register = _register(of)
    width = 32 if value.op == op.I32_ADD else 64
    if register is None or register[1] != width:
        return None
    step &= (1 << width) - 1
    if step >> width - 1:
        step -= 1 << width
    return (register[0], width, step) if step else None
