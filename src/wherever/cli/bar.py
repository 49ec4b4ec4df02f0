"""Owns the bar of a translation: how far it is, how fast, how long still; gone when it is done."""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Bar"]

_WIDTH = 30
_OFTEN = 0.1  # seconds between two drawings
# where on the bar each stage begins and ends: lifting takes about a third of the time, and what
# comes between the two a tenth
_STAGES = {"lift": (0.0, 0.35), "emit": (0.45, 1.0)}
_WORDS = {"lift": ("reading", "instructions"), "emit": ("writing", "functions")}


class Bar:
    """A line on standard error, where that is a terminal, or WHEREVER_PROGRESS=1 wants it.

    As a context it gives the function that a translation calls with its stage, how much of it is
    done and of how much; None where nobody looks.
    """

    __slots__ = ("_began", "_drawn", "_shown", "_stage", "_stage_began")

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._drawn = 0.0
        self._shown = False
        self._stage = ""
        self._stage_began = 0.0

    def __enter__(self) -> Callable[[str, int, int], None] | None:
        wanted = sys.stderr.isatty() or os.environ.get("WHEREVER_PROGRESS") == "1"
        return self.draw if wanted else None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()

    def draw(self, stage: str, done: int, of: int) -> None:
        """Show how far the stage is, no more often than an eye can follow."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_began = stage, now
        if now - self._drawn < _OFTEN or not of:
            return
        self._drawn = now
        self._shown = True
        sys.stderr.write("\r\x1b[2K" + self.line(stage, done, of, now))
        sys.stderr.flush()

    def line(self, stage: str, done: int, of: int, now: float) -> str:
        """The bar's text."""
        begin, end = _STAGES.get(stage, (0.0, 1.0))
        whole = begin + (end - begin) * min(done / of, 1.0)
        passed = now - self._began
        left = f"{passed / whole - passed:.0f} s left" if whole > 0.02 else "…"
        rate = done / max(now - self._stage_began, 0.01)
        doing, things = _WORDS.get(stage, (stage, "steps"))
        filled = int(whole * _WIDTH)
        bar = "#" * filled + "." * (_WIDTH - filled)
        return f"translating [{bar}] {doing} {done:,} of {of:,} {things}, {rate:,.0f}/s, {left}"
