"""Owns reading `.eh_frame`: which address ranges are functions, and which have landing pads.

Linux Standard Base Core, 10.6 "Exception Frames"; DWARF 4, 6.4.1. Stripped programs keep this
section, so it tells functions apart where no symbols do. Damage ends the walk: it is a hint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wherever.program.elf import Elf

_PCREL: Final = 0x10
_MAX_ENTRIES: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class FrameEntry:
    """One function range."""

    start: int
    end: int
    lsda: int  # address of its exception table, 0 without


def _leb(data: bytes, at: int, *, signed: bool) -> tuple[int, int]:
    value = shift = 0
    while True:
        if shift > 70:
            raise IndexError("LEB128 too long")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if signed and byte & 0x40:
        value -= 1 << shift
    return value, at


def _pointer(data: bytes, at: int, encoding: int, address: int) -> tuple[int, int]:
    """An encoded pointer (LSB 10.5.1) and what follows it."""
    form = encoding & 0x0F
    sizes = {0x00: (8, False), 0x02: (2, False), 0x03: (4, False), 0x04: (8, False)}
    sizes |= {0x0A: (2, True), 0x0B: (4, True), 0x0C: (8, True)}
    if form in (0x01, 0x09):
        value, after = _leb(data, at, signed=form == 0x09)
    else:
        size, signed = sizes[form]
        if at + size > len(data):
            raise IndexError("pointer cut short")
        value = int.from_bytes(data[at : at + size], "little", signed=signed)
        after = at + size
    if value and encoding & 0x70 == _PCREL:
        value += address + at
    return value & 0xFFFF_FFFF_FFFF_FFFF, after


@dataclass(frozen=True, slots=True)
class _Cie:
    pointers: int
    lsda: int  # encoding, 0xFF for none
    augmented: bool


def _cie(data: bytes, at: int, end: int) -> _Cie:
    version = data[at]
    zero = data.index(b"\0", at + 1, end)
    augmentation = data[at + 1 : zero]
    at = zero + 1
    _, at = _leb(data, at, signed=False)
    _, at = _leb(data, at, signed=True)
    if version == 1:
        at += 1
    else:
        _, at = _leb(data, at, signed=False)
    pointers, lsda = 0, 0xFF
    if augmentation.startswith(b"z"):
        _, at = _leb(data, at, signed=False)
        for letter in augmentation[1:]:
            if letter == ord("R"):
                pointers = data[at]
                at += 1
            elif letter == ord("L"):
                lsda = data[at]
                at += 1
            elif letter == ord("P"):
                _, at = _pointer(data, at + 1, data[at] & 0x7F, 0)
    return _Cie(pointers, lsda, augmentation.startswith(b"z"))


def _section(elf: Elf) -> tuple[int, bytes] | None:
    section = elf.section(".eh_frame")
    if section is not None and section.offset + section.size <= len(elf.data):
        return section.address, elf.data[section.offset : section.offset + section.size]
    header = elf.segment(0x6474E550)
    if header is None or header.file_size < 8:
        return None
    data = elf.read(header.address, header.file_size)
    try:
        start, _ = _pointer(data, 4, data[1], header.address)
    except (IndexError, KeyError):
        return None
    load = next((s for s in elf.loads if s.address <= start < s.address + s.file_size), None)
    if load is None:
        return None
    return start, elf.data[load.offset + start - load.address : load.offset + load.file_size]


def read_frames(elf: Elf) -> list[FrameEntry]:
    """Every function range that `.eh_frame` names."""
    found = _section(elf)
    if found is None:
        return []
    address, data = found
    entries: list[FrameEntry] = []
    cies: dict[int, _Cie] = {}
    at = 0
    while at + 4 <= len(data) and len(entries) < _MAX_ENTRIES:
        length = int.from_bytes(data[at : at + 4], "little")
        if length == 0 or length >= 0xFFFF_FFF0 or at + 4 + length > len(data):
            break
        body, end = at + 4, at + 4 + length
        try:
            back = int.from_bytes(data[body : body + 4], "little")
            if back == 0:
                cies[at] = _cie(data, body + 4, end)
            else:
                cie = cies.get(body - back)
                if cie is not None:
                    start, after = _pointer(data, body + 4, cie.pointers, address)
                    size, after = _pointer(data, after, cie.pointers & 0x0F, 0)
                    lsda = 0
                    if cie.augmented and cie.lsda != 0xFF:
                        _, after = _leb(data, after, signed=False)
                        lsda, _ = _pointer(data, after, cie.lsda & 0x7F, address)
                    entries.append(FrameEntry(start, start + size, lsda))
        except (IndexError, KeyError, ValueError):
            break
        at = end
    return entries
