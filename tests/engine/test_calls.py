"""Do values cross in both directions as their types say, and are wrong ones refused before?"""

import math
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.hostcalls import HostFunc
from wherever.engine.instance import Instance
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.wasm.types import EXTERNREF, F32, F64, I32, I64, V128, FuncType, ValType

Load = Callable[..., Instance]
ECHO = """(module
  (import "" "host" (func $host (param i32 i64 f32 f64) (result f64 f32 i64 i32)))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "v128") (param v128) (result v128) (local.get 0))
  (func (export "extern") (param externref) (result externref) (local.get 0))
  (func (export "none"))
  (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "through") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    (call $host (local.get 0) (local.get 1) (local.get 2) (local.get 3))))"""
MIXED = FuncType((I32, I64, F32, F64), (F64, F32, I64, I32))


@pytest.fixture(scope="module")
def echo() -> Store:
    return Store(Engine.of(Profile()))


@pytest.fixture(scope="module")
def exports(echo: Store) -> dict[str, object]:
    code = echo.engine.compile(wat2wasm(ECHO))
    host = HostFunc(MIXED, lambda a, b, c, d: (d, c, b, a))
    instance = echo.instantiate(code, {("", "host"): host})
    return {name: instance.func(name).call for name in instance}


def test_add(exports: dict) -> None:
    assert exports["add"](3, 4) == 7
    assert exports["add"](0xFFFFFFFF, 1) == 0
    assert exports["add"](2**31 - 1, 1) == -(2**31)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("i32", -(2**31)),
        ("i64", 2**63 - 1),
        ("i64", -(2**63)),
        ("f32", 1.5),
        ("f64", 1e300),
        ("f64", math.inf),
        ("v128", bytes(range(16))),
        ("extern", "a host object"),
        ("extern", None),
        ("extern", {"un": "hashable"}),
    ],
)
def test_a_value_comes_back_as_it_went(exports: dict, name: str, value: object) -> None:
    assert exports[name](value) == value


def test_the_same_object_comes_back(exports: dict) -> None:
    thing = object()
    assert exports["extern"](thing) is thing


def test_results_none_one_and_several(exports: dict) -> None:
    assert exports["none"]() is None
    assert exports["swap"](1, 2) == (2, 1)


@pytest.mark.parametrize(
    ("name", "args", "error", "words"),
    [
        ("add", (1.0, 2), TypeError, "add: parameter 0 is i32: an int is needed, not float"),
        ("add", (1, "2"), TypeError, "add: parameter 1 is i32: an int is needed, not str"),
        ("add", (1,), TypeError, "missing 1 required"),
        ("add", (1, 2, 3), TypeError, "takes 2 positional"),
        ("add", (1 << 32, 0), OverflowError, "parameter 0 is i32: 4294967296 does not fit"),
        ("i32", (-(2**31) - 1,), OverflowError, "does not fit"),
        ("i64", (1 << 64,), OverflowError, "does not fit"),
        ("f32", (1e300,), OverflowError, r"is f32: 1e\+300 does not fit"),
        ("f64", ("1",), TypeError, "a float is needed, not str"),
        ("v128", (b"short",), ValueError, "16 bytes are needed, not 5"),
        ("v128", (b"x" * 17,), ValueError, "16 bytes are needed, not 17"),
        ("v128", (16,), TypeError, "16 bytes are needed, not int"),
    ],
)
def test_wrong_values_are_refused(
    exports: dict, name: str, args: tuple, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        exports[name](*args)


@given(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(width=32, allow_nan=False),
    st.floats(allow_nan=False),
)
def test_mixed_values_go_through_the_host(
    exports: dict, a: int, b: int, c: float, d: float
) -> None:
    assert exports["through"](a, b, c, d) == (d, c, b, a)


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize(
    ("types", "values"),
    [
        ((I32, I32), (-1, 5)),
        ((I64,), (-1,)),
        ((I32, I64), (-1, -2)),
        ((F64, I32), (0.5, -1)),
        ((V128, I64), (bytes(16), -3)),
        ((), ()),
    ],
)
def test_host_parameters_by_access_path(
    store: Store, types: tuple[ValType, ...], values: tuple[object, ...], unsigned: bool
) -> None:
    seen: list[tuple[object, ...]] = []
    signature = FuncType(types)
    func = store.host_func(signature, lambda *args: seen.append(args), unsigned=unsigned)
    func(*values)
    bits = {I32: 2**32, I64: 2**64}
    if unsigned:
        values = tuple(
            value % bits[one] if one in bits and isinstance(value, int) else value
            for value, one in zip(values, types, strict=True)
        )
    assert seen == [values]


@pytest.mark.parametrize(
    ("result", "value", "error", "words"),
    [
        (I32, "no", TypeError, "f: result is i32: an int is needed, not str"),
        (I32, 1 << 32, OverflowError, "does not fit"),
        (I64, None, TypeError, "an int is needed, not NoneType"),
        (F32, 1e300, OverflowError, "does not fit"),
        (V128, b"", ValueError, "16 bytes"),
    ],
)
def test_a_hosts_wrong_result_is_refused(
    store: Store, result: ValType, value: object, error: type[Exception], words: str
) -> None:
    func = store.host_func(FuncType((), (result,)), lambda: value, name="f")
    with pytest.raises(error, match=words):
        func()


def test_a_host_with_several_results_needs_a_tuple(store: Store) -> None:
    func = store.host_func(FuncType((), (I32, I32)), lambda: 1, name="pair")
    with pytest.raises(TypeError, match="pair: 2 results are needed"):
        func()


def test_extern_objects_are_let_go(store: Store) -> None:
    class Thing:
        gone = 0

        def __del__(self) -> None:
            Thing.gone += 1

    func = store.host_func(FuncType((EXTERNREF,)), lambda _thing: None)
    for _ in range(50):
        func(Thing())
    store.close()
    assert Thing.gone == 50


def test_the_callers_exception_comes_out_and_the_store_goes_on(load: Load) -> None:
    def host(value: int) -> int:
        if value == 3:
            raise KeyError("three")
        return value

    instance = load(
        """(module (import "" "h" (func $h (param i32) (result i32)))
             (func (export "f") (param i32) (result i32) (call $h (local.get 0))))""",
        {("", "h"): HostFunc(FuncType((I32,), (I32,)), host)},
    )
    run = instance.func("f").call
    with pytest.raises(KeyError, match="three"):
        run(3)
    assert run(4) == 4


def test_a_host_may_call_back_into_its_guest(load: Load) -> None:
    calls: list[object] = []
    instance = load(
        """(module (import "" "h" (func $h (param i32) (result i32)))
             (func (export "f") (param i32) (result i32)
               (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
                 (else (i32.add (local.get 0)
                   (call $h (i32.sub (local.get 0) (i32.const 1))))))))""",
        {("", "h"): HostFunc(FuncType((I32,), (I32,)), lambda n: calls[0](n))},
    )
    calls.append(instance.func("f").call)
    assert instance.func("f").call(10) == 55


def test_errors_do_not_cross_between_threads() -> None:
    """Two stores on two threads: each gets its own exceptions, all of them."""
    text = """(module (import "" "h" (func $h (param i32)))
      (func (export "f") (param i32) (call $h (local.get 0))))"""
    engine = Engine.of(Profile())
    code = engine.compile(wat2wasm(text))
    wrong: list[object] = []

    def work(me: int) -> None:
        def host(value: int) -> None:
            raise ValueError(f"{me} {value}")

        with Store(engine) as store:
            run = store.instantiate(code, {("", "h"): HostFunc(FuncType((I32,)), host)}).func("f")
            for value in range(300):
                try:
                    run.call(value)
                except ValueError as error:
                    if str(error) != f"{me} {value}":
                        wrong.append(error)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
