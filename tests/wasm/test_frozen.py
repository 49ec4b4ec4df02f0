"""Are the room's values what frozen dataclasses are?"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from wherever.wasm.frozen import frozen
from wherever.wasm.module import Expression, Module
from wherever.wasm.types import I32, I64, FuncType, Limits


@frozen
class Point:
    """Two numbers, and a note."""

    __uncompared__ = ("note",)
    x: int
    y: int = 2
    note: str = ""

    @property
    def sum(self) -> int:
        return self.x + self.y


def test_fields_by_position_name_and_default() -> None:
    assert Point(1) == Point(1, 2) == Point(y=2, x=1) == Point(1, note="seen")
    assert Point(1) != Point(2)
    assert Point(1) != (1, 2)
    assert hash(Point(1, note="a")) == hash(Point(1))
    assert repr(Point(1)) == "Point(x=1, y=2, note='')"
    assert Point(3).sum == 5
    match Point(1, 7):
        case Point(one, other):
            assert (one, other) == (1, 7)


@pytest.mark.parametrize(("values", "named"), [((), {}), ((1, 2, "", 4), {}), ((1,), {"z": 1})])
def test_wrong_fields_are_a_type_error(values: Any, named: Any) -> None:
    with pytest.raises(TypeError):
        Point(*values, **named)


def test_values_do_not_change() -> None:
    point: Any = Point(1)
    for change in (lambda: setattr(point, "x", 2), lambda: setattr(point, "new", 2)):
        with pytest.raises(AttributeError, match="immutable"):
            change()
    with pytest.raises(AttributeError, match="x stays"):
        del point.x
    assert not hasattr(point, "__dict__")


def test_values_are_copied_and_pickled() -> None:
    for value in (FuncType((I32,), (I64,)), Limits(1, 2), Expression(b"\x0b", 7)):
        assert pickle.loads(pickle.dumps(value)) == copy.copy(value) == value


def test_a_value_of_many_fields() -> None:
    module = Module(b"", start=3)
    assert module.start == 3
    assert module.types == ()
    assert module == Module(source=b"", start=3)
    with pytest.raises(TypeError, match="the fields are source"):
        Module()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="nonesuch"):
        Module(b"", nonesuch=1)  # type: ignore[call-arg]
