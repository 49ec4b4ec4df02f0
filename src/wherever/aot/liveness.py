"""Owns which registers are live where, across the whole program: the least fixed point.

A block turns a union of live registers into the union of what it makes of each part. So only what
is *new* after a block is worked on, and goes on to the blocks before it, to what is wanted of the
functions that it calls, and to the callers of the function it begins. Nothing is computed from the
whole again: the time is that of the bits that arrive.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from wherever.aot.signature import (
    ALL,
    ARGUMENT_MASK,
    AT_TRAPS,
    CALLEE_SAVED,
    LINK,
    RESULT_MASK,
    RETURNED,
    THREAD,
    Conventions,
    Signature,
    checked,
    escaping,
    given_back,
)
from wherever.ir.values import Asks, Block, Exit, ExitKind

if TYPE_CHECKING:
    from wherever.aot.functions import Body, Functions
    from wherever.passes.facts import Facts

_FIRST: Final = ALL + 1  # no register: a block that has not been looked at yet
_X0: Final = 1
_NOWHERE: Final = -1


class Part:
    """One function: its blocks by number, in postorder."""

    __slots__ = (
        "after",
        "anew",
        "anywhere",
        "astray",
        "before",
        "ends",
        "entered",
        "exits",
        "facts",
        "index",
        "link",
        "live",
        "new",
        "order",
        "out",
        "queued",
        "ready",
        "signature",
        "straight",
        "tails",
        "users",
    )

    def __init__(self, signature: Signature, order: list[int], *, entered: bool) -> None:
        self.signature = signature
        self.order = order
        self.entered = entered  # else only the driver does, somewhere inside
        self.link = 0  # the link register, where a return is compared with it
        self.anew = False  # whether some block may begin anew in the resume body
        self.index = {start: i for i, start in enumerate(order)}
        count = len(order)
        self.facts: list[Facts] = []
        self.exits: list[Exit] = []
        self.live = [0] * count  # before each block
        self.after = [0] * count  # after its own work
        self.new = [0] * count  # what of it has not gone through the block yet
        self.ready: list[int] = []  # a heap of the blocks with something new
        # those before each block: that go straight to it, and that come to it in another way
        # (-1: all that are astray)
        self.straight: list[list[int]] = [[] for _ in order]
        self.before: dict[int, list[int]] = {}  # few have any
        # jumps that nobody understood, and what is live in some place where only they may go
        self.astray: list[int] = []
        self.anywhere = 0
        self.ends: list[int] = []  # blocks after which is live what is live out
        self.tails: list[int] = []  # functions whose live-outs are this one's (-1: any taken one)
        self.users: list[tuple[Part, int, bool]] = []  # blocks that call this, or only jump here
        self.out = 0  # what of the live-outs has not come to the ends yet
        self.queued = True

    def add(self, at: int, bits: int) -> None:
        """Something is live after a block."""
        bits &= ~self.after[at]
        if bits:
            if not self.new[at]:
                heappush(self.ready, at)
            self.new[at] |= bits


class Liveness:
    """Reads and live-outs of all functions."""

    def __init__(self, c: Conventions) -> None:
        self.c = c
        self.blocks = c.functions.blocks
        self.parts: dict[int, Part] = {}
        self.unknown: list[tuple[Part, int]] = []  # calls of an address
        for entry, signature in c.all.items():
            reached = c.functions.bodies[entry].reached
            self.parts[entry] = Part(signature, c.orders[entry], entered=bool(reached))
        c.unknown_live_out = RETURNED
        # callees first
        self.work: deque[Part] = deque(self.parts[entry] for entry in c.callees_first())
        for part in self.parts.values():
            self._connect(part)

    def run(self) -> None:
        """Until nothing grows."""
        while self.work:
            part = self.work.popleft()
            part.queued = False
            self._function(part)
        self.unknown.clear()
        for part in self.parts.values():
            part.users.clear()  # parts know each other: of such a cycle nothing is given back
        while self.parts:
            _, part = self.parts.popitem()
            part.signature.live = dict(zip(part.order, part.live, strict=True))
            part.signature.after = dict(zip(part.order, part.after, strict=True))

    # -- who is computed from whom

    def _connect(self, part: Part) -> None:
        signature = part.signature
        if signature.taken:
            # also entered by the driver: what the ABI returns must be there
            signature.live_out |= RETURNED & signature.writes
        part.out = signature.live_out
        returns = (self.blocks[start] for start in signature.frame.own_returns)
        if signature.recursive or any(checked(block) for block in returns):
            part.link = 1 << LINK
        part.anew = any(self.blocks[start].asks is Asks.FIRST for start in part.order)
        facts = self.c.facts
        for at, start in enumerate(part.order):
            block = self.blocks[start]
            part.facts.append(facts[start])
            part.exits.append(block.exit)
            part.new[at] = _FIRST | self._end(part, at, block)
        part.ready = list(range(len(part.order)))

    def _end(self, part: Part, at: int, block: Block) -> int:
        """Connect one block with those after it; what is live after it in any case."""
        end = block.exit
        signature = part.signature
        index = part.index
        tail_call = block.start in signature.frame.tail_calls
        match end.kind:
            case ExitKind.JUMP | ExitKind.BRANCH | ExitKind.SWITCH:
                live = 0
                for target in end.successors():
                    inside = index.get(target, _NOWHERE)
                    if inside >= 0:
                        part.straight[inside].append(at)
                    else:
                        live |= self._leaving(part, at, target, tail_call=tail_call)
                return live
            case ExitKind.CALL | ExitKind.CALL_INDIRECT:
                following = 0
                if end.other in self.c.all:
                    following = self._leaving(part, at, end.other, tail_call=False)
                elif end.other in index:
                    part.before.setdefault(index[end.other], []).append(at)
                if end.kind is ExitKind.CALL_INDIRECT:
                    self.unknown.append((part, at))
                    self.wanted_of_unknown(following)
                    reads = self.c.unknown_reads & ~self.c.unknown_lost
                    return reads | following & ~self.c.unknown_writes
                callee = self.parts.get(end.target)
                if callee is None:
                    return ALL
                callee.users.append((part, at, False))
                self.wanted(callee, following)
                return following & ~callee.signature.writes
            case ExitKind.RET:
                if block.start not in signature.frame.own_returns:
                    return escaping(signature) | self.c.facts[block.start].returned
                part.ends.append(at)
                # whoever is resumed before this return goes on at the link in its global
                returned = self.c.facts[block.start].returned
                if checked(block):
                    # where it goes to another address, all that it gives back has to be there
                    return signature.changes & signature.kept | returned
                return given_back(signature) | (returned if signature.suspends or part.anew else 0)
            case ExitKind.SYSCALL:
                if end.other in index:
                    part.before.setdefault(index[end.other], []).append(at)
                return self.c.asked[block.start] | THREAD  # a handler may run before what follows
            case ExitKind.JUMP_INDIRECT:
                for target in end.targets:
                    if target in index:
                        part.before.setdefault(index[target], []).append(at)
                if tail_call or not end.targets:
                    # not understood: through the driver, perhaps into what nothing else reaches
                    if not part.astray:
                        for start in self.c.functions.bodies[signature.entry].orphans:
                            if start in index:
                                part.before.setdefault(index[start], []).append(_NOWHERE)
                    part.astray.append(at)
                if tail_call:
                    part.ends.append(at)
                    part.tails.append(_NOWHERE)
                    self.unknown.append((part, at))
                    return self.c.unknown_reads | given_back(signature) | _link_after(signature)
                return 0 if end.targets else ARGUMENT_MASK | escaping(signature)
            case ExitKind.TRAP:
                # what a handler and a backtrace need; and what follows, if it may go on there
                if block.start in self.c.functions.bodies[signature.entry].passable:
                    part.before.setdefault(index[block.end], []).append(at)
                return AT_TRAPS
            case ExitKind.RESULTS:
                return 0

    def _leaving(self, part: Part, at: int, target: int, *, tail_call: bool) -> int:
        """Live where control leaves for another function (or its middle, or nowhere)."""
        callee = self.parts.get(target)
        if callee is None:
            return escaping(part.signature)
        callee.users.append((part, at, not tail_call))
        if tail_call:
            part.ends.append(at)
            part.tails.append(target)
            return given_back(part.signature) | _link_after(part.signature)
        # entered through the driver: whoever it returns to is not known here
        self.wanted(callee, RESULT_MASK)
        return escaping(part.signature)

    # -- what is new

    def _again(self, part: Part) -> None:
        if not part.queued:
            part.queued = True
            self.work.append(part)

    def wanted(self, callee: Part, live: int) -> None:
        """Somebody needs these registers after a function returned."""
        signature = callee.signature
        more = live & signature.writes & ~signature.live_out
        if more:
            signature.live_out |= more
            callee.out |= more
            self._again(callee)

    def wanted_of_unknown(self, live: int) -> None:
        """The same of any function whose address is known."""
        more = live & self.c.unknown_writes & ~self.c.unknown_live_out
        if more:
            self.c.unknown_live_out |= more
            for part in self.parts.values():
                if part.signature.taken:
                    self.wanted(part, more)

    def _function(self, part: Part) -> None:
        """Take what is new in a function through its blocks."""
        if part.out:
            self._returns(part, part.out)
        facts, live, after, new = part.facts, part.live, part.after, part.new
        straight, before = part.straight, part.before
        ready = part.ready
        while ready:
            at = heappop(ready)
            bits = new[at]
            new[at] = 0
            if bits >= _FIRST:
                bits ^= _FIRST
                more = facts[at].before(bits)
            else:
                more = facts[at].grown(bits) & ~live[at]
            after[at] |= bits
            if not more:
                continue
            live[at] |= more
            for user in straight[at]:
                bits = more & ~after[user]
                if bits:
                    if not new[user]:
                        heappush(ready, user)
                    new[user] |= bits
            others = before.get(at)
            if others is not None:
                for user in others:
                    if user != _NOWHERE:
                        self._across(part, user, more)
                    elif bits := more & ~part.anywhere:
                        part.anywhere |= bits
                        for jump in part.astray:
                            self._across(part, jump, bits)
        self._reads(part)

    def _reads(self, part: Part) -> None:
        """Tell the callers what a function reads more."""
        signature = part.signature
        reads = part.live[part.index[signature.entry]] if part.entered else 0
        more = (reads | part.link) & ~signature.reads
        if not more:
            return
        signature.reads |= more
        for user, at, jumps in part.users:
            kind = user.exits[at].kind
            if jumps and (kind is ExitKind.CALL or kind is ExitKind.CALL_INDIRECT):
                self._after_call(user, at, more & ~signature.lost)  # falls into this function
            elif kind is ExitKind.CALL:
                user.add(at, more & ~signature.lost)
            else:
                user.add(at, more)
            if user.ready:
                self._again(user)
        more &= ~self.c.unknown_reads
        if signature.taken and more:
            self.c.unknown_reads |= more
            for user, at in self.unknown:
                calls = user.exits[at].kind is ExitKind.CALL_INDIRECT
                user.add(at, more & ~self.c.unknown_lost if calls else more)
                if user.ready:
                    self._again(user)

    def _returns(self, part: Part, more: int) -> None:
        """More is wanted after a function returned."""
        part.out = 0
        signature = part.signature
        for at in part.ends:
            end = part.exits[at]
            if end.kind is ExitKind.RET:
                part.add(at, more)
            elif end.kind is ExitKind.JUMP_INDIRECT:
                part.add(at, more & ~self.c.unknown_writes)
            else:
                for target in end.successors():
                    callee = self.c.all.get(target)
                    if callee is not None and target not in part.index:
                        part.add(at, more & ~callee.writes)
        for target in part.tails:
            if target == _NOWHERE:
                self.wanted_of_unknown(signature.live_out)
            else:
                self.wanted(self.parts[target], signature.live_out)

    def _across(self, part: Part, at: int, more: int) -> None:
        """More is live where a block goes on that did not simply jump there."""
        end = part.exits[at]
        kind = end.kind
        if kind is ExitKind.CALL or kind is ExitKind.CALL_INDIRECT:
            self._after_call(part, at, self.c.given(part.signature, end, more))
        elif kind is ExitKind.SYSCALL:
            part.add(at, more & ~_X0)
        else:
            part.add(at, more)

    def _after_call(self, part: Part, at: int, more: int) -> None:
        """More of what a call can give is live after it."""
        end = part.exits[at]
        if end.kind is ExitKind.CALL_INDIRECT:
            self.wanted_of_unknown(more)
            part.add(at, more & ~self.c.unknown_writes)
            return
        callee = self.parts.get(end.target)
        if callee is None:
            part.add(at, more & CALLEE_SAVED)
        else:
            self.wanted(callee, more)
            part.add(at, more & ~callee.signature.writes)


def _link_after(signature: Signature) -> int:
    """The link register at a tail call, where whoever is resumed before it goes on in the end.

    The callee need not read it (a leaf does not), but a resume body calls and then returns itself.
    """
    return 1 << LINK if signature.suspends or signature.changes >> LINK & 1 else 0


def postorder(functions: Functions, body: Body) -> list[int]:
    """Postorder, then whatever only `resume` enters."""
    order: list[int] = []
    seen: set[int] = set()
    blocks = functions.blocks
    for root in (body.entry, *body.orphans):
        if root in seen or root not in blocks:
            continue
        seen.add(root)
        path = [root]  # and for each of it: what follows it, how much of that was seen to
        following = [functions.inside(blocks[root])]
        places = [0]
        while path:
            targets = following[-1]
            place = places[-1]
            if place == len(targets):
                order.append(path.pop())
                following.pop()
                places.pop()
                continue
            places[-1] = place + 1
            target = targets[place]
            if target not in seen:
                seen.add(target)
                path.append(target)
                following.append(functions.inside(blocks[target]))
                places.append(0)
    return order
