"""Mutated and cut ELF files, many, through the whole pipeline: a program or one clear error each.

    python tests/hostile/elves.py [COUNT] [SEED] [RUN-ONE-IN]

Each file is inspected and translated, and what comes out is validated; one in so many of those is
also run in a worker for at most two seconds. Seeds are programs made byte by byte: text with loops,
calls, jump tables and every group of instructions, symbols, frames, dynamic sections, notes.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "aot" / "support"))

from small_elf import small_elf, words  # noqa: E402 - lies beside the tests that use it

from wherever.aot.pipeline import translate  # noqa: E402
from wherever.aot.report import report_elf  # noqa: E402
from wherever.engine.engine import Engine  # noqa: E402
from wherever.engine.profile import Profile  # noqa: E402
from wherever.errors import InvalidProgram, Unsupported  # noqa: E402
from wherever.isa.aarch64 import table  # noqa: E402
from wherever.linux.module import personality  # noqa: E402

LONGEST = 10.0  # seconds for one file
HOST_GROWTH = 1 << 30
NUMBERS = (
    *(0, 1, 2, 3, 7, 8, 0x40, 0xFF, 0xFFF, 0x1000, 0xFFFF, 0x1_0000, 0x20_0000, 0x40_0000),
    *(0x40_1000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, (1 << 32) - 0x1000, 1 << 40),
    *(1 << 63, (1 << 64) - 1, (1 << 64) - 0x1000, (1 << 63) - 1, 0xC000_0000, 0xBFFF_F000),
)
# a jump table behind its bounds check, as compilers write it, and a loop with a call in it
_TABLE = (
    *(0xF1000C1F, 0x54000128, 0x10000101, 0x38606822, 0x10000063, 0x8B228863, 0xD61F0060),
    *(0xD503201F, 0x04030201, 0xD65F03C0, 0xD2800000, 0xD65F03C0),
)
_LOOP = (
    *(0xA9BF7BFD, 0x910003FD, 0xD2800140, 0xAA0003F3, 0x94000005, 0xF1000673, 0x54FFFFC1),
    *(0xA8C17BFD, 0xD65F03C0, 0xD2800BA8, 0xD65F03C0),
)
_EXIT = (0xD2800000, 0xD2800BC8, 0xD4000001)


def seeds(rng: random.Random) -> list[bytes]:
    """The programs that mutations start from."""
    some = [
        int(example.split()[0], 16)
        for group in table.GROUPS
        for one in group.instructions
        for example in one.examples[:1]
    ]
    found: list[bytes] = []
    for number in range(12):
        soup = [rng.choice(some) for _ in range(rng.randrange(20, 120))]
        code = words(*_LOOP, *_TABLE, *soup, *_EXIT)
        symbols = {"_start": 0, "table": 4 * len(_LOOP), "soup": 4 * len(_LOOP + _TABLE)}
        pointers = struct.pack("<4Q", 0x40_1000, 0x40_1000 + 4 * len(_LOOP), 0x40_1024, 1 << 63)
        found.append(
            small_elf(
                code,
                data=pointers,
                symbols=symbols if number % 3 else None,
                kind=3 if number % 4 == 1 else 2,
                comment="some compiler" if number % 2 else "",
                needed=("libc.so.6",) if number % 6 == 5 else (),
            )
        )
    return found


def _fields(data: bytes) -> list[tuple[int, int]]:
    """Offset and size of every number in the headers, where the file says they are."""
    found = [
        (16, 2),
        (18, 2),
        (24, 8),
        (32, 8),
        (40, 8),
        (54, 2),
        (56, 2),
        (58, 2),
        (60, 2),
        (62, 2),
    ]
    segments, sections = struct.unpack_from("<QQ", data, 32)
    counts = struct.unpack_from("<HHH", data, 56)
    for i in range(counts[0]):
        at = segments + 56 * i
        found += [(at, 4), (at + 4, 4), *((at + 8 + 8 * k, 8) for k in range(6))]
    for i in range(counts[2]):
        at = sections + 64 * i
        found += [(at, 4), (at + 4, 4), *((at + 8 + 8 * k, 8) for k in range(4))]
        found += [(at + 40, 4), (at + 44, 4), (at + 56, 8)]
    return [(at, size) for at, size in found if at + size <= len(data)]


def mutate(data: bytes, fields: list[tuple[int, int]], rng: random.Random) -> bytes:
    """`data` with a few numbers of its headers, bytes, or its length changed."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        kind = rng.random()
        if kind < 0.5:
            at, size = rng.choice(fields)
            number = rng.choice((rng.choice(NUMBERS), rng.getrandbits(8 * size)))
            if rng.random() < 0.3:
                here = int.from_bytes(out[at : at + size], "little")
                number = here + rng.choice((-1, 1, -8, 8, 0x1000, -0x1000, 3))
            out[at : at + size] = (number & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        elif kind < 0.75:
            at = rng.randrange(0x1000, min(len(out), 0x1400))  # text and frames
            out[at] = rng.randrange(256)
        elif kind < 0.9:
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        elif kind < 0.95:
            at, other = rng.choice(fields)[0], rng.choice(fields)[0]
            out[at : at + 8] = out[other : other + 8]
        else:
            del out[rng.choice((rng.randrange(len(out)), rng.randrange(64, 400))) :]
            fields = [(at, size) for at, size in fields if at + size <= len(out)]
            if not fields or len(out) < 0x1100:
                break
    return bytes(out)


class Hang(Exception):
    """One file took too long."""


def _alarm(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Hang(f"longer than {LONGEST:.0f} s")


def attempt(data: bytes, engine: Engine, base: bytes, *, run: bool) -> str:
    """What became of `data`; anything but a program or a clear error escapes as an exception."""
    try:
        report_elf(data).to_json()
    except (InvalidProgram, Unsupported) as error:
        _clear(str(error))
    try:
        wasm = translate(data, base).wasm
    except (InvalidProgram, Unsupported) as error:
        _clear(str(error))
        return type(error).__name__
    engine.validate(wasm)
    if not run:
        return "translated"
    from wherever.nanoprocess.running import run as run_program
    from wherever.policy import Limits

    result = run_program(wasm, limits=Limits(time=2, memory=256 << 20))
    if result.limit:
        return f"ran into the limit of {result.limit}"
    if result.trap:
        return "ran into a trap"
    return "ran to a signal" if result.status > 128 else "ran to its end"


def _clear(message: str) -> None:
    """One line that a terminal can show, and that says enough."""
    if "\n" in message or not message.isprintable() or not 20 < len(message) < 400:
        raise AssertionError(f"not a clear error: {message!r}")


def main() -> int:
    """Try them all; the exit status is the number of failures, at most 99."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    one_in = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    rng = random.Random(seed)
    start = [(data, _fields(data)) for data in seeds(rng)]
    engine, base = Engine.of(Profile()), personality("wasi")
    outcomes: Counter[str] = Counter()
    failures = translated = 0
    signal.signal(signal.SIGALRM, _alarm)
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    slowest = 0.0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["WHEREVER_CACHE"] = cache
        for number in range(count):
            data, fields = rng.choice(start)
            made = mutate(data, fields, rng)
            at = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, LONGEST)
            try:
                outcome = attempt(made, engine, base, run=one_in > 0 and translated % one_in == 0)
                outcomes[outcome] += 1
                translated += outcome not in ("InvalidProgram", "Unsupported")
            except Exception as error:
                failures += 1
                outcomes[f"FAILURE {type(error).__name__}"] += 1
                if failures <= 20:
                    path = Path(tempfile.gettempdir()) / f"hostile-{seed}-{number}.elf"
                    path.write_bytes(made)
                    sys.stderr.write(f"{path}: {type(error).__name__}: {str(error)[:300]}\n")
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            slowest = max(slowest, time.monotonic() - at)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - baseline
    for outcome, times in outcomes.most_common():
        sys.stdout.write(f"{times:8}  {outcome}\n")
    sys.stdout.write(
        f"{count} mutated programs of {len(start)} in {time.monotonic() - begun:.0f} s; "
        f"slowest {slowest:.2f} s; host memory grew {grown >> 20} MiB; {failures} failures\n"
    )
    return min(failures + (grown > HOST_GROWTH), 99)


if __name__ == "__main__":
    sys.exit(main())
