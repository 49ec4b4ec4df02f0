"""Owns the name section: names of functions, locals and the rest, read and written (7.4.1).

Names are for people. A malformed name section never makes a module invalid, so `names_of` gives
what could be read; a name can be anything and must be escaped before it reaches a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from wherever.wasm.cursor import Cursor, Malformed
from wherever.wasm.leb128 import unsigned
from wherever.wasm.module import Module
from wherever.wasm.writer import encode_name, encode_vector


class NameKind(IntEnum):
    """A subsection of the name section: the specification's, and the extended-name proposal's."""

    MODULE = 0
    FUNCTION = 1
    LOCAL = 2
    LABEL = 3
    TYPE = 4
    TABLE = 5
    MEMORY = 6
    GLOBAL = 7
    ELEMENT = 8
    DATA = 9
    FIELD = 10
    TAG = 11


_INDIRECT = frozenset({NameKind.LOCAL, NameKind.LABEL, NameKind.FIELD})


@dataclass(frozen=True, slots=True)
class Names:
    """A name section, its subsections still bytes until they are asked for."""

    source: bytes = b""
    spans: Mapping[NameKind, tuple[int, int]] = field(
        default_factory=dict[NameKind, tuple[int, int]]
    )

    def _cursor(self, kind: NameKind) -> Cursor | None:
        span = self.spans.get(kind)
        return None if span is None else Cursor(self.source, *span, what="name section")

    def module(self) -> str | None:
        """The module's own name."""
        cursor = self._cursor(NameKind.MODULE)
        return None if cursor is None else cursor.name()

    def of(self, kind: NameKind) -> dict[int, str]:
        """Names by index, of functions, types, tables, memories, globals, segments or tags."""
        if kind in _INDIRECT or kind is NameKind.MODULE:
            raise ValueError(f"the names of a {kind.name.lower()} are not a map by index")
        cursor = self._cursor(kind)
        return {} if cursor is None else _read_map(cursor)

    def within(self, kind: NameKind) -> dict[int, dict[int, str]]:
        """Names by outer and inner index: locals and labels of a function, fields of a type."""
        if kind not in _INDIRECT:
            raise ValueError(f"the names of a {kind.name.lower()} are not within another index")
        cursor = self._cursor(kind)
        if cursor is None:
            return {}
        return {cursor.u32(): _read_map(cursor) for _ in range(cursor.count("names", smallest=2))}


def _read_map(cursor: Cursor) -> dict[int, str]:
    u32, name = cursor.u32, cursor.name
    return {u32(): name() for _ in range(cursor.count("names", smallest=2))}


def read_names(source: bytes, start: int, end: int) -> Names:
    """The name section whose contents, after its own name, are `source[start:end]`."""
    cursor = Cursor(source, start, end, what="name section")
    spans: dict[NameKind, tuple[int, int]] = {}
    while not cursor.at_end():
        kind = cursor.u8()
        contents = cursor.sub(cursor.u32())
        if kind in NameKind.__members__.values():
            spans.setdefault(NameKind(kind), (contents.pos, contents.end))
    return Names(source, spans)


def names_of(module: Module) -> Names:
    """The module's names; none where it has no name section or one that cannot be read."""
    custom = module.custom("name")
    if custom is None:
        return Names()
    try:
        return read_names(module.source, custom.offset, custom.offset + len(custom.payload))
    except Malformed:
        return Names()


def function_names(module: Module) -> dict[int, str]:
    """The functions' names by index, as far as the module states them readably."""
    try:
        return names_of(module).of(NameKind.FUNCTION)
    except Malformed:
        return {}


def encode_name_map(names: Mapping[int, str]) -> bytes:
    """Names by index, in ascending order as the format wants them."""
    return encode_vector([unsigned(index) + encode_name(names[index]) for index in sorted(names)])


def encode_subsection(kind: NameKind, contents: bytes) -> bytes:
    """A subsection with its id and size."""
    return bytes((kind,)) + unsigned(len(contents)) + contents


def encode_indirect_map(names: Mapping[int, Mapping[int, str]]) -> bytes:
    """Names by outer and inner index."""
    return encode_vector(
        [unsigned(outer) + encode_name_map(names[outer]) for outer in sorted(names)]
    )


def extend_function_names(base: Names, added: Mapping[int, str]) -> bytes:
    """The contents of a name section like `base` with more functions named.

    The other subsections are kept as they stand.
    """
    try:
        functions = base.of(NameKind.FUNCTION)
    except Malformed:
        functions = {}
    functions.update(added)
    parts: list[bytes] = []
    for kind in NameKind:
        if kind is NameKind.FUNCTION:
            parts.append(encode_subsection(kind, encode_name_map(functions)))
        elif (span := base.spans.get(kind)) is not None:
            parts.append(encode_subsection(kind, base.source[slice(*span)]))
    return b"".join(parts)
