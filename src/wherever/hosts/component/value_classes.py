"""Owns the making of the classes of values: one a recipe in a process, so that values travel.

Two loads of one component have the same classes. A value can be copied and pickled: what is pickled
is the recipe of its class, which another process makes again, and the value's parts.
"""

from __future__ import annotations

import dataclasses
import threading
import weakref
from collections.abc import Callable
from enum import Enum, Flag
from typing import Any, ClassVar, NamedTuple, cast

from wherever.component.canonical.values import Err, Ok, ResultError, Some
from wherever.component.naming import distinct, pascal, snake, upper

# the functional forms, whose names and members are known at run time only
_ENUM: Callable[..., Any] = Enum
_FLAG: Callable[..., Any] = Flag


class Recipe(NamedTuple):
    """What a class is made from; equal recipes are one class."""

    kind: str
    """`record`, `variant`, `enum`, `flags` or `error`."""
    module: str
    interface: str
    """The interface that names the type, for messages; "" for none."""
    name: str
    labels: tuple[str, ...] = ()
    bare: tuple[bool, ...] = ()
    """Which cases of a variant have no payload."""
    structure: str = ""
    """The types inside, as text: equal names do not make equal types."""


_lock = threading.Lock()
_made: weakref.WeakValueDictionary[Recipe, type[Any]] = weakref.WeakValueDictionary()


def value_class(recipe: Recipe) -> type[Any]:
    """The class of a recipe; of a variant its base, which has the cases in `cases__`."""
    with _lock:
        known = _made.get(recipe)
        if known is None:
            known = _made[recipe] = _MAKERS[recipe.kind](recipe)
        return known


class Variant:
    """The base of a variant's classes: `Shape` has its cases as `Shape.Circle`, `Shape.Square`."""

    __slots__ = ()
    _wit_name: ClassVar[str] = "variant"
    cases__: ClassVar[tuple[type[Any], ...]] = ()


class BareCase(Variant):
    """A case without a payload."""

    __slots__ = ()
    value: ClassVar[None] = None

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}()"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


class Case(Variant):
    """A case with a payload, `value`."""

    __slots__ = ("value",)
    __match_args__ = ("value",)
    value: Any

    def __init__(self, value: Any) -> None:
        object.__setattr__(self, "value", value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__qualname__} is immutable: cannot assign {name!r}")

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Case) and type(other) is type(self) and other.value == self.value

    def __hash__(self) -> int:
        return hash((type(self), self.value))

    def __copy__(self) -> Case:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (_portable(self.value),)  # a class that `wherever bindings` wrote


# -- making ------------------------------------------------------------------------------------


def _itself(this: Any) -> Any:
    return this  # frozen: a copy would be no different


def _record(recipe: Recipe) -> type[Any]:
    names = distinct(snake(label) for label in recipe.labels)

    def reduce(this: Any) -> tuple[Any, ...]:
        return _part, (tuple(recipe), *[_portable(getattr(this, name)) for name in names])

    return dataclasses.make_dataclass(
        pascal(recipe.name),
        [(name, Any) for name in names],
        frozen=True,
        slots=True,
        namespace={
            "__module__": recipe.module,
            "__copy__": _itself,
            "__reduce__": reduce,
            "_wit_name": recipe.name,
            "_wit_interface": recipe.interface,
        },
    )


def _variant(recipe: Recipe) -> type[Any]:
    title = pascal(recipe.name)
    space = {"__slots__": (), "__module__": recipe.module, "_wit_name": recipe.name}
    base: Any = type(title, (Variant,), {**space, "_wit_interface": recipe.interface})

    def reduce(this: Any) -> tuple[Any, ...]:
        parts = (_portable(this.value),) if isinstance(this, Case) else ()
        return _case, (tuple(recipe), base.cases__.index(type(this)), *parts)

    made: list[type[Any]] = []
    labels = distinct(pascal(label) for label in recipe.labels)
    for label, wit_name, bare in zip(labels, recipe.labels, recipe.bare, strict=True):
        namespace = {
            "__slots__": (),
            "__module__": recipe.module,
            "__qualname__": f"{title}.{label}",
            "__reduce__": reduce,
            "_wit_name": wit_name,
        }
        made.append(type(label, (BareCase if bare else Case, base), namespace))
        setattr(base, label, made[-1])
    base.cases__ = tuple(made)
    return cast("type[Any]", base)


def _members(recipe: Recipe) -> type[Any]:
    names = distinct(upper(label) for label in recipe.labels)
    if recipe.kind == "enum":
        pairs = [(name, i) for i, name in enumerate(names)]
        made: type[Any] = _ENUM(pascal(recipe.name), pairs, module=recipe.module)
    else:
        pairs = [(name, 1 << i) for i, name in enumerate(names)]
        made = _FLAG(pascal(recipe.name), pairs, module=recipe.module)

    def reduce(this: Any, _: object) -> tuple[Any, ...]:
        return _part, (tuple(recipe), this.value)

    for name, value in (
        ("wit_name__", recipe.name),
        ("wit_labels__", recipe.labels),
        ("_wit_interface", recipe.interface),
        ("__reduce_ex__", reduce),
    ):
        type.__setattr__(made, name, value)
    return made


def _error(recipe: Recipe) -> type[ResultError]:
    title = pascal(recipe.name)
    title = title if title.endswith("Error") else f"{title}Error"

    def reduce(this: ResultError) -> tuple[Any, ...]:
        return _part, (tuple(recipe), _portable(this.value))

    space = {"wit_name": recipe.name, "__module__": recipe.module, "__reduce__": reduce}
    return type(title, (ResultError,), space)


_MAKERS: dict[str, Callable[[Recipe], type[Any]]] = {
    "record": _record,
    "variant": _variant,
    "enum": _members,
    "flags": _members,
    "error": _error,
}


# -- pickling ----------------------------------------------------------------------------------


def _part(recipe: tuple[Any, ...], *parts: Any) -> Any:
    return value_class(Recipe(*recipe))(*parts)


def _case(recipe: tuple[Any, ...], index: int, *parts: Any) -> Any:
    return value_class(Recipe(*recipe)).cases__[index](*parts)


def _numbers(data: bytes, kind: str) -> memoryview:
    view: Any = memoryview(data)
    return cast("memoryview", view.cast(kind))


class _Numbers:
    """A list of numbers on its way: what is unpickled is a memoryview again."""

    def __init__(self, view: memoryview) -> None:
        self.view = view

    def __reduce__(self) -> tuple[Any, ...]:
        return _numbers, (self.view.tobytes(), self.view.format)


def _portable(value: Any) -> Any:
    """`value`, with what pickle does not take inside it, numbers in a memoryview, made so."""
    if isinstance(value, memoryview):
        return _Numbers(cast("memoryview", value))
    if isinstance(value, list | tuple):
        items = [_portable(item) for item in cast("list[Any]", value)]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, Ok | Err | Some):
        wrapped = cast("Some[Any]", value)
        return type(wrapped)(_portable(wrapped.value))
    if value.__class__ is dict:
        return {key: _portable(item) for key, item in value.items()}
    return value
