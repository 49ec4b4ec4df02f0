"""Owns which registers are live where, across the whole program: the least fixed point."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from wherever.aot.signature import (
    ARGUMENT_MASK,
    AT_TRAPS,
    LINK,
    RESULT_MASK,
    RETURNED,
    SYSCALL_READS,
    THREAD,
    Conventions,
    Signature,
    checked,
    escaping,
    given_back,
)
from wherever.ir.values import Block, ExitKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherever.aot.functions import Body, Functions


class Liveness:
    """Reads and live-outs: the least fixed point, block by block.

    A block is looked at again only where something that it is computed from has grown: what is live
    in a block after it, what a callee reads, or what is wanted of this function's own returns. Sets
    only grow, so the order of work decides the time and not the result.
    """

    def __init__(self, c: Conventions) -> None:
        self.c = c
        self.blocks = c.functions.blocks
        self.order: dict[int, list[int]] = {}  # function -> its blocks, in postorder
        # function -> block -> those that go straight to it, and those that use it in another way
        self.straight: dict[int, dict[int, list[int]]] = {}
        self.before: dict[int, dict[int, list[int]]] = {}
        self.ends: dict[int, list[int]] = {}  # function -> blocks where control leaves it
        self.users: dict[int, list[tuple[int, int]]] = {}  # callee -> (function, block)
        self.unknown: list[tuple[int, int]] = []  # (function, block) of calls of an address
        for signature in c.all.values():
            self._edges(signature)
            if signature.taken:
                # also entered by the driver: what the ABI returns must be there
                signature.live_out |= RETURNED & signature.writes
        c.unknown_live_out = RETURNED
        # blocks to look at, by function; everything once, callees first
        self.todo: dict[int, set[int]] = {entry: set(self.order[entry]) for entry in c.all}
        self.work: deque[int] = deque(c.callees_first())
        self.queued = set(self.work)

    def _edges(self, signature: Signature) -> None:
        """Who is computed from whom."""
        entry = signature.entry
        body = self.c.functions.bodies[entry]
        order = self.order[entry] = _postorder(self.c.functions, body)
        straight = self.straight[entry] = {}
        before: dict[int, list[int]] = {}
        ends: list[int] = []
        for start in order:
            end = self.blocks[start].exit
            targets = end.successors()
            users = straight if end.kind in (ExitKind.JUMP, ExitKind.BRANCH) else before
            for target in targets:
                users.setdefault(target, []).append(start)
                if target in self.c.all:
                    self.users.setdefault(target, []).append((entry, start))
                    ends.append(start)
            if end.kind is ExitKind.CALL:
                self.users.setdefault(end.target, []).append((entry, start))
            elif end.kind is ExitKind.CALL_INDIRECT:
                self.unknown.append((entry, start))
            elif end.kind is ExitKind.RET:
                ends.append(start)
            elif start in body.passable:
                before.setdefault(self.blocks[start].end, []).append(start)
            elif end.kind is ExitKind.JUMP_INDIRECT:
                ends.append(start)
                self.unknown.append((entry, start))
                if not targets:
                    for orphan in body.orphans:
                        before.setdefault(orphan, []).append(start)
        self.before[entry] = before
        self.ends[entry] = ends

    def again(self, entry: int, starts: Iterable[int]) -> None:
        """Some blocks of a function have to be looked at again."""
        todo = self.todo[entry]
        todo.update(starts)
        if todo and entry not in self.queued:
            self.queued.add(entry)
            self.work.append(entry)

    def run(self) -> None:
        while self.work:
            entry = self.work.popleft()
            self.queued.discard(entry)
            self.function(self.c.all[entry])

    def wanted(self, target: int, live: int) -> None:
        """Somebody needs these registers after the target returned."""
        callee = self.c.all.get(target)
        if callee is not None:
            more = live & callee.writes & ~callee.live_out
            if more:
                callee.live_out |= more
                self.again(target, self.ends[target])

    def wanted_of_unknown(self, live: int) -> None:
        more = live & self.c.unknown_writes & ~self.c.unknown_live_out
        if more:
            self.c.unknown_live_out |= more
            for signature in self.c.all.values():
                if signature.taken and more & signature.writes & ~signature.live_out:
                    signature.live_out |= more & signature.writes
                    self.again(signature.entry, self.ends[signature.entry])

    def function(self, signature: Signature) -> None:
        """Look at a function's blocks until nothing in it grows."""
        entry = signature.entry
        body = self.c.functions.bodies[entry]
        live = signature.live
        facts = self.c.facts
        blocks = self.blocks
        todo = self.todo[entry]
        while todo:
            now = [start for start in self.order[entry] if start in todo]
            for start in now:
                todo.discard(start)
                after = self.after(signature, blocks[start], live)
                self.grow(entry, live, start, facts[start].before(after))
        reads = live[entry] if body.reached else 0
        if signature.recursive or any(
            checked(blocks[start]) for start in signature.frame.own_returns
        ):
            reads |= 1 << LINK
        if reads & ~signature.reads:
            signature.reads |= reads
            for caller, start in self.users.get(entry, ()):
                self.again(caller, (start,))
            if signature.taken and reads & ~self.c.unknown_reads:
                self.c.unknown_reads |= reads
                for caller, start in self.unknown:
                    self.again(caller, (start,))

    def grow(self, entry: int, live: dict[int, int], start: int, before: int) -> None:
        """More is live before a block; what is new goes straight on to the blocks before it.

        A block turns a union into the union of what it makes of each part, so the new part will do.
        """
        facts = self.c.facts
        straight, users = self.straight[entry], self.before[entry]
        todo = self.todo[entry]
        work = [(start, before)]
        while work:
            start, before = work.pop()
            known = live.get(start)
            more = before if known is None else before & ~known
            if not more and known is not None:
                continue
            live[start] = before if known is None else known | more
            # one that is not live yet has still to be looked at, whole
            ready = [user for user in straight.get(start, ()) if user in live]
            work += [(user, facts[user].before(more)) for user in ready]
            if start in users:
                todo.update(users[start])

    def leaving(self, signature: Signature, start: int, target: int) -> int:
        """Live where control leaves for another function (or its middle, or nowhere)."""
        if start not in signature.frame.tail_calls or target not in self.c.all:
            if target in self.c.all:
                # entered through the driver: whoever it returns to is not known here
                self.wanted(target, RESULT_MASK)
                return escaping(signature) | self.c.reads_of(target)
            return escaping(signature)
        self.wanted(target, signature.live_out)
        callee = self.c.all[target]
        return callee.reads | signature.live_out & ~callee.writes | given_back(signature)

    def after(self, signature: Signature, block: Block, live: dict[int, int]) -> int:
        """The registers live where the block's own work is done."""
        end = block.exit
        c = self.c
        match end.kind:
            case ExitKind.CALL | ExitKind.CALL_INDIRECT:
                following = 0
                if end.other in c.functions.entries:
                    following = self.leaving(signature, block.start, end.other)
                elif end.other >= 0:
                    following = c.following(signature, block, live)
                if end.kind is ExitKind.CALL:
                    self.wanted(end.target, following)
                    return c.reads_of(end.target) | following & ~c.writes_of(end.target)
                self.wanted_of_unknown(following)
                return c.unknown_reads | following & ~c.unknown_writes
            case ExitKind.RET:
                if block.start in signature.frame.own_returns:
                    # whoever is resumed before this return goes on at the link in its global
                    check = 0
                    if signature.suspends or checked(block):
                        check = c.facts[block.start].returned
                    return signature.live_out | given_back(signature) | check
                return escaping(signature) | c.facts[block.start].returned
            case ExitKind.SYSCALL:
                following = live.get(end.other, 0) if end.other in self.blocks else 0
                # a handler may run before what follows
                return SYSCALL_READS | THREAD | following & ~1
            case ExitKind.JUMP_INDIRECT:
                total = 0
                for target in end.targets:
                    total |= live.get(target, 0)
                tail_call = block.start in signature.frame.tail_calls
                if tail_call or not end.targets:
                    # not understood: through the driver, perhaps into what nothing else reaches
                    for start in c.functions.bodies[signature.entry].orphans:
                        total |= live.get(start, 0)
                if tail_call:
                    self.wanted_of_unknown(signature.live_out)
                    total |= c.unknown_reads | signature.live_out & ~c.unknown_writes
                    return total | given_back(signature)
                if end.targets:
                    return total
                return total | ARGUMENT_MASK | escaping(signature)
            case ExitKind.JUMP | ExitKind.BRANCH | ExitKind.SWITCH:
                total = 0
                for target in end.successors():
                    if target == signature.entry or (
                        target in self.blocks and target not in c.functions.entries
                    ):
                        total |= live.get(target, 0)
                    else:
                        total |= self.leaving(signature, block.start, target)
                return total
            case ExitKind.TRAP:
                # what a handler and a backtrace need; and what follows, if it may go on there
                if block.start in c.functions.bodies[signature.entry].passable:
                    return AT_TRAPS | live.get(block.end, 0)
                return AT_TRAPS
            case ExitKind.RESULTS:
                return 0


def _postorder(functions: Functions, body: Body) -> list[int]:
    """Postorder, then whatever only `resume` enters."""
    order: list[int] = []
    seen: set[int] = set()
    for root in (body.entry, *body.orphans):
        if root in seen or root not in functions.blocks:
            continue
        seen.add(root)
        stack = [(root, iter(functions.inside(functions.blocks[root])))]
        while stack:
            node, rest = stack[-1]
            for target in rest:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, iter(functions.inside(functions.blocks[target]))))
                    break
            else:
                order.append(node)
                stack.pop()
    return order
