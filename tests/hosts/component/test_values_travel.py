"""Can a component's values be copied, pickled, given to another load of it, and be told apart?"""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest
from tests.hosts.component.assembling import TOOLS, assemble
from tests.hosts.component.mirroring import mirror

from wherever.component.canonical.values import Ok, ResultError, Some
from wherever.hosts.component.command import call_by_text
from wherever.hosts.component.load import LoadedComponent, load_component
from wherever.policy import Malformed

pytestmark = pytest.mark.skipif(TOOLS is None, reason="wasm-tools is not here")

TYPES = """
  record point { x: s32, y: s32 }
  record track { name: string, points: list<point>, heights: list<f64>, best: option<option<u8>> }
  variant shape { nothing, circle(f64), route(track) }
  enum color { red, dark-blue }
  flags access { read, write }
  variant failure { busy, lost(string) }
  echo-track: func(v: track) -> track;
  echo-shape: func(v: shape) -> shape;
  echo-color: func(v: color) -> color;
  echo-access: func(v: access) -> access;
  echo-numbers: func(v: list<u32>) -> list<u32>;
  echo-floats: func(v: list<f64>) -> list<f64>;
  attempt: func(v: u32) -> result<u32, failure>;
"""


def world(version: str, types: str = TYPES) -> str:
    return f"""package test:travel@{version};
interface values {{ {types} }}
world w {{ import values; export values; }}
"""


class Values:
    """Gives back what it is given, but refuses small numbers."""

    failure: Any = None

    def __getattr__(self, name: str) -> Any:
        return lambda v: v

    def attempt(self, v: int) -> int:
        if v < 10:
            raise ResultError(self.failure)
        return v


def loaded(version: str = "1.0.0", types: str = TYPES) -> tuple[LoadedComponent, Values]:
    host = Values()
    made = load_component(mirror(world(version, types)), {"test:travel/values": host})
    return made, host


def examples(values: Any) -> list[Any]:
    point, track = values.Point(1, -2), values.Track
    long = track("x", [point, point], memoryview(b"\0" * 16).cast("d"), Some(None))
    return [
        point,
        values.echo_track(track("x", [point], [1.5, 2.5], Some(3))),
        long,
        values.Shape.Nothing(),
        values.Shape.Route(long),
        values.Color.DARK_BLUE,
        values.Access.READ | values.Access.WRITE,
        values.Access(0),
    ]


def test_values_are_copied_and_pickled() -> None:
    guest, _ = loaded()
    with guest:
        for value in examples(guest.values):
            for other in (
                copy.copy(value),
                copy.deepcopy(value),
                pickle.loads(pickle.dumps(value)),
            ):
                assert other == value
                assert type(other) is type(value)


def test_another_process_makes_the_class_again() -> None:
    guest, host = loaded()
    with guest:
        host.failure = guest.values.Failure.Lost("key")
        with pytest.raises(ResultError) as raised:
            guest.values.attempt(1)
        data = pickle.dumps([*examples(guest.values), Ok(guest.values.Color.RED), raised.value])
    script = (
        "import pickle, sys\n"
        "for value in pickle.loads(sys.stdin.buffer.read()): print(type(value).__name__, value)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=data, capture_output=True, check=True
    )
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "Point Point(x=1, y=-2)"
    assert lines[-1].startswith("FailureError")
    assert "Failure.Lost('key')" in lines[-1]
    assert len(lines) == 10


def test_two_loads_of_a_component_share_the_classes_of_values() -> None:
    (one, _), (two, _) = loaded(), loaded()
    with one, two:
        assert one.values.Point is two.values.Point
        for value in examples(one.values)[3:5]:
            assert two.values.echo_shape(value) == value


def test_classes_of_equal_name_are_told_apart_in_the_message() -> None:
    longer = TYPES.replace("y: s32", "y: s32, z: s32").replace("red,", "red, green,")
    (one, _), (two, _) = loaded(), loaded("2.0.0", longer)
    with one, two:
        path = r"echo-track: argument 'v'.points\[0\]: expected a Point of test:travel/values@2.0.0"
        with pytest.raises(TypeError, match=rf"{path} .*, got one of test:travel/values@1\.0\.0"):
            two.values.echo_track(two.values.Track("", [one.values.Point(1, 2)], [], None))
        with pytest.raises(TypeError, match=r"expected a Color of .*@2.*, got one of .*@1"):
            two.values.echo_color(one.values.Color.RED)
        with pytest.raises(TypeError, match=r"expected a Shape\.Circle of .*@2.* one of .*@1"):
            two.values.echo_shape(one.values.Shape.Circle(1.0))


def test_buffers_of_any_byte_order_and_width() -> None:
    np = pytest.importorskip("numpy")
    guest, _ = loaded()
    with guest:
        for kind in ("<u4", ">u4", ">u2", "<i8", ">i8", "u1", object):
            given = np.array([1, 2, 200], dtype=kind)
            assert list(guest.values.echo_numbers(given)) == [1, 2, 200], kind
            assert list(guest.values.echo_numbers(given[::-1])) == [200, 2, 1], kind
        for kind in ("<f8", ">f8", ">f4", "f2", ">f2", np.longdouble, "u1", ">i2"):
            assert list(guest.values.echo_floats(np.array([1, 2], dtype=kind))) == [1, 2], kind
        argument = r"argument 'v'"
        for wrong, message in (
            (np.array([-1], dtype=">i4"), r"argument 'v'\[0\]: expected u32 \(0\.\."),
            (np.array(["a"]), r"argument 'v'\[0\]: expected u32, got"),
            (np.zeros((2, 2), "u4"), f"{argument}: expected a list, of one dimension and not 2"),
            (np.array(5), f"{argument}: expected a list, of one dimension and not 0"),
            (memoryview(np.zeros((2, 2), "u4")), f"{argument}: expected a list, of one dimension"),
            (np.array([True]), "expected u32, got True"),
            (np.zeros(2, [("a", "u4")]), "expected u32"),
            (np.array(["2020-01-01"], "M8[D]"), "expected u32"),
            (np.array([1.0]), "expected u32, got 1.0"),
        ):
            with pytest.raises((TypeError, ValueError), match=message):
                guest.values.echo_numbers(wrong)
        with pytest.raises(TypeError, match=r"'v'\[0\]: expected f64, got np.complex128"):
            guest.values.echo_floats(np.array([1 + 0j]))
        assert list(guest.values.echo_numbers([5])) == [5]  # and nothing was poisoned


def test_a_resource_is_given_away_once() -> None:
    text = """(component
      (type $r' (resource (rep i32)))
      (export $r "thing" (type $r'))
      (core func $new (canon resource.new $r'))
      (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (memory (export "mem") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
        (func (export "two") (param i32 i32) (result i32) (i32.const 2)))
      (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
      (alias core export $i "mem" (core memory $mem))
      (func (export "[constructor]thing") (param "n" u32) (result (own $r))
        (canon lift (core func $i "make")))
      (func (export "[static]thing.both") (param "a" (own $r)) (param "b" (own $r)) (result u32)
        (canon lift (core func $i "two")))
      (func (export "[static]thing.mixed") (param "a" (own $r)) (param "b" (borrow $r)) (result u32)
        (canon lift (core func $i "two")))
      (func (export "[static]thing.lent") (param "a" (borrow $r)) (param "b" (borrow $r))
        (result u32) (canon lift (core func $i "two")))
      (func (export "[static]thing.all") (param "of" (list (tuple u8 (option (own $r)))))
        (result u32)
        (canon lift (core func $i "two") (memory $mem) (realloc (core func $i "realloc")))))"""
    guest: Any = load_component(assemble(text))
    with guest:
        thing = guest.Thing
        one, two = thing(1), thing(2)
        with pytest.raises(ValueError, match="given away and given again"):
            thing.both(one, one)
        with pytest.raises(ValueError, match="given away and lent again"):
            thing.mixed(one, one)
        with pytest.raises(ValueError, match="given away and given again"):
            thing.all([(1, one), (1, None), (3, two), (2, one)])
        assert thing.lent(one, one) == 2
        assert thing.both(one, two) == 2
        for call in (thing.both, thing.mixed, thing.lent):
            with pytest.raises(ValueError, match=r"'a': this thing was dropped or given away"):
                call(one, thing(3))
        kept = thing(5)
        for copied in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="neither copied nor pickled"):
                copied(kept)
        assert thing.all([(1, kept), (2, thing(4))]) == 2

        class Mine(thing):  # type: ignore[misc, valid-type]  # a class known at run time
            pass

        class Empty(thing):  # type: ignore[misc, valid-type]
            def __init__(self) -> None:
                pass

        assert thing.lent(Mine(1), Mine(2)) == 2
        with pytest.raises(ValueError, match="never made"):
            thing.lent(Empty(), Mine(2))


def test_a_wrong_invocation_says_where_and_how_it_would_be_right() -> None:
    guest, _ = loaded()
    with guest:
        assert call_by_text(guest, "values#attempt(50)") == "ok(50)"
        assert call_by_text(guest, "test:travel/values@1.0.3#attempt(50)") == "ok(50)"
        for call, message in (
            ("echo-color(green)", "one of red, dark-blue at column 12.*\n.*func\\(v: color\\)"),
            ("echo-color", "argument v is missing"),
            ("echo-numbers([1, -2])", r"v\[1\]: expected u32 \(0\.\.4294967295\), got -2"),
            ("echo-track", "echo-track: func\\(v: track\\) -> track"),
            ("nope#attempt(1)", "no function 'nope#attempt'"),
            ("echo-colour(red)", "\n +test:travel/values@1.0.0#echo-color: func"),
        ):
            with pytest.raises(Malformed, match=message):
                call_by_text(guest, call)
