"""Do ripgrep and typos, as PyPI has them for static arm64, do what they do under qemu-aarch64?

`make rust` runs every line of rust/lines.txt; `make test` every 25th, where the programs have been
fetched and translated. A line that differs stands in rust/differ.txt with the reason, and must go
on differing.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sides

HERE = Path(__file__).parent / "rust"
LINES = sides.parse(HERE / "lines.txt")
DIFFER = sides.reasons(HERE / "differ.txt")
EVERY = 25


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "line" in metafunc.fixturenames:
        chosen = LINES[:: 1 if metafunc.config.getoption("whole") else EVERY]
        metafunc.parametrize("line", sides.marked(chosen, DIFFER))


@pytest.mark.slow
def test_line(line: sides.Line, whole: bool, tmp_path: Path) -> None:
    name = line.words[0]
    program = sides.program(name, translate=whole)
    rest = sides.without_name(line)
    expected = sides.qemu(program, name, rest, tmp_path / "base")
    got = sides.ours(program, name, rest, tmp_path / "base")
    assert sides.difference(expected, got, rest) == []
