"""Owns the rule that one call gives a resource away once, and does not lend what it gives.

Each argument may be good by itself: it takes all of them together to see that one object is given
twice. Asked only of function types that could do so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wherever.component.layout import cases_of, fields_of
from wherever.component.types import (
    BorrowType,
    ListType,
    MapType,
    OptionType,
    OwnType,
    RecordType,
    ResultType,
    TupleType,
    ValType,
    VariantType,
)

MANY = 2


def handles(t: ValType | None) -> tuple[int, int]:
    """How many resources a value of `t` may give away and lend: none, one, or many (2)."""
    match t:
        case OwnType():
            return 1, 0
        case BorrowType():
            return 0, 1
        case ListType(element):
            owns, borrows = handles(element)
            return MANY * owns, MANY * borrows
        case MapType(key, value):
            owns, borrows = _sum((key, value))
            return MANY * owns, MANY * borrows
        case RecordType() | TupleType():
            return _sum(fields_of(t))
        case VariantType() | OptionType() | ResultType():
            found = [handles(case) for case in cases_of(t)]
            return max(owns for owns, _ in found), max(borrows for _, borrows in found)
        case _:
            return 0, 0


def _sum(types: tuple[ValType, ...]) -> tuple[int, int]:
    found = [handles(t) for t in types]
    return min(MANY, sum(a for a, _ in found)), min(MANY, sum(b for _, b in found))


def check(types: tuple[ValType, ...]) -> Callable[[tuple[Any, ...], str], None] | None:
    """What looks at the prepared values of `types` together, if anything has to."""
    owns, borrows = _sum(types)
    if not owns or owns + borrows < MANY:
        return None

    def look(prepared: tuple[Any, ...], name: str) -> None:
        seen: dict[int, bool] = {}
        for t, value in zip(types, prepared, strict=True):
            for item, own in _walk(t, value):
                if not hasattr(item, "take__"):
                    continue  # the host's own object: any number of handles may stand for it
                other = seen.get(id(item))
                if other is not None and (own or other):
                    raise ValueError(
                        f"{name}: {item!r} is given away and {'given' if own and other else 'lent'}"
                        " again in one call: a resource has one owner"
                    )
                seen[id(item)] = own or bool(other)

    return look


def _walk(t: ValType | None, value: Any) -> Iterator[tuple[Any, bool]]:
    if handles(t) == (0, 0):
        return
    match t:
        case OwnType():
            yield value, True
        case BorrowType():
            yield value, False
        case ListType(element):
            for item in value:
                yield from _walk(element, item)
        case MapType(key, element):
            for pair in value:
                yield from _walk(key, pair[0])
                yield from _walk(element, pair[1])
        case RecordType() | TupleType():
            for part, item in zip(fields_of(t), value, strict=True):
                yield from _walk(part, item)
        case VariantType() | OptionType() | ResultType():
            index: int = value[0]
            yield from _walk(cases_of(t)[index], value[1])
        case _:
            return
