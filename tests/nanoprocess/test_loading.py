"""Does `wherever.load` bound what it runs in this process, and compile what is large elsewhere?"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.hosts.component.assembling import TOOLS, assemble

import wherever
from wherever.nanoprocess import compiling, loading

pytestmark = pytest.mark.skipif(TOOLS is None, reason="wasm-tools is not here")

LOOP = """(component
  (core module $m
    (memory (export "m") 1)
    (func (export "spin") (loop (br 0)))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "new") (result i32) (i32.const 7))
    (func (export "drop") (param i32) (loop (br_if 0 (i32.eq (local.get 0) (i32.const 7))))))
  (core instance $i (instantiate $m))
  (type $r (resource (rep i32) (dtor (core func $i "drop"))))
  (export $r' "r" (type $r))
  (core func $new (canon resource.new $r))
  (core module $n (import "" "new" (func $new (param i32) (result i32)))
    (func (export "make") (result i32) (call $new (i32.const 7))))
  (core instance $j (instantiate $n (with "" (instance (export "new" (func $new))))))
  (func (export "make") (result (own $r')) (canon lift (core func $j "make")))
  (func (export "spin") (canon lift (core func $i "spin")))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $i "add"))))
"""


def test_a_call_has_its_time_and_no_more() -> None:
    limits = wherever.Limits(time=0.3)
    with wherever.load(assemble(LOOP), limits=limits) as lib:
        for _ in range(3):
            assert lib.add(1, 2) == 3
            time.sleep(0.15)  # the time between calls is nobody's
        started = time.monotonic()
        with pytest.raises(wherever.LimitExceeded, match=r"0\.3"):
            lib.spin()
        assert time.monotonic() - started < 3
        with pytest.raises(wherever.GuestTrap, match="load the component again"):
            lib.add(1, 2)


def test_a_destructor_has_its_time_too() -> None:
    with wherever.load(assemble(LOOP), limits=wherever.Limits(time=0.2)) as lib:
        made = lib.make()
        time.sleep(0.3)
        with pytest.raises(wherever.LimitExceeded):
            made.drop()


def test_instances_of_one_component_run_in_parallel_threads() -> None:
    data = assemble(LOOP)

    def work(n: int) -> int:
        with wherever.load(data) as lib:
            return sum(lib.add(n, i) for i in range(200))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [200 * n + 19900 for n in range(8)]


def test_one_instance_takes_calls_from_many_threads_one_at_a_time() -> None:
    with wherever.load(assemble(LOOP)) as lib:
        wrong: list[object] = []

        def work() -> None:
            wrong.extend(x for x in (lib.add(i, 1) - i for i in range(300)) if x != 1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def test_a_large_component_is_compiled_by_a_child_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path))
    monkeypatch.setattr(loading, "_SMALL", 0)
    children: list[str] = []
    compile_ = compiling._compile

    def counted(form: str, data: bytes, limits: wherever.Limits) -> bytes:
        children.append(form)
        return compile_(form, data, limits)

    monkeypatch.setattr(compiling, "_compile", counted)
    for _ in range(2):
        with wherever.load(assemble(LOOP), limits=wherever.Limits(time=0.3)) as lib:
            assert lib.add(1, 2) == 3
            assert "resource r;" in lib.wit
            with pytest.raises(wherever.LimitExceeded):
                lib.spin()
    assert children == ["component 5 epochs"]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\0asm\1\0\0\0", "wherever.webassembly"),
        (b"(module)", "wherever.webassembly"),
        (b"hello", "not a program"),
        (b"", "not a program"),
        (b"\0asm\x0d\0\1\0\xff", "malformed component"),
    ],
)
def test_what_is_no_component_is_refused_with_where_to_go(data: bytes, what: str) -> None:
    with pytest.raises(wherever.InvalidProgram, match=what):
        wherever.load(data)


def test_an_invalid_large_component_is_refused_as_a_small_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = b"\0asm\x0d\0\1\0" + bytes([7, 2, 1, 0x10])
    with pytest.raises(wherever.InvalidProgram) as small:
        wherever.load(data)
    monkeypatch.setattr(loading, "_SMALL", 0)
    with pytest.raises(wherever.InvalidProgram) as large:
        wherever.load(data)
    assert str(small.value) == str(large.value)


def test_a_worker_runs_a_component_compiled_anew_and_from_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path))
    for _ in range(2):
        result = wherever.run(assemble(LOOP), invoke="add(40, 2)")
        assert result.stdout == b"42\n"
        assert result.status == 0
