"""Owns reading ELF64: header, segments, sections, symbols, relocations, notes, every bound checked.

System V gABI (chapters 4 and 5) and ELF for the Arm 64-bit Architecture. The file is hostile: each
number is checked where it is read, tables are bounded by the file, nothing is followed twice.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field
from typing import Final, NewType

from wherever.errors import InvalidProgram, Unsupported
from wherever.program.recognise import MACHINES

Address = NewType("Address", int)

PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
PT_INTERP: Final = 3
PT_NOTE: Final = 4
PT_PHDR: Final = 6
PT_TLS: Final = 7
PT_GNU_EH_FRAME: Final = 0x6474E550
PT_GNU_STACK: Final = 0x6474E551
PT_GNU_RELRO: Final = 0x6474E552
PF_X: Final = 1
PF_W: Final = 2
PF_R: Final = 4
SHT_SYMTAB: Final = 2
SHT_RELA: Final = 4
SHT_DYNSYM: Final = 11
SHF_ALLOC: Final = 2
SHF_EXECINSTR: Final = 4
STT_FUNC: Final = 2
STT_GNU_IFUNC: Final = 10
DT_NULL: Final = 0
DT_RELA: Final = 7
DT_RELASZ: Final = 8
DT_RELRSZ: Final = 35
DT_RELR: Final = 36
DT_JMPREL: Final = 23
DT_PLTRELSZ: Final = 2
DT_INIT: Final = 12
DT_FINI: Final = 13
DT_TEXTREL: Final = 22
DT_INIT_ARRAY: Final = 25
DT_FINI_ARRAY: Final = 26
DT_INIT_ARRAYSZ: Final = 27
DT_FINI_ARRAYSZ: Final = 28
DT_FLAGS: Final = 30
DF_TEXTREL: Final = 4

_TYPES: Final = {
    1: "a relocatable object",
    2: "an executable",
    3: "a shared object",
    4: "a core dump",
}
_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR: Final = struct.Struct("<IIQQQQQQ")
_SHDR: Final = struct.Struct("<IIQQQQIIQQ")
_SYM: Final = struct.Struct("<IBBHQQ")
_RELA: Final = struct.Struct("<QQq")
_DYN: Final = struct.Struct("<qQ")
_ADDRESS_LIMIT: Final = 1 << 32
MAX_MEMORY: Final = 3 << 30
_PATH_MAX: Final = 4096
_MAX_SYMBOLS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header."""

    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    align: int

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + self.memory_size


@dataclass(frozen=True, slots=True)
class Section:
    """One section header."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """One defined symbol."""

    name: str
    address: int
    size: int
    type: int
    section: int


@dataclass(frozen=True, slots=True)
class Relocation:
    """One dynamic relocation with an addend."""

    offset: int
    type: int
    symbol: int
    addend: int


@dataclass(frozen=True, slots=True)
class Elf:
    """An ELF64 little-endian executable, read."""

    data: bytes = field(repr=False)
    machine: str
    pie: bool
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    relocations: tuple[Relocation, ...]
    relative: tuple[int, ...]  # DT_RELR: addresses of words to which the base is added
    dynamic: dict[int, int]
    interpreter: str  # "" for a static program
    phdr_offset: int
    phdr_count: int

    @property
    def loads(self) -> tuple[Segment, ...]:
        """The PT_LOAD segments, lowest first."""
        return tuple(s for s in self.segments if s.type == PT_LOAD)

    @property
    def low(self) -> int:
        """The lowest address of the image."""
        return self.loads[0].address

    @property
    def high(self) -> int:
        """The first address after the image."""
        return max(s.end for s in self.loads)

    @property
    def executable_stack(self) -> bool:
        """Whether the stack is executable; where nothing says so, it is not (arm64's elf.h)."""
        stack = self.segment(PT_GNU_STACK)
        return stack is not None and bool(stack.flags & PF_X)

    @property
    def text_relocations(self) -> bool:
        """Whether its own loader writes to its text (gABI, "Dynamic Section")."""
        return DT_TEXTREL in self.dynamic or bool(self.dynamic.get(DT_FLAGS, 0) & DF_TEXTREL)

    def segment(self, kind: int) -> Segment | None:
        """The first program header of a kind."""
        return next((s for s in self.segments if s.type == kind), None)

    def section(self, name: str) -> Section | None:
        """The first section of a name."""
        return next((s for s in self.sections if s.name == name), None)

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the file's image at a link-time address; bss reads as zeros, the ends cut."""
        for s in self.loads:
            if s.address <= address < s.end:
                at = address - s.address
                size = min(size, s.memory_size - at)
                stored = self.data[s.offset + at : s.offset + min(at + size, s.file_size)]
                return stored + bytes(size - len(stored))
        return b""

    def executable_ranges(self) -> list[tuple[int, int]]:
        """Where instructions can be: executable sections, or whole segments without sections."""
        loads = [s for s in self.loads if s.flags & PF_X]
        ranges: list[tuple[int, int]] = []
        for segment in loads:
            end = segment.address + segment.file_size
            inside = sorted(
                (s.address, s.address + s.size)
                for s in self.sections
                if s.flags & SHF_EXECINSTR
                and s.flags & SHF_ALLOC
                and s.size
                and segment.address <= s.address
                and s.address + s.size <= end
            )
            ranges += inside or [(segment.address, end)]
        merged: list[tuple[int, int]] = []
        for low, high in sorted(ranges):
            if merged and low < merged[-1][1]:  # a damaged file: nothing is translated twice
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return merged


class _Reader:
    """The file, with every access checked and every complaint alike."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.names: dict[tuple[int, int], str] = {}
        # of names, in bytes: tables that point into each other's middles give far more than that
        self.left = 4 * len(data)

    def table(
        self, layout: struct.Struct, offset: int, count: int, what: str
    ) -> list[tuple[int, ...]]:
        size = layout.size * count
        if offset < 0 or count < 0 or offset + size > len(self.data):
            raise InvalidProgram(
                f"invalid ELF file: {what} ({count} entries at offset {offset:#x}) lie outside the "
                f"file of {len(self.data)} bytes; it may be truncated"
            )
        return list(layout.iter_unpack(self.data[offset : offset + size]))

    def string(self, base: int, size: int, at: int) -> str:
        known = self.names.get((base, at))
        if known is not None:
            return known
        if not 0 <= at < size or base + at >= len(self.data) or self.left < 0:
            return ""
        end = self.data.find(b"\0", base + at, base + size)
        raw = self.data[base + at : base + size if end < 0 else end]
        self.left -= len(raw)
        text = raw.decode("utf-8", "backslashreplace")
        self.names[base, at] = text
        return text


def _segments(reader: _Reader, offset: int, count: int) -> tuple[Segment, ...]:
    segments: list[Segment] = []
    for row in reader.table(_PHDR, offset, count, "the program headers"):
        kind, flags, at, address, _, file_size, memory_size, align = row
        if kind == PT_LOAD:
            if memory_size == 0:
                continue
            if at + file_size > len(reader.data):
                raise InvalidProgram(
                    f"invalid ELF file: the segment at {address:#x} needs bytes {at:#x}-"
                    f"{at + file_size:#x} of a file of {len(reader.data)}; it may be truncated"
                )
            if file_size > memory_size:
                raise InvalidProgram(
                    f"invalid ELF file: the segment at {address:#x} has more bytes in the file "
                    f"({file_size}) than in memory ({memory_size})"
                )
            if address + memory_size > _ADDRESS_LIMIT:
                raise Unsupported(
                    f"unsupported: the segment at {address:#x} lies above 4 GiB, where a 32-bit "
                    "linear memory has no addresses; link the program lower or as static-PIE"
                )
        elif at + file_size > len(reader.data):
            continue  # Linux ignores what it does not load
        segments.append(Segment(kind, flags, at, address, file_size, memory_size, align))
    loads = sorted((s for s in segments if s.type == PT_LOAD), key=lambda s: s.address)
    if not loads:
        raise InvalidProgram("invalid ELF file: it has no segment to load")
    for one, other in itertools.pairwise(loads):
        if one.end > other.address:
            raise InvalidProgram(
                f"invalid ELF file: the segments at {one.address:#x} and {other.address:#x} overlap"
            )
    if loads[-1].end - loads[0].address > MAX_MEMORY:
        raise Unsupported(
            f"unsupported: the image spans {loads[-1].end - loads[0].address} bytes, more "
            f"than the {MAX_MEMORY} a 32-bit linear memory has room for"
        )
    return (*loads, *(s for s in segments if s.type != PT_LOAD))


def _sections(reader: _Reader, offset: int, count: int, names_at: int) -> tuple[Section, ...]:
    """Section headers are optional for execution: damaged ones are as good as none."""
    if not offset or offset + _SHDR.size * count > len(reader.data):
        return ()
    rows = reader.table(_SHDR, offset, count, "the section headers")
    names = rows[names_at] if 0 <= names_at < len(rows) else None
    sections: list[Section] = []
    for name, kind, flags, address, at, size, link, _, _, entry_size in rows:
        text = "" if names is None else reader.string(names[4], names[5], name)
        sections.append(Section(text, kind, flags, address, at, size, link, entry_size))
    return tuple(sections)


def _symbols(reader: _Reader, sections: tuple[Section, ...]) -> tuple[Symbol, ...]:
    tables = [s for s in sections if s.type == SHT_SYMTAB] or [
        s for s in sections if s.type == SHT_DYNSYM
    ]
    symbols: list[Symbol] = []
    left = len(reader.data)
    for table in tables:
        count = table.size // _SYM.size
        if table.offset + table.size > len(reader.data) or count > _MAX_SYMBOLS:
            continue
        strings = sections[table.link] if table.link < len(sections) else None
        if strings is None:
            continue
        left -= table.size
        if left < 0:
            break  # the same bytes again: a file has no more symbols than it has room for
        for row in reader.table(_SYM, table.offset, count, "the symbols"):
            name, info, _, section, value, size = row
            if section != 0:
                text = reader.string(strings.offset, strings.size, name)
                symbols.append(Symbol(text, value, size, info & 15, section))
    return tuple(symbols)


def _file_offset(segments: tuple[Segment, ...], address: int) -> int:
    for s in segments:
        if s.type == PT_LOAD and s.address <= address < s.address + s.file_size:
            return s.offset + address - s.address
    return -1


def _dynamic(reader: _Reader, segments: tuple[Segment, ...]) -> dict[int, int]:
    segment = next((s for s in segments if s.type == PT_DYNAMIC), None)
    if segment is None:
        return {}
    found: dict[int, int] = {}
    rows = reader.table(_DYN, segment.offset, segment.file_size // _DYN.size, "the dynamic section")
    for tag, value in rows:
        if tag == DT_NULL:
            break
        found.setdefault(tag, value)
    return found


def _relocations(
    reader: _Reader,
    segments: tuple[Segment, ...],
    sections: tuple[Section, ...],
    dynamic: dict[int, int],
) -> tuple[Relocation, ...]:
    """From the dynamic section; a static program's IRELATIVE ones stand between symbols instead."""
    tables: list[tuple[int, int]] = [
        (_file_offset(segments, dynamic[where]), dynamic.get(size, 0))
        for where, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ))
        if where in dynamic
    ]
    if not dynamic:
        tables = [
            (s.offset, s.size)
            for s in sections
            if s.type == SHT_RELA and s.flags & SHF_ALLOC and s.size
        ]
    relocations: list[Relocation] = []
    for offset, size in tables:
        if offset < 0 or sum(size for _, size in tables) > len(reader.data):
            raise InvalidProgram("invalid ELF file: its relocations lie outside its segments")
        rows = reader.table(_RELA, offset, size // _RELA.size, "the relocations")
        relocations += [
            Relocation(at, info & 0xFFFFFFFF, info >> 32, addend) for at, info, addend in rows
        ]
    return tuple(relocations)


def _relr(
    reader: _Reader, segments: tuple[Segment, ...], dynamic: dict[int, int]
) -> tuple[int, ...]:
    """The packed relative relocations (gABI, "Relative Relocation Table")."""
    if DT_RELR not in dynamic:
        return ()
    offset = _file_offset(segments, dynamic[DT_RELR])
    words = reader.table(
        struct.Struct("<Q"), offset, dynamic.get(DT_RELRSZ, 0) // 8, "the packed relocations"
    )
    found: list[int] = []
    at = 0
    for (word,) in words:
        if word & 1 == 0:
            found.append(word)
            at = word + 8
        else:
            found += [at + 8 * i for i in range(63) if word >> (i + 1) & 1]
            at += 63 * 8
    return tuple(found)


def _loader(data: bytes, segment: Segment) -> bytes:
    """The path of the program's loader, which Linux too wants short and terminated."""
    path = data[segment.offset : segment.offset + min(segment.file_size, _PATH_MAX)]
    name, end, _ = path.partition(b"\0")
    if not end or not name:
        raise InvalidProgram("invalid ELF file: the path of its loader is empty or not terminated")
    return name


def read_elf(data: bytes) -> Elf:
    """Read an ELF64 executable, or say clearly what is wrong with it or not supported."""
    if len(data) < _HEADER.size or data[:4] != b"\x7fELF":
        raise InvalidProgram(
            "invalid ELF file: the header is missing or cut short "
            f"({len(data)} bytes, a header has {_HEADER.size})"
        )
    row = _HEADER.unpack_from(data)
    ident: bytes = row[0]
    kind, number, _, entry, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = row[
        1:
    ]
    machine = MACHINES.get(number, f"machine {number}")
    if ident[4] == 1:
        raise Unsupported(
            f"unsupported: a 32-bit ELF file ({machine}); 64-bit programs are translated"
        )
    if ident[4] != 2 or ident[5] not in (1, 2):
        raise InvalidProgram("invalid ELF file: class or byte order in the header is neither value")
    if ident[5] == 2:
        raise Unsupported(
            f"unsupported: a big-endian ELF file ({machine}); little-endian programs are translated"
        )
    if kind not in (2, 3):
        what = _TYPES.get(kind, f"ELF type {kind}")
        raise Unsupported(f"unsupported: {what}; translate a linked executable")
    if ident[7] not in (0, 3):
        raise Unsupported(
            f"unsupported: an ELF file for OS ABI {ident[7]}; Linux programs are translated"
        )
    if phnum and phentsize != _PHDR.size:
        raise InvalidProgram(f"invalid ELF file: program headers of {phentsize} bytes, not 56")
    reader = _Reader(data)
    segments = _segments(reader, phoff, phnum)
    sections = _sections(reader, shoff, shnum, shstrndx) if shentsize == _SHDR.size else ()
    dynamic = _dynamic(reader, segments)
    interp = next((s for s in segments if s.type == PT_INTERP), None)
    name = b"" if interp is None else _loader(data, interp)
    return Elf(
        data=data,
        machine=machine,
        pie=kind == 3,
        entry=entry,
        segments=segments,
        sections=sections,
        symbols=_symbols(reader, sections),
        relocations=_relocations(reader, segments, sections, dynamic),
        relative=_relr(reader, segments, dynamic),
        dynamic=dynamic,
        interpreter=name.decode("utf-8", "backslashreplace"),
        phdr_offset=phoff,
        phdr_count=phnum,
    )
