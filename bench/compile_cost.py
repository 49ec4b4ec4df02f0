"""The slowest modules that are still called cheap: what compiling in process risks.

For each family, the largest member that `engine.cost` lets through, in a module filled up with as
many copies of it as are let through.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from wherever.engine.cost import certainly_cheap
from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.profile import Profile
from wherever.wasm.reader import read_module

Make = Callable[[int], str]


def _sets(variables: int) -> str:
    return "".join(
        f"(local.set {at + 1} (i64.add (local.get {at + 1}) "
        f"(local.get {(at + 7) % variables + 1})))"
        for at in range(variables)
    )


def func(variables: int, body: str) -> str:
    """A function of an i32 and some i64 locals."""
    return f"(func (param i32) (local {'i64 ' * variables}) {body})"


def loops(variables: int) -> Make:
    again = f"{_sets(variables)} (br_if 0 (local.get 0)))"
    return lambda count: func(variables, "(loop " * count + again * count)


def rows(variables: int) -> Make:
    each = "(loop (br_if 0 (local.get 0)))"
    return lambda count: func(variables, _sets(variables) + each * count + _sets(variables))


def tables(variables: int) -> Make:
    def make(count: int) -> str:
        table = f"(br_table {'0 ' * count} (local.get 0))"
        sets = _sets(variables)
        return func(variables, f"(block (br_if 0 (local.get 0)) {sets} {table}) {sets}")

    return make


def branches(variables: int) -> Make:
    each = "(local.set 1 (i64.const 9)) (br_if 0 (local.get 0))"
    return lambda count: func(variables, f"(block {each * count}) {_sets(variables)}")


def returns(variables: int) -> Make:
    each = "(local.set 1 (i64.add (local.get 1) (i64.const 9))) (br_if 0 (local.get 0))"
    return lambda count: func(variables, f"(loop {each * count}) {_sets(variables)}")


def outward(count: int) -> str:
    inner = "".join(f"(br_if {at} (local.get 0))" for at in range(count))
    return func(0, "(loop " * count + inner + ")" * count)


def calls(count: int) -> str:
    return func(0, "(call_indirect (local.get 0))" * count)


def straight(count: int) -> str:
    each = "(drop (i64.trunc_sat_f64_u (f64.convert_i32_s (local.get 0))))"
    return func(0, each * count)


def structs(count: int) -> str:
    return func(0, "(drop (struct.new_default $s))" * count)


FAMILIES: dict[str, Make] = {
    **{f"nested loops, {n} locals": loops(n) for n in (1, 5, 12)},
    **{f"loops in a row, {n} locals": rows(n) for n in (1, 5, 12)},
    **{f"one jump table, {n} locals": tables(n) for n in (1, 5, 12)},
    **{f"branches out, {n} locals": branches(n) for n in (1, 5, 12)},
    **{f"branches back, {n} locals": returns(n) for n in (1, 5, 12)},
    "branches out of nested loops": outward,
    "indirect calls": calls,
    "conversions": straight,
    "structures": structs,
}


def module(function: str, copies: int = 1) -> bytes:
    """A module of some copies of a function."""
    types = f"(type $s (struct {'(field i64)' * 32})) (table 1 funcref)"
    return wat2wasm(f"(module {types} {function * copies})")


def cheap(function: str, copies: int = 1) -> bool:
    return certainly_cheap(read_module(module(function, copies)))


def most(test: Callable[[int], bool], limit: int) -> int:
    """The largest number that passes, as far as halving finds it."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if test(middle) else (low, middle - 1)
    return low


def main() -> None:
    engine = Engine.of(Profile())
    engine.compile(module("(func)"))
    worst = 0.0
    for name, make in FAMILIES.items():
        size = most(lambda count, make=make: cheap(make(count)), 8000)
        if not size:
            print(f"{name:32} none is called cheap")
            continue
        function = make(size)
        copies = most(lambda count, function=function: cheap(function, count), 200)
        wasm = module(function, copies)
        spent = time.process_time()
        engine.compile(wasm)
        spent = time.process_time() - spent
        worst = max(worst, spent)
        print(f"{name:32} {copies:4} functions of {size:5}: {len(wasm):6} bytes {spent:7.3f} s")
    print(f"the worst module that is compiled in process: {worst:.2f} s of processor time")


if __name__ == "__main__":
    main()
