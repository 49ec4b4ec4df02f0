"""How fast do translated programs run? Nine kernels and five larger programs, all ways in turn.

    python bench/kernels.py [--quick] [--rounds N] [--only NAME,NAME] [--scalar | --vector]
                            [--record LABEL]

Each program of `bench/kernels/` is ordinary hosted C, compiled by `zig cc -O2` four ways:

- *native*: for this machine;
- *source→Wasm*: for wasm32-wasi (vectorised: with -msimd128), run by `wherever run`;
- *qemu*: for aarch64-linux-musl, static, under every qemu-aarch64 found (`QEMU_AARCH64`, a list of
  paths separated by colons, else the one of PATH);
- *ours*: the same static Linux program under `wherever run`, which translates it: shipped defaults.

Time is taken inside the guest. A round runs every program every way, one after the other, so that a
noisy machine is noisy for all alike; figures are medians over all rounds of the least time of each
run. The results that the ways print are compared: bit for bit between qemu and ours, to six digits
between targets (A64 fuses multiplications and additions where Wasm has nothing to do so).

`--record LABEL` appends the figures to docs/measured/kernels.jsonl and rewrites the page
docs/measured/5-kernels.md and its picture.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from kernels_page import page, picture

HERE = Path(__file__).parent
SOURCES = HERE / "kernels"
MEASURED = HERE.parent / "docs" / "measured"
OURS = str(Path(sys.executable).parent / "wherever")
ZIG = (sys.executable, "-m", "ziglang", "cc", "-O2", "-g0")
SCALAR = ("-fno-vectorize", "-fno-slp-vectorize")


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    larger: bool
    scale: int
    what: str


PROGRAMS = (
    Program("primes", False, 250, "trial division"),
    Program("sieve", False, 200, "Eratosthenes"),
    Program("fib", False, 33, "recursion"),
    Program("nbody", False, 250, "scalar double"),
    Program("mandelbrot", False, 350, "scalar double, branches"),
    Program("sha256", False, 100, "rotations"),
    Program("quicksort", False, 200, "through a function pointer"),
    Program("matmul", False, 25, "160 by 160, double"),
    Program("bytecode", False, 600, "a switch in a loop"),
    Program("compressor", True, 5, "LZ77 and Huffman"),
    Program("json", True, 15, "parse, walk, print"),
    Program("regex", True, 6, "backtracking and state sets"),
    Program("hashtable", True, 300, "strings, open addressing"),
    Program("lu", True, 12, "200 by 200, double"),
)
LEAST = {"fib": 24, "mandelbrot": 100}  # the least scale that --quick uses, else a fifth


def scale_of(program: Program, quick: bool) -> int:
    if not quick:
        return program.scale
    return LEAST.get(program.name, max(1, program.scale // 5))


def qemus() -> dict[str, str]:
    """Every qemu-aarch64 to compare with, named by its version."""
    named = os.environ.get("QEMU_AARCH64") or shutil.which("qemu-aarch64") or ""
    found: dict[str, str] = {}
    for path in filter(None, named.split(":")):
        text = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
        version = text.stdout.split("version ")[1].split()[0]
        found["qemu " + ".".join(version.split(".")[:2])] = path
    return found


def build(folder: Path, program: Program, vector: bool) -> dict[str, Path]:
    """The program, compiled for each target."""
    source = str(SOURCES / f"{program.name}.c")
    kind = "vector" if vector else "scalar"
    flags = () if vector else SCALAR
    simd = ("-msimd128",) if vector else ()
    targets: dict[str, tuple[str, ...]] = {
        "native": ("-lm",),
        "wasm": ("-target", "wasm32-wasi", *simd),
        "linux": ("-target", "aarch64-linux-musl", "-static"),
    }
    made: dict[str, Path] = {}
    for name, more in targets.items():
        made[name] = folder / f"{program.name}.{kind}.{name}"
        subprocess.run([*ZIG, *flags, source, *more, "-o", str(made[name])], check=True)
    return made


def ways(built: dict[str, Path], emulators: dict[str, str]) -> dict[str, list[str]]:
    return {
        "native": [str(built["native"])],
        "source→Wasm": [OURS, "run", str(built["wasm"])],
        **{name: [path, str(built["linux"])] for name, path in emulators.items()},
        "ours": [OURS, "run", str(built["linux"])],
    }


def run(command: list[str], scale: int, repeats: int) -> tuple[str, list[int]]:
    words = [*command, str(scale), str(repeats)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
    result, *times = done.stdout.split()
    return result, [int(t) for t in times]


def agree(program: str, results: dict[str, str]) -> None:
    """Every way computes the same."""
    exact = {value for name, value in results.items() if name == "ours" or "qemu" in name}
    numbers = [float(value) for value in results.values()]
    close = all(math.isclose(x, numbers[0], rel_tol=1e-6) for x in numbers)
    if len(exact) != 1 or not close:
        raise SystemExit(f"{program}: the results differ: {results}")


def geometric(values: list[float]) -> float:
    return math.exp(statistics.fmean(math.log(v) for v in values)) if values else math.nan


def measure(folder: Path, chosen: list[Program], vector: bool, options: argparse.Namespace) -> dict:
    """Everything in turn; program -> way -> median ns."""
    emulators = qemus()
    commands: dict[str, dict[str, list[str]]] = {}
    for program in chosen:
        commands[program.name] = ways(build(folder, program, vector), emulators)
        print(f"built {program.name}", file=sys.stderr, flush=True)
        # fills the caches of translations and of compiled code, and checks the results
        results = {
            name: run(command, scale_of(program, True), 1)[0]
            for name, command in commands[program.name].items()
        }
        agree(program.name, results)
    times: dict[str, dict[str, list[int]]] = {
        name: {way: [] for way in found} for name, found in commands.items()
    }
    for _ in range(options.rounds):
        for program in chosen:
            for way, command in commands[program.name].items():
                repeats = 1 if "qemu" in way else 3
                _, found = run(command, scale_of(program, options.quick), repeats)
                times[program.name][way].append(min(found))
    return {
        name: {way: statistics.median(found) for way, found in of.items()}
        for name, of in times.items()
    }


def translation(folder: Path, chosen: list[Program]) -> dict:
    """What it takes to get there: each in a process of its own, with an empty cache."""
    rows: dict[str, dict[str, float]] = {}
    for program in chosen:
        elf = folder / f"{program.name}.scalar.linux"
        if not elf.exists():
            elf = folder / f"{program.name}.vector.linux"
        report = subprocess.run(
            [sys.executable, str(HERE / "kernels_translate.py"), str(elf)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        row = json.loads(report.stdout)
        starts: list[float] = []
        for _ in range(3):
            begin = time.perf_counter()
            run([OURS, "run", str(elf)], 1, 1)
            starts.append(time.perf_counter() - begin)
        row["warm"] = statistics.median(starts)
        rows[program.name] = row
    return rows


def show(times: dict, vector: bool, names: list[str]) -> dict:
    """Print a table of ratios to source→Wasm; the geometric means."""
    columns = list(next(iter(times.values())))
    print(f"\n{'vectorised' if vector else 'scalar'}: ms of source→Wasm, then ratios to it")
    print(f"{'':<12}{'ms':>8}" + "".join(f"{c:>13}" for c in columns))
    ratios: dict[str, dict[str, float]] = {}
    for name in names:
        base = times[name]["source→Wasm"]
        ratios[name] = {c: times[name][c] / base for c in columns}
        print(f"{name:<12}{base / 1e6:8.1f}" + "".join(f"{ratios[name][c]:13.2f}" for c in columns))
    means: dict[str, float] = {}
    larger = {p.name for p in PROGRAMS if p.larger}
    for label, group in (
        ("nine", [n for n in names if n not in larger]),
        ("five", [n for n in names if n in larger]),
        ("all", names),
    ):
        row = {c: geometric([ratios[n][c] for n in group]) for c in columns}
        print(f"{label:<12}{'':8}" + "".join(f"{row[c]:13.2f}" for c in columns))
        means[f"{label} over source"] = row["ours"]
        means[f"{label} worst"] = max((ratios[n]["ours"] for n in group), default=math.nan)
        means[f"{label} over native"] = row["ours"] / row["native"]
        for column in columns:
            if "qemu" in column:
                means[f"{label} faster than {column}"] = row[column] / row["ours"]
    for label, value in means.items():
        print(f"  {label}: {value:.3f}")
    return means


def show_translation(rows: dict) -> None:
    head = (
        "instructions",
        "s",
        "per s",
        "compile s",
        "bytes/instr",
        "resume",
        "peak MB",
        "warm ms",
    )
    print(f"\ntranslation\n{'':<12}" + "".join(f"{h:>13}" for h in head))
    for name, row in rows.items():
        n = row["instructions"]
        cells = (n, row["translate"], n / row["translate"], row["compile"], row["fast"] / n,
                 row["resume"] / n, row["peak"] / 1e6, row["warm"] * 1000)  # fmt: skip
        print(f"{name:<12}" + "".join(f"{c:13.0f}" if c >= 1000 else f"{c:13.2f}" for c in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the work")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--scalar", action="store_true", help="without the vectorised builds")
    parser.add_argument("--vector", action="store_true", help="the vectorised builds alone")
    parser.add_argument("--keep", default="", help="keep what is built in this folder")
    parser.add_argument("--record", default="", metavar="LABEL")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [p.name for p in PROGRAMS]
    chosen = [p for p in PROGRAMS if p.name in wanted]
    names = [p.name for p in chosen]
    record: dict = {
        "label": options.record,
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "rounds": options.rounds,
        "quick": options.quick,
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(exist_ok=True)
        os.environ["WHEREVER_CACHE"] = str(folder / "cache")
        for vector in (False, True):
            if (options.scalar and vector) or (options.vector and not vector):
                continue
            times = measure(folder, chosen, vector, options)
            kind = "vector" if vector else "scalar"
            record[kind] = {"times": times, "means": show(times, vector, names)}
        record["translation"] = translation(folder, chosen)
    show_translation(record["translation"])
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{own.ru_utime + own.ru_stime:.0f} s of processor time in all")
    if options.record:
        with (MEASURED / "kernels.jsonl").open("a") as history:
            history.write(json.dumps(record, ensure_ascii=False) + "\n")
        lines = (MEASURED / "kernels.jsonl").read_text().splitlines()
        history_rows = [json.loads(line) for line in lines]
        (MEASURED / "5-kernels.md").write_text(page(history_rows, PROGRAMS))
        (MEASURED / "5-kernels.svg").write_text(picture(record, names))


if __name__ == "__main__":
    main()
