"""Owns jumps through tables that cannot change: the index chooses the target (rule `table-index`).

A table in a segment that the program may not write to is read when it is translated. The jump then
needs neither the entry nor the address made of it, as a `switch` compiled to Wasm does not. What
the compare before the jump does not let through, or what was no table, computes the address as
before, and leaves for it.

The registers that hold the table's address, or what its entries are added to, are found by walking
back from the jump; that they hold it on every way to the jump is proved where it is emitted, of
the function's own blocks (`always`).
"""

from __future__ import annotations

from dataclasses import dataclass
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
from wherever.ir import opcodes
from wherever.ir.values import Block, ExitKind, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wherever.aot.image import Image

    Before = Callable[[int], list[Block]]  # the blocks that control comes from

_CALLS: Final = (ExitKind.CALL, ExitKind.CALL_INDIRECT, ExitKind.SYSCALL)
_FAR: Final = 256  # blocks that are looked through for a constant
M32: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Table:
    """The low half of `index`, rotated right by `shift`, counts `targets`; if registers are so."""

    index: Value
    shift: int
    needs: tuple[tuple[int, int], ...]  # register, the constant it has to hold
    targets: tuple[int, ...]


def by_index(image: Image, block: Block, limit: int, before: Before) -> Table | None:
    """The table that a block jumps through, of at most `limit` entries, if it cannot change."""
    value = block.exit.value
    parts = parts_of(value) if value is not None else []
    load = load_in(parts)
    if load is None:
        return None
    row = row_of(load)
    needs: dict[int, int] = {}
    base = load.imm & M32
    index: list[Value] = []
    for term in terms_of(load.args[0]):
        constant = term.imm if term.op == opcodes.I64_CONST else None
        if term.op == opcodes.GET:
            constant = _constant(before, block, term.imm)
            if constant is not None:
                needs[term.imm] = constant
        if constant is None:
            index.append(term)
        else:
            base += constant
    if len(index) != 1:
        return None
    for slot in registers_in(parts):
        constant = _constant(before, block, slot)
        if constant is None:
            return None
        needs[slot] = constant
    data = image.constant(base & M32, limit * row.access)
    allowed = set(block.exit.targets)
    targets: list[int] = []
    for at in range(0, len(data) - row.access + 1, row.access):
        try:
            target = evaluate(parts, needs, load, row.entry(data[at : at + row.access]))
        except Unknown:
            return None
        if target not in allowed:
            break
        targets.append(target)
    if not targets:
        return None
    counted, shift = _counted(index[0], row.access)
    return Table(counted, shift, tuple(sorted(needs.items())), tuple(targets))


def _counted(offset: Value, access: int) -> tuple[Value, int]:
    """What counts entries of some bytes, out of their offset, and what it is rotated by.

    An offset that is no multiple comes out too large for any table.
    """
    shift = access.bit_length() - 1
    if (
        shift
        and offset.op == opcodes.I64_SHL
        and offset.args[1].op == opcodes.I64_CONST
        and offset.args[1].imm == shift
    ):
        return offset.args[0], 0
    return offset, shift


def _constant(before: Before, block: Block, slot: int) -> int | None:
    """The constant that a register was last given before a block, as far as it is seen."""
    seen = {block.start}
    work = [block]
    for _ in range(_FAR):
        if not work:
            break
        for one in before(work.pop(0).start):
            if one.start not in seen:
                seen.add(one.start)
                given = one.outs.get(slot)
                if given is not None:
                    return given.imm if given.op == opcodes.I64_CONST else None
                work.append(one)
    return None


def always(
    slot: int,
    constant: int,
    start: int,
    entry: int,
    blocks: Mapping[int, Block],
    before: Mapping[int, Sequence[int]],
) -> bool:
    """Whether a register of one function holds a constant on entry to a block, on every way.

    No call is trusted to give a register back.
    """
    seen: set[int] = set()
    work = [start]
    while work:
        at = work.pop()
        if at == entry:
            return False
        for one in before.get(at, ()):
            if one in seen:
                continue
            seen.add(one)
            block = blocks[one]
            if block.exit.kind in _CALLS:
                return False
            given = block.outs.get(slot)
            if given is None:
                work.append(one)
            elif given.op != opcodes.I64_CONST or given.imm != constant:
                return False
    return True
