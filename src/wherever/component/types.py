"""Owns the component type model: value types and extern types as values, under the spec's names.

A type is an object with an identity. Equality of types is structural and lives in `subtype`;
identity says which *name* an import or an export gave a type, which validation needs (a record used
in an export must itself be exported). A `Resource` is generative: two are equal only if they are
one object; a `ResourceType` is one name of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from wherever.wasm import types as core


class Prim(Enum):
    """A primitive value type; the value is its code in the binary format."""

    BOOL = 0x7F
    S8 = 0x7E
    U8 = 0x7D
    S16 = 0x7C
    U16 = 0x7B
    S32 = 0x7A
    U32 = 0x79
    S64 = 0x78
    U64 = 0x77
    F32 = 0x76
    F64 = 0x75
    CHAR = 0x74
    STRING = 0x73
    ERROR_CONTEXT = 0x64

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


PRIM_BY_CODE: Mapping[int, Prim] = {prim.value: prim for prim in Prim}


class Measured:
    """A structural type that knows how large it is.

    Types share parts, so a short binary can describe a tree of 2^64 nodes: `size` counts that tree
    and `depth` its height, so that a validator can refuse it before anything walks it.
    """

    __slots__ = ("depth", "size")
    depth: int
    size: int

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        size, depth = 1, 0
        for part in self.parts():
            if isinstance(part, Measured):
                size += part.size
                depth = max(depth, part.depth)
            else:
                size += 1
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "depth", depth + 1)


@dataclass(eq=False, slots=True)
class Resource:
    """A generative resource type: itself and no other. `name` is for messages only."""

    name: str = ""


@dataclass(eq=False, slots=True)
class ResourceType:
    """One name of a resource type; an import or an export may give the same resource another."""

    resource: Resource

    def __str__(self) -> str:
        return self.resource.name or "resource"


@dataclass(frozen=True, slots=True, eq=False)
class ListType(Measured):
    """`list<element>`, or, with a `length`, a list of exactly that many."""

    element: ValType
    length: int | None = None

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.element,)


@dataclass(frozen=True, slots=True, eq=False)
class MapType(Measured):
    """`map<key, value>`: on the wire, a list of pairs."""

    key: ValType
    value: ValType

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.key, self.value)


@dataclass(frozen=True, slots=True, eq=False)
class RecordType(Measured):
    """Named fields, in order."""

    fields: tuple[tuple[str, ValType], ...]

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (t for _, t in self.fields)


@dataclass(frozen=True, slots=True, eq=False)
class TupleType(Measured):
    """Unnamed fields."""

    types: tuple[ValType, ...]

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return self.types


@dataclass(frozen=True, slots=True, eq=False)
class VariantType(Measured):
    """One of several cases, each with or without a payload."""

    cases: tuple[tuple[str, ValType | None], ...]

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (t for _, t in self.cases)


@dataclass(frozen=True, slots=True, eq=False)
class EnumType(Measured):
    """One of several labels."""

    labels: tuple[str, ...]

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return self.labels


@dataclass(frozen=True, slots=True, eq=False)
class OptionType(Measured):
    """A value or none."""

    some: ValType

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.some,)


@dataclass(frozen=True, slots=True, eq=False)
class ResultType(Measured):
    """A success or a failure."""

    ok: ValType | None
    error: ValType | None

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.ok, self.error)


@dataclass(frozen=True, slots=True, eq=False)
class FlagsType(Measured):
    """A set of labels."""

    labels: tuple[str, ...]

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return self.labels


@dataclass(frozen=True, slots=True, eq=False)
class OwnType(Measured):
    """A handle that owns its resource."""

    resource: ResourceType

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.resource,)


@dataclass(frozen=True, slots=True, eq=False)
class BorrowType(Measured):
    """A handle lent for the length of a call."""

    resource: ResourceType

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.resource,)


@dataclass(frozen=True, slots=True, eq=False)
class StreamType(Measured):
    """The readable end of a stream."""

    element: ValType | None

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.element,)


@dataclass(frozen=True, slots=True, eq=False)
class FutureType(Measured):
    """The readable end of a future."""

    element: ValType | None

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.element,)


@dataclass(frozen=True, slots=True, eq=False)
class PrimType(Measured):
    """A primitive under a type index: `(type u32)`."""

    prim: Prim

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.prim,)


DefinedType: TypeAlias = (
    PrimType
    | ListType
    | MapType
    | RecordType
    | TupleType
    | VariantType
    | EnumType
    | OptionType
    | ResultType
    | FlagsType
    | OwnType
    | BorrowType
    | StreamType
    | FutureType
)
ValType: TypeAlias = Prim | DefinedType


@dataclass(frozen=True, slots=True, eq=False)
class FuncType(Measured):
    """A component function's type."""

    params: tuple[tuple[str, ValType], ...]
    result: ValType | None
    is_async: bool = False

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (*(t for _, t in self.params), self.result)


@dataclass(frozen=True, slots=True, eq=False)
class InstanceType(Measured):
    """An instance's exports; `resources` are those it defines afresh (its existentials)."""

    exports: Mapping[str, ExternType]
    resources: tuple[Resource, ...] = ()

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return self.exports.values()


@dataclass(frozen=True, slots=True, eq=False)
class ComponentType(Measured):
    """A component's imports and exports.

    `imported` are the resources that an instantiation supplies, `resources` those that every
    instantiation makes afresh.
    """

    imports: Mapping[str, ExternType]
    exports: Mapping[str, ExternType]
    imported: tuple[Resource, ...] = ()
    resources: tuple[Resource, ...] = ()

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (*self.imports.values(), *self.exports.values())


CoreFuncType: TypeAlias = core.FuncType


@dataclass(frozen=True, slots=True)
class CoreTag:
    """A core exception tag, its type resolved."""

    type: core.FuncType

    def __str__(self) -> str:
        return f"(tag {self.type})"


CoreExternType: TypeAlias = (
    core.FuncType | core.TableType | core.MemoryType | core.GlobalType | CoreTag
)
"""What a core import or export is, with no type index left in it."""


@dataclass(frozen=True, slots=True, eq=False)
class ModuleType(Measured):
    """A core module's imports and exports."""

    imports: Mapping[tuple[str, str], CoreExternType]
    exports: Mapping[str, CoreExternType]

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (*self.imports.values(), *self.exports.values())


@dataclass(frozen=True, slots=True, eq=False)
class CoreInstanceType:
    """A core instance's exports."""

    exports: Mapping[str, CoreExternType]


AnyType: TypeAlias = DefinedType | FuncType | InstanceType | ComponentType | ResourceType
"""What a component type index can stand for."""


@dataclass(frozen=True, slots=True, eq=False)
class TypeBound(Measured):
    """An imported or exported type; `type` is the name this import or export made for it.

    `origin` is the name that it was given another name for: whose interface it is `use`d from.
    """

    type: AnyType
    fresh: bool = False
    origin: AnyType | None = None

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.type,)


@dataclass(frozen=True, slots=True, eq=False)
class ValueBound(Measured):
    """An imported or exported value."""

    type: ValType

    def parts(self) -> Iterable[object]:
        """What this type is made of."""
        return (self.type,)


ExternType: TypeAlias = (
    ModuleType | FuncType | ValueBound | TypeBound | ComponentType | InstanceType
)


def describe(extern: ExternType) -> str:
    """The sort of `extern`, in the words of the text format."""
    match extern:
        case ModuleType():
            return "core module"
        case FuncType():
            return "func"
        case ValueBound():
            return "value"
        case TypeBound(type=ResourceType()):
            return "resource"
        case TypeBound():
            return "type"
        case ComponentType():
            return "component"
        case InstanceType():
            return "instance"


def sort_of(t: AnyType) -> str:
    """The sort of definition that `t` is the type of."""
    match t:
        case FuncType():
            return "func"
        case InstanceType():
            return "instance"
        case ComponentType():
            return "component"
        case ResourceType():
            return "resource"
        case _:
            return "value"
