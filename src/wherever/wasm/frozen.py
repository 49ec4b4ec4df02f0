"""Owns `frozen`: immutable values with slots, at a tenth of what making a dataclass costs.

`dataclasses` compiles six methods for every class and imports `inspect`: two thirds of what
importing this room took. Here a method is made of a template for as many fields, whose parameters
are given the fields' names, so an `__init__` is as fast as a written one. Type checkers see an
ordinary frozen dataclass.
"""

from __future__ import annotations

from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_: object) -> Callable[[object], object]:
        """The checker's marker, without `typing`, which a worker has only a stand-in for."""
        return lambda decorated: decorated


__all__ = ["frozen"]


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """Make an immutable value of a class whose annotations are its fields.

    Equality, hash, `repr`, `match`, copying and pickling go by the fields, but for those that the
    class names in `__uncompared__`, of which the first two know nothing.
    """
    names: tuple[str, ...] = tuple(cls.__annotations__)  # `inspect` costs what this saves
    space: dict[str, Any] = dict(cls.__dict__)
    defaults = {name: space.pop(name) for name in names if name in space}
    for name in ("__dict__", "__weakref__"):
        space.pop(name, None)
    space["__slots__"] = space["__match_args__"] = names
    built: type[Any] = type(cls.__name__, cls.__bases__, space)
    uncompared: tuple[str, ...] = space.get("__uncompared__", ())
    methods = _methods(built, names, tuple([one for one in names if one not in uncompared]))
    methods["__init__"] = _init(built, names, defaults)
    for name, method in methods.items():
        if name not in space:  # what the class says itself stands
            method.__name__ = name
            method.__qualname__ = f"{cls.__qualname__}.{name}"
            setattr(built, name, method)
    return built


def _methods(
    built: type[Any], names: tuple[str, ...], compared: tuple[str, ...]
) -> dict[str, Callable[..., Any]]:
    fields: Callable[[Any], object] = attrgetter(*compared) if compared else lambda _: ()
    title = built.__name__

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        if other.__class__ is built:
            return fields(self) == fields(other)
        return NotImplemented

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(fields(self))

    def __repr__(self: object) -> str:  # noqa: N807
        return f"{title}({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"

    def __setattr__(self: object, name: str, value: object) -> None:  # noqa: N807
        raise AttributeError(f"{self!r} is immutable: make another instead of {name}={value!r}")

    def __delattr__(self: object, name: str) -> None:  # noqa: N807
        raise AttributeError(f"{self!r} is immutable: {name} stays")

    def __reduce__(self: object) -> tuple[type[Any], tuple[object, ...]]:  # noqa: N807
        return built, tuple([getattr(self, name) for name in names])

    made = (__eq__, __hash__, __repr__, __setattr__, __delattr__, __reduce__)
    return {method.__name__: method for method in made}


def _init(
    built: type[Any], names: tuple[str, ...], defaults: dict[str, Any]
) -> Callable[..., None]:
    setters = [built.__dict__[name].__set__ for name in names]
    if len(names) >= len(_TEMPLATES):
        wide: Callable[..., None] = _wide(names, setters, defaults)
        return wide
    init = _TEMPLATES[len(names)](*setters)
    init.__code__ = init.__code__.replace(co_varnames=("self", *names))
    init.__defaults__ = tuple(defaults.values()) or None
    made: Callable[..., None] = init
    return made


# An __init__ for each number of fields, over the slots' own setters.


def _of0() -> Any:
    def init(self: Any) -> None:
        del self

    return init


def _of1(s0: Any) -> Any:
    def init(self: Any, a: Any) -> None:
        s0(self, a)

    return init


def _of2(s0: Any, s1: Any) -> Any:
    def init(self: Any, a: Any, b: Any) -> None:
        s0(self, a)
        s1(self, b)

    return init


def _of3(s0: Any, s1: Any, s2: Any) -> Any:
    def init(self: Any, a: Any, b: Any, c: Any) -> None:
        s0(self, a)
        s1(self, b)
        s2(self, c)

    return init


def _of4(s0: Any, s1: Any, s2: Any, s3: Any) -> Any:
    def init(self: Any, a: Any, b: Any, c: Any, d: Any) -> None:
        s0(self, a)
        s1(self, b)
        s2(self, c)
        s3(self, d)

    return init


def _of5(s0: Any, s1: Any, s2: Any, s3: Any, s4: Any) -> Any:
    def init(self: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
        s0(self, a)
        s1(self, b)
        s2(self, c)
        s3(self, d)
        s4(self, e)

    return init


def _of6(s0: Any, s1: Any, s2: Any, s3: Any, s4: Any, s5: Any) -> Any:
    def init(self: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> None:
        s0(self, a)
        s1(self, b)
        s2(self, c)
        s3(self, d)
        s4(self, e)
        s5(self, f)

    return init


_TEMPLATES: tuple[Callable[..., Any], ...] = (_of0, _of1, _of2, _of3, _of4, _of5, _of6)


def _wide(names: tuple[str, ...], setters: list[Any], defaults: dict[str, Any]) -> Any:
    """The same for more fields: slower, for values that there is one of a module."""
    title = ", ".join(names)

    def init(self: Any, *values: Any, **named: Any) -> None:
        given = {**defaults, **dict(zip(names, values, strict=False)), **named}
        if len(values) > len(names) or given.keys() != set(names):
            raise TypeError(f"the fields are {title}; given were {', '.join(given)}")
        for name, put in zip(names, setters, strict=True):
            put(self, given[name])

    return init
