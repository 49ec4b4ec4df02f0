"""Owns a light stand-in for `typing` in workers, where annotations have no reader.

`typing` imports `re`, `contextlib` and `collections`: as long as a whole bare interpreter takes to
start. What classes are made of is here; every other name is a form that says nothing.
"""

from __future__ import annotations

_field = getattr(__import__("_collections"), "_tuplegetter")  # noqa: B009 - as `collections` does

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Form:
    """A special form: whatever is written in its brackets, it stays itself."""

    __slots__ = ()

    def __call__(self, *_: object, **__: object) -> _Form:
        return self  # a TypeVar, a ParamSpec

    def __getitem__(self, _: object) -> _Form:
        return self

    def __or__(self, _: object) -> _Form:
        return self

    __ror__ = __or__


def __getattr__(name: str) -> _Form:
    if not name[:1].isupper():
        raise AttributeError(name)
    return _Form()


class _Base:
    """A base class that may be written with brackets."""

    __slots__ = ()

    def __class_getitem__(cls, _: object) -> type:
        return cls


class Generic(_Base):
    """As `typing.Generic`, remembering nothing."""

    __slots__ = ()


class Protocol(_Base):
    """As `typing.Protocol`, checking nothing."""

    __slots__ = ()


class _TupleMaker(type):
    """Makes a tuple class of a class body's annotations."""

    def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
        if not bases:
            return type.__new__(cls, name, bases, space)
        fields: tuple[str, ...] = tuple(space.get("__annotations__", ()))
        defaults = {field: space[field] for field in fields if field in space}
        made = dict(space, __slots__=(), __match_args__=fields, _fields=fields)
        made.update((field, _field(at, "")) for at, field in enumerate(fields))

        build: Any = getattr(tuple, "__new__")  # noqa: B009 - its type would be unknown

        def new(kind: type, /, *values: object, **named: object) -> object:
            if len(values) != len(fields):
                rest = fields[len(values) :]
                values += tuple([named.pop(f) if f in named else defaults[f] for f in rest])
            if named or len(values) != len(fields):
                raise TypeError(f"{name} takes {', '.join(fields)}")
            return build(kind, values)

        def changed(self: tuple[object, ...], **changes: object) -> object:
            values = zip(fields, self, strict=True)
            return new(type(self), **{**dict(values), **changes})

        made |= {"__new__": new, "_replace": changed}
        return type(name, (tuple,), made)


class NamedTuple(metaclass=_TupleMaker):
    """As `typing.NamedTuple`, for classes with annotated fields."""

    __slots__ = ()


class TypeVar:
    """As `typing.TypeVar`: a name."""

    __slots__ = ("name",)

    def __init__(self, name: str, *_: object, **__: object) -> None:
        self.name = name


def NewType(_name: str, base: type) -> type:  # noqa: N802 - the name that it stands in for
    """The base itself."""
    return base


def cast(_: object, value: object) -> object:
    """The value."""
    return value


def _same(value: object) -> object:
    return value


final = overload = override = runtime_checkable = _same


def assert_never(value: object) -> None:
    """What can never be reached, reached."""
    raise AssertionError(f"unreachable, but here is {value!r}")
