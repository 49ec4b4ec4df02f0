"""Does Debian's static arm64 bash, translated, run scripts as it does under qemu-aarch64?

`make bash` runs every script of bash/scripts.txt; `make test` every 30th, where the program has
been fetched and translated.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sides

SCRIPTS = sides.parse_scripts(Path(__file__).parent / "bash" / "scripts.txt")
EVERY = 30


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "script" in metafunc.fixturenames:
        chosen = SCRIPTS[:: 1 if metafunc.config.getoption("whole") else EVERY]
        metafunc.parametrize("script", chosen, ids=[script.text for script in chosen])


@pytest.mark.slow
def test_script(script: sides.Line, whole: bool, tmp_path: Path) -> None:
    program = sides.program("bash", translate=whole)
    expected = sides.qemu(program, "bash", script, tmp_path / "base")
    got = sides.ours(program, "bash", script, tmp_path / "base")
    assert sides.difference(expected, got, script) == []


def test_there_are_enough_and_none_twice() -> None:
    names = [script.text for script in SCRIPTS]
    assert len(names) == len(set(names)) >= 80
