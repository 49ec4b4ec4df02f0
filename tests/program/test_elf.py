"""Does the ELF reader read what is right and refuse, in one clear error, what is not?"""

from __future__ import annotations

import contextlib
import random
import struct

import pytest

from wherever.errors import InvalidProgram, Unsupported, WhereverError
from wherever.program.eh_frame import read_frames
from wherever.program.elf import PT_LOAD, read_elf
from wherever.program.recognise import Format, recognise


def make_elf(
    code: bytes = b"\0" * 64, *, machine: int = 183, kind: int = 2, base: int = 0x400000
) -> bytes:
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01" + bytes(9),
        kind,
        machine,
        1,
        base + 120,
        64,
        0,
        0,
        64,
        56,
        1,
        64,
        0,
        0,
    )
    size = 120 + len(code)
    segment = struct.pack("<IIQQQQQQ", PT_LOAD, 5, 0, base, base, size, size + 32, 0x1000)
    return header + segment + code


def test_a_minimal_program() -> None:
    elf = read_elf(make_elf(b"\x20\0\0\xd4"))
    assert elf.machine == "aarch64"
    assert elf.entry == 0x400078
    assert elf.read(0x400078, 4) == b"\x20\0\0\xd4"
    assert elf.read(0x40007C, 8) == bytes(8)
    assert elf.read(0x300000, 4) == b""
    assert elf.executable_ranges() == [(0x400000, 0x40007C)]
    assert read_frames(elf) == []


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (lambda d: d[:40], InvalidProgram, "cut short"),
        (lambda d: d[:100], InvalidProgram, "program headers"),
        (lambda d: d[:150], InvalidProgram, "truncated"),
        (lambda d: d[:4] + b"\x01" + d[5:], Unsupported, "32-bit"),
        (lambda d: d[:5] + b"\x02" + d[6:], Unsupported, "big-endian"),
        (lambda d: d[:16] + b"\x01\0" + d[18:], Unsupported, "relocatable"),
        (lambda d: d[:80] + struct.pack("<Q", 1 << 40) + d[88:], Unsupported, "above 4 GiB"),
    ],
)
def test_refusals_name_what_it_is(damage: object, error: type[Exception], says: str) -> None:
    assert callable(damage)
    with pytest.raises(error, match=says):
        read_elf(damage(make_elf()))


def test_mutated_files_give_one_error_or_a_program() -> None:
    rng = random.Random(4)
    original = make_elf(bytes(200))
    for _ in range(3000):
        data = bytearray(original)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
        cut = bytes(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)
        with contextlib.suppress(WhereverError):
            read_frames(read_elf(cut))


@pytest.mark.parametrize(
    ("head", "what", "detail"),
    [
        (b"\0asm\x01\0\0\0", Format.WASM_MODULE, ""),
        (b"\0asm\x0d\0\x01\0", Format.WASM_COMPONENT, ""),
        (make_elf(), Format.ELF, "aarch64"),
        (make_elf(machine=62), Format.ELF, "x86_64"),
        (b"#!/bin/sh -e\necho", Format.SCRIPT, "/bin/sh -e"),
        (b"\x1f\x8b\x08", Format.GZIP, ""),
        (b"  (module)", Format.WAT, ""),
        (b"MZ\x90", Format.PE, ""),
        (bytes(257) + b"ustar\x0000", Format.TAR, ""),
        (b'{"schemaVersion": 2}', Format.OCI_JSON, ""),
        (b"", Format.EMPTY, ""),
        (b"hello", Format.UNKNOWN, ""),
    ],
)
def test_recognise(head: bytes, what: Format, detail: str) -> None:
    found = recognise(head)
    assert (found.format, found.detail) == (what, detail)
