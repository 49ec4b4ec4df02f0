"""Owns how component values appear in Python, and the slow check that says what is wrong with one.

bool, int, float, str and bytes are themselves; a list of numbers is given as any buffer or sequence
and received as `bytes` (u8) or a `memoryview`; records are frozen dataclasses, variants one class
a case, enums `enum.Enum`, flags `enum.Flag`; option is None or the value (in `Some` where None is
a value itself); a `result` that is not a function's own is `Ok` or `Err`.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, Flag
from typing import Any, ClassVar, Generic, NoReturn, Protocol, TypeVar, cast

from wherever.component.types import (
    BorrowType,
    EnumType,
    FlagsType,
    FutureType,
    ListType,
    MapType,
    OptionType,
    OwnType,
    Prim,
    PrimType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    ValType,
    VariantType,
)
from wherever.errors import InternalError, Unsupported

_T = TypeVar("_T")
_NOTHING: Any = None


@dataclass(frozen=True, slots=True)
class Ok(Generic[_T]):
    """The success of a `result` that is a value."""

    value: _T = _NOTHING


@dataclass(frozen=True, slots=True)
class Err(Generic[_T]):
    """The failure of a `result` that is a value."""

    value: _T = _NOTHING


@dataclass(frozen=True, slots=True)
class Some(Generic[_T]):
    """A present value, where the value's type has a None of its own."""

    value: _T


class ResultError(Exception):
    """A function's `result` was its error; `value` is the payload."""

    value: Any
    wit_name: ClassVar[str] = "error"

    def __init__(self, value: Any = None) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return f"{self.wit_name}: {self.value!r}" if self.value is not None else self.wit_name


class BadValue(ValueError):
    """Raised inside generated code where a value does not fit; `explain` then says what and why."""


class Classes(Protocol):
    """The Python classes that stand for the named types of a component."""

    def record(self, t: RecordType) -> type[Any]:
        """The dataclass of a record."""
        ...

    def fields(self, t: RecordType) -> tuple[str, ...]:
        """The attributes of a record's class."""
        ...

    def cases(self, t: VariantType) -> tuple[type[Any], ...]:
        """One class a case."""
        ...

    def enum(self, t: EnumType) -> type[Enum]:
        """The Enum whose values are the discriminants."""
        ...

    def flags(self, t: FlagsType) -> type[Flag]:
        """The Flag whose values are the bits."""
        ...

    def resource(self, t: OwnType | BorrowType) -> type[Any]:
        """The class of a resource's handles."""
        ...

    def error(self, t: ValType | None) -> type[ResultError]:
        """The exception that a function's failure raises."""
        ...


INT_RANGE: Mapping[Prim, tuple[int, int]] = {
    Prim.U8: (0, 0xFF),
    Prim.U16: (0, 0xFFFF),
    Prim.U32: (0, 0xFFFFFFFF),
    Prim.U64: (0, 0xFFFFFFFFFFFFFFFF),
    Prim.S8: (-0x80, 0x7F),
    Prim.S16: (-0x8000, 0x7FFF),
    Prim.S32: (-0x80000000, 0x7FFFFFFF),
    Prim.S64: (-0x8000000000000000, 0x7FFFFFFFFFFFFFFF),
}
FORMAT: Mapping[Prim, str] = {
    Prim.BOOL: "B",
    Prim.U8: "B",
    Prim.S8: "b",
    Prim.U16: "H",
    Prim.S16: "h",
    Prim.U32: "I",
    Prim.S32: "i",
    Prim.U64: "Q",
    Prim.S64: "q",
    Prim.F32: "f",
    Prim.F64: "d",
    Prim.CHAR: "I",
}
NUMERIC = frozenset((*INT_RANGE, Prim.F32, Prim.F64))
# numpy and array.array spell 64-bit integers 'l' where long has 64 bits
_SAME_FORMAT = {"l": "q", "L": "Q", "c": "B"}
_LITTLE = "<=@" if sys.byteorder == "little" else "<"
"""What stands before the format of a buffer in the order of linear memory."""


def bare(t: ValType) -> ValType:
    """`t`, or the primitive that it merely names."""
    return t.prim if isinstance(t, PrimType) else t


def none_is_a_value(t: ValType) -> bool:
    """Does a value of `t` appear as None, so that an option of it needs `Some`?"""
    return isinstance(t, OptionType)


def as_int(value: Any, low: int, high: int) -> int:
    """An integer in range, from whatever `__index__` gives one; bool is not a number here."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise BadValue
    number = int(value.__index__())
    if not low <= number <= high:
        raise BadValue
    return number


def as_float(value: Any) -> float:
    """A float, from an int or anything with `__float__` but a string."""
    if isinstance(value, bool | str) or not (
        hasattr(value, "__float__") or hasattr(value, "__index__")
    ):
        raise BadValue
    if getattr(getattr(value, "dtype", None), "kind", "") == "c":
        raise BadValue  # numpy would give the real part alone, and warn
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        raise BadValue from None


_pack_f32 = struct.Struct("<f").pack


def as_f32(value: Any) -> float:
    """A float that an f32 can hold, perhaps rounded."""
    number: float = value if value.__class__ is float else as_float(value)
    try:
        _pack_f32(number)
    except OverflowError:
        raise BadValue from None
    return number


def as_list(value: Any) -> Sequence[Any]:
    """A sequence or any iterable of known length, but not a string, bytes or mapping."""
    if isinstance(value, str | bytes | bytearray | Mapping):
        raise BadValue
    if issubclass(value.__class__, Sequence):
        return value  # type: ignore[no-any-return]
    if hasattr(value, "__iter__") and hasattr(value, "__len__"):
        return list(cast("Sequence[Any]", value))
    raise BadValue


def as_tuple(value: Any, length: int) -> tuple[Any, ...]:
    """A tuple of that length, from a sequence."""
    items = tuple(as_list(value))
    if len(items) != length:
        raise BadValue
    return items


def as_char(value: Any) -> int:
    """The scalar value of a one-character string."""
    if not isinstance(value, str) or len(value) != 1 or 0xD800 <= ord(value) <= 0xDFFF:
        raise BadValue
    return ord(value)


def as_fields(value: Any, cls: type[Any], labels: tuple[str, ...]) -> tuple[Any, ...]:
    """The fields of a record, from its class or a mapping with exactly its fields."""
    if isinstance(value, cls):
        return tuple([getattr(value, label) for label in labels])
    if issubclass(value.__class__, Mapping) and set(value) == set(labels):
        return tuple([value[label] for label in labels])
    raise BadValue


def as_enum(value: Any, labels: tuple[str, ...]) -> int:
    """The discriminant of an enum given by its WIT label."""
    if isinstance(value, str) and value in labels:
        return labels.index(value)
    raise BadValue


def as_flags(value: Any, labels: tuple[str, ...]) -> int:
    """The bits of flags given as a set of WIT labels."""
    if isinstance(value, set | frozenset):
        bits = 0
        for label in cast("set[Any]", value):
            if label not in labels:
                raise BadValue
            bits |= 1 << labels.index(label)
        return bits
    raise BadValue


def as_case(value: Any, labels: tuple[str, ...]) -> tuple[int, Any]:
    """The discriminant and payload of a variant given by label, or as (label, payload)."""
    label, payload = value, None
    if value.__class__ is tuple and len(value) == 2:
        label, payload = value
    if isinstance(label, str) and label in labels:
        return labels.index(label), payload
    raise BadValue


def as_buffer(value: Any, prim: Prim) -> bytes | memoryview:
    """The little-endian bytes of a list of numbers, without copying where it is such a buffer."""
    kind = FORMAT[prim]
    if isinstance(value, bytes | bytearray) and prim is not Prim.U8:
        raise BadValue
    view = _view(value)
    if view is None:
        return _packed(as_list(value), prim, kind)
    if view.ndim != 1:
        raise BadValue
    given = view.format.lstrip(_LITTLE)
    if _SAME_FORMAT.get(given, given) == kind and view.itemsize == struct.calcsize("<" + kind):
        return view.cast("B") if view.contiguous else view.tobytes()
    return _packed(_numbers(view, value), prim, kind)


def _view(value: Any) -> memoryview | None:
    """The buffer that `value` shows, if it shows one: numpy has none of dates, objects or text."""
    try:
        view: memoryview = memoryview(value)
    except (TypeError, ValueError, BufferError):
        return None
    return view


def _numbers(view: memoryview, value: Any) -> Sequence[Any]:
    """The elements of a one-dimensional buffer, whatever its byte order."""
    try:
        items: list[Any] = view.tolist()
    except NotImplementedError:  # memoryview reads the machine's own order alone
        pass
    else:
        return items
    try:
        step = struct.Struct(view.format)
        if len(view.format.lstrip("<>=!@")) != 1 or step.size != view.itemsize:
            raise BadValue
        return [item for (item,) in step.iter_unpack(view.tobytes())]
    except struct.error:
        # of a format that only its owner reads, as numpy's long double
        if isinstance(value, memoryview) or not hasattr(value, "__iter__"):
            raise BadValue from None
        return list(cast("Sequence[Any]", value))


def _packed(items: Sequence[Any], prim: Prim, kind: str) -> bytes:
    try:
        if prim not in (Prim.F32, Prim.F64):
            # struct takes True for 1, the ABI does not
            if any(item.__class__ is not int for item in items):
                items = [as_int(item, *INT_RANGE[prim]) for item in items]
        elif any(item.__class__ is not float for item in items):
            items = [as_float(item) for item in items]
        return struct.pack(f"<{len(items)}{kind}", *items)
    except (struct.error, OverflowError):
        raise BadValue from None


# -- saying what is wrong ---------------------------------------------------------------------


def _show(value: object) -> str:
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{text} ({type(value).__name__})"


def _type_error(path: str, wanted: str, value: object) -> NoReturn:
    raise TypeError(f"{path}: expected {wanted}, got {_show(value)}")


def _origin(cls: type[Any]) -> str:
    """Where a class comes from: the interface that names it, or the module that defines it."""
    interface: str = getattr(cls, "_wit_interface", "")
    if interface in ("", "exports"):
        return f"{cls.__module__}.{cls.__qualname__}"
    return f"{interface} ({cls.__module__})"


def _class_error(path: str, cls: type[Any], wanted: str, value: object) -> NoReturn:
    """A value is not of a class; where its own has the same name, say which of the two is which."""
    given = type(value)
    if given.__qualname__ != cls.__qualname__:
        _type_error(path, wanted, value)
    theirs, ours = _origin(given), _origin(cls)
    other = f"one of {theirs}" if theirs != ours else "one of another load of that component"
    raise TypeError(f"{path}: expected {wanted} of {ours}, got {other}: {_show(value)}")


def _value_error(path: str, wanted: str, value: object) -> NoReturn:
    raise ValueError(f"{path}: expected {wanted}, got {_show(value)}")


def explain(t: ValType, value: Any, path: str, classes: Classes) -> None:
    """Raise TypeError or ValueError naming the path to what does not fit; return if all does."""
    match t:
        case Prim():
            _explain_prim(t, value, path)
        case PrimType(prim):
            _explain_prim(prim, value, path)
        case ListType(element, length):
            _explain_list(element, length, value, path, classes)
        case MapType(key, value_type):
            if not issubclass(value.__class__, dict):
                _type_error(path, "a dict", value)
            for k, v in value.items():
                explain(key, k, f"{path} key", classes)
                explain(value_type, v, f"{path}[{k!r}]", classes)
        case RecordType(fields):
            cls, labels = classes.record(t), classes.fields(t)
            try:
                values = as_fields(value, cls, labels)
            except BadValue:
                _class_error(path, cls, f"a {cls.__name__}", value)
            for (_, f), label, item in zip(fields, labels, values, strict=True):
                explain(f, item, f"{path}.{label}", classes)
        case TupleType(types):
            try:
                items = as_tuple(value, len(types))
            except BadValue:
                _type_error(path, f"a tuple of {len(types)}", value)
            for i, (x, item) in enumerate(zip(types, items, strict=True)):
                explain(x, item, f"{path}[{i}]", classes)
        case VariantType(cases):
            _explain_variant(t, cases, value, path, classes)
        case EnumType(labels):
            if value.__class__ is not classes.enum(t):
                try:
                    as_enum(value, labels)
                except BadValue:
                    _class_error(path, classes.enum(t), f"a {classes.enum(t).__name__}", value)
        case FlagsType(labels):
            if value.__class__ is not classes.flags(t):
                try:
                    as_flags(value, labels)
                except BadValue:
                    title = classes.flags(t).__name__
                    _class_error(path, classes.flags(t), f"{title} flags", value)
        case OptionType(some):
            if value is None:
                return
            if none_is_a_value(some):
                if value.__class__ is not Some:
                    _type_error(path, "None or Some(value)", value)
                explain(some, value.value, f"{path}.value", classes)
            else:
                explain(some, value, path, classes)
        case ResultType(ok, error):
            if value.__class__ not in (Ok, Err):
                _type_error(path, "Ok(value) or Err(value)", value)
            payload = ok if value.__class__ is Ok else error
            if payload is not None:
                explain(payload, value.value, f"{path}.value", classes)
            elif value.value is not None:
                _value_error(f"{path}.value", "None, for there is no payload", value.value)
        case OwnType() | BorrowType():
            cls = classes.resource(t)
            if not isinstance(value, cls):
                _class_error(path, cls, f"a {cls.__name__}", value)
            check = getattr(value, "check_usable__", None)
            if check is not None:
                check(path)
            lent: Any = getattr(value, "num_lends", None)
            if isinstance(t, OwnType) and lent:
                _value_error(path, "a resource that is not lent to a call", value)
        case StreamType() | FutureType():
            raise Unsupported(
                f"{path}: streams and futures: wherever does not have the asynchronous ABI yet"
            )


def _explain_variant(
    t: VariantType,
    cases: tuple[tuple[str, ValType | None], ...],
    value: Any,
    path: str,
    classes: Classes,
) -> None:
    case_classes = classes.cases(t)
    for (_, payload), cls in zip(cases, case_classes, strict=True):
        if value.__class__ is cls:
            if payload is not None:
                explain(payload, value.value, f"{path}.value", classes)
            return
    try:
        index, given = as_case(value, tuple(label for label, _ in cases))
    except BadValue:
        names = ", ".join(cls.__qualname__ for cls in case_classes[:6])
        more = ", ..." if len(case_classes) > 6 else ""
        for cls in case_classes:
            if type(value).__qualname__ == cls.__qualname__:
                _class_error(path, cls, f"a {cls.__qualname__}", value)
        _type_error(path, f"one of {names}{more}", value)
    payload = cases[index][1]
    if payload is not None:
        explain(payload, given, f"{path}.value", classes)
    elif given is not None:
        _value_error(f"{path}.value", "None, for there is no payload", given)


def _explain_list(
    element: ValType, length: int | None, given: Any, path: str, classes: Classes
) -> None:
    value: object = given
    if not isinstance(value, bytes | bytearray | memoryview) and not hasattr(value, "__array__"):
        try:
            as_list(value)
        except BadValue:
            _type_error(path, "a list", value)
    elif isinstance(value, bytes | bytearray) and bare(element) is not Prim.U8:
        _type_error(path, "a list", value)
    view = _view(given)
    if view is not None and view.ndim != 1:
        _type_error(path, f"a list, of one dimension and not {view.ndim}", given)
    try:
        items: Sequence[Any] = list(given) if view is None else _numbers(view, given)
    except (BadValue, TypeError):
        _type_error(path, "a list of numbers", given)
    if length is not None and len(items) != length:
        _value_error(path, f"a list of {length}", items)
    for i, item in enumerate(items):
        explain(element, item, f"{path}[{i}]", classes)


def _explain_prim(prim: Prim, value: object, path: str) -> None:
    match prim:
        case Prim.BOOL:
            if not isinstance(value, bool):
                _type_error(path, "bool", value)
        case Prim.CHAR:
            if not isinstance(value, str):
                _type_error(path, "char (a str of one character)", value)
            try:
                as_char(value)
            except BadValue:
                _value_error(path, "char (one Unicode scalar value)", value)
        case Prim.STRING:
            if not isinstance(value, str):
                _type_error(path, "string", value)
            try:
                value.encode()
            except UnicodeEncodeError as error:
                _value_error(path, f"a string of Unicode scalar values ({error.reason})", value)
        case Prim.F32 | Prim.F64:
            try:
                number = as_float(value)
            except BadValue:
                _type_error(path, str(prim), value)
            if prim is Prim.F32:
                try:
                    as_f32(number)
                except BadValue:
                    _value_error(path, "an f32", value)
        case Prim.ERROR_CONTEXT:
            raise Unsupported(f"{path}: error-context: not in wherever yet")
        case _:
            low, high = INT_RANGE[prim]
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                _type_error(path, str(prim), value)
            try:
                as_int(value, low, high)
            except BadValue:
                _value_error(path, f"{prim} ({low}..{high})", value)


def unexplained(error: BaseException) -> NoReturn:
    """The generated check refused what the slow one accepts."""
    raise InternalError(f"a value was refused without a reason: {error!r}") from error
