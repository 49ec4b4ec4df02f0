"""Is no module called cheap that keeps the compiler busy?"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from wherever.engine.cost import certainly_cheap
from wherever.engine.engine import Engine, wat2wasm
from wherever.wasm.reader import read_module


def cheap(text: str) -> bool:
    return certainly_cheap(read_module(wat2wasm(text)))


def sets(variables: int) -> str:
    return "".join(
        f"(local.set {index + 1} (i64.add (local.get {index + 1})"
        f" (local.get {(index + 7) % variables + 1})))"
        for index in range(variables)
    )


def func(variables: int, body: str) -> str:
    return f"(module (func (param i32) (local {'i64 ' * variables}) {body}))"


def nested_loops(count: int, variables: int) -> str:
    again = f"{sets(variables)} (br_if 0 (local.get 0)))"
    return func(variables, "(loop " * count + again * count)


def jump_table(count: int, variables: int) -> str:
    labels = "0 " * count
    body = f"(block (br_if 0 (local.get 0)) {sets(variables)} (br_table {labels} (local.get 0)))"
    return func(variables, body + sets(variables))


def branches(count: int, variables: int) -> str:
    each = "(local.set 1 (i64.const 9)) (br_if 0 (local.get 0))"
    return func(variables, f"(block {each * count}) {sets(variables)}")


def many_functions(count: int) -> str:
    return f"(module {'(func (param i32) (block (br_if 0 (local.get 0))))' * count})"


def wide_results(count: int) -> str:
    results = f"(result {'i64 ' * count})"
    return f"(module (type $t (func {results})) (func (block (type $t) unreachable) unreachable))"


ORDINARY = """(module (memory 1) (func (export "sum") (param i32 i32) (result i32)
  (local i32 i32)
  (loop (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0))))
    (local.set 0 (i32.add (local.get 0) (i32.const 4)))
    (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
  (if (local.get 2) (then (local.set 3 (i32.const 5))))
  (local.get 2)))"""


def test_ordinary_modules_are_cheap() -> None:
    assert cheap("(module)")
    assert cheap(ORDINARY)


# Each of these took a loaded core from seconds to minutes.
@pytest.mark.parametrize(
    "text",
    [
        nested_loops(300, 300),
        nested_loops(1000, 3),
        jump_table(10_000, 100),
        branches(1000, 100),
        many_functions(20_000),
        wide_results(500),
        f"(module (type (struct {'(field i64)' * 500})))",
    ],
)
def test_what_keeps_the_compiler_busy_is_not(text: str) -> None:
    assert not cheap(text)


@pytest.mark.parametrize("make", [nested_loops, jump_table, branches])
@pytest.mark.parametrize("variables", [1, 5, 20])
def test_the_worst_that_is_cheap_compiles_quickly(
    engine: Engine, make: Callable[[int, int], str], variables: int
) -> None:
    count = next((n for n in (400, 200, 100, 50, 20, 10, 5) if cheap(make(n, variables))), 0)
    if not count:
        return  # called expensive, though it is not: that is allowed
    start = time.process_time()
    engine.compile(wat2wasm(make(count, variables)))
    assert time.process_time() - start < 5
