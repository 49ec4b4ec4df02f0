"""How long does `inspect` take on large modules, beside wasm-tools, in one run?

    python bench/inspect_large.py [FILE.wasm ...]

Without files: the programs of 20 MB and more that `make corpora` fetched. Each figure is the median
of five rounds, in seconds; `inspect_cpu` is the least CPU time of five. The reference,
`wasm-tools objdump`, prints sections only; `wasm-tools validate` looks at every instruction, as our
scan does.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from wherever.wasm.code_scan import code_features
from wherever.wasm.inspect import inspect
from wherever.wasm.reader import read_module
from wherever.wasm.shape import shape

ROUNDS = 5
LARGE = 20_000_000


def median(action: Callable[[], object]) -> float:
    """Seconds, the median of the rounds."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def least_cpu(action: Callable[[], object]) -> float:
    """Seconds of our own CPU time, the least of the rounds: what a busy machine distorts least."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def large_programs() -> list[Path]:
    """The programs at hand that are large enough to say something, each size once."""
    named = os.environ.get("WHEREVER_CORPORA")
    folder = Path(named) if named else Path(__file__).resolve().parent.parent / ".corpora"
    by_size = {path.stat().st_size: path for path in folder.rglob("*.wasm")}
    return [by_size[size] for size in sorted(by_size) if size >= LARGE]


def main() -> None:
    """Measure and print, a line a module and a line of JSON at the end."""
    paths = [Path(name) for name in sys.argv[1:]] or large_programs()
    if not paths:
        sys.exit("no large modules at hand: run `make corpora`, or name some")
    beside = Path(sys.executable).with_name("wasm-tools")
    wasm_tools = str(beside) if beside.exists() else shutil.which("wasm-tools")
    rows: list[dict[str, object]] = []
    for path in paths:
        data = path.read_bytes()
        module = read_module(data)
        row: dict[str, object] = {
            "module": path.name,
            "bytes": len(data),
            "read": median(lambda data=data: read_module(data)),
            "shape": median(lambda module=module: shape(module)),
            "scan": median(lambda module=module: code_features(module)),
            "inspect": median(lambda data=data: inspect(data)),
        }
        row["inspect_cpu"] = least_cpu(lambda data=data: inspect(data))
        if wasm_tools is not None:
            for verb in ("objdump", "validate"):
                command = [wasm_tools, verb, str(path)]
                row[f"wasm-tools {verb}"] = median(
                    lambda command=command: subprocess.run(
                        command, check=True, stdout=subprocess.DEVNULL
                    )
                )
        rows.append(row)
        print(
            "  ".join(
                f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
                for name, value in row.items()
            )
        )
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
