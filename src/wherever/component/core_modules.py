"""Owns what a component must know of a core module inside it: the types of its imports and exports.

Only the sections before the code are read, so an 18 MB module costs microseconds; whether the code
itself is valid is the engine's to say when it compiles the module.
"""

from __future__ import annotations

from collections.abc import Mapping

from wherever.component.scope import fail
from wherever.component.types import CoreExternType, ModuleType
from wherever.component.validate_core import resolve
from wherever.wasm import types as core
from wherever.wasm.cursor import Cursor
from wherever.wasm.type_codec import (
    read_extern_type,
    read_global_type,
    read_memory_type,
    read_rec_group,
    read_table_type,
    read_tag_type,
)

_HEADER = b"\0asm\x01\0\0\0"

# opcode -> its immediates in a constant expression: s/S signed 32/64, u unsigned, 4/8/16 bytes
_CONSTANT: Mapping[int, str] = {
    0x41: "s",
    0x42: "S",
    0x43: "4",
    0x44: "8",
    0x23: "u",
    0xD2: "u",
    0xD0: "h",
    0x6A: "",
    0x6B: "",
    0x6C: "",
    0x7C: "",
    0x7D: "",
    0x7E: "",
}
# every section but the custom ones, in the order they must stand (core specification, 5.5.2)
_ORDER = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
_GC: Mapping[int, str] = {0: "u", 1: "u", 6: "u", 7: "u", 8: "uu", 26: "", 27: "", 28: ""}


def module_type(data: bytes, start: int, end: int, offset: int) -> ModuleType:
    """The type of the core module in `data[start:end]`."""
    cursor = Cursor(data, start, end, what="module")
    if cursor.left < 8 or cursor.take(8) != _HEADER:
        raise cursor.error("not a core module of version 1", start)
    reader = _ModuleReader(offset)
    last = -1
    while not cursor.at_end():
        code = cursor.u8()
        if code != 0:
            place = _ORDER.index(code) if code in _ORDER else -1
            if place <= last:
                raise cursor.error(f"section {code} out of order", cursor.pos - 1)
            last = place
        body = cursor.sub(cursor.u32())
        reader.section(code, body)
    return reader.module()


class _ModuleReader:
    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.types: list[core.SubType] = []
        self.imports: dict[tuple[str, str], CoreExternType] = {}
        self.spaces: tuple[list[CoreExternType], ...] = ([], [], [], [], [])
        self.exported: list[tuple[str, int, int]] = []

    def section(self, code: int, body: Cursor) -> None:
        match code:
            case 1:
                for _ in range(body.count("types")):
                    self.types.extend(read_rec_group(body).types)
            case 2:
                for _ in range(body.count("imports", smallest=4)):
                    self.import_(body)
            case 3:
                for _ in range(body.count("functions")):
                    self.add(0, core.TypeUse(core.TypeIndex(body.u32())))
            case 4:
                for _ in range(body.count("tables")):
                    self.table(body)
            case 5:
                for _ in range(body.count("memories")):
                    self.add(2, read_memory_type(body))
            case 6:
                for _ in range(body.count("globals")):
                    self.add(3, read_global_type(body))
                    _skip_constant(body)
            case 13:
                for _ in range(body.count("tags")):
                    self.add(4, read_tag_type(body))
            case 7:
                for _ in range(body.count("exports", smallest=3)):
                    self.exported.append((body.name(), body.u8(), body.u32()))
            case _:
                pass

    def table(self, body: Cursor) -> None:
        if body.peek() != 0x40:
            self.add(1, read_table_type(body))
            return
        body.skip(2)
        self.add(1, read_table_type(body))
        _skip_constant(body)

    def add(self, kind: int, t: core.ExternType) -> None:
        self.spaces[kind].append(resolve(t, self.types, self.offset))

    def import_(self, body: Cursor) -> None:
        offset = body.pos
        key = (body.name(), body.name())
        kind = body.peek()
        t = resolve(read_extern_type(body), self.types, self.offset)
        if key in self.imports:
            fail(f"duplicate import name `{key[0]}:{key[1]}`", offset)
        self.imports[key] = t
        self.spaces[kind].append(t)

    def module(self) -> ModuleType:
        exports: dict[str, CoreExternType] = {}
        for name, kind, index in self.exported:
            if kind >= len(self.spaces) or index >= len(self.spaces[kind]):
                fail(f"export `{name}` of a core module: index {index} out of bounds", self.offset)
            if name in exports:
                fail(f"duplicate export name `{name}` already defined", self.offset)
            exports[name] = self.spaces[kind][index]
        return ModuleType(self.imports, exports)


def _skip_constant(body: Cursor) -> None:
    """Step over a constant expression."""
    while True:
        offset = body.pos
        opcode = body.u8()
        if opcode == 0x0B:
            return
        if opcode == 0xFD:
            if body.u32() != 12:
                raise body.error("a constant expression is required", offset)
            body.skip(16)
            continue
        immediates = _GC.get(body.u32()) if opcode == 0xFB else _CONSTANT.get(opcode)
        if immediates is None:
            raise body.error("a constant expression is required", offset)
        for kind in immediates:
            match kind:
                case "s":
                    body.s32()
                case "S":
                    body.s64()
                case "h":
                    body.s33()
                case "u":
                    body.u32()
                case _:
                    body.skip(int(kind))
