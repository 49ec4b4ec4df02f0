"""Owns printing an explained function: columns where the terminal is wide, else sections."""

from __future__ import annotations

import itertools
import os
import re
import sys

from wherever.cli.terminal import bold, coloured, dim
from wherever.policy import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wherever.aot.explain import Explained, Explanation

__all__ = ["show"]

_COLUMNS = (46, 54)  # of instructions and of IR; Wasm has the rest
_WASM = 44
_PLAIN = re.compile(r"^(?P<lead>\s*(?:[0-9a-f]+: [0-9a-f]{8}|0x[0-9a-f]+)?\s*)(?P<rest>.*)$")
_TOKENS = re.compile(
    r"(?P<note>;.*$|<[^>]*>)|(?P<value>%\d+)|(?P<word>(?<![\w#.%-])[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)"
)


def show(found: Explanation) -> None:
    """Print it to standard output."""
    out = sys.stdout
    print(f"{bold(printable(found.name), out)} at {found.entry:#x}")
    for title, text in found.facts:
        print(f"  {dim(f'{title:<12}', out)} {text}")
    width = _width()
    if width >= sum(_COLUMNS) + _WASM:
        print("\n".join(_side_by_side(found, width)))
    else:
        print("\n".join(_sections(found)))


def _width() -> int:
    """The terminal's columns, COLUMNS where it is set; 0 where the output goes elsewhere."""
    said = os.environ.get("COLUMNS", "")
    if said.isdigit():
        return int(said)
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return 0


def _sections(found: Explanation) -> Iterator[str]:
    for block in found.blocks:
        yield ""
        yield from map(_coloured, block.instructions)
        for title, lines in block.stages:
            yield f"  {bold(title, sys.stdout)}"
            yield from (f"  {_coloured(line)}" for line in lines)
    for title, lines in found.wasm:
        yield ""
        yield bold(printable(title), sys.stdout)
        yield from map(_coloured, lines)


def _left(blocks: Sequence[Explained]) -> Iterator[tuple[str, str]]:
    """Instructions beside IR, each block's from one line on."""
    for block in blocks:
        stages = [line for title, lines in block.stages for line in (title, *lines)]
        yield from itertools.zip_longest(block.instructions, stages, fillvalue="")
        yield "", ""


def _side_by_side(found: Explanation, width: int) -> Iterator[str]:
    wasm = [line for title, lines in found.wasm for line in (title, *lines, "")]
    room = width - sum(_COLUMNS) - 4
    yield ""
    for (one, two), three in itertools.zip_longest(_left(found.blocks), wasm, fillvalue=("", "")):
        cells = (one, two, three if isinstance(three, str) else "")
        widths = (*_COLUMNS, room)
        yield "  ".join(map(_cell, cells, widths)).rstrip()


def _cell(text: str, width: int) -> str:
    """The text in so many columns: cut with a mark where it is longer."""
    text = printable(text)
    cut = text if len(text) <= width else text[: width - 1] + "…"
    return _coloured(cut) + " " * (width - len(cut))


def _coloured(line: str) -> str:
    if not coloured(sys.stdout):
        return line
    if line.startswith(("IR, ", "Wasm, ", "block ")):
        return f"\x1b[1m{line}\x1b[0m"
    found = _PLAIN.match(line)
    lead, rest = (found["lead"], found["rest"]) if found else ("", line)
    return (f"\x1b[2m{lead}\x1b[0m" if lead.strip() else lead) + _TOKENS.sub(_painted, rest)


def _painted(token: re.Match[str]) -> str:
    shade = {"note": "2", "value": "33", "word": "36"}[token.lastgroup or "word"]
    return f"\x1b[{shade}m{token[0]}\x1b[0m"
