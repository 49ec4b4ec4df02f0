"""Owns which of the flags, IP0 and IP1 a callee does take from whoever calls it.

The procedure call standard (AAPCS64, 6.1.1 and 6.1.4) lets a veneer between caller and callee
change them, so no compiler hands anything over in them, and no call has to keep them where a callee
could find them. That is not taken on trust: what some instruction reads, on a way from a function's
entry on which nothing wrote it, does arrive there (assembly by hand, stubs that are called). The
ways are those of the whole text, through jumps, calls, returns and system calls, across functions.

A call of an address may reach every function whose address is known, and hands over what arrives at
one of them. Not so a part of a function that some word of the data seems to point to, where control
also arrives without a call: what it reads came along that way (ADR 0046).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir.values import ExitKind
from wherever.isa.aarch64.registers import FLAGS, X

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherever.aot.functions import Body, Functions
    from wherever.ir.values import Exit
    from wherever.passes.facts import Facts

# What a veneer may change between caller and callee: the flags, IP0 and IP1. No call hands it over
# or back but where an instruction is found that reads it (ADR 0046).
LOST_AT_CALLS: Final = sum(1 << slot for slot in (*FLAGS, X[16], X[17]))

_SLOTS: Final = [slot for slot in range(LOST_AT_CALLS.bit_length()) if LOST_AT_CALLS >> slot & 1]
_WIDTH: Final = len(_SLOTS)
_EVERY: Final = (1 << _WIDTH) - 1


class Arriving:
    """What arrives before each block where anything does: the least fixed point over all blocks.

    `writes_of` says what the function at an address may change, -1 standing for any known one.

    There is a node for each block, for where each function returns to, and for where every one
    whose address is known does. Of a mask only the bits of LOST_AT_CALLS are kept, side by side: so
    they are small numbers, which machine code computes with in registers.
    """

    def __init__(
        self, functions: Functions, facts: Mapping[int, Facts], writes_of: Callable[[int], int]
    ) -> None:
        self.functions = functions
        self.facts = facts
        self.writes_of = writes_of
        self._small: dict[int, int] = {}  # a mask's bits of LOST_AT_CALLS -> side by side
        self._wide = [0] * (_EVERY + 1)  # and back
        for small in range(_EVERY + 1):
            for at, slot in enumerate(_SLOTS):
                self._wide[small] |= (small >> at & 1) << slot
            self._small[self._wide[small]] = small
        self._node = {start: i for i, start in enumerate(functions.blocks)}
        count = len(self._node)
        self._returns = {entry: count + i for i, entry in enumerate(functions.bodies)}
        self._known = count + len(self._returns)
        self._before = [0] * (self._known + 1)
        self._through = [_EVERY] * (self._known + 1)  # what a node leaves as it was
        # node -> those before it, each with what passes on the way in the low bits
        self._users: list[list[int]] = [[] for _ in self._before]
        self._by_address: list[int] = []
        self._entered = bytearray(count)  # blocks that control goes to without a call
        self._unknown = 0
        self._run()
        for edges in (self._users, self._through, self._by_address):
            edges.clear()  # hundreds of bytes a block, for whoever comes next
        self.unknown = self._wide[self._unknown]  # by a call of an address

    def at(self, start: int) -> int:
        """What arrives before a block, or a function with its callees and what it jumps to."""
        node = self._node.get(start, -1)
        return 0 if node < 0 else self._wide[self._before[node]]

    def _run(self) -> None:
        blocks = self.functions.blocks
        # what is new before each node; a node waits once, however much comes to it meanwhile
        new = [0] * len(self._before)
        work: list[int] = []
        for node, start in enumerate(blocks):
            facts = self.facts[start]
            own = facts.read & LOST_AT_CALLS
            if own:
                new[node] = self._small[own]
                work.append(node)
            changed = facts.changes & LOST_AT_CALLS
            if changed:
                self._through[node] = _EVERY & ~self._small[changed]
            self._connect(node, blocks[start].exit)
        for body in self.functions.bodies.values():
            self._connect_returns(body)
        taken = bytearray(len(self._before))
        for start in self.functions.taken:
            node = self._node[start]
            taken[node] = not self._entered[node]
        before, through, users = self._before, self._through, self._users
        while work:
            node = work.pop()
            more = new[node] & ~before[node]
            new[node] = 0
            if not more:
                continue
            before[node] |= more
            for edge in users[node]:
                user = edge >> _WIDTH
                bits = more & edge & through[user] & ~before[user]
                if bits:
                    if not new[user]:
                        work.append(user)
                    new[user] |= bits
            fresh = more & ~self._unknown if taken[node] else 0
            if fresh:
                self._unknown |= fresh
                for user in self._by_address:
                    bits = fresh & through[user] & ~before[user]
                    if bits:
                        if not new[user]:
                            work.append(user)
                        new[user] |= bits

    def _connect(self, node: int, end: Exit) -> None:
        """Which blocks what arrives in may have come from before `node` did its work."""
        kind = end.kind
        if kind is ExitKind.JUMP:
            self._goes(node, end.target)
        elif kind is ExitKind.BRANCH:
            self._goes(node, end.target)
            self._goes(node, end.other)
        elif kind is ExitKind.CALL:
            target = self._node.get(end.target, -1)
            if target >= 0:
                self._users[target].append(node << _WIDTH | _EVERY)
            following = self._node.get(end.other, -1)  # none: a call that does not come back
            if following >= 0:
                kept = self._small[LOST_AT_CALLS & ~self.writes_of(end.target)]
                self._users[following].append(node << _WIDTH | kept)
                returned = self._returns.get(end.target, -1)
                if returned >= 0:
                    self._users[following].append(returned << _WIDTH | _EVERY)
        elif kind is ExitKind.CALL_INDIRECT:
            self._by_address.append(node)
            following = self._node.get(end.other, -1)
            if following >= 0:
                kept = self._small[LOST_AT_CALLS & ~self.writes_of(-1)]
                self._users[following].append(node << _WIDTH | kept)
                self._users[following].append(self._known << _WIDTH | _EVERY)
        else:
            if kind is ExitKind.JUMP_INDIRECT and not end.targets:
                self._by_address.append(node)
            for address in end.successors():
                self._goes(node, address)

    def _goes(self, node: int, address: int) -> None:
        """Control goes from a block to another without a call."""
        target = self._node.get(address, -1)
        if target >= 0:
            self._users[target].append(node << _WIDTH | _EVERY)
            self._entered[target] = 1

    def _connect_returns(self, body: Body) -> None:
        """What is found after a call of a function was there when it, or its tail call, ended."""
        own = self._returns[body.entry]
        if body.entry in self.functions.taken:
            self._users[self._known].append(own << _WIDTH | _EVERY)
        entries = self.functions.entries
        inside: set[int] = set()
        for start in (*body.reached, *body.orphans):
            end = self.functions.blocks[start].exit
            kind = end.kind
            if kind is ExitKind.RET:
                self._users[own].append(self._node[start] << _WIDTH | _EVERY)
            elif kind is ExitKind.JUMP_INDIRECT and not end.targets:
                self._users[own].append(self._known << _WIDTH | _EVERY)
            elif kind is not ExitKind.CALL and kind is not ExitKind.CALL_INDIRECT:
                for target in end.successors():
                    returned = self._returns.get(target, own)
                    if returned == own:
                        continue
                    if target not in entries and not inside:
                        inside = {*body.reached, *body.orphans}
                    if target in entries or target not in inside:
                        self._users[own].append(returned << _WIDTH | _EVERY)
