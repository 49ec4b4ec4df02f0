"""Calls into components beside wasmtime-py's component API, in one run: medians and ratios.

python bench/component_calls.py
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wasmtime import Config, Engine, Store, component

from wherever.hosts.component.load import load_component

PROGRAMS = Path(__file__).parent.parent / "tests" / "programs" / "component"
TOOLS = shutil.which("wasm-tools", path=f"{Path(sys.executable).parent}") or "wasm-tools"


def assembled(name: str) -> bytes:
    """The component in tests/programs/component/NAME.wat."""
    return subprocess.run(
        [TOOLS, "parse", PROGRAMS / f"{name}.wat"], check=True, capture_output=True
    ).stdout


def median(call: Callable[[], Any], number: int, rounds: int = 15) -> float:
    """The median time of one call, in microseconds."""
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(number):
            call()
        times.append((time.perf_counter() - start) / number)
    return statistics.median(times) * 1e6


def reference(data: bytes) -> Callable[[str], Callable[..., Any]]:
    """The same component under wasmtime-py."""
    engine = Engine(Config())
    store = Store(engine)
    instance = component.Linker(engine).instantiate(store, component.Component(engine, data))

    def get(name: str) -> Callable[..., Any]:
        func = instance.get_func(store, name)
        assert func is not None

        def call(*args: Any) -> Any:
            result = func(store, *args)
            func.post_return(store)
            return result

        return call

    return get


def main() -> None:
    """Print the table."""
    data = assembled("echo")
    ours = load_component(data)
    theirs = reference(data)
    million = bytes(range(256)) * 4096
    rows = [
        ("add(u32, u32)", "add", (1, 2), 2000),
        ("echo(string), 5 bytes", "echo-string", ("hello",), 2000),
        ("echo(string), 1 KiB", "echo-string", ("x" * 1024,), 2000),
        ("list<u8> of 1 MiB, in", "take-bytes", (million,), 5),
        ("list<u8> of 1 MiB, echoed", "echo-bytes", (million,), 5),
    ]
    print(f"{'':28}{'wherever':>12}{'wasmtime-py':>14}{'ratio':>9}")
    for title, name, args, number in rows:
        mine = ours[name]
        other = theirs(name)
        assert mine(*args) == other(*args)
        a = median(lambda f=mine, x=args: f(*x), number)  # type: ignore[misc]
        b = median(lambda f=other, x=args: f(*x), max(1, number // 5), 5)  # type: ignore[misc]
        print(f"{title:28}{a:9.2f} µs{b:11.2f} µs{b / a:8.1f}x")
    relay = load_component(assembled("relay")).run
    count = 2000
    per_call = median(lambda: relay(count), 1) / count
    print(f"{'component to component':28}{per_call:9.2f} µs  (a 5-byte string there and back)")


if __name__ == "__main__":
    main()
