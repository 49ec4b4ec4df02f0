"""Do static arm64 programs that nobody here built do what they do under qemu-aarch64?

`rust` is what PyPI has (ripgrep, typos), `debian` what Debian has: shells and tools linked with
glibc, musl, dietlibc and klibc. `make rust` and `make debian` run every line of lines.txt, `make
test` every 25th where the programs have been fetched and translated. A line that differs stands in
differ.txt with the reason, and must go on differing.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sides
from _pytest.mark.structures import ParameterSet

FROM = ("rust", "debian")
EVERY = 25


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "line" in metafunc.fixturenames:
        step = 1 if metafunc.config.getoption("whole") else EVERY
        chosen = [each for name in FROM for each in marked(name)[::step]]
        metafunc.parametrize("line", chosen)


def marked(name: str) -> list[ParameterSet]:
    """The command lines of a collection."""
    folder = Path(__file__).parent / name
    return sides.marked(sides.parse(folder / "lines.txt"), sides.reasons(folder / "differ.txt"))


@pytest.mark.slow
def test_line(line: sides.Line, whole: bool, tmp_path: Path) -> None:
    name = line.words[0]
    program = sides.program(name, translate=whole)
    rest = sides.without_name(line)
    expected = sides.qemu(program, name, rest, tmp_path / "base")
    got = sides.ours(program, name, rest, tmp_path / "base")
    assert sides.difference(expected, got, rest) == []
