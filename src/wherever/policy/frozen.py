"""Owns `frozen`: immutable values with slots, without the 10 ms that importing `dataclasses` costs.

Every `wherever run` builds grants and limits in two processes before the guest's first
instruction, and its whole start has about 50 ms. Type checkers see an ordinary frozen dataclass.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from typing_extensions import dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_: object) -> Callable[[object], object]:
        """The checker's marker, without `typing`."""
        return lambda decorated: decorated


__all__ = ["frozen", "replace"]

_MISSING = object()


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """Make an immutable value of a class whose annotations are its fields.

    Equality, hash, `repr`, `match` and pickling go by the fields. A `__checked__` method, where
    there is one, is called last with the finished value and may raise.
    """
    names: tuple[str, ...] = tuple(cls.__annotations__)
    space = dict(cls.__dict__)
    defaults = {name: space.pop(name) for name in names if name in space}
    space.pop("__dict__", None)
    space.pop("__weakref__", None)
    check: Callable[[object], None] | None = space.get("__checked__")
    put = object.__setattr__

    def init(self: object, *values: object, **named: object) -> None:
        if len(values) > len(names):
            raise TypeError(f"{cls.__name__} takes at most {len(names)} values, not {len(values)}")
        for name, value in zip(names, values, strict=False):
            put(self, name, value)
        for name in names[len(values) :]:
            value = named.pop(name, _MISSING)
            if value is _MISSING:
                value = defaults.get(name, _MISSING)
                if value is _MISSING:
                    raise TypeError(f"{cls.__name__} needs {name}")
            put(self, name, value)
        if named:
            raise TypeError(f"{cls.__name__} has no {', '.join(named)}; it has {', '.join(names)}")
        if check is not None:
            check(self)

    def fields(self: object) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in names])

    def equal(self: object, other: object) -> bool:
        return type(other) is type(self) and fields(self) == fields(other)

    def hashed(self: object) -> int:
        return hash((cls.__name__, fields(self)))

    def reduced(self: object) -> tuple[type[object], tuple[object, ...]]:
        return type(self), fields(self)

    def show(self: object) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{cls.__name__}({inside})"

    def refuse(_self: object, name: str, *_: object) -> None:
        raise AttributeError(f"{cls.__name__} is frozen: make a changed copy instead of {name}=...")

    made: dict[str, object] = {
        "__slots__": names,
        "__match_args__": names,
        "__init__": init,
        "__eq__": equal,
        "__hash__": hashed,
        "__repr__": show,
        "__setattr__": refuse,
        "__delattr__": refuse,
        "__reduce__": reduced,
        "__replace__": replace,
    }
    made.update((name, value) for name, value in space.items() if name not in made)
    made["__slots__"] = names
    for own in ("__repr__", "__init__"):
        if own in space:
            made[own] = space[own]
    built: type[Any] = type(cls.__name__, cls.__bases__, made)
    return built


def replace(value: T, /, **changes: object) -> T:
    """A copy of a frozen value with some fields changed."""
    kind = type(value)
    names: tuple[str, ...] = getattr(kind, "__match_args__", ())
    return kind(**{name: changes.pop(name, getattr(value, name)) for name in names}, **changes)
