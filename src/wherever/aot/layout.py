"""Owns what emission knows of the module, and what it makes of a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wherever.aot import encode as e
from wherever.aot.locals import RuntimeRow
from wherever.isa.aarch64.registers import REGISTERS


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
