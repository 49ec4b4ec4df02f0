"""Owns the proof that a function gives registers back: what it returns with as it was entered.

Walks a function with three facts a block: which registers still (or again) hold their value on
entry, which hold the entry stack pointer plus a constant, and which stack words hold the entry
value of a register. A register is *kept* if it holds its entry value at every return.

Assumed: nothing but this function's own stack-relative stores changes its saved words. A write
through a stray pointer breaks that, as it breaks the C program; the return address, which such
writes usually reach, is compared at run time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes
from wherever.ir.ops import BY_NUMBER, Kind
from wherever.ir.values import Block, CallingConvention, Exit, ExitKind, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_M64: Final = 0xFFFF_FFFF_FFFF_FFFF
_ACCESS: Final = {op.number: op.access for op in BY_NUMBER.values() if op.access}
_WRITES: Final = frozenset(
    op.number for op in BY_NUMBER.values() if op.kind in (Kind.STORE, Kind.STORE_LANE, Kind.ATOMIC)
)
_PLAIN_LOADS: Final = frozenset({opcodes.I64_LOAD, opcodes.F64_LOAD, opcodes.V128_LOAD64_ZERO})
_V128_LOAD: Final = opcodes.V128_LOAD


class State:
    """The facts at one point."""

    __slots__ = ("affine", "held", "saved")

    def __init__(self, held: int, affine: dict[int, int], saved: dict[int, int]) -> None:
        self.held = held  # mask of registers that hold their entry value
        self.affine = affine  # register -> offset from the entry stack pointer
        self.saved = saved  # offset from the entry stack pointer -> register saved there

    def copy(self) -> State:
        """An independent copy."""
        return State(self.held, dict(self.affine), dict(self.saved))

    def meet(self, other: State) -> bool:
        """Keep only what both say; whether anything was lost."""
        changed = False
        if self.held & ~other.held:
            self.held &= other.held
            changed = True
        for mine, theirs in ((self.affine, other.affine), (self.saved, other.saved)):
            lost = [key for key, value in mine.items() if theirs.get(key) != value]
            for key in lost:
                del mine[key]
            changed = changed or bool(lost)
        return changed


@dataclass(slots=True)
class Frame:
    """What the walk found out about one function."""

    kept: int  # registers that every proper return gives back
    own_returns: set[int] = field(default_factory=set[int])  # blocks that return to the caller
    tail_calls: set[int] = field(default_factory=set[int])  # blocks whose jump out is a tail call


class _Walk:
    def __init__(self, convention: CallingConvention, tracked: int) -> None:
        self.sp = convention.stack_pointer
        self.link = convention.link
        self.tracked = tracked

    def offset(self, value: Value, state: State) -> int | None:
        """How far a value is from the entry stack pointer, where that is known."""
        if value.op == opcodes.GET:
            return state.affine.get(value.imm)
        if value.op == opcodes.I64_ADD and value.args[1].op == opcodes.I64_CONST:
            inner = self.offset(value.args[0], state)
            if inner is not None:
                total = inner + value.args[1].imm & _M64
                return total - (1 << 64) if total >> 63 else total
        return None

    def held(self, value: Value, state: State, restored: dict[int, int]) -> int:
        """The register whose entry value this is (of a vector: the low half), or -1."""
        if value.op == opcodes.GET:
            return value.imm if state.held >> value.imm & 1 else -1
        if value.op in _PLAIN_LOADS or value.op == _V128_LOAD:
            return restored.get(id(value), -1)
        if value.op in (opcodes.V128_FROM_F64, opcodes.V128_FROM_I64):
            return self.held(value.args[0], state, restored)
        if value.op in (opcodes.F64X2_EXTRACT_LANE, opcodes.I64X2_EXTRACT_LANE) and value.imm == 0:
            return self.held(value.args[0], state, restored)
        return -1

    def effects(self, block: Block, state: State) -> dict[int, int]:
        """Follow the block's stores and loads; which loads bring an entry value back."""
        restored: dict[int, int] = {}
        for effect in block.effects:
            op = effect.op
            if op in _WRITES:
                at = self.offset(effect.args[0], state)
                if at is None:
                    continue
                at += effect.imm & 0xFFFF_FFFF
                size = _ACCESS[op]
                for key in [key for key in state.saved if at - 8 < key < at + size]:
                    del state.saved[key]
                if op in (opcodes.I64_STORE, opcodes.F64_STORE, opcodes.V128_STORE):
                    slot = self.held(effect.args[1], state, restored)
                    if slot >= 0 and self.tracked >> slot & 1:
                        state.saved[at] = slot
            elif (op in _PLAIN_LOADS or op == _V128_LOAD) and state.saved:
                base = self.offset(effect.args[0], state)
                if base is not None:
                    found = state.saved.get(base + effect.imm)
                    if found is not None:
                        restored[id(effect)] = found
        return restored

    def block(self, block: Block, state: State) -> tuple[State, bool]:
        """The facts at the block's exit, and whether a return there is to the caller."""
        restored = self.effects(block, state)
        end = block.exit
        returns = (
            end.kind is ExitKind.RET
            and end.value is not None
            and self.link is not None
            and self.held(end.value, state, restored) == self.link
        )
        held = state.held
        affine = state.affine
        moved: dict[int, int] = {}
        for slot, value in block.outs.items():
            bit = 1 << slot
            if self.held(value, state, restored) == slot:
                held |= bit
            else:
                held &= ~bit
            if value.type == 0x7E:
                offset = self.offset(value, state)
                if offset is not None:
                    moved[slot] = offset
        after = {slot: at for slot, at in affine.items() if slot not in block.outs}
        after.update(moved)
        return State(held, after, state.saved), returns


def analyse_frame(
    entry: int,
    blocks: Mapping[int, Block],
    successors: Callable[[Block], Sequence[int]],
    convention: CallingConvention,
    tracked: int,
    kept_by: Callable[[Exit], int],
) -> Frame:
    """Walk a function from its entry.

    `successors` gives the blocks of this function that may follow (not tail calls); `kept_by` the
    registers that the callee of an exit (a call, or a jump out of the function) gives back.
    """
    walk = _Walk(convention, tracked)
    sp = convention.stack_pointer
    link_bit = 0 if convention.link is None else 1 << convention.link
    states: dict[int, State] = {entry: State(tracked, {sp: 0}, {})}
    work = [entry]
    frame = Frame(kept=tracked | 1 << sp)
    at_exit: dict[int, tuple[State, bool]] = {}
    while work:
        start = work.pop()
        block = blocks[start]
        after, returns = walk.block(block, states[start].copy())
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
                states[target] = after.copy()
                work.append(target)
            elif known.meet(after):
                work.append(target)
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
    if block.exit.kind is ExitKind.JUMP_INDIRECT:
        return True
    return any(target not in inside for target in block.exit.successors())
