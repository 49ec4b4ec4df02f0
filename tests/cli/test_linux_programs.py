"""`wherever run` and `wherever translate` of a Linux program: both targets, by the front door."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from wherever import run

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "programs"


@pytest.fixture(autouse=True)
def cache_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WHEREVER_VERIFY", "1")


def build(name: str, to: Path, *flags: str) -> Path:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("the ziglang package is not installed: no compiler for the guests")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static"]
    source = PROGRAMS / name
    program = to / source.stem
    done = [*command, "-nostdlib", "-O1", *flags, str(source), "-o", str(program)]
    subprocess.run(done, check=True, timeout=600)
    return program


def wherever(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wherever", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
def test_modes_and_owners_are_right_by_default(tmp_path: Path) -> None:
    program = build("modes.c", tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    done = wherever("run", "--dir", f"{work}::/work,rw", program)
    assert (done.returncode, done.stdout) == (7, "0100640\n0041751\n0000001\n"), done.stderr
    assert (work / "file").stat().st_mode & 0o7777 == 0o640
    assert (work / "folder").stat().st_mode & 0o7777 == 0o1751


@pytest.mark.slow
def test_both_targets_are_written_down(tmp_path: Path) -> None:
    from wherever.wasm.reader import read_module

    program = build("modes.c", tmp_path)
    modules: dict[str, set[str]] = {}
    for target in ("wherever", "wasi"):
        output = tmp_path / f"{target}.wasm"
        done = wherever("translate", "--target", target, program, "-o", output)
        assert done.returncode == 0, done.stderr
        modules[target] = {item.module for item in read_module(output.read_bytes()).imports}
    assert modules["wasi"] == {"wasi_snapshot_preview1"}
    assert modules["wherever"] == {"wasi_snapshot_preview1", "wherever_linux"}
    default = tmp_path / "default.wasm"
    assert wherever("translate", program, "-o", default).returncode == 0
    assert default.read_bytes() == (tmp_path / "wherever.wasm").read_bytes()
    again = wherever("translate", "--target", "browser", program)
    assert again.returncode == 2
    assert "there are wasi, wherever" in again.stderr


@pytest.mark.slow
def test_the_counter_counts(tmp_path: Path) -> None:
    program = build("counter.S", tmp_path)
    done = wherever("run", "--time", "20s", program)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_exact_floating_point_is_an_option(tmp_path: Path) -> None:
    program = build("rounding.S", tmp_path)
    assert wherever("run", program).returncode == 0  # to nearest, without flags (ADR 0030)
    exact = tmp_path / "exact.wasm"
    assert wherever("translate", "--exact", program, "-o", exact).returncode == 0
    for words in ([exact], ["--exact", program]):
        done = wherever("run", *words)
        assert (done.returncode, done.stderr) == (17, "")
    assert run(program, exact=True).exit_code == 17
