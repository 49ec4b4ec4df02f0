"""Every benchmark of this folder, one after the other, and a table of how each ended.

    python bench/run.py [--only NAME]... [--skip NAME]... [--timeout SECONDS] [--list]

A benchmark is any other program here that is complete without arguments (modules without a `main`,
and programs whose usage names an argument, belong to one). Each runs in a process of its own and
prints its own figures, beside its reference where it has one. The status is 1 if one failed or ran
out of its time.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one benchmark ended."""

    name: str
    ended: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it measured what it should."""
        return self.ended == "ok"


def benchmarks() -> dict[str, Path]:
    """The programs of this folder, by name."""
    here = Path(__file__).resolve()
    found = [path for path in sorted(FOLDER.glob("*.py")) if path.resolve() != here]
    return {path.stem: path for path in found if _complete(path)}


def _complete(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    needs = re.search(rf"^ +python bench/{re.escape(path.name)} [A-Z]", text, re.MULTILINE)
    return '__name__ == "__main__"' in text and not needs


def run(name: str, path: Path, timeout: float) -> Outcome:
    """Run one benchmark; its figures go straight to the terminal."""
    load = os.getloadavg()[0]
    print(f"\n== {name}: {title(path)} (load {load:.1f} on {os.cpu_count()} cores)", flush=True)
    start = time.monotonic()
    try:
        status = subprocess.run([sys.executable, str(path)], timeout=timeout, check=False)
        ended = "ok" if status.returncode == 0 else f"FAILED, status {status.returncode}"
    except subprocess.TimeoutExpired:
        ended = f"FAILED, not done in {timeout:g} s"
    return Outcome(name, ended, time.monotonic() - start)


def title(path: Path) -> str:
    """The first line of a program's docstring."""
    with path.open(encoding="utf-8") as file:
        return file.readline().strip().strip('"').rstrip(".")


def chosen(only: list[str], skip: list[str]) -> dict[str, Path]:
    """The benchmarks that were asked for; SystemExit for a name that none has."""
    found = benchmarks()
    for name in (*only, *skip):
        if name not in found:
            raise SystemExit(f"no benchmark {name!r}; there are {', '.join(found)}")
    return {
        name: path
        for name, path in found.items()
        if (not only or name in only) and name not in skip
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the benchmarks.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--skip", action="append", default=[], metavar="NAME")
    parser.add_argument("--timeout", type=float, default=900.0, metavar="SECONDS")
    parser.add_argument("--list", action="store_true", help="say what there is")
    given = parser.parse_args()
    programs = chosen(given.only, given.skip)
    if given.list:
        for name, path in programs.items():
            print(f"{name:20} {title(path)}")
        return 0
    outcomes = [run(name, path, given.timeout) for name, path in programs.items()]
    print("\n== summary")
    for outcome in outcomes:
        print(f"{outcome.name:20} {outcome.seconds:7.1f} s  {outcome.ended}")
    failed = [outcome.name for outcome in outcomes if not outcome.ok]
    if failed:
        print(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
