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
    from wherever.passes.facts import Facts

# What a veneer may change between caller and callee: the flags, IP0 and IP1. No call hands it over
# or back but where an instruction is found that reads it (ADR 0046).
LOST_AT_CALLS: Final = sum(1 << slot for slot in (*FLAGS, X[16], X[17]))


_KNOWN: Final = ~(1 << 64)
"""Where every function whose address is known returns to; `~entry` is where one function does."""


class Arriving:
    """What arrives before each block where anything does: the least fixed point over all blocks.

    `writes_of` says what the function at an address may change, -1 standing for any known one.
    """

    def __init__(
        self, functions: Functions, facts: Mapping[int, Facts], writes_of: Callable[[int], int]
    ) -> None:
        self.functions = functions
        self.facts = facts
        self.writes_of = writes_of
        self.before: dict[int, int] = {}
        self.unknown = 0  # by a call of an address
        self._users: dict[int, list[tuple[int, int]]] = {}  # block -> those before it, what passes
        self._by_address: list[int] = []
        self._entered: set[int] = set()  # blocks that control goes to without a call
        self._run()

    def taken_from(self, entry: int) -> int:
        """What a function takes of it, its callees and what it jumps to included."""
        return self.before.get(entry, 0)

    def _run(self) -> None:
        facts = self.facts
        blocks = self.functions.blocks
        work: list[tuple[int, int]] = []
        for start in blocks:
            self._connect(start)
        for body in self.functions.bodies.values():
            self._connect_returns(body)
        for start in blocks:
            own = facts[start].read() & LOST_AT_CALLS
            if own:
                work.append((start, own))
        taken = self.functions.taken
        while work:
            start, bits = work.pop()
            known = self.before.get(start, 0)
            more = bits & ~known
            if not more:
                continue
            self.before[start] = known | more
            for user, passed in self._users.get(start, ()):
                if more & passed:
                    changed = 0 if user < 0 else facts[user].changes
                    work.append((user, more & passed & ~changed))
            fresh = more & ~self.unknown if start in taken and start not in self._entered else 0
            if fresh:
                self.unknown |= fresh
                work += [(user, fresh & ~facts[user].changes) for user in self._by_address]

    def _connect(self, start: int) -> None:
        """Which blocks what arrives in may have come from before `start` did its work."""
        end = self.functions.blocks[start].exit
        kind = end.kind
        if kind is ExitKind.CALL:
            self._follows(start, end.target, LOST_AT_CALLS)
            self._follows(start, end.other, LOST_AT_CALLS & ~self.writes_of(end.target))
            self._follows(~end.target, end.other, LOST_AT_CALLS)
        elif kind is ExitKind.CALL_INDIRECT:
            self._by_address.append(start)
            self._follows(start, end.other, LOST_AT_CALLS & ~self.writes_of(-1))
            self._follows(_KNOWN, end.other, LOST_AT_CALLS)
        else:
            if kind is ExitKind.JUMP_INDIRECT and not end.targets:
                self._by_address.append(start)
            for target in end.successors():
                self._follows(start, target, LOST_AT_CALLS)
                self._entered.add(target)

    def _connect_returns(self, body: Body) -> None:
        """What is found after a call of a function was there when it, or its tail call, ended."""
        inside = {*body.reached, *body.orphans}
        if body.entry in self.functions.taken:
            self._follows(~body.entry, _KNOWN, LOST_AT_CALLS)
        for start in inside:
            end = self.functions.blocks[start].exit
            if end.kind is ExitKind.RET:
                self._follows(start, ~body.entry, LOST_AT_CALLS)
            elif end.kind is ExitKind.JUMP_INDIRECT and not end.targets:
                self._follows(_KNOWN, ~body.entry, LOST_AT_CALLS)
            elif end.kind not in (ExitKind.CALL, ExitKind.CALL_INDIRECT):
                for target in end.successors():
                    if target not in inside:
                        self._follows(~target, ~body.entry, LOST_AT_CALLS)

    def _follows(self, start: int, target: int, passed: int) -> None:
        if passed and target != -1:  # a call that does not come back
            self._users.setdefault(target, []).append((start, passed))
