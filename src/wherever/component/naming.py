"""Owns Python's names for WIT's: kebab case in, identifiers out, never a keyword, never a clash.

Names come from guests. What leaves here matches `[A-Za-z_][A-Za-z0-9_]*` and shadows nothing that
the faces define themselves.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

_NOT_WORD = re.compile(r"[^0-9A-Za-z]+")
# what a face, a resource class or a case class already means something by
_TAKEN = frozenset({"self", "cls", "None", "True", "False", "print", "drop", "value", "mro"})


def _identifier(text: str, reserved: frozenset[str]) -> str:
    if not text or not (text[0].isalpha() or text[0] == "_"):
        text = f"_{text}"
    if keyword.iskeyword(text) or text in reserved:
        text += "_"
    return text


def _words(label: str) -> list[str]:
    return [word for word in _NOT_WORD.split(label) if word]


def snake(label: str, *, reserved: frozenset[str] = frozenset()) -> str:
    """The name of a function, a parameter or a field."""
    return _identifier("_".join(word.lower() for word in _words(label)), reserved)


def method(label: str) -> str:
    """The name of a resource's method, which must not hide what every resource has."""
    return snake(label, reserved=frozenset({"drop", "num_lends"}))


def pascal(label: str) -> str:
    """The name of a class."""
    return _identifier("".join(word[:1].upper() + word[1:] for word in _words(label)), _TAKEN)


def upper(label: str) -> str:
    """The name of an enum's or a flags' member."""
    return _identifier(
        "_".join(word.upper() for word in _words(label)), frozenset({"_IGNORE_", "MRO"})
    )


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """`names`, with underscores added where two labels came out as one."""
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        unique = name
        while unique in taken:
            unique += "_"
        taken.add(unique)
        result.append(unique)
    return tuple(result)
