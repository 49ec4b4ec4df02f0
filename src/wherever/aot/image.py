"""Owns the guest's image: where each segment lies in linear memory and which words are pointers."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field
from typing import Final

from wherever.errors import InvalidProgram, Unsupported
from wherever.linux.addresses import HIGH_STACK, LOWEST, NULL
from wherever.program.elf import PF_W, PF_X, Elf

PIE_BASE: Final = LOWEST
_R_RELATIVE: Final = 1027  # ELF for the Arm 64-bit Architecture, 5.7.15
_R_IRELATIVE: Final = 1032


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment of the image, placed."""

    address: int
    data: bytes = field(repr=False)
    end: int  # bss included
    flags: int
    offset: int


@dataclass(frozen=True, slots=True)
class Image:
    """A program, placed in the guest's address space."""

    elf: Elf
    base: int  # added to every link-time address
    pieces: tuple[Piece, ...]
    text: tuple[tuple[int, int], ...]  # ranges that can hold instructions

    @property
    def entry(self) -> int:
        """The first instruction."""
        return self.elf.entry + self.base

    @property
    def end(self) -> int:
        """First address after the image."""
        return max(piece.end for piece in self.pieces)

    @property
    def low(self) -> bool:
        """Whether the personality lies above the image."""
        return self.pieces[0].address < LOWEST

    def in_text(self, address: int) -> bool:
        """Whether an instruction can be at an address."""
        return any(low <= address < high for low, high in self.text)

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the image as loaded."""
        return self.elf.read(address - self.base, size)

    def constant(self, address: int, size: int) -> bytes:
        """Bytes at an address that the program may not write to, the end cut; else none."""
        for piece in self.pieces:
            if piece.address <= address < piece.end:
                if piece.flags & PF_W or self.elf.text_relocations:
                    return b""
                at = address - piece.address
                return piece.data[at : at + size]
        return b""

    def words(self, low: int, high: int) -> array[int]:
        """The 32-bit words of a range of text."""
        words = array("I", self.read(low, (high - low) & ~3))
        if sys.byteorder == "big":
            words.byteswap()
        return words


def place(elf: Elf) -> Image:
    """Choose where the program lies, or refuse it by name."""
    if elf.machine != "aarch64":
        raise Unsupported(
            f"unsupported: an ELF program for {elf.machine}; aarch64 is translated so far"
        )
    if elf.interpreter:
        raise Unsupported(
            f"unsupported: a dynamically linked program (its loader is {elf.interpreter[:100]!r}); "
            "link it statically, or use its -static package"
        )
    if not elf.entry:
        raise Unsupported("unsupported: a shared library (no entry point); translate an executable")
    base = PIE_BASE - (elf.low & ~0xFFFF) if elf.pie else 0
    if elf.low + base < NULL or (elf.low + base < LOWEST and elf.high > HIGH_STACK):
        raise Unsupported(
            f"unsupported: the program is linked from {elf.low:#x} to {elf.high:#x}; nothing "
            f"lies below {NULL:#x}, and what begins below {LOWEST:#x} has to end by "
            f"{HIGH_STACK:#x}; link it at {LOWEST * 2:#x} or as static-PIE"
        )
    pieces = tuple(
        Piece(
            s.address + base,
            elf.data[s.offset : s.offset + s.file_size],
            s.end + base,
            s.flags,
            s.offset,
        )
        for s in elf.loads
    )
    text = tuple(((a + base + 3) & ~3, (b + base) & ~3) for a, b in elf.executable_ranges())
    image = Image(elf, base, pieces, tuple((a, b) for a, b in text if a < b))
    if not image.text:
        raise InvalidProgram("invalid ELF file: no segment that it loads holds instructions")
    if image.entry & 3 or not image.in_text(image.entry):
        raise InvalidProgram(
            f"invalid ELF file: its entry point {elf.entry:#x} lies outside its executable segments"
        )
    return image


def code_pointers(image: Image) -> set[int]:
    """Words of the data, and relocations, that could be addresses of instructions."""
    found: set[int] = set()
    lowest = min((a for a, _ in image.text), default=0)
    highest = max((b for _, b in image.text), default=0)
    for relocation in image.elf.relocations:
        if relocation.type in (_R_RELATIVE, _R_IRELATIVE):
            found.add(relocation.addend + image.base)
    for address in image.elf.relative:
        found.add(int.from_bytes(image.elf.read(address, 8), "little") + image.base)
    if not image.elf.pie:
        for piece in image.pieces:
            if piece.flags & PF_X and not piece.flags & PF_W and image.elf.sections:
                continue
            start = -piece.address & 7
            words = array("Q", piece.data[start : start + ((len(piece.data) - start) & ~7)])
            found.update(word for word in words if lowest <= word < highest)
    return {a for a in found if a & 3 == 0 and image.in_text(a)}
