"""Does the rest of a program come when its guest needs it, only then; and what if it does not?"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import wherever
from wherever.engine.engine import wat2wasm
from wherever.errors import InvalidProgram, LimitExceeded
from wherever.linux.bodies import SECTION
from wherever.nanoprocess import compiling
from wherever.nanoprocess.codefile import RESUME
from wherever.policy import Limits
from wherever.wasm.writer import encode_custom

FIRST = """
(module
  (import "wherever_linux" "resume_bodies" (func $bring))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global (export "wherever.x0") (mut i64) (i64.const 7))
  (table $bodies (export "wherever.bodies") 1 funcref)
  (type $resume (func (param i32)))
  (func (export "_start")
    {needs}
    (call $exit (i32.const 3))))
"""
NEEDS = (
    "(call $bring) (call $bring)(call_indirect $bodies (type $resume) (i32.const 40) (i32.const 0))"
)
REST = """
(module
  (import "program" "wherever.x0" (global $x0 (mut i64)))
  (import "program" "wherever.bodies" (table 1 funcref))
  (import "program" "memory" (memory 0))
  (func $body (param i32)
    (i32.store (i32.const 0) (i32.add (local.get 0) (i32.wrap_i64 (global.get $x0)))))
  (elem (i32.const 0) $body))
"""
CHECKED = f"{NEEDS} (if (i32.ne (i32.load (i32.const 0)) (i32.const 47)) (then (unreachable)))"


def program(rest: bytes | None, needs: str = CHECKED, mark: str = "") -> bytes:
    """A module that runs `needs`, with that rest; `mark` makes another program of it."""
    module = wat2wasm(FIRST.replace("{needs}", needs))
    if rest is not None:
        module += encode_custom(SECTION, rest)
    return module + encode_custom("mark", mark.encode())


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The forms that a child was asked for."""
    forms: list[str] = []
    inner = compiling._compile

    def noted(form: str, data: bytes, limits: Limits) -> bytes:
        forms.append(form)
        return inner(form, data, limits)

    monkeypatch.setattr(compiling, "_compile", noted)
    return forms


def test_the_rest_is_compiled_when_it_is_needed_and_once(made: list[str]) -> None:
    wasm = program(wat2wasm(REST), mark="once")
    assert wherever.run(wasm).exit_code == 3
    assert made[1:] == [RESUME]
    assert wherever.run(wasm).exit_code == 3
    assert made[1:] == [RESUME]


def test_what_is_not_needed_is_not_compiled(made: list[str]) -> None:
    assert wherever.run(program(b"no module", needs="")).exit_code == 3
    assert RESUME not in made


def test_a_program_without_its_rest(made: list[str]) -> None:
    wasm = program(wat2wasm(REST), mark="cut").replace(SECTION.encode(), b"wherever.absent")
    with pytest.raises(InvalidProgram, match="has none"):
        wherever.run(wasm, check=True)
    assert RESUME not in made


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (b"no module", "magic|malformed|not a"),
        (wat2wasm('(module (import "program" "wherever.x1" (global (mut i64))))'), "wherever.x1"),
        (wat2wasm('(module (import "program" "memory" (global (mut i64))))'), "memory"),
        (wat2wasm('(module (import "env" "f" (func)))'), "env"),
    ],
)
def test_a_rest_that_does_not_fit_is_refused(rest: bytes, words: str) -> None:
    with pytest.raises(InvalidProgram, match=words):
        wherever.run(program(rest), check=True)


def test_a_rest_that_begins_with_a_trap() -> None:
    rest = wat2wasm("(module (func $f unreachable) (start $f))")
    result = wherever.run(program(rest))
    assert result.trap is not None
    assert result.trap.code == "unreachable"


def slowly(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let compiling a rest take so long."""
    inner = compiling._compile

    def slow(form: str, data: bytes, limits: Limits) -> bytes:
        time.sleep(seconds * (form == RESUME))
        return inner(form, data, limits)

    monkeypatch.setattr(compiling, "_compile", slow)


def test_the_guests_time_stands_still_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch, 1.5)
    limits = Limits(time=1.0)
    assert wherever.run(program(wat2wasm(REST), mark="still"), limits=limits).exit_code == 3
    loops = program(wat2wasm(REST), needs=f"{NEEDS} (loop (br 0))", mark="loops")
    began = time.monotonic()
    result = wherever.run(loops, limits=limits)
    assert result.limit is not None
    assert result.limit.limit == "time"
    assert time.monotonic() - began > 2.0


def test_a_guest_that_waits_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch, 1.0)
    with wherever.spawn(program(wat2wasm(REST), mark="killed")) as guest:
        time.sleep(0.4)
        began = time.monotonic()
        guest.kill()
        assert guest.wait(10).signal == 9
        assert time.monotonic() - began < 0.8


def test_what_compiling_it_may_take_is_the_runs_error(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = compiling._compile

    def refused(form: str, data: bytes, limits: Limits) -> bytes:
        if form == RESUME:
            raise LimitExceeded("compiling took too long", limit="time")
        return inner(form, data, limits)

    monkeypatch.setattr(compiling, "_compile", refused)
    with pytest.raises(LimitExceeded, match="compiling took too long"):
        wherever.run(program(wat2wasm(REST), mark="refused"))


def test_a_program_that_changed_while_it_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    padding = encode_custom("padding", bytes(1 << 20))  # large: it is not held while it runs
    path = tmp_path / "program.wasm"
    path.write_bytes(program(wat2wasm(REST), mark="changed") + padding)
    assert wherever.run(path).exit_code == 3
    compiled = compiling.found_compiled

    def forgotten(*arguments: object) -> list[int] | None:
        if RESUME in arguments:
            return None
        found = compiled(*arguments)  # type: ignore[arg-type]
        path.write_bytes(program(wat2wasm(REST), mark="changer") + padding)
        return found

    monkeypatch.setattr(compiling, "found_compiled", forgotten)
    with pytest.raises(InvalidProgram, match="changed while it ran"):
        wherever.run(path)


def test_a_compiled_file_holds_it(tmp_path: Path, made: list[str]) -> None:
    path = tmp_path / "program.cwasm"
    path.write_bytes(compiling.compiled(program(wat2wasm(REST), mark="file")))
    made.clear()
    assert wherever.run(path).exit_code == 3
    assert not made
