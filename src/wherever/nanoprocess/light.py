"""Owns a light stand-in for `dataclasses` in workers: the same classes without compiling methods.

`dataclasses` imports `inspect` and compiles source for every class: 25 ms of the 50 that a whole
`wherever run` has. A worker runs nothing but our rooms, so it puts this module in its place before
it imports them. What the rooms use is here (`dataclass` with frozen, slots and eq; `field`); using
anything else fails in the worker's first test.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["dataclass", "field", "make_dataclass"]

_MISSING: object = object()


class Field:
    """What `field()` said of a field."""

    __slots__ = ("compare", "default", "default_factory")

    def __init__(self, default: Any, default_factory: Any, compare: bool) -> None:
        self.default = default
        self.default_factory = default_factory
        self.compare = compare


def field(*, default: Any = _MISSING, default_factory: Any = _MISSING, compare: bool = True) -> Any:
    """A field with a default, or one left out of comparisons."""
    return Field(default, default_factory, compare)


def dataclass(
    cls: type[Any] | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True
) -> Any:
    """The class with `__init__`, `__repr__` and comparisons made of its annotations."""

    def make(each: type[Any]) -> type[Any]:
        return _made(each, frozen, slots, eq)

    return make if cls is None else make(cls)


def make_dataclass(
    name: str,
    fields: list[tuple[str, Any]],
    *,
    frozen: bool,
    slots: bool,
    namespace: dict[str, Any],
) -> type[Any]:
    """A class of fields whose names are known at run time only."""
    body = {**namespace, "__annotations__": dict(fields)}
    return _made(type(name, (), body), frozen, slots, True)


def _made(cls: type[Any], frozen: bool, slots: bool, eq: bool) -> type[Any]:
    space = dict(cls.__dict__)
    own = tuple(space.get("__annotations__", ()))
    fields: dict[str, Field] = dict(getattr(cls, "__light_fields__", {}))
    for name in own:
        given = space.pop(name, _MISSING) if slots else space.get(name, _MISSING)
        fields[name] = given if isinstance(given, Field) else Field(given, _MISSING, True)
    space["__light_fields__"] = fields
    space["__match_args__"] = tuple(fields)
    compared = tuple(name for name, each in fields.items() if each.compare)
    methods = _methods(cls.__name__, fields, compared, frozen, getattr(cls, "__post_init__", None))
    if not eq:
        for name in ("__eq__", "__hash__"):
            del methods[name]
    elif not frozen:
        methods["__hash__"] = None
    for name, method in methods.items():
        space.setdefault(name, method)
        if name == "__hash__" and space["__hash__"] is None:  # as a body with __eq__ sets it
            space[name] = method
    if slots:
        inherited = {slot for base in cls.__mro__[1:] for slot in getattr(base, "__slots__", ())}
        space["__slots__"] = tuple(name for name in own if name not in inherited)
        space.pop("__dict__", None)
        space.pop("__weakref__", None)
        meta: Any = type(cls)
        made: type[Any] = meta(cls.__name__, cls.__bases__, space)
        made.__qualname__ = cls.__qualname__
        return made
    for name, value in space.items():
        if name not in ("__dict__", "__weakref__"):
            setattr(cls, name, value)
    return cls


def _methods(
    title: str,
    fields: dict[str, Field],
    compared: tuple[str, ...],
    frozen: bool,
    after: Callable[[Any], None] | None,
) -> dict[str, Any]:
    names = tuple(fields)
    count = len(names)
    put = object.__setattr__

    def init(self: Any, *values: Any, **named: Any) -> None:
        if len(values) == count and not after and not named:  # thousands of them, in a plan
            for name, value in zip(names, values, strict=False):
                put(self, name, value)
            return
        if len(values) > len(names):
            raise TypeError(f"{title} takes {len(names)} values, {len(values)} were given")
        for name, value in zip(names, values, strict=False):
            put(self, name, value)
        for name in names[len(values) :]:
            value = named.pop(name, _MISSING)
            if value is _MISSING:
                each = fields[name]
                if each.default is not _MISSING:
                    value = each.default
                elif each.default_factory is not _MISSING:
                    value = each.default_factory()
                else:
                    raise TypeError(f"{title} needs {name}")
            put(self, name, value)
        if named:
            raise TypeError(f"{title} has no {', '.join(named)}")
        if after is not None:
            after(self)

    def key(self: Any) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in compared])

    def equal(self: Any, other: Any) -> Any:
        return key(self) == key(other) if type(other) is type(self) else NotImplemented

    def hashed(self: Any) -> int:
        return hash(key(self))

    def show(self: Any) -> str:
        return f"{title}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def refuse(_self: Any, name: str, *_: Any) -> None:
        raise AttributeError(f"cannot assign to field {name!r}")

    methods: dict[str, Any] = {
        "__init__": init,
        "__eq__": equal,
        "__hash__": hashed,
        "__repr__": show,
    }
    if frozen:
        methods |= {"__setattr__": refuse, "__delattr__": refuse}
    return methods
