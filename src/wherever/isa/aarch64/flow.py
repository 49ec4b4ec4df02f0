"""Owns the quick look over a whole text: where control can go, before anything is decoded.

Arm ARM C4.1.93 (branches), C6.2.10 (ADR, ADRP). One pass, a few masks a word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Sweep:
    """What the words of a text say of control flow."""

    leaders: set[int] = field(default_factory=set[int])  # a block starts here
    calls: set[int] = field(default_factory=set[int])  # targets of direct calls
    addresses: set[int] = field(default_factory=set[int])  # computed by adr, or adrp and add


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def sweep(words: Sequence[int], base: int, found: Sweep) -> None:
    """Look at every word of one range of code."""
    leaders = found.leaders
    addresses = found.addresses
    pages: dict[int, int] = {}
    anchor, anchored = 0, -64  # the last adr's address, and where it stands
    pc = base
    leaders.add(base)
    for word in words:
        top = word >> 24
        if top & 0x7C == 0x14:  # b, bl
            target = pc + (_signed(word & 0x3FF_FFFF, 26) << 2)
            if word >> 31:
                found.calls.add(target)
            leaders.add(target)
            leaders.add(pc + 4)
        elif top == 0x54 or top & 0x7E == 0x34:  # b.cond, cbz, cbnz
            leaders.add(pc + (_signed(word >> 5 & 0x7_FFFF, 19) << 2))
            leaders.add(pc + 4)
        elif top & 0x7E == 0x36:  # tbz, tbnz
            leaders.add(pc + (_signed(word >> 5 & 0x3FFF, 14) << 2))
            leaders.add(pc + 4)
        elif top == 0xD6 or top == 0xD7 or top == 0xD4 or word < 0x10000:
            leaders.add(pc + 4)  # br, blr, ret; svc, brk; udf
            if word & 0xFFE0_001F == 0xD400_0001:
                leaders.add(pc)  # svc: a system call that a signal interrupted is made again
            elif word & 0xFFFF_FC1F == 0xD61F_0000 and pc - anchored <= 16:
                # adr; add; br: the address is where a jump table's offsets count from
                addresses.discard(anchor)
                leaders.add(anchor)
        elif top & 0x1F == 0x10:  # adr, adrp
            immediate = _signed((word >> 5 & 0x7_FFFF) << 2 | word >> 29 & 3, 21)
            if word >> 31:
                pages[word & 31] = (pc & ~0xFFF) + (immediate << 12)
            else:
                anchor, anchored = pc + immediate, pc
                addresses.add(anchor)
        elif word & 0xFFC0_0000 == 0x9100_0000:  # add (immediate), not shifted
            page = pages.get(word >> 5 & 31)
            if page is not None:
                addresses.add(page + (word >> 10 & 0xFFF))
        pc += 4
