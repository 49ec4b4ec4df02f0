"""Owns the index spaces of one component, component type or instance type under validation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn, TypeVar

from wherever.component import names
from wherever.component.syntax import AnySort, CoreSort, NameSyntax, Sort
from wherever.component.types import (
    AnyType,
    BorrowType,
    ComponentType,
    CoreInstanceType,
    CoreTag,
    ExternType,
    FuncType,
    InstanceType,
    ModuleType,
    OwnType,
    Resource,
    ResourceType,
    ResultType,
    TypeBound,
)
from wherever.component.visibility import Named
from wherever.errors import InvalidProgram
from wherever.wasm import types as core

_T = TypeVar("_T")


class InvalidComponent(InvalidProgram):
    """The component does not validate: `reason`, at byte `offset` of the file."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"invalid component: {reason}, at offset {offset:#x}")
        self.reason = reason
        self.offset = offset


def fail(reason: str, offset: int) -> NoReturn:
    """Raise `InvalidComponent`."""
    raise InvalidComponent(reason, offset)


class Kind(Enum):
    """What a scope is the inside of."""

    COMPONENT = "component"
    COMPONENT_TYPE = "component type"
    INSTANCE_TYPE = "instance type"


CoreTypeEntry = core.SubType | ModuleType


@dataclass(slots=True)
class NameContext:
    """The names of one namespace (imports or exports): uniqueness, and which resource has which."""

    what: str
    taken: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])
    resources: dict[int, tuple[ResourceType, str]] = field(
        default_factory=dict[int, tuple[ResourceType, str]]
    )

    def claim(self, syntax: NameSyntax, extern: ExternType, *, register: bool = True) -> None:
        """Check the name of an import or export and what it promises about its type."""
        offset = syntax.offset
        if len(syntax.name) > names.MAX_NAME:
            fail(f"{self.what} name is longer than {names.MAX_NAME} characters", offset)
        try:
            name = names.parse_extern_name(syntax.name)
            self._attributes(syntax, name, extern)
        except names.BadName as error:
            fail(str(error), offset)
        self._annotation(name, extern, offset)
        key = names.uniqueness_key(name)
        if key in self.taken:
            fail(
                f"{self.what} name `{syntax.name}` conflicts with previous name "
                f"`{self.taken[key]}`",
                offset,
            )
        self.taken[key] = syntax.name
        if register and isinstance(extern, TypeBound) and isinstance(name, names.Label):
            resource = extern.type
            if isinstance(resource, ResourceType):
                self.resources[id(resource)] = (resource, name.label)

    def _attributes(self, syntax: NameSyntax, name: names.ExternName, extern: ExternType) -> None:
        if syntax.implements is not None:
            if not syntax.implements:
                fail("`implements` value `` is not a valid name", syntax.offset)
            if not isinstance(extern, InstanceType):
                fail("only instances can have an `implements`", syntax.offset)
            if not isinstance(name, names.Label):
                fail(f"name `{name}` is not valid with `implements`", syntax.offset)
            try:
                names.parse_interface_name(syntax.implements)
            except names.BadName as error:
                fail(f"`implements` value must be an interface: {error}", syntax.offset)

    def _annotation(self, name: names.ExternName, extern: ExternType, offset: int) -> None:
        match name:
            case names.Constructor() | names.Method() | names.Static():
                if not isinstance(extern, FuncType):
                    fail(f"item for `{name}` is not a func", offset)
            case _:
                return
        match name:
            case names.Constructor(wanted):
                result = extern.result
                if result is None:
                    fail("function should return one value", offset)
                if isinstance(result, ResultType):
                    result = result.ok
                if not isinstance(result, OwnType):
                    fail("function should return `(own $T)` or `(result (own $T))`", offset)
                self._named(result.resource, wanted, offset)
            case names.Method(wanted):
                if not extern.params:
                    fail("function should have at least one argument", offset)
                label, first = extern.params[0]
                if label != "self":
                    fail("function should have a first argument called `self`", offset)
                if not isinstance(first, BorrowType):
                    fail("function should take a first argument of `(borrow $T)`", offset)
                self._named(first.resource, wanted, offset)
            case names.Static(wanted):
                if all(label != wanted for _, label in self.resources.values()):
                    fail("static resource name is not known in this context", offset)

    def _named(self, resource: ResourceType, wanted: str, offset: int) -> None:
        known = self.resources.get(id(resource))
        if known is None:
            fail("resource used in function does not have a name in this context", offset)
        if known[1] != wanted:
            fail(f"function does not match expected resource name `{known[1]}`", offset)


class Scope:
    """The index spaces, built up definition by definition."""

    def __init__(self, kind: Kind, parent: Scope | None) -> None:
        self.kind = kind
        self.parent = parent
        self.core_types: list[CoreTypeEntry] = []
        self.core_funcs: list[core.FuncType] = []
        self.core_tables: list[core.TableType] = []
        self.core_memories: list[core.MemoryType] = []
        self.core_globals: list[core.GlobalType] = []
        self.core_tags: list[CoreTag] = []
        self.core_modules: list[ModuleType] = []
        self.core_instances: list[CoreInstanceType] = []
        self.types: list[AnyType] = []
        self.funcs: list[FuncType] = []
        self.components: list[ComponentType] = []
        self.instances: list[InstanceType] = []
        self.imports: dict[str, ExternType] = {}
        self.exports: dict[str, ExternType] = {}
        self.import_names = NameContext("import")
        self.export_names = NameContext("export")
        self.named_imports = Named()
        self.named_exports = Named()
        self.imported: list[Resource] = []
        self.made: list[Resource] = []
        self.local: set[Resource] = set()
        """Resources that this very component defines, and so may make handles of."""

    def space(self, sort: AnySort, offset: int) -> list[object]:
        """The index space of `sort`."""
        table: dict[AnySort, object] = {
            CoreSort.FUNC: self.core_funcs,
            CoreSort.TABLE: self.core_tables,
            CoreSort.MEMORY: self.core_memories,
            CoreSort.GLOBAL: self.core_globals,
            CoreSort.TAG: self.core_tags,
            CoreSort.TYPE: self.core_types,
            CoreSort.MODULE: self.core_modules,
            CoreSort.INSTANCE: self.core_instances,
            Sort.FUNC: self.funcs,
            Sort.TYPE: self.types,
            Sort.COMPONENT: self.components,
            Sort.INSTANCE: self.instances,
        }
        space = table.get(sort)
        if not isinstance(space, list):
            fail("component values are not supported", offset)
        return space  # pyright: ignore[reportUnknownVariableType]

    def get(self, space: list[_T], index: int, what: str, offset: int) -> _T:
        """The entry at `index`, if there is one."""
        if index >= len(space):
            fail(f"unknown {what} {index}: {what} index out of bounds", offset)
        return space[index]

    def func(self, index: int, offset: int) -> FuncType:
        """A component function."""
        return self.get(self.funcs, index, "function", offset)

    def core_func(self, index: int, offset: int) -> core.FuncType:
        """A core function."""
        return self.get(self.core_funcs, index, "core function", offset)

    def type(self, index: int, offset: int) -> AnyType:
        """A type."""
        return self.get(self.types, index, "type", offset)

    def instance(self, index: int, offset: int) -> InstanceType:
        """An instance."""
        return self.get(self.instances, index, "instance", offset)

    def resource(self, index: int, offset: int) -> ResourceType:
        """A resource type."""
        found = self.type(index, offset)
        if not isinstance(found, ResourceType):
            fail(f"type index {index} is not a resource type", offset)
        return found

    def add_extern(self, extern: ExternType) -> None:
        """Put an imported or exported definition into its index space."""
        match extern:
            case ModuleType():
                self.core_modules.append(extern)
            case FuncType():
                self.funcs.append(extern)
            case TypeBound(type_):
                self.types.append(type_)
            case ComponentType():
                self.components.append(extern)
            case InstanceType():
                self.instances.append(extern)
            case _:
                raise AssertionError("component values are refused by the reader")

    def enclosing(self, count: int, offset: int) -> Scope:
        """The scope `count` levels out."""
        scope: Scope | None = self
        for _ in range(count):
            scope = scope.parent if scope is not None else None
        if scope is None:
            fail(f"invalid outer alias count of {count}", offset)
        return scope

    def component_type(self) -> ComponentType:
        """What this scope, complete, is from outside."""
        return ComponentType(self.imports, self.exports, tuple(self.imported), tuple(self.made))
