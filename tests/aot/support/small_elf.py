"""Small ELF programs for A64, byte by byte: every part that a reader can stumble over is there."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

__all__ = ["BASE", "TEXT", "small_elf", "words"]

BASE = 0x40_0000
TEXT = BASE + 0x1000  # where the code lies
_DATA = BASE + 0x2_0000


def words(*code: int) -> bytes:
    """Instructions as bytes."""
    return struct.pack(f"<{len(code)}I", *code)


class _Strings:
    def __init__(self) -> None:
        self.data = bytearray(b"\0")

    def add(self, text: str) -> int:
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def _frames(start: int, size: int, at: int) -> bytes:
    """An .eh_frame with one CIE and one FDE for `size` bytes from `start`; it lies at `at`."""
    cie = struct.pack("<I4s", 0, b"\x01zR\0") + bytes((4, 0x7C, 30, 1, 0x1B, 0, 0, 0))
    cie += bytes(-len(cie) % 4)
    first = struct.pack("<I", len(cie)) + cie
    begin = start - (at + len(first) + 8) & 0xFFFF_FFFF
    fde = struct.pack("<III", len(first) + 4, begin, size) + bytes(4)
    return first + struct.pack("<I", len(fde)) + fde + bytes(4)


def small_elf(
    code: bytes,
    *,
    data: bytes = b"",
    symbols: Mapping[str, int] | None = None,
    machine: int = 183,
    kind: int = 2,
    interpreter: str = "",
    needed: Sequence[str] = (),
    comment: str = "",
    entry: int = TEXT,
    bss: int = 0x100,
) -> bytes:
    """A program whose text is `code`, with sections and frames; `symbols` are offsets into it."""
    names, strings = _Strings(), _Strings()
    out = bytearray(0x1000)
    out += code
    out += bytes(-len(out) % 16)
    frames_at = len(out)
    out += _frames(TEXT, len(code), BASE + frames_at)
    text_end = len(out)
    out += bytes(-len(out) % 0x1000)
    data_at = len(out)
    dynamic = b""
    libraries = _Strings()
    if needed or interpreter:
        rows = [(1, libraries.add(name)) for name in needed]
        rows += [(5, _DATA + 0x400), (10, len(libraries.data)), (0, 0)]
        dynamic = b"".join(struct.pack("<QQ", *row) for row in rows)
    contents = bytearray(0x1000)
    contents[0 : len(data)] = data
    contents[0x200 : 0x200 + len(dynamic)] = dynamic
    contents[0x400 : 0x400 + len(libraries.data)] = libraries.data
    contents[0x600 : 0x600 + len(interpreter) + 1] = interpreter.encode() + b"\0"
    out += contents
    table = bytearray(24)
    for name, offset in (symbols or {}).items():
        table += struct.pack("<IBBHQQ", strings.add(name), 0x12, 0, 1, TEXT + offset, 4)
    section = struct.Struct("<IIQQQQIIQQ")
    sections = [section.pack(*(0,) * 10)]

    def add(
        name: str, type_: int, flags: int, address: int, at: int, size: int, *rest: int
    ) -> None:
        link, info, align, each = (*rest, *(0, 0, 8, 0)[len(rest) :])
        sections.append(
            section.pack(names.add(name), type_, flags, address, at, size, link, info, align, each)
        )

    add(".text", 1, 6, TEXT, 0x1000, len(code))
    add(".eh_frame", 1, 2, BASE + frames_at, frames_at, text_end - frames_at)
    add(".data", 1, 3, _DATA, data_at, 0x1000)
    if symbols is not None:
        at = len(out)
        out += table
        add(".symtab", 2, 0, 0, at, len(table), len(sections) + 1, 1, 8, 24)
        at = len(out)
        out += strings.data
        add(".strtab", 3, 0, 0, at, len(strings.data))
    if comment:
        at = len(out)
        out += comment.encode() + b"\0"
        add(".comment", 1, 0x30, 0, at, len(comment) + 1)
    last = names.add(".shstrtab")
    at = len(out)
    out += names.data
    sections.append(section.pack(last, 3, 0, 0, at, len(names.data), 0, 0, 1, 0))
    out += bytes(-len(out) % 8)
    sections_at = len(out)
    out += b"".join(sections)
    header = struct.Struct("<IIQQQQQQ")
    segments = [
        header.pack(1, 5, 0, BASE, BASE, text_end, text_end, 0x1000),
        header.pack(1, 6, data_at, _DATA, _DATA, 0x1000, 0x1000 + bss, 0x1000),
    ]
    if dynamic:
        at = data_at + 0x200
        segments.append(header.pack(2, 6, at, _DATA + 0x200, 0, len(dynamic), len(dynamic), 8))
    if interpreter:
        at, size = data_at + 0x600, len(interpreter) + 1
        segments.append(header.pack(3, 4, at, _DATA + 0x600, 0, size, size, 1))
    out[0:64] = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01" + bytes(9),
        *(kind, machine, 1, entry, 64, sections_at, 0, 64, 56, len(segments), 64),
        *(len(sections), len(sections) - 1),
    )
    out[64 : 64 + 56 * len(segments)] = b"".join(segments)
    return bytes(out)
