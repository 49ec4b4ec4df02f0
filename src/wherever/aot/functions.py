"""Owns what a function is made of: the blocks control reaches from its entrance without calling.

Which calls come back is found at the same time: a block after a call is reached only once the
callee is known to return, so that functions like abort do not fall into whatever follows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wherever.ir.values import Block, Exit, ExitKind

if TYPE_CHECKING:
    from wherever.aot.entries import Table
    from wherever.aot.lift import Lifted
    from wherever.aot.recover import Recovered


@dataclass(slots=True)
class Body:
    """One function: its reached blocks, and those that only `resume` can enter."""

    entry: int
    name: str
    reached: list[int] = field(default_factory=list[int])  # the entry first, then by address
    orphans: list[int] = field(default_factory=list[int])
    # traps that a handler may go on behind: what follows them nothing else reaches
    passable: set[int] = field(default_factory=set[int])
    returns: bool = False


@dataclass(slots=True)
class Functions:
    """All functions by entry, and the blocks they share."""

    bodies: dict[int, Body]
    blocks: dict[int, Block]
    entries: set[int]
    taken: set[int]
    tables: dict[int, Table] = field(default_factory=dict[int, "Table"])  # by the block that jumps
    following: dict[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])

    def inside(self, block: Block) -> tuple[int, ...]:
        """The blocks of the same function that may follow; remembered, it is asked often."""
        found = self.following.get(block.start)
        if found is None:
            found = block.exit.successors()
            for target in found:
                if target not in self.blocks or target in self.entries:
                    blocks, entries = self.blocks, self.entries
                    found = tuple([t for t in found if t in blocks and t not in entries])
                    break
            self.following[block.start] = found
        return found


class _Reach:
    """Finds reached blocks and returning functions together, as the least fixed point."""

    def __init__(self, entries: set[int], blocks: dict[int, Block]) -> None:
        self.entries = entries
        self.blocks = blocks
        self.seen: dict[int, set[int]] = {entry: set() for entry in entries}
        self.returning: set[int] = set()
        self.waiting: dict[int, list[tuple[int, int]]] = {}  # callee -> (function, return address)
        self.tails: dict[int, list[int]] = {}  # callee -> functions that end by calling it
        self.work: list[tuple[int, int]] = [(entry, entry) for entry in sorted(entries)]

    def run(self) -> None:
        while self.work:
            function, start = self.work.pop()
            self.visit(function, start)

    def enter(self, more: set[int]) -> None:
        """Functions that none of the others reaches."""
        self.entries |= more
        self.seen |= {entry: set[int]() for entry in more}
        self.work += [(entry, entry) for entry in sorted(more)]
        self.run()

    def goes(self, function: int, target: int) -> None:
        """Control goes from a function to a target, by a jump or by falling through."""
        if target in self.entries and target != function:
            if target in self.returning:
                self.mark(function)
            else:
                self.tails.setdefault(target, []).append(function)
        elif target not in self.seen[function]:
            self.work.append((function, target))

    def visit(self, function: int, start: int) -> None:
        seen = self.seen[function]
        if start in seen or start not in self.blocks:
            return
        seen.add(start)
        end: Exit = self.blocks[start].exit
        match end.kind:
            case ExitKind.RET:
                self.mark(function)
            case ExitKind.JUMP_INDIRECT:
                # even with a table: the address may be one that the table does not have
                if not end.targets:
                    self.mark(function)
                for target in end.targets:
                    self.goes(function, target)
            case ExitKind.CALL:
                if end.target in self.returning or end.target not in self.entries:
                    self.goes(function, end.other)
                else:
                    self.waiting.setdefault(end.target, []).append((function, end.other))
            case (
                ExitKind.JUMP
                | ExitKind.BRANCH
                | ExitKind.SWITCH
                | ExitKind.CALL_INDIRECT
                | ExitKind.SYSCALL
            ):
                for target in end.successors():
                    self.goes(function, target)
            case ExitKind.TRAP | ExitKind.RESULTS:
                pass

    def mark(self, function: int) -> None:
        """A function returns: its callers go on."""
        work = [function]
        while work:
            one = work.pop()
            if one in self.returning:
                continue
            self.returning.add(one)
            for caller, after in self.waiting.pop(one, ()):
                self.goes(caller, after)
            work += self.tails.pop(one, ())


def find_functions(recovered: Recovered, lifted: Lifted) -> Functions:
    """Make functions of blocks."""
    blocks = lifted.blocks
    entries = {entry for entry in recovered.entries if entry in blocks}
    reach = _Reach(entries, blocks)
    reach.run()
    hidden = _hidden(recovered, blocks, reach)
    reach.enter(hidden)
    covered: set[int] = set()
    bodies: dict[int, Body] = {}
    for entry in sorted(entries):
        reached = reach.seen[entry]
        covered |= reached
        body = Body(entry, recovered.names.get(entry, f"sub_{entry:x}"))
        body.reached = [entry, *sorted(reached - {entry})]
        body.returns = entry in reach.returning
        bodies[entry] = body
    for block in blocks.values():
        end = block.exit
        if (
            end.kind is ExitKind.CALL
            and end.target in entries
            and end.target not in reach.returning
        ):
            end.other = -1
    for start in sorted(set(blocks) - covered):
        around = recovered.around(start)
        if around not in bodies:
            bodies[around] = Body(around, recovered.names.get(around, f"part_{around:x}"))
        bodies[around].orphans.append(start)
    for body in bodies.values():
        orphans = set(body.orphans)
        for start in (*body.reached, *body.orphans):
            if blocks[start].exit.kind is ExitKind.TRAP and blocks[start].end in orphans:
                body.passable.add(start)
    taken = (recovered.taken | hidden) & entries
    return Functions(bodies, blocks, entries, taken, lifted.tables)


def _hidden(recovered: Recovered, blocks: dict[int, Block], reach: _Reach) -> set[int]:
    """Functions that lie in the range of another one: known addresses that nothing goes on at.

    Behind glibc's `_start` lies a jump to `main`, whose address it hands on. Where the other
    function jumps to addresses that it computes, they may be labels of its own.
    """
    covered = set[int]().union(*reach.seen.values())
    found = {label for label in recovered.labels if label in blocks and label not in covered}
    if not found:
        return found
    jumping: set[int] = set()
    for start, block in blocks.items():
        end = block.exit
        if end.kind is ExitKind.JUMP_INDIRECT:
            jumping.add(recovered.around(start))
        elif end.kind is ExitKind.CALL:
            if end.target in reach.returning or end.target not in reach.entries:
                found.discard(end.other)
        else:
            found.difference_update(end.successors())
    return {label for label in found if recovered.around(label) not in jumping}
