"""Is every module from someone else compiled within limits, and only once?"""

from __future__ import annotations

import time

import pytest

from wherever import webassembly
from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.outline import Outline
from wherever.engine.profile import Profile
from wherever.errors import LimitExceeded
from wherever.nanoprocess import compiling
from wherever.policy import Limits


def expensive(loops: int, export: str = "f") -> bytes:
    """A few kilobytes that keep a compiler busy: loops over locals that all of them change."""
    sets = "".join(
        f"(local.set {index + 1} (i64.add (local.get {index + 1})"
        f" (local.get {(index + 7) % loops + 1})))"
        for index in range(loops)
    )
    again = f"{sets} (br_if 0 (local.get 0)))"
    return wat2wasm(
        f'(module (func (export "{export}") (param i32) (result i32) (local {"i64 " * loops})'
        f" {'(loop ' * loops} {again * loops} (i32.const 42)))"
    )


def hungry() -> bytes:
    """A jump table whose every label merges hundreds of locals: gigabytes in the compiler."""
    count = 1000
    sets = "".join(f"(local.set {at + 1} (i64.add (local.get {at + 1}) (local.get {count - at})))"
                   for at in range(count))  # fmt: skip
    table = f"(br_table {'0 ' * 60_000} (local.get 0))"
    return wat2wasm(
        f"(module (func (param i32) (local {'i64 ' * count})"
        f" (block (br_if 0 (local.get 0)) {sets} {table}) {sets}))"
    )


def test_a_large_module_is_compiled_by_a_child_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wasm = expensive(60)
    assert not Outline(wasm).cheap
    assert webassembly.Instance(webassembly.compile(wasm)).exports.f(0) == 42

    def unwanted(*_: object) -> bytes:
        raise AssertionError("compiled again")

    monkeypatch.setattr(compiling, "_compile", unwanted)
    monkeypatch.setattr(Engine, "compile", unwanted)
    assert webassembly.Instance(webassembly.compile(wasm)).exports.f(0) == 42


def test_a_trusted_module_compiles_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: object) -> bytes:
        raise AssertionError("a child was asked")

    monkeypatch.setattr(compiling, "_compile", unwanted)
    module = webassembly.Module(expensive(60, "trusted"), trusted=True)
    assert webassembly.Instance(module).exports.trusted(0) == 42


def test_a_child_says_what_is_wrong_with_a_module() -> None:
    broken = bytearray(expensive(60))
    at = broken.rindex(b"\x41\x2a\x0b")  # i32.const 42, end
    broken[at] = 0x42
    with pytest.raises(webassembly.CompileError, match="type mismatch"):
        webassembly.compile(broken)


def test_compiling_is_bounded_in_time_processor_and_memory() -> None:
    engine, busy = Engine.of(Profile()), expensive(200)
    for limits, wasm, name in (
        (Limits(memory=4 << 30, time=0.3, cpu=60), busy, "time"),
        (Limits(memory=4 << 30, time=60, cpu=0.3), busy, "cpu"),
        (Limits(memory=1 << 20, time=60, cpu=60), hungry(), "memory"),
    ):
        start = time.monotonic()
        with pytest.raises(LimitExceeded, match="compiling took more than the") as caught:
            compiling.compiled_module(engine, wasm, limits=limits)
        assert caught.value.limit == name
        assert time.monotonic() - start < 30
