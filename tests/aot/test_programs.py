"""Does a translated program do what qemu says it does?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from wherever.aot.pipeline import translate

Guest = Callable[..., Path]
PROGRAMS = Path(__file__).parents[1] / "programs"
AARCH64 = ("-target", "aarch64-linux-musl", "-static")


def outcome(command: list[str]) -> tuple[int, bytes]:
    done = subprocess.run(command, capture_output=True, timeout=60)
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_control_flow(
    level: str, guest: Guest, stub: bytes, wasmtime: str, qemu: str, tmp_path: Path
) -> None:
    program = guest(PROGRAMS / "control.c", *AARCH64, level)
    module = tmp_path / "control.wasm"
    first = translate(program.read_bytes(), stub)
    module.write_bytes(first.wasm)
    assert first.illegal == {}
    assert outcome([wasmtime, "run", str(module)]) == outcome([qemu, str(program)])
    # the same ELF gives the same bytes
    assert translate(program.read_bytes(), stub).wasm == first.wasm


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "fib.S",
        "thread_pointer.S",
        "switches.S",
        "entries.S",
        "handed.S",
        "tails.S",
        "inlined.S",
        "nans.c",
        "fused.c",
        "links.S",
        "hidden.S",
    ],
)
def test_assembly_without_a_libc(
    name: str, guest: Guest, stub: bytes, wasmtime: str, qemu: str, tmp_path: Path
) -> None:
    program = guest(PROGRAMS / name, *AARCH64, "-nostdlib", "-ffreestanding", "-O2", "-s")
    module = tmp_path / "program.wasm"
    module.write_bytes(translate(program.read_bytes(), stub).wasm)
    assert outcome([wasmtime, "run", str(module)]) == outcome([qemu, str(program)])
