"""Owns making modules: new ones, and a read one with more appended to it.

    builder = ModuleBuilder()                    # or ModuleBuilder(read_module(personality))
    add = builder.declare_function(FuncType((I32, I32), (I32,)), name="add")
    builder.define(add, function_body([], local_get(0) + local_get(1) + I32_ADD + END))
    builder.export("add", ExternKind.FUNC, add)
    wasm = builder.build()

With a base, everything of the base keeps its index and its bytes: new types, functions, globals,
segments and exports come after it. Only what is asked for changes: a section that nothing was added
to is copied as it stands, one that was added to keeps its items' bytes. Since imports come first in
an index space, an import is refused once anything of its kind is defined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from wherever.wasm.cursor import Cursor
from wherever.wasm.instructions import instruction
from wherever.wasm.leb128 import unsigned
from wherever.wasm.module import (
    SECTION_ORDER,
    Data,
    Element,
    Export,
    Expression,
    Global,
    Import,
    Module,
    SectionId,
    SegmentMode,
    Table,
)
from wherever.wasm.names import extend_function_names, names_of
from wherever.wasm.preamble import MODULE_PREAMBLE
from wherever.wasm.reader import read_module
from wherever.wasm.type_codec import (
    encode_memory_type,
    encode_rec_group,
    encode_tag_type,
)
from wherever.wasm.types import (
    AbstractHeap,
    ExternKind,
    ExternType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RecGroup,
    RefType,
    SubType,
    TableType,
    TagType,
    TypeIndex,
    TypeUse,
    mentioned_types,
)
from wherever.wasm.writer import (
    encode_custom,
    encode_data,
    encode_element,
    encode_export,
    encode_global,
    encode_import,
    encode_section,
    encode_table,
    encode_vector,
    expression,
)

_KINDS: Final[dict[type[TypeUse | TableType | MemoryType | GlobalType | TagType], ExternKind]] = {
    TypeUse: ExternKind.FUNC,
    TableType: ExternKind.TABLE,
    MemoryType: ExternKind.MEMORY,
    GlobalType: ExternKind.GLOBAL,
    TagType: ExternKind.TAG,
}
_EMPTY: Final = read_module(MODULE_PREAMBLE)


class ModuleBuilder:
    """A module in the making; `build` may be called more than once."""

    def __init__(self, base: Module | None = None) -> None:
        self._base = base if base is not None else _EMPTY
        self._added: dict[SectionId, list[bytes]] = {section: [] for section in SECTION_ORDER}
        self._bodies: dict[int, bytes] = {}
        self._names: dict[int, str] = {}
        self._customs: list[bytes] = []
        self._start = self._base.start
        self._tables = list(self._base.tables)
        self._memories = list(self._base.memories)
        self._rewritten: set[SectionId] = set()
        self._removed_exports: set[str] = set()
        self._exported = {item.name for item in self._base.exports}
        self._types: dict[SubType, TypeIndex] = {}
        for index, group in _starts(self._base.rec_groups):
            # A type that mentions itself is not what an equal value would mean elsewhere.
            if len(group.types) == 1 and all(
                mentioned < index for mentioned in mentioned_types(group.types[0].composite)
            ):
                self._types.setdefault(group.types[0], index)
        self._type_count = len(self._base.types)
        self._functions = list(self._base.function_types())
        self._counts = {
            ExternKind.FUNC: len(self._functions),
            ExternKind.TABLE: len(self._base.table_types()),
            ExternKind.MEMORY: len(self._base.memory_types()),
            ExternKind.GLOBAL: len(self._base.global_types()),
            ExternKind.TAG: len(self._base.tag_types()),
        }
        self._imported = {kind: self._base.imported(extern) for extern, kind in _KINDS.items()}
        self._element_count = len(self._base.elements)
        self._data_count = len(self._base.data)
        self._has_data_count = self._base.data_count is not None

    # Types.

    def type(self, composite: FuncType | SubType) -> TypeIndex:
        """The index of a type that stands alone, made where the module does not have it yet."""
        sub = SubType(composite) if isinstance(composite, FuncType) else composite
        index = self._types.get(sub)
        if index is None:
            index = self._types[sub] = self.rec_group(RecGroup((sub,)))
        return index

    def rec_group(self, group: RecGroup) -> TypeIndex:
        """A recursion group, always a new one; the index of its first member."""
        self._added[SectionId.TYPE].append(encode_rec_group(group))
        first = TypeIndex(self._type_count)
        self._type_count += len(group.types)
        return first

    # Imports and definitions: each gives the index in the kind's index space.

    def import_(self, module: str, name: str, extern: ExternType | FuncType) -> int:
        """An import of any kind; a function's type may be given as its signature."""
        described = TypeUse(self.type(extern)) if isinstance(extern, FuncType) else extern
        kind = _KINDS[type(described)]
        if self._counts[kind] != self._imported[kind]:
            raise ValueError(
                f"the import {module}.{name} would renumber: a {kind} is already defined"
            )
        self._added[SectionId.IMPORT].append(encode_import(Import(module, name, described)))
        self._imported[kind] += 1
        if isinstance(described, TypeUse):
            self._functions.append(described.index)
        return self._count(kind)

    def declare_function(self, signature: FuncType | TypeIndex, *, name: str | None = None) -> int:
        """A function whose body is given later, by `define`: calls may go ahead of bodies."""
        index = self.type(signature) if isinstance(signature, FuncType) else signature
        self._added[SectionId.FUNCTION].append(unsigned(index))
        self._functions.append(index)
        if name is not None:
            self._names[len(self._functions) - 1] = name
        return self._count(ExternKind.FUNC)

    def define(self, function: int, body: bytes) -> None:
        """Give a function its body (`emit.function_body`), or replace the one it has."""
        imported = self._imported[ExternKind.FUNC]
        if not imported <= function < self._counts[ExternKind.FUNC]:
            raise ValueError(f"function {function} is not one that the module defines")
        self._bodies[function] = body

    def function_type(self, function: int) -> TypeIndex:
        """The type of a function, by its index."""
        return self._functions[function]

    def table(self, table: Table | TableType) -> int:
        """A table."""
        self._tables.append(table if isinstance(table, Table) else Table(table))
        self._rewritten.add(SectionId.TABLE)
        return self._count(ExternKind.TABLE)

    def memory(self, memory: MemoryType) -> int:
        """A memory."""
        self._memories.append(memory)
        self._rewritten.add(SectionId.MEMORY)
        return self._count(ExternKind.MEMORY)

    def tag(self, tag: TagType) -> int:
        """An exception tag."""
        self._added[SectionId.TAG].append(encode_tag_type(tag))
        return self._count(ExternKind.TAG)

    def global_(self, global_type: GlobalType, init: Expression) -> int:
        """A global."""
        self._added[SectionId.GLOBAL].append(encode_global(Global(global_type, init)))
        return self._count(ExternKind.GLOBAL)

    def _count(self, kind: ExternKind) -> int:
        self._counts[kind] += 1
        return self._counts[kind] - 1

    # What stands already, widened.

    def grow_table(self, table: int, count: int) -> int:
        """Make a table that the module defines larger; the first of the new elements."""
        place = self._own(ExternKind.TABLE, table)
        old = self._tables[place]
        first = old.type.limits.minimum
        limits = _at_least(old.type.limits, first + count)
        self._tables[place] = Table(TableType(old.type.element, limits), old.init)
        self._rewritten.add(SectionId.TABLE)
        return first

    def reserve_memory(self, memory: int, pages: int) -> None:
        """Make a memory that the module defines start with at least `pages` pages."""
        place = self._own(ExternKind.MEMORY, memory)
        old = self._memories[place]
        self._memories[place] = MemoryType(_at_least(old.limits, pages), old.page_size_log2)
        self._rewritten.add(SectionId.MEMORY)

    def _own(self, kind: ExternKind, index: int) -> int:
        place = index - self._imported[kind]
        if place < 0:
            raise ValueError(f"{kind} {index} is imported: whoever provides it sets its size")
        return place

    # Segments, exports, start, customs.

    def element(self, element: Element) -> int:
        """An element segment, by its index."""
        self._added[SectionId.ELEMENT].append(encode_element(element))
        self._element_count += 1
        return self._element_count - 1

    def functions_in_table(self, first: int, functions: Sequence[int], table: int = 0) -> int:
        """An active element segment that puts functions into a table from element `first` on."""
        offset = expression(instruction("i32.const", first))
        return self.element(
            Element(SegmentMode.ACTIVE, _NON_NULL_FUNC, tuple(functions), None, table, offset)
        )

    def data(self, segment: Data) -> int:
        """A data segment, by its index."""
        self._added[SectionId.DATA].append(encode_data(segment))
        self._has_data_count |= segment.mode is SegmentMode.PASSIVE
        self._data_count += 1
        return self._data_count - 1

    def bytes_at(self, address: int, contents: bytes, memory: int = 0) -> int:
        """An active data segment that puts bytes into a 32-bit memory at an address."""
        offset = expression(instruction("i32.const", _as_signed(address)))
        return self.data(Data(SegmentMode.ACTIVE, memoryview(contents), memory, offset))

    def export(self, name: str, kind: ExternKind, index: int) -> None:
        """An export; its name must be new."""
        if name in self._exported:
            raise ValueError(f"the module exports {name!r} already: remove_export first")
        self._exported.add(name)
        self._added[SectionId.EXPORT].append(encode_export(Export(name, kind, index)))

    def remove_export(self, name: str) -> None:
        """Take back an export of the base."""
        if all(item.name != name for item in self._base.exports):
            raise ValueError(f"the base module does not export {name!r}")
        self._removed_exports.add(name)
        self._exported.discard(name)

    def start(self, function: int | None) -> None:
        """The start function, or none; a base's is replaced."""
        self._start = function

    def name_function(self, function: int, name: str) -> None:
        """Name a function in the name section."""
        self._names[function] = name

    def custom(self, name: str, payload: bytes) -> None:
        """A custom section, at the module's end."""
        self._customs.append(encode_custom(name, payload))

    # Bytes.

    def build(self) -> bytes:
        """The module."""
        base = self._base
        pending = {section: self._contents(section) for section in SECTION_ORDER}
        parts = [MODULE_PREAMBLE]

        def flush(before: int) -> None:
            for section in SECTION_ORDER[:before]:
                contents = pending.pop(section, None)
                if contents is not None:
                    parts.append(encode_section(section, contents))

        plain = [section for section in base.sections if section.id is not SectionId.CUSTOM]
        last = plain[-1].start if plain else -1
        if not plain:
            flush(len(SECTION_ORDER))
        names = names_of(base)
        for section in base.sections:
            raw = base.source[section.start : section.end]
            if section.id is SectionId.CUSTOM:
                if self._names and Cursor(base.source, section.payload).name() == "name":
                    continue  # written anew, at the end
                parts.append(raw)
                continue
            rank = SECTION_ORDER.index(section.id)
            flush(rank)
            if pending.get(section.id) is not None:
                flush(rank + 1)
            elif section.id not in self._dropped():
                parts.append(raw)
            if section.start == last:
                flush(len(SECTION_ORDER))
        if self._names:
            parts.append(encode_custom("name", extend_function_names(names, self._names)))
        parts += self._customs
        return b"".join(parts)

    def _dropped(self) -> set[SectionId]:
        return {SectionId.START} if self._start is None else set()

    def _contents(self, section: SectionId) -> bytes | None:
        """The contents of a section that changed; None for one to copy, or to leave out."""
        match section:
            case SectionId.START:
                changed = self._start is not None and self._start != self._base.start
                return unsigned(self._start) if changed and self._start is not None else None
            case SectionId.DATA_COUNT:
                changed = self._has_data_count and self._data_count != self._base.data_count
                return unsigned(self._data_count) if changed else None
            case SectionId.TABLE if section in self._rewritten:
                return encode_vector([encode_table(table) for table in self._tables])
            case SectionId.MEMORY if section in self._rewritten:
                return encode_vector([encode_memory_type(memory) for memory in self._memories])
            case SectionId.CODE if self._bodies or self._added[SectionId.FUNCTION]:
                return self._code()
            case SectionId.EXPORT if self._removed_exports:
                kept = [
                    encode_export(item)
                    for item in self._base.exports
                    if item.name not in self._removed_exports
                ]
                return encode_vector(kept + self._added[section])
            case _:
                added = self._added[section]
                return self._extended(section, added) if added else None

    def _extended(self, section: SectionId, added: Sequence[bytes]) -> bytes:
        """The base's items of a section as they stand, and more."""
        span = self._base.section(section)
        if span is None:
            return encode_vector(added)
        cursor = Cursor(self._base.source, span.payload, span.end)
        count = cursor.u32()
        return unsigned(count + len(added)) + cursor.take(cursor.left) + b"".join(added)

    def _code(self) -> bytes:
        """The base's bodies as they stand, but for those replaced, then the new ones."""
        imported, own = self._imported[ExternKind.FUNC], self._base.code
        total = self._counts[ExternKind.FUNC] - imported
        parts = [unsigned(total)]
        span = self._base.section(SectionId.CODE)
        if span is not None:
            source = self._base.source
            cursor = Cursor(source, span.payload, span.end)
            cursor.u32()
            kept = cursor.pos
            for place in sorted(index - imported for index in self._bodies):
                if place >= len(own):
                    break
                before = own[place - 1].end if place else cursor.pos
                parts += [source[kept:before], _entry(self._bodies[imported + place])]
                kept = own[place].end
            parts.append(source[kept : span.end])
        for index in range(imported + len(own), imported + total):
            body = self._bodies.get(index)
            if body is None:
                raise ValueError(f"function {index} was declared and never defined")
            parts.append(_entry(body))
        return b"".join(parts)


def _entry(body: bytes) -> bytes:
    return unsigned(len(body)) + body


_NON_NULL_FUNC: Final = RefType(nullable=False, heap=AbstractHeap.FUNC)


def _as_signed(value: int) -> int:
    if not 0 <= value < 1 << 32:
        raise ValueError(f"{value:#x} is not an address of a 32-bit memory")
    return value - (1 << 32) if value >= 1 << 31 else value


def _at_least(limits: Limits, minimum: int) -> Limits:
    lower = max(limits.minimum, minimum)
    upper = None if limits.maximum is None else max(limits.maximum, lower)
    return Limits(lower, upper, limits.address, limits.shared)


def _starts(groups: Sequence[RecGroup]) -> Iterator[tuple[TypeIndex, RecGroup]]:
    index = 0
    for group in groups:
        yield TypeIndex(index), group
        index += len(group.types)
