r"""Owns where an instruction came from: file, line and column, from a module's DWARF (.debug_line).

An address of WebAssembly's DWARF counts from the beginning of the code section's contents. Only the
line table is read (DWARF 5, section 6.2; versions 2 to 5), so functions that were inlined are not
told apart from what they were inlined into.

The bytes are the guest's. Everything is bounded: a module whose tables are malformed, or larger
than a look at them may take, has no lines.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from wherever.wasm.cursor import Cursor, Malformed
from wherever.wasm.module import Module, SectionId

__all__ = ["LineTable", "SourceLine", "code_start"]

_MOST_FILES: Final = 20_000
_MOST_STEPS: Final = 2_000_000
"""Until the next `refill`, in units stepped over and operations: about two seconds."""
_MOST_BYTES: Final = 64 << 20
_MOST_STARTS: Final = 500_000
_MOST_SEQUENCES: Final = 8
"""Looked at for one address: bytes that look like the beginning of one may be none."""

# DW_LNE_set_address with four bytes: where a sequence of instructions begins.
_SET_ADDRESS: Final = re.compile(rb"\x00\x05\x02([\x00-\xff]{4})")


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A place in the source; a line or column of 0 is not known."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        known = [self.file]
        known += [str(number) for number in (self.line, self.column) if number]
        return ":".join(known)


@dataclass(frozen=True, slots=True)
class _Unit:
    """One line number program: its header's fields that the program needs."""

    start: int
    end: int
    program: int
    version: int
    step: int
    line_base: int
    line_range: int
    opcode_base: int
    operands: tuple[int, ...]
    directories: tuple[str, ...]
    files: tuple[tuple[str, int], ...]


class LineTable:
    """The lines of one module, looked up one address at a time."""

    __slots__ = ("_data", "_left", "_line_strings", "_starts", "_strings", "_units")

    def __init__(self, module: Module) -> None:
        self._data = _custom(module, ".debug_line")
        self._strings = _custom(module, ".debug_str")
        self._line_strings = _custom(module, ".debug_line_str")
        self._units: dict[int, _Unit | None] = {}
        self._left = _MOST_STEPS
        # Address and place of every sequence, in one number each, by address.
        self._starts = sorted(
            int.from_bytes(match[1], "little") << 32 | match.start()
            for match in islice(_SET_ADDRESS.finditer(self._data), _MOST_STARTS)
        )

    def refill(self) -> None:
        """Allow as many steps again as at first: the next looks are for someone else."""
        self._left = _MOST_STEPS

    def find(self, address: int) -> SourceLine | None:
        """Where the instruction at an address of the code section came from, if it is known."""
        end = bisect(self._starts, address << 32 | 0xFFFFFFFF)
        for start in reversed(self._starts[max(0, end - _MOST_SEQUENCES) : end]):
            unit = self._unit_at(start & 0xFFFFFFFF)
            if unit is None:
                continue
            try:
                found = self._run(unit, address)
            except (Malformed, IndexError):
                continue
            if found is not None:
                return found
        return None

    def _unit_at(self, at: int) -> _Unit | None:
        """The unit that a byte of the section is in."""
        data = self._data
        start = 0
        while start + 4 <= len(data) and self._left > 0:
            self._left -= 1
            length = int.from_bytes(data[start : start + 4], "little")
            end = start + 4 + length
            if length >= 0xFFFFFFF0 or end > len(data):  # 64-bit DWARF, of which Wasm has none
                return None
            if at < end:
                if start not in self._units:
                    self._units[start] = self._unit(start, end)
                return self._units[start]
            start = end
        return None

    def _unit(self, start: int, end: int) -> _Unit | None:
        cursor = Cursor(self._data, start + 4, end, what=".debug_line")
        try:
            return self._header(cursor, start, end)
        except (Malformed, IndexError):
            return None

    def _header(self, cursor: Cursor, start: int, end: int) -> _Unit | None:
        version = _u16(cursor)
        if not 2 <= version <= 5:
            return None
        if version >= 5:
            cursor.skip(2)  # address and segment selector sizes
        length = _u32(cursor)
        program = cursor.pos + length
        step = cursor.u8()
        if version >= 4:
            cursor.skip(1)  # operations an instruction: 1, but for VLIW machines
        cursor.skip(1)  # whether rows are statements at first
        line_base = cursor.u8()
        line_range = cursor.u8()
        opcode_base = cursor.u8()
        if not line_range or not opcode_base or program > end:
            return None
        operands = tuple(cursor.take(opcode_base - 1))
        if version >= 5:
            directories = tuple(name for name, _ in self._entries(cursor))
            files = tuple(self._entries(cursor))
        else:
            directories = ("", *_names(cursor))
            files = (("", 0), *_old_files(cursor))
        return _Unit(
            start,
            end,
            program,
            version,
            step,
            line_base - 256 if line_base > 127 else line_base,
            line_range,
            opcode_base,
            operands,
            directories,
            files,
        )

    def _entries(self, cursor: Cursor) -> Iterator[tuple[str, int]]:
        """A list of directories or files of version 5 (6.2.4.1): name, and directory's index."""
        forms = [(cursor.u32(), cursor.u32()) for _ in range(cursor.u8())]
        count = cursor.u32()
        if count > _MOST_FILES:
            raise cursor.error("too many files")
        for _ in range(count):
            name, directory = "", 0
            for content, form in forms:
                value = self._value(cursor, form)
                if content == 1:  # DW_LNCT_path
                    name = str(value)
                elif content == 2 and isinstance(value, int):  # DW_LNCT_directory_index
                    directory = value
            yield name, directory

    def _value(self, cursor: Cursor, form: int) -> str | int:
        match form:
            case 0x08:  # DW_FORM_string
                return _string(cursor)
            case 0x1F:  # DW_FORM_line_strp
                return _text(self._line_strings, _u32(cursor))
            case 0x0E:  # DW_FORM_strp
                return _text(self._strings, _u32(cursor))
            case 0x0B:  # DW_FORM_data1
                return cursor.u8()
            case 0x05:  # DW_FORM_data2
                return _u16(cursor)
            case 0x06:  # DW_FORM_data4
                return _u32(cursor)
            case 0x0F:  # DW_FORM_udata
                return cursor.u64()
            case 0x1E:  # DW_FORM_data16: a digest
                cursor.skip(16)
                return 0
            case _:
                raise cursor.error(f"form {form:#x}")

    def _run(self, unit: _Unit, wanted: int) -> SourceLine | None:
        """The row of the program that covers the address (6.2.5)."""
        cursor = Cursor(self._data, unit.program, unit.end, what=".debug_line")
        address, file, line, column = 0, 1, 1, 0
        row: tuple[int, int, int, int] | None = None  # the row before, of the same sequence
        while self._left > 0 and not cursor.at_end():
            self._left -= 1
            opcode = cursor.u8()
            emits = ends = False
            if opcode >= unit.opcode_base:
                adjusted = opcode - unit.opcode_base
                address += adjusted // unit.line_range * unit.step
                line += unit.line_base + adjusted % unit.line_range
                emits = True
            else:
                match opcode:
                    case 0:
                        extended = cursor.sub(cursor.u32())
                        match extended.u8() if extended.left else 0:
                            case 1:  # DW_LNE_end_sequence
                                emits = ends = True
                            case 2:  # DW_LNE_set_address
                                address = int.from_bytes(extended.take(extended.left), "little")
                            case _:
                                pass
                    case 1:  # DW_LNS_copy
                        emits = True
                    case 2:  # DW_LNS_advance_pc
                        address += cursor.u64() * unit.step
                    case 3:  # DW_LNS_advance_line
                        line += cursor.s64()
                    case 4:  # DW_LNS_set_file
                        file = cursor.u64()
                    case 5:  # DW_LNS_set_column
                        column = cursor.u64()
                    case 8:  # DW_LNS_const_add_pc
                        address += (255 - unit.opcode_base) // unit.line_range * unit.step
                    case 9:  # DW_LNS_fixed_advance_pc
                        address += _u16(cursor)
                    case _:  # whatever it is, the header says how many operands it has
                        for _ in range(unit.operands[opcode - 1]):
                            cursor.u64()
            if not emits:
                continue
            if row is not None and row[0] <= wanted < address:
                return self._line(unit, *row[1:])
            row = (address, file, line, column)
            if ends:
                address, file, line, column = 0, 1, 1, 0
                row = None
        return None

    def _line(self, unit: _Unit, file: int, line: int, column: int) -> SourceLine | None:
        if not 0 <= file < len(unit.files):
            return None
        name, directory = unit.files[file]
        if name and not name.startswith("/") and 0 < directory < len(unit.directories):
            name = f"{unit.directories[directory]}/{name}"
        return SourceLine(name, max(0, line), column) if name else None


def code_start(module: Module) -> int:
    """What addresses of DWARF count from: the beginning of the code section's contents."""
    section = module.section(SectionId.CODE)
    return section.payload if section is not None else 0


def _custom(module: Module, name: str) -> bytes:
    custom = module.custom(name)
    if custom is None or len(custom.payload) > _MOST_BYTES:
        return b""
    return bytes(custom.payload)


def _u16(cursor: Cursor) -> int:
    return int.from_bytes(cursor.take(2), "little")


def _u32(cursor: Cursor) -> int:
    """Four bytes; a cursor's own `u32` is LEB128."""
    return int.from_bytes(cursor.take(4), "little")


def _string(cursor: Cursor) -> str:
    end = cursor.data.find(b"\0", cursor.pos, cursor.end)
    if end < 0:
        raise cursor.error("a string without an end")
    text = cursor.take(end - cursor.pos)
    cursor.skip(1)
    return text.decode("utf-8", "replace")


def _text(strings: bytes, at: int) -> str:
    end = strings.find(b"\0", at)
    return strings[at:end].decode("utf-8", "replace") if 0 <= at < end else ""


def _names(cursor: Cursor) -> Iterator[str]:
    """Directories of versions 2 to 4: strings up to an empty one."""
    for _ in range(_MOST_FILES):
        name = _string(cursor)
        if not name:
            return
        yield name


def _old_files(cursor: Cursor) -> Iterator[tuple[str, int]]:
    for _ in range(_MOST_FILES):
        name = _string(cursor)
        if not name:
            return
        directory = cursor.u64()
        cursor.u64()  # the time of its last change
        cursor.u64()  # its size
        yield name, directory
