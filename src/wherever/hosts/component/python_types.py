"""Owns the Python classes of a component's named types: made on first use, one per type.

A type is known by its WIT name and its structure, so that a record that an interface `use`s from
another has the same class in both. No class is made from text that a guest wrote: names pass
through `naming` first, and lifting refers to classes, never to names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, Flag
from typing import Any, ClassVar

from wherever.component import types as ct
from wherever.component.canonical.context import ResourceType
from wherever.component.canonical.values import ResultError
from wherever.component.layout import cases_of
from wherever.component.naming import distinct, pascal, snake, upper
from wherever.hosts.component.handles import GuestResource
from wherever.hosts.component.runtime import Environment, resolve

Key = tuple[Any, ...]

# the functional forms, whose names and members are known at run time only
_ENUM: Callable[..., Any] = Enum
_FLAG: Callable[..., Any] = Flag


def _label(made: type[Any], name: str, labels: tuple[str, ...]) -> None:
    type.__setattr__(made, "wit_name__", name)
    type.__setattr__(made, "wit_labels__", labels)


class Variant:
    """The base of a variant's classes: `Shape` has its cases as `Shape.Circle`, `Shape.Square`."""

    __slots__ = ()
    _wit_name: ClassVar[str] = "variant"


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

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.value,)


class PythonTypes:
    """The classes of one loaded component."""

    def __init__(self, module: str, given: Mapping[tuple[str, str], object] | None = None) -> None:
        self.module = module
        self.given = given or {}
        """Classes made before, by `wherever bindings`: by interface and WIT name."""
        self.host_classes: dict[ResourceType, type[Any]] = {}
        self._names: dict[int, tuple[object, str]] = {}
        self._interfaces: dict[int, str] = {}
        self.made_classes: dict[Key, Any] = {}
        self._resources: dict[ResourceType, type[Any]] = {}
        self._binders: list[Callable[[ResourceType], type[Any] | None]] = []

    # -- names -------------------------------------------------------------------------------

    def learn(
        self, externs: Iterator[tuple[str, ct.ExternType]], interface: str = "exports"
    ) -> None:
        """Note the names that imports and exports give to types."""
        for name, extern in externs:
            match extern:
                case ct.TypeBound(t):
                    self._names[id(t)] = (t, name)
                    self._interfaces[id(t)] = interface
                case ct.InstanceType(exports):
                    self.learn(iter(exports.items()), name)
                case _:
                    pass

    def name_of(self, t: ct.ValType | ct.ResourceType, fallback: str) -> str:
        """The WIT name of `t`."""
        known = self._names.get(id(t))
        return known[1] if known is not None else fallback

    def classes(self, environment: Environment) -> BoundClasses:
        """The classes, for types whose resources stand for what `environment` says."""
        return BoundClasses(self, environment)

    # -- resources ---------------------------------------------------------------------------

    def resource_class(self, t: ct.ResourceType, rt: ResourceType) -> type[Any]:
        """The class of a resource's handles."""
        known = self.host_classes.get(rt) or self._resources.get(rt)
        if known is None:
            if rt.impl is None:
                return object
            for binder in self._binders:
                known = binder(rt)
                if known is not None:
                    break
            if known is None:
                wit_name = self.name_of(t, rt.name)
                known = type(
                    pascal(wit_name),
                    (GuestResource,),
                    {"__slots__": (), "_wit_name": wit_name, "__module__": self.module},
                )
            self._resources[rt] = known
        return known

    def add_binder(self, binder: Callable[[ResourceType], type[Any] | None]) -> None:
        """Let `binder` make the classes of resources whose methods it knows."""
        self._binders.append(binder)

    # -- value types -------------------------------------------------------------------------

    def key(self, t: ct.ValType | None, environment: Environment) -> Key:
        """What two types share exactly if they are equal."""
        match t:
            case None:
                return ()
            case ct.Prim():
                return (t,)
            case ct.PrimType(prim):
                return (prim,)
            case ct.OwnType(resource) | ct.BorrowType(resource):
                return (type(t), resolve(environment, resource))
            case ct.EnumType(labels) | ct.FlagsType(labels):
                return (type(t), labels)
            case ct.RecordType(fields):
                inner = tuple([(name, self.key(f, environment)) for name, f in fields])
                return (type(t), inner)
            case ct.VariantType(cases):
                inner = tuple([(name, self.key(c, environment)) for name, c in cases])
                return (type(t), inner)
            case ct.TupleType(types):
                return (type(t), *[self.key(x, environment) for x in types])
            case ct.ListType(element, length):
                return (type(t), length, self.key(element, environment))
            case ct.MapType(k, v):
                return (type(t), self.key(k, environment), self.key(v, environment))
            case ct.OptionType() | ct.ResultType():
                return (type(t), *[self.key(c, environment) for c in cases_of(t)])
            case ct.StreamType(element) | ct.FutureType(element):
                return (type(t), self.key(element, environment))

    def made(self, t: ct.ValType, environment: Environment, make: Callable[[str], Any]) -> Any:
        """The class of `t`, made if need be under its WIT name."""
        structure = self.key(t, environment)
        named = self._names.get(id(t))
        if named is None:
            # A copy that substitution made: the class of that structure, whatever its name.
            known = self.made_classes.get((None, structure))
            if known is not None:
                return known
        name = named[1] if named is not None else type(t).__name__.removesuffix("Type").lower()
        key = (name, structure)
        known = self.made_classes.get(key)
        if known is None:
            known = self.given.get((self._interfaces.get(id(t), ""), name))
            known = self.made_classes[key] = make(name) if known is None else known
            self.made_classes.setdefault((None, structure), known)
        return known


class BoundClasses:
    """`values.Classes` for the types of one component instance."""

    def __init__(self, types: PythonTypes, environment: Environment) -> None:
        self.types = types
        self.environment = environment

    def record(self, t: ct.RecordType) -> type[Any]:
        """A frozen dataclass."""

        def make(name: str) -> type[Any]:
            fields = [(field, Any) for field in self.fields(t)]
            return dataclasses.make_dataclass(
                pascal(name),
                fields,
                frozen=True,
                slots=True,
                namespace={"__module__": self.types.module, "_wit_name": name},
            )

        made: type[Any] = self.types.made(t, self.environment, make)
        return made

    def fields(self, t: ct.RecordType) -> tuple[str, ...]:
        """The attributes of a record's class."""
        return distinct(snake(name) for name, _ in t.fields)

    def cases(self, t: ct.VariantType) -> tuple[type[Any], ...]:
        """One class a case, each an attribute of the variant's own class."""

        def make(name: str) -> tuple[type[Any], ...]:
            title = pascal(name)
            base = type(title, (Variant,), {"_wit_name": name, "__module__": self.types.module})
            made: list[type[Any]] = []
            labels = distinct(pascal(label) for label, _ in t.cases)
            for label, (wit_name, payload) in zip(labels, t.cases, strict=True):
                kind = BareCase if payload is None else Case
                cls = type(
                    label,
                    (kind, base),
                    {
                        "__slots__": (),
                        "__module__": self.types.module,
                        "__qualname__": f"{title}.{label}",
                        "_wit_name": wit_name,
                    },
                )
                setattr(base, label, cls)
                made.append(cls)
            return tuple(made)

        cases: tuple[type[Any], ...] = self.types.made(t, self.environment, make)
        return cases

    def enum(self, t: ct.EnumType) -> type[Enum]:
        """An Enum whose values are the discriminants."""

        def make(name: str) -> type[Enum]:
            members = distinct(upper(label) for label in t.labels)
            values = [(member, i) for i, member in enumerate(members)]
            made: type[Enum] = _ENUM(pascal(name), values, module=self.types.module)
            _label(made, name, t.labels)
            return made

        found: type[Enum] = self.types.made(t, self.environment, make)
        return found

    def flags(self, t: ct.FlagsType) -> type[Flag]:
        """A Flag whose values are the bits."""

        def make(name: str) -> type[Flag]:
            members = distinct(upper(label) for label in t.labels)
            values = [(member, 1 << i) for i, member in enumerate(members)]
            made: type[Flag] = _FLAG(pascal(name), values, module=self.types.module)
            _label(made, name, t.labels)
            return made

        found: type[Flag] = self.types.made(t, self.environment, make)
        return found

    def resource(self, t: ct.OwnType | ct.BorrowType) -> type[Any]:
        """The class of a resource's handles."""
        rt = resolve(self.environment, t.resource)
        return self.types.resource_class(t.resource, rt)

    def error(self, t: ct.ValType | None) -> type[ResultError]:
        """The exception that a function's failure raises, one per type of failure."""
        if t is None:
            return ResultError
        name = self.types.name_of(t, "")
        if not name:
            return ResultError
        key = ("error", name, self.types.key(t, self.environment))
        made = self.types.made_classes
        if key not in made:
            title = pascal(name)
            title = title if title.endswith("Error") else f"{title}Error"
            made[key] = type(
                title, (ResultError,), {"wit_name": name, "__module__": self.types.module}
            )
        found: type[ResultError] = made[key]
        return found
