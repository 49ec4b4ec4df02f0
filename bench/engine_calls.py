"""Python→Wasm and Wasm→Python calls through wherever.webassembly, beside wasmtime-py."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import wasmtime

from wherever import webassembly as wa

TEXT = """(module (import "env" "h" (func $h (param i32 i32) (result i32)))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "loop") (param i32) (loop (drop (call $h (local.get 0) (i32.const 2)))
    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
ROUNDS = 15


def host(a: int, b: int) -> int:
    return a + b


def per_call(run: Callable[[int], object], count: int) -> float:
    """Nanoseconds a call, once."""
    start = time.perf_counter()
    run(count)
    return (time.perf_counter() - start) / count * 1e9


def main() -> None:
    ours = wa.instantiate(wa.wat2wasm(TEXT), {"env": {"h": host}}).instance.exports
    store = wasmtime.Store(wasmtime.Engine())
    i32 = wasmtime.ValType.i32()
    imported = wasmtime.Func(store, wasmtime.FuncType([i32, i32], [i32]), host)
    module = wasmtime.Module(store.engine, TEXT)
    theirs = wasmtime.Instance(store, module, [imported]).exports(store)
    add, their_add, their_loop = ours.add, theirs["add"], theirs["loop"]

    def call_ours(count: int) -> None:
        for _ in range(count):
            add(3, 4)

    def call_theirs(count: int) -> None:
        for _ in range(count):
            their_add(store, 3, 4)

    rows = [
        ("Python→Wasm add(i32, i32)", call_ours, 20_000, call_theirs, 1_000),
        ("Wasm→Python h(i32, i32)", ours.loop, 20_000, lambda n: their_loop(store, n), 1_000),
    ]
    for name, run, count, their_run, their_count in rows:
        # Turn about, so that another load on the machine meets both.
        pairs = [(per_call(run, count), per_call(their_run, their_count)) for _ in range(ROUNDS)]
        mine = statistics.median(pair[0] for pair in pairs)
        other = statistics.median(pair[1] for pair in pairs)
        best = min(pair[0] for pair in pairs)
        print(f"{name}: {mine:.0f} ns (best {best:.0f})")
        print(f"  wasmtime-py: {other:.0f} ns, {other / mine:.1f} times as long")


if __name__ == "__main__":
    main()
