"""Owns reading the component binary format: bytes in, definitions in order out (Binary.md).

Nothing is looked up here: indices are read, `validate` resolves them. Input is hostile, so nesting
and counts are bounded before anything is allocated, and every error names the offset.
"""

from __future__ import annotations

from collections.abc import Callable

from wherever.component.builtins import BUILTIN_BY_CODE, Immediate
from wherever.component.read_types import TypeReader
from wherever.component.syntax import (
    AliasCoreExport,
    AliasExport,
    AliasOuter,
    CanonBuiltin,
    CanonLift,
    CanonLower,
    CanonOpts,
    CanonResource,
    Component,
    CoreInlineExports,
    CoreInstantiate,
    CoreModule,
    CoreSort,
    Custom,
    Definition,
    Export,
    Import,
    InlineExports,
    Instantiate,
    NestedComponent,
    ResourceOp,
    SortIdx,
    StringEncoding,
    TypeDef,
)
from wherever.errors import Unsupported
from wherever.wasm.cursor import Cursor, Malformed

MAGIC = b"\0asm"
COMPONENT_LAYER = b"\x0d\x00\x01\x00"
MAX_DEPTH = 64
MAX_DEFINITIONS = 1_000_000


def is_component(data: bytes | memoryview) -> bool:
    """Do these bytes start as a component does (whatever its version)?"""
    head = bytes(data[:8])
    return head[:4] == MAGIC and head[6:8] == COMPONENT_LAYER[2:]


def read_component(data: bytes) -> Component:
    """The component in `data`, decoded but not validated; `Malformed` where it is not one."""
    return _ComponentReader(Cursor(data, what="component"), 0, [MAX_DEFINITIONS]).component()


class _ComponentReader:
    """Reads one component; `budget` is shared with the components nested in it."""

    def __init__(self, cursor: Cursor, depth: int, budget: list[int]) -> None:
        self.cursor = cursor
        self.depth = depth
        self.budget = budget
        self.definitions: list[Definition] = []
        self.customs: list[Custom] = []
        self.types = TypeReader(cursor)

    def component(self) -> Component:
        cursor = self.cursor
        start = cursor.pos
        if self.depth > MAX_DEPTH:
            raise cursor.error(f"components are nested more than {MAX_DEPTH} deep")
        if cursor.left < 8 or cursor.take(4) != MAGIC:
            raise cursor.error("magic header not detected", start)
        version = cursor.take(4)
        if version != COMPONENT_LAYER:
            raise cursor.error(f"unknown binary version and layer {version.hex()}", start + 4)
        while not cursor.at_end():
            offset = cursor.pos
            code = cursor.u8()
            size = cursor.u32()
            if size > cursor.left:
                raise cursor.error(f"section of {size} bytes goes beyond the end", offset)
            self.section(code, cursor.sub(size), offset)
        return Component(
            cursor.data, start, cursor.end, tuple(self.definitions), tuple(self.customs)
        )

    def section(self, code: int, body: Cursor, offset: int) -> None:
        outer, self.cursor = self.cursor, body
        self.types = TypeReader(body)
        try:
            match code:
                case 0:
                    self.customs.append(Custom(body.name(), body.pos, body.end))
                    body.skip(body.left)
                case 1:
                    self.add(CoreModule(offset, body.pos, body.end))
                    body.skip(body.left)
                case 4:
                    # Code and offsets stay those of the file: only the cursor is narrowed.
                    inner = _ComponentReader(
                        Cursor(body.data, body.pos, body.end, what="component"),
                        self.depth + 1,
                        self.budget,
                    )
                    self.add(NestedComponent(offset, inner.component()))
                    body.skip(body.left)
                case 2:
                    self.vector("core instances", self.core_instance)
                case 3:
                    self.vector("core types", self.types.core_type)
                case 5:
                    self.vector("instances", self.instance)
                case 6:
                    self.vector("aliases", lambda: self.alias(body))
                case 7:
                    self.vector("types", lambda: TypeDef(body.pos, self.types.deftype()))
                case 8:
                    self.vector("canonical functions", self.canon)
                case 10:
                    self.vector("imports", self.import_)
                case 11:
                    self.vector("exports", self.export)
                case 9 | 12:
                    what = "start functions" if code == 9 else "values"
                    raise Unsupported(
                        f"component {what} (section {code} at offset {offset:#x}): "
                        "the specification gates them and wherever does not have them yet"
                    )
                case _:
                    raise body.error(f"unknown section {code}", offset)
            if not body.at_end():
                raise body.error("unexpected bytes at the end of a section")
        finally:
            self.cursor = outer

    def add(self, definition: Definition) -> None:
        self.budget[0] -= 1
        if self.budget[0] < 0:
            raise self.cursor.error(f"more than {MAX_DEFINITIONS} definitions")
        self.definitions.append(definition)

    def vector(self, of: str, item: Callable[[], Definition]) -> None:
        for _ in range(self.cursor.count(of)):
            self.add(item())

    # -- instances ---------------------------------------------------------------------------

    def core_instance(self) -> CoreInstantiate | CoreInlineExports:
        cursor = self.cursor
        offset = cursor.pos
        match cursor.u8():
            case 0x00:
                module = cursor.u32()
                args: list[tuple[str, int]] = []
                for _ in range(cursor.count("instantiation arguments", smallest=3)):
                    name = cursor.name()
                    if cursor.u8() != CoreSort.INSTANCE.value:
                        raise cursor.error("a core instantiation argument must be an instance")
                    args.append((name, cursor.u32()))
                return CoreInstantiate(offset, module, tuple(args))
            case 0x01:
                exports: list[tuple[str, SortIdx]] = []
                for _ in range(cursor.count("exports", smallest=3)):
                    name = cursor.name()
                    exports.append((name, SortIdx(self.types.core_sort(), cursor.u32())))
                return CoreInlineExports(offset, tuple(exports))
            case code:
                raise Malformed(
                    f"unknown core instance expression {code:#x}", offset, what="component"
                )

    def instance(self) -> Instantiate | InlineExports:
        cursor = self.cursor
        offset = cursor.pos
        match cursor.u8():
            case 0x00:
                component = cursor.u32()
                args: list[tuple[str, SortIdx]] = []
                for _ in range(cursor.count("instantiation arguments", smallest=3)):
                    name = cursor.name()
                    args.append((name, self.sortidx()))
                return Instantiate(offset, component, tuple(args))
            case 0x01:
                count = cursor.count("exports", smallest=4)
                return InlineExports(
                    offset,
                    tuple([(self.types.extern_name(), self.sortidx()) for _ in range(count)]),
                )
            case code:
                raise Malformed(f"unknown instance expression {code:#x}", offset, what="component")

    def sortidx(self) -> SortIdx:
        return SortIdx(self.types.sort(), self.cursor.u32())

    def alias(self, cursor: Cursor) -> AliasExport | AliasCoreExport | AliasOuter:
        return self.types.alias(cursor.pos)

    # -- canonical functions -----------------------------------------------------------------

    def canon(self) -> Definition:
        cursor = self.cursor
        offset = cursor.pos
        code = cursor.u8()
        match code:
            case 0x00 | 0x01:
                if cursor.u8() != 0x00:
                    raise cursor.error("a lifted or lowered thing must be a function", offset)
                func = cursor.u32()
                opts = self.opts()
                if code == 0x01:
                    return CanonLower(offset, func, opts)
                return CanonLift(offset, func, opts, cursor.u32())
            case 0x02 | 0x03 | 0x04:
                return CanonResource(offset, ResourceOp(code), cursor.u32())
            case 0x07:  # the older resource.drop, asynchronous
                return CanonResource(offset, ResourceOp.DROP, cursor.u32())
            case _:
                return self.builtin(code, offset)

    def builtin(self, code: int, offset: int) -> CanonBuiltin:
        cursor = self.cursor
        row = BUILTIN_BY_CODE.get(code)
        if row is None:
            raise cursor.error(f"unknown canonical function {code:#x}", offset)
        immediates: list[object] = []
        opts: CanonOpts | None = None
        for immediate in row.immediates:
            match immediate:
                case Immediate.OPTS:
                    opts = self.opts()
                case Immediate.RESULT:
                    immediates.append(self.types.resultlist())
                case Immediate.FLAG:
                    flag = cursor.u8()
                    if flag > 1:
                        raise cursor.error(f"invalid flag {flag:#x} of {row.name}", cursor.pos - 1)
                    immediates.append(flag == 1)
                case Immediate.CORE_VALTYPE:
                    immediates.append(self.types.core_valtype())
                case (
                    Immediate.TYPE
                    | Immediate.CORE_TYPE
                    | Immediate.TABLE
                    | Immediate.MEMORY
                    | Immediate.U32
                ):
                    immediates.append(cursor.u32())
        return CanonBuiltin(offset, code, tuple(immediates), opts)

    def opts(self) -> CanonOpts:
        cursor = self.cursor
        encoding: StringEncoding | None = None
        indices: dict[str, int] = {}
        is_async = False
        names = {0x03: "memory", 0x04: "realloc", 0x05: "post-return", 0x07: "callback"}
        for _ in range(cursor.count("canonical options")):
            offset = cursor.pos
            match cursor.u8():
                case (0x00 | 0x01 | 0x02) as code:
                    wanted = StringEncoding(code)
                    if encoding is not None:
                        raise cursor.error(
                            f"canonical encoding option `{encoding}` conflicts with "
                            f"option `{wanted}`",
                            offset,
                        )
                    encoding = wanted
                case (0x03 | 0x04 | 0x05 | 0x07) as code:
                    if names[code] in indices:
                        raise cursor.error(
                            f"canonical option `{names[code]}` is specified more than once", offset
                        )
                    indices[names[code]] = cursor.u32()
                case 0x06:
                    if is_async:
                        raise cursor.error(
                            "canonical option `async` is specified more than once", offset
                        )
                    is_async = True
                case code:
                    raise cursor.error(f"unknown canonical option {code:#x}", offset)
        return CanonOpts(
            encoding,
            indices.get("memory"),
            indices.get("realloc"),
            indices.get("post-return"),
            is_async,
            indices.get("callback"),
        )

    # -- imports and exports -----------------------------------------------------------------

    def import_(self) -> Import:
        offset = self.cursor.pos
        return Import(offset, self.types.extern_name(), self.types.externdesc())

    def export(self) -> Export:
        cursor = self.cursor
        offset = cursor.pos
        name = self.types.extern_name()
        what = self.sortidx()
        match cursor.u8():
            case 0x00:
                return Export(offset, name, what, None)
            case 0x01:
                return Export(offset, name, what, self.types.externdesc())
            case code:
                raise Malformed(
                    f"unknown optional marker {code:#x}", cursor.pos - 1, what="component"
                )
