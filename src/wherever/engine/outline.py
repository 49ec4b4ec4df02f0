"""Owns what the engine must know of a module before it is compiled: its outside, and its demands.

The C API's own reflection is not used: it is slow, and on some types it ends the process.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, TypeAlias

from wherever.engine.profile import POOL, RESERVATION, Placement, Profile
from wherever.errors import InvalidProgram
from wherever.wasm.types import (
    AbstractHeap,
    ArrayType,
    ConcreteHeap,
    FuncType,
    GlobalType,
    MemoryType,
    RefType,
    StructType,
    TableType,
    TagType,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wherever.wasm.module import Module
    from wherever.wasm.shape import ExportShape, ImportShape, Shape
    from wherever.wasm.types import ExternKind, ValType

__all__ = ["ExportItem", "ImportItem", "ItemType", "Outline", "TagItem", "choose"]


class TagItem:
    """An exception tag's type, resolved: what it carries."""

    __slots__ = ("params",)

    def __init__(self, params: FuncType) -> None:
        self.params = params

    def __str__(self) -> str:
        return f"(tag {self.params})"


ItemType: TypeAlias = FuncType | TableType | MemoryType | GlobalType | TagItem


class ImportItem:
    """One import, its type resolved."""

    __slots__ = ("module", "name", "type")

    def __init__(self, module: str, name: str, type_: ItemType) -> None:
        self.module = module
        self.name = name
        self.type = type_


class ExportItem:
    """One export, its type resolved."""

    __slots__ = ("encoded", "index", "kind", "length", "make", "name", "type")

    def __init__(self, name: str, kind: ExternKind, index: int, type_: ItemType) -> None:
        self.name = name
        self.kind = kind
        self.index = index
        self.type = type_
        self.encoded = name.encode()
        self.length = ctypes.c_size_t(len(self.encoded))  # as bare functions take it
        self.make: Callable[..., Callable[..., Any]] | None = None
        """What makes callables of a function, from the first time that it is looked up."""


class Outline:
    """A module's imports and exports by name, how many tables it has, the shape that decides its
    profile, and whether to compile it takes little time for certain."""

    __slots__ = ("cheap", "exports", "imports", "shape", "tables")

    def __init__(self, wasm: bytes) -> None:
        from wherever.engine.cost import certainly_cheap
        from wherever.wasm.reader import read_module  # a worker with compiled code needs neither
        from wherever.wasm.shape import shape

        module = read_module(wasm)
        self.shape = shape(module)
        self.tables = len(self.shape.tables)
        self.cheap = certainly_cheap(module)
        self.imports = tuple(
            ImportItem(one.module, one.name, _item(one)) for one in self.shape.imports
        )
        self.exports: dict[str, ExportItem] = {
            one.name: ExportItem(one.name, one.kind, one.index, _known(module, _item(one)))
            for one in self.shape.exports
        }


def _item(one: ImportShape | ExportShape) -> ItemType:
    if isinstance(one.type, TagType):
        assert one.signature is not None
        return TagItem(one.signature)
    return one.type


def _known(module: Module, item: ItemType) -> ItemType:
    """The type with the module's own heap types as their abstract supertypes.

    The host has no name for a module's own type; wasmtime checks what is passed against it.
    """

    def abstract(valtype: ValType) -> ValType:
        return _abstract(module, valtype) if isinstance(valtype, RefType) else valtype

    match item:
        case FuncType(params, results):
            return FuncType(tuple(map(abstract, params)), tuple(map(abstract, results)))
        case TagItem():
            return TagItem(FuncType(tuple(map(abstract, item.params.params))))
        case TableType(element, limits):
            return TableType(_abstract(module, element), limits)
        case GlobalType(value, mutable):
            return GlobalType(abstract(value), mutable)
        case MemoryType():
            return item


def _abstract(module: Module, reference: RefType) -> RefType:
    heap = reference.heap
    if not isinstance(heap, ConcreteHeap):
        return reference
    if heap.index >= len(module.types):
        raise InvalidProgram(f"unknown type: type {heap.index}, and the module has no such type")
    match module.types[heap.index].composite:
        case FuncType():
            return RefType(reference.nullable, AbstractHeap.FUNC)
        case StructType():
            return RefType(reference.nullable, AbstractHeap.STRUCT)
        case ArrayType():
            return RefType(reference.nullable, AbstractHeap.ARRAY)


_ESCAPED_BYTES = 24  # of instance metadata for each function that may be referenced


def choose(seen: Shape, wanted: Profile) -> Profile:
    """The wanted profile, placed on demand where the module does not fit the pool's slots."""
    if wanted.placement is Placement.DEMAND:
        return wanted
    fits = (
        len(seen.memories) <= POOL.memories
        and len(seen.tables) <= POOL.tables
        and seen.largest_table <= POOL.table_elements
        and seen.largest_memory <= RESERVATION
        and not seen.shared_memory
        and seen.escaped_functions * _ESCAPED_BYTES + seen.functions * 8 <= POOL.instance_bytes // 2
    )
    return wanted if fits else wanted.replace(Placement.DEMAND)
