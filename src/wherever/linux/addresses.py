"""Owns where the personality lies in a program's linear memory (ABI.md, "One linear memory")."""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["HIGH", "HIGH_END", "HIGH_STACK", "LOWEST", "NULL", "linked_low"]

NULL: Final = 0x1_0000
"""Below lies nothing, so that null pointers can be told."""
LOWEST: Final = 0x20_0000
"""Below lies the personality of most programs."""
HIGH: Final = 0x400_0000
"""Where the data of the other one begins, for programs that are linked below LOWEST."""
HIGH_STACK: Final = HIGH - 0x2_0000
"""Where its C stack ends."""
HIGH_END: Final = HIGH + 0x20_0000
"""Where it ends."""

_HEADER: Final = struct.Struct("<6s10xH14xQ14xHH6x")  # e_type, e_phoff, e_phentsize, e_phnum
_SEGMENT: Final = struct.Struct("<I12xQ16xQ8x")  # p_type, p_vaddr, p_memsz
_ET_EXEC: Final = 2
_PT_LOAD: Final = 1


def linked_low(program: bytes) -> bool:
    """Whether a program needs the personality that leaves the low addresses to it.

    A look at the program headers alone, for a cache that has to know before anything is read; what
    is no ELF file is refused later.
    """
    if len(program) < _HEADER.size:
        return False
    magic, kind, offset, size, count = _HEADER.unpack_from(program)
    if magic != b"\x7fELF\2\1" or kind != _ET_EXEC or size != _SEGMENT.size:
        return False
    count = min(count, (len(program) - offset) // size)
    rows = (_SEGMENT.unpack_from(program, offset + size * i) for i in range(count))
    # what takes no memory is no part of the image (`program.elf`)
    return any(type_ == _PT_LOAD and size and at < LOWEST for type_, at, size in rows)
