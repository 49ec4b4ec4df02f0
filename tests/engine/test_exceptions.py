"""Do exceptions cross: from the guest to Python, and from Python to a guest that catches them?"""

from collections.abc import Callable

import pytest

from wherever.engine.exceptions import GuestException
from wherever.engine.externs import Tag
from wherever.engine.hostcalls import HostFunc
from wherever.engine.instance import Instance
from wherever.engine.store import Store
from wherever.wasm.types import EXTERNREF, F64, I32, FuncType

Load = Callable[..., Instance]
TEXT = """(module
  (import "" "h" (func $h)) (import "" "t" (tag $t (param i32 f64)))
  (tag $own (export "own") (param i32))
  (func (export "throw") (param i32) (throw $own (local.get 0)))
  (func (export "call") (call $h))
  (func (export "catch") (result i32 f64)
    (block $caught (result i32 f64)
      (try_table (catch $t $caught) (call $h))
      (i32.const -1) (f64.const 0))))"""


@pytest.fixture
def guest(store: Store, load: Load) -> tuple[Instance, Tag, list[BaseException]]:
    tag = store.tag(FuncType((I32, F64)))
    errors: list[BaseException] = []

    def host() -> None:
        if errors:
            raise errors[0]

    return load(TEXT, {("", "h"): HostFunc(FuncType(), host), ("", "t"): tag}), tag, errors


def test_an_uncaught_exception_has_its_tag_and_values(guest: tuple) -> None:
    instance, tag, _ = guest
    with pytest.raises(GuestException, match="not caught") as caught:
        instance.func("throw")(7)
    assert caught.value.values == (7,)
    assert caught.value.is_(instance["own"])
    assert not caught.value.is_(tag)


def test_a_guest_catches_what_its_host_throws(guest: tuple) -> None:
    instance, tag, errors = guest
    assert instance.func("catch")() == (-1, 0.0)
    errors.append(GuestException(tag, (5, 2.5)))
    assert instance.func("catch")() == (5, 2.5)


def test_what_the_guest_does_not_catch_comes_out_again(guest: tuple) -> None:
    instance, tag, errors = guest
    errors.append(GuestException(tag, (5, 2.5)))
    with pytest.raises(GuestException) as caught:
        instance.func("call")()
    assert caught.value.is_(tag)
    assert caught.value.values == (5, 2.5)


def test_a_host_may_throw_on_what_it_was_thrown(guest: tuple) -> None:
    instance, _tag, errors = guest
    with pytest.raises(GuestException) as caught:
        instance.func("throw")(7)
    errors.append(caught.value)
    with pytest.raises(GuestException) as again:
        instance.func("catch")()
    assert again.value.values == (7,)


def test_wrong_values_are_the_error(guest: tuple) -> None:
    instance, tag, errors = guest
    errors.append(GuestException(tag, (5,)))
    with pytest.raises(TypeError, match="carries 2 values, not 1"):
        instance.func("catch")()
    errors[0] = GuestException(tag, ("5", 1.0))
    with pytest.raises(TypeError, match="exception value 0 is i32"):
        instance.func("catch")()


def test_ordinary_exceptions_are_not_the_guests_to_catch(guest: tuple) -> None:
    instance, _tag, errors = guest
    errors.append(PermissionError("no"))
    with pytest.raises(PermissionError):
        instance.func("catch")()


def test_a_tag_may_carry_host_objects(store: Store) -> None:
    tag = store.tag(FuncType((EXTERNREF,)))
    thing = object()

    def host() -> None:
        raise GuestException(tag, (thing,))

    with pytest.raises(GuestException) as caught:
        store.host_func(FuncType(), host)()
    assert caught.value.values[0] is thing
