"""Is WAVE read and printed as its document says?"""

from __future__ import annotations

from typing import Any

import pytest

from wherever.component import types as ct
from wherever.component.canonical.values import Err, Ok, Some
from wherever.component.wave import BadWave, parse_call, parse_value, show_value
from wherever.hosts.component.python_types import PythonTypes

CLASSES = PythonTypes("test").classes({})
POINT = ct.RecordType((("x", ct.Prim.S32), ("y", ct.OptionType(ct.Prim.STRING))))
SHAPE = ct.VariantType((("empty", None), ("circle", ct.Prim.F64)))
COLOR = ct.EnumType(("red", "dark-blue"))
ACCESS = ct.FlagsType(("read", "write"))

VALUES: list[tuple[Any, str, Any]] = [
    (ct.Prim.BOOL, "true", True),
    (ct.Prim.S8, "-7", -7),
    (ct.Prim.F64, "1.5", 1.5),
    (ct.Prim.CHAR, "'é'", "é"),
    (ct.Prim.STRING, '"a\\n\\"b\\""', 'a\n"b"'),
    (ct.ListType(ct.Prim.U8), "[1, 2, 3]", [1, 2, 3]),
    (ct.TupleType((ct.Prim.U8, ct.Prim.STRING)), '(1, "x")', (1, "x")),
    (POINT, '{x: -1, y: some("z")}', CLASSES.record(POINT)(-1, "z")),
    (SHAPE, "empty", CLASSES.cases(SHAPE)[0]()),
    (SHAPE, "circle(2)", CLASSES.cases(SHAPE)[1](2.0)),
    (COLOR, "dark-blue", CLASSES.enum(COLOR)(1)),
    (ACCESS, "{read, write}", CLASSES.flags(ACCESS)(3)),
    (ct.OptionType(ct.OptionType(ct.Prim.U8)), "some(none)", Some(None)),
    (ct.ResultType(ct.Prim.U8, ct.Prim.STRING), 'err("no")', Err("no")),
    (ct.ResultType(None, None), "ok", Ok()),
]


@pytest.mark.parametrize(("t", "text", "value"), VALUES)
def test_there_and_back(t: Any, text: str, value: Any) -> None:
    assert parse_value(text, t, CLASSES) == value
    assert show_value(value, t, CLASSES) == text


def test_what_may_be_left_out() -> None:
    assert parse_value("{x: 1}", POINT, CLASSES) == CLASSES.record(POINT)(1, None)
    assert parse_value("5", ct.OptionType(ct.Prim.U8), CLASSES) == 5
    ft = ct.FuncType((("a", ct.Prim.U8), ("b", ct.OptionType(ct.Prim.U8))), None)
    assert parse_call("(1)", ft, CLASSES) == [1, None]


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (ct.Prim.U8, ""),
        (ct.Prim.U8, "1 2"),
        (ct.Prim.U8, '"1"'),
        (ct.Prim.STRING, '"open'),
        (ct.Prim.CHAR, "'\\u{d800}'"),
        (COLOR, "blue"),
        (POINT, "{y: none}"),
        (ct.TupleType((ct.Prim.U8,)), "(1, 2)"),
        (ct.ListType(ct.Prim.U8), "[" * 500),
    ],
)
def test_refused(t: Any, text: str) -> None:
    with pytest.raises(BadWave):
        parse_value(text, t, CLASSES)
