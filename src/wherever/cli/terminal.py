"""Owns what the command line writes for people: colour, errors, progress on a terminal."""

from __future__ import annotations

import os
import sys

from wherever.policy.decision import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self, TextIO

__all__ = ["Progress", "bold", "dim", "note", "say_error"]


def coloured(stream: TextIO) -> bool:
    """Whether colour belongs on the stream: a terminal, and NO_COLOR (no-color.org) not set."""
    if os.environ.get("NO_COLOR") or vars(sys)["stderr"] is None:
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def bold(text: str, stream: TextIO) -> str:
    """The text in bold, where colour belongs."""
    return f"\x1b[1m{text}\x1b[0m" if coloured(stream) else text


def dim(text: str, stream: TextIO) -> str:
    """The text dimmed, where colour belongs."""
    return f"\x1b[2m{text}\x1b[0m" if coloured(stream) else text


def say_error(message: str) -> None:
    """One error on standard error; a guest's names in it cannot command the terminal."""
    lead = "\x1b[1;31merror:\x1b[0m" if coloured(sys.stderr) else "error:"
    _say(lead, message)


def note(message: str) -> None:
    """Something to know, on standard error."""
    _say("\x1b[1;33mnote:\x1b[0m" if coloured(sys.stderr) else "note:", message)


def _say(lead: str, message: str) -> None:
    lines = [printable(line) for line in message.split("\n")]
    try:
        sys.stderr.write(f"wherever: {lead} {chr(10).join(lines)}\n")
        sys.stderr.flush()
    except (OSError, AttributeError):  # closed, or never there
        return  # nobody reads standard error: the exit status says it


class Progress:
    """A line on standard error while something long goes on: only on a terminal, gone afterwards.

    It appears after half a second and shows the time that has passed.
    """

    __slots__ = ("_done", "_shown", "_text", "_thread")

    def __init__(self, text: str) -> None:
        self._text = printable(text)
        self._shown = False
        self._thread: object = None

    def __enter__(self) -> Self:
        if vars(sys)["stderr"] is not None and sys.stderr.isatty():
            import threading

            self._done = threading.Event()
            self._thread = thread = threading.Thread(target=self._run, daemon=True)
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._done.set()
            if self._shown:
                sys.stderr.write("\r\x1b[2K")
                sys.stderr.flush()

    def _run(self) -> None:
        import time

        start = time.monotonic()
        wheel = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
        beat = 0
        while not self._done.wait(0.5 if not self._shown else 0.1):
            self._shown = True
            passed = time.monotonic() - start
            sys.stderr.write(f"\r\x1b[2K{wheel[beat % len(wheel)]} {self._text} {passed:.1f}s")
            sys.stderr.flush()
            beat += 1
