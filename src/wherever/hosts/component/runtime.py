"""Owns what a component's index spaces hold at run time, and the frame that they are kept in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from wherever.component import syntax as cs
from wherever.component import types as ct
from wherever.component.canonical.compile import Lifted
from wherever.component.canonical.context import ComponentInstance, ResourceType
from wherever.component.facts import Validated
from wherever.engine.externs import Func, Global, Memory, Table, Tag
from wherever.engine.instance import Instance as CoreInstance
from wherever.engine.instance import Passed
from wherever.errors import InternalError

CoreExtern: TypeAlias = Func | Memory | Table | Global | Tag | Passed
CoreExports: TypeAlias = CoreInstance | Mapping[str, CoreExtern]

Environment: TypeAlias = dict[ct.Resource, ResourceType]
"""What each resource of a component's types is at run time, in one instance of it."""


@dataclass(frozen=True, slots=True, eq=False)
class ModuleItem:
    """A core module: its bytes."""

    data: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class LiftItem:
    """A function that a guest lifts."""

    lifted: Lifted
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class HostItem:
    """A function of the host, with the type and the resources that it was linked under."""

    function: Callable[..., Any]
    type: ct.FuncType
    environment: Environment
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class TypeItem:
    """A type; only resources are something at run time."""

    resource: ResourceType | None


@dataclass(frozen=True, slots=True, eq=False)
class ComponentItem:
    """A component and the frame that its outer aliases reach into."""

    validated: Validated
    frame: Frame | None


@dataclass(frozen=True, slots=True, eq=False)
class InstanceItem:
    """An instance: its exports."""

    exports: Mapping[str, Item]


Item: TypeAlias = ModuleItem | LiftItem | HostItem | TypeItem | ComponentItem | InstanceItem


@dataclass(slots=True, eq=False)
class Frame:
    """One component instance in the making: its index spaces and its state."""

    inst: ComponentInstance
    parent: Frame | None
    environment: Environment = field(default_factory=dict[ct.Resource, ResourceType])
    core_modules: list[ModuleItem] = field(default_factory=list[ModuleItem])
    core_instances: list[CoreExports] = field(default_factory=list[CoreExports])
    core_funcs: list[Func | Passed] = field(default_factory=list["Func | Passed"])
    core_tables: list[CoreExtern] = field(default_factory=list[CoreExtern])
    core_memories: list[Memory | Passed] = field(default_factory=list["Memory | Passed"])
    core_globals: list[CoreExtern] = field(default_factory=list[CoreExtern])
    core_tags: list[CoreExtern] = field(default_factory=list[CoreExtern])
    funcs: list[LiftItem | HostItem] = field(default_factory=list["LiftItem | HostItem"])
    types: list[TypeItem] = field(default_factory=list[TypeItem])
    components: list[ComponentItem] = field(default_factory=list[ComponentItem])
    instances: list[InstanceItem] = field(default_factory=list[InstanceItem])

    def add(self, item: Item) -> None:
        """Put an imported, aliased or exported definition into its index space."""
        match item:
            case ModuleItem():
                self.core_modules.append(item)
            case LiftItem() | HostItem():
                self.funcs.append(item)
            case TypeItem():
                self.types.append(item)
            case ComponentItem():
                self.components.append(item)
            case InstanceItem():
                self.instances.append(item)

    def add_core(self, sort: cs.CoreSort, extern: CoreExtern) -> None:
        """Put a core definition into its index space."""
        space: Any  # of that sort: validation has seen to it
        match sort:
            case cs.CoreSort.FUNC:
                space = self.core_funcs
            case cs.CoreSort.MEMORY:
                space = self.core_memories
            case cs.CoreSort.TABLE:
                space = self.core_tables
            case cs.CoreSort.GLOBAL:
                space = self.core_globals
            case cs.CoreSort.TAG:
                space = self.core_tags
            case _:
                raise InternalError(f"{sort} exported by a core instance")
        space.append(extern)

    def func(self, index: int) -> Func:
        """A core function that is called from here, not only passed on."""
        found = self.core_funcs[index]
        if isinstance(found, Passed):
            extern = found.extern()
            assert isinstance(extern, Func)
            found = self.core_funcs[index] = extern
        return found

    def memory(self, index: int) -> Memory:
        """A memory that is looked into from here."""
        found = self.core_memories[index]
        if isinstance(found, Passed):
            extern = found.extern()
            assert isinstance(extern, Memory)
            found = self.core_memories[index] = extern
        return found

    def resource(self, t: ct.ResourceType) -> ResourceType:
        """The run-time type of a resource that this component's types mention."""
        return resolve(self.environment, t)


def resolve(environment: Environment, t: ct.ResourceType) -> ResourceType:
    """The run-time type of `t`."""
    found = environment.get(t.resource)
    if found is None:
        raise InternalError(f"resource {t} has no run-time type")
    return found


def bind(environment: Environment, extern: ct.ExternType, item: Item) -> None:
    """Note which run-time resources the types of `extern` stand for, now that `item` is there."""
    match extern:
        case ct.TypeBound(ct.ResourceType() as t):
            if isinstance(item, TypeItem) and item.resource is not None:
                environment.setdefault(t.resource, item.resource)
        case ct.InstanceType(exports):
            if isinstance(item, InstanceItem):
                for name, inner in exports.items():
                    bind(environment, inner, item.exports[name])
        case _:
            pass


class GuestMemory:
    """The memory of canonical options: the engine's, with its view at hand."""

    __slots__ = ("memory", "view")

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.view = memory.view()

    def refresh(self) -> memoryview:
        """Look again at the memory's size."""
        self.view = self.memory.view()
        return self.view
