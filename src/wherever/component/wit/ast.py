"""Owns WIT as parsed: packages, interfaces, worlds and types, names not yet looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from wherever.component.names import Version


@dataclass(frozen=True, slots=True)
class Path:
    """A name of an interface or world: `streams` or `wasi:io/streams@0.2.9`."""

    name: str
    namespace: str | None = None
    package: str | None = None
    version: Version | None = None

    def __str__(self) -> str:
        if self.namespace is None:
            return self.name
        version = f"@{self.version}" if self.version is not None else ""
        return f"{self.namespace}:{self.package}/{self.name}{version}"


@dataclass(frozen=True, slots=True)
class Type:
    """A type expression: a name or a constructor, with arguments (None is `_`) and a length."""

    name: str
    args: tuple[Type | None, ...] = ()
    length: int | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Func:
    """A function's type."""

    params: tuple[tuple[str, Type], ...]
    result: Type | None
    is_async: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a resource: `kind` is constructor, method or static."""

    kind: str
    name: str
    func: Func
    docs: str = ""


@dataclass(frozen=True, slots=True)
class TypeDef:
    """A named type: `kind` is record, variant, enum, flags, resource or type."""

    kind: str
    name: str
    fields: tuple[tuple[str, Type | None, str], ...] = ()
    """name, type and docs of each field, case or label."""
    alias: Type | None = None
    members: tuple[Member, ...] = ()
    docs: str = ""


@dataclass(frozen=True, slots=True)
class FuncDef:
    """A named function of an interface."""

    name: str
    func: Func
    docs: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """`use path.{a, b as c};`"""

    path: Path
    names: tuple[tuple[str, str], ...]
    line: int = 0


InterfaceItem: TypeAlias = TypeDef | FuncDef | Use


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface: its items in order."""

    name: str
    items: tuple[InterfaceItem, ...]
    docs: str = ""


@dataclass(frozen=True, slots=True)
class Extern:
    """An import or an export of a world."""

    exported: bool
    name: str
    what: Path | Interface | Func
    docs: str = ""


@dataclass(frozen=True, slots=True)
class Include:
    """`include path with { a as b };`"""

    path: Path
    renames: tuple[tuple[str, str], ...]
    line: int = 0


WorldItem: TypeAlias = Extern | Include | TypeDef | Use


@dataclass(frozen=True, slots=True)
class World:
    """A world: its items in order."""

    name: str
    items: tuple[WorldItem, ...]
    docs: str = ""


@dataclass(slots=True)
class Package:
    """A package: what its files define together."""

    namespace: str
    name: str
    version: Version | None = None
    interfaces: dict[str, Interface] = field(default_factory=dict[str, Interface])
    worlds: dict[str, World] = field(default_factory=dict[str, World])
    uses: dict[str, Path] = field(default_factory=dict[str, Path])
    docs: str = ""

    @property
    def key(self) -> str:
        """`namespace:name@version`"""
        version = f"@{self.version}" if self.version is not None else ""
        return f"{self.namespace}:{self.name}{version}"
