"""Owns what a caller may still want after a call.

Who is called is not known, so whatever any function with a known address may change would count as
a result of the call, and what one function leaves in x9 as an argument of the next. The procedure
call standard (AAPCS64, 6.1) promises results in x0, x1 and v0-v3, and leaves the other registers
that a callee may use without value. That is not taken on trust: a register that some instruction of
the caller does read after the call, before anything else writes it, counts as a result too. Only
what the caller hands on unread is not looked for (the flags, IP0 and IP1 apart: `arriving`); a
program whose compiler does that (Go hands on results as arguments) is recognised, and nothing is
assumed of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir.values import ExitKind
from wherever.isa.aarch64.registers import AAPCS64, FLAGS, REGISTERS, V, X

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherever.aot.arriving import Arriving
    from wherever.aot.functions import Functions
    from wherever.passes.facts import Facts
    from wherever.program.elf import Elf

_ALL: Final = (1 << len(REGISTERS)) - 1
_NO_VALUE: Final = sum(1 << slot for slot in (*X[2:18], *V[4:8], *V[16:], *FLAGS))
_OTHER_CONVENTIONS: Final = (".go.buildinfo", ".gopclntab", ".note.go.buildid")

assert not _NO_VALUE & sum(1 << slot for slot in AAPCS64.callee_saved)


def keeps_to_the_standard(elf: Elf) -> bool:
    """Whether a program's compiler follows AAPCS64 between its own functions."""
    return not any(elf.section(name) for name in _OTHER_CONVENTIONS)


class Returned:
    """What may be wanted where calls through pointers go on."""

    def __init__(
        self,
        functions: Functions,
        facts: Mapping[int, Facts],
        asked: Mapping[int, int],
        arriving: Arriving,
        standard: bool,
    ) -> None:
        self.functions = functions
        self.facts = facts
        self.asked = asked
        self.arriving = arriving
        self.standard = standard
        self.reads: dict[int, dict[int, int]] = {}  # function -> block -> what it reads itself

    def wanted(self, entry: int, order: Sequence[int], start: int) -> int:
        """The registers whose values after a call that goes on at `start` may matter."""
        if not self.standard:
            return _ALL
        reads = self.reads.get(entry)
        if reads is None:
            reads = self.reads[entry] = self._own_reads(order)
        # what this function reads only after a further call, or hands back unread to its caller
        passed = self.arriving.at(start)
        return _ALL & ~_NO_VALUE | reads.get(start, _NO_VALUE) | passed

    def _own_reads(self, order: Sequence[int]) -> dict[int, int]:
        """What is read from each block on, by instructions of this function and before a call."""
        blocks = self.functions.blocks
        number = {start: i for i, start in enumerate(order)}
        users: list[list[int]] = [[] for _ in order]
        new: list[int] = []  # what is read from each block on that is not told to those before it
        passing: list[int] = []
        for at, start in enumerate(order):
            end = blocks[start].exit
            kind = end.kind
            after = 0  # what the end of a block itself reads
            if kind is ExitKind.CALL:
                after = self.arriving.at(end.target)
            elif kind is ExitKind.CALL_INDIRECT:
                after = self.arriving.unknown
            else:
                for target in end.successors():
                    inside = number.get(target, -1)
                    if inside >= 0:
                        users[inside].append(at)
                    else:
                        after = _NO_VALUE
                if kind is ExitKind.SYSCALL:
                    after |= self.asked[start]
                elif kind is ExitKind.RET:
                    after |= self.facts[start].returned
            facts = self.facts[start]
            kept = _NO_VALUE & ~facts.changes
            passing.append(kept)
            new.append(facts.read & _NO_VALUE | after & kept)
        reads = [0] * len(order)
        work = list(range(len(order) - 1, -1, -1))  # the ends first
        waiting = bytearray(b"\1" * len(order))
        while work:
            at = work.pop()
            waiting[at] = 0
            more = new[at] & ~reads[at]
            new[at] = 0
            if more:
                reads[at] |= more
                for user in users[at]:
                    bits = more & passing[user] & ~reads[user]
                    if bits:
                        new[user] |= bits
                        if not waiting[user]:
                            waiting[user] = 1
                            work.append(user)
        return dict(zip(order, reads, strict=True))
