"""Owns the nesting of a function's code: blocks, loops and branches around its basic blocks."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from wherever.aot import encode as e
from wherever.aot.selection import LEAVES
from wherever.ir import opcodes

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from wherever.aot.expressions import Expressions
    from wherever.aot.locals import Locals
    from wherever.ir.values import Value
    from wherever.passes.structure import Edge, Graph

_MAX_SWITCH: Final = 20_000
_DEEP: Final = 2_000_000


@contextmanager
def deep_recursion() -> Generator[None]:
    """Emission recurses as deep as the dominator tree and as the chain a value is computed by.

    Only while it lasts: parsers elsewhere in the process (`json`, in C) rely on the usual limit to
    stop before the stack does.
    """
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


class _Context:
    """What encloses the current point: labels, innermost last."""

    __slots__ = ("kinds", "labels", "nodes", "solid")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.nodes: list[int] = []
        self.labels: dict[int, int] = {}  # node -> position of the label that leads to it
        self.solid: list[int] = []  # positions that running off the end stops at: blocks

    def push(self, kind: str, node: int) -> None:
        if kind != "if":
            self.labels[node] = len(self.nodes)
        if kind == "block":
            self.solid.append(len(self.nodes))
        self.kinds.append(kind)
        self.nodes.append(node)

    def pop(self) -> None:
        kind = self.kinds.pop()
        node = self.nodes.pop()
        if kind != "if":
            self.labels.pop(node, None)
        if kind == "block":
            self.solid.pop()

    def depth(self, node: int) -> int:
        """The label that leads to a node."""
        return len(self.nodes) - 1 - self.labels[node]

    def has(self, node: int) -> bool:
        """Whether some label leads to a node."""
        return node in self.labels

    def falls(self, node: int) -> bool:
        """Whether running off the end here arrives at a node anyway."""
        return bool(self.solid) and self.nodes[self.solid[-1]] == node


class Nested:
    """Emits a graph of nodes as nested code; a subclass emits what is in a node."""

    graph: Graph
    code: bytearray
    locals: Locals
    x: Expressions
    types: Sequence[int]
    starts: list[int]

    def __init__(self) -> None:
        self.context = _Context()
        self.selector = -1

    def _node(self, node: int) -> None:
        raise NotImplementedError

    def _before_loop(self, node: int) -> None:
        """What is to be done once where control enters a loop from outside."""

    def _switches(self, node: int) -> bool:
        """Whether a node chooses among its successors by a table, and so needs them labelled."""
        return node >= len(self.starts)

    def _tree(self, node: int) -> None:
        graph = self.graph
        merges = [child for child in graph.children[node] if child in graph.merges]
        if self._switches(node):
            targets = {target for target, _ in graph.edges[node]}
            merges = [c for c in graph.children[node] if c in graph.merges or c in targets]
        if node in graph.loops:
            self._before_loop(node)
            self.code += e.LOOP
            self.context.push("loop", node)
            self._within(node, merges, 0)
            self.context.pop()
            self.code += e.END
        else:
            self._within(node, merges, 0)

    def _within(self, node: int, merges: list[int], at: int) -> None:
        for child in merges[at:]:
            self.code += e.BLOCK
            self.context.push("block", child)
        self._node(node)
        for child in reversed(merges[at:]):
            self.context.pop()
            self.code += e.END
            self._tree(child)

    def _go(self, source: int, edge: Edge) -> None:
        """Control goes along an edge, at the end of everything emitted for the source."""
        target, selected = edge
        if selected >= 0:
            self.code += e.i32_const(selected) + e.local_set(self._selector())
        graph = self.graph
        if graph.number[target] <= graph.number[source]:
            self.code += e.branch(self.context.depth(target))
        elif self._labelled(target):
            if not self.context.falls(target):
                self.code += e.branch(self.context.depth(target))
        else:
            self._tree(target)

    def _labelled(self, target: int) -> bool:
        return self.context.has(target)

    def _jumps(self, source: int, edge: Edge) -> bool:
        """Whether going along an edge is a branch to a label, without anything before it."""
        target, selected = edge
        return selected < 0 and (
            self.graph.number[target] <= self.graph.number[source] or self._labelled(target)
        )

    def _selector(self) -> int:
        if self.selector < 0:
            self.selector = self.locals.new(0x7F)
        return self.selector

    def _dispatch(self, node: int) -> None:
        """A node that only chooses, by the selector, which stays for the next such node."""
        edges = self.graph.edges[node]
        code = self.code
        if len(edges) == 1:
            self._go(node, (edges[0][0], -1))
            return
        depths = {number: self.context.depth(target) for target, number in edges}
        low, high = min(depths), max(depths)
        code += e.local_get(self._selector())
        if low:
            code += e.i32_const(low) + e.I32_SUB
        code += b"\x0e" + e.unsigned(high - low)
        for number in range(low, high + 1):
            code += e.unsigned(depths.get(number, depths[high]))

    def _address_switch(self, low: int, edges: dict[int, Edge]) -> None:
        """Branch by a word index on the stack; an address without an edge falls through."""
        code = self.code
        words = (max(edges) - low >> 2) + 1
        index = self.locals.temporary(0x7F)
        code += e.local_set(index)
        if words > _MAX_SWITCH or any(selected >= 0 for _, selected in edges.values()):
            # sparse, or through a dispatch node: compare one after the other
            for address in sorted(edges):
                target, selected = edges[address]
                code += e.local_get(index) + e.i32_const(address - low >> 2) + b"\x46"
                if selected >= 0:
                    code += e.IF + e.i32_const(selected) + e.local_set(self._selector())
                    code += e.branch(self.context.depth(target) + 1) + e.END
                else:
                    code += e.branch_if(self.context.depth(target))
            return
        code += e.BLOCK + e.local_get(index) + b"\x0e" + e.unsigned(words)
        for at in range(low, low + 4 * words, 4):
            edge = edges.get(at)
            code += e.unsigned(0 if edge is None else self.context.depth(edge[0]) + 1)
        code += b"\0" + e.END

    def _index_switch(self, place: int, targets: Sequence[int], edges: dict[int, Edge]) -> None:
        """Branch by an index in a local; one without a target falls through."""
        code = self.code
        code += e.BLOCK + e.local_get(place) + b"\x0e" + e.unsigned(len(targets))
        for target in targets:
            code += e.unsigned(self.context.depth(edges[target][0]) + 1)
        code += b"\0" + e.END

    def _branch_to(
        self, node: int, edges: list[Edge], *, inverted: bool, floating: bool = False
    ) -> None:
        """Branch on the condition on the stack.

        The opposite of a floating-point comparison is none that Wasm has, so that `i32.eqz` would
        have the machine make a number of it; an `if` branches on the comparison itself.
        """
        yes, no = edges if len(edges) == 2 else (edges[0], edges[0])
        code = self.code
        if inverted:
            yes, no = no, yes
        if self._jumps(node, yes):
            code += e.branch_if(self.context.depth(yes[0]))
            self._go(node, no)
        elif self._jumps(node, no) and not floating:
            code += e.I32_EQZ + e.branch_if(self.context.depth(no[0]))
            self._go(node, yes)
        else:
            code += e.IF
            self.context.push("if", -1)
            self._go(node, yes)
            code += e.ELSE
            self._go(node, no)
            self.context.pop()
            code += e.END

    def _assign(self, outs: list[tuple[int, Value]]) -> list[tuple[int, int]]:
        """Assign the changed registers, those that nobody still reads first."""
        x = self.x
        code = self.code
        late: list[tuple[int, int]] = []
        waiting = outs
        while waiting:
            again: list[tuple[int, Value]] = []
            for slot, value in waiting:
                reads = x.pending.get(slot, 0)
                if reads and reads != _reads_below(value, slot, set()):
                    again.append((slot, value))
                    continue
                self._assign_one(slot, value)
            if len(again) == len(waiting):
                slot, value = again.pop(0)
                x.emit(value)
                place = self.locals.temporary(self.types[slot])
                code += e.local_set(place)
                late.append((slot, place))
            waiting = again
        return late

    def _assign_one(self, slot: int, value: Value) -> None:
        x = self.x
        index = self.locals.slot(slot)
        if slot in self.locals.narrow:
            x.emit_narrow(slot, value)
            self.code += e.local_set(index)
            return
        fresh = value.uses > 1 and value.place < 0
        constant = value.op in LEAVES
        if fresh and not constant:
            # the register's own local is where the shared value lives from now on
            x.compute_only(value)
            value.place = index
        else:
            x.emit(value)
        self.code += e.local_set(index)

    def _assign_late(self, late: list[tuple[int, int]]) -> None:
        for slot, place in late:
            self.code += e.local_get(place)
            self.code += self.locals.write(slot)


def _reads_below(value: Value, slot: int, seen: set[int]) -> int:
    """How many reads of a register emitting this value will do; a shared part is emitted once."""
    if value.op == opcodes.GET:
        return 1 if value.imm == slot else 0
    if value.place >= 0:
        return 0
    if value.uses > 1 or value.op == opcodes.RARELY:
        if id(value) in seen:
            return 0
        seen.add(id(value))
    return sum(_reads_below(arg, slot, seen) for arg in value.args)
