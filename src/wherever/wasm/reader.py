"""Owns reading a module: bytes in, a `Module` out, or `Malformed` (core specification, 5.5).

Everything but function bodies and the contents of custom sections is read and checked at once.
Bodies are only delimited here; `code_scan.scan_code` checks them. Validity (types, index bounds) is
the engine's to judge.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from typing import Final

from wherever.wasm.cursor import Cursor
from wherever.wasm.module import (
    SECTION_ORDER,
    Code,
    Custom,
    Data,
    Element,
    Export,
    Expression,
    Global,
    Import,
    Module,
    Section,
    SectionId,
    SegmentMode,
    Table,
)
from wherever.wasm.preamble import Kind, recognise
from wherever.wasm.type_codec import (
    read_extern_type,
    read_global_type,
    read_memory_type,
    read_rec_group,
    read_ref_type,
    read_table_type,
    read_tag_type,
)
from wherever.wasm.types import (
    FUNCREF,
    AbstractHeap,
    ExternKind,
    MemoryType,
    RecGroup,
    RefType,
    TagType,
)


class _Draft:
    """What has been read so far."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self.rec_groups: tuple[RecGroup, ...] = ()
        self.imports: tuple[Import, ...] = ()
        self.functions: tuple[int, ...] = ()
        self.tables: tuple[Table, ...] = ()
        self.memories: tuple[MemoryType, ...] = ()
        self.tags: tuple[TagType, ...] = ()
        self.globals: tuple[Global, ...] = ()
        self.exports: tuple[Export, ...] = ()
        self.start: int | None = None
        self.elements: tuple[Element, ...] = ()
        self.data_count: int | None = None
        self.code = Code()
        self.data: tuple[Data, ...] = ()
        self.customs: list[Custom] = []


def read_module(data: bytes | bytearray | memoryview) -> Module:
    """The module in `data`; raises `Malformed` with the offset where the format is not followed."""
    source = bytes(data)
    cursor = Cursor(source)
    if recognise(source) is Kind.COMPONENT:
        raise cursor.error("a component, where a module was wanted: its layer is 1", 6)
    cursor.skip(8)
    draft = _Draft()
    ranks = {section: rank for rank, section in enumerate(SECTION_ORDER)}
    last = -1
    while not cursor.at_end():
        start = cursor.pos
        code = cursor.u8()
        if code > SectionId.TAG:
            raise cursor.error(f"malformed section id {code}", start)
        section_id = SectionId(code)
        if section_id is not SectionId.CUSTOM:
            rank = ranks[section_id]
            if rank <= last:
                raise cursor.error(
                    f"unexpected {section_id} section: out of order or repeated", start
                )
            last = rank
        size = cursor.u32()
        if size > cursor.left:
            raise cursor.error(
                f"unexpected end: the {section_id} section claims {size} bytes, "
                f"{cursor.left} are left",
                start,
            )
        contents = cursor.sub(size)
        draft.sections.append(Section(section_id, start, contents.pos, contents.end))
        _SECTIONS[section_id](contents, draft)
        if contents.left:
            raise contents.error(
                f"section size mismatch: {contents.left} bytes left in {section_id}"
            )
    _check_counts(cursor, draft)
    return Module(
        source=source,
        sections=tuple(draft.sections),
        rec_groups=draft.rec_groups,
        types=tuple([member for group in draft.rec_groups for member in group.types]),
        imports=draft.imports,
        functions=draft.functions,
        tables=draft.tables,
        memories=draft.memories,
        tags=draft.tags,
        globals=draft.globals,
        exports=draft.exports,
        start=draft.start,
        elements=draft.elements,
        data_count=draft.data_count,
        code=draft.code,
        data=draft.data,
        customs=tuple(draft.customs),
    )


def _check_counts(cursor: Cursor, draft: _Draft) -> None:
    if len(draft.functions) != len(draft.code):
        raise cursor.error(
            "function and code section have inconsistent lengths: "
            f"{len(draft.functions)} and {len(draft.code)}"
        )
    if draft.data_count is not None and draft.data_count != len(draft.data):
        raise cursor.error(
            "data count and data section have inconsistent lengths: "
            f"{draft.data_count} and {len(draft.data)}"
        )


# Nearly every constant expression is one instruction with one small number: a segment's offset, a
# global's value, a reference. These are read without the instruction decoder, which need not even
# be imported for them.
_SMALL_CONST: Final = re.compile(
    rb"(?:[\x41\x42\x23\xd2][\x80-\xff]{0,3}+[\x00-\x7f]|\xd0[\x69-\x74])\x0b"
)


def _expression(cursor: Cursor) -> Expression:
    start = cursor.pos
    small = _SMALL_CONST.match(cursor.data, start, cursor.end)
    if small is not None:
        cursor.pos = small.end()
        return Expression(small[0], start)
    from wherever.wasm.instructions import read_expression

    for _ in read_expression(cursor):
        pass
    return Expression(cursor.data[start : cursor.pos], start)


# What engines agree to take at most (JavaScript API, Implementation-defined Limits). Beyond it a
# module runs nowhere, and its values in Python would be many times its bytes.
_MOST: Final = {
    "types": 1_000_000,
    "imports": 1_000_000,
    "functions": 1_000_000,
    "tables": 100_000,
    "memories": 100,
    "tags": 1_000_000,
    "globals": 1_000_000,
    "exports": 1_000_000,
    "data segments": 100_000,
    "element segments": 10_000_000,
    "elements": 10_000_000,
}


def _within(cursor: Cursor, count: int, of: str) -> int:
    if count > _MOST[of]:
        raise cursor.error(f"{count} {of}, where engines take at most {_MOST[of]}")
    return count


def _count(cursor: Cursor, of: str, smallest: int) -> int:
    return _within(cursor, cursor.count(of, smallest=smallest), of)


def _custom(cursor: Cursor, draft: _Draft) -> None:
    name = cursor.name()
    offset = cursor.pos
    draft.customs.append(Custom(name, cursor.view(cursor.left), offset))


def _types(cursor: Cursor, draft: _Draft) -> None:
    count = _count(cursor, "types", 2)
    groups: list[RecGroup] = []
    members = 0
    for _ in range(count):
        groups.append(group := read_rec_group(cursor))
        members = _within(cursor, members + len(group.types), "types")
    draft.rec_groups = tuple(groups)


def _imports(cursor: Cursor, draft: _Draft) -> None:
    count = _count(cursor, "imports", 4)
    draft.imports = tuple(
        [Import(cursor.name(), cursor.name(), read_extern_type(cursor)) for _ in range(count)]
    )


def _functions(cursor: Cursor, draft: _Draft) -> None:
    draft.functions = cursor.u32s("functions")
    _within(cursor, len(draft.functions), "functions")


def _table(cursor: Cursor) -> Table:
    if cursor.peek() != 0x40:
        return Table(read_table_type(cursor))
    cursor.pos += 1
    if reserved := cursor.u8():
        raise cursor.error(
            f"malformed table: zero byte expected, {reserved:#04x} found", cursor.pos - 1
        )
    return Table(read_table_type(cursor), _expression(cursor))


def _tables(cursor: Cursor, draft: _Draft) -> None:
    draft.tables = tuple([_table(cursor) for _ in range(_count(cursor, "tables", 3))])


def _memories(cursor: Cursor, draft: _Draft) -> None:
    count = _count(cursor, "memories", 2)
    draft.memories = tuple([read_memory_type(cursor) for _ in range(count)])


def _tags(cursor: Cursor, draft: _Draft) -> None:
    draft.tags = tuple([read_tag_type(cursor) for _ in range(_count(cursor, "tags", 2))])


def _globals(cursor: Cursor, draft: _Draft) -> None:
    count = _count(cursor, "globals", 3)
    draft.globals = tuple(
        [Global(read_global_type(cursor), _expression(cursor)) for _ in range(count)]
    )


def _export(cursor: Cursor) -> Export:
    name = cursor.name()
    code = cursor.u8()
    if code > ExternKind.TAG.value:
        raise cursor.error(f"malformed export kind {code:#04x}", cursor.pos - 1)
    return Export(name, ExternKind(code), cursor.u32())


def _exports(cursor: Cursor, draft: _Draft) -> None:
    draft.exports = tuple([_export(cursor) for _ in range(_count(cursor, "exports", 3))])


def _start(cursor: Cursor, draft: _Draft) -> None:
    draft.start = cursor.u32()


# The flags of an element segment (5.5.14).
_NOT_ACTIVE, _EXPLICIT, _EXPRESSIONS = 1, 2, 4
_NON_NULL_FUNC: Final = RefType(nullable=False, heap=AbstractHeap.FUNC)


def _element(cursor: Cursor) -> Element:
    start = cursor.pos
    flags = cursor.u32()
    if flags > 7:
        raise cursor.error(f"malformed elements segment kind {flags}", start)
    table, offset = 0, None
    if flags & _NOT_ACTIVE:
        mode = SegmentMode.DECLARATIVE if flags & _EXPLICIT else SegmentMode.PASSIVE
    else:
        mode = SegmentMode.ACTIVE
        table = cursor.u32() if flags & _EXPLICIT else 0
        offset = _expression(cursor)
    has_type = flags & (_NOT_ACTIVE | _EXPLICIT)
    if flags & _EXPRESSIONS:
        reftype = read_ref_type(cursor) if has_type else FUNCREF
        count = _count(cursor, "elements", 2)
        expressions = tuple([_expression(cursor) for _ in range(count)])
        return Element(mode, reftype, None, expressions, table, offset)
    if has_type and (kind := cursor.u8()):
        raise cursor.error(f"malformed element kind {kind:#04x}", cursor.pos - 1)
    return Element(mode, _NON_NULL_FUNC, cursor.u32s("elements"), None, table, offset)


def _elements(cursor: Cursor, draft: _Draft) -> None:
    count = _count(cursor, "element segments", 2)
    draft.elements = tuple([_element(cursor) for _ in range(count)])


def _data_count(cursor: Cursor, draft: _Draft) -> None:
    draft.data_count = cursor.u32()


def _code(cursor: Cursor, draft: _Draft) -> None:
    count = _count(cursor, "functions", 3)
    starts, ends = array("Q"), array("Q")
    u32, end = cursor.u32, cursor.end
    for _ in range(count):
        size = u32()
        pos = cursor.pos
        if size > end - pos:
            raise cursor.error(
                f"unexpected end: a function body claims {size} bytes, {end - pos} left"
            )
        cursor.pos = stop = pos + size
        starts.append(pos)
        ends.append(stop)
    draft.code = Code(cursor.data, starts, ends)


def _data(cursor: Cursor) -> Data:
    start = cursor.pos
    flags = cursor.u32()
    if flags > 2:
        raise cursor.error(f"malformed data segment kind {flags}", start)
    if flags == 1:
        return Data(SegmentMode.PASSIVE, cursor.view(cursor.u32()))
    memory = cursor.u32() if flags == 2 else 0
    offset = _expression(cursor)
    return Data(SegmentMode.ACTIVE, cursor.view(cursor.u32()), memory, offset)


def _datas(cursor: Cursor, draft: _Draft) -> None:
    draft.data = tuple([_data(cursor) for _ in range(_count(cursor, "data segments", 2))])


_SECTIONS: Final[dict[SectionId, Callable[[Cursor, _Draft], None]]] = {
    SectionId.CUSTOM: _custom,
    SectionId.TYPE: _types,
    SectionId.IMPORT: _imports,
    SectionId.FUNCTION: _functions,
    SectionId.TABLE: _tables,
    SectionId.MEMORY: _memories,
    SectionId.TAG: _tags,
    SectionId.GLOBAL: _globals,
    SectionId.EXPORT: _exports,
    SectionId.START: _start,
    SectionId.ELEMENT: _elements,
    SectionId.DATA_COUNT: _data_count,
    SectionId.CODE: _code,
    SectionId.DATA: _datas,
}
