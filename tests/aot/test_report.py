"""Does the report say what a Linux program is, and what of it is not translated, and where?"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from small_elf import BASE, TEXT, small_elf, words

from wherever.aot.report import report_elf
from wherever.cli import main
from wherever.errors import Unsupported

CODE = words(
    0xD2800BA8,  # mov x8, #93       _start
    0xD4000001,  # svc #0
    0xAA0003E8,  # mov x8, x0        computed
    0xD4000001,  # svc #0
    0x52801FE8,  # mov w8, #255      a number that no call has
    0xD4000001,  # svc #0
    0x94000002,  # bl leaf
    0x02000000,  # data
    0x04BF57E0,  # an SVE word       leaf
    0x19400400,  # cpyfp
    0x9AC01000,  # irg
    0xD65F03C0,  # ret
)
SYMBOLS = {"_start": 0, "leaf": 32}


def test_what_a_static_program_is_and_holds() -> None:
    report = report_elf(small_elf(CODE, symbols=SYMBOLS, comment="cc 1.2"))
    assert (report.machine, report.linkage, report.refused) == ("aarch64", "static", "")
    assert report.origin.compilers == ("cc 1.2",)
    assert not report.stripped
    assert report.text == len(CODE)
    assert report.data_words == 1
    assert sum(count for _, count in report.instructions) == 11
    known = report.functions
    assert known is not None
    assert (known.symbols, known.frames, known.called, known.together) == (2, 1, 1, 2)


def test_what_is_not_translated_is_named_with_its_place() -> None:
    report = report_elf(small_elf(CODE, symbols=SYMBOLS))
    places = {one.feature: [(p.address, p.function) for p in one.places] for one in report.missing}
    assert places == {
        "FEAT_MOPS": [(TEXT + 36, "leaf+0x4")],
        "FEAT_MTE": [(TEXT + 40, "leaf+0x8")],
        "FEAT_SVE": [(TEXT + 32, "leaf")],
    }


def test_system_calls_are_found_by_the_number_before_them() -> None:
    report = report_elf(small_elf(CODE, symbols=SYMBOLS))
    found = [(call.number, call.name, call.support) for call in report.system_calls]
    assert found == [(93, "exit", "full"), (255, "number 255", "none")]
    assert report.computed_calls == 1


def test_functions_of_a_stripped_program_are_told_by_its_frames() -> None:
    report = report_elf(small_elf(CODE))
    assert report.stripped
    (mops,) = (one for one in report.missing if one.feature == "FEAT_MOPS")
    assert mops.places[0].function == f"sub_{TEXT:x}+0x24"


@pytest.mark.parametrize(
    ("options", "linkage", "why"),
    [
        ({"kind": 3}, "static-PIE", ""),
        ({"kind": 3, "entry": 0}, "shared library", "a shared library"),
        (
            {"interpreter": "/lib/ld-linux-aarch64.so.1", "needed": ["libm.so.6", "libc.so.6"]},
            "dynamic",
            "its loader is '/lib/ld-linux-aarch64.so.1'",
        ),
        ({"machine": 62}, "static", "an ELF program for x86_64"),
        ({"machine": 243}, "static", "an ELF program for riscv64"),
    ],
)
def test_what_is_refused_says_why(options: dict[str, object], linkage: str, why: str) -> None:
    report = report_elf(small_elf(CODE, **options))  # type: ignore[arg-type]
    assert report.linkage == linkage
    assert why in report.refused
    assert bool(report.refused) == bool(why)
    if linkage == "dynamic":
        assert report.libraries == ("libm.so.6", "libc.so.6")
        assert report.origin.libc == "glibc, of the system it runs on"


@pytest.mark.parametrize(
    ("text", "libc", "language"),
    [
        (b"No error information\0", "musl", None),
        (
            b"GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n",
            "glibc 2.36 (Debian GLIBC 2.36-9)",
            None,
        ),
        (b"\xff Go buildinf:\0go1.21.4\0", "none: Go makes its own system calls", "Go (go1.21.4)"),
        (b"/rustc/" + b"ab" * 20 + b"/library/std", "none that is known", "Rust"),
        (b"__gxx_personality_v0\0No error information\0", "musl", "C++"),
    ],
)
def test_what_made_a_program(text: bytes, libc: str, language: str | None) -> None:
    origin = report_elf(small_elf(CODE, data=text)).origin
    assert origin.libc == libc
    assert origin.languages == (() if language is None else (language,))


def test_a_32_bit_program_is_refused() -> None:
    data = bytearray(small_elf(CODE))
    data[4] = 1
    with pytest.raises(Unsupported, match="32-bit"):
        report_elf(bytes(data))


def inspect(
    capsys: pytest.CaptureFixture[str], path: Path, content: bytes, *words: str
) -> tuple[int, str, str]:
    path.write_bytes(content)
    status = main(["inspect", *words, os.fspath(path)])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_the_page_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = small_elf(CODE, symbols={**SYMBOLS, "\x1b[31mevil": 40})
    status, out, _ = inspect(capsys, tmp_path / "program", program)
    assert status == 0
    assert "Linux program for aarch64, static" in out
    assert "FEAT_MTE: 1 not translated (SIGILL if reached" in out
    assert f"{TEXT + 36:x}  cpy  <leaf+0x4>" in out
    assert "1 whose number is computed" in out
    assert "\x1b" not in out


def test_the_page_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = inspect(capsys, tmp_path / "program", small_elf(CODE), "--json")
    found = json.loads(out)
    assert status == 0
    assert found["kind"] == "linux program"
    assert [call["name"] for call in found["system_calls"]] == ["exit", "number 255"]
    assert found["entry"] == TEXT
    assert BASE < TEXT


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [
        (b"#!/bin/sh\necho\n", 69, "/bin/sh"),
        (b"\x7fELF\x02\x01\x01", 65, "cut short"),
        (b"MZ" + bytes(600), 69, "can be inspected"),
        (b"", 69, "can be inspected"),
    ],
)
def test_other_files_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, status: int, why: str
) -> None:
    found, out, err = inspect(capsys, tmp_path / "other", content)
    assert (found, out) == (status, "")
    assert why in err


@pytest.mark.slow
def test_the_programs_here() -> None:
    busybox = Path("~/.cache/wherever-tests/aarch64/busybox").expanduser()
    if not busybox.exists():
        pytest.skip("busybox was not fetched (make oracle does)")
    report = report_elf(busybox.read_bytes())
    assert report.linkage == "static"
    assert report.origin.libc.startswith("glibc")
    assert {one.feature for one in report.missing} == {"FEAT_MOPS", "FEAT_MTE", "FEAT_SVE"}
    assert len(report.system_calls) > 100
