"""Owns the facts of one block that dataflow needs, as bit masks over register slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.ir import opcodes
from wherever.ir.ops import BY_NUMBER, Kind
from wherever.ir.values import Block, ExitKind, Value

if TYPE_CHECKING:
    from typing import Final

_M64: Final = 0xFFFF_FFFF_FFFF_FFFF
_NOTHING: Final = -1
SLOT_BITS: Final = 7
SLOT: Final = (1 << SLOT_BITS) - 1
"""What of an entry of `Facts.outs` is the register; above it is the mask of what it needs."""
_LOADS: Final = frozenset(
    op.number for op in BY_NUMBER.values() if op.kind in (Kind.LOAD, Kind.LOAD_LANE)
)


def is_load(op: int) -> bool:
    """Whether an effect is a load."""
    return op in _LOADS


def signed(value: int) -> int:
    """A 64-bit number as two's complement has it."""
    value &= _M64
    return value - (1 << 64) if value >> 63 else value


def affine_of(value: Value) -> tuple[int, int]:
    """A value as a register plus a constant; without one, register -1."""
    offset = 0
    while value.op == opcodes.I64_ADD and value.args[1].op == opcodes.I64_CONST:
        offset += value.args[1].imm
        value = value.args[0]
    return (value.imm, signed(offset)) if value.op == opcodes.GET else (_NOTHING, 0)


def in_frame(address: Value, stack_pointer: int) -> bool:
    """Whether an address is the stack pointer of a block plus a constant."""
    return affine_of(address)[0] == stack_pointer


def may_vanish(effect: Value, stack_pointer: int) -> bool:
    """Whether an effect is a load that nobody misses if its value is not used.

    A load happens whether or not its value is used, for it may fault; but above the stack pointer
    lies the frame, from which every function restores what may not be wanted.
    """
    if effect.op not in _LOADS:
        return False
    base, offset = affine_of(effect.args[0])
    return base == stack_pointer and offset >= 0


def needs(value: Value) -> int:
    """The registers a value is computed from, as a mask; remembered in the value."""
    mask = value.needs
    if mask < 0:
        if value.op == opcodes.GET:
            mask = 1 << value.imm
        else:
            mask = 0
            for arg in value.args:
                mask |= arg.needs if arg.needs >= 0 else needs(arg)
        value.needs = mask
    return mask


class Facts:
    """What a block reads always, what it changes, and what each change is computed from."""

    __slots__ = (
        "always",
        "changes",
        "deferred",
        "deferred_needs",
        "outs",
        "read",
        "returned",
        "shape",
    )

    def __init__(self, block: Block, stack_pointer: int) -> None:
        self.shape: tuple[int, int, int, bool] | None = None  # see aot.narrow
        always = 0
        for effect in block.effects:
            if not may_vanish(effect, stack_pointer):
                always |= needs(effect)
        end = block.exit
        # what a return reads is decided with the frame: usually only the caller's own address
        self.returned = needs(end.value) if end.kind is ExitKind.RET and end.value else 0
        if end.value is not None and end.kind is not ExitKind.RET:
            always |= needs(end.value)
        for value in end.values:
            always |= needs(value)
        self.always = always
        # one number each, for there are millions: pairs would take four times the memory
        self.outs = [needs(value) << SLOT_BITS | slot for slot, value in block.outs.items()]
        changes = 0
        # what some instruction of the block reads, whatever its result is for
        self.read = always | self.returned
        for out in self.outs:
            changes |= 1 << (out & SLOT)
            self.read |= out >> SLOT_BITS
        self.deferred = 0
        self.deferred_needs = 0
        if block.deferred is not None:
            for slot in block.deferred.slots:
                if not changes >> slot & 1:
                    self.deferred |= 1 << slot
            for operand in block.deferred.operands:
                self.deferred_needs |= needs(operand)
            self.read |= self.deferred_needs
        self.changes = changes | self.deferred

    def before(self, after: int) -> int:
        """The registers live before the block's own work, given those live after it."""
        live = (after & ~self.changes) | self.always
        for out in self.outs:
            if after >> (out & SLOT) & 1:
                live |= out >> SLOT_BITS
        if after & self.deferred:
            live |= self.deferred_needs
        return live

    def grown(self, more: int) -> int:
        """What is live before as well if `more` is live after."""
        changed = more & self.changes
        if not changed:
            return more
        live = more ^ changed
        for out in self.outs:
            if changed >> (out & SLOT) & 1:
                live |= out >> SLOT_BITS
        if changed & self.deferred:
            live |= self.deferred_needs
        return live
