"""Owns how often a block's values are used, which says what is computed in place.

Order is kept by three rules. Effects are emitted as listed. A load used once is emitted inside its
user if nothing writes memory in between, else it is emitted where it stands. Registers keep their
entry values in their locals until the end of the block; then the changed ones are assigned, each
once nothing is left that reads its old value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.aot.nans import BLIND, MAX_CHAIN, tests_itself
from wherever.ir import opcodes as op
from wherever.ir.values import Block, Value
from wherever.passes.facts import is_load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherever.aot.locals import Locals, RuntimeRow


class Uses:
    """Counts the uses of the values of one function's blocks."""

    __slots__ = (
        "bases",
        "chained",
        "code",
        "epoch",
        "fuses",
        "leave",
        "locals",
        "packed",
        "pending",
        "results",
        "roots",
        "runtime",
    )

    code: bytearray  # named here, for `+=` in classes built on this one

    def __init__(
        self,
        code: bytearray,
        locals_: Locals,
        runtime: Sequence[RuntimeRow],
    ) -> None:
        self.code = code
        self.locals = locals_
        self.runtime = runtime  # function index and result types of each runtime function
        self.pending: dict[int, int] = {}  # register -> reads of its entry value still to come
        self.results: dict[int, list[int]] = {}  # id of a call -> locals of its results
        self.epoch = 0
        self.chained: dict[int, bool] = {}  # id of a `rarely` -> whether it is made exact late
        # where the block can begin anew: leaves for there if the condition on the stack holds
        self.leave: Callable[[], None] | None = None
        self.fuses = False  # whether some block of the function multiplies and adds at once
        self.packed = False  # whether the block's scalars are computed as low lanes of vectors
        self.roots: list[Value] = []  # what asks before the block's first effect
        # register -> the local with a 32-bit address that many accesses go by, and how far it is
        self.bases: dict[int, tuple[int, int]] = {}

    def count(self, value: Value, epoch: int) -> None:
        """One more use of a value; on the first, of its operands too."""
        value.uses += 1
        if value.op == op.GET:
            self.pending[value.imm] = self.pending.get(value.imm, 0) + 1
            return
        if value.uses > 1:
            return
        value.place = -1
        number = value.op
        if is_load(number):
            value.place = -2 - epoch  # remembers when its first user runs
        elif number == op.RARELY:
            itself = tests_itself(value)
            if itself:
                self._count_usual(value.args[1], epoch, 1)
            if self.leave is not None:
                if not itself:
                    self.count(value.args[0], epoch)
                    self.count(value.args[1], epoch)
                value.args[1].uses += 1
                self.roots.append(value)
                return
            if itself:
                self._count_exact(value, epoch, set())
                return
        elif number in BLIND:
            for arg in value.args:
                self._count_blind(arg, epoch, 0)
            return
        for arg in value.args:
            self.count(arg, epoch)

    def _late(self, value: Value, depth: int) -> bool:
        """Whether a value's exact NaN is left to whoever ends the chain; decided once."""
        if value.op != op.RARELY:
            return False
        known = self.chained.get(id(value))
        if known is None:
            known = depth < MAX_CHAIN and self.runtime[value.imm][2] and tests_itself(value)
            self.chained[id(value)] = known
            if known and not value.uses:
                value.place = -2  # so that it is reset, though nobody may count it
        return known

    def _count_blind(self, value: Value, epoch: int, depth: int) -> None:
        """A use that does not tell NaNs apart."""
        if self._late(value, depth):
            self._count_usual(value.args[1], epoch, depth + 1)
        else:
            self.count(value, epoch)

    def _count_usual(self, usual: Value, epoch: int, depth: int) -> None:
        usual.uses += 1
        if usual.uses == 1:
            usual.place = -1
            for arg in usual.args:
                self._count_blind(arg, epoch, depth)

    def _count_exact(self, value: Value, epoch: int, seen: set[int]) -> None:
        """What the branch of a NaN reads: so each of it is shared, and in a local by then."""
        value.args[1].uses += 1
        for arg in value.args[2:]:
            if self.chained.get(id(arg)):
                if id(arg) not in seen:
                    seen.add(id(arg))
                    self._count_exact(arg, epoch, seen)
            elif arg is not value.args[1]:
                self.count(arg, epoch)

    def uncount(self, value: Value) -> None:
        """One use of a value is not to come after all."""
        value.uses -= 1
        if value.op == op.GET:
            self.pending[value.imm] -= 1
        elif not value.uses:
            for arg in value.args:
                self.uncount(arg)

    def reset(self, value: Value) -> None:
        """Forget the counts below a root."""
        if value.uses or value.place != -1:
            value.uses = 0
            value.place = -1
            for arg in value.args:
                self.reset(arg)

    def alone(self, values: Sequence[Value]) -> None:
        """Count values that are emitted before a block's own work."""
        self.pending.clear()
        self.bases.clear()
        self.epoch = 0
        for value in values:
            self.count(value, 0)

    def forget(self, values: Sequence[Value]) -> None:
        """They have been emitted."""
        for value in values:
            self.reset(value)
        self.locals.release()

    def done(self, block: Block, ends: Sequence[Value]) -> None:
        """Leave the values as they were found: another function may have the block too."""
        for effect in block.effects:
            self.reset(effect)
            for arg in effect.args:
                self.reset(arg)
        for value in ends:
            self.reset(value)
        self.locals.release()
