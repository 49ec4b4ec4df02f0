"""Owns calls that are made in place: which, and a function with blocks of its callees copied in.

A copy is a block like any other, with an address of its own (the callee's, beside the number of the
copy); what it does, where its calls come back to and which registers it means are the callee's. A
return to the call goes on behind it; one to elsewhere leaves by the driver, as always. Only the
fast body has copies. Whatever leaves the Wasm stack in one finds the State as if there had been a
call: the frames are in the guest's memory, what lives on in a caller is in its global, and the
driver goes on in the callee's own resume body, then in the caller's.

Rule `call-in-place`: a function that calls itself holds copies of itself while they are small
together; a small one that calls nothing is copied to where it is called again and again (ADR 0055).
"""

from __future__ import annotations

from typing import Final

from wherever.aot.functions import Body, Functions
from wherever.aot.signature import Conventions, Signature
from wherever.ir import opcodes
from wherever.ir.values import Asks, Block, Exit, ExitKind
from wherever.isa.aarch64.registers import SP
from wherever.passes.cycles import on_cycles
from wherever.passes.frame import Frame

_ITSELF: Final = 128  # instructions of a function and all copies of itself
_LEAF: Final = 16  # instructions of what calls nothing
_LEAVES: Final = 128  # instructions of all copies of such in one function
_COPY: Final = 36  # the number of a copy stands above this bit of an address
_INSIDE: Final = (ExitKind.JUMP, ExitKind.BRANCH)
_CALLS: Final = (ExitKind.CALL, ExitKind.CALL_INDIRECT)


class Together(Conventions):
    """The conventions as one function with copies sees them."""

    def __init__(self, c: Conventions, signature: Signature) -> None:
        entry = signature.entry
        old, body = c.functions, c.functions.bodies[signature.entry]
        whole = Body(entry, body.name, list(body.reached), list(body.orphans), returns=body.returns)
        blocks = {start: old.blocks[start] for start in body.reached}
        bodies = {entry: whole}
        super().__init__(Functions(bodies, blocks, old.entries, old.taken, old.tables))
        self.facts = {start: c.facts[start] for start in body.reached}
        self.all = c.all
        self.unknown_reads = c.unknown_reads
        self.unknown_writes = c.unknown_writes
        self.unknown_live_out = c.unknown_live_out
        self.unknown_lost = c.unknown_lost
        self.lost = c.lost
        self.orders = c.orders
        self.asked = c.asked
        self.returned = c.returned
        self.base = c
        self.behind: dict[int, int] = {}  # call in a copy -> what is live where it goes on

    def following(self, signature: Signature, block: Block) -> int:
        """What is live where a call goes on, out of what a call can give."""
        found = self.behind.get(block.start)
        return self.base.following(signature, block) if found is None else found


def with_copies(c: Conventions, signature: Signature) -> tuple[Conventions, Signature]:
    """A function with copies of what it calls, and the conventions that hold in it."""
    copies = calls_in_place(c, signature)
    if not copies:
        return c, signature
    together = Together(c, signature)
    whole = _copied(signature)
    numbers = {key: number for number, (key, _) in enumerate(copies, 1)}
    for key, callee in copies:
        _enter(together, whole, key, callee, numbers)
    return together, whole


def calls_in_place(c: Conventions, signature: Signature) -> list[tuple[int, int]]:
    """The blocks whose calls are made in place, copies among them, and the functions they call."""
    body = c.functions.bodies[signature.entry]
    blocks = c.functions.blocks
    own: list[int] = []
    leaves: list[int] = []
    for start in body.reached:
        end = blocks[start].exit
        if end.kind is not ExitKind.CALL or end.other < 0:
            continue
        if end.target == signature.entry:
            own.append(start)
        elif end.other not in c.functions.entries and _is_leaf(c, end.target, signature):
            leaves.append(start)
    found: list[tuple[int, int]] = []
    if own and _may_be_copied(c, signature.entry):
        size = _size(c, signature.entry)
        number = 0
        queue = list(own)
        while queue and (number + 2) * size <= _ITSELF:
            found.append((queue.pop(0), signature.entry))
            number += 1
            queue += [(number << _COPY) + start for start in own]
    if leaves:
        inside = set(body.reached)
        again = on_cycles(
            {one: [t for t in blocks[one].exit.successors() if t in inside] for one in inside}
        )
        left = _LEAVES
        for start in leaves:
            size = _size(c, blocks[start].exit.target)
            if start in again and size <= left:
                left -= size
                found.append((start, blocks[start].exit.target))
    return found


def _size(c: Conventions, entry: int) -> int:
    """A function's instructions."""
    blocks = c.functions.blocks
    return sum(blocks[start].end - start >> 2 for start in c.functions.bodies[entry].reached)


def _is_leaf(c: Conventions, entry: int, caller: Signature) -> bool:
    """Whether a function is small, calls nothing, has no loop and saves what its caller does."""
    callee = c.all.get(entry)
    if callee is None or callee.callees or callee.indirect or callee.suspends:
        return False
    given = callee.changes & callee.kept
    if given & ~(caller.changes & caller.kept):
        return False
    blocks = c.functions.blocks
    reached = c.functions.bodies[entry].reached
    if len(reached) > _LEAF or _size(c, entry) > _LEAF:
        return False
    for start in reached:
        if any(target <= start for target in blocks[start].exit.successors()):
            return False
    return _may_be_copied(c, entry)


def _may_be_copied(c: Conventions, entry: int) -> bool:
    """Whether control leaves a function by returns to its caller and by calls alone."""
    blocks = c.functions.blocks
    reached = c.functions.bodies[entry].reached
    inside = set(reached)
    for start in reached:
        block = blocks[start]
        end = block.exit
        kind = end.kind
        if block.asks is not Asks.NOTHING:
            return False
        if kind is ExitKind.RET:
            if start not in c.all[entry].frame.own_returns:
                return False
        elif kind in _INSIDE or kind in _CALLS:
            for target in end.successors():
                if target not in inside:
                    return False
        elif kind is not ExitKind.TRAP:
            return False
    return bool(reached)  # what only the driver enters is no function to call


def _copied(signature: Signature) -> Signature:
    """A signature that learns of more blocks."""
    frame = signature.frame
    whole = Signature(
        signature.entry,
        signature.name,
        Frame(frame.kept, frame.own_returns, frame.tail_calls, frame.link_escapes),
        signature.taken,
    )
    whole.reads, whole.writes = signature.reads, signature.writes
    whole.live_out = signature.live_out
    whole.suspends, whole.recursive = signature.suspends, signature.recursive
    whole.changes = signature.changes
    whole.callees, whole.indirect = signature.callees, signature.indirect
    whole.uses, whole.makes = signature.uses, signature.makes
    whole.lost, whole.spoils, whole.gives = signature.lost, signature.spoils, signature.gives
    whole.live, whole.after = dict(signature.live), dict(signature.after)
    return whole


def _enter(c: Together, whole: Signature, key: int, entry: int, numbers: dict[int, int]) -> None:
    """Make the call at the end of a block a jump into a copy, which comes back behind it."""
    blocks = c.functions.blocks
    caller = blocks[key]
    above = numbers[key] << _COPY
    end = caller.exit
    back, address = end.other, end.other & (1 << _COPY) - 1
    callee = c.all[entry]
    # what the callee leaves alone, or gives back, lives on through it
    passing = c.following(whole, caller) & ~callee.writes
    blocks[key] = _copy(caller, key, Exit(ExitKind.JUMP, target=above + entry))
    if callee.suspends:
        # a trap's handler has its frame below the stack pointer in the global
        c.in_place[key] = 1 << SP
    else:
        c.in_place[key] = 0
    base = c.base
    body = c.functions.bodies[whole.entry]
    for start in base.functions.bodies[entry].reached:
        block = base.functions.blocks[start]
        end = block.exit
        kind = end.kind
        at = above + start
        if kind in _INSIDE or kind in _CALLS:
            other = end.other if end.other < 0 else above + end.other
            target = above + end.target if kind in _INSIDE else end.target
            end = Exit(kind, end.value, target, other, end.imm)
        elif kind is ExitKind.RET:
            assert end.value is not None
            if end.value.op == opcodes.GET:
                end = Exit(ExitKind.JUMP, target=back)
            else:
                end = Exit(ExitKind.RET, end.value, address, back)
        blocks[at] = _copy(block, at, end)
        body.reached.append(at)
        c.facts[at] = base.facts[start]
        whole.live[at] = callee.live[start] | passing
        whole.after[at] = callee.after[start] | passing
        if kind in _CALLS:
            c.behind[at] = base.following(callee, block) | passing


def _copy(block: Block, start: int, end: Exit) -> Block:
    """The same work at another address, with another end."""
    made = Block(start)
    made.end = block.end
    made.effects = block.effects
    made.outs = block.outs
    made.deferred = block.deferred
    made.marks = block.marks
    made.asks = block.asks
    made.exit = end
    return made
