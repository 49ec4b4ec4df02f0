"""Does an instruction's address lead to its line, whatever the tables hold?"""

from __future__ import annotations

import random

import pytest

from wherever.errors import GuestTrap
from wherever.wasm import lines
from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.emit import END, function_body
from wherever.wasm.leb128 import unsigned
from wherever.wasm.lines import LineTable, SourceLine, code_start
from wherever.wasm.module import Module
from wherever.wasm.reader import read_module
from wherever.wasm.types import ExternKind, FuncType

UNREACHABLE = b"\x00"


def u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def unit(version: int, files: bytes, program: bytes, strings: int = 0) -> bytes:
    """A unit of .debug_line: line_base -5, line_range 14, opcode_base 13, as clang has them."""
    assert strings == 0
    fixed = b"\x01" + (b"\x01" if version >= 4 else b"") + b"\x01\xfb\x0e\x0d"
    header = fixed + bytes((0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1)) + files
    sizes = b"\x04\x00" if version >= 5 else b""
    body = u16(version) + sizes + u32(len(header)) + header + program
    return u32(len(body)) + body


OLD_FILES = b"src\0\0" + b"main.c\0\1\0\0" + b"/usr/lib.h\0\0\0\0" + b"\0"
# Version 5: directories by string, files by string and directory.
NEW_FILES = (
    b"\x01\x01\x08\x02/home\0src\0" + b"\x02\x01\x08\x02\x0b\x03main.c\0\1main.c\0\1lib.h\0\0"
)


def sequence(address: int, rows: list[tuple[int, int, int]], length: int) -> bytes:
    """Rows of (offset from the last, line from the last, column); the end after `length` more."""
    out = b"\x00\x05\x02" + u32(address)
    for offset, line, column in rows:
        signed = line & 0x7F if -64 <= line < 64 else 0
        out += b"\x05" + unsigned(column) + b"\x02" + unsigned(offset) + b"\x03" + bytes((signed,))
        out += b"\x01"
    return out + b"\x02" + unsigned(length) + b"\x00\x01\x01"


def module(debug_line: bytes) -> Module:
    builder = ModuleBuilder()
    function = builder.declare_function(FuncType((), ()), name="boom")
    builder.define(function, function_body([], UNREACHABLE + UNREACHABLE + END))
    builder.export("boom", ExternKind.FUNC, function)
    builder.custom(".debug_line", debug_line)
    return read_module(builder.build())


ROWS = [(0, 9, 3), (2, 1, 7), (3, -4, 0)]


@pytest.mark.parametrize(
    ("version", "files", "name"),
    [(2, OLD_FILES, "src/main.c"), (4, OLD_FILES, "src/main.c"), (5, NEW_FILES, "src/main.c")],
)
def test_an_address_has_the_row_before_it(version: int, files: bytes, name: str) -> None:
    other = unit(version, files, sequence(0x100, [(0, 1, 1)], 4))
    table = LineTable(module(other + unit(version, files, sequence(0x20, ROWS, 5))))
    assert table.find(0x20) == table.find(0x21) == SourceLine(name, 10, 3)
    assert str(table.find(0x22)) == f"{name}:11:7"
    assert str(table.find(0x29)) == f"{name}:7"
    assert table.find(0x2A) is None
    assert table.find(0x1F) is None
    assert str(table.find(0x103)) == f"{name}:2:1"


def test_special_opcodes_and_files() -> None:
    # Special opcode 13 + (2 - -5) + 14 * 1: address + 1, line + 2; then file 2, const_add_pc (17).
    program = (
        b"\x00\x05\x02" + u32(8) + b"\x01" + bytes((13 + 7 + 14,)) + b"\x04\x02\x08\x01"
        + b"\x09" + u16(4) + b"\x0c\x05" + b"\x00\x01\x01"
    )  # fmt: skip
    table = LineTable(module(unit(4, OLD_FILES, program)))
    assert str(table.find(8)) == "src/main.c:1"
    assert str(table.find(9)) == str(table.find(25)) == "src/main.c:3"
    assert str(table.find(26)) == str(table.find(29)) == "/usr/lib.h:3"
    assert table.find(30) is None


def test_a_module_without_tables_has_no_lines() -> None:
    assert LineTable(module(b"")).find(8) is None


def test_damaged_tables_are_no_lines() -> None:
    good = unit(4, OLD_FILES, sequence(0x20, ROWS, 5)) + unit(5, NEW_FILES, sequence(9, ROWS, 5))
    rng = random.Random(7)
    for _ in range(1500):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.choice(
                (0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))
            )
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        table = LineTable(module(bytes(data)))
        for address in (0x20, 9, 12):
            found = table.find(address)
            assert found is None or isinstance(found, SourceLine)


def test_a_table_made_to_take_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_MOST_STEPS", 1000)
    late = b"\x02\x00" * 1001 + b"\x01\x02\x09\x00\x01\x01"
    long = unit(4, OLD_FILES, b"\x00\x05\x02" + u32(9) + late)
    many = b"".join([u32(2) + b"\0\0"] * 1001) + unit(4, OLD_FILES, sequence(9, ROWS, 5))
    for data in (long, many):
        assert LineTable(module(data)).find(9) is None
    monkeypatch.setattr(lines, "_MOST_STEPS", 3000)
    for data in (long, many):
        table = LineTable(module(data))
        found = [table.find(9) for _ in range(4)]
        assert found[0] is not None
        assert found[-1] is None  # the steps are of all looks together
        table.refill()
        assert table.find(9) == found[0]


def test_a_trap_names_the_line() -> None:
    from wherever.engine.engine import Engine
    from wherever.engine.frames import Frame
    from wherever.engine.profile import Profile
    from wherever.engine.store import Store

    plain = module(b"")
    body = plain.code[0]
    rows = unit(4, OLD_FILES, sequence(body.code_start() - code_start(plain), [(0, 41, 5)], 2))
    engine = Engine.of(Profile())
    with Store(engine) as store:
        boom = store.instantiate(engine.compile(module(rows).source)).func("boom").call
        with pytest.raises(GuestTrap) as caught:
            boom()
        assert "at boom (module+" in str(caught.value)
        assert "at src/main.c:42:5" in str(caught.value)
        (frame,) = caught.value.frames
        assert isinstance(frame, Frame)
        assert (frame.function, frame.function_index) == ("boom", 0)
        assert frame.where == "src/main.c:42:5"
