"""Owns which proposals a module's declarations use: all that is outside function bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from wherever.wasm.features import Feature
from wherever.wasm.module import Expression, Module, SectionId, SegmentMode
from wherever.wasm.types import (
    EXTERNREF,
    FUNCREF,
    V128,
    AbstractHeap,
    AddressType,
    ArrayType,
    CompositeType,
    ConcreteHeap,
    ExternKind,
    FuncType,
    GlobalType,
    HeapType,
    MemoryType,
    NumType,
    RefType,
    StructType,
    SubType,
    ValType,
    VecType,
)

_HEAP_FEATURE: Final[dict[AbstractHeap, Feature]] = {
    AbstractHeap.FUNC: Feature.REFERENCE_TYPES,
    AbstractHeap.EXTERN: Feature.REFERENCE_TYPES,
    AbstractHeap.EXN: Feature.EXCEPTIONS,
    AbstractHeap.NOEXN: Feature.EXCEPTIONS,
}


def heap_type_feature(heap: HeapType) -> Feature:
    """The proposal that brought a heap type."""
    if isinstance(heap, ConcreteHeap):
        return Feature.FUNCTION_REFERENCES
    return _HEAP_FEATURE.get(heap, Feature.GC)


def val_type_feature(valtype: ValType) -> Feature:
    """The proposal that brought a value type."""
    match valtype:
        case NumType():
            return Feature.WASM_1
        case VecType():
            return Feature.SIMD
        case RefType(nullable, heap):
            feature = heap_type_feature(heap)
            if feature is Feature.REFERENCE_TYPES and not nullable:
                return Feature.FUNCTION_REFERENCES
            return feature
        case _:
            assert_never(valtype)


def _composite(composite: CompositeType) -> Iterator[Feature]:
    match composite:
        case FuncType(params, results):
            if len(results) > 1:
                yield Feature.MULTI_VALUE
            yield from map(val_type_feature, params)
            yield from map(val_type_feature, results)
        case StructType() | ArrayType():
            yield Feature.GC
        case _:
            assert_never(composite)


def _sub_type(sub: SubType) -> Iterator[Feature]:
    if not sub.final or sub.supertypes:
        yield Feature.GC
    yield from _composite(sub.composite)


def _expressions(module: Module) -> Iterator[Expression]:
    for table in module.tables:
        if table.init is not None:
            yield table.init
    for item in module.globals:
        yield item.init
    for element in module.elements:
        if element.offset is not None:
            yield element.offset
        yield from element.expressions or ()
    for segment in module.data:
        if segment.offset is not None:
            yield segment.offset


_EXTENDED_CONST: Final = frozenset(
    {"i32.add", "i32.sub", "i32.mul", "i64.add", "i64.sub", "i64.mul"}
)
# One constant, or one reference, is nearly every expression; the rest is decoded.
_MVP_CONST: Final = re.compile(
    rb"(?s:[\x41\x42\x23][\x80-\xff]{0,9}+[\x00-\x7f]|\x43.{4}|\x44.{8})\x0b"
)
_PLAIN_REFERENCE: Final = re.compile(rb"(?:\xd0[\x6f\x70]|\xd2[\x80-\xff]{0,4}+[\x00-\x7f])\x0b")


def _expression(expression: Expression) -> Iterator[Feature]:
    if _MVP_CONST.fullmatch(expression.raw):
        return
    if _PLAIN_REFERENCE.fullmatch(expression.raw):
        yield Feature.REFERENCE_TYPES
        return
    for instruction in expression:
        opcode = instruction.opcode
        yield Feature.EXTENDED_CONST if opcode.name in _EXTENDED_CONST else opcode.feature
        for value in instruction.immediates:
            if isinstance(value, AbstractHeap | ConcreteHeap):
                yield heap_type_feature(value)


def _memories(module: Module, memories: Iterable[MemoryType]) -> Iterator[Feature]:
    for memory in memories:
        if memory.limits.address is AddressType.I64:
            yield Feature.MEMORY64
        if memory.limits.shared:
            yield Feature.THREADS
        if memory.page_size_log2 != 16:
            yield Feature.CUSTOM_PAGE_SIZES
    if len(module.memory_types()) > 1:
        yield Feature.MULTI_MEMORY


def _tables(module: Module) -> Iterator[Feature]:
    tables = module.table_types()
    if len(tables) > 1:
        yield Feature.REFERENCE_TYPES
    for table in tables:
        if table.limits.address is AddressType.I64:
            yield Feature.MEMORY64
        if table.element != FUNCREF:
            yield val_type_feature(table.element)
    if any(table.init is not None for table in module.tables):
        yield Feature.FUNCTION_REFERENCES


def _globals(module: Module) -> Iterator[Feature]:
    global_types = module.global_types()
    for global_type in global_types:
        yield val_type_feature(global_type.value)
    for item in module.imports:
        if isinstance(item.type, GlobalType) and item.type.mutable:
            yield Feature.MUTABLE_GLOBALS
    exported = {item.index for item in module.exports if item.kind is ExternKind.GLOBAL}
    if any(item.mutable for index, item in enumerate(global_types) if index in exported):
        yield Feature.MUTABLE_GLOBALS


def _segments(module: Module) -> Iterator[Feature]:
    if module.section(SectionId.DATA_COUNT) is not None:
        yield Feature.BULK_MEMORY
    if any(segment.mode is not SegmentMode.ACTIVE for segment in module.data):
        yield Feature.BULK_MEMORY
    for element in module.elements:
        match element.mode:
            case SegmentMode.ACTIVE:
                pass
            case SegmentMode.PASSIVE:
                yield Feature.BULK_MEMORY
            case SegmentMode.DECLARATIVE:
                yield Feature.REFERENCE_TYPES
            case _:
                assert_never(element.mode)
        if element.expressions is not None:
            yield Feature.REFERENCE_TYPES


def _all(module: Module) -> Iterator[Feature]:
    for group in module.rec_groups:
        if len(group.types) != 1:
            yield Feature.GC
    for sub in module.types:
        yield from _sub_type(sub)
    yield from _memories(module, module.memory_types())
    yield from _tables(module)
    yield from _globals(module)
    yield from _segments(module)
    if module.custom("metadata.code.branch_hint") is not None:
        yield Feature.BRANCH_HINTING
    if module.tag_types():
        yield Feature.EXCEPTIONS
    for expression in _expressions(module):
        yield from _expression(expression)


def declared_features(module: Module) -> frozenset[Feature]:
    """The proposals that the declarations use; `code_scan.code_features` has the bodies'."""
    return frozenset(_all(module)) - {Feature.WASM_1}


PLAIN_REFERENCES: Final = frozenset({FUNCREF, EXTERNREF})


def is_opaque(valtype: ValType) -> bool:
    """Must the engine's C API not be asked to reflect this type (v128, GC, exnref, typed refs)?"""
    return valtype is V128 or (isinstance(valtype, RefType) and valtype not in PLAIN_REFERENCES)
