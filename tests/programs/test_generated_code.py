"""Is code written at run time carried out where its form is known, and refused elsewhere?"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import linux_guests
import pytest

SOURCES = Path(__file__).parent / "linux"
REASON = linux_guests.missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
]
JIT = "code that a program writes at run time (a just-in-time compiler, a packed program)"
REFUSED = {
    "page": "memory of the program's own, where nothing was translated; " + JIT,
    "closed": "memory of the program's own, where nothing was translated; " + JIT,
    "patch": "it changed its own code at 0x",
    "protect": "it changed its own code at 0x",
    "over": "it changed its own code at 0x",
    "middle": "the program jumped to where wherever knew of no target of jumps: unsupported",
}


@pytest.fixture(scope="module")
def program() -> Path:
    return linux_guests.compiled(
        [SOURCES / "generated.c"], *linux_guests.MUSL, "-O1", "-fno-sanitize=undefined"
    )


def test_trampolines_run_as_under_qemu(program: Path) -> None:
    expected = linux_guests.under_qemu(program)
    assert expected.out.count(b"gcc") == 6
    assert linux_guests.in_wherever(program) == expected
    assert linux_guests.under_wasmtime(program) == expected


@pytest.mark.parametrize("what", REFUSED)
def test_other_code_is_refused_in_one_message(program: Path, what: str) -> None:
    command = [linux_guests.WHEREVER, "run", program, what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 132
    assert done.stderr.count("the guest got") == 1
    assert "the guest got SIGILL" in done.stderr
    assert REFUSED[what] in done.stderr
    # an address outside the program has no name; one inside has
    named = done.stderr.partition("the guest got")[2].splitlines()[0]
    assert ("(" in named.partition(";")[0]) == (what not in ("page", "closed"))
    assert "went on" not in done.stdout


@pytest.mark.parametrize("what", ["page", "patch"])
def test_a_handler_of_sigill_hears_of_it(program: Path, what: str) -> None:
    assert linux_guests.in_wherever(program, f"{what}-caught").out.endswith(b"SIGILL\n")


@pytest.mark.skipif(
    shutil.which("aarch64-linux-gnu-gcc") is None,
    reason="aarch64-linux-gnu-gcc is not installed: no compiler of nested functions",
)
def test_nested_functions_of_gcc(tmp_path: Path, whole: bool) -> None:
    if not whole:
        pytest.skip("a C library of its own to translate: only `make guests` runs it")
    source, program = tmp_path / "nested.c", tmp_path / "nested"
    source.write_text(
        "#include <stdio.h>\n#include <stdlib.h>\n"
        "int main(int count, char **words) {\n"
        "  int compared = 0, values[] = {3, 1, 2, 9, 5};\n"
        "  int compare(const void *a, const void *b) {\n"
        "    compared++;\n"
        "    return *(int *)a - *(int *)b;\n"
        "  }\n"
        "  qsort(values, 5, sizeof *values, compare);\n"
        '  printf("%d %d %d\\n", values[0], values[4], compared > 0);\n'
        "}\n"
    )
    compiler = ["aarch64-linux-gnu-gcc", "-O1", "-static", source, "-o", program]
    subprocess.run(compiler, check=True, capture_output=True, timeout=60)
    assert linux_guests.in_wherever(program) == linux_guests.Outcome(0, b"1 9 1\n")
