"""A start function runs when the host can see the memory it points into."""

from __future__ import annotations

import os
import random

import pytest
from guests import HELLO  # type: ignore[import-not-found]

import wherever
from wherever.engine.engine import wat2wasm
from wherever.nanoprocess.start_section import START, deferred
from wherever.wasm.reader import read_module

WRITES = """
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 64) "start\\n")
  (func $main (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 6))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))"""


def test_a_start_function_writes() -> None:
    result = wherever.run(f"(module {WRITES} (start $main))".encode())
    assert (result.exit_code, result.stdout) == (0, b"start\n")


def test_it_runs_before_the_command_and_before_what_is_invoked() -> None:
    more = '(func (export "_start") (call $main)) (func (export "seven") (result i32) i32.const 7)'
    program = f"(module {WRITES} {more} (start $main))".encode()
    assert wherever.run(program).stdout == b"start\nstart\n"
    assert wherever.run(program, invoke="seven").stdout == b"start\n7\n"


def test_a_trap_in_it_is_the_guests() -> None:
    result = wherever.run(b"(module (func $f unreachable) (start $f))")
    assert result.trap is not None
    assert result.trap.code == "unreachable"


@pytest.mark.parametrize(
    "text",
    [
        "(module (func $f) (start $f))",
        '(module (func $f) (start $f) (export "g" (func $f)))',
        "(module (memory 1) (tag) (global i32 (i32.const 1)) (func $f) (start $f))",
        "(module (memory 1) (tag) (func $f) (start $f))",
        '(module (import "a" "b" (func $f)) (start $f) (table 1 funcref) (elem (i32.const 0) $f))',
    ],
)
def test_the_section_becomes_an_export(text: str) -> None:
    before = wat2wasm(text)
    after = read_module(deferred(before))
    assert after.start is None
    assert after.exports[-1].name == START
    assert [each.name for each in after.exports[:-1]] == [
        each.name for each in read_module(before).exports
    ]


def test_others_stay_as_they_are() -> None:
    module = wat2wasm(HELLO.decode())
    assert deferred(module) == module


def test_damaged_modules_do_no_harm() -> None:
    pick = random.Random(3)
    module = wat2wasm(f"(module {WRITES} (start $main))")
    for _ in range(2000):
        damaged = bytearray(module)
        for _ in range(pick.randrange(1, 4)):
            damaged[pick.randrange(8, len(damaged))] = pick.randrange(256)
        assert isinstance(deferred(bytes(damaged)), bytes)
        assert isinstance(deferred(module[: pick.randrange(8, len(module))]), bytes)
        assert isinstance(deferred(module[:8] + os.urandom(20)), bytes)
