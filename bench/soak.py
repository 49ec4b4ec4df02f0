"""Many runs one after another, with ends of every kind: nothing may be left behind.

    python bench/soak.py [RUNS]          make soak

After each hundred: descriptors, threads, children and memory of this process. The last must not
exceed what was there after the first hundred (memory: by 16 MiB).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import wherever
from wherever import Limits
from wherever.nanoprocess import pool

SPINS = b'(module (func (export "_start") (loop $l br $l)))'
TRAPS = b'(module (func (export "_start") unreachable))'
RETURNS = b'(module (func (export "_start")))'
LIBRARY = b'(module (func (export "f") (result i32) i32.const 7))'


def one(number: int) -> None:
    """A run; its kind goes by the number."""
    match number % 20:
        case 0:
            assert wherever.run(SPINS, limits=Limits(time=0.01)).limit is not None
        case 1:
            assert wherever.run(TRAPS).trap is not None
        case 2:
            process = wherever.spawn(SPINS)
            process.kill()
            assert process.communicate()[0].signal == 9
        case 3:
            assert wherever.run(LIBRARY, invoke="f", stdin=b"x" * 100_000).stdout == b"7\n"
        case _:
            assert wherever.run(RETURNS).ok


def held() -> tuple[int, int, int, int]:
    """Descriptors, threads, children, resident memory in MiB."""
    pool.drain()
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return descriptors, threading.active_count(), len(children), int(resident) // 1024


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    start = time.monotonic()
    first = last = held()
    for number in range(runs):
        one(number)
        if number % 100 == 99:
            last = held()
            if number == 99:
                first = last
            print(f"{number + 1:>6} runs, {time.monotonic() - start:7.1f} s: "
                  "%d descriptors, %d threads, %d children, %d MiB" % last, flush=True)  # fmt: skip
    leaked = [now > then for now, then in zip(last[:3], first[:3], strict=True)]
    if any(leaked) or last[3] > first[3] + 16:
        print(f"left behind: {first} became {last}")
        return 1
    print("nothing was left behind")
    return 0


if __name__ == "__main__":
    sys.exit(main())
