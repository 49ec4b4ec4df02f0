"""Owns writing what a module holds: the binary form of every item and section (5.5 Modules).

The inverse of `reader`, in the shortest form. `write_module` is for modules that came from bytes:
what was read is written back as it stood, byte for byte, whatever form its author chose.
`builder` makes new modules, and extends read ones, from the encodings here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from wherever.wasm.instructions import Instruction, encode_instruction
from wherever.wasm.leb128 import unsigned
from wherever.wasm.module import (
    Custom,
    Data,
    Element,
    Export,
    Expression,
    Global,
    Import,
    Local,
    Module,
    SectionId,
    SegmentMode,
    Table,
)
from wherever.wasm.preamble import MODULE_PREAMBLE
from wherever.wasm.type_codec import (
    encode_extern_type,
    encode_global_type,
    encode_memory_type,
    encode_rec_group,
    encode_table_type,
    encode_tag_type,
    encode_val_type,
)
from wherever.wasm.types import FUNCREF

END = b"\x0b"


def encode_name(name: str) -> bytes:
    """A name (5.2.4)."""
    raw = name.encode()
    return unsigned(len(raw)) + raw


def encode_vector(items: Sequence[bytes]) -> bytes:
    """A vector (5.1.3) of encoded items."""
    return unsigned(len(items)) + b"".join(items)


def encode_section(section_id: SectionId, contents: bytes) -> bytes:
    """A section (5.5.2) with its id and size."""
    return bytes((section_id,)) + unsigned(len(contents)) + contents


def encode_custom(name: str, payload: bytes | memoryview) -> bytes:
    """A custom section (5.5.3), whole."""
    return encode_section(SectionId.CUSTOM, encode_name(name) + bytes(payload))


def encode_expression(instructions: Iterable[Instruction]) -> bytes:
    """Instructions, which must not end with `end` of their own, and the closing `end`."""
    return b"".join(map(encode_instruction, instructions)) + END


def expression(*instructions: Instruction) -> Expression:
    """A constant expression of these instructions."""
    return Expression(encode_expression(instructions))


def encode_import(item: Import) -> bytes:
    """5.5.5."""
    return encode_name(item.module) + encode_name(item.name) + encode_extern_type(item.type)


def encode_export(item: Export) -> bytes:
    """5.5.10."""
    return encode_name(item.name) + bytes((item.kind.value,)) + unsigned(item.index)


def encode_table(table: Table) -> bytes:
    """5.5.7."""
    if table.init is None:
        return encode_table_type(table.type)
    return b"\x40\0" + encode_table_type(table.type) + table.init.raw


def encode_global(item: Global) -> bytes:
    """5.5.9."""
    return encode_global_type(item.type) + item.init.raw


def encode_element(element: Element) -> bytes:
    """5.5.12; the flags follow from the contents."""
    uses_expressions = element.expressions is not None
    flags = 4 if uses_expressions else 0
    out = b""
    match element.mode:
        case SegmentMode.ACTIVE:
            assert element.offset is not None, "an active element segment has an offset"
            if element.table or (uses_expressions and element.type != FUNCREF):
                flags |= 2
                out = unsigned(element.table)
            out += element.offset.raw
        case SegmentMode.PASSIVE:
            flags |= 1
        case SegmentMode.DECLARATIVE:
            flags |= 3
        case _:
            assert_never(element.mode)
    if flags & 3:
        out += encode_val_type(element.type) if uses_expressions else b"\0"
    if element.expressions is not None:
        items = [item.raw for item in element.expressions]
    else:
        items = [unsigned(index) for index in element.functions or ()]
    return unsigned(flags) + out + encode_vector(items)


def encode_data(segment: Data) -> bytes:
    """5.5.14."""
    contents = unsigned(len(segment.init)) + bytes(segment.init)
    if segment.mode is SegmentMode.PASSIVE:
        return b"\1" + contents
    assert segment.offset is not None, "an active data segment has an offset"
    if segment.memory:
        return b"\2" + unsigned(segment.memory) + segment.offset.raw + contents
    return b"\0" + segment.offset.raw + contents


def encode_locals(runs: Sequence[Local]) -> bytes:
    """The local declarations that open a body (5.5.13)."""
    return encode_vector([unsigned(run.count) + encode_val_type(run.type) for run in runs])


def encode_contents(module: Module, section_id: SectionId) -> bytes:
    """A section's contents, encoded anew from the values, in the shortest form."""
    match section_id:
        case SectionId.CUSTOM:
            raise ValueError("a module can have many custom sections: encode_custom writes one")
        case SectionId.TYPE:
            return encode_vector([encode_rec_group(group) for group in module.rec_groups])
        case SectionId.IMPORT:
            return encode_vector([encode_import(item) for item in module.imports])
        case SectionId.FUNCTION:
            return encode_vector([unsigned(index) for index in module.functions])
        case SectionId.TABLE:
            return encode_vector([encode_table(table) for table in module.tables])
        case SectionId.MEMORY:
            return encode_vector([encode_memory_type(memory) for memory in module.memories])
        case SectionId.TAG:
            return encode_vector([encode_tag_type(tag) for tag in module.tags])
        case SectionId.GLOBAL:
            return encode_vector([encode_global(item) for item in module.globals])
        case SectionId.EXPORT:
            return encode_vector([encode_export(item) for item in module.exports])
        case SectionId.START:
            assert module.start is not None, "a start section has a function"
            return unsigned(module.start)
        case SectionId.ELEMENT:
            return encode_vector([encode_element(element) for element in module.elements])
        case SectionId.DATA_COUNT:
            return unsigned(len(module.data))
        case SectionId.CODE:
            return encode_vector(
                [unsigned(body.end - body.start) + body.raw for body in module.code]
            )
        case SectionId.DATA:
            return encode_vector([encode_data(segment) for segment in module.data])
        case _:
            assert_never(section_id)


def write_module(module: Module) -> bytes:
    """The module's bytes, put together from its sections as they stood."""
    parts = [MODULE_PREAMBLE]
    parts += [module.source[section.start : section.end] for section in module.sections]
    return b"".join(parts)


def rewrite_module(module: Module) -> bytes:
    """The module with every section encoded anew: equal in meaning, canonical in form."""
    parts = [MODULE_PREAMBLE]
    customs: list[Custom] = list(reversed(module.customs))
    for section in module.sections:
        if section.id is SectionId.CUSTOM:
            custom = customs.pop()
            parts.append(encode_custom(custom.name, custom.payload))
        else:
            parts.append(encode_section(section.id, encode_contents(module, section.id)))
    return b"".join(parts)
