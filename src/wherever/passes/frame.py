"""Owns the proof that a function gives registers back: what it returns with as it was entered.

Walks a function with three facts a block: which registers still (or again) hold their value on
entry, which hold the entry stack pointer plus a constant, and which stack words hold the entry
value of a register. A register is *kept* if it holds its entry value at every return.

Assumed: nothing but this function's own stack-relative stores changes its saved words. A write
through a stray pointer breaks that, as it breaks the C program; the return address, which such
writes usually reach, is compared at run time.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes
from wherever.ir.ops import BY_NUMBER, I64, Kind
from wherever.ir.values import Block, CallingConvention, Exit, ExitKind, Value
from wherever.passes.facts import SLOT_BITS, Facts, affine_of, needs, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ACCESS: Final = {op.number: op.access for op in BY_NUMBER.values() if op.access}
_WRITES: Final = frozenset(
    op.number for op in BY_NUMBER.values() if op.kind in (Kind.STORE, Kind.STORE_LANE, Kind.ATOMIC)
)
_PLAIN_LOADS: Final = frozenset({opcodes.I64_LOAD, opcodes.F64_LOAD, opcodes.V128_LOAD64_ZERO})
_SAVES: Final = frozenset({opcodes.I64_STORE, opcodes.F64_STORE, opcodes.V128_STORE})
_RESTORES: Final = _PLAIN_LOADS | {opcodes.V128_LOAD}
_HALVES: Final = frozenset({opcodes.V128_FROM_F64, opcodes.V128_FROM_I64})
_LOW_LANES: Final = frozenset({opcodes.F64X2_EXTRACT_LANE, opcodes.I64X2_EXTRACT_LANE})
_NOTHING: Final = -1


def _common(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    """What both say; the same dictionary if that is all of it."""
    if one is other:
        return one
    common = {key: value for key, value in one.items() if other.get(key) == value}
    return one if len(common) == len(one) else common


@dataclass(slots=True)
class Frame:
    """What the walk found out about one function."""

    kept: int  # registers that every proper return gives back
    own_returns: set[int] = field(default_factory=set[int])  # blocks that return to the caller
    tail_calls: set[int] = field(default_factory=set[int])  # blocks whose jump out is a tail call
    # the return address may be known to somebody after the return (setjmp keeps it)
    link_escapes: bool = False


class Steps:
    """What one block does to the facts, said once in numbers.

    A *source* is where a value comes from unchanged: a register (its number), a load of this block
    (-2 - its index), or neither (-1).
    """

    __slots__ = (
        "accesses",
        "calls",
        "cleared",
        "exit",
        "inside",
        "leaves",
        "link_used",
        "moves",
        "outs",
        "plain",
        "restores",
        "returned",
    )

    def __init__(
        self, block: Block, facts: Facts, inside: tuple[int, ...], tracked: int, link: int
    ) -> None:
        loads: dict[int, int] = {}
        # (is a load, base register or -1, offset, size, source stored or index of the load)
        accesses: list[tuple[bool, int, int, int, int]] = []
        for effect in block.effects:
            op = effect.op
            if op in _RESTORES:
                base, offset = affine_of(effect.args[0])
                if base >= 0:
                    loads[id(effect)] = len(loads)
                    accesses.append((True, base, offset + effect.imm, 8, len(loads) - 1))
            elif op in _WRITES:
                base, offset = affine_of(effect.args[0])
                source = _source(effect.args[1], loads) if op in _SAVES else _NOTHING
                if base >= 0 or source != _NOTHING:
                    offset += effect.imm & 0xFFFF_FFFF
                    accesses.append((False, base, offset, _ACCESS[op], source))
        cleared = outs = 0
        restores: list[tuple[int, int]] = []  # register, index of the load that it comes from
        moves: list[tuple[int, int, int]] = []  # register, base register, offset
        for slot, value in block.outs.items():
            bit = 1 << slot
            outs |= bit
            if tracked & bit:
                source = _source(value, loads)
                if source != slot:
                    cleared |= bit
                    if source < _NOTHING:
                        restores.append((slot, -2 - source))
            if value.type == I64 and (value.op == opcodes.I64_ADD or value.op == opcodes.GET):
                base, offset = affine_of(value)
                if base >= 0:
                    moves.append((slot, base, offset))
        # most blocks have none of these, and an empty tuple takes no memory
        self.accesses = tuple(accesses)
        self.restores = tuple(restores)
        self.moves = tuple(moves)
        end = block.exit
        self.exit = end
        self.inside = inside  # the blocks of this function that may follow
        self.calls = end.kind is ExitKind.CALL or end.kind is ExitKind.CALL_INDIRECT
        self.leaves = _leaves(end, inside)
        self.returned = _NOTHING if end.value is None else _source(end.value, loads)
        self.cleared = cleared
        self.outs = outs
        self.link_used = link >= 0 and _link_used(block, facts, loads, self.returned, 1 << link)
        self.plain = not (self.accesses or self.restores or self.moves or self.link_used)
        self.plain = self.plain and self.returned == _NOTHING


def _link_used(
    block: Block, facts: Facts, loads: dict[int, int], returned: int, link_bit: int
) -> bool:
    """Whether the link register goes into anything but a plain save, move or return."""
    plain_return = block.exit.kind is ExitKind.RET and returned >= 0
    might = facts.always | facts.deferred_needs
    if not plain_return:
        might |= facts.returned
    for out in facts.outs:
        might |= out >> SLOT_BITS
    if not might & link_bit:
        return False
    used = facts.deferred_needs
    for effect in block.effects:
        saves = effect.op in _SAVES and _source(effect.args[1], loads) != _NOTHING
        for operand in effect.args[:1] if saves else effect.args:
            used |= needs(operand)
    for slot, value in block.outs.items():
        source = _source(value, loads)
        if source != slot and source >= _NOTHING:
            used |= needs(value)
    if block.exit.value is not None and not plain_return:
        used |= needs(block.exit.value)
    return bool(used & link_bit)


def _source(value: Value, loads: dict[int, int]) -> int:
    """Where a value comes from unchanged (of a vector: the low half)."""
    while value.op in _HALVES or (value.op in _LOW_LANES and value.imm == 0):
        value = value.args[0]
    if value.op == opcodes.GET:
        return value.imm
    index = loads.get(id(value), _NOTHING)
    return _NOTHING if index < 0 else -2 - index


class _Walk:
    """One function's walk."""

    def __init__(self, tracked: int, link: int) -> None:
        self.tracked = tracked
        self.link = link
        self.link_escapes = False

    def block(
        self, steps: Steps, held: int, affine: dict[int, int], saved: dict[int, int]
    ) -> tuple[int, dict[int, int], dict[int, int], bool]:
        """The facts at the block's exit, and whether a return there is to the caller."""
        restored: dict[int, int] = {}
        link = self.link
        for is_load, base, offset, size, source in steps.accesses:
            start = affine.get(base)
            if is_load:
                if start is not None and saved:
                    found = saved.get(signed(start + offset))
                    if found is not None:
                        restored[source] = found
                continue
            slot = _NOTHING
            if source >= 0:
                slot = source if held >> source & 1 else _NOTHING
            elif source < _NOTHING:
                slot = restored.get(-2 - source, _NOTHING)
            if start is None:
                self.link_escapes = self.link_escapes or slot == link >= 0
                continue
            at = signed(start + offset)
            hit = [key for key in saved if at - 8 < key < at + size]
            kept = slot >= 0 and size >= 8 and self.tracked >> slot & 1
            if hit or kept:
                saved = {key: value for key, value in saved.items() if key not in hit}
                if kept:
                    saved[at] = slot
        returned = steps.returned
        if returned >= 0:
            back = returned == link and bool(held >> link & 1)
        else:
            back = returned < _NOTHING and restored.get(-2 - returned, _NOTHING) == link >= 0
        if steps.link_used and held >> link & 1:
            self.link_escapes = True
        if restored and not back and link in restored.values():
            # read back from the frame, and not into the link register
            put_back = any(s == link == restored.get(i) for s, i in steps.restores)
            self.link_escapes = self.link_escapes or not put_back
        held &= ~steps.cleared
        for slot, index in steps.restores:
            if restored.get(index, _NOTHING) == slot:
                held |= 1 << slot
        after = _without(affine, steps.outs)
        for slot, base, offset in steps.moves:
            start = affine.get(base)
            if start is not None:
                if after is affine:
                    after = dict(affine)
                after[slot] = signed(start + offset)
        return held, after, saved, back


def _without(affine: dict[int, int], mask: int) -> dict[int, int]:
    """Without what is known of some registers; the same dictionary if nothing is."""
    for slot in affine:
        if mask >> slot & 1:
            return {slot: at for slot, at in affine.items() if not mask >> slot & 1}
    return affine


def analyse_frame(
    order: Sequence[int],
    blocks: Mapping[int, Block],
    facts: Mapping[int, Facts],
    successors: Callable[[Block], tuple[int, ...]],
    convention: CallingConvention,
    tracked: int,
    kept_by: Callable[[Exit], int],
    known_steps: dict[int, Steps],
) -> Frame:
    """Walk a function from its entry, the first block of `order`: its blocks in reverse postorder.

    `successors` gives the blocks of this function that may follow (not tail calls); `kept_by` the
    registers that the callee of an exit (a call, or a jump out of the function) gives back.
    `known_steps` remembers blocks from one walk to the next.
    """
    link = _NOTHING if convention.link is None else convention.link
    walk = _Walk(tracked, link)
    sp = convention.stack_pointer
    number = {start: i for i, start in enumerate(order)}
    nothing: dict[int, int] = {}
    # before each block: registers that hold their entry value; register -> offset from the entry
    # stack pointer; such an offset -> register saved there. The dictionaries are never changed.
    held = [_NOTHING] * len(order)
    affine = [nothing] * len(order)
    saved = [nothing] * len(order)
    held[0], affine[0] = tracked, {sp: 0}
    at_exit: dict[int, tuple[int, bool, bool]] = {}  # held, level with the entry, to the caller
    work = [0]
    queued = bytearray(len(order))
    while work:
        at = heapq.heappop(work)
        queued[at] = 0
        start = order[at]
        steps = known_steps.get(start)
        if steps is None:
            block = blocks[start]
            steps = Steps(block, facts[start], successors(block), tracked, link)
            known_steps[start] = steps
        returns = False
        now, levels, slots = held[at], affine[at], saved[at]
        if steps.plain:
            now &= ~steps.cleared
            levels = _without(levels, steps.outs)
        else:
            now, levels, slots, returns = walk.block(steps, now, levels, slots)
        if steps.calls:
            kept = kept_by(steps.exit)
            now &= kept
            levels = _without(levels, ~kept)
        elif steps.leaves:
            at_exit[start] = now, levels.get(sp) == 0, returns
        for target in steps.inside:
            to = number[target]
            if held[to] < 0:
                held[to], affine[to], saved[to] = now, levels, slots
            else:
                before, level, words = held[to], affine[to], saved[to]
                held[to] = before & now
                affine[to] = _common(level, levels)
                saved[to] = _common(words, slots)
                same = affine[to] is level and saved[to] is words
                if same and held[to] == before:
                    continue
            if not queued[to]:
                queued[to] = 1
                heapq.heappush(work, to)
    return _frame(walk, at_exit, blocks, sp, kept_by)


def _frame(
    walk: _Walk,
    at_exit: dict[int, tuple[int, bool, bool]],
    blocks: Mapping[int, Block],
    sp: int,
    kept_by: Callable[[Exit], int],
) -> Frame:
    """What the facts at the exits say of the function."""
    frame = Frame(kept=walk.tracked | 1 << sp, link_escapes=walk.link_escapes)
    link_bit = 0 if walk.link < 0 else 1 << walk.link
    for start, (held, level, returns) in at_exit.items():
        end = blocks[start].exit
        kept = held | 1 << sp if level else held
        if end.kind is ExitKind.RET:
            if returns:
                frame.own_returns.add(start)
                frame.kept &= kept
        elif held & link_bit == link_bit:
            frame.tail_calls.add(start)
            frame.kept &= kept & kept_by(end)
    return frame


def _leaves(end: Exit, inside: tuple[int, ...]) -> bool:
    """Whether a block may be where control goes back to the caller, or on in another function."""
    kind = end.kind
    if kind is ExitKind.RET:
        return True
    if kind is ExitKind.JUMP_INDIRECT:
        # of a jump table: an address that it does not have goes through the driver
        if not end.targets:
            return True
    elif kind is not ExitKind.JUMP and kind is not ExitKind.BRANCH:
        return False
    for target in end.successors():  # noqa: SIM110 - a generator for each block takes longer
        if target not in inside:
            return True
    return False
