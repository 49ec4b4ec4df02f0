"""Two threads running two guests, beside one thread running them one after the other.

Two processes doing the same are the reference: what the machine has to give just now.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable

from wherever import webassembly as wa

TEXT = """(module (func (export "f") (param i64) (result i64) (local $x i64)
  (loop
    (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005))
                           (local.get 0)))
    (br_if 0 (i64.ne (i64.const 0)
      (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
  (local.get $x)))"""
WORK, ROUNDS = 50_000_000, 7


def fork(guest: Callable[[int], int]) -> int:
    """A child that runs the guest."""
    child = os.fork()
    if child == 0:
        guest(WORK)
        os._exit(0)
    return child


def main() -> None:
    module = wa.compile(wa.wat2wasm(TEXT))
    guests: list[Callable[[int], int]] = [wa.Instance(module).exports.f for _ in range(2)]
    ratios, processes, shares = [], [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for guest in guests:
            guest(WORK)
        serial = time.perf_counter() - start
        threads = [threading.Thread(target=guest, args=(WORK,)) for guest in guests]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ratios.append(serial / (time.perf_counter() - start))
        start = time.perf_counter()
        children = [fork(guest) for guest in guests]
        for child in children:
            os.waitpid(child, 0)
        processes.append(serial / (time.perf_counter() - start))
        shares.append(ratios[-1] / processes[-1])
    print(f"two processes: {statistics.median(processes):.2f} times one")
    print(f"two threads: {statistics.median(ratios):.2f} times one (best {max(ratios):.2f})")
    print(f"threads beside processes, round by round: {statistics.median(shares):.2f}")


if __name__ == "__main__":
    main()
