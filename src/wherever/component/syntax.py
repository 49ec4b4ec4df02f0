"""Owns the component as decoded: definitions in order, with indices not yet looked up.

Follows Binary.md's productions, name for name. `read` makes these values, `validate` resolves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from wherever.component.types import Prim
from wherever.wasm import types as core


class CoreSort(Enum):
    """core:sort; the value is its code."""

    FUNC = 0x00
    TABLE = 0x01
    MEMORY = 0x02
    GLOBAL = 0x03
    TAG = 0x04
    TYPE = 0x10
    MODULE = 0x11
    INSTANCE = 0x12

    def __str__(self) -> str:
        return f"core {self.name.lower()}"


class Sort(Enum):
    """sort; the value is its code, and `CORE_MODULE` is the pair 0x00 0x11."""

    FUNC = 0x01
    VALUE = 0x02
    TYPE = 0x03
    COMPONENT = 0x04
    INSTANCE = 0x05

    def __str__(self) -> str:
        return self.name.lower()


AnySort: TypeAlias = CoreSort | Sort
SyntaxVal: TypeAlias = Prim | int
"""valtype: a primitive, or a type index."""


@dataclass(frozen=True, slots=True)
class SortIdx:
    """sortidx"""

    sort: AnySort
    index: int


class TypeCode(Enum):
    """The constructors of defvaltype other than the primitives; the value is the code."""

    RECORD = 0x72
    VARIANT = 0x71
    LIST = 0x70
    TUPLE = 0x6F
    FLAGS = 0x6E
    ENUM = 0x6D
    OPTION = 0x6B
    RESULT = 0x6A
    OWN = 0x69
    BORROW = 0x68
    FIXED_LIST = 0x67
    STREAM = 0x66
    FUTURE = 0x65
    MAP = 0x63


@dataclass(frozen=True, slots=True)
class ValTypeSyntax:
    """A defvaltype: a constructor, its labels, its types (None where left out), a length.

    A primitive has `code` None and itself as its only type.
    """

    code: TypeCode | None
    types: tuple[SyntaxVal | None, ...] = ()
    labels: tuple[str, ...] = ()
    length: int = 0


@dataclass(frozen=True, slots=True)
class FuncTypeSyntax:
    """functype"""

    params: tuple[tuple[str, SyntaxVal], ...]
    result: SyntaxVal | None
    is_async: bool = False


@dataclass(frozen=True, slots=True)
class ResourceTypeSyntax:
    """resourcetype"""

    dtor: int | None
    is_async: bool = False
    callback: int | None = None


@dataclass(frozen=True, slots=True)
class ComponentTypeSyntax:
    """componenttype"""

    decls: tuple[Definition, ...]


@dataclass(frozen=True, slots=True)
class InstanceTypeSyntax:
    """instancetype"""

    decls: tuple[Definition, ...]


DefType: TypeAlias = (
    ValTypeSyntax | FuncTypeSyntax | ResourceTypeSyntax | ComponentTypeSyntax | InstanceTypeSyntax
)


@dataclass(frozen=True, slots=True)
class ExternDesc:
    """externdesc: `index` is a type index; a type without one is `sub resource`."""

    sort: AnySort
    index: int | None = None
    value: SyntaxVal | None = None


@dataclass(frozen=True, slots=True)
class NameSyntax:
    """importname' or exportname': the name with its attributes."""

    name: str
    offset: int
    implements: str | None = None
    version_suffix: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class CoreModule:
    """A core module: its bytes, by offset in the file."""

    offset: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CoreInstantiate:
    """core:instance, `instantiate`"""

    offset: int
    module: int
    args: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class CoreInlineExports:
    """core:instance, a bag of exports"""

    offset: int
    exports: tuple[tuple[str, SortIdx], ...]


@dataclass(frozen=True, slots=True)
class CoreRecGroup:
    """core:type, a recursion group of core types"""

    offset: int
    group: core.RecGroup


@dataclass(frozen=True, slots=True)
class CoreImportDecl:
    """core:importdecl or, with no module, core:exportdecl"""

    offset: int
    module: str | None
    name: str
    type: core.ExternType


@dataclass(frozen=True, slots=True)
class CoreAliasOuter:
    """core:alias, `outer`"""

    offset: int
    count: int
    index: int


@dataclass(frozen=True, slots=True)
class CoreModuleTypeDef:
    """core:type, a module type"""

    offset: int
    decls: tuple[CoreRecGroup | CoreImportDecl | CoreAliasOuter, ...]


@dataclass(frozen=True, slots=True)
class NestedComponent:
    """component"""

    offset: int
    component: Component


@dataclass(frozen=True, slots=True)
class Instantiate:
    """instance, `instantiate`"""

    offset: int
    component: int
    args: tuple[tuple[str, SortIdx], ...]


@dataclass(frozen=True, slots=True)
class InlineExports:
    """instance, a bag of exports"""

    offset: int
    exports: tuple[tuple[NameSyntax, SortIdx], ...]


@dataclass(frozen=True, slots=True)
class AliasExport:
    """alias, `export`"""

    offset: int
    sort: AnySort
    instance: int
    name: str


@dataclass(frozen=True, slots=True)
class AliasCoreExport:
    """alias, `core export`"""

    offset: int
    sort: CoreSort
    instance: int
    name: str


@dataclass(frozen=True, slots=True)
class AliasOuter:
    """alias, `outer`"""

    offset: int
    sort: AnySort
    count: int
    index: int


@dataclass(frozen=True, slots=True)
class TypeDef:
    """type"""

    offset: int
    type: DefType


class StringEncoding(Enum):
    """string-encoding; the value is the canonopt's code."""

    UTF8 = 0
    UTF16 = 1
    LATIN1_UTF16 = 2

    def __str__(self) -> str:
        return {0: "utf8", 1: "utf16", 2: "latin1+utf16"}[self.value]


@dataclass(frozen=True, slots=True)
class CanonOpts:
    """opts, each of them at most once; indices into the core index spaces."""

    encoding: StringEncoding | None = None
    memory: int | None = None
    realloc: int | None = None
    post_return: int | None = None
    is_async: bool = False
    callback: int | None = None


@dataclass(frozen=True, slots=True)
class CanonLift:
    """canon lift"""

    offset: int
    func: int
    opts: CanonOpts
    type: int


@dataclass(frozen=True, slots=True)
class CanonLower:
    """canon lower"""

    offset: int
    func: int
    opts: CanonOpts


class ResourceOp(Enum):
    """canon resource.*; the value is the code."""

    NEW = 0x02
    DROP = 0x03
    REP = 0x04

    def __str__(self) -> str:
        return f"resource.{self.name.lower()}"


@dataclass(frozen=True, slots=True)
class CanonResource:
    """canon resource.new, resource.drop, resource.rep"""

    offset: int
    op: ResourceOp
    type: int


@dataclass(frozen=True, slots=True)
class CanonBuiltin:
    """Any other canonical built-in, by its row in `builtins`, with its immediates in order."""

    offset: int
    code: int
    immediates: tuple[object, ...]
    opts: CanonOpts | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """import"""

    offset: int
    name: NameSyntax
    desc: ExternDesc


@dataclass(frozen=True, slots=True)
class Export:
    """export of a component"""

    offset: int
    name: NameSyntax
    what: SortIdx
    desc: ExternDesc | None


@dataclass(frozen=True, slots=True)
class ExportDecl:
    """exportdecl of a component type or an instance type"""

    offset: int
    name: NameSyntax
    desc: ExternDesc


Definition: TypeAlias = (
    CoreModule
    | CoreInstantiate
    | CoreInlineExports
    | CoreRecGroup
    | CoreModuleTypeDef
    | NestedComponent
    | Instantiate
    | InlineExports
    | AliasExport
    | AliasCoreExport
    | AliasOuter
    | TypeDef
    | CanonLift
    | CanonLower
    | CanonResource
    | CanonBuiltin
    | Import
    | Export
    | ExportDecl
)


@dataclass(frozen=True, slots=True)
class Custom:
    """A custom section: its name and where its bytes are."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """A component: its definitions in order, over the bytes of the file they were read from."""

    data: bytes
    start: int
    end: int
    definitions: tuple[Definition, ...]
    customs: tuple[Custom, ...] = ()

    def __repr__(self) -> str:
        return f"<component of {len(self.definitions)} definitions at {self.start:#x}>"
