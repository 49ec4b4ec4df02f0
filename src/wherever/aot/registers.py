"""Owns where a function's registers are: in locals, in globals, or in both.

A register lives in a Wasm local while the function runs. Its global is *dirty* where the local was
assigned since: before anything that may read the global, the dirty ones it may read are written.
Registers that are given back are written to their globals before a return only if the function
may have put something else there meanwhile (*touched*).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.aot import encode as e
from wherever.aot.expressions import Expressions
from wherever.aot.locals import Locals
from wherever.aot.narrow import (
    KEPT_LOW,
    VECTORS,
    Shape,
    handed_on,
    local_types,
    scalar_registers,
    shape_of,
)
from wherever.aot.nesting import Nested
from wherever.aot.signature import (
    ALL,
    LINK,
    UNIFORM_PARAMETERS,
    UNIFORM_RESULTS,
    Conventions,
    Signature,
    mask_of,
)
from wherever.ir.values import Block, ExitKind
from wherever.isa.aarch64.registers import AAPCS64, V, X
from wherever.passes.facts import SLOT, SLOT_BITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherever.aot.layout import Layout
    from wherever.passes.structure import Graph

UNIFORM_PARAMETER_MASK: Final = mask_of(UNIFORM_PARAMETERS)
UNIFORM_RESULT_MASK: Final = mask_of(UNIFORM_RESULTS)
X0: Final = 1 << X[0]
# what is left without a value where a function is left for its resume body, if nobody reads it
# (that the flags pass no return is looked for in the whole text, ADR 0046)
PASSING: Final = sum(1 << slot for slot in (*X[:18], *V[:8], *V[16:], *AAPCS64.flags))


_PLAIN: Final = (ExitKind.JUMP, ExitKind.BRANCH, ExitKind.RET)


class RegisterFlow(Nested):
    """Which registers have locals, and what moves between these and the globals."""

    def __init__(
        self,
        layout: Layout,
        conventions: Conventions,
        signature: Signature,
        locals_: Locals | None = None,
        exact: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.layout = layout
        self.types = layout.types
        self.c = conventions
        self.signature = signature
        self.blocks = conventions.functions.blocks
        self.locals = locals_ or Locals(signature.parameters, layout.types)
        self.code = bytearray()
        self.x = Expressions(self.code, self.locals, layout.runtime)
        self.starts: list[int] = []
        self.index: dict[int, int] = {}
        self.leaves: dict[int, tuple[int, int]] = {}  # node -> (from block, target) of a tail exit
        # blocks that begin anew in the resume body where a NaN is to be exact: their selectors
        self.exact = exact or {}
        self.after_masks: dict[int, int] = {}
        # what each of these takes along: everything, or what it reads and hands on
        self.taken_along: dict[int, int] = {}
        self.plain = False  # whether the function goes nowhere but back to its caller
        self.dirty: dict[int, int] = {}
        self.touched: dict[int, int] = {}
        self.hoisted: dict[int, tuple[int, set[int]]] = {}  # loop -> registers, nodes
        self.entering: dict[int, int] = {}  # loop -> what is written to globals before it
        self.local_mask = 0
        self.assigned_ever = 0  # by blocks
        self.changed_ever = 0  # by blocks and by calls
        self.narrowed = b""  # narrows parameters
        # narrowed registers that never change: the parameter that each is, or -1
        self.untouched: dict[int, int] = {}

    # -- which registers are where

    def _masks(self) -> None:
        """Liveness after each block's own work, and which registers need locals."""
        mask = mask_of(self.signature.parameters)
        for start in self.starts:
            block = self.blocks[start]
            after = self.signature.after[start]
            self.after_masks[start] = after
            facts = self.c.facts[start]
            mask |= facts.always | facts.returned
            for out in facts.outs:
                bit, needed = 1 << (out & SLOT), out >> SLOT_BITS
                if bit & after:
                    mask |= bit | needed
                    self.assigned_ever |= bit
            if facts.deferred & after:
                mask |= facts.deferred & after | facts.deferred_needs
                self.assigned_ever |= facts.deferred & after
            end = block.exit
            if end.kind is ExitKind.CALL:
                callee = self.c.all.get(end.target)
                if callee is not None:
                    mask |= mask_of(callee.parameters) | mask_of(callee.results)
            elif end.kind in (ExitKind.CALL_INDIRECT, ExitKind.JUMP_INDIRECT):
                mask |= UNIFORM_PARAMETER_MASK | UNIFORM_RESULT_MASK
            elif end.kind is ExitKind.SYSCALL:
                mask |= self.c.asked[start]
        for _, target in self.leaves.values():
            callee = self.c.all.get(target)
            if callee is not None:
                mask |= mask_of(callee.parameters) | mask_of(callee.results)
        self.local_mask = mask | mask_of(self.signature.results)

    def _call_effect(self, block: Block) -> tuple[int, int, int]:
        """Of a call: what the callee may read in globals, may change, and gives as results."""
        end = block.exit
        following = self._following(block)
        if end.kind is ExitKind.CALL_INDIRECT:
            return (
                self.c.unknown_reads & ~self.c.unknown_lost & ~UNIFORM_PARAMETER_MASK
                | following & ~UNIFORM_RESULT_MASK,
                self.c.unknown_writes,
                UNIFORM_RESULT_MASK,
            )
        callee = self.c.all.get(end.target)
        if callee is None:
            return ALL, ALL, 0
        reads = callee.reads & ~mask_of(callee.parameters) & ~callee.lost
        results = mask_of(callee.results)
        if callee.suspends:
            reads |= following & ~results
        return reads, callee.writes, results

    def _spoiled(self, block: Block) -> tuple[int, int]:
        """Whose globals a call spoils: of registers that have locals, and that are to be kept here.

        A local is as good as the global only where this function puts it back before it returns.
        """
        end = block.exit
        callee = self.c.all.get(end.target) if end.kind is ExitKind.CALL else None
        if callee is None or not callee.spoils:
            return 0, 0
        own = self.signature.changes
        in_locals = callee.spoils & own & self.local_mask
        return in_locals, callee.spoils & ~in_locals & (self._following(block) | ~own)

    def _following(self, block: Block) -> int:
        other = block.exit.other
        if other < 0:
            return 0
        if other in self.index:
            return self.c.following(self.signature, block)
        return ALL

    def _flow(self, graph: Graph) -> None:
        """Which locals may differ from their globals, and which globals from their entry values."""
        parameters = mask_of(self.signature.parameters)
        transfers = {start: self._transfer(self.blocks[start]) for start in self.starts}
        for assigned, _, writes, results in transfers.values():
            self.changed_ever |= assigned | writes | results
        self.hoisted = self._hoistable(graph, transfers)
        inside = self.index
        order = [self.starts[n] for n in graph.order if n < len(self.starts)]
        dirties = self.dirty = dict.fromkeys(self.starts, 0)
        touches = self.touched = dict.fromkeys(self.starts, 0)
        first = self.signature.entry
        self._enter(inside[first], first, parameters & self.signature.reads, 0)
        changed = True
        while changed:
            changed = False
            for start in order:
                assigned, reads, writes, results = transfers[start]
                dirty = dirties[start] | assigned
                synced = dirty & reads
                dirty = (dirty & ~synced & ~writes | results) & self.local_mask
                touched = touches[start] | synced | writes | results
                node = inside[start]
                for target in self.blocks[start].exit.successors():
                    to = inside.get(target)
                    if to is None:
                        continue
                    if to in self.hoisted and node not in self.hoisted[to][1]:
                        changed |= self._enter(to, target, dirty, touched)
                    elif dirty & ~dirties[target] or touched & ~touches[target]:
                        dirties[target] |= dirty
                        touches[target] |= touched
                        changed = True

    def _narrow(self) -> None:
        """Keep vector registers that are only used as scalars so; as which kind of local."""
        if not self.local_mask & VECTORS:
            return
        c = self.c
        blocks = [self.blocks[start] for start in self.starts]
        shapes: list[Shape] = []
        for block in blocks:
            facts = c.facts[block.start]
            if facts.shape is None:
                facts.shape = shape_of(block, facts.deferred)
            shapes.append(facts.shape)
        self.x.fuses = bool(self.exact) and any(shape[3] for shape in shapes)
        double, single = scalar_registers(shapes)
        candidates = (double | single) & self.local_mask
        if not candidates:
            return
        assigned = {start: self._assigned(self.blocks[start]) for start in self.starts}
        handed_back = VECTORS
        if self.plain:
            handed_back &= self.signature.live_out | mask_of(self.signature.results) | ~PASSING
        given: dict[int, int] = {}
        handed: dict[int, int] = {}
        for block in blocks:
            start = block.start
            given[start] = 0
            if block.exit.kind in (ExitKind.CALL, ExitKind.CALL_INDIRECT):
                _, writes, results = self._call_effect(block)
                given[start] = writes | results
            # a sync may write back what nothing changed since it came, so everything counts
            handed[start] = handed_back
        for hoisted in self.entering.values():
            candidates &= ~hoisted
        # where the function is left, what it never changes stays as it came; of what it does
        # change, a value from outside would lose its upper part (AAPCS64 keeps none of v8-v15)
        ever = self.assigned_ever
        for mask in given.values():
            ever |= mask
        left = {
            block.start: ever & ~KEPT_LOW
            if block.exit.kind is ExitKind.CALL_INDIRECT
            else ever & ~KEPT_LOW & self.taken_along.get(block.start, 0)
            for block in blocks
        }
        candidates &= ~handed_on(blocks, candidates, assigned, given, handed, left)
        narrow = local_types(double & candidates, single & candidates)
        self.untouched = {
            slot: self.locals.slots.get(slot, -1) for slot in narrow if not ever >> slot & 1
        }
        self.narrowed = self.locals.make_narrow(narrow, packed=self.x.fuses)

    def _take_along(self) -> None:
        """What has to be in globals where a block begins anew in the resume body.

        A function that goes nowhere but back to its caller takes what liveness says that the rest
        of this call reads or hands on; what else it changed, nobody finds. Any other one takes
        everything, since a return to elsewhere is known only when it happens.
        """
        self.taken_along = dict.fromkeys(self.exact, ALL)
        blocks = [self.blocks[start] for start in self.starts]
        if (
            self.leaves
            or self.c.in_place
            or self.assigned_ever >> LINK & 1
            or any(block.exit.kind not in _PLAIN for block in blocks)
        ):
            return
        self.plain = True
        live = self.signature.live
        for start in self.exact:
            if start in live:
                self.taken_along[start] = live[start] | ALL & ~PASSING

    def _enter(self, node: int, start: int, dirty: int, touched: int) -> bool:
        """Control comes into a block, perhaps a loop, from outside; whether that is new."""
        before = self.dirty[start], self.touched[start]
        if node in self.hoisted:
            early = dirty & self.hoisted[node][0]
            self.entering[node] = self.entering.get(node, 0) | early
            dirty &= ~early
            touched |= early
        self.dirty[start] |= dirty
        self.touched[start] |= touched
        return before != (self.dirty[start], self.touched[start])

    def _transfer(self, block: Block) -> tuple[int, int, int, int]:
        """What a block assigns, and what its call reads in globals, changes and gives."""
        kind = block.exit.kind
        if kind in (ExitKind.CALL, ExitKind.CALL_INDIRECT):
            reads, writes, results = self._call_effect(block)
            return self._assigned(block), reads, writes, results | self._spoiled(block)[0]
        if kind is ExitKind.SYSCALL:
            following = self.signature.live.get(block.exit.other, 0)
            return self._assigned(block), following & ~X0, X0, X0
        return self._assigned(block), self.c.in_place.get(block.start, 0), 0, 0

    def _hoistable(
        self, graph: Graph, transfers: dict[int, tuple[int, int, int, int]]
    ) -> dict[int, tuple[int, set[int]]]:
        """Of each loop: what its calls read in globals and nothing in it changes; its nodes.

        Such a register is written to its global once, before the loop.
        """
        found: dict[int, tuple[int, set[int]]] = {}
        if not any(reads for _, reads, _, _ in transfers.values()):
            return found
        before: list[list[int]] = [[] for _ in graph.edges]
        for node in graph.order:
            for target, _ in graph.edges[node]:
                before[target].append(node)
        for head in graph.loops:
            if head >= len(self.starts):
                continue
            body = {head}
            work = [n for n in before[head] if graph.number[n] >= graph.number[head]]
            while work:
                node = work.pop()
                if node not in body:
                    body.add(node)
                    work += before[node]
            read = changed = 0
            for node in body:
                if node < len(self.starts):
                    assigned, reads, writes, results = transfers[self.starts[node]]
                    read |= reads
                    changed |= assigned | writes | results
            mask = read & ~changed & self.local_mask
            if mask:
                found[head] = mask, body
        return found

    def _assigned(self, block: Block) -> int:
        facts = self.c.facts[block.start]
        return facts.changes & self.after_masks[block.start]

    def _dirty_after(self, block: Block) -> int:
        return (self.dirty[block.start] | self._assigned(block)) & self.local_mask

    # -- from one to the other

    def _before_loop(self, node: int) -> None:
        self._sync(self.entering.get(node, 0))

    def _sync(self, mask: int) -> None:
        """Write locals to their globals."""
        code = self.code
        reads = self.locals.reads
        slot = 0
        while mask:
            if mask & 1:
                code += reads.get(slot) or self.locals.read(slot)
                code += e.global_set(self.layout.globals[slot])
            mask >>= 1
            slot += 1

    def _sync_everything(self, mask: int = ALL) -> None:
        """Write locals to their globals: all, or those of a mask.

        A parameter that nothing reads is not what the register holds: nobody passed it.
        """
        mask &= ~mask_of(self.signature.parameters) | self.signature.reads | self.changed_ever
        self._sync(mask & mask_of(self.locals.slots) & ~mask_of(self.untouched))
        for slot, parameter in self.untouched.items():
            if parameter >= 0 and mask >> slot & 1:
                self.code += e.local_get(parameter) + e.global_set(self.layout.globals[slot])

    def _reload(self, mask: int) -> None:
        """Read locals from their globals."""
        slot = 0
        while mask:
            if mask & 1:
                self.code += e.global_get(self.layout.globals[slot])
                self.code += self.locals.write(slot)
            mask >>= 1
            slot += 1

    def _arguments(self, slots: Sequence[int]) -> None:
        for slot in slots:
            self.code += self.locals.read(slot)

    def _store_results(self, results: Sequence[int], live: int) -> None:
        """Take a call's results off the stack."""
        for slot in reversed(results):
            if live >> slot & 1:
                self.code += self.locals.write(slot)
            else:
                self.code += e.DROP
