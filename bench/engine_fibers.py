"""Ten thousand guests suspended in host calls on one thread: memory and resume time of each."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Generator
from pathlib import Path

from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.fibers import AsyncStore, Fiber
from wherever.engine.hostcalls import HostFunc
from wherever.engine.profile import Placement, Profile
from wherever.wasm.types import I32, FuncType

TEXT = """(module (import "env" "h" (func $h (param i32) (result i32)))
  (func (export "f") (param i32) (result i32)
    (loop (br_if 0 (call $h (local.get 0)))) (i32.const 1)))"""
COUNT, ROUNDS = 10_000, 3


class Waiting:
    """What the host function returns: the bench itself delivers the result."""

    def __await__(self) -> Generator[None, None, int]:
        yield
        return 1


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    engine = Engine.of(Profile(Placement.DEMAND, epochs=False))
    code = engine.compile(wat2wasm(TEXT))
    waiting = Waiting()
    host = HostFunc(FuncType((I32,), (I32,)), lambda _: waiting, suspends=True)
    gc.disable()
    empty = resident()
    made = []
    for _ in range(COUNT):
        store = AsyncStore(engine)
        made.append((store, store.instantiate(code, {("env", "h"): host}).func("f")))
    idle = resident()
    start = time.perf_counter()
    fibers: list[Fiber] = []
    for store, func in made:
        fiber = store.enter(func, 1)
        fiber.step()
        fibers.append(fiber)
    started = time.perf_counter() - start
    full = resident()
    resumes, busy = [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        spent = time.process_time()
        for fiber in fibers:
            fiber.resume(1)
        busy.append((time.process_time() - spent) / COUNT * 1e6)
        resumes.append((time.perf_counter() - start) / COUNT * 1e6)
    for fiber in fibers:
        fiber.deliver(0)
        while not fiber.step():
            pass
        assert fiber.result() == 1
    print(f"{COUNT} guests suspended on one thread")
    print(f"suspended call: {(full - idle) / COUNT / 1024:.1f} KB each")
    print(f"its idle store and instance: {(idle - empty) / COUNT / 1024:.1f} KB each")
    print(f"enter and suspend: {started / COUNT * 1e6:.1f} us each")
    print(
        f"resume and suspend again: {sorted(resumes)[ROUNDS // 2]:.1f} us each "
        f"(best round {min(resumes):.1f}; processor time {min(busy):.1f})"
    )


if __name__ == "__main__":
    main()
