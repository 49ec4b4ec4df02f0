"""Owns what Python sees of a loaded component: functions, resource classes, interfaces.

A face makes a function the first time that it is asked for, and keeps it: the second `face.add` is
a plain attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from wherever.component import names
from wherever.component import types as ct
from wherever.component.canonical import compile as canon
from wherever.component.canonical.context import ResourceType
from wherever.component.naming import distinct, method, pascal, snake
from wherever.component.wit.show import Namer, show_func
from wherever.errors import InternalError
from wherever.hosts.component.handles import GuestResource, PythonHandles
from wherever.hosts.component.instantiate import World
from wherever.hosts.component.python_types import BoundClasses
from wherever.hosts.component.runtime import (
    Environment,
    HostItem,
    InstanceItem,
    Item,
    LiftItem,
    TypeItem,
)


class Face:
    """The exports of a component or of one of its interfaces, as attributes."""

    def __init__(
        self,
        world: World,
        environment: Environment,
        externs: Mapping[str, ct.ExternType],
        items: Mapping[str, Item],
        title: str,
    ) -> None:
        self._world = world
        self._environment = environment
        self._externs = externs
        self._items = items
        self._title = title
        self._attributes: dict[str, Callable[[], Any]] = {}
        self._resources: dict[ResourceType, tuple[str, ct.ResourceType]] = {}
        self._namer = Namer()
        self._index()

    # -- what there is -----------------------------------------------------------------------

    def _index(self) -> None:
        for name, extern in self._externs.items():
            match extern:
                case ct.FuncType():
                    parsed = names.parse_extern_name(name)
                    if isinstance(parsed, names.Label):
                        self._offer(snake(name), partial(self.function, name))
                case ct.TypeBound(ct.ResourceType() as t):
                    self._namer.add(t, name)
                    item = self._items[name]
                    assert isinstance(item, TypeItem)
                    if item.resource is not None:
                        self._resources.setdefault(item.resource, (name, t))
                        self._offer(pascal(name), partial(self._class, item.resource, t))
                case ct.TypeBound(t):
                    self._namer.add(t, name)
                    if isinstance(t, ct.RecordType | ct.VariantType | ct.EnumType | ct.FlagsType):
                        self._offer(pascal(name), partial(self._value_class, t))
                case ct.InstanceType():
                    parsed = names.parse_extern_name(name)
                    short = (
                        parsed.interface if isinstance(parsed, names.InterfaceName) else str(parsed)
                    )
                    self._offer(snake(short), partial(self.interface, name))
                case _:
                    pass
        self._world.types.add_binder(self._bind)

    def _offer(self, name: str, make: Callable[[], Any]) -> None:
        unique = name
        while unique in self._attributes or hasattr(type(self), unique):
            unique += "_"  # an export `close` is `close_`: `close` ends the instance
        self._attributes[unique] = make

    def __getattr__(self, name: str) -> Any:
        make = self.__dict__.get("_attributes", {}).get(name)
        if make is None:
            raise AttributeError(
                f"{self.__dict__.get('_title', 'component')} exports no {name!r}; "
                f"it has {', '.join(sorted(self.__dict__.get('_attributes', {}))) or 'nothing'}"
            )
        value = make()
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._attributes})

    def names__(self) -> list[str]:
        """The attributes that stand for exports."""
        return list(self._attributes)

    def __repr__(self) -> str:
        return f"<{self._title}: {', '.join(self._attributes)}>"

    def __getitem__(self, name: str) -> Any:
        """An export by its WIT name."""
        extern = self._externs.get(name)
        if isinstance(extern, ct.FuncType):
            return self.function(name)
        if isinstance(extern, ct.InstanceType):
            return self.interface(name)
        if extern is None:
            # a version that semver lets stand for the one asked for
            for given in self._externs:
                if _same_track(given, name):
                    return self[given]
            raise KeyError(f"{self._title} exports no {name!r}")
        return getattr(self, pascal(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._externs)

    @property
    def externs(self) -> Mapping[str, ct.ExternType]:
        """The types of the exports, by WIT name."""
        return self._externs

    def classes(self) -> BoundClasses:
        """The Python classes of the types in here."""
        return self._world.types.classes(self._environment)

    def signature(self, name: str) -> str:
        """A function of here as WIT, with the names that types have here."""
        extern = self._externs[name]
        assert isinstance(extern, ct.FuncType)
        return show_func(name, extern, self._namer)

    # -- making it ---------------------------------------------------------------------------

    def interface(self, name: str) -> Face:
        """An exported instance."""
        cache: dict[str, Face] = self.__dict__.setdefault("_interfaces", {})
        if name not in cache:
            extern, item = self._externs[name], self._items[name]
            assert isinstance(extern, ct.InstanceType)
            assert isinstance(item, InstanceItem)
            cache[name] = Face(self._world, self._environment, extern.exports, item.exports, name)
        return cache[name]

    def function(self, name: str) -> Callable[..., Any]:
        """An exported function, by its WIT name."""
        cache: dict[str, Callable[..., Any]] = self.__dict__.setdefault("_functions", {})
        known = cache.get(name)
        if known is None:
            known = cache[name] = self._function(name)
        return known

    def _function(self, name: str) -> Callable[..., Any]:
        extern, item = self._externs[name], self._items[name]
        assert isinstance(extern, ct.FuncType)
        match item:
            case LiftItem(lifted):
                handles = PythonHandles(
                    lifted.inst, self._environment, self._world.types.resource_class
                )
                params = distinct(snake(label) for label, _ in extern.params)
                made = canon.lift_function(
                    lifted.seen_as(extern, handles),
                    self._world.types.classes(self._environment),
                    self._world.layouts,
                    name,
                    params,
                )
            case HostItem(function):
                params = distinct(snake(label) for label, _ in extern.params)
                made = function
            case _:
                raise InternalError(f"{name} is not a function")
        if self._world.described:
            import inspect

            try:
                made.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
                    [inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in params]
                )
                made.__doc__ = self.signature(name)
            except AttributeError:
                pass
        return made

    def _value_class(self, t: ct.ValType) -> Any:
        classes = self._world.types.classes(self._environment)
        match t:
            case ct.RecordType():
                return classes.record(t)
            case ct.VariantType():
                return self._variant_class(t)
            case ct.EnumType():
                return classes.enum(t)
            case ct.FlagsType():
                return classes.flags(t)
            case _:
                raise InternalError(f"{t} has no class")

    def _variant_class(self, t: ct.VariantType) -> Any:
        cases = self._world.types.classes(self._environment).cases(t)
        base = cases[0].__mro__[2]
        if any(case.__mro__[2] is not base for case in cases):
            return cases  # written by `wherever bindings`: one class a case, no class of their own
        return base

    def _class(self, rt: ResourceType, t: ct.ResourceType) -> type[Any]:
        return self._world.types.resource_class(t, rt)

    def _bind(self, rt: ResourceType) -> type[Any] | None:
        """The class of a resource that this face exports, with its methods."""
        known = self._resources.get(rt)
        if known is None or rt.impl is None:
            return None
        resource_name, _ = known
        title = pascal(resource_name)
        namespace: dict[str, Any] = {
            "__slots__": (),
            "_wit_name": resource_name,
            "_wit_interface": self._title,
            "__module__": self._world.types.module,
        }
        for name, extern in self._externs.items():
            if not isinstance(extern, ct.FuncType):
                continue
            match names.parse_extern_name(name):
                case names.Constructor(owner) if owner == resource_name:
                    namespace["__init__"] = self._constructor(name, rt)
                case names.Method(owner, label) if owner == resource_name:
                    namespace[method(label)] = self._late(name)
                case names.Static(owner, label) if owner == resource_name:
                    namespace[method(label)] = staticmethod(self._late(name))
                case _:
                    pass
        return type(title, (GuestResource,), namespace)

    def _late(self, name: str) -> Callable[..., Any]:
        """A method compiled when first called: its types may need the class being made."""

        def call(*args: Any, **keywords: Any) -> Any:
            return self.function(name)(*args, **keywords)

        call.__name__ = call.__qualname__ = name
        return call

    def _constructor(self, name: str, rt: ResourceType) -> Callable[..., None]:
        def init(this: GuestResource, *args: Any, **keywords: Any) -> None:
            made = self.function(name)(*args, **keywords)
            adopt(this, made, rt)

        return init


def adopt(this: GuestResource, made: GuestResource, rt: ResourceType) -> None:
    """Let `this`, just constructed, own what the guest's constructor gave."""
    this.hold__(rt, made.take__())


def _same_track(given: str, wanted: str) -> bool:
    try:
        a, b = names.parse_extern_name(given), names.parse_extern_name(wanted)
    except names.BadName:
        return False
    if not isinstance(a, names.InterfaceName) or not isinstance(b, names.InterfaceName):
        return False
    if b.version is None:
        return (a.namespace, a.package, a.interface) == (b.namespace, b.package, b.interface)
    return a.track == b.track
