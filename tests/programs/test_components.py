"""Do real components, by other projects' tools, get and give every value as it is?

One world (`component/real/everything.wit`), guests in C, Python and JavaScript. C is built here;
the others where `make components` has built them.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import real_components
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.component.test_canonical import neutral, plain, to_python

import wherever
from wherever.component import types as ct
from wherever.component.canonical.values import Err, Ok, ResultError, Some
from wherever.component.layout import cases_of, fields_of
from wherever.hosts.component.host import LinkError
from wherever.hosts.component.load import LoadedComponent

REAL = Path(__file__).parent / "component" / "real"
LARGE = ("python", "js")  # 12 and 18 MB: a quarter of a minute to compile where no cache has them

build = real_components.builder()


class Sink:
    """The host's resource."""

    dropped = 0

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []

    def write(self, line: str) -> int:
        self.lines.append(line)
        return len(self.lines)

    @staticmethod
    def total(of: list[Sink]) -> int:
        return sum(len(sink.lines) for sink in of)

    @staticmethod
    def __drop__(_: object) -> None:
        Sink.dropped += 1


class Log:
    """The host's interface."""

    Sink = Sink

    def transform(self, value: int) -> int:
        if value > 5:
            raise ResultError("far too many")
        return value * 10

    def apply(self, values: Any) -> Any:
        return np.asarray(values) * 2


HOST = {"test:everything/log@1.0.0": Log()}


def as_the_tool_has_it(kind: str, t: ct.ValType, value: Any) -> Any:
    """A neutral value, without the integers that a tool's own glue gets wrong.

    wasmtime 49 gives the same wrong answers: componentize-js 0.23 takes no u32 from 2^31 on and no
    negative s64, componentize-qjs 0.4.5 no 64-bit integer beyond 2^53.
    """
    if kind not in ("js", "qjs"):
        return value
    match t:
        case ct.PrimType(prim):
            return as_the_tool_has_it(kind, prim, value)
        case ct.Prim.U32 if kind == "js":
            return value & 0x7FFFFFFF
        case ct.Prim.S64 if kind == "js":
            return value & (1 << 63) - 1
        case ct.Prim.U64 | ct.Prim.S64 if kind == "qjs":
            return value >> 11
        case ct.ListType(element):
            return [as_the_tool_has_it(kind, element, item) for item in value]
        case ct.RecordType() | ct.TupleType():
            parts = zip(fields_of(t), value, strict=True)
            return tuple(as_the_tool_has_it(kind, x, item) for x, item in parts)
        case ct.VariantType() | ct.OptionType() | ct.ResultType():
            index, payload = value
            case = cases_of(t)[index]
            return index, None if case is None else as_the_tool_has_it(kind, case, payload)
        case _:
            return value


def drawn(guest: LoadedComponent, t: ct.ValType, data: st.DataObject) -> Any:
    """A random value of a type, of the guest's classes."""
    value = as_the_tool_has_it(KIND[guest], t, data.draw(neutral(t)))
    return to_python(t, value, guest.values.classes())


KIND: dict[LoadedComponent, str] = {}


@pytest.fixture(scope="module", params=[kind for kind in build.KINDS if kind != "command"])
def guest(request: pytest.FixtureRequest) -> Iterator[LoadedComponent]:
    kind: str = request.param
    if kind in LARGE and not request.config.getoption("--whole"):
        pytest.skip("large: make components runs it")
    if kind == "c":
        if not build.build("c"):
            pytest.skip("zig or wasm-tools is not here")
    elif not build.component(kind).exists():
        pytest.skip("make components builds it")
    with wherever.load(build.component(kind), host=HOST) as loaded:
        KIND[loaded] = kind
        yield loaded


def echoes() -> list[str]:
    text = (REAL / "everything.wit").read_text()
    names = [line.split(":")[0].strip() for line in text.splitlines() if "  echo-" in line]
    return [name for name in names if name != "echo-wide"]


@pytest.mark.parametrize("name", echoes())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_every_value_comes_back(guest: LoadedComponent, name: str, data: st.DataObject) -> None:
    ft = guest.values.externs[name]
    assert isinstance(ft, ct.FuncType)
    t = ft.params[0][1]
    given = drawn(guest, t, data)
    assert plain(guest.values[name](given)) == plain(given)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_many_parameters_come_back(guest: LoadedComponent, data: st.DataObject) -> None:
    ft = guest.values.externs["echo-wide"]
    assert isinstance(ft, ct.FuncType)
    given = tuple(drawn(guest, t, data) for _, t in ft.params)
    assert plain(guest.values.echo_wide(*given)) == plain(given)


def test_the_four_shapes_of_a_result(guest: LoadedComponent) -> None:
    values = guest.values
    assert values.both(42) == "42"
    with pytest.raises(ResultError) as busy:
        values.both(1)
    assert busy.value.value == values.Failure.Busy()
    with pytest.raises(ResultError, match="no 3") as missing:
        values.both(3)
    assert missing.value.value == values.Failure.NotFound("no 3")
    assert values.only_ok(8) == 8
    assert values.only_error(2) is None
    assert values.neither(2) is None
    for call, payload in (
        (values.only_ok, None),
        (values.only_error, values.Colour.DARK_BLUE),
        (values.neither, None),
    ):
        with pytest.raises(ResultError) as failed:
            call(7)
        assert failed.value.value == payload


def test_numbers_as_arrays(guest: LoadedComponent) -> None:
    values = guest.values
    for name, dtype in (
        ("echo_u64s", np.uint64),
        ("echo_s16s", np.int16),
        ("echo_floats", np.float32),
    ):
        given = np.arange(1000, dtype=dtype)
        assert (np.asarray(getattr(values, name)(given)) == given).all()
        strided = given[::3]
        assert (np.asarray(getattr(values, name)(strided)) == strided).all()
    data = bytes(range(256)) * 400
    for form in (
        data,
        bytearray(data),
        memoryview(data),
        list(data),
        np.frombuffer(data, np.uint8),
    ):
        assert values.echo_bytes(form) == data


def test_the_guest_calls_the_host_back(guest: LoadedComponent) -> None:
    before = Sink.dropped
    assert list(guest.call_host(3)) == [1, 2, 3, 4, 30]
    assert list(guest.call_host(7))[-1] == len("far too many")
    gc.collect()
    assert Sink.dropped >= before
    assert list(guest.through_host([1.5, -2.0])) == [3.0, -4.0]
    assert list(guest.through_host(np.arange(4.0)[::-1])) == [6.0, 4.0, 2.0, 0.0]


def test_resources_of_the_guest(guest: LoadedComponent) -> None:
    counters = guest.counters
    start = counters.alive()
    with counters.Counter(5) as one:
        two = counters.make(10)
        assert isinstance(two, counters.Counter)
        assert [one.next(), one.next(), two.next()] == [6, 7, 11]
        assert one.merge(two) == 18
        assert counters.Counter.take(two) == 11
        with pytest.raises(ValueError, match="dropped or given away"):
            two.next()
        with pytest.raises(ValueError, match="argument 'other'"):
            one.merge(two)
    with pytest.raises(ValueError, match="dropped or given away"):
        one.next()
    many = [counters.Counter(n) for n in range(100)]
    exact = KIND[guest] == "c"  # the others' own collectors decide when to run the destructor
    assert counters.alive() == start + 100 if exact else counters.alive() >= start + 100
    del many
    gc.collect()
    assert counters.alive() == start if exact else counters.alive() <= start + 102


@pytest.mark.parametrize(
    ("name", "given", "error", "path"),
    [
        ("echo_u8", 256, ValueError, r"argument 'v': expected u8"),
        ("echo_u8", True, TypeError, r"argument 'v'"),
        ("echo_string", b"x", TypeError, r"argument 'v'"),
        ("echo_string", "\ud800", ValueError, r"argument 'v'"),
        ("echo_char", "ab", ValueError, r"argument 'v'"),
        ("echo_nested_strings", [["a"], ["b", 3]], TypeError, r"'v'\[1\]\[1\]"),
        ("echo_pair", (1, "a"), TypeError, r"a tuple of 3"),
        ("echo_colour", "blue", TypeError, r"Colour"),
        ("echo_shape", 7, TypeError, r"Shape"),
        ("echo_s16s", [1, 40000], ValueError, r"'v'\[1\]"),
        ("echo_results", [Ok(1), Err(2)], TypeError, r"'v'\[1\]\.value"),
        ("echo_option_option", 3, TypeError, r"Some"),
        ("echo_person", {"name": "x"}, TypeError, r"Person"),
    ],
)
def test_a_wrong_value_is_refused_before_the_guest_runs(
    guest: LoadedComponent, name: str, given: Any, error: type[Exception], path: str
) -> None:
    with pytest.raises(error, match=path):
        getattr(guest.values, name)(given)
    assert guest.values.echo_u8(7) == 7
    assert guest.values.echo_option_option(Some(None)) == Some(None)


def test_a_host_that_does_not_fit_is_refused_when_it_is_linked() -> None:
    class Narrow(Log):
        def transform(self) -> int:  # type: ignore[override]
            return 0

    if not build.build("c"):
        pytest.skip("zig or wasm-tools is not here")
    with pytest.raises(LinkError) as refused:
        wherever.load(build.component("c"), host={"test:everything/log@1.0.0": Narrow()})
    assert "transform: func(value: u32) -> result<u32, string>" in str(refused.value)
    assert "transform()" in str(refused.value)
    with pytest.raises(wherever.Denied, match="test:everything/log"):
        wherever.load(build.component("c"))


def test_a_pickled_value_is_equal(guest: LoadedComponent) -> None:
    import copy

    point = guest.values.Point(1, 2)
    assert copy.deepcopy(point) == point
    assert copy.replace(point, x=3).x == 3 if hasattr(copy, "replace") else True


@pytest.mark.slow
def test_bindings_of_real_components_pass_mypy_strict(tmp_path: Path) -> None:
    built = [kind for kind in build.KINDS if build.component(kind).exists() or kind == "c"]
    if not build.build("c"):
        pytest.skip("zig or wasm-tools is not here")
    packages: list[str] = []
    for kind in built:
        package = f"{kind}_types"
        command = [sys.executable, "-m", "wherever", "bindings"]
        subprocess.run(
            [*command, build.component(kind), "-o", tmp_path / package],
            check=True,
            capture_output=True,
        )
        packages.append(package)
    use = "\n".join(
        f"import {package}\n"
        f"from {package} import values as {kind}\n"
        f"def use_{kind}(values: {kind}.Values) -> int:\n"
        f"    who = {kind}.Person('a', None, ['x'], {kind}.Point(1, 2), [0.5])\n"
        f"    assert {package}.TYPES\n"
        "    return values.echo_person(who).home.x + values.echo_u8(1)\n"
        for kind, package in zip(built, packages, strict=True)
        if kind != "command"  # of another world: its bindings are checked all the same
    )
    (tmp_path / "use.py").write_text(use)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            tmp_path / "c",
            *packages,
            "use.py",
        ],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(Path(wherever.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
