"""Does Debian's static arm64 busybox, translated, do what it does under qemu-aarch64?

`make busybox` runs every line of busybox/lines.txt; `make test` every 80th, where the program has
been fetched and translated. A line that differs stands in busybox/differ.txt with the reason, and
must go on differing.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import sides

HERE = Path(__file__).parent / "busybox"
LINES = sides.parse(HERE / "lines.txt")
EVERY = 80
# under the wasmtime command line: every third of the lines that read and write text
PORTABLE = LINES[: [line.text for line in LINES].index("ls")][::3]


DIFFER = sides.reasons(HERE / "differ.txt")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "portable_line" in metafunc.fixturenames:
        chosen = PORTABLE if metafunc.config.getoption("whole") else []
        metafunc.parametrize("portable_line", chosen, ids=[line.text for line in chosen])
    if "line" in metafunc.fixturenames:
        whole = metafunc.config.getoption("whole")
        metafunc.parametrize("line", sides.marked(LINES[:: 1 if whole else EVERY], DIFFER))


@pytest.mark.slow
def test_line(line: sides.Line, whole: bool, tmp_path: Path) -> None:
    program = sides.program("busybox", translate=whole)
    expected = sides.qemu(program, "busybox", line, tmp_path / "base")
    got = sides.ours(program, "busybox", line, tmp_path / "base")
    assert sides.difference(expected, got, line) == []


@pytest.mark.slow
def test_portable_line(portable_line: sides.Line, tmp_path: Path) -> None:
    program = sides.program("busybox", translate=True)
    module = sides.precompiled(program)
    expected = sides.qemu(program, "busybox", portable_line, tmp_path / "base")
    got = sides.portable(module, "busybox", portable_line, tmp_path / "base")
    expected, got = sides.without_modes(expected), sides.without_modes(got)
    assert sides.difference(expected, got, portable_line) == []


def test_every_applet_has_three_lines(tmp_path: Path) -> None:
    program = sides.program("busybox", translate=True)
    listed = sides.qemu(program, "busybox", sides.Line("", ("--list",)), tmp_path / "base")
    applets = listed.stdout.decode().split()
    left_out = sides.reasons(HERE / "left-out.txt")
    lines: dict[str, int] = defaultdict(int)
    for line in LINES:
        lines[line.words[0]] += 1
    few = {applet for applet in applets if lines[applet] < 3}
    assert few - set(left_out) == set()
    assert set(left_out) <= set(applets)
    assert set(DIFFER) <= {line.text for line in LINES}
    assert len(LINES) >= 300
