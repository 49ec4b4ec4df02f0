"""Are resume bodies put where their host can use them, and do they do there what they did?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import wherever
from wherever.aot.pipeline import translate
from wherever.engine.engine import Engine
from wherever.engine.profile import Profile
from wherever.linux.bodies import NAME, PROGRAM, SECTION, bodies_of
from wherever.linux.module import personality
from wherever.wasm.names import names_of
from wherever.wasm.reader import read_module

Guest = Callable[..., Path]
PROGRAMS = Path(__file__).parents[1] / "programs"
AARCH64 = ("-target", "aarch64-linux-musl", "-static")
# each enters resume bodies: suspended tail calls, handlers, blocks that begin anew
ENTERING = ("tails.S", "links.S", "nans.c", "fused.c", "handed.S")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["wasi", "wherever"])
def test_two_modules_where_the_host_can_bring_one(target: str, guest: Guest) -> None:
    program = guest(PROGRAMS / "nans.c", *AARCH64, "-nostdlib", "-ffreestanding", "-O2", "-s")
    done = translate(program.read_bytes(), personality(target))
    engine = Engine.of(Profile())
    engine.validate(done.wasm)
    module = read_module(done.wasm)
    second = bodies_of(module)
    assert (second is not None) == (target == "wherever")
    if second is None:
        return
    engine.validate(second)
    other = read_module(second)
    assert names_of(other).module() == NAME
    assert {item.module for item in other.imports} == {PROGRAM}
    assert {item.name for item in other.imports} <= {item.name for item in module.exports}
    assert len(second) < done.sizes.resume + 20_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ENTERING)
def test_programs_that_enter_them(name: str, guest: Guest, qemu: str) -> None:
    program = guest(PROGRAMS / name, *AARCH64, "-nostdlib", "-ffreestanding", "-O2", "-s")
    done = subprocess.run([qemu, str(program)], capture_output=True, timeout=60, check=False)
    ours = wherever.run(program)
    assert (ours.status, ours.stdout) == (done.returncode, done.stdout)


@pytest.mark.slow
def test_a_function_in_the_range_of_another_needs_none(guest: Guest) -> None:
    assert _alone(guest(PROGRAMS / "hidden.S", *AARCH64, "-nostdlib", "-s")) == (42, b"")


@pytest.mark.slow
def test_an_ordinary_program_needs_none(guest: Guest, tmp_path: Path) -> None:
    """Though musl's `_start` ends with a jump to another function."""
    source = tmp_path / "hello.c"
    source.write_text('#include <stdio.h>\nint main(void) { return printf("%g\\n", 1.5); }')
    assert _alone(guest(source, *AARCH64, "-O2")) == (4, b"1.5\n")


def _alone(program: Path) -> tuple[int, bytes]:
    """What the program does without its resume bodies."""
    wasm = translate(program.read_bytes(), personality("wherever")).wasm
    result = wherever.run(wasm.replace(SECTION.encode(), b"wherever.absent"))
    return result.status, result.stdout
