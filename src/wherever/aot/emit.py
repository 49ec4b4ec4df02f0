"""Owns emitting one function: its blocks, the exits between them, and what calls agree on.

A register lives in a Wasm local while the function runs. Its global is *dirty* where the local was
assigned since: before anything that may read the global, the dirty ones it may read are written.
Registers that are given back are written to their globals before a return only if the function
may have put something else there meanwhile (*touched*).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from wherever.aot import encode as e
from wherever.aot.convention import (
    ALL,
    LINK,
    SYSCALL_READS,
    UNIFORM_PARAMETERS,
    UNIFORM_RESULTS,
    Conventions,
    Signature,
    given_back,
    mask_of,
)
from wherever.aot.expressions import LEAVES, Expressions, Locals, RuntimeRow
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
from wherever.ir import opcodes
from wherever.ir.ops import I32, I64, V128
from wherever.ir.values import Block, ExitKind, Value
from wherever.isa.aarch64.registers import REGISTERS, X
from wherever.passes.structure import Edge, Graph, structure
from wherever.passes.unroll import cycles, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_UNIFORM_PARAMETER_MASK: Final = mask_of(UNIFORM_PARAMETERS)
_UNIFORM_RESULT_MASK: Final = mask_of(UNIFORM_RESULTS)
_X0: Final = 1 << X[0]


@dataclass(slots=True)
class Layout:
    """Indices of what function bodies refer to."""

    globals: Sequence[int]  # of each register
    pc: int  # the global that says where the driver goes on
    functions: dict[int, int]  # entry -> function index
    runtime: list[RuntimeRow]
    helpers: dict[int, int]
    syscall: int  # (nr, a0..a5, pc) -> result
    fault: int  # (kind, pc) -> never
    tag: int
    depth: int  # the global with what is left of the Wasm stack
    deeper: int  # () -> never: goes on with an empty Wasm stack
    uniform: int  # type index of indirectly called functions
    table: int
    resumes: dict[int, int]  # entry -> function index of the body that `resume` enters
    text_low: int
    text_words: int
    types: Sequence[int] = field(default_factory=lambda: REGISTERS.types)

    # each register as the instruction that pushes its global
    global_reads: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def __post_init__(self) -> None:
        self.global_reads = {slot: e.global_get(index) for slot, index in enumerate(self.globals)}


@dataclass(slots=True)
class Emitted:
    """A function's code: its locals (after the parameters) and its instructions."""

    locals: list[int]
    code: bytes


class FunctionEmitter(Nested):
    """Emits one function's fast body; see `resume` for the other one."""

    def __init__(
        self,
        layout: Layout,
        conventions: Conventions,
        signature: Signature,
        after: Callable[[Signature, Block, dict[int, int]], int],
        locals_: Locals | None = None,
        exact: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.layout = layout
        self.types = layout.types
        self.c = conventions
        self.signature = signature
        self.after = after
        self.blocks = conventions.functions.blocks
        self.locals = locals_ or Locals(signature.parameters, layout.types)
        self.code = bytearray()
        self.x = Expressions(self.code, self.locals, layout.runtime, layout.helpers)
        self.escape_used = False
        self.return_local = -1
        self.link_local = -1
        self.starts: list[int] = []
        self.index: dict[int, int] = {}
        self.moved: dict[tuple[int, int], int] = {}  # edges of repeated loops
        self.leaves: dict[int, tuple[int, int]] = {}  # node -> (from block, target) of a tail exit
        self.after_masks: dict[int, int] = {}
        self.dirty: dict[int, int] = {}
        self.touched: dict[int, int] = {}
        self.hoisted: dict[int, tuple[int, set[int]]] = {}  # loop -> registers, nodes
        self.entering: dict[int, int] = {}  # loop -> what is written to globals before it
        self.local_mask = 0
        self.assigned_ever = 0
        self.depth_local = -1
        self.narrowed = b""  # narrows parameters
        # narrowed registers that never change: the parameter that each is, or -1
        self.untouched: dict[int, int] = {}
        # blocks that begin anew in the resume body where a NaN is to be exact: their selectors
        self.exact = exact or {}
        self.selected = -1  # the local with the selector
        self.asked: list[int] = []  # the selector of each question

    # -- the whole function

    def emit(self) -> Emitted:
        """The function's code."""
        self.starts = self.c.functions.bodies[self.signature.entry].reached
        self.index = {start: i for i, start in enumerate(self.starts)}
        graph = structure(self._edges(), 0)
        loops = cycles(graph, self._weigh)
        if loops:
            moved, copies = repeated(len(self.starts), loops)
            self.moved = moved
            self.starts = [*self.starts, *(self.starts[node] for node in copies)]
            self.leaves.clear()
            graph = structure(self._edges(), 0)
        self._masks()
        if self.signature.recursive:
            self.depth_local = self.locals.new(I32)
        self._flow(graph)
        self._narrow()
        return self._nested(graph)

    def _nested(self, graph: Graph) -> Emitted:
        """Everything within the block that an escape leaves."""
        self.graph = graph
        if self.exact:
            self.selected = self.locals.new(I32)
        self.context.push("escape", -1)
        self._tree(graph.order[0])
        self.code += e.UNREACHABLE
        self.context.pop()
        return self._finish()

    def _edges(self) -> list[list[Edge]]:
        """The graph: blocks, then one node for each exit that leaves the function."""
        edges: list[list[Edge]] = [[] for _ in self.starts]
        for i, start in enumerate(self.starts):
            for target in self.blocks[start].exit.successors():
                inside = self.index.get(target)
                if inside is None:
                    inside = len(edges)
                    edges.append([])
                    self.leaves[inside] = (start, target)
                elif self.moved:
                    inside = self.moved.get((i, inside), inside)
                edges[i].append((inside, -1))
        return edges

    def _weigh(self, node: int) -> int:
        """How much a copy of a block would add, or -1 where it is not for copying."""
        if node >= len(self.starts):
            return -1
        block = self.blocks[self.starts[node]]
        if block.exit.kind not in (ExitKind.JUMP, ExitKind.BRANCH):
            return -1
        return len(block.effects) + len(block.outs) + 1

    def _masks(self) -> None:
        """Liveness after each block's own work, and which registers need locals."""
        live = self.signature.live
        mask = mask_of(self.signature.parameters)
        for start in self.starts:
            block = self.blocks[start]
            after = self.after(self.signature, block, live)
            self.after_masks[start] = after
            facts = self.c.facts[start]
            mask |= facts.always | facts.returned
            for bit, needed in facts.outs:
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
                mask |= _UNIFORM_PARAMETER_MASK | _UNIFORM_RESULT_MASK
            elif end.kind is ExitKind.SYSCALL:
                mask |= SYSCALL_READS
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
                self.c.unknown_reads & ~_UNIFORM_PARAMETER_MASK | following & ~_UNIFORM_RESULT_MASK,
                self.c.unknown_writes,
                _UNIFORM_RESULT_MASK,
            )
        callee = self.c.all.get(end.target)
        if callee is None:
            return ALL, ALL, 0
        reads = callee.reads & ~mask_of(callee.parameters)
        results = mask_of(callee.results)
        if callee.suspends:
            reads |= following & ~results
        return reads, callee.writes, results

    def _flow(self, graph: Graph) -> None:
        """Which locals may differ from their globals, and which globals from their entry values."""
        parameters = mask_of(self.signature.parameters)
        transfers = {start: self._transfer(self.blocks[start]) for start in self.starts}
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
                touched = touches[start] | synced | writes
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
        """Keep vector registers that are only used as scalars in scalar locals."""
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
        double, single = scalar_registers(shapes)
        candidates = (double | single) & self.local_mask
        if not candidates:
            return
        assigned = {start: self._assigned(self.blocks[start]) for start in self.starts}
        given: dict[int, int] = {}
        handed: dict[int, int] = {}
        for block in blocks:
            start = block.start
            given[start] = 0
            if block.exit.kind in (ExitKind.CALL, ExitKind.CALL_INDIRECT):
                _, writes, results = self._call_effect(block)
                given[start] = writes | results
            # a sync may write back what nothing changed since it came, so everything counts
            handed[start] = VECTORS
        for hoisted in self.entering.values():
            candidates &= ~hoisted
        # where the function is left, what it never changes stays as it came; of what it does
        # change, a value from outside would lose its upper part (AAPCS64 keeps none of v8-v15)
        ever = self.assigned_ever
        for mask in given.values():
            ever |= mask
        left = {
            block.start: ever & ~KEPT_LOW
            if block.start in self.exact or block.exit.kind is ExitKind.CALL_INDIRECT
            else 0
            for block in blocks
        }
        candidates &= ~handed_on(blocks, candidates, assigned, given, handed, left)
        narrow = local_types(double & candidates, single & candidates)
        self.untouched = {
            slot: self.locals.slots.get(slot, -1) for slot in narrow if not ever >> slot & 1
        }
        self.narrowed = self.locals.make_narrow(narrow)

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
            return self._assigned(block), *self._call_effect(block)
        if kind is ExitKind.SYSCALL:
            following = self.signature.live.get(block.exit.other, 0)
            return self._assigned(block), following & ~_X0, _X0, _X0
        return self._assigned(block), 0, 0, 0

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

    # -- blocks

    def _switches(self, node: int) -> bool:
        if node >= len(self.starts):
            return True
        return self.blocks[self.starts[node]].exit.kind is ExitKind.JUMP_INDIRECT

    def _before_loop(self, node: int) -> None:
        self._sync(self.entering.get(node, 0))

    def _node(self, node: int) -> None:
        if node in self.leaves:
            start, target = self.leaves[node]
            self._leave(self.blocks[start], target)
        elif node >= len(self.starts):
            self._dispatch(node)
        else:
            self._block(node)

    def _block(self, node: int) -> None:
        start = self.starts[node]
        block = self.blocks[start]
        end = block.exit
        edges = self.graph.edges[node]
        if self.exact:
            selector = self.exact.get(start, -1)
            self.x.leave = partial(self._exactly_if, selector) if selector >= 0 else None
        match end.kind:
            case ExitKind.JUMP:
                self._work(block, ())
                self._go(node, edges[0])
            case ExitKind.BRANCH:
                self._branch(node, block, edges)
            case ExitKind.CALL:
                self._call(block, end.target)
                self._continue(node, edges)
            case ExitKind.CALL_INDIRECT:
                self._call_indirect(block)
                self._continue(node, edges)
            case ExitKind.SYSCALL:
                self._syscall(block)
                self._continue(node, edges)
            case ExitKind.RET:
                self._return(block)
            case ExitKind.JUMP_INDIRECT:
                self._jump_indirect(block, edges)
            case ExitKind.TRAP:
                self._work(block, ())
                self._sync(self._dirty_after(block))
                self.code += e.i32_const(end.imm) + e.i64_const(end.target)
                self.code += e.call(self.layout.fault) + e.UNREACHABLE
            case ExitKind.SWITCH | ExitKind.RESULTS:
                raise AssertionError(f"a guest function ends in {end.kind.name}")

    def _continue(self, node: int, edges: list[Edge]) -> None:
        if edges:
            self._go(node, edges[0])
        else:
            self.code += e.UNREACHABLE

    def _branch(self, node: int, block: Block, edges: list[Edge]) -> None:
        value = block.exit.value
        assert value is not None
        inverted = False

        def push() -> None:
            nonlocal inverted
            inverted = self.x.condition(value)

        self._work(block, (value,), push)
        self._branch_to(node, edges, inverted=inverted)

    def _work(
        self, block: Block, operands: Sequence[Value], push: Callable[[], None] | None = None
    ) -> None:
        """The block's effects and changed registers; `push` emits the exit's operands."""
        outs, _ = self._outs(block, 0)
        ends = [value for _, value in outs]
        ends += operands
        x = self.x
        x.effects(block, ends)
        late = self._assign(outs)
        if push is not None:
            push()
        self._assign_late(late)
        x.done(block, ends)

    def _work_call(self, block: Block, callee: Signature, direct: int) -> None:
        """The block's work before a call, and the call's arguments on the stack.

        Registers in `direct` are wanted by the callee alone: their values go straight there.
        """
        outs, straight = self._outs(block, direct)
        ends = [value for _, value in outs]
        ends += straight.values()
        x = self.x
        code = self.code
        x.effects(block, ends)
        late = self._assign(outs)
        parked: dict[int, int] = {}
        if any(x.pending.get(slot, 0) for slot, _ in late):
            # an argument still reads a register that is about to change: compute it now
            for slot, value in straight.items():
                if value.op not in LEAVES or value.op == opcodes.GET:
                    x.emit(value)
                    parked[slot] = self.locals.temporary(value.type)
                    code += e.local_set(parked[slot])
        self._assign_late(late)
        for slot in callee.parameters:
            if slot in parked:
                code += e.local_get(parked[slot])
            elif slot in straight:
                x.emit(straight[slot])
            elif callee.reads >> slot & 1:
                code += self.locals.read(slot)
            else:
                code += e.i64_const(0)  # of the uniform signature, not read
        x.done(block, ends)

    def _outs(self, block: Block, direct: int) -> tuple[list[tuple[int, Value]], dict[int, Value]]:
        """The changed registers that are wanted: in their locals, and straight on the stack."""
        after = self.after_masks[block.start]
        outs: list[tuple[int, Value]] = []
        straight: dict[int, Value] = {}
        for slot, value in block.outs.items():
            if direct >> slot & 1:
                straight[slot] = value
            elif after >> slot & 1:
                outs.append((slot, value))
        deferred = block.deferred
        if deferred is not None and self.c.facts[block.start].deferred & after:
            wanted = [s for s in sorted(deferred.slots) if after >> s & 1 and s not in block.outs]
            outs += [(slot, deferred.value(slot)) for slot in wanted]
        return outs, straight

    # -- registers and globals

    def _dirty_after(self, block: Block) -> int:
        return (self.dirty[block.start] | self._assigned(block)) & self.local_mask

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

    # -- exits

    def _following(self, block: Block) -> int:
        other = block.exit.other
        if other < 0:
            return 0
        if other in self.index:
            return self.c.following(self.signature, block, self.signature.live)
        return ALL

    def _call(self, block: Block, target: int) -> None:
        callee = self.c.all.get(target)
        if callee is None or target not in self.layout.functions:
            self._escape_call(block, target)
            return
        following = self._following(block)
        reads, writes, result_mask = self._call_effect(block)
        parameters = callee.parameters
        # what only the callee wants goes straight onto the stack
        direct = mask_of(parameters) & callee.reads & ~following & ~reads
        direct &= mask_of(block.outs)
        self._work_call(block, callee, direct)
        self._sync(self._dirty_after(block) & ~direct & reads)
        self.code += e.call(self.layout.functions[target])
        if callee.results:
            self._store_results(callee.results, following)
        self._reload(writes & ~result_mask & following & self.local_mask)

    def _escape_call(self, block: Block, target: int) -> None:
        """A call of an address that is no function: through the driver."""
        self._work(block, ())
        self._sync(self._dirty_after(block))
        self.code += e.i64_const(target)
        self._throw()

    def _throw(self) -> None:
        """Leave for the driver, which goes on at the address on the stack."""
        self.code += e.global_set(self.layout.pc) + b"\x08" + e.unsigned(self.layout.tag)

    def _returning(self) -> int:
        if self.return_local < 0:
            self.return_local = self.locals.new(I64)
        return self.return_local

    def _escape_if(self) -> None:
        """Leave for the driver if the condition on the stack holds; the address is in a local."""
        self.escape_used = True
        self.code += e.branch_if(self.context.depth(-1))

    def _exactly_if(self, selector: int) -> None:
        """Begin this block anew in the resume body if the condition on the stack holds."""
        self.code += e.branch_if(self.context.depth(-1) + 1 + len(self.asked))
        self.asked.append(selector)

    def _code_index(self) -> None:
        """The table index of the address in the return local, or leave."""
        layout = self.layout
        index = self.locals.temporary(0x7F)
        code = self.code
        code += e.local_get(self._returning()) + e.I32_WRAP
        code += e.i32_const(layout.text_low) + e.I32_SUB + e.i32_const(2) + e.I32_ROTR
        code += e.local_tee(index) + e.i32_const(layout.text_words) + e.I32_GE_U
        self._escape_if()
        code += e.local_get(self._returning()) + e.global_set(layout.pc)
        code += e.local_get(index)

    def _call_indirect(self, block: Block) -> None:
        value = block.exit.value
        assert value is not None
        following = self._following(block)
        reads, writes, _ = self._call_effect(block)

        def push() -> None:
            self.x.emit(value)
            self.code += e.local_set(self._returning())

        self._work(block, (value,), push)
        self._sync(self._dirty_after(block) & reads)
        self._arguments(UNIFORM_PARAMETERS)
        self._code_index()
        self.code += b"\x11" + e.unsigned(self.layout.uniform) + e.unsigned(self.layout.table)
        self._store_results(UNIFORM_RESULTS, following)
        self._reload(writes & ~_UNIFORM_RESULT_MASK & following & self.local_mask)

    def _syscall(self, block: Block) -> None:
        following = self._following(block)
        self._work(block, ())
        # what it is asked with is there to ask again, after a handler (SA_RESTART)
        self._sync(self._dirty_after(block) & (following | SYSCALL_READS) & ~_X0)
        self._arguments((X[8], *X[:6]))
        self.code += e.i64_const(block.exit.other) + e.call(self.layout.syscall)
        self._store_results((X[0],), following)

    def _return(self, block: Block) -> None:
        value = block.exit.value
        assert value is not None
        own = block.start in self.signature.frame.own_returns
        code = self.code
        if not own:
            self._return_escaping(block, value)
            return
        checked = value.op != opcodes.GET
        if checked:

            def push_checked() -> None:
                self.x.emit(value)
                code.extend(e.local_tee(self._returning()))

            self._work(block, (value,), push_checked)
            code += e.local_get(self._entry_link()) + e.I64_NE
            self._escape_if()
        else:
            self._work(block, ())
        self._sync_return(block)
        self._shallower()
        for slot in self.signature.results:
            code += self.locals.read(slot)
        code += e.RETURN

    def _return_escaping(self, block: Block, value: Value) -> None:
        """To an address that only the program knows: through the driver."""

        def push() -> None:
            self.x.emit(value)
            self.code += e.local_set(self._returning())

        self._work(block, (value,), push)
        self._sync(self._dirty_after(block))
        self.code += e.local_get(self._returning())
        self._throw()

    def _entry_link(self) -> int:
        """The local with the return address as it was on entry."""
        if self.link_local < 0:
            parameter = self.locals.slots[LINK]
            changed = self.assigned_ever >> LINK & 1
            self.link_local = self.locals.new(I64) if changed else parameter
        return self.link_local

    def _sync_return(self, block: Block) -> None:
        """Globals as the caller expects them: results that are not Wasm results, and kept ones."""
        dirty = self._dirty_after(block)
        results = mask_of(self.signature.results)
        kept = given_back(self.signature) & self.touched[block.start]
        self._sync(dirty & (self.signature.live_out & ~results | kept))

    def _leave(self, block: Block, target: int) -> None:
        """Control leaves for another function: a tail call, or the driver."""
        callee = self.c.all.get(target)
        code = self.code
        proved = self._leaves_by_tail_call(block)
        if block.exit.kind is ExitKind.CALL or callee is None or not proved:
            self._sync(self._dirty_after(block) | self._after_call_dirty(block))
            code += e.i64_const(target)
            self._throw()
            return
        reads = callee.reads & ~mask_of(callee.parameters)
        dirty = self._dirty_after(block)
        kept = given_back(self.signature) & self.touched[block.start]
        live_out = self.signature.live_out
        results = mask_of(self.signature.results)
        passed_by = live_out & ~callee.writes & ~results
        self._sync(dirty & (reads | kept | passed_by))
        self._arguments(callee.parameters)
        index = self.layout.functions[target]
        if callee.results == self.signature.results:
            self._shallower()
            code += b"\x12" + e.unsigned(index)
            return
        code += e.call(index)
        self._tail_results(callee.results, callee.writes)

    def _leaves_by_tail_call(self, block: Block) -> bool:
        """Whether whoever the block goes to returns to this function's own caller (proved)."""
        return block.start in self.signature.frame.tail_calls

    def _after_call_dirty(self, block: Block) -> int:
        """After a call that falls into another function: its results are in locals alone."""
        if block.exit.kind not in (ExitKind.CALL, ExitKind.CALL_INDIRECT, ExitKind.SYSCALL):
            return 0
        return self._call_effect(block)[2] if block.exit.kind is not ExitKind.SYSCALL else _X0

    def _tail_results(self, given: Sequence[int], writes: int) -> None:
        """Hand on what a callee in tail position gave, in this function's own shape."""
        code = self.code
        wanted = self.signature.results
        self._store_results(given, mask_of(wanted) | self.signature.live_out)
        given_mask = mask_of(given)
        for slot in wanted:
            if not given_mask >> slot & 1 and writes >> slot & 1:
                code += e.global_get(self.layout.globals[slot])
            else:
                code += self.locals.read(slot)
        # results of the callee that are results of this one only by global
        for slot in given:
            if not mask_of(wanted) >> slot & 1 and self.signature.live_out >> slot & 1:
                code += self.locals.read(slot)
                code += e.global_set(self.layout.globals[slot])
        self._shallower()
        code += e.RETURN

    def _jump_indirect(self, block: Block, edges: list[Edge]) -> None:
        value = block.exit.value
        assert value is not None
        code = self.code

        def push() -> None:
            self.x.emit(value)
            code.extend(e.local_set(self._returning()))

        self._work(block, (value,), push)
        targets = block.exit.targets
        if targets:
            low = min(targets)
            code += e.local_get(self._returning()) + e.I32_WRAP + e.i32_const(low) + e.I32_SUB
            code += e.i32_const(2) + e.I32_ROTR
            self._address_switch(low, dict(zip(targets, edges, strict=True)))
        if targets or not self._leaves_by_tail_call(block):
            self._sync(self._dirty_after(block))
            code += e.local_get(self._returning())
            self._throw()
            return
        dirty = self._dirty_after(block)
        kept = given_back(self.signature) & self.touched[block.start]
        reads = self.c.unknown_reads & ~_UNIFORM_PARAMETER_MASK
        passed_by = self.signature.live_out & ~self.c.unknown_writes
        self._sync(dirty & (reads | kept | passed_by))
        self._arguments(UNIFORM_PARAMETERS)
        self._code_index()
        tail = e.unsigned(self.layout.uniform) + e.unsigned(self.layout.table)
        if self.signature.results == UNIFORM_RESULTS:
            self._shallower()
            code += b"\x13" + tail
        else:
            code += b"\x11" + tail
            self._tail_results(UNIFORM_RESULTS, self.c.unknown_writes)

    # -- the frame around the code

    def _shallower(self) -> None:
        """This function is about to leave the Wasm stack by itself."""
        if self.depth_local >= 0:
            self.code += e.local_get(self.depth_local) + e.global_set(self.layout.depth)

    def _deeper(self) -> bytes:
        """On entry to a recursive function: go on only if there is Wasm stack enough."""
        layout = self.layout
        # its frame on the Wasm stack, about: return address, saved registers, every local
        weight = 96 + sum(16 if t == V128 else 8 for t in self.locals.types)
        left = e.global_get(layout.depth) + e.local_tee(self.depth_local)
        left += e.i32_const(weight) + e.I32_SUB + e.global_set(layout.depth)
        body = self.code
        self.code = bytearray()
        self._sync(mask_of(self.signature.parameters) & self.signature.reads)
        synced, self.code = bytes(self.code), body
        return (
            left
            + e.local_get(self.depth_local)
            + e.i32_const(weight)
            + b"\x48"  # i32.lt_s
            + e.IF
            + synced
            + e.i64_const(self.signature.entry)
            + e.global_set(layout.pc)
            + e.call(layout.deeper)
            + e.UNREACHABLE
            + e.END
        )

    def _finish(self) -> Emitted:
        code = self.code
        tail = bytearray()
        if self.escape_used:
            self.code = tail
            self._sync_everything()
            tail += e.local_get(self._returning())
            self._throw()
            self.code = code
        exactly = self._exactly() if self.asked else b""
        head = bytearray(self.narrowed)
        head += self._deeper() if self.depth_local >= 0 else b""
        if self.link_local not in (-1, self.locals.slots.get(LINK, -1)):
            head += e.local_get(self.locals.slots[LINK]) + e.local_set(self.link_local)
        entry_reads = self.signature.reads & self.local_mask
        parameters = self.signature.parameters
        for slot in sorted(self.locals.slots):
            if slot not in parameters and entry_reads >> slot & 1:
                head += e.global_get(self.layout.globals[slot])
                head += self.locals.write(slot)
        body = e.BLOCK + bytes(code) + e.END + bytes(tail)
        if not self.escape_used:
            body += e.UNREACHABLE
        if self.asked:
            # a landing of its own for each question: with one way into it, no values have to be
            # moved where the question is asked
            last = len(self.asked) - 1
            landings = bytearray()
            for at, selector in enumerate(self.asked):
                landings += e.END + e.i32_const(selector) + e.local_set(self.selected)
                landings += e.branch(last - at)
            body = e.BLOCK * (len(self.asked) + 1) + body + landings + e.END + exactly
        body = bytes(head) + body
        return Emitted(self.locals.types[len(parameters) :], body + e.END)

    def _exactly(self) -> bytes:
        """Where a result is a NaN: the rest of this call is the resume body's, which is exact.

        Nothing comes back from there into the code above, so that what it keeps in registers
        need not survive a call (ADR 0044).
        """
        kept, self.code = self.code, bytearray()
        layout = self.layout
        self._sync_everything()
        self.code += e.local_get(self.selected) + e.call(layout.resumes[self.signature.entry])
        if self.signature.reads >> LINK & 1:
            self.code += e.global_get(layout.pc) + e.local_get(self._entry_link()) + e.I64_NE + e.IF
            self.code += e.global_get(layout.pc)
            self._throw()
            self.code += e.END
        for slot in self.signature.results:
            self.code += e.global_get(layout.globals[slot])
        self._shallower()
        self.code += e.RETURN
        tail, self.code = self.code, kept
        return bytes(tail)

    def _sync_everything(self) -> None:
        self._sync(mask_of(self.locals.slots) & ~mask_of(self.untouched))
        for slot, parameter in self.untouched.items():
            if parameter >= 0:
                self.code += e.local_get(parameter) + e.global_set(self.layout.globals[slot])
