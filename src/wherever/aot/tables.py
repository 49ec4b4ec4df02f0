"""Owns jump tables: which addresses a computed jump can go to.

The jump's value is an expression over one load. It is evaluated for each entry of the table in
turn, with constants that other blocks of the function give its registers or keep in its frame, as
far as the compare before the jump says, or until an entry does not lead into the function. Too
many targets do no harm (the jump compares addresses, not indices); one that is missed goes through
`resume`.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from wherever.aot.computed import (
    Unknown,
    evaluate,
    load_in,
    parts_of,
    registers_in,
    row_of,
    terms_of,
)
from wherever.aot.entries import by_index
from wherever.ir import opcodes
from wherever.ir.values import Block, ExitKind, Value

if TYPE_CHECKING:
    from wherever.aot.image import Image
    from wherever.aot.lift import Lifted
    from wherever.aot.recover import Recovered

_LIMIT: Final = 2048
_ENTRIES: Final = 1 << 17
_ENTRIES_A_WORD: Final = 8
_BOUND: Final[dict[int, int]] = {
    opcodes.I32_GT_U: 1,
    opcodes.I64_GT_U: 1,
    opcodes.I32_LE_U: 1,
    opcodes.I64_LE_U: 1,
    opcodes.I32_GE_U: 0,
    opcodes.I64_GE_U: 0,
    opcodes.I32_LT_U: 0,
    opcodes.I64_LT_U: 0,
}


class _Patience:
    """How many entries are still looked at: a real program has some hundreds for each table."""

    def __init__(self, words: int) -> None:
        self.left = _ENTRIES + _ENTRIES_A_WORD * words


class _Function:
    """What the blocks around a jump say: constants of registers, and bounds of indices."""

    def __init__(self, low: int, high: int, blocks: list[Block]) -> None:
        self.low = low
        self.high = high
        self.constants: dict[int, set[int]] = {}
        self.stored: set[int] = set()  # constants that are kept in memory: spilled registers
        self.before: dict[int, list[Block]] = {}
        for block in blocks:
            for slot, value in block.outs.items():
                if value.op == opcodes.I64_CONST:
                    self.constants.setdefault(slot, set()).add(value.imm)
            for effect in block.effects:
                if effect.op == opcodes.I64_STORE and effect.args[1].op == opcodes.I64_CONST:
                    self.stored.add(effect.args[1].imm)
            for target in block.exit.successors():
                self.before.setdefault(target, []).append(block)

    def holds(self, address: int) -> bool:
        """Whether the address lies in what looks like this function."""
        return self.low <= address < self.high

    def bound(self, start: int) -> int:
        """How many entries the table has at most, from the compare that guards it."""
        for _ in range(4):
            preds = self.before.get(start, [])
            for pred in preds:
                condition = pred.exit.value
                if pred.exit.kind is ExitKind.BRANCH and condition is not None:
                    extra = _BOUND.get(condition.op)
                    if extra is not None and condition.args[1].op in (
                        opcodes.I32_CONST,
                        opcodes.I64_CONST,
                    ):
                        return min(condition.args[1].imm + extra, _LIMIT)
            if len(preds) != 1:
                break
            start = preds[0].start
        return _LIMIT


def _targets(
    image: Image, block: Block, value: Value, around: _Function, patience: _Patience
) -> tuple[int, ...]:
    parts = parts_of(value)
    load = load_in(parts)
    if load is None:
        return ()
    row = row_of(load)
    terms = terms_of(load.args[0])
    bases: set[int] = set()
    for term in terms:
        if term.op == opcodes.I64_CONST:
            bases.add(term.imm)
        elif term.op == opcodes.GET:
            bases |= around.constants.get(term.imm, set())
        elif term.op == opcodes.I64_LOAD:
            bases |= around.stored
    if all(term.op == opcodes.I64_CONST for term in terms):
        return ()  # one word at one place: a pointer (a procedure linkage stub), not a table
    registers = registers_in(parts)
    environments: list[dict[int, int]] = [{}]
    for slot in registers:
        environments = [
            {**env, slot: constant}
            for env in environments
            for constant in sorted(around.constants.get(slot, set()))
        ][:64]
    limit = around.bound(block.start)
    # Where a compare says how long the table is, its entries may lie beyond the next thing that
    # looks like a function: an address that some constant happens to equal cuts functions in two.
    known, within = image.in_text, around.holds
    found: set[int] = set()
    for base in sorted(bases)[:64]:
        data = image.read(base + load.imm, limit * row.access)
        for env in environments:
            for at in range(0, len(data) - row.access + 1, row.access):
                patience.left -= 1
                if patience.left < 0:
                    return tuple(sorted(found))
                try:
                    target = evaluate(parts, env, load, row.entry(data[at : at + row.access]))
                except Unknown:
                    break
                if target & 3 or not (known(target) if limit < _LIMIT else within(target)):
                    break
                found.add(target)
    return tuple(sorted(found))


def find_tables(image: Image, recovered: Recovered, lifted: Lifted) -> int:
    """Give computed jumps their targets; how many of them have any."""
    regions: dict[int, list[Block]] = {}
    jumps: list[Block] = []
    for block in lifted.blocks.values():
        start = recovered.around(block.start)
        regions.setdefault(start, []).append(block)
        if block.exit.kind is ExitKind.JUMP_INDIRECT:
            jumps.append(block)
    highs = dict(zip(recovered.bounds, recovered.bounds[1:], strict=False))
    contexts: dict[int, _Function] = {}
    labels = sorted(recovered.labels)
    patience = _Patience(sum(len(words) for _, words in recovered.words))
    resolved: dict[int, tuple[int, ...]] = {}
    for block in jumps:
        value = block.exit.value
        if value is None:
            continue
        start = recovered.around(block.start)
        context = contexts.get(start)
        if context is None:
            high = highs.get(start, 1 << 32)
            context = contexts[start] = _Function(start, high, regions[start])
        targets = _targets(image, block, value, context, patience)
        if not targets:
            # an address that data knows and that lies inside this function: a computed goto
            inside = labels[bisect_left(labels, context.low) : bisect_left(labels, context.high)]
            if not _is_link(value) and len(inside) <= patience.left:
                patience.left -= len(inside)
                targets = tuple(inside)
        if targets:
            resolved[block.start] = targets
    wanted = {target for targets in resolved.values() for target in targets}
    recovered.leaders |= wanted
    lifted.split(wanted)
    ends = {
        block.end: block
        for block in lifted.blocks.values()
        if block.exit.kind is ExitKind.JUMP_INDIRECT
    }
    linked: list[tuple[Block, int]] = []
    for start, targets in resolved.items():
        block = lifted.blocks[start]
        while block.exit.kind is not ExitKind.JUMP_INDIRECT and block.end in lifted.blocks:
            block = lifted.blocks[block.end]
        if block.exit.kind is ExitKind.JUMP_INDIRECT and block.end in ends:
            block.exit.targets = targets
            linked.append((block, contexts[recovered.around(start)].bound(start)))
    for block, limit in linked:
        table = by_index(image, block, limit, lifted.before)
        if table is not None:
            lifted.tables[block.start] = table
    lifted.forget_before()
    return len(resolved)


def _is_link(value: Value) -> bool:
    return value.op == opcodes.GET and value.imm == 30


__all__ = ["find_tables"]
