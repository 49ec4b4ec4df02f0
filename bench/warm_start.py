"""How long a program takes that was compiled before: a large component, a translated one, a hello.

    python bench/warm_start.py [ROUNDS] [--component FILE] [--linux FILE]

Asked: a second `wherever run` of an 18 MB componentize-py component in <= 0.3 s, of translated
busybox `true` in <= 0.25 s, of hello in at most 4 times `python -c pass`. Beside them the command
line of wasmtime 49 with the component compiled before. Rounds are taken in turn, so that a noisy
machine is noisy for all alike; the processor time of all processes of a run stands beside the
clock's. `make components` and `make oracle` bring the programs.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from run_hello import HELLO, wasmtime

COMPONENT = Path(__file__).resolve().parents[1] / ".corpora/components/command.wasm"
LINUX = Path.home() / ".cache/wherever-tests/aarch64/busybox"


def command(words: list[str]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time with all children's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", nargs="?", type=int, default=15)
    parser.add_argument("--component", type=Path, default=COMPONENT)
    parser.add_argument("--linux", type=Path, default=LINUX)
    asked = parser.parse_args()
    ours = str(Path(sys.executable).parent / "wherever")
    with tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.wat"
        hello.write_bytes(HELLO)
        ways = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "wherever run hello": [ours, "run", str(hello)],
        }
        theirs = wasmtime(Path(folder))
        if asked.component.exists():
            ways["wherever run component"] = [ours, "run", str(asked.component)]
            if theirs is not None:
                code = f"{folder}/component.cwasm"
                subprocess.run([theirs, "compile", asked.component, "-o", code], check=True)
                ways["wasmtime run component"] = [theirs, "run", "--allow-precompiled", code]
        if asked.linux.exists():
            ways["wherever run busybox true"] = [ours, "run", str(asked.linux), "true"]
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for words in ways.values():
            command(words)  # compiled, and in the cache
        for _ in range(asked.rounds):
            for name, words in ways.items():
                found[name].append(command(words))
    reference = statistics.median(wall for wall, _ in found["python -c pass"])
    for name, pairs in found.items():
        walls, cpus = zip(*pairs, strict=True)
        median = statistics.median(walls)
        print(
            f"{name:<27}{median * 1000:8.1f} ms  {median / reference:6.2f} x python -c pass"
            f"   (fastest {min(walls) * 1000:.1f}; processor {statistics.median(cpus) * 1000:.0f})"
        )


if __name__ == "__main__":
    main()
