"""Owns a module's shape: what an engine must know before it compiles or instantiates one.

Reads declarations only, never function bodies, so it is cheap on any module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, assert_never

from wherever.wasm.cursor import Malformed
from wherever.wasm.declared import declared_features, is_opaque
from wherever.wasm.features import Feature
from wherever.wasm.frozen import frozen
from wherever.wasm.module import Described, Expression, Module, SectionId
from wherever.wasm.types import (
    AddressType,
    ExternKind,
    ExternType,
    FuncType,
    GlobalType,
    MemoryType,
    TableType,
    TagType,
    TypeIndex,
    TypeUse,
)

_Item = TypeVar("_Item")


@frozen
class ImportShape:
    """An import with its type resolved.

    `signature` is a function's, or a tag's, parameters and results. `opaque` means that the type
    mentions v128, GC, exnref or typed references, which the C API must not be asked to reflect.
    """

    module: str
    name: str
    kind: ExternKind
    type: Described
    signature: FuncType | None
    opaque: bool


@frozen
class ExportShape:
    """An export with its type resolved; fields as `ImportShape` has them, and its index."""

    name: str
    kind: ExternKind
    index: int
    type: Described
    signature: FuncType | None
    opaque: bool


@frozen
class Shape:
    """What chooses an engine's profile, and what its boundary must watch.

    `escaped_functions` counts functions that a reference can be made to: the exported ones, those
    in element segments, and those that a constant expression names (a body may only name these).
    `features` are those of the declarations; `code_scan.code_features` gives the bodies'.
    """

    imports: tuple[ImportShape, ...]
    exports: tuple[ExportShape, ...]
    memories: tuple[MemoryType, ...]
    tables: tuple[TableType, ...]
    functions: int
    imported_functions: int
    escaped_functions: int
    globals: int
    tags: int
    types: int
    elements: int
    data_segments: int
    start: int | None
    features: frozenset[Feature]

    @property
    def shared_memory(self) -> bool:
        """Is a memory shared, whether imported or defined?"""
        return any(memory.limits.shared for memory in self.memories)

    @property
    def memory64(self) -> bool:
        """Is a memory or a table indexed by i64?"""
        limits = [memory.limits for memory in self.memories]
        limits += [table.limits for table in self.tables]
        return any(bounds.address is AddressType.I64 for bounds in limits)

    @property
    def custom_page_sizes(self) -> bool:
        """Has a memory pages of other than 64 KiB?"""
        return any(memory.page_size_log2 != 16 for memory in self.memories)

    @property
    def largest_table(self) -> int:
        """The most elements that a table starts with; 0 without tables."""
        return max((table.limits.minimum for table in self.tables), default=0)

    @property
    def largest_memory(self) -> int:
        """The most bytes that a memory starts with; 0 without memories."""
        return max(
            (memory.limits.minimum << memory.page_size_log2 for memory in self.memories), default=0
        )

    @property
    def opaque(self) -> bool:
        """Has an import or an export a type that the C API must not be asked to reflect?"""
        return any(item.opaque for item in self.imports) or any(
            item.opaque for item in self.exports
        )


def shape(module: Module) -> Shape:
    """The shape of a module; raises `Malformed` where an import or export names nothing."""
    functions = module.function_types()
    return Shape(
        imports=tuple(_imports(module)),
        exports=tuple(_exports(module, functions)),
        memories=module.memory_types(),
        tables=module.table_types(),
        functions=len(functions),
        imported_functions=len(functions) - len(module.functions),
        escaped_functions=len(_escaped(module)),
        globals=len(module.global_types()),
        tags=len(module.tag_types()),
        types=len(module.types),
        elements=len(module.elements),
        data_segments=len(module.data),
        start=module.start,
        features=declared_features(module),
    )


def _section_offset(module: Module, section_id: SectionId) -> int:
    section = module.section(section_id)
    return 0 if section is None else section.payload


def _signature(module: Module, index: TypeIndex, section: SectionId) -> FuncType:
    if index < len(module.types):
        composite = module.types[index].composite
        if isinstance(composite, FuncType):
            return composite
    raise Malformed(
        f"unknown type: type {index} of the {section} section is not a function type of the module",
        _section_offset(module, section),
    )


def _opaque_signature(signature: FuncType) -> bool:
    return any(is_opaque(valtype) for valtype in (*signature.params, *signature.results))


def _resolve(
    module: Module, extern: ExternType, section: SectionId
) -> tuple[ExternKind, Described, FuncType | None, bool]:
    match extern:
        case TypeUse(index):
            signature = _signature(module, index, section)
            return ExternKind.FUNC, signature, signature, _opaque_signature(signature)
        case TagType(index):
            signature = _signature(module, index, section)
            return ExternKind.TAG, extern, signature, True
        case TableType():
            return ExternKind.TABLE, extern, None, is_opaque(extern.element)
        case MemoryType():
            return ExternKind.MEMORY, extern, None, False
        case GlobalType():
            return ExternKind.GLOBAL, extern, None, is_opaque(extern.value)
        case _:
            assert_never(extern)


def _imports(module: Module) -> Iterator[ImportShape]:
    for item in module.imports:
        kind, described, signature, opaque = _resolve(module, item.type, SectionId.IMPORT)
        yield ImportShape(item.module, item.name, kind, described, signature, opaque)


def _exports(module: Module, functions: tuple[TypeIndex, ...]) -> Iterator[ExportShape]:
    spaces: dict[ExternKind, tuple[ExternType, ...]] = {
        ExternKind.TABLE: module.table_types(),
        ExternKind.MEMORY: module.memory_types(),
        ExternKind.GLOBAL: module.global_types(),
        ExternKind.TAG: module.tag_types(),
    }
    for item in module.exports:
        extern: ExternType
        if item.kind is ExternKind.FUNC:
            extern = TypeUse(_at(module, functions, item.index, item.kind))
        else:
            extern = _at(module, spaces[item.kind], item.index, item.kind)
        kind, described, signature, opaque = _resolve(module, extern, SectionId.EXPORT)
        yield ExportShape(item.name, kind, item.index, described, signature, opaque)


def _at(module: Module, space: tuple[_Item, ...], index: int, kind: ExternKind) -> _Item:
    if index < len(space):
        return space[index]
    raise Malformed(
        f"unknown {kind} {index}: an export names it and the module has {len(space)}",
        _section_offset(module, SectionId.EXPORT),
    )


def _escaped(module: Module) -> set[int]:
    escaped = {item.index for item in module.exports if item.kind is ExternKind.FUNC}
    for element in module.elements:
        escaped.update(element.functions or ())
        for expression in element.expressions or ():
            escaped.update(_referenced(expression))
    for table in module.tables:
        if table.init is not None:
            escaped.update(_referenced(table.init))
    for item in module.globals:
        escaped.update(_referenced(item.init))
    return escaped


def _referenced(expression: Expression) -> Iterator[int]:
    if b"\xd2" not in expression.raw:  # the opcode of ref.func
        return
    for instruction in expression:
        if instruction.opcode.name == "ref.func":
            (index,) = instruction.immediates
            if isinstance(index, int):
                yield index
