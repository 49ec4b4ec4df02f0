"""Owns what emission knows of the module, and what it makes of a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from wherever.aot import encode as e
from wherever.aot.locals import RuntimeRow
from wherever.isa.aarch64.registers import REGISTERS
from wherever.wasm.emit import function_body, locals_of
from wherever.wasm.types import FuncType, NumType, ValType, VecType

TYPES: Final[dict[int, ValType]] = {
    0x7F: NumType.I32,
    0x7E: NumType.I64,
    0x7D: NumType.F32,
    0x7C: NumType.F64,
    0x7B: VecType.V128,
}
"""The types of the IR, as the module spells them."""


@dataclass(slots=True)
class Layout:
    """Indices of what function bodies refer to."""

    globals: Sequence[int]  # of each register
    pc: int  # the global that says where the driver goes on
    functions: dict[int, int]  # entry -> function index
    runtime: list[RuntimeRow]
    syscall: int  # (nr, a0..a5, pc) -> result
    fault: int  # (kind, pc) -> never
    tag: int
    depth: int  # the global with what is left of the Wasm stack
    deeper: int  # () -> never: goes on with an empty Wasm stack
    uniform: int  # type index of indirectly called functions
    table: int
    resumes: dict[int, bytes]  # entry -> what enters its resume body; a selector is on the stack
    text_low: int
    text_words: int
    calls: dict[int, bytes] = field(default_factory=dict[int, bytes])  # entry -> what calls it
    types: Sequence[int] = field(default_factory=lambda: REGISTERS.types)

    # each register as the instruction that pushes its global
    global_reads: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def __post_init__(self) -> None:
        if not self.calls:
            self.calls = {entry: e.call(index) for entry, index in self.functions.items()}
        self.global_reads = {slot: e.global_get(index) for slot, index in enumerate(self.globals)}


@dataclass(slots=True)
class Emitted:
    """A function's code: its locals (after the parameters) and its instructions."""

    locals: list[int]
    code: bytes


def func_type(parameters: Sequence[int], results: Sequence[int]) -> FuncType:
    """A function type, of the IR's types."""
    return FuncType(tuple(TYPES[t] for t in parameters), tuple(TYPES[t] for t in results))


def body(emitted: Emitted) -> bytes:
    """A function's code as the module has it."""
    return function_body(locals_of([TYPES[t] for t in emitted.locals]), emitted.code)
