"""Mutated components, many: each must end in a typed error or run, and leave the host as it was.

    python tests/hostile/components.py [COUNT] [SEED]

Seeds are the component-model suite's binaries and the programs of tests/programs/component. What
still validates is loaded, and its functions without parameters are called, under a deadline.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from wherever.component import types as ct
from wherever.component.canonical.values import ResultError
from wherever.component.read import is_component, read_component
from wherever.component.validate import validate
from wherever.component.wit.document import show_component
from wherever.errors import InternalError, WhereverError
from wherever.hosts.component.load import load_validated

HERE = Path(__file__).parent
SUITES = Path(os.environ.get("WHEREVER_SUITES", HERE.parents[2] / "shared" / "suites"))
TOOLS = shutil.which("wasm-tools", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x40, 0x41, 0x42, 0x6F, 0x70, 0x72)
HOST_GROWTH = 1 << 30
LONGEST = 5.0


def seeds() -> list[bytes]:
    """The binaries that mutations start from."""
    found: list[bytes] = []
    assert TOOLS is not None
    with tempfile.TemporaryDirectory() as folder:
        for number, wast in enumerate(sorted(SUITES.glob("component/*/*.wast"))):
            out = Path(folder) / str(number)
            out.mkdir()
            subprocess.run(
                [TOOLS, "json-from-wast", wast, "-o", out / "x.json", "--wasm-dir", out],
                check=False,
                capture_output=True,
            )
            found += [path.read_bytes() for path in sorted(out.glob("*.wasm"))]
    for wat in sorted((HERE.parent / "programs" / "component").glob("*.wat")):
        done = subprocess.run([TOOLS, "parse", wat], check=True, capture_output=True)
        found.append(done.stdout)
    return [data for data in found if is_component(data)]


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """`data` with a few bytes changed, removed, doubled or taken from `other`."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        if len(out) <= 8:
            break
        at = rng.randrange(8, len(out))
        # mostly in place: what shifts the bytes rarely gets past the section lengths
        match rng.choice((0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5, 6)):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                out[at] = rng.choice(INTERESTING)
            case 2:
                out[at] ^= 1 << rng.randrange(8)
            case 3:
                del out[at : at + rng.randrange(1, 9)]
            case 4:
                out[at:at] = out[at : at + rng.randrange(1, 33)]
            case 5:
                start = rng.randrange(len(other))
                out[at : at + 4] = other[start : start + rng.randrange(1, 17)]
            case _:
                # a LEB128 as large as they come
                out[at : at + 1] = b"\xff\xff\xff\xff\x0f"
    return bytes(out)


def attempt(data: bytes) -> str:
    """What became of `data`; anything but a typed error or a run escapes as an exception."""
    try:
        validated = validate(read_component(data))
    except InternalError:
        raise
    except WhereverError as error:
        return type(error).__name__
    show_component(validated)
    try:
        loaded = load_validated(validated, {}, memory=64 << 20)
    except InternalError:
        raise
    except WhereverError as error:
        return f"load: {type(error).__name__}"
    with loaded:
        loaded._world.store.set_deadline(0.2)
        for name, extern in loaded.externs.items():
            if isinstance(extern, ct.FuncType) and not extern.params:
                try:
                    loaded[name]()
                except InternalError:
                    raise
                except (WhereverError, ResultError) as error:
                    return f"call: {type(error).__name__}"
    return "ran"


def main() -> int:
    """Run them all; the exit status is the number of failures, at most 99."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    start = seeds()
    rng = random.Random(seed)
    outcomes: Counter[str] = Counter()
    failures = 0
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    slowest = 0.0
    begun = time.monotonic()
    for number in range(count):
        data = mutate(rng.choice(start), rng.choice(start), rng)
        at = time.monotonic()
        try:
            outcomes[attempt(data)] += 1
        except Exception as error:
            failures += 1
            outcomes[f"FAILURE {type(error).__name__}"] += 1
            if failures <= 20:
                path = Path(tempfile.gettempdir()) / f"hostile-{seed}-{number}.wasm"
                path.write_bytes(data)
                sys.stderr.write(f"{path}: {type(error).__name__}: {error}\n")
        slowest = max(slowest, time.monotonic() - at)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - baseline
    for outcome, times in outcomes.most_common():
        sys.stdout.write(f"{times:8}  {outcome}\n")
    sys.stdout.write(
        f"{count} mutated components of {len(start)} seeds in {time.monotonic() - begun:.0f} s; "
        f"slowest {slowest:.2f} s; host memory grew {grown >> 20} MiB; {failures} failures\n"
    )
    if grown > HOST_GROWTH or slowest > LONGEST:
        failures += 1
    return min(failures, 99)


if __name__ == "__main__":
    sys.exit(main())
