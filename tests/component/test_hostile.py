"""What a hostile guest can answer to the canonical ABI: each ends in a trap, the host unharmed."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from typing import Any

import pytest

from wherever.component import types as ct
from wherever.component.canonical import compile as canon
from wherever.component.canonical import context
from wherever.component.canonical.context import ComponentInstance, ResourceType, Task
from wherever.component.canonical.memory import Options
from wherever.component.layout import Layouts
from wherever.component.naming import pascal, snake, upper
from wherever.component.syntax import StringEncoding
from wherever.errors import GuestTrap, LimitExceeded
from wherever.hosts.component.handles import RawHandles
from wherever.hosts.component.python_types import PythonTypes

STRING, U8, U32 = ct.Prim.STRING, ct.Prim.U8, ct.Prim.U32
SIZE = 65536


class Memory:
    def __init__(self) -> None:
        self.data = bytearray(SIZE)
        self.view = memoryview(self.data)

    def refresh(self) -> memoryview:
        return self.view


class Guest:
    def __init__(self, encoding: StringEncoding = StringEncoding.UTF8) -> None:
        self.inst = ComponentInstance()
        self.memory = Memory()
        self.answer = 1024
        self.options = Options(self.inst, self.memory, lambda *_: self.answer, encoding)

    def export(
        self, params: list[Any], result: Any, core: Callable[..., Any]
    ) -> Callable[..., Any]:
        ft = ct.FuncType(tuple((f"p{i}", t) for i, t in enumerate(params)), result)
        handles = RawHandles(self.inst, {})
        lifted = canon.Lifted(ft, self.inst, self.options, core, None, handles)
        names = tuple(f"p{i}" for i in range(len(params)))
        classes = PythonTypes("test").classes({})
        return canon.lift_function(lifted, classes, Layouts(), "f", names)

    def put(self, at: int, *words: int) -> None:
        for i, word in enumerate(words):
            self.memory.data[at + 4 * i : at + 4 * i + 4] = word.to_bytes(4, "little")


@pytest.mark.parametrize("pointer", [SIZE - 3, SIZE, -1, 0x7FFFFFFF, -(1 << 31)])
def test_a_realloc_that_lies_about_where(pointer: int) -> None:
    guest = Guest()
    guest.answer = pointer
    with pytest.raises(GuestTrap, match="out of bounds"):
        guest.export([STRING], None, lambda *_: None)("hello")


def test_a_realloc_that_is_not_aligned() -> None:
    guest = Guest()
    guest.answer = 1025
    with pytest.raises(GuestTrap, match="not aligned"):
        guest.export([ct.ListType(U32)], None, lambda *_: None)([1])


@pytest.mark.parametrize(
    ("pointer", "length"),
    [
        (0, SIZE + 1),
        (SIZE, 1),
        (0xFFFFFFFF, 1),
        (0, 0xFFFFFFFF),
        (8, 0xC0000000),
        (0xFFFFFFFF, 0xFFFFFFFF),
    ],
)
@pytest.mark.parametrize("t", [STRING, ct.ListType(U8), ct.ListType(STRING)])
@pytest.mark.parametrize("encoding", list(StringEncoding))
def test_pointers_and_lengths_out_of_range(
    pointer: int, length: int, t: Any, encoding: StringEncoding
) -> None:
    guest = Guest(encoding)
    guest.put(16, pointer, length)
    with pytest.raises(GuestTrap):
        guest.export([], t, lambda: 16)()
    with pytest.raises(GuestTrap):
        guest.export([], t, lambda: SIZE - 4)()


def test_lists_that_all_point_at_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    # 4000 lists of 4000 lists of 4 KB would be 64 GB: the budget of one call ends it
    monkeypatch.setattr(context, "LIFT_BUDGET", 1 << 22)
    guest = Guest()
    guest.put(16, 1024, 4000)
    t = ct.ListType(ct.ListType(ct.ListType(U8)))
    for i in range(4000):
        guest.put(1024 + 8 * i, 1024, 4000)
    with pytest.raises(GuestTrap, match="take more than"):
        guest.export([], t, lambda: 16)()


@pytest.mark.parametrize(
    ("t", "flat"),
    [
        (ct.Prim.CHAR, 0xD800),
        (ct.Prim.CHAR, 0x110000),
        (ct.EnumType(("a", "b")), 2),
        (ct.OptionType(ct.ResultType(None, None)), 2),
        (ct.VariantType((("a", None),)), -1),
    ],
)
def test_numbers_that_stand_for_nothing(t: Any, flat: int) -> None:
    guest = Guest()
    flats = len(Layouts().of(t).flat or ())
    guest.put(16, flat & 0xFFFFFFFF)
    with pytest.raises(GuestTrap, match="invalid"):
        guest.export([], t, lambda: flat if flats == 1 else 16)()


def test_text_that_is_not_unicode() -> None:
    guest = Guest()
    guest.memory.data[32:35] = b"a\xff\xfe"
    guest.put(16, 32, 3)
    with pytest.raises(GuestTrap, match="invalid utf8"):
        guest.export([], STRING, lambda: 16)()
    wide = Guest(StringEncoding.UTF16)
    wide.memory.data[32:34] = b"\x00\xd8"
    wide.put(16, 32, 1)
    with pytest.raises(GuestTrap, match="invalid utf16"):
        wide.export([], STRING, lambda: 16)()


def test_re_entry() -> None:
    guest = Guest()
    functions: list[Callable[..., Any]] = []
    function = guest.export([], None, lambda: functions[0]())
    functions.append(function)
    with pytest.raises(GuestTrap, match="cannot enter"):
        function()


def test_realloc_that_calls_out() -> None:
    guest = Guest()
    ft = ct.FuncType((), None)
    lowered = canon.Lowered(ft, guest.inst, guest.options, RawHandles(guest.inst, {}))
    classes = PythonTypes("test").classes({})
    out = canon.lower_function(lowered, lambda: None, classes, Layouts(), "out")
    options = Options(guest.inst, guest.memory, lambda *_: out() or 0, StringEncoding.UTF8)
    guest.options = options
    with pytest.raises(GuestTrap, match="cannot leave"):
        guest.export([STRING], None, lambda *_: None)("x")


class TestHandles:
    def setup_method(self) -> None:
        self.inst = ComponentInstance()
        self.rt = ResourceType("r", self.inst)
        self.other = ResourceType("s", ComponentInstance())

    @pytest.mark.parametrize("index", [0, 1, 2, 0xFFFFFFFF, -1])
    def test_forged(self, index: int) -> None:
        with pytest.raises(GuestTrap, match="unknown handle"):
            context.lift_own(self.inst, self.rt, index)

    def test_of_another_type(self) -> None:
        index = context.resource_new(self.inst, self.rt, 5)
        with pytest.raises(GuestTrap, match="wrong type"):
            context.lift_own(self.inst, self.other, index)

    def test_dropped_twice(self) -> None:
        index = context.resource_new(self.inst, self.rt, 5)
        context.resource_drop(self.inst, self.rt, index)
        with pytest.raises(GuestTrap, match="unknown handle"):
            context.resource_drop(self.inst, self.rt, index)

    def test_dropped_while_lent(self) -> None:
        task = Task()
        index = context.resource_new(self.inst, self.rt, 5)
        context.lift_borrow(self.inst, self.rt, index, task)
        with pytest.raises(GuestTrap, match="borrowed"):
            context.resource_drop(self.inst, self.rt, index)
        task.release()
        context.resource_drop(self.inst, self.rt, index)

    def test_a_borrow_kept_too_long(self) -> None:
        task = Task()
        index = context.lower_borrow(self.inst, self.other, 7, task)
        with pytest.raises(GuestTrap, match="borrow handles still remain"):
            task.exit()
        context.resource_drop(self.inst, self.other, index)
        task.exit()

    def test_a_borrow_given_away(self) -> None:
        index = context.lower_borrow(self.inst, self.other, 7, Task())
        with pytest.raises(GuestTrap, match="cannot lift own"):
            context.lift_own(self.inst, self.other, index)

    def test_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(context, "MAX_HANDLES", 10)
        for _ in range(10):
            context.resource_new(self.inst, self.rt, 0)
        with pytest.raises(LimitExceeded, match="handles"):
            context.resource_new(self.inst, self.rt, 0)


@pytest.mark.parametrize(
    "label", ["class", "None", "def", "self", "match", "import", "a", "1", "__class__", "mro", "é"]
)
@pytest.mark.parametrize("rule", [snake, pascal, upper])
def test_names_come_out_as_identifiers(label: str, rule: Callable[[str], str]) -> None:
    name = rule(label)
    assert name.isidentifier()
    assert name.isascii()
    assert not keyword.iskeyword(name)


def test_names_never_reach_the_source() -> None:
    evil = "x): import os  # "
    t = ct.RecordType(((evil, U8), ("b", ct.EnumType((evil, "c")))))
    guest = Guest()
    seen: list[Any] = []
    function = guest.export([t], None, lambda *flats: seen.append(flats))
    consts = str(function.__code__.co_names) + str(function.__code__.co_varnames)
    assert "import" not in consts
    assert evil not in consts
