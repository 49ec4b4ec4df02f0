"""Are the tables right: numbers and layouts against the real headers, generated pages current?"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import ziglang

from wherever.linux.build import TARGETS, build, is_current
from wherever.linux.call import RESULTS, TYPES, Call, Support
from wherever.linux.calls import CALLS
from wherever.linux.generate import compatibility_page
from wherever.linux.module import personality
from wherever.linux.structs import STRUCTS, layout

HEADERS = Path(str(ziglang.__file__)).parent / "lib/libc/include"
ROOT = Path(__file__).parents[2]


def kernel_numbers(name: str) -> dict[str, int]:
    text = (HEADERS / name / "asm/unistd_64.h").read_text()
    found = re.findall(r"^#define __NR_(\w+)\s+(\d+)\s*$", text, re.MULTILINE)
    return {call: int(number) for call, number in found}


def test_generic_numbers_are_the_kernels() -> None:
    ours = {call.name: call.generic for call in CALLS if call.generic is not None}
    assert ours == kernel_numbers("aarch64-linux-any")


def test_x86_64_numbers_are_the_kernels() -> None:
    theirs = kernel_numbers("x86-linux-any")
    assert {call.name: call.x86_64 for call in CALLS if call.x86_64 is not None}.items() <= (
        theirs.items()
    )


def test_names_are_unique() -> None:
    assert max(Counter(call.name for call in CALLS).values()) == 1


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_an_entry_is_well_formed(call: Call) -> None:
    assert len(call.arguments) <= 6
    assert call.result in RESULTS
    for argument in call.arguments:
        assert argument.direction in {None, "in", "out", "inout"}
        assert argument.direction is not None or argument.type in TYPES
    if call.support is Support.PARTIAL:
        assert call.note, "a partial call says what is missing"


def test_the_compatibility_page_is_current() -> None:
    assert (ROOT / "docs/linux-compatibility.md").read_text() == compatibility_page()


def test_the_build_is_reproducible(tmp_path: Path) -> None:
    assert is_current()
    build(tmp_path)
    for target in TARGETS:
        assert (tmp_path / f"{target}.wasm").read_bytes() == personality(target)


def test_layouts_are_those_of_the_real_headers(tmp_path: Path) -> None:
    checked = [s for s in STRUCTS if s.c_name is not None]
    skipped = {"pad", "pad0", "pad1", "unused", "reserved", "rest", "spare", "f_spare", "fsid"}
    renamed = {"magic": "head.magic", "size": "head.size"}
    for index, struct in enumerate(checked):
        lines = ["#define _GNU_SOURCE", "#include <stddef.h>"]
        header = struct.header
        lines.extend(f"#include <{name}>" for name in header.split())
        lines.append(f'_Static_assert(sizeof({struct.c_name}) == {struct.size}, "size");')
        for name, offset in layout(struct).items():
            if name in skipped or name.startswith("__") or struct.name in {"siginfo", "sigevent"}:
                continue
            if struct.name == "epoll_event" and name == "pad0":
                continue
            member = renamed.get(name, name) if struct.name == "fpsimd_context" else name
            lines.append(
                f'_Static_assert(offsetof({struct.c_name}, {member}) == {offset}, "{member}");'
            )
        (tmp_path / f"s{index}_{struct.name}.c").write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-c"]
    units = [path.name for path in tmp_path.glob("*.c")]
    done = subprocess.run(
        [*command, *units], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
