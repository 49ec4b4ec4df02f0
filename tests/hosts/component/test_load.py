"""Does a loaded component give Python what its world says, and refuse the rest well?"""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wherever.component.canonical.values import ResultError
from wherever.errors import Denied, GuestTrap, InvalidProgram, LimitExceeded
from wherever.hosts.component.host import LinkError
from wherever.hosts.component.load import LoadedComponent, load_component

TOOLS = shutil.which("wasm-tools", path=str(Path(sys.executable).parent))
PROGRAMS = Path(__file__).parents[2] / "programs" / "component"
pytestmark = pytest.mark.skipif(TOOLS is None, reason="wasm-tools is not here")


def assemble(text: str) -> bytes:
    assert TOOLS is not None
    done = subprocess.run(
        [TOOLS, "parse", "-"], input=text.encode(), check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def echo_bytes() -> bytes:
    return assemble((PROGRAMS / "echo.wat").read_text())


@pytest.fixture
def echo(echo_bytes: bytes) -> Iterator[LoadedComponent]:
    with load_component(echo_bytes) as loaded:
        yield loaded


def test_functions_are_attributes(echo: LoadedComponent) -> None:
    assert echo.add(2, 3) == 5
    assert echo.add(b=0xFFFFFFFF, a=1) == 0
    assert echo.echo_string("héllo") == "héllo"
    assert echo["echo-string"] is echo.echo_string
    assert echo.add.__doc__ == "add: func(a: u32, b: u32) -> u32"


def test_lists_of_numbers_are_buffers(echo: LoadedComponent) -> None:
    import numpy as np

    data = np.arange(1000, dtype=np.uint32)
    back = echo.echo_u32s(data)
    assert isinstance(back, memoryview)
    assert (np.asarray(back) == data).all()
    assert list(echo.echo_u32s([1, 2, 3])) == [1, 2, 3]
    assert echo.echo_bytes(bytearray(b"abc")) == b"abc"
    million = bytes(range(256)) * 4096
    assert echo.echo_bytes(million) == million
    assert echo.take_bytes(million) == len(million)


def test_wrong_values_do_not_poison(echo: LoadedComponent) -> None:
    for call, error in (
        (lambda: echo.add(1), TypeError),
        (lambda: echo.add(1, 2, 3), TypeError),
        (lambda: echo.add(1, c=2), TypeError),
        (lambda: echo.add(1, -1), ValueError),
        (lambda: echo.add(1, True), TypeError),
        (lambda: echo.echo_string(b"x"), TypeError),
        (lambda: echo.echo_string("\ud800"), ValueError),
        (lambda: echo.echo_u32s([1, 1 << 32]), ValueError),
        (lambda: echo.echo_u32s(b"1234"), TypeError),
    ):
        with pytest.raises(error, match=r"add|echo"):
            call()
    assert echo.add(1, 1) == 2


def test_missing_attributes_name_what_there_is(echo: LoadedComponent) -> None:
    with pytest.raises(AttributeError, match="echo_string"):
        _ = echo.nothing


COUNTER = """
(component
  (core module $dtor
    (global $dropped (export "dropped") (mut i32) (i32.const 0))
    (func (export "dtor") (param i32)
      (global.set $dropped (i32.add (global.get $dropped) (local.get 0)))))
  (core instance $d (instantiate $dtor))
  (type $r' (resource (rep i32) (dtor (core func $d "dtor"))))
  (export $r "counter" (type $r'))
  (core func $new (canon resource.new $r'))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "dropped" (global $dropped (mut i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "get") (param i32) (result i32) (local.get 0))
    (func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "dropped") (result i32) (global.get $dropped)))
  (core instance $i (instantiate $m (with "" (instance
    (export "new" (func $new))
    (export "dropped" (global $d "dropped"))))))
  (func (export "[constructor]counter") (param "at" u32) (result (own $r))
    (canon lift (core func $i "make")))
  (func (export "[method]counter.get") (param "self" (borrow $r)) (result u32)
    (canon lift (core func $i "get")))
  (func (export "[static]counter.sum") (param "a" (borrow $r)) (param "b" (borrow $r)) (result u32)
    (canon lift (core func $i "sum")))
  (func (export "dropped") (result u32) (canon lift (core func $i "dropped")))
)
"""


def test_resources_of_the_guest_are_objects() -> None:
    loaded: Any = load_component(assemble(COUNTER))
    cls = loaded.Counter
    with cls(7) as seven:
        assert seven.get() == 7
        assert cls.sum(seven, cls(8)) == 15
        gc.collect()
        assert loaded.dropped() == 8
    assert loaded.dropped() == 15
    with pytest.raises(ValueError, match="was dropped or given away"):
        seven.get()
    with pytest.raises(TypeError, match="expected a Counter"):
        cls.get(5)
    other: Any = load_component(assemble(COUNTER))
    with pytest.raises(TypeError, match="expected a Counter"):
        cls.sum(cls(1), other.Counter(2))


HOSTED = """
(component
  (import "test:host/log@1.2.0" (instance $log
    (export "sink" (type $sink (sub resource)))
    (export "[constructor]sink" (func (param "name" string) (result (own $sink))))
    (export "[method]sink.write" (func (param "self" (borrow $sink)) (param "n" u32) (result u32)))
    (export "check" (func (param "n" u32) (result (result u32 (error string)))))))
  (alias export $log "sink" (type $sink))
  (core module $libc
    (memory (export "mem") 1)
    (data (i32.const 8) "guest")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "mem" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $new (canon lower (func $log "[constructor]sink") (memory $mem)))
  (core func $write (canon lower (func $log "[method]sink.write")))
  (core func $check (canon lower (func $log "check") (memory $mem) (realloc $realloc)))
  (core func $drop (canon resource.drop $sink))
  (core module $m
    (import "" "mem" (memory 1))
    (import "" "new" (func $new (param i32 i32) (result i32)))
    (import "" "write" (func $write (param i32 i32) (result i32)))
    (import "" "check" (func $check (param i32 i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "run") (param $n i32) (result i32)
      (local $sink i32) (local $r i32)
      (local.set $sink (call $new (i32.const 8) (i32.const 5)))
      (local.set $r (call $write (local.get $sink) (local.get $n)))
      (call $drop (local.get $sink))
      (call $check (local.get $n) (i32.const 64))
      (i32.add (local.get $r) (i32.load8_u (i32.const 64)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "mem" (memory $mem))
    (export "new" (func $new))
    (export "write" (func $write))
    (export "check" (func $check))
    (export "drop" (func $drop))))))
  (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run")))
)
"""


class Sink:
    made: list[str] = []  # noqa: RUF012  # a test's notebook
    dropped = 0

    def __init__(self, name: str) -> None:
        self.made.append(name)

    def write(self, n: int) -> int:
        return 10 * n

    def __drop__(self) -> None:
        type(self).dropped += 1


class Log:
    Sink = Sink

    def check(self, n: int) -> int:
        if n > 5:
            raise ResultError("too many")
        return n


def test_a_host_is_a_class_per_interface() -> None:
    # a later minor version of the host serves the version that the component names
    loaded: Any = load_component(assemble(HOSTED), {"test:host/log@1.3.0": Log()})
    assert loaded.run(4) == 40
    assert loaded.run(6) == 61
    assert Sink.made == ["guest", "guest"]
    assert Sink.dropped == 2


def test_hosts_are_checked_when_linked() -> None:
    data = assemble(HOSTED)
    with pytest.raises(Denied, match=r"test:host/log@1\.2\.0"):
        load_component(data)
    with pytest.raises(Denied, match=r"test:host/log@1\.2\.0"):
        load_component(data, {"test:host/log@2.0.0": Log()})

    class NoCheck:
        Sink = Sink

    with pytest.raises(LinkError, match=r"check: func\(n: u32\) -> result<u32, string>"):
        load_component(data, {"test:host/log": NoCheck()})

    class Wrong(Log):
        def check(self) -> int:  # type: ignore[override]
            return 0

    with pytest.raises(LinkError, match="cannot take 1 arguments"):
        load_component(data, {"test:host/log": Wrong()})


def test_what_a_host_returns_is_checked() -> None:
    class Wrong(Log):
        def check(self, n: int) -> int:
            del n
            return "no"  # type: ignore[return-value]

    loaded: Any = load_component(assemble(HOSTED), {"test:host/log": Wrong()})
    with pytest.raises(TypeError, match="what the host returned"):
        loaded.run(1)


def test_a_trap_ends_the_instance() -> None:
    text = """(component
      (core module $m (func (export "f") unreachable))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))))"""
    loaded: Any = load_component(assemble(text))
    with pytest.raises(GuestTrap, match="unreachable"):
        loaded.f()
    with pytest.raises(GuestTrap, match="cannot enter component instance"):
        loaded.f()


def test_a_component_that_instantiates_without_end_is_refused() -> None:
    text = "(component $c0)"
    inner = "(component $c0)"
    for level in range(1, 40):
        inner = (
            f"(component $c{level} {inner} (instance (instantiate $c{level - 1}))"
            f" (instance (instantiate $c{level - 1})))"
        )
    text = inner
    with pytest.raises(LimitExceeded, match="instances"):
        load_component(assemble(text))


def test_not_a_component() -> None:
    with pytest.raises(InvalidProgram):
        load_component(b"\0asm\1\0\0\0")


def test_wit_is_shown(echo: LoadedComponent) -> None:
    assert "export echo-string: func(s: string) -> string;" in echo.wit


def test_exports_named_like_what_a_face_has_are_told_apart(tmp_path: Path) -> None:
    assert TOOLS is not None
    wit = PROGRAMS / "names.wit"
    core, component = tmp_path / "core.wasm", tmp_path / "c.wasm"
    for words in (
        ("embed", wit, "-w", "w", "--dummy", "-o", core),
        ("new", core, "-o", component),
    ):
        subprocess.run([TOOLS, "component", *map(str, words)], check=True, capture_output=True)
    with load_component(component.read_bytes()) as loaded:
        for name in ("close_", "wit_", "class_", "interface_", "externs_", "when_closed_", "self"):
            assert callable(getattr(loaded, name)), name
        assert "world root" in loaded.wit
        typing = loaded.typing
        assert list(typing.Enum.__members__)[:3] == ["NONE", "TRUE", "MRO_"]
        assert typing.Any.Sequence(None).value is None
        assert callable(typing.Resource.drop_)
        assert callable(typing.Resource.wrap)
        with pytest.raises(GuestTrap):
            loaded.close_()


PARENT_AND_CHILD = """(component
  (core module $m (func (export "f") (result i32) (i32.const 42)))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (component $c
    (import "f" (func $f (result u32)))
    (core func $f' (canon lower (func $f)))
    (core module $n (import "" "f" (func $f (result i32)))
      (func (export "g") (result i32) (call $f)))
    (core instance $j (instantiate $n (with "" (instance (export "f" (func $f'))))))
    (func (export "g") (result u32) (canon lift (core func $j "g"))))
  (instance $child (instantiate $c (with "f" (func $f))))
  (export "g" (func $child "g")))"""


def test_a_child_may_not_call_its_parent_and_is_told_so() -> None:
    with (
        load_component(assemble(PARENT_AND_CHILD)) as loaded,
        pytest.raises(GuestTrap, match="contains its caller"),
    ):
        loaded.g()
