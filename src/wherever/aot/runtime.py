"""Owns emitting runtime functions: the IR that instruction semantics call, as Wasm functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.aot import encode as e
from wherever.aot.expressions import Expressions
from wherever.aot.layout import Emitted
from wherever.aot.locals import Locals, RuntimeRow
from wherever.aot.nesting import Nested
from wherever.ir.values import Block, ExitKind, RuntimeFunction, Value
from wherever.passes.structure import Edge, structure

if TYPE_CHECKING:
    from collections.abc import Sequence


class RuntimeEmitter(Nested):
    """Emits one runtime function; its registers are its parameters and locals."""

    def __init__(
        self,
        function: RuntimeFunction,
        runtime: Sequence[RuntimeRow],
    ) -> None:
        super().__init__()
        self.function = function
        self.types = function.function.registers.types
        self.locals = Locals(range(len(function.parameters)), self.types)
        self.code = bytearray()
        self.x = Expressions(self.code, self.locals, runtime)
        self.starts = sorted(function.function.blocks)
        self.starts.remove(function.function.entry)
        self.starts.insert(0, function.function.entry)

    def emit(self) -> Emitted:
        """The function's code."""
        index = {start: i for i, start in enumerate(self.starts)}
        edges: list[list[Edge]] = [
            [(index[target], -1) for target in self.block(i).exit.successors()]
            for i in range(len(self.starts))
        ]
        self.graph = structure(edges, 0)
        self._tree(self.graph.order[0])
        self.code += e.UNREACHABLE + e.END
        return Emitted(self.locals.types[len(self.function.parameters) :], bytes(self.code))

    def block(self, node: int) -> Block:
        """The block of a node."""
        return self.function.function.blocks[self.starts[node]]

    def _node(self, node: int) -> None:
        if node >= len(self.starts):
            self._dispatch(node)
            return
        block = self.block(node)
        end = block.exit
        edges = self.graph.edges[node]
        outs = list(block.outs.items())
        operands: list[Value] = [*end.values] if end.value is None else [end.value]
        ends = [value for _, value in outs] + operands
        x = self.x
        x.effects(block, ends)
        late = self._assign(outs)
        inverted = False
        if end.kind is ExitKind.BRANCH and end.value is not None:
            inverted = x.condition(end.value)
        else:
            for operand in operands:
                x.emit(operand)
        self._assign_late(late)
        x.done(block, ends)
        match end.kind:
            case ExitKind.JUMP:
                self._go(node, edges[0])
            case ExitKind.BRANCH:
                self._branch_to(node, edges, inverted=inverted)
            case ExitKind.RESULTS:
                self.code += e.RETURN
            case _:
                raise AssertionError(
                    f"runtime function {self.function.name} ends a block in {end.kind.name}"
                )
