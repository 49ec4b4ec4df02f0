"""Do forged signal frames, wild jumps and ruined stacks end a translated program as under qemu?"""

from __future__ import annotations

from pathlib import Path

import linux_guests
import pytest
import sides

SOURCE = Path(__file__).parent / "linux" / "frames.c"
CASES = [case for case in range(34) if case != 21]
DIFFER = {
    13: "a pc that is no multiple of 4 is SIGBUS on the processor (D1.12.5), whatever else it is",
    24: "the kernel, unlike qemu 7.2, ends a program that has no stack for a handler: SIGSEGV",
    33: "as 13",
}
REASON = linux_guests.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(REASON is not None, reason=str(REASON))]


def test_every_case_ends_as_under_qemu(whole: bool, tmp_path: Path) -> None:
    flags = ("-O1", "-fno-sanitize=undefined")
    program = linux_guests.compiled([SOURCE], *linux_guests.MUSL, *flags)
    differ: set[int] = set()
    chosen = CASES if whole else CASES[::5]
    for case in chosen:
        line = sides.Line("frames", (str(case),))
        expected = sides.qemu(program, "frames", line, tmp_path / "base")
        got = sides.ours(program, "frames", line, tmp_path / "base")
        if (got.status, got.stdout) != (expected.status, expected.stdout):
            differ.add(case)
    assert differ == set(DIFFER) & set(chosen)
