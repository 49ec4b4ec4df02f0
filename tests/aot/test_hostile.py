"""Do ELF files made to hurt the translator end in one clear error, or in a module, and soon?

`make hostile-elf` tries ten thousand mutated ones; here are the ones made by hand.
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Callable

import pytest
from hostile_elf import CODE, LARGE_AND_STRANGE, with_header
from small_elf import TEXT, small_elf

from wherever.aot.pipeline import translate
from wherever.aot.report import report_elf
from wherever.engine.engine import Engine
from wherever.engine.profile import Profile
from wherever.errors import InvalidProgram, Unsupported
from wherever.program.elf import read_elf

SECONDS = 5.0  # of processor time; each takes milliseconds on a quiet machine


@pytest.mark.parametrize(
    "make",
    LARGE_AND_STRANGE,
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


@pytest.mark.parametrize("end", [(0xD61F0000,), (0xF8606820, 0xD61F0000)], ids=["value", "address"])
def test_a_jump_to_what_is_doubled_again_and_again_is_translated_soon(
    end: tuple[int, ...], stub: bytes
) -> None:
    """The parts of such an expression are shared: 2**60 ways lead to its one register."""
    doubled = struct.pack(f"<{60 + len(end)}I", *[0x8B000000] * 60, *end)  # add x0, x0, x0
    began = time.process_time()
    Engine.of(Profile()).validate(translate(small_elf(doubled), stub).wasm)
    assert time.process_time() - began < SECONDS


def test_a_chain_of_blocks_against_the_addresses_is_translated_soon(stub: bytes) -> None:
    """What is found out from block to block is not looked for in all of them at each step."""
    count = 1_500
    words = [0x14000000 | 2 * count - 1]  # b to the last of so many blocks
    words += [0x1E612800, 0x17FFFFFD] * count  # fadd d0, d0, d1; b to the one before
    words[2] = 0xD65F03C0  # ret, in the first one
    began = time.process_time()
    Engine.of(Profile()).validate(
        translate(small_elf(struct.pack(f"<{len(words)}I", *words)), stub).wasm
    )
    assert time.process_time() - began < SECONDS


def test_labels_beside_as_many_computed_jumps_are_translated_soon(stub: bytes) -> None:
    """Which of them are functions is not asked once for each jump."""
    count = 5_000
    words = [0xD65F03C0] + [0xD61F0020] * count  # ret; br x1
    words += [0x10000040, 0xD65F03C0] * count + [0xD61F0020]  # adr x0, behind the ret; ret
    code = struct.pack(f"<{len(words)}I", *words)
    began = time.process_time()
    translate(small_elf(code, symbols={"labels": 4 * count + 4}), stub)
    assert time.process_time() - began < SECONDS
