"""Instance create, call, free through wherever.webassembly, beside wasmtime-py, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import wasmtime

from wherever import webassembly as wa
from wherever.engine.engine import Engine
from wherever.engine.profile import Placement, Profile
from wherever.engine.store import Store

TEXT = '(module (memory (export "m") 1) (func (export "f") (result i32) (i32.const 42)))'
ROUNDS, COUNT = 15, 300


def per_instance(run: Callable[[], object]) -> float:
    """Microseconds an instance, once."""
    start = time.perf_counter()
    for _ in range(COUNT):
        run()
    return (time.perf_counter() - start) / COUNT * 1e6


def main() -> None:
    module = wa.compile(wa.wat2wasm(TEXT))
    engine = wasmtime.Engine()
    their_module = wasmtime.Module(engine, TEXT)
    demand = Engine.of(Profile(Placement.DEMAND))
    code = demand.compile(module.wasm)

    def ours() -> None:
        assert wa.Instance(module).exports.f() == 42

    def on_demand() -> None:
        with Store(demand) as store:
            assert store.instantiate(code).func("f").call() == 42

    def theirs() -> None:
        store = wasmtime.Store(engine)
        instance = wasmtime.Instance(store, their_module, [])
        assert instance.exports(store)["f"](store) == 42
        store.close()

    runs = (ours, on_demand, theirs)
    rounds = [[per_instance(run) for run in runs] for _ in range(ROUNDS)]
    columns = zip(*rounds, strict=True)
    pooled, demanded, reference = (statistics.median(column) for column in columns)
    best = min(row[0] for row in rounds)
    spent = time.process_time()
    for _ in range(10 * COUNT):
        ours()
    busy = (time.process_time() - spent) / (10 * COUNT) * 1e6
    print(f"pooled, wherever.webassembly: {pooled:.1f} us (best {best:.1f})")
    print(f"  processor time, for a machine with other work: {busy:.1f} us")
    print(f"on demand, engine room: {demanded:.1f} us")
    print(f"wasmtime-py: {reference:.1f} us, {reference / pooled:.1f} times as long")


if __name__ == "__main__":
    main()
