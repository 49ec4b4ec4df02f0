"""How late a limit of wall-clock time ends each kind of hostile guest; asked: at most 0.2 s.

python bench/limits.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import sys
import time

import wherever
from wherever import Limits
from wherever.nanoprocess import pool

ALLOWED = 0.3
POLL = (
    '(import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))'
)
WRITE = (
    '(import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))'
)
MEMORY = '(memory (export "memory") 1)'
GUESTS = {
    "an endless loop": '(module (func (export "_start") (loop $l br $l)))',
    "a sleep of an hour": f"""(module {POLL} {MEMORY} (func (export "_start")
        (i32.store (i32.const 80) (i32.const 1))
        (i64.store (i32.const 88) (i64.const 3600000000000))
        (drop (call $p (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)))))""",
    "a storm of polls": f"""(module {POLL} {MEMORY} (func (export "_start")
        (i32.store (i32.const 80) (i32.const 1)) (loop $l
        (drop (call $p (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512))) br $l)))""",
    "a flood of output": f"""(module {WRITE} {MEMORY} (func (export "_start")
        (i32.store (i32.const 4) (i32.const 60000)) (loop $l
        (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) br $l)))""",
    "memory, all of it": f"""(module {MEMORY} (func (export "_start") (local $i i32)
        (loop $l (drop (memory.grow (i32.const 1)))
          (memory.fill (i32.const 0) (i32.const 1) (i32.mul (memory.size) (i32.const 65536)))
          br $l)))""",
}  # fmt: skip


def late(program: bytes) -> float:
    """Seconds between the limit and the result."""
    pool.warm(1, wait=True)
    start = time.perf_counter()
    result = wherever.run(program, limits=Limits(time=ALLOWED, output=None, cpu=None))
    took = time.perf_counter() - start
    assert result.limit is not None, result
    assert result.limit.limit == "time", result
    return took - ALLOWED


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    for name, text in GUESTS.items():
        program = text.encode()
        late(program)  # compiles
        found = [late(program) for _ in range(rounds)]
        middle, worst = statistics.median(found), max(found)
        print(f"{name:<22}{middle * 1000:8.1f} ms late, at worst {worst * 1000:.1f}")
    pool.drain()


if __name__ == "__main__":
    main()
