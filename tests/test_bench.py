"""Does `make bench` run what it is asked for, and say what failed?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "bench"


def bench(folder: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(folder / "run.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_benchmark_says_what_it_measures() -> None:
    status, out = bench(FOLDER, "--list")
    assert status == 0
    names = {line.split()[0] for line in out.splitlines()}
    assert {"engine_calls", "compile_cost", "run_hello"} <= names
    assert "run" not in names
    assert "wasi_guests" not in names  # a module of others
    assert "kernels_translate" not in names  # a program of another's
    assert all(len(line.split()) > 2 for line in out.splitlines())


def test_a_failure_is_a_status(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text((FOLDER / "run.py").read_text())
    (tmp_path / "good.py").write_text(
        '"""Good."""\nif __name__ == "__main__":\n    print("42 ns")\n'
    )
    (tmp_path / "bad.py").write_text(
        '"""Bad."""\nif __name__ == "__main__":\n    raise SystemExit(3)\n'
    )
    (tmp_path / "slow.py").write_text(
        '"""Slow."""\nimport time\n\nif __name__ == "__main__":\n    time.sleep(60)\n'
    )
    status, out = bench(tmp_path, "--timeout", "1")
    assert status == 1
    assert "42 ns" in out
    assert "FAILED, status 3" in out
    assert "FAILED, not done in 1 s" in out
    assert "2 of 3 failed: bad, slow" in out
    assert bench(tmp_path, "--only", "good")[0] == 0
    assert bench(tmp_path, "--only", "nonesuch")[0] == 1
