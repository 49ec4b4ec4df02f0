"""Owns emitting one function: its blocks, in order and nested, and the frame around them."""

from __future__ import annotations

from functools import partial
from math import isqrt
from typing import TYPE_CHECKING

from wherever.aot import encode as e
from wherever.aot.exits import Exits
from wherever.aot.fills import Fill, filling, wide_turn
from wherever.aot.layout import Emitted, Layout
from wherever.aot.nans import COMPARES
from wherever.aot.signature import ALL, LINK, Conventions, Signature, mask_of
from wherever.aot.streams import Stream, streaming, wide_turns
from wherever.ir import opcodes
from wherever.ir.ops import I32, V128
from wherever.ir.values import Block, ExitKind
from wherever.passes.counted import turns
from wherever.passes.structure import Edge, Graph, structure
from wherever.passes.unroll import cycles, repeated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherever.aot.locals import Locals

Cycles = dict[int, tuple[tuple[int, ...], int]]  # loop -> its cycle, and how often it is there


class FunctionEmitter(Exits):
    """Emits one function's fast body; see `resume` for the other one."""

    def __init__(
        self,
        layout: Layout,
        conventions: Conventions,
        signature: Signature,
        locals_: Locals | None = None,
        exact: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__(layout, conventions, signature, locals_, exact)
        self.moved: dict[tuple[int, int], int] = {}  # edges of repeated loops
        self.fills: dict[int, Fill] = {}  # loops that may go on sixteen bytes at a time
        self.streams: dict[int, Stream] = {}  # loops that may do several turns at once
        self.certain: dict[int, int] = {}  # copies of blocks that cannot leave their loop: to where
        self.selected = -1  # the local with the selector of a block that begins anew
        self.asked: list[tuple[int, int]] = []  # the selector and the block of each question

    # -- the whole function

    def emit(self) -> Emitted:
        """The function's code."""
        self.starts = self.c.functions.bodies[self.signature.entry].reached
        self.index = {start: i for i, start in enumerate(self.starts)}
        graph = structure(self._edges(), 0)
        for head in graph.loops:
            if head < len(self.starts):
                self._find_wide(self.starts[head])
        loops = cycles(graph, self._weigh)
        if loops:
            self._repeat(*self._counted(graph, loops))
            self.leaves.clear()
            graph = structure(self._edges(), 0)
        self._masks()
        if self.signature.recursive:
            self.depth_local = self.locals.new(I32)
        self._flow(graph)
        self._take_along()
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
            certain = self.certain.get(i, -1)
            for target in self.blocks[start].exit.successors():
                inside = self.index.get(target)
                if certain >= 0 and target != certain:
                    continue
                if inside is None:
                    inside = len(edges)
                    edges.append([])
                    self.leaves[inside] = (start, target)
                elif self.moved:
                    inside = self.moved.get((i, inside), inside)
                edges[i].append((inside, -1))
        return edges

    def _counted(self, graph: Graph, loops: Cycles) -> tuple[Cycles, dict[int, int]]:
        """The loops with copies that divide their turns, where these are counted.

        And of each such loop, the place in its cycle of the block that decides.
        """
        found: Cycles = {}
        deciding: dict[int, int] = {}
        last = len(self.starts)
        for head, (cycle, times) in loops.items():
            found[head] = cycle, times
            entering = [
                node
                for node in graph.order
                if node not in cycle and any(to == head for to, _ in graph.edges[node])
            ]
            if head == 0 or any(node >= last for node in entering):
                continue
            blocks = [self.blocks[self.starts[node]] for node in cycle]
            at, count = turns(blocks, [self.blocks[self.starts[node]] for node in entering])
            for copies in range(times, 1, -1):
                if count and count % copies == 0:
                    found[head] = cycle, copies
                    deciding[head] = at
                    break
        return found, deciding

    def _repeat(self, loops: Cycles, deciding: dict[int, int]) -> None:
        """Copy the cycles; of one whose turns are counted, only the last copy asks for another.

        Copies are numbered as `repeated` does it: turn after turn, loop after loop.
        """
        first = len(self.starts)
        self.moved, copies = repeated(first, loops)
        self.starts = [*self.starts, *(self.starts[node] for node in copies)]
        for head, (cycle, times) in sorted(loops.items()):
            at = deciding.get(head, -1)
            if at >= 0:
                target = self.starts[cycle[(at + 1) % len(cycle)]]
                self.certain[cycle[at]] = target
                for turn in range(times - 2):
                    self.certain[first + turn * len(cycle) + at] = target
            first += len(cycle) * (times - 1)

    def _weigh(self, node: int) -> int:
        """How much a copy of a block would add, or -1 where it is not for copying."""
        if node >= len(self.starts):
            return -1
        block = self.blocks[self.starts[node]]
        if block.exit.kind not in (ExitKind.JUMP, ExitKind.BRANCH) or self._wide(block.start):
            return -1
        runtime = self.layout.runtime
        for effect in block.effects:
            if effect.op == opcodes.CALL and runtime[effect.imm][3]:
                return -1  # an exclusive store hardly ever goes round again
        return len(block.effects) + len(block.outs) + 1

    def _find_wide(self, start: int) -> None:
        block, live = self.blocks[start], self.signature.after[start]
        fill = filling(block, live)
        if fill is not None:
            self.fills[start] = fill
            return
        stream = streaming(block, live)
        if stream is not None:
            self.streams[start] = stream

    def _wide(self, start: int) -> bool:
        return start in self.fills or start in self.streams

    # -- blocks

    def _switches(self, node: int) -> bool:
        if node >= len(self.starts):
            return True
        return self.blocks[self.starts[node]].exit.kind is ExitKind.JUMP_INDIRECT

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
            self.x.leave = partial(self._exactly_if, selector, start) if selector >= 0 else None
        match end.kind:
            case ExitKind.JUMP:
                self._work(block, ())
                self._sync(self._dirty_after(block) & self.c.in_place.get(start, 0))
                self._go(node, edges[0])
            case ExitKind.BRANCH if node in self.certain:
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
            case ExitKind.RET if edges:
                self._come_back(block)
                self._go(node, edges[0])
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
        fill = self.fills.get(block.start)
        if fill is not None:
            wide_turn(fill, self.x, self.context.depth(node))
        stream = self.streams.get(block.start)
        if stream is not None:
            wide_turns(stream, self.x)
        inverted = False

        def push() -> None:
            nonlocal inverted
            inverted = self.x.condition(value)

        self._work(block, (value,), push)
        asked = value
        while asked.op == opcodes.I32_EQZ:
            asked = asked.args[0]
        self._branch_to(node, edges, inverted=inverted, floating=asked.op in COMPARES)

    def _exactly_if(self, selector: int, start: int) -> None:
        """Begin this block anew in the resume body if the condition on the stack holds."""
        self.code += e.branch_if(self.context.depth(-1) + 1 + len(self.asked))
        self.asked.append((selector, start))

    # -- the frame around the code

    def _weight(self, code: int) -> int:
        """Its frame on the Wasm stack, about: return address, saved registers, every local.

        What else a compiler keeps there, it finds in the code: addresses and constants that several
        places share. Of 3 437 functions of bash, one in a hundred has a larger frame by 13 % or
        more; without the root the mean of all was 92 % larger, the worst twelve times (ADR 0049).
        """
        return 96 + sum(16 if t == V128 else 8 for t in self.locals.types) + 8 * isqrt(code)

    def _deeper(self) -> bytes:
        """On entry to a recursive function: go on only if there is Wasm stack enough."""
        layout = self.layout
        weight = self._weight(len(self.code))
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
            always = self._always_taken()
            code, self.code = self.code, bytearray()
            for at, (selector, start) in enumerate(self.asked):
                self.code += e.END + e.i32_const(selector) + e.local_set(self.selected)
                self._sync_everything(self.taken_along[start] & ~always)
                self.code += e.branch(last - at)
            landings, self.code = self.code, code
            body = e.BLOCK * (len(self.asked) + 1) + body + landings + e.END + exactly
        body = bytes(head) + body
        return Emitted(self.locals.types[len(parameters) :], body + e.END)

    def _exactly(self) -> bytes:
        """Where a result is a NaN: the rest of this call is the resume body's, which is exact.

        Nothing comes back from there into the code above, so that what it keeps in registers
        need not survive a call (ADR 0044).
        """
        code, self.code = self.code, bytearray()
        layout = self.layout
        untraced = self._untraced()
        left = [(layout.globals[slot], self.locals.new(self.types[slot])) for slot in untraced]
        for index, kept in left:
            self.code += e.global_get(index) + e.local_set(kept)
        self._sync_everything(self._always_taken())
        if self.depth_local >= 0:
            # the resume body has a frame, too
            self.code += e.global_get(layout.depth) + e.i32_const(self._weight(len(code)))
            self.code += e.I32_SUB + e.global_set(layout.depth)
        self.code += e.local_get(self.selected) + layout.resumes[self.signature.entry]
        if self.signature.reads >> LINK & 1:
            self.code += e.global_get(layout.pc) + e.local_get(self._entry_link()) + e.I64_NE + e.IF
            self.code += e.global_get(layout.pc)
            self._throw()
            self.code += e.END
        for index, kept in left:
            self.code += e.local_get(kept) + e.global_set(index)
        for slot in self.signature.results:
            self.code += e.global_get(layout.globals[slot])
        self._shallower()
        self.code += e.RETURN
        tail, self.code = self.code, code
        return bytes(tail)

    def _always_taken(self) -> int:
        """What every question takes along."""
        mask = ALL
        for _, start in self.asked:
            mask &= self.taken_along[start]
        return mask

    def _untraced(self) -> list[int]:
        """What is given back without having been in its global meanwhile.

        The callers of a fast body may rely on finding in such a global what they left there. That
        need not be what this function was given: a caller's own stack pointer is a parameter.
        """
        touched = 0
        for mask in self.touched.values():
            touched |= mask
        mask = self.signature.changes | mask_of(self.locals.slots)
        mask &= self.signature.kept & ~touched
        return [slot for slot in range(len(self.layout.globals)) if mask >> slot & 1]
