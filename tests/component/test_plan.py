"""Does a plan hold what instantiating needs, as it was, and nothing but values of our classes?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wherever.component import plan, syntax
from wherever.component import types as ct
from wherever.component.facts import Validated
from wherever.component.read import read_component
from wherever.component.validate import validate
from wherever.component.wit.document import show_component
from wherever.engine.engine import Engine
from wherever.engine.profile import Placement, Profile
from wherever.errors import InvalidProgram
from wherever.hosts.component.census import census
from wherever.hosts.component.load import load_validated
from wherever.wasm import types as core

TOOLS = shutil.which("wasm-tools", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
pytestmark = pytest.mark.skipif(TOOLS is None, reason="wasm-tools is not here")

WAT = """(component
  (import "host" (instance $host
    (export "thing" (type $thing (sub resource)))
    (type $r (record (field "a" u8) (field "b" (tuple u8))))
    (export "r" (type $r' (eq $r)))
    (export "[constructor]thing" (func (param "n" u32) (result (own $thing))))
    (export "get" (func (param "t" (borrow $thing)) (param "r" $r') (result u32)))))
  (alias export $host "get" (func $get))
  (alias export $host "r" (type $r))
  (alias export $host "thing" (type $thing))
  (core module $m
    (import "h" "get" (func $get (param i32 i32 i32) (result i32)))
    (import "h" "drop" (func $drop (param i32)))
    (memory (export "m") 1)
    (global (export "g") i32 (i32.const 7))
    (tag (export "t") (param i32))
    (func (export "f") (param i32 i32 i32) (result i32)
      (call $get (local.get 0) (local.get 1) (local.get 2))
      (call $drop (local.get 0))))
  (core func $get' (canon lower (func $get)))
  (core func $drop (canon resource.drop $thing))
  (core instance $i (instantiate $m (with "h" (instance
    (export "get" (func $get')) (export "drop" (func $drop))))))
  (type $e (enum "x" "y")) (type $fl (flags "p" "q"))
  (export $e' "e" (type $e)) (export $fl' "fl" (type $fl)) (export $r' "r" (type $r))
  (func $f (param "t" (borrow $thing)) (param "r" $r') (result u32) (canon lift (core func $i "f")))
  (component $c
    (import "f" (func $f (param "x" u32) (result u32)))
    (core module $m2 (import "" "f" (func $f (param i32) (result i32)))
      (func (export "g") (result i32) (i32.add (i32.const 1) (call $f (i32.const 41)))))
    (core func $f' (canon lower (func $f)))
    (core instance $i (instantiate $m2 (with "" (instance (export "f" (func $f'))))))
    (func (export "g") (result u32) (canon lift (core func $i "g"))))
  (component $d
    (core module $m3 (func (export "id") (param i32) (result i32) (local.get 0)))
    (core instance $i3 (instantiate $m3))
    (func (export "id") (param "x" u32) (result u32) (canon lift (core func $i3 "id"))))
  (instance $d1 (instantiate $d))
  (instance $c1 (instantiate $c (with "f" (func $d1 "id"))))
  (export "inner" (instance $c1))
  (export "call" (func $f)))"""


class Thing:
    def __init__(self, n: int) -> None:
        self.n = n


class Host:
    Thing = Thing

    def get(self, t: Thing, r: Any) -> int:
        return t.n * int(r.a)


def component(tmp_path: Path, wat: str = WAT) -> Validated:
    assert TOOLS is not None
    (tmp_path / "c.wat").write_text(wat)
    subprocess.run([TOOLS, "parse", tmp_path / "c.wat", "-o", tmp_path / "c.wasm"], check=True)
    return validate(read_component((tmp_path / "c.wasm").read_bytes()))


def test_what_is_unpacked_shows_and_runs_as_what_was_packed(tmp_path: Path) -> None:
    before = component(tmp_path)
    after: Validated = plan.unpack(plan.pack(before))
    assert after.component.data == b""
    assert show_component(after) == show_component(before)
    assert plan.pack(after) == plan.pack(before)
    data = before.component.data
    engine = Engine.of(Profile(Placement.DEMAND))
    with load_validated(
        after,
        {"host": Host()},
        engine=engine,
        codes=lambda module: engine.compile(data[module.start : module.end]),
        count=census(before),
    ) as loaded:
        assert loaded.call(Thing(9), loaded.R(1, (2,))) == 9
        assert loaded.inner.g() == 42


def test_one_type_stays_one(tmp_path: Path) -> None:
    after: Validated = plan.unpack(plan.pack(component(tmp_path)))
    bound = after.type.exports["r"]
    call = after.type.exports["call"]
    assert isinstance(bound, ct.TypeBound)
    assert isinstance(call, ct.FuncType)
    assert call.params[1][1] is bound.type


def test_long_tuples_are_columns_and_come_back_as_they_were() -> None:
    same = core.FuncType((core.NumType.I32,), ())
    aliases = [syntax.AliasCoreExport(n, syntax.CoreSort.FUNC, 0, f"f{n}") for n in range(20)]
    other = syntax.AliasExport(3, syntax.Sort.TYPE, 1, "t")
    whole = (
        (other, *aliases[:3], other, *aliases, other),
        tuple(("env", f"name {n}", same) for n in range(9)),
        tuple((f"x{n}", syntax.SortIdx(syntax.CoreSort.GLOBAL, n)) for n in range(9)),
        (None, 1, "a", True, (), same),
        (1, 2, 3, 4, 5, 6),
        tuple(core.FuncType((core.NumType.I32,), ()) for _ in range(6)),
        ((1,), (1, 2), (), (), (), ()),
        (1, True, 1, 1, 1, 1),
    )
    packed = plan.pack(whole)
    after = plan.unpack(packed)
    assert after == whole
    assert [each is after[5][0] for each in after[5]] == [True] * 6
    assert after[7][1] is True
    assert len(packed) < 2000


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[", b"{}", b"7", b"[]", b"[[0]]", b"[[9999, 1], [0]]", b"[[7], [3]]", b"[[0, 1]]",
        b"[[19, [0]], [0]]", b"\xff", b"[[13, \"nope\"], [0]]", b"[" * 100_000,
        b'[[2, {"is": 1, "n": 1000000000000}]]', b'[[2, {"at": [7]}]]',
        b'[[2, {"of": 999, "by": []}]]',
        b'[[2, {"by": [[1], [1, 2]]}]]', b'[[2, {"is": 1, "n": "x"}]]', b'[[2, 7]]', b'[[2, {}]]',
    ],
)  # fmt: skip
def test_a_damaged_plan_is_refused_or_is_plain_values(text: bytes) -> None:
    try:
        found = plan.unpack(text)
    except InvalidProgram:
        return
    json.dumps(found)
