"""Owns the text of a generated function: lines, fresh names, constants, and compiling it once.

Nothing that a guest named ever becomes source: lines are made of our own words, numbers and fresh
names, and every other thing (classes, labels, messages) is a constant passed in. Equal shapes give
equal text, so the compiled code is shared by every component of the process.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import CodeType
from typing import Any

from wherever.errors import Unsupported

MAX_LINES = 40_000
"""Lines that one function type may need; a type that needs more was made to hurt."""


@functools.lru_cache(maxsize=4096)
def _compiled(source: str) -> CodeType:
    return compile(source, "<canonical ABI>", "exec")


class Emitter:
    """Collects the lines of one generated function and the helpers beside it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 2
        self._count = 0
        self._constants: dict[int, tuple[str, object]] = {}
        self._helpers: dict[tuple[str, int], tuple[str, object]] = {}
        self._finished: list[str] = []
        self._total = 0

    def name(self, prefix: str = "v") -> str:
        """A name of our own that nothing else has."""
        self._count += 1
        return f"{prefix}{self._count}"

    def line(self, text: str) -> None:
        """Add one line at the current depth."""
        self._total += 1
        if self._total > MAX_LINES:
            raise Unsupported(
                f"a function type whose conversion takes more than {MAX_LINES} steps: "
                "split its records or variants"
            )
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, head: str) -> Generator[None]:
        """An indented block under `head`."""
        self.line(head)
        self.depth += 1
        mark = len(self.lines)
        yield
        if len(self.lines) == mark:
            self.line("pass")
        self.depth -= 1

    def constant(self, value: object) -> str:
        """The name under which the generated code finds `value`."""
        known = self._constants.get(id(value))
        if known is None:
            known = (f"k{len(self._constants)}", value)
            self._constants[id(value)] = known
        return known[0]

    def helper(self, kind: str, key: object, params: str, body: Callable[[], None]) -> str:
        """The name of a function beside the main one, generated on first use."""
        known = self._helpers.get((kind, id(key)))
        if known is not None:
            return known[0]
        name = self.name(kind)
        self._helpers[kind, id(key)] = (name, key)
        outer, self.lines, depth, self.depth = self.lines, [], self.depth, 1
        with self.block(f"def {name}({params}):"):
            body()
        self._finished += self.lines
        self.lines, self.depth = outer, depth
        return name

    def build(self, params: str) -> Callable[..., Any]:
        """Compile the function and bind its constants."""
        if not any("cx" in line for line in self.lines if "cx = " not in line):
            self.lines = [line for line in self.lines if not line.lstrip().startswith("cx = ")]
        names = [name for name, _ in self._constants.values()]
        source = "\n".join(
            [
                f"def make({', '.join(names)}):",
                *self._finished,
                f"    def call({params}):",
                *self.lines,
                "    return call",
            ]
        )
        scope: dict[str, Any] = {}
        exec(_compiled(source), scope)  # our own words, numbers and fresh names only
        made: Callable[..., Any] = scope["make"](*[value for _, value in self._constants.values()])
        return made
