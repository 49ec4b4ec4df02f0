from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable

import pytest

from wherever.engine import shared
from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.profile import Profile
from wherever.engine.shared import SharedModule
from wherever.engine.store import Store
from wherever.wasm.types import I32, I64, FuncType

WAT = """(module
  (import "abi" "add" (func $add (param i32 i32) (result i32)))
  (import "abi" "wide" (func $wide (param i32 i64)))
  (func (export "add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "wide") (param i32 i64) (call $wide (local.get 0) (local.get 1))))"""
TYPES = {"add": FuncType((I32, I32), (I32,)), "wide": FuncType((I32, I64), ())}


class Environment:
    def __init__(self, more: int) -> None:
        self.more = more
        self.seen: list[tuple[int, int]] = []
        self.bound: list[str] = []


def bind(environment: Environment, name: str) -> Callable[..., int | None]:
    environment.bound.append(name)
    if name == "add":
        return lambda one, two: (one + two + environment.more) & 0xFFFFFFFF

    def wide(one: int, two: int) -> None:
        environment.seen.append((one, two))
        if one == 13:
            raise KeyError("thirteen")

    return wide


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.of(Profile())


def test_each_store_reaches_its_own_environment(engine: Engine) -> None:
    code = engine.compile(wat2wasm(WAT))
    prepared = SharedModule("abi", TYPES, bind).prepare(code)
    assert prepared is not None
    one, two = Environment(100), Environment(200)
    with Store(engine) as first, Store(engine) as second:
        in_first = prepared.instantiate(first, code, one)
        in_second = prepared.instantiate(second, code, two)
        assert in_first.func("add").call(1, 2) == 103
        assert in_second.func("add").call(1, 2) == 203
        assert in_first.func("add").call(-1, 0) == 99  # unsigned in
        in_second.func("wide").call(-1, -1)
        assert two.seen == [(0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)]
        assert (one.bound, two.bound) == (["add"], ["add", "wide"])


def test_an_exception_comes_out_of_the_store_it_was_raised_in(engine: Engine) -> None:
    code = engine.compile(wat2wasm(WAT))
    prepared = SharedModule("abi", TYPES, bind).prepare(code)
    assert prepared is not None
    with Store(engine) as store:
        instance = prepared.instantiate(store, code, Environment(0))
        with pytest.raises(KeyError, match="thirteen"):
            instance.func("wide").call(13, 0)
        assert instance.func("add").call(1, 1) == 2


def test_threads_with_stores_of_their_own(engine: Engine) -> None:
    code = engine.compile(wat2wasm(WAT))
    prepared = SharedModule("abi", TYPES, bind).prepare(code)
    assert prepared is not None
    wrong: list[int] = []

    def run(more: int) -> None:
        with Store(engine) as store:
            add = prepared.instantiate(store, code, Environment(more)).func("add").call
            wrong.extend(index for index in range(500) if add(index, 0) != index + more)

    threads = [threading.Thread(target=run, args=(more * 1000,)) for more in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_callbacks_outlive_the_shared_module(engine: Engine) -> None:
    code = engine.compile(wat2wasm(WAT))
    module = SharedModule("abi", TYPES, bind)
    prepared = module.prepare(code)
    assert prepared is not None
    kept = weakref.ref(prepared._callbacks["add"])
    del module
    gc.collect()
    assert kept() is not None
    with Store(engine) as store:
        instance = prepared.instantiate(store, code, Environment(7))
        del prepared
        gc.collect()
        assert kept() is not None
        assert instance.func("add").call(1, 2) == 10


def test_a_module_with_other_imports_is_not_prepared(engine: Engine) -> None:
    module = SharedModule("abi", TYPES, bind)
    other = engine.compile(wat2wasm('(module (import "env" "f" (func)))'))
    mistyped = engine.compile(wat2wasm('(module (import "abi" "add" (func (param i64))))'))
    assert module.prepare(other) is None
    assert module.prepare(mistyped) is None


def test_one_environment_a_store(engine: Engine) -> None:
    code = engine.compile(wat2wasm(WAT))
    prepared = SharedModule("abi", TYPES, bind).prepare(code)
    assert prepared is not None
    with Store(engine) as store:
        prepared.instantiate(store, code, Environment(0))
        with pytest.raises(ValueError, match="environment"):
            prepared.instantiate(store, code, Environment(0))


def test_nothing_is_left_of_a_closed_store(engine: Engine) -> None:
    gc.collect()
    before = len(shared._tables)
    code = engine.compile(wat2wasm(WAT))
    prepared = SharedModule("abi", TYPES, bind).prepare(code)
    assert prepared is not None
    for _ in range(10):
        with Store(engine) as store:
            prepared.instantiate(store, code, Environment(0)).func("add").call(1, 2)
    gc.collect()
    assert len(shared._tables) == before
