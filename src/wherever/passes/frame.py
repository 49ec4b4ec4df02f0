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
from wherever.ir.ops import BY_NUMBER, Kind
from wherever.ir.values import Block, CallingConvention, Exit, ExitKind, Value
from wherever.passes.facts import needs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_M64: Final = 0xFFFF_FFFF_FFFF_FFFF
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


class State:
    """The facts at one point; the dictionaries are shared among states and never changed."""

    __slots__ = ("affine", "held", "saved")

    def __init__(self, held: int, affine: dict[int, int], saved: dict[int, int]) -> None:
        self.held = held  # mask of registers that hold their entry value
        self.affine = affine  # register -> offset from the entry stack pointer
        self.saved = saved  # offset from the entry stack pointer -> register saved there

    def meet(self, other: State) -> bool:
        """Keep only what both say; whether anything was lost."""
        changed = False
        if self.held & ~other.held:
            self.held &= other.held
            changed = True
        if self.affine is not other.affine:
            affine = _common(self.affine, other.affine)
            if len(affine) != len(self.affine):
                self.affine = affine
                changed = True
        if self.saved is not other.saved:
            saved = _common(self.saved, other.saved)
            if len(saved) != len(self.saved):
                self.saved = saved
                changed = True
        return changed


def _common(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {key: value for key, value in one.items() if other.get(key) == value}


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

    __slots__ = ("accesses", "cleared", "link_used", "moves", "outs", "restores", "returned")

    def __init__(self, block: Block, link: int) -> None:
        loads: dict[int, int] = {}
        link_bit = 0 if link < 0 else 1 << link
        used = 0  # registers that go into anything but a plain save, move or return
        # (is a load, base register or -1, offset, size, source stored or index of the load)
        self.accesses: list[tuple[bool, int, int, int, int]] = []
        for effect in block.effects:
            op = effect.op
            if op in _WRITES:
                base, offset = _affine(effect.args[0])
                source = _source(effect.args[1], loads) if op in _SAVES else _NOTHING
                offset += effect.imm & 0xFFFF_FFFF
                used |= needs(effect.args[0])
                for operand in effect.args[1:]:
                    used |= 0 if source != _NOTHING else needs(operand)
                if base >= 0 or source != _NOTHING:
                    self.accesses.append((False, base, offset, _ACCESS[op], source))
            elif op in _RESTORES:
                base, offset = _affine(effect.args[0])
                used |= needs(effect.args[0])
                if base >= 0:
                    loads[id(effect)] = len(loads)
                    self.accesses.append((True, base, offset + effect.imm, 8, len(loads) - 1))
            else:
                for operand in effect.args:
                    used |= needs(operand)
        cleared = outs = 0
        self.restores: list[tuple[int, int]] = []  # register, index of the load that it comes from
        self.moves: list[tuple[int, int, int]] = []  # register, base register, offset
        for slot, value in block.outs.items():
            bit = 1 << slot
            outs |= bit
            source = _source(value, loads)
            if source != slot:
                cleared |= bit
                if source < _NOTHING:
                    self.restores.append((slot, -2 - source))
                else:
                    used |= needs(value)
            if value.type == 0x7E:
                base, offset = _affine(value)
                if base >= 0:
                    self.moves.append((slot, base, offset))
        end = block.exit
        self.returned = _NOTHING if end.value is None else _source(end.value, loads)
        if end.value is not None and not (end.kind is ExitKind.RET and self.returned >= 0):
            used |= needs(end.value)
        if block.deferred is not None:
            for operand in block.deferred.operands:
                used |= needs(operand)
        self.cleared = cleared
        self.outs = outs
        self.link_used = bool(used & link_bit)


def _signed(value: int) -> int:
    value &= _M64
    return value - (1 << 64) if value >> 63 else value


def _affine(value: Value) -> tuple[int, int]:
    """A value as a register plus a constant; without one, register -1."""
    offset = 0
    while value.op == opcodes.I64_ADD and value.args[1].op == opcodes.I64_CONST:
        offset += value.args[1].imm
        value = value.args[0]
    return (value.imm, _signed(offset)) if value.op == opcodes.GET else (_NOTHING, 0)


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

    def block(self, steps: Steps, state: State) -> tuple[State, bool]:
        """The facts at the block's exit, and whether a return there is to the caller."""
        held, affine, saved = state.held, state.affine, state.saved
        restored: dict[int, int] = {}
        link = self.link
        for is_load, base, offset, size, source in steps.accesses:
            start = affine.get(base)
            if is_load:
                if start is not None and saved:
                    found = saved.get(_signed(start + offset))
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
            at = _signed(start + offset)
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
        if link in restored.values() and not back:
            # read back from the frame, and not into the link register
            put_back = any(s == link == restored.get(i) for s, i in steps.restores)
            self.link_escapes = self.link_escapes or not put_back
        held &= ~steps.cleared
        for slot, index in steps.restores:
            if restored.get(index, _NOTHING) == slot:
                held |= 1 << slot
        outs = steps.outs
        after = affine
        if outs and (steps.moves or any(outs >> slot & 1 for slot in affine)):
            after = {slot: at for slot, at in affine.items() if not outs >> slot & 1}
            for slot, base, offset in steps.moves:
                start = affine.get(base)
                if start is not None:
                    after[slot] = _signed(start + offset)
        return State(held, after, saved), back


def analyse_frame(
    entry: int,
    blocks: Mapping[int, Block],
    successors: Callable[[Block], Sequence[int]],
    convention: CallingConvention,
    tracked: int,
    kept_by: Callable[[Exit], int],
    known_steps: dict[int, Steps] | None = None,
) -> Frame:
    """Walk a function from its entry.

    `successors` gives the blocks of this function that may follow (not tail calls); `kept_by` the
    registers that the callee of an exit (a call, or a jump out of the function) gives back.
    `known_steps` remembers blocks from one walk to the next.
    """
    link = _NOTHING if convention.link is None else convention.link
    walk = _Walk(tracked, link)
    sp = convention.stack_pointer
    link_bit = 0 if link < 0 else 1 << link
    all_steps = {} if known_steps is None else known_steps
    states: dict[int, State] = {entry: State(tracked, {sp: 0}, {})}
    # lowest address first: mostly the order in which control goes
    work = [entry]
    queued = {entry}
    frame = Frame(kept=tracked | 1 << sp)
    at_exit: dict[int, tuple[State, bool]] = {}
    while work:
        start = heapq.heappop(work)
        queued.discard(start)
        block = blocks[start]
        steps = all_steps.get(start)
        if steps is None:
            steps = all_steps[start] = Steps(block, link)
        after, returns = walk.block(steps, states[start])
        at_exit[start] = (after, returns)
        kind = block.exit.kind
        if kind in (ExitKind.CALL, ExitKind.CALL_INDIRECT):
            kept = kept_by(block.exit)
            after = State(
                after.held & kept,
                {slot: at for slot, at in after.affine.items() if kept >> slot & 1},
                after.saved,
            )
        for target in successors(block):
            known = states.get(target)
            if known is None:
                states[target] = State(after.held, after.affine, after.saved)
            elif not known.meet(after):
                continue
            if target not in queued:
                queued.add(target)
                heapq.heappush(work, target)
    frame.link_escapes = walk.link_escapes
    for start, (state, returns) in at_exit.items():
        block = blocks[start]
        level = state.held | (1 << sp if state.affine.get(sp) == 0 else 0)
        if block.exit.kind is ExitKind.RET:
            if returns:
                frame.own_returns.add(start)
                frame.kept &= level
        elif block.exit.kind in (ExitKind.JUMP, ExitKind.JUMP_INDIRECT, ExitKind.BRANCH):
            if not _leaves(block, successors(block)):
                continue
            if state.held & link_bit == link_bit:
                frame.tail_calls.add(start)
                frame.kept &= level & kept_by(block.exit)
    return frame


def _leaves(block: Block, inside: Sequence[int]) -> bool:
    if block.exit.kind is ExitKind.JUMP_INDIRECT and not block.exit.targets:
        return True
    # a jump table: an address that it does not have goes through the driver, never as a tail call
    return any(target not in inside for target in block.exit.successors())
