"""Owns turning the whole text into blocks of IR, one instruction after the other."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from typing import TYPE_CHECKING

from wherever.ir.builder import Builder, RuntimeTable
from wherever.ir.values import Asks, Block, TrapKind
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.registers import REGISTERS
from wherever.isa.aarch64.table import decode

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from wherever.aot.entries import Table
    from wherever.aot.recover import Recovered


class Lifted:
    """The blocks of a program, and how to make more."""

    def __init__(
        self, words: list[tuple[int, array[int]]], *, exact: bool = False, marked: bool = False
    ) -> None:
        self.words = words
        self.marked = marked  # whether blocks say where their instructions began, to be read
        self.runtime = RuntimeTable()
        self.builder = Builder(REGISTERS, self.runtime)
        self.lifter = Lifter(self.builder, exact=exact)
        self.blocks: dict[int, Block] = {}
        self.illegal: dict[int, int] = {}  # address -> word that has no meaning
        self.tables: dict[int, Table] = {}  # block -> what it jumps through
        self._before: dict[int, list[Block]] = {}

    def sweep(self, leaders: set[int], progress: Callable[[int], None] | None = None) -> None:
        """Lift everything, a block for each leader."""
        for low, words in self.words:
            starts = sorted(a for a in leaders if low <= a < low + 4 * len(words))
            starts.append(low + 4 * len(words))
            for i in range(len(starts) - 1):
                start = starts[i]
                while start < starts[i + 1]:
                    # a word without a meaning ends a block early; what follows it is code again
                    self.block(words, low, start, starts[i + 1])
                    start = self.blocks[start].end
                if progress is not None and i & 0xFF == 0:
                    progress(starts[i])

    def block(self, words: array[int], low: int, start: int, end: int) -> None:
        """Lift one block that ends at `end` at the latest."""
        b = self.builder
        m = self.lifter
        b.begin(start)
        pc = start
        effects = b.effects
        marked, marks = self.marked, b.block.marks
        count = 0
        while not b.done and pc < end:
            b.pc = pc
            word = words[(pc - low) >> 2]
            pc += 4
            b.next = pc
            instruction = decode(word)
            if instruction is None or instruction.meaning is None:
                self.illegal[pc - 4] = word
                b.trap(TrapKind.ILLEGAL)
                break
            instruction.meaning(m, *[word >> s & k for s, k in instruction.arguments])
            if b.block.asks is Asks.LATER and pc - 4 > start:
                # what asks for a NaN begins a block, so that it can begin anew (see `exactly`)
                self.block(words, low, start, pc - 4)
                return
            if marked and len(effects) != count:
                marks.append((count, pc - 4))
                count = len(effects)
        self.blocks[start] = b.finish()

    def before(self, start: int) -> list[Block]:
        """The blocks that control comes from; for once nothing is split any more."""
        if not self._before:
            for block in self.blocks.values():
                for target in block.exit.successors():
                    self._before.setdefault(target, []).append(block)
        return self._before.get(start, [])

    def forget_before(self) -> None:
        """Give back what `before` remembers; before blocks change, or once nobody asks."""
        self._before = {}

    def split(self, leaders: set[int]) -> set[int]:
        """Give new leaders blocks of their own; returns those whose text was lifted again."""
        fresh = {a for a in leaders if a not in self.blocks}
        touched: set[int] = set()
        if not fresh:
            return touched
        starts = sorted(self.blocks)
        again: dict[int, list[int]] = {}
        for address in sorted(fresh):
            at = bisect_right(starts, address) - 1
            if at >= 0 and address < self.blocks[starts[at]].end:
                again.setdefault(starts[at], []).append(address)
        for start, cuts in again.items():
            end = self.blocks[start].end
            low, words = next(r for r in self.words if r[0] <= start < r[0] + 4 * len(r[1]))
            edges = [start, *cuts, end]
            for one, other in itertools.pairwise(edges):
                at = one
                while at < other:
                    self.block(words, low, at, other)
                    touched.add(at)
                    at = self.blocks[at].end
        return touched


def lift(
    recovered: Recovered,
    progress: Callable[[int], None] | None = None,
    *,
    exact: bool = False,
    marked: bool = False,
) -> Lifted:
    """Lift the whole text; `exact` floating point obeys FPCR and reports to FPSR (ADR 0030)."""
    lifted = Lifted(recovered.words, exact=exact, marked=marked)
    lifted.sweep(recovered.leaders, progress)
    return lifted
