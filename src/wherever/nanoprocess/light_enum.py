"""Owns a light stand-in for `enum` in workers: members with a name and a value, and bit flags.

`enum` imports `functools` and `collections`: as much as a whole bare interpreter start takes in
instructions, and each of its flags costs as much as a class. Here: `Enum`, `IntEnum`, `Flag` and
`IntFlag` with constant values or `auto()`, looked up by value or name, iterated and combined.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Enum", "EnumType", "Flag", "IntEnum", "IntFlag", "auto"]


class auto:  # noqa: N801 - the name that it stands in for
    """The next value: 1, 2, 3 for an enumeration, 1, 2, 4 for flags."""

    __slots__ = ()


class EnumType(type):
    """Makes the members of a class body's names."""

    by_name: dict[str, Any]
    by_value: dict[object, Any]

    def __new__(cls, title: str, bases: tuple[type, ...], space: dict[str, Any]) -> Any:
        """The class, with a member for each name that is neither private nor a function."""
        names = [name for name in space if name[0] != "_" and not hasattr(space[name], "__get__")]
        values = [space.pop(name) for name in names]
        made: Any = type.__new__(cls, title, bases, {**space, "by_name": {}, "by_value": {}})
        last = 0
        for name, given in zip(names, values, strict=True):
            value = given
            if isinstance(given, auto):
                value = (last << 1 or 1) if getattr(made, "_combines", False) else last + 1
            member = made.by_value.get(value)
            if member is None:  # else another name for the same
                member = _member(made, name, value)
            made.by_name[name] = member
            setattr(made, name, member)
            last = value if isinstance(value, int) else last
        return made

    def __call__(
        cls, value: object, names: list[tuple[str, Any]] | None = None, *, module: str = ""
    ) -> Any:
        """The member with that value; flags are combined as asked. With names, a new class."""
        if names is not None:
            kind: Any = type(cls)
            return kind(value, (cls,), {**dict(names), "__module__": module})
        found = cls.by_value.get(value)
        if found is not None:
            return found
        if isinstance(value, int) and getattr(cls, "_combines", False):
            return _member(cls, None, value)
        raise ValueError(f"{value!r} is not a valid {cls.__qualname__}")

    def __getitem__(cls, name: str) -> Any:
        return cls.by_name[name]

    def __iter__(cls) -> Iterator[Any]:
        """The members, each once; of flags those of one bit."""
        found = [each for name, each in cls.by_name.items() if each.name == name]
        if getattr(cls, "_combines", False):
            found = [each for each in found if each.value > 0 and not each.value & each.value - 1]
        return iter(found)

    def __len__(cls) -> int:
        return len([*iter(cls)])

    def __contains__(cls, member: object) -> bool:
        return isinstance(member, cls) or member in cls.by_value

    def __repr__(cls) -> str:
        return f"<enum {cls.__name__!r}>"


def _member(kind: Any, name: str | None, value: Any) -> Any:
    make: Any = int.__new__ if int in kind.__mro__ else object.__new__
    member: Any = make(kind, value) if make is int.__new__ else make(kind)
    member.name = name
    member.value = value
    kind.by_value[value] = member
    return member


_shown: Any = int.__repr__
_hashed: Any = int.__hash__


class Enum(metaclass=EnumType):
    """As `enum.Enum`."""

    _combines = False
    name: str
    value: Any

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    __hash__ = object.__hash__  # there is one of each member


class IntEnum(Enum, int):
    """As `enum.IntEnum`: its members are integers."""

    __str__ = _shown
    __hash__ = _hashed


class _Bits(Enum):
    """What both kinds of flags can do."""

    _combines = True

    def __or__(self, other: Any) -> Any:
        return _like(self, self.value | _bits(other))

    def __and__(self, other: Any) -> Any:
        return _like(self, self.value & _bits(other))

    def __xor__(self, other: Any) -> Any:
        return _like(self, self.value ^ _bits(other))

    __ror__ = __or__
    __rand__ = __and__
    __rxor__ = __xor__

    def __invert__(self) -> Any:
        kind: Any = type(self)
        return kind(~self.value & sum(each.value for each in kind))

    def __contains__(self, other: Any) -> bool:
        return bool(other.value & self.value == other.value)

    def __bool__(self) -> bool:
        return bool(self.value)


class Flag(_Bits):
    """As `enum.Flag`."""


class IntFlag(_Bits, int):
    """As `enum.IntFlag`: its members are integers."""

    __str__ = _shown
    __hash__ = _hashed


def _like(member: Any, value: int) -> Any:
    return type(member)(value)


def _bits(value: Any) -> int:
    found: int = getattr(value, "value", value)
    return found
