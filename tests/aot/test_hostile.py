"""Do ELF files made to hurt the translator end in one clear error, or in a module, and soon?

`make hostile-elf` tries ten thousand mutated ones; here are the ones made by hand.
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Callable

import pytest
from small_elf import TEXT, small_elf, words

from wherever.aot.pipeline import translate
from wherever.aot.report import report_elf
from wherever.engine.engine import Engine
from wherever.engine.profile import Profile
from wherever.errors import InvalidProgram, Unsupported
from wherever.program.elf import read_elf

CODE = words(0xD2800000, 0xD2800BC8, 0xD4000001)  # exit(0)
SECONDS = 5.0  # of processor time; each takes milliseconds on a quiet machine


def with_header(data: bytes, **fields: int) -> bytes:
    """The file with numbers of its ELF header changed."""
    places = {"phoff": (32, 8), "shoff": (40, 8), "phnum": (56, 2), "shnum": (60, 2)}
    out = bytearray(data)
    for name, value in fields.items():
        at, size = places[name]
        out[at : at + size] = value.to_bytes(size, "little")
    return bytes(out)


def with_sections(data: bytes, rows: list[bytes]) -> bytes:
    """The file with other section headers, at its end."""
    return with_header(data + b"".join(rows), shoff=len(data), shnum=len(rows))


def section(kind: int, flags: int, address: int, at: int, size: int, link: int, each: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", 0, kind, flags, address, at, size, link, 1, 8, each)


def many_headers() -> bytes:
    data = small_elf(CODE)
    rows = struct.pack("<IIQQQQQQ", 4, 4, 0, 0, 0, 8, 8, 4) * 65_000
    return with_header(data + data[64 : 64 + 112] + rows, phoff=len(data), phnum=65_002)


def many_overlapping_sections() -> bytes:
    data = small_elf(CODE)
    rows = [section(1, 6, TEXT - 4 * (i % 9), 0x1000, len(CODE), 0, 0) for i in range(60_000)]
    return with_sections(data, rows)


def many_symbols() -> bytes:
    data = small_elf(CODE)
    symbols = b"".join(
        struct.pack("<IBBHQQ", 1, 0x12, 0, 1, TEXT + 4 * (i % 3), 4) for i in range(100_000)
    )
    names = b"\0" + b"n" * 50_000 + b"\0"
    at = len(data)
    rows = [
        section(0, 0, 0, 0, 0, 0, 0),
        section(1, 6, TEXT, 0x1000, len(CODE), 0, 0),
        section(2, 0, 0, at, len(symbols), 3, 24),
        section(3, 0, 0, at + len(symbols), len(names), 0, 0),
    ]
    return with_sections(data + symbols + names, rows)


def tables_that_are_the_same_bytes() -> bytes:
    """A symbol table a section, a thousand times over the same symbols."""
    data = small_elf(CODE)
    symbols = b"".join(struct.pack("<IBBHQQ", 0, 0x12, 0, 1, TEXT, 4) for _ in range(2000))
    rows = [section(2, 0, 0, len(data), len(symbols), 0, 24) for _ in range(1000)]
    return with_sections(data + symbols, rows)


def much_memory() -> bytes:
    return small_elf(CODE, bss=0x7000_0000)


def text_in_the_bss() -> bytes:
    data = bytearray(small_elf(CODE))
    data[64 + 40 : 64 + 48] = struct.pack("<Q", 0x1_F000)  # memory of the text's segment
    return bytes(data)


def a_branch_to_everywhere() -> bytes:
    """Every word a branch to another word: as many blocks as words, no way to structure them."""
    count = 3000
    code = [0xD2800000]
    for i in range(1, count):
        target = (i * 7919) % count
        code.append(0x54000000 | (target - i & 0x7FFFF) << 5)
    return small_elf(words(*code))


def calls_in_a_long_chain() -> bytes:
    """A chain of functions each of which calls the next: what recursion would fall over."""
    code: list[int] = []
    for _ in range(1500):
        code += [0x94000002, 0xD65F03C0]  # bl the one after the return
    return small_elf(words(*code, 0xD65F03C0))


def calls_in_a_long_chain_back() -> bytes:
    """The same from the end to the start: what one pass in order of addresses does not settle."""
    code = [0xD280_0001, 0xD65F03C0]
    for i in range(1, 1500):
        code += [0xD280_0000 | (i % 28), 0x97FF_FFFD, 0xD65F03C0] if i > 1 else [0x97FF_FFFE] * 3
    return small_elf(words(*code))


def branches_in_a_long_row() -> bytes:
    """Thousands of blocks each of which dominates all that follow."""
    return small_elf(words(*[0xB4000040, 0x8B010000] * 4000, *_words(CODE)))


def loops_in_loops() -> bytes:
    """Hundreds of loops, each around the next."""
    count = 400
    back = [0xB5000000 | (-(2 * i + 1) & 0x7FFFF) << 5 for i in range(count)]
    return small_elf(words(*[0xD503201F] * count, *(w for b in back for w in (b,)), *_words(CODE)))


def values_in_a_long_chain() -> bytes:
    """One block in which each value is computed from the one before."""
    return small_elf(words(*[0x9341F800, 0xCA020000] * 15_000, *_words(CODE)))


def _words(code: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(code) // 4}I", code)


@pytest.mark.parametrize(
    "make",
    [
        many_headers,
        many_overlapping_sections,
        many_symbols,
        tables_that_are_the_same_bytes,
        much_memory,
        text_in_the_bss,
        a_branch_to_everywhere,
        calls_in_a_long_chain,
        calls_in_a_long_chain_back,
        branches_in_a_long_row,
        loops_in_loops,
        values_in_a_long_chain,
    ],
)
def test_large_and_strange_files_are_translated_soon(
    make: Callable[[], bytes], stub: bytes
) -> None:
    data = make()
    began = time.process_time()
    report_elf(data).to_json()
    wasm = translate(data, stub).wasm
    assert time.process_time() - began < SECONDS
    Engine.of(Profile()).validate(wasm)
    assert len(wasm) < 40 * len(data) + len(stub) + (1 << 20)
    # what else runs in this process keeps its own bound
    assert sys.getrecursionlimit() < 10_000


def test_symbols_outside_the_text_are_left_out(stub: bytes) -> None:
    far = {"far": (1 << 40) - TEXT, "high": (1 << 64) - 4 - TEXT, "near": 0}
    assert translate(small_elf(CODE, symbols=far), stub).wasm


def test_a_loader_without_a_path_is_refused(stub: bytes) -> None:
    data = bytearray(small_elf(CODE, interpreter="/lib/ld.so"))
    data[64 + 56 * 3 + 8 : 64 + 56 * 3 + 16] = struct.pack("<Q", len(data) - 4)
    data[64 + 56 * 3 + 32 : 64 + 56 * 3 + 40] = struct.pack("<Q", 4)
    data[-4:] = b"\x1b[2J"
    with pytest.raises(InvalidProgram, match="empty or not terminated"):
        translate(bytes(data), stub)


def beyond(memory: int) -> bytes:
    data = bytearray(small_elf(CODE))
    data[64 + 56 + 40 : 64 + 56 + 48] = struct.pack("<Q", memory)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "error", "why"),
    [
        (small_elf(CODE, entry=TEXT + 2), InvalidProgram, "entry point 0x401002 lies outside"),
        (small_elf(CODE, entry=0x7000), InvalidProgram, "entry point 0x7000 lies outside"),
        (small_elf(CODE, entry=0x42_0000), InvalidProgram, "entry point 0x420000 lies outside"),
        (beyond(1 << 40), Unsupported, "above 4 GiB"),
        (beyond(0xD000_0000), Unsupported, "a 32-bit linear memory has room for"),
        (beyond(16), InvalidProgram, "more bytes in the file"),
        (with_header(small_elf(CODE), phnum=0), InvalidProgram, "no segment to load"),
        (with_header(small_elf(CODE), phoff=1 << 63), InvalidProgram, "program headers"),
        (small_elf(CODE, interpreter="/lib/ld.so"), Unsupported, "dynamically linked"),
        (small_elf(CODE, machine=62), Unsupported, "x86_64"),
        (small_elf(CODE, kind=1), Unsupported, "a relocatable object"),
        (small_elf(CODE, kind=4), Unsupported, "a core dump"),
        (small_elf(CODE, kind=3, entry=0), Unsupported, "a shared library"),
    ],
)
def test_what_cannot_be_translated_is_refused_in_one_line(
    data: bytes, error: type[Exception], why: str, stub: bytes
) -> None:
    with pytest.raises(error) as refused:
        translate(data, stub)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_program_moved_down_says_its_bias_as_linux_does(stub: bytes) -> None:
    """A static-PIE linked above where it is placed has a bias below zero, which wraps."""
    assert read_elf(small_elf(CODE, kind=3)).pie
    assert translate(small_elf(CODE, kind=3), stub).wasm
