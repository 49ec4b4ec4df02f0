"""Random C programs by csmith, built for aarch64 at every level: their checksums beside qemu's.

`python tests/programs/csmith.py COUNT [FIRST-SEED]` takes the first COUNT seeds whose programs end
within a few seconds under qemu, a level and csmith's options by the seed, ten to one executable.
Programs are built once; what was found to agree is not run again until the translator changes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

import linux_guests

from wherever.aot.cache import translated
from wherever.store.digest import digest_of

FOLDER = linux_guests.BUILT / "csmith"
BATCH = 10
SECONDS = 5  # a program that runs longer under qemu is left out
LEVELS = (
    ("-O0",),
    ("-O1",),
    ("-O2",),
    ("-O3",),
    ("-O3", "-mcpu=cortex_a57", "-ffast-math", "-funroll-loops"),  # vectorised most
    ("-Os",),
)
OPTIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("--float",),
    ("--packed-struct", "--max-struct-fields", "20"),
    ("--max-array-dim", "2", "--max-array-len-per-dim", "40"),
    ("--max-funcs", "30", "--max-block-depth", "3"),
)
FLAGS = ("-w", "-Wno-error", "-Wno-incompatible-pointer-types", "-fno-sanitize=undefined")
DRIVER = """#include <stdio.h>
#include <stdlib.h>
{declarations}
static int (*const programs[])(void) = {{ {names} }};
int main(int argc, char **argv) {{
  for (int i = 1; i < argc; i++) {{
    int n = atoi(argv[i]);
    printf("%d: ", n);
    printf("ended %d\\n", programs[n]());
    fflush(stdout);
  }}
  return 0;
}}
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some seeds in one executable, with the lines that qemu wrote for those that end."""

    level: tuple[str, ...]
    seeds: tuple[int, ...]
    program: Path
    expected: dict[int, str]  # index -> output


def say(line: str) -> None:
    """Report; at once, for this runs for long."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def headers() -> Path:
    """csmith's own headers: the system's, or Debian's package unpacked beside what is built."""
    package = FOLDER / "package"
    for root in (Path("/"), package):
        if (root / "usr/include/csmith").is_dir():
            return root / "usr/include/csmith"
    package.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-qq", "libcsmith-dev"], cwd=package, check=True)
    for archive in package.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(archive), str(package)], check=True)
    return package / "usr/include/csmith"


def generated(seed: int, folder: Path) -> Path:
    """The C source of a seed; its `main` has the seed in its name."""
    path = folder / f"seed_{seed}.c"
    if not path.exists():
        options = OPTIONS[seed // len(LEVELS) % len(OPTIONS)]
        command = ["csmith", "--seed", str(seed), "--no-argc", *options]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
            text = done.stdout
        except subprocess.TimeoutExpired:
            text = "int main(void) { return 1; }\n"  # some seeds have no end in csmith itself
        path.write_text(f"#define main main_{seed}\n{text}")
    return path


def built(level: tuple[str, ...], seeds: tuple[int, ...]) -> Batch:
    """Build a batch and ask qemu what it computes."""
    folder = FOLDER / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"main_{seed}" for seed in seeds]
    driver = folder / f"driver_{seeds[0]}_{seeds[-1]}_{len(seeds)}.c"
    declarations = "\n".join(f"int {name}(void);" for name in names)
    text = DRIVER.format(declarations=declarations, names=", ".join(names))
    if not driver.exists() or driver.read_text() != text:
        driver.write_text(text)
    sources = [driver, *(generated(seed, folder) for seed in seeds)]
    program = linux_guests.compiled(sources, *linux_guests.MUSL, *level, *FLAGS, f"-I{headers()}")
    known = FOLDER / f"{program.name}.json"
    if not known.exists():
        lines: dict[int, str] = {}
        for index in range(len(seeds)):
            try:
                command = [str(linux_guests.qemu()), str(program), str(index)]
                done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
            except subprocess.TimeoutExpired:
                continue
            if done.returncode == 0 and b"checksum" in done.stdout:
                lines[index] = done.stdout.decode()
        known.write_text(json.dumps(lines))
    expected = {int(i): line for i, line in json.loads(known.read_text()).items()}
    return Batch(level, seeds, program, expected)


def batches(count: int, first: int) -> Iterator[Batch]:
    """Batches of one level each, until enough programs that end are in them."""
    found = 0
    at = first
    while found < count:
        span = range(at, at + BATCH * len(LEVELS))
        at = span.stop
        for number, level in enumerate(LEVELS):
            batch = built(level, tuple(seed for seed in span if seed % len(LEVELS) == number))
            found += len(batch.expected)
            yield batch
            if found >= count:
                return


def differences(batch: Batch) -> Iterator[str]:
    """What goes otherwise than under qemu, by both targets; one at a time where a batch fails."""
    runs = {"wherever run": linux_guests.in_wherever, "wasmtime": linux_guests.under_wasmtime}
    everything = [str(index) for index in sorted(batch.expected)]
    for name, run in runs.items():
        whole = linux_guests.Outcome(
            0, "".join(batch.expected[int(i)] for i in everything).encode()
        )
        if run(batch.program, *everything) == whole:
            continue
        for index in everything:
            try:
                got = run(batch.program, index)
            except subprocess.TimeoutExpired:
                got = linux_guests.Outcome(-1, b"did not end")
            if got != linux_guests.Outcome(0, batch.expected[int(index)].encode()):
                seed = batch.seeds[int(index)]
                yield f"seed {seed} {' '.join(batch.level)} by {name}: {got} ({batch.program})"


def main(count: int, first: int) -> int:
    """Compare; the number of differences."""
    reason = linux_guests.missing() or (
        None if shutil.which("csmith") else "csmith is not installed"
    )
    if reason is not None:
        say(f"csmith: skipped: {reason}")
        return 0
    agreed = FOLDER / "agreed"
    agreed.mkdir(parents=True, exist_ok=True)
    failed = 0
    levels: Counter[str] = Counter()
    started = time.monotonic()
    for batch in batches(count, first):
        program = batch.program.read_bytes()
        modules = [translated(program, target) for target in ("wherever", "wasi")]
        mark = agreed / digest_of(b"".join(digest_of(m).encode() for m in modules))
        found: list[str] = [] if mark.exists() else list(differences(batch))
        for line in found:
            say(f"  {line}")
        if not found:
            mark.touch()
        failed += len(found)
        levels[" ".join(batch.level)] += len(batch.expected)
        total = sum(levels.values())
        say(f"{total} programs, {failed} differences, {time.monotonic() - started:.0f} s")
    say(", ".join(f"{level}: {n}" for level, n in levels.items()))
    return failed


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    sys.exit(1 if main(*(numbers or [300]), *([1] if len(numbers) < 2 else [])) else 0)
