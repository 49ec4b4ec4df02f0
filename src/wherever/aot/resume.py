"""Owns the second body of a function, which the driver enters where the function was suspended.

It is entered at any of its points and runs until the function returns, with every register in its
global all the time: nothing to write before a call and nothing to read back after it, so the code
is compact and quick to compile, and the State is exact everywhere. What it calls is the fast body
again. It holds only the blocks that control reaches from its points. Inside it is structured like
the fast body; only loops that are entered in several places dispatch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.aot import encode as e
from wherever.aot.emit import FunctionEmitter
from wherever.aot.layout import Emitted, Layout
from wherever.aot.locals import Locals
from wherever.aot.selection import LEAVES
from wherever.aot.signature import ALL, LINK
from wherever.ir.ops import I32
from wherever.ir.values import Block, ExitKind, Value
from wherever.passes.structure import structure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.aot.signature import Conventions, Signature
    from wherever.passes.structure import Edge


class GlobalRegisters(Locals):
    """Registers that live in their globals; local 0 is the selector."""

    __slots__ = ()

    def __init__(self, layout: Layout) -> None:
        super().__init__((), layout.types)
        self.types = [I32]
        self.reads = layout.global_reads

    def slot(self, slot: int) -> int:
        """No register has a local here."""
        raise AssertionError(f"register {slot} was to get a local in a resume body")


class ResumeEmitter(FunctionEmitter):
    """Emits the body of one function that is entered at some points."""

    def __init__(
        self,
        layout: Layout,
        conventions: Conventions,
        signature: Signature,
        points: Sequence[int],
    ) -> None:
        super().__init__(layout, conventions, signature, GlobalRegisters(layout))
        self.points = points
        self.selector = 0

    def emit(self) -> Emitted:
        """The function's code; a point's selector is its number in `index`."""
        self.starts = self._reached()
        self.index = {start: i for i, start in enumerate(self.starts)}
        edges = self._edges()
        edges.append([(self.index[point], self.index[point]) for point in self.points])
        graph = structure(edges, len(edges) - 1)
        for start in self.starts:
            block = self.blocks[start]
            after = self.signature.after[start]
            if block.exit.kind in (ExitKind.RET, ExitKind.JUMP_INDIRECT):
                # wherever it goes, everything that this function changed is there
                after |= self.signature.changes
            self.after_masks[start] = after
            self.dirty[start] = 0
        return self._nested(graph)

    def _reached(self) -> list[int]:
        """The blocks of the function that control reaches from the points."""
        body = self.c.functions.bodies[self.signature.entry]
        inside = {*body.reached, *body.orphans}
        seen: set[int] = set()
        work = list(self.points)
        while work:
            start = work.pop()
            if start not in seen:
                seen.add(start)
                work += [t for t in self.blocks[start].exit.successors() if t in inside]
        return sorted(seen)

    def _assign_one(self, slot: int, value: Value) -> None:
        x = self.x
        if value.uses > 1 and value.place < 0 and value.op not in LEAVES:
            x.compute_only(value)
            value.place = self.locals.temporary(value.type)
            self.code += e.local_tee(value.place)
        else:
            x.emit(value)
        self.code += e.global_set(self.layout.globals[slot])

    def _assign_late(self, late: list[tuple[int, int]]) -> None:
        for slot, place in late:
            self.code += e.local_get(place) + e.global_set(self.layout.globals[slot])

    def _store_results(self, results: Sequence[int], live: int) -> None:
        for slot in reversed(results):
            known = live >> slot & 1
            self.code += e.global_set(self.layout.globals[slot]) if known else e.DROP

    def _dirty_after(self, block: Block) -> int:
        del block
        return 0

    def _sync(self, mask: int) -> None:
        del mask

    def _reload(self, mask: int) -> None:
        del mask

    def _by_index(self, block: Block, value: Value, edges: list[Edge]) -> bool:
        """What holds on every way through the function need not hold where it is resumed."""
        del block, value, edges
        return False

    def _throw(self) -> None:
        """Back to the driver, which goes on at the address on the stack."""
        self.code += e.global_set(self.layout.pc) + e.RETURN

    def _return(self, block: Block) -> None:
        value = block.exit.value
        assert value is not None
        self._return_escaping(block, value)

    def _leave(self, block: Block, target: int) -> None:
        """Control leaves for another function; a proved tail call is a call, then a return.

        The function may have begun anew here: its caller waits for it, and may not be one that
        can be resumed (ADR 0044).
        """
        callee = self.c.all.get(target)
        call = self.layout.calls.get(target)
        proved = block.start in self.signature.frame.tail_calls
        if block.exit.kind is ExitKind.CALL or callee is None or call is None or not proved:
            self.code += e.i64_const(target)
            self._throw()
            return
        code = self.code
        code += e.global_get(self.layout.globals[LINK]) + e.local_set(self._returning())
        self._arguments(callee.parameters)
        back = self._set_aside(callee.spoils)
        code += call + back
        self._store_results(callee.results, ALL)
        code += e.local_get(self._returning())
        self._throw()

    def _leaves_by_tail_call(self, block: Block) -> bool:
        del block
        return False

    def _finish(self) -> Emitted:
        body = e.BLOCK + bytes(self.code) + e.END
        if self.escape_used:
            body += e.local_get(self._returning()) + e.global_set(self.layout.pc)
        else:
            body += e.UNREACHABLE
        return Emitted(self.locals.types[1:], body + e.END)
