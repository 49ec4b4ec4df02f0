"""Times a WASI nanoprocess in process: created, run to its end, freed.

    python bench/wasi_instance.py [ROUNDS]

The guest writes one line to captured standard output and ends. Reference: wasmtime-py with its own
WASI, alternating with ours in one run (it can send output to a file only: /dev/null).
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from wasi_guests import RUN

from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.hosts.wasi.command import run_command
from wherever.policy import Grants
from wherever.system.streams import CapturedOutput, NoStream
from wherever.system.surroundings import surroundings

REPEATS = 300


def mine(wasm: bytes) -> Callable[[], None]:
    """One nanoprocess of ours."""
    engine = Engine.of(Profile())
    code = engine.compile(wasm)
    grants = Grants()

    def once() -> None:
        out = CapturedOutput()
        around = surroundings(grants, streams=(NoStream(), out, NoStream()))
        with Store(engine) as store:
            run_command(store, code, around)
        around.close()
        assert out.data == b"data"

    return once


def theirs(wasm: bytes) -> Callable[[], None]:
    """One instance of wasmtime-py's."""
    import wasmtime

    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, wasm)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()

    def once() -> None:
        store = wasmtime.Store(engine)
        config = wasmtime.WasiConfig()
        config.stdout_file = "/dev/null"
        store.set_wasi(config)
        start = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        start(store)
        store.close()

    return once


def main(rounds: int) -> None:
    """Both, alternating: medians of rounds, wall-clock and CPU time."""
    wasm = wat2wasm(RUN)
    contenders = {"ours": mine(wasm), "wasmtime-py": theirs(wasm)}
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, once in contenders.items():
            once()
            begun, used = time.perf_counter(), time.process_time()
            for _ in range(REPEATS):
                once()
            wall[name].append((time.perf_counter() - begun) / REPEATS * 1e6)
            cpu[name].append((time.process_time() - used) / REPEATS * 1e6)
    for name in contenders:
        print(
            f"{name:12} {statistics.median(wall[name]):7.1f} us   "
            f"(best {min(wall[name]):.1f}; CPU {statistics.median(cpu[name]):.1f})"
        )
    ratio = statistics.median(wall["wasmtime-py"]) / statistics.median(wall["ours"])
    print(f"{ratio:.2f} x faster")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
