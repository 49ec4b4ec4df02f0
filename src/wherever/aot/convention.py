"""Owns how functions hand registers to each other: exact signatures, found over all calls."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from wherever.aot.arriving import LOST_AT_CALLS, Arriving
from wherever.aot.asked import asked_with
from wherever.aot.liveness import Liveness, postorder
from wherever.aot.returned import Returned
from wherever.aot.signature import (
    ALL,
    CALLEE_SAVED,
    HANDED_ON,
    LINK,
    TRACKED,
    Conventions,
    Signature,
    given_back,
    mask_of,
)
from wherever.ir import opcodes
from wherever.ir.values import Block, ExitKind
from wherever.isa.aarch64.registers import SP, V, X
from wherever.passes.cycles import on_cycles
from wherever.passes.facts import SLOT_BITS, Facts, in_frame, may_vanish, needs
from wherever.passes.frame import Frame, Steps, analyse_frame

if TYPE_CHECKING:
    from typing import Final

    from wherever.aot.functions import Body, Functions

_SPOILED: Final = X[19:30]
_INNER: Final = 8  # what a function's call of itself counts beside others
_FEW_SITES: Final = 2  # each caller writes what it needs again: with many, that is the larger code
_SAVED_UNREAD: Final = mask_of((*X[1:8], *V[:8]))  # what a variable number of arguments comes in


def _frames(c: Conventions, bodies: list[Body]) -> None:
    """Which registers each function keeps: the greatest fixed point over calls."""
    blocks = c.functions.blocks
    entries = c.functions.entries
    callers: dict[int, set[int]] = {}
    for body in bodies:
        signature = Signature(
            body.entry, body.name, Frame(CALLEE_SAVED), body.entry in c.functions.taken
        )
        callees: set[int] = set()
        changes = 0
        for start in body.reached:
            block = blocks[start]
            end = block.exit
            kind = end.kind
            changes |= c.facts[start].changes
            if kind is ExitKind.CALL:
                callees.add(end.target)
                if end.other in entries:
                    callees.add(end.other)
            elif kind is ExitKind.CALL_INDIRECT or kind is ExitKind.JUMP_INDIRECT:
                signature.indirect = signature.indirect or not end.targets
            after = end.successors()
            if len(c.functions.inside(block)) < len(after):
                for target in after:
                    if target in entries and target != body.entry:
                        callees.add(target)
        signature.changes = changes
        signature.callees = tuple(sorted(callees))
        for callee in callees:
            callers.setdefault(callee, set()).add(body.entry)
        c.all[body.entry] = signature
        c.orders[body.entry] = postorder(c.functions, body)
    work = deque(c.callees_first())
    queued = set(work)
    around = on_cycles({entry: list(one.callees) for entry, one in c.all.items()})
    steps: dict[int, Steps] = {}  # of functions on cycles, which are walked again and again
    while work:
        entry = work.popleft()
        queued.discard(entry)
        signature = c.all[entry]
        before = signature.frame.kept
        if not c.functions.bodies[entry].reached:
            continue
        order = c.orders[entry]
        signature.frame = analyse_frame(
            order[order.index(entry) :: -1],
            blocks,
            c.facts,
            c.functions.inside,
            c.convention,
            TRACKED,
            c.kept_by,
            steps if entry in around else {},
        )
        # A return that is no longer seen to be one takes nothing away: found to keep less, a callee
        # may let its caller seem to keep more, and so on around a cycle. Once lost is lost.
        signature.frame.kept &= before
        if signature.frame.kept != before:
            for caller in callers.get(entry, ()):
                if caller not in queued:
                    queued.add(caller)
                    # at once, so that a cycle is done with before those that call into it
                    work.appendleft(caller)


def _writes(c: Conventions) -> None:
    """What each function may change, callees included, and which may suspend."""
    blocks = c.functions.blocks
    for body in c.functions.bodies.values():
        signature = c.all.get(body.entry)
        if signature is None:
            continue
        signature.writes = signature.changes & ~signature.kept
        for start in body.reached:
            kind = blocks[start].exit.kind
            if kind is ExitKind.SYSCALL:
                signature.writes |= 1
                signature.suspends = True
            elif start in body.passable or _escapes(c, body, signature.frame, blocks[start]):
                signature.suspends = True
        # an address that setjmp or a context keeps is one that control may come back to
        escapes = signature.indirect or signature.frame.link_escapes
        signature.suspends = signature.suspends or escapes
    for entry in _recursive(c):
        c.all[entry].recursive = c.all[entry].suspends = True
    _spread(c)


def _spread(c: Conventions) -> None:
    """From callees to callers, and from taken functions to who calls what is not known.

    Each function is looked at again only when a callee of it grew: time grows with the number of
    calls, however a hostile program orders them.
    """
    everything = list(c.all.values())
    callers: dict[int, list[Signature]] = {}
    for signature in everything:
        for callee in signature.callees:
            callers.setdefault(callee, []).append(signature)
        if signature.taken:
            c.unknown_writes |= signature.writes
    indirect = [signature for signature in everything if signature.indirect]
    work = deque(reversed(everything))
    queued = set(c.all)
    while work:
        signature = work.popleft()
        queued.discard(signature.entry)
        writes, suspends = signature.writes, signature.suspends
        for callee in signature.callees:
            known = c.all.get(callee)
            if known is None:
                suspends = True
                writes |= ALL & ~CALLEE_SAVED
            else:
                writes |= known.writes
                suspends = suspends or known.suspends
        if signature.indirect:
            writes |= c.unknown_writes
        writes &= ~signature.kept
        if writes == signature.writes and suspends == signature.suspends:
            continue
        signature.writes, signature.suspends = writes, suspends
        again = callers.get(signature.entry, [])
        if signature.taken and writes & ~c.unknown_writes:
            c.unknown_writes |= writes
            again = again + indirect
        for one in again:
            if one.entry not in queued:
                queued.add(one.entry)
                work.append(one)


def _escapes(c: Conventions, body: Body, frame: Frame, block: Block) -> bool:
    """Whether control may leave the function by the driver at the end of a block."""
    end = block.exit
    match end.kind:
        case ExitKind.RET:
            return block.start not in frame.own_returns
        case ExitKind.JUMP_INDIRECT if end.targets and body.orphans:
            return True  # to an address that the table was not known to have
        case ExitKind.JUMP | ExitKind.BRANCH | ExitKind.CALL | ExitKind.JUMP_INDIRECT:
            entries = c.functions.entries
            leaves = any(t in entries and t != body.entry for t in end.successors())
            return leaves and block.start not in frame.tail_calls
        case _:
            return False


def _recursive(c: Conventions) -> list[int]:
    """Functions that may be called again before they return, directly or by their address."""
    anything = -1  # stands for every function whose address is known
    edges: dict[int, list[int]] = {anything: []}
    for entry, signature in c.all.items():
        edges[entry] = [*signature.callees, *([anything] if signature.indirect else [])]
        if signature.taken:
            edges[anything].append(entry)
    return sorted(on_cycles(edges) - {anything})


def _gives(c: Conventions) -> None:
    """What functions change themselves, or where they end by a tail call."""
    callers: dict[int, list[Signature]] = {}  # function -> those that end by jumping to it
    for signature in c.all.values():
        signature.gives = signature.changes
        for start in signature.frame.tail_calls:
            end = c.functions.blocks[start].exit
            if end.kind is ExitKind.JUMP_INDIRECT:
                signature.gives = ALL
            for target in end.successors():
                if target in c.all:
                    callers.setdefault(target, []).append(signature)
    work = [c.all[target] for target in callers]
    while work:
        signature = work.pop()
        for caller in callers.get(signature.entry, ()):
            if signature.gives & ~caller.gives:
                caller.gives |= signature.gives
                work.append(caller)


def _handed_over(c: Conventions) -> None:
    """Which registers each function, with its callees, has in hand: what is worth passing."""
    for entry in c.callees_first():
        signature = c.all[entry]
        uses = 1 << SP | 1 << LINK
        for start in c.functions.bodies[entry].reached:
            facts = c.facts[start]
            uses |= facts.returned | facts.deferred_needs
            if facts.always & _SAVED_UNREAD:
                uses |= _reads_but_saves(c.functions.blocks[start])
            else:
                uses |= facts.always
            for out in facts.outs:
                uses |= out >> SLOT_BITS
        makes = signature.changes
        if signature.suspends:
            makes |= 1 << X[0]
        for callee in signature.callees:
            known = c.all.get(callee)
            if known is not None:
                uses |= mask_of(known.parameters)
                makes |= mask_of(known.results) & HANDED_ON
        signature.uses = uses
        signature.makes = makes


def _reads_but_saves(block: Block) -> int:
    """What a block needs in any case, but for arguments that it only puts into the frame.

    A function with a variable number of arguments starts by saving all registers that may hold
    one. Who calls it has most of them not in hand, and would pass on what came from its own caller.
    """
    mask = 0 if block.exit.value is None else needs(block.exit.value)
    for effect in block.effects:
        if effect.op in (opcodes.V128_STORE, opcodes.I64_STORE):
            at, value = effect.args
            if value.op == opcodes.GET and _SAVED_UNREAD >> value.imm & 1 and in_frame(at, SP):
                continue
        if not may_vanish(effect, SP):
            mask |= needs(effect)
    return mask


def _spoils(c: Conventions) -> None:
    """Which registers functions need not put back into globals, since most callers have them.

    A caller that changes a register itself has it in a local after a call, and puts it back when it
    returns; one that does not change it has to set its global aside over the call. Who is called
    through a pointer gives back everything. Who is jumped to gives back what that one has to.
    """
    sites: dict[int, int] = {}
    gain: dict[int, list[int]] = {}
    jumps: dict[int, list[Signature]] = {}  # function -> those that it ends by jumping to
    for entry, caller in c.all.items():
        for start in c.functions.bodies[entry].reached:
            end = c.functions.blocks[start].exit
            if end.kind is ExitKind.CALL and end.target in c.all:
                callee = c.all[end.target]
                if callee.taken:
                    continue
                weight = _INNER if callee is caller else 1
                sums = gain.setdefault(end.target, [0] * len(_SPOILED))
                sites[end.target] = sites.get(end.target, 0) + 1
                for i, slot in enumerate(_SPOILED):
                    sums[i] += weight if caller.changes >> slot & 1 else -weight
            elif start in caller.frame.tail_calls:
                jumped_to = [c.all[t] for t in end.successors() if t in c.all]
                jumps.setdefault(entry, []).extend(jumped_to)
    for entry, sums in gain.items():
        if sites[entry] <= _FEW_SITES or entry in c.all[entry].callees:
            worth = mask_of(slot for slot, total in zip(_SPOILED, sums, strict=True) if total > 0)
            c.all[entry].spoils = given_back(c.all[entry]) & worth
    work = [c.all[entry] for entry in jumps]
    while work:
        caller = work.pop()
        for callee in jumps.get(caller.entry, ()):
            if callee.spoils & ~caller.spoils:
                callee.spoils &= caller.spoils
                work.append(callee)


def conventions(functions: Functions, *, standard: bool = True) -> Conventions:
    """Find every function's signature; `standard` if calls through pointers keep to AAPCS64."""
    c = Conventions(functions)
    for start, block in functions.blocks.items():
        c.facts[start] = Facts(block, SP)
    _frames(c, list(functions.bodies.values()))
    functions.following.clear()  # asked no more: memory for what comes
    _writes(c)
    _gives(c)
    c.asked = asked_with(functions.blocks)
    arriving = Arriving(functions, c.facts, c.writes_of)
    c.returned = Returned(functions, c.facts, c.asked, arriving, standard)
    if standard:
        c.lost = LOST_AT_CALLS
        c.unknown_lost = LOST_AT_CALLS & ~arriving.unknown
        for entry, signature in c.all.items():
            signature.lost = LOST_AT_CALLS & ~arriving.at(entry)
    Liveness(c).run()
    _handed_over(c)
    _spoils(c)
    return c
