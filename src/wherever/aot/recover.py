"""Owns finding functions and blocks: nothing of the text is left out.

Blocks start at every target of a branch and after everything that ends a block, found by one sweep
over the whole text. Functions start at what is called, pointed to, or the program's entrance; a
function is what control reaches from there without calling. What nobody reaches (landing pads,
tables that were not understood) belongs to the function around it and is entered through `resume`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wherever.aot.image import Image, code_pointers
from wherever.isa.aarch64.flow import Sweep, sweep
from wherever.program.eh_frame import read_frames
from wherever.program.elf import (
    DT_FINI,
    DT_FINI_ARRAY,
    DT_FINI_ARRAYSZ,
    DT_INIT,
    DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ,
    STT_FUNC,
    STT_GNU_IFUNC,
)

if TYPE_CHECKING:
    from array import array


@dataclass(slots=True)
class Recovered:
    """What the text looks like before it is decoded."""

    words: list[tuple[int, array[int]]]  # each text range: its address and its words
    leaders: set[int]
    entries: set[int]  # functions start here
    taken: set[int]  # entries whose address is known to the program: may be called indirectly
    labels: set[int]  # addresses inside functions that the program's data knows
    bounds: list[int]  # sorted starts of everything that looks like a function
    names: dict[int, str] = field(default_factory=dict[int, str])

    def around(self, address: int) -> int:
        """The start of what looks like the function around an address."""
        at = bisect_right(self.bounds, address) - 1
        return self.bounds[at] if at >= 0 else address


def _arrays(image: Image) -> set[int]:
    dynamic = image.elf.dynamic
    found = {dynamic[tag] + image.base for tag in (DT_INIT, DT_FINI) if dynamic.get(tag)}
    for where, size in ((DT_INIT_ARRAY, DT_INIT_ARRAYSZ), (DT_FINI_ARRAY, DT_FINI_ARRAYSZ)):
        data = image.elf.read(dynamic.get(where, 0), min(dynamic.get(size, 0), 1 << 20) & ~7)
        for at in range(0, len(data), 8):
            found.add(int.from_bytes(data[at : at + 8], "little") + image.base)
    return found


def recover(image: Image) -> Recovered:
    """Find the starts of blocks and functions."""
    found = Sweep()
    words: list[tuple[int, array[int]]] = []
    for low, high in image.text:
        part = image.words(low, high)
        words.append((low, part))
        sweep(part, low, found)

    functions = {
        s.address + image.base: s
        for s in image.elf.symbols
        if s.type in (STT_FUNC, STT_GNU_IFUNC) and s.address & 3 == 0
    }
    symbols = {a for a in functions if image.in_text(a)}
    frames = read_frames(image.elf)
    framed = {f.start + image.base for f in frames if f.start & 3 == 0}
    covered = sorted((f.start + image.base, f.end + image.base) for f in frames)
    covered += [(a, a + functions[a].size) for a in symbols if functions[a].size]
    covered.sort()
    starts = [start for start, _ in covered]

    def inside(address: int) -> bool:
        """Whether a known function range has the address inside, not at its start."""
        at = bisect_right(starts, address) - 1
        return at >= 0 and covered[at][0] < address < covered[at][1]

    pointers = code_pointers(image) | {
        a for a in found.addresses if a & 3 == 0 and image.in_text(a)
    }
    known = symbols | framed | found.calls
    labels = {p for p in pointers if p not in known and inside(p)}
    taken = (pointers - labels) | {a for a in _arrays(image) if image.in_text(a)}
    entries = {a for a in found.calls | taken if a & 3 == 0 and image.in_text(a)}
    entries.add(image.entry)
    # a function that is neither called nor pointed to still has a body of its own, unless it is
    # a part that another one jumps into (GCC's .cold, .part)
    entries |= {a for a in symbols if not _is_part(functions[a].name)}
    bounds = sorted(entries | symbols | framed | {low for low, _ in image.text})
    leaders = {a for a in found.leaders | entries | labels | set(bounds) if image.in_text(a)}
    return Recovered(
        words,
        leaders,
        entries,
        taken | {image.entry},
        labels,
        bounds,
        {a: functions[a].name for a in symbols},
    )


def _is_part(name: str) -> bool:
    return ".cold" in name or ".part." in name
