"""Owns the Python classes of a component's named types: made on first use, one per type.

A type is known by its WIT name and its structure, so that a record that an interface `use`s from
another has the same class in both. No class is made from text that a guest wrote: names pass
through `naming` first, and lifting refers to classes, never to names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum, Flag
from typing import Any

from wherever.component import types as ct
from wherever.component.canonical.context import ResourceType
from wherever.component.canonical.values import ResultError
from wherever.component.layout import cases_of
from wherever.component.naming import distinct, pascal, snake
from wherever.hosts.component.handles import GuestResource
from wherever.hosts.component.runtime import Environment, resolve
from wherever.hosts.component.value_classes import Recipe, value_class

Key = tuple[Any, ...]


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

    def interface_of(self, t: ct.ValType | ct.ResourceType) -> str:
        """The interface that names `t`; "" where none does."""
        return self._interfaces.get(id(t), "")

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
                    {
                        "__slots__": (),
                        "_wit_name": wit_name,
                        "_wit_interface": self.interface_of(t),
                        "__module__": self.module,
                    },
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

    def made(
        self,
        t: ct.ValType,
        environment: Environment,
        kind: str,
        labels: tuple[str, ...],
        bare: tuple[bool, ...] = (),
    ) -> Any:
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
            interface = self.interface_of(t)
            known = self.given.get((interface, name))
            if known is None:
                recipe = Recipe(
                    kind, self.module, interface, name, labels, bare, _as_text(structure)
                )
                known = value_class(recipe)
            self.made_classes[key] = known
            self.made_classes.setdefault((None, structure), known)
        return known


def _as_text(key: Any) -> str:
    """A type's key, told alike in every process."""
    if isinstance(key, ResourceType):
        return f"resource {key.name}"
    if key.__class__ is tuple:
        return f"({','.join([_as_text(part) for part in key])})"
    return str(getattr(key, "__name__", key))


class BoundClasses:
    """`values.Classes` for the types of one component instance."""

    def __init__(self, types: PythonTypes, environment: Environment) -> None:
        self.types = types
        self.environment = environment

    def record(self, t: ct.RecordType) -> type[Any]:
        """A frozen dataclass."""
        labels = tuple([label for label, _ in t.fields])
        made: type[Any] = self.types.made(t, self.environment, "record", labels)
        return made

    def fields(self, t: ct.RecordType) -> tuple[str, ...]:
        """The attributes of a record's class."""
        return distinct(snake(name) for name, _ in t.fields)

    def cases(self, t: ct.VariantType) -> tuple[type[Any], ...]:
        """One class a case, each an attribute of the variant's own class."""
        labels = tuple([label for label, _ in t.cases])
        bare = tuple([payload is None for _, payload in t.cases])
        made = self.types.made(t, self.environment, "variant", labels, bare)
        cases: tuple[type[Any], ...] = getattr(made, "cases__", made)
        return cases  # as they are where `wherever bindings` wrote them

    def enum(self, t: ct.EnumType) -> type[Enum]:
        """An Enum whose values are the discriminants."""
        made: type[Enum] = self.types.made(t, self.environment, "enum", t.labels)
        return made

    def flags(self, t: ct.FlagsType) -> type[Flag]:
        """A Flag whose values are the bits."""
        made: type[Flag] = self.types.made(t, self.environment, "flags", t.labels)
        return made

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
        recipe = Recipe("error", self.types.module, self.types.interface_of(t), name)
        key = (recipe, self.types.key(t, self.environment))
        made = self.types.made_classes
        if key not in made:
            made[key] = value_class(recipe)
        found: type[ResultError] = made[key]
        return found
