"""Does the compiled canonical ABI do what the slow model does, for random types and values?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wherever.component import types as ct
from wherever.component.canonical import compile as canon
from wherever.component.canonical.context import ComponentInstance
from wherever.component.canonical.memory import Options
from wherever.component.canonical.values import Err, Ok, ResultError, Some, none_is_a_value
from wherever.component.layout import Layouts
from wherever.component.syntax import StringEncoding
from wherever.hosts.component.python_types import PythonTypes

sys.path.insert(0, str(Path(__file__).parent / "model"))
import interpret as model

FLOAT32 = st.floats(width=32, allow_nan=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def labels(count: int) -> tuple[str, ...]:
    return tuple(f"l{i}" for i in range(count))


PRIMS = [p for p in ct.Prim if p is not ct.Prim.ERROR_CONTEXT]


def compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    maybe = st.none() | inner
    return st.one_of(
        inner.map(ct.ListType),
        st.tuples(inner, st.integers(1, 3)).map(lambda x: ct.ListType(*x)),
        st.lists(inner, min_size=1, max_size=4).map(
            lambda ts: ct.RecordType(tuple(zip(labels(len(ts)), ts, strict=True)))
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda ts: ct.TupleType(tuple(ts))),
        st.lists(maybe, min_size=1, max_size=4).map(
            lambda ts: ct.VariantType(tuple(zip(labels(len(ts)), ts, strict=True)))
        ),
        st.integers(1, 5).map(lambda n: ct.EnumType(labels(n))),
        st.integers(1, 32).map(lambda n: ct.FlagsType(labels(n))),
        inner.map(ct.OptionType),
        st.tuples(maybe, maybe).map(lambda x: ct.ResultType(*x)),
    )


TYPES = st.recursive(st.sampled_from(PRIMS), compound, max_leaves=6)


def neutral(t: Any) -> st.SearchStrategy[Any]:
    """Neutral values of type `t`."""
    match model.despecialize(t):
        case ct.Prim.BOOL:
            return st.booleans()
        case ct.Prim.F32:
            return FLOAT32
        case ct.Prim.F64:
            return st.floats(allow_nan=False)
        case ct.Prim.CHAR:
            return st.characters(exclude_categories=["Cs"])
        case ct.Prim.STRING:
            return TEXT
        case ct.Prim() as p:
            bits = int(str(p)[1:])
            low, high = (0, (1 << bits) - 1)
            if str(p)[0] == "s":
                low, high = -(1 << bits - 1), (1 << bits - 1) - 1
            return st.integers(low, high)
        case ct.ListType(element, None):
            return st.lists(neutral(element), max_size=4)
        case ct.ListType(element, length):
            return st.lists(neutral(element), min_size=length, max_size=length)
        case ct.RecordType(fields):
            return st.tuples(*[neutral(f) for _, f in fields])
        case ct.VariantType(cases):
            return st.one_of(
                [
                    st.tuples(st.just(i), st.none() if c is None else neutral(c))
                    for i, (_, c) in enumerate(cases)
                ]
            )
        case ct.FlagsType(names):
            return st.integers(0, (1 << len(names)) - 1)
        case other:
            raise NotImplementedError(other)


CLASSES = PythonTypes("test").classes({})


def to_python(t: Any, value: Any, classes: Any = CLASSES) -> Any:
    """A neutral value as Python's, of the classes of some component."""
    match t:
        case ct.PrimType(prim):
            return to_python(prim, value, classes)
        case ct.ListType(element):
            return [to_python(element, item, classes) for item in value]
        case ct.RecordType(fields):
            items = [to_python(f, x, classes) for (_, f), x in zip(fields, value, strict=True)]
            return classes.record(t)(*items)
        case ct.TupleType(types):
            return tuple(to_python(x, item, classes) for x, item in zip(types, value, strict=True))
        case ct.VariantType(cases):
            index, payload = value
            cls, case = classes.cases(t)[index], cases[index][1]
            return cls() if case is None else cls(to_python(case, payload, classes))
        case ct.EnumType():
            return classes.enum(t)(value[0])
        case ct.FlagsType():
            return classes.flags(t)(value)
        case ct.OptionType(some):
            if value[0] == 0:
                return None
            inner = to_python(some, value[1], classes)
            return Some(inner) if none_is_a_value(some) else inner
        case ct.ResultType(ok, error):
            cls, case = ((Ok, ok), (Err, error))[value[0]]
            return cls(None if case is None else to_python(case, value[1], classes))
        case _:
            return value


def plain(value: Any) -> Any:
    """The same, with numeric lists as lists wherever they are."""
    if isinstance(value, bytes | memoryview):
        return list(value)
    if isinstance(value, list):
        return [plain(x) for x in value]
    if isinstance(value, tuple):
        return tuple(plain(x) for x in value)
    if isinstance(value, Ok | Err | Some):
        return type(value)(plain(value.value))
    if hasattr(value, "__dataclass_fields__"):
        return type(value)(*[plain(getattr(value, f)) for f in value.__dataclass_fields__])
    if hasattr(type(value), "__match_args__") and hasattr(value, "value"):
        return type(value)(plain(value.value))
    return value


def side(encoding: str) -> tuple[model.Guest, ComponentInstance, Options]:
    guest, inst = model.Guest(encoding), ComponentInstance()
    which = StringEncoding(model.ENCODINGS.index(encoding))

    class Memory:
        view = memoryview(bytearray())

        def refresh(self) -> memoryview:
            self.view = guest.view
            return self.view

    # The model's memory is replaced when it grows; a real one never moves.
    guest.memory = bytearray(1 << 20)
    return guest, inst, Options(inst, Memory(), guest.realloc, which)


class NoHandles:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def flats_of(guest: model.Guest, values: Any, types: list[Any]) -> list[Any]:
    flat_types = [x for t in types for x in model.flatten(t)]
    if len(flat_types) <= 16:
        return [x for v, t in zip(values, types, strict=True) for x in guest.lower_flat(v, t)]
    whole = ct.TupleType(tuple(types))
    ptr = guest.realloc(0, 0, model.alignment(whole), model.size(whole))
    guest.store(tuple(values), whole, ptr)
    return [ptr]


def values_of(guest: model.Guest, flats: tuple[Any, ...], types: list[Any]) -> tuple[Any, ...]:
    flat_types = [x for t in types for x in model.flatten(t)]
    if len(flat_types) <= 16:
        source = iter(flats)
        return tuple([guest.lift_flat(source, t) for t in types])
    value: tuple[Any, ...] = guest.load(flats[0] & 0xFFFFFFFF, ct.TupleType(tuple(types)))
    return value


@st.composite
def signatures(draw: Any) -> tuple[list[Any], Any, Any, Any]:
    types = draw(st.lists(TYPES, max_size=4))
    result = draw(st.none() | TYPES)
    args = tuple(draw(neutral(t)) for t in types)
    return types, result, args, None if result is None else draw(neutral(result))


def func_type(types: list[Any], result: Any) -> ct.FuncType:
    return ct.FuncType(tuple((f"p{i}", t) for i, t in enumerate(types)), result)


PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def core_of(
    guest: model.Guest, types: list[Any], result: Any, returned: Any, seen: list[Any]
) -> Any:
    """A core function that notes what it was given and returns `returned`, through the model."""

    def core(*flats: Any) -> Any:
        seen.append(values_of(guest, flats, types))
        if result is None:
            return None
        if len(model.flatten(result)) > 1:
            ptr = guest.realloc(0, 0, model.alignment(result), model.size(result))
            guest.store(returned, result, ptr)
            return ptr
        flat = guest.lower_flat(returned, result)
        return flat[0] if flat else None

    return core


@PROPERTY
@given(signatures(), st.sampled_from(model.ENCODINGS))
def test_python_calls_a_guest(signature: Any, encoding: str) -> None:
    types, result, args, returned = signature
    guest, inst, options = side(encoding)
    seen: list[Any] = []
    core = core_of(guest, types, result, returned, seen)
    lifted = canon.Lifted(func_type(types, result), inst, options, core, None, NoHandles())
    names = tuple(f"p{i}" for i in range(len(types)))
    function = canon.lift_function(lifted, CLASSES, Layouts(), "f", names)
    given_values = [to_python(t, v) for t, v in zip(types, args, strict=True)]
    try:
        got = function(*given_values)
        if isinstance(result, ct.ResultType):
            got = Ok(got)
    except ResultError as error:
        got = Err(error.value)
    assert seen == [args]
    assert plain(got) == (None if result is None else plain(to_python(result, returned)))
    assert not inst.entered
    assert inst.may_leave


@PROPERTY
@given(signatures(), st.sampled_from(model.ENCODINGS))
def test_a_guest_calls_python(signature: Any, encoding: str) -> None:
    types, result, args, returned = signature
    guest, inst, options = side(encoding)
    seen: list[Any] = []

    def host(*values: Any) -> Any:
        seen.append(plain(values))
        if result is None:
            return None
        value = to_python(result, returned)
        if isinstance(result, ct.ResultType):
            if isinstance(value, Err):
                raise ResultError(value.value)
            return value.value
        return value

    lowered = canon.Lowered(func_type(types, result), inst, options, NoHandles())
    function = canon.lower_function(lowered, host, CLASSES, Layouts(), "f")
    flats = flats_of(guest, args, types)
    wanted = tuple(plain(to_python(t, v)) for t, v in zip(types, args, strict=True))
    if result is not None and len(model.flatten(result)) > 1:
        ptr = guest.realloc(0, 0, model.alignment(result), model.size(result))
        assert function(*flats, ptr) is None
        got = guest.load(ptr, result)
    else:
        flat = function(*flats)
        got = None if result is None else guest.lift_flat(iter([flat]), result)
    assert seen == [wanted]
    assert got == returned


@PROPERTY
@given(signatures(), st.sampled_from(model.ENCODINGS), st.sampled_from(model.ENCODINGS))
def test_a_guest_calls_a_guest(signature: Any, encoding: str, other: str) -> None:
    types, result, args, returned = signature
    caller, caller_inst, caller_options = side(encoding)
    callee, callee_inst, callee_options = side(other)
    seen: list[Any] = []
    core = core_of(callee, types, result, returned, seen)
    ft = func_type(types, result)
    lifted = canon.Lifted(ft, callee_inst, callee_options, core, None, NoHandles())
    lowered = canon.Lowered(ft, caller_inst, caller_options, NoHandles())
    function = canon.bridge_function(lowered, lifted, Layouts(), "f")
    flats = flats_of(caller, args, types)
    if result is not None and len(model.flatten(result)) > 1:
        ptr = caller.realloc(0, 0, model.alignment(result), model.size(result))
        function(*flats, ptr)
        got = caller.load(ptr, result)
    else:
        flat = function(*flats)
        got = None if result is None else caller.lift_flat(iter([flat]), result)
    assert seen == [args]
    assert got == returned


@PROPERTY
@given(TYPES)
def test_layouts_agree(t: Any) -> None:
    layout = Layouts().of(t)
    assert (layout.size, layout.alignment) == (model.size(t), model.alignment(t))
    flat = model.flatten(t)
    assert layout.flat is None if len(flat) > 16 else [str(x) for x in layout.flat or ()] == flat


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=3),
    st.tuples(st.integers()),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@PROPERTY
@given(TYPES, JUNK)
def test_a_wrong_value_is_refused_before_the_guest_runs(t: Any, junk: Any) -> None:
    guest, inst, options = side("utf8")
    ran: list[Any] = []

    def core(*flats: Any) -> None:
        ran.append(flats)

    lifted = canon.Lifted(func_type([t], None), inst, options, core, None, NoHandles())
    function = canon.lift_function(lifted, CLASSES, Layouts(), "f", ("p0",))
    before = guest.next
    refused = None
    try:
        function(junk)
    except (TypeError, ValueError) as error:
        refused = str(error)
    if refused is None:
        assert ran
        return
    assert refused.startswith("f: argument 'p0'")
    assert not ran
    assert guest.next == before
    assert not inst.entered


def test_the_path_inside_a_value_is_named() -> None:
    _, inst, options = side("utf8")
    point = ct.RecordType((("x", ct.Prim.U8), ("y", ct.Prim.U8)))
    t = ct.ListType(ct.TupleType((ct.Prim.STRING, point)))
    lifted = canon.Lifted(func_type([t], None), inst, options, lambda *_: None, None, NoHandles())
    function = canon.lift_function(lifted, CLASSES, Layouts(), "f", ("p0",))
    cls = CLASSES.record(point)
    with pytest.raises(ValueError, match=r"argument 'p0'\[1\]\[1\]\.y: expected u8 \(0\.\.255\)"):
        function([("a", cls(1, 2)), ("b", cls(3, 256))])
    function([("a", {"x": 1, "y": 2})])
