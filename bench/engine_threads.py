"""Two threads running two guests, beside one thread running them one after the other."""

from __future__ import annotations

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


def main() -> None:
    module = wa.compile(wa.wat2wasm(TEXT))
    guests: list[Callable[[int], int]] = [wa.Instance(module).exports.f for _ in range(2)]
    ratios = []
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
    print(f"two threads: {statistics.median(ratios):.2f} times one (best {max(ratios):.2f})")


if __name__ == "__main__":
    main()
