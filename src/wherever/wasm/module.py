"""Owns a module as frozen values: its sections, and what each holds (core specification, 2.5).

A `Module` is what `reader.read_module` makes of bytes. It keeps the bytes: function bodies, data
and custom sections are spans of them, decoded when asked for, so a large module costs little to
hold and anything unchanged is written back exactly as it came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, TypeAlias, overload

from wherever.wasm.cursor import Cursor
from wherever.wasm.frozen import frozen
from wherever.wasm.type_codec import read_val_type
from wherever.wasm.types import (
    ExternKind,
    ExternType,
    FuncType,
    GlobalType,
    MemoryType,
    RecGroup,
    RefType,
    SubType,
    TableType,
    TagType,
    TypeIndex,
    TypeUse,
    ValType,
)

if TYPE_CHECKING:
    from wherever.wasm.instructions import Instruction

# The instruction decoder, and with it the opcode table, is imported where code is first decoded:
# most users of a module look at its declarations only, and must start fast.


class SectionId(IntEnum):
    """A section's id in the binary format (5.5.2)."""

    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    GLOBAL = 6
    EXPORT = 7
    START = 8
    ELEMENT = 9
    CODE = 10
    DATA = 11
    DATA_COUNT = 12
    TAG = 13

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


SECTION_ORDER: tuple[SectionId, ...] = (
    SectionId.TYPE,
    SectionId.IMPORT,
    SectionId.FUNCTION,
    SectionId.TABLE,
    SectionId.MEMORY,
    SectionId.TAG,
    SectionId.GLOBAL,
    SectionId.EXPORT,
    SectionId.START,
    SectionId.ELEMENT,
    SectionId.DATA_COUNT,
    SectionId.CODE,
    SectionId.DATA,
)
"""The order in which a module has its sections (5.5.18); custom ones stand anywhere."""


@frozen
class Section:
    """Where a section is: its id byte at `start`, its contents from `payload` to `end`."""

    id: SectionId
    start: int
    payload: int
    end: int

    @property
    def size(self) -> int:
        """The bytes of the contents."""
        return self.end - self.payload


@frozen
class Expression:
    """A constant expression (3.4.13) as it stands in the binary, its `end` included."""

    __uncompared__ = ("offset",)
    raw: bytes
    offset: int = 0

    def __iter__(self) -> Iterator[Instruction]:
        from wherever.wasm.instructions import read_expression

        for _, current in read_expression(Cursor(self.raw)):
            yield current


@frozen
class Import:
    """An import (2.5.12)."""

    module: str
    name: str
    type: ExternType


@frozen
class Export:
    """An export (2.5.11): the item of `kind` with `index` in its index space."""

    name: str
    kind: ExternKind
    index: int


@frozen
class Table:
    """A table (2.5.5); `init` is None where its elements start out null."""

    type: TableType
    init: Expression | None = None


@frozen
class Global:
    """A global (2.5.7)."""

    type: GlobalType
    init: Expression


class SegmentMode(Enum):
    """When a segment is used (2.5.8, 2.5.9)."""

    ACTIVE = "active"
    PASSIVE = "passive"
    DECLARATIVE = "declarative"


@frozen
class Element:
    """An element segment (2.5.8).

    Exactly one of `functions` and `expressions` says what it holds: the binary has both forms.
    """

    mode: SegmentMode
    type: RefType
    functions: tuple[int, ...] | None = None
    expressions: tuple[Expression, ...] | None = None
    table: int = 0
    offset: Expression | None = None

    def __len__(self) -> int:
        return len(self.functions if self.functions is not None else self.expressions or ())


@frozen
class Data:
    """A data segment (2.5.9); `init` is a view of the module's bytes."""

    mode: SegmentMode
    init: memoryview
    memory: int = 0
    offset: Expression | None = None


@frozen
class Custom:
    """A custom section (5.5.3), its contents still bytes; `custom.py` reads the known ones."""

    __uncompared__ = ("offset",)
    name: str
    payload: memoryview
    offset: int


@frozen
class Local:
    """A run of `count` locals of one type, as the binary has them (5.5.16)."""

    count: int
    type: ValType


@frozen
class Body:
    """A function's body (5.5.16): bytes `start` to `end` of the module, decoded when asked for."""

    source: bytes
    start: int
    end: int

    @property
    def raw(self) -> bytes:
        """Locals and instructions, without the size that precedes them."""
        return self.source[self.start : self.end]

    def _locals(self) -> tuple[Cursor, tuple[Local, ...]]:
        cursor = Cursor(self.source, self.start, self.end)
        total = 0
        runs: list[Local] = []
        for _ in range(cursor.count("local declarations", smallest=2)):
            total += (count := cursor.u32())
            if total >= 1 << 32:
                raise cursor.error("too many locals")
            runs.append(Local(count, read_val_type(cursor)))
        return cursor, tuple(runs)

    @property
    def locals(self) -> tuple[Local, ...]:
        """The declared locals, parameters not among them."""
        return self._locals()[1]

    def code_start(self) -> int:
        """Where the instructions begin."""
        return self._locals()[0].pos

    def instructions(self) -> Iterator[tuple[int, Instruction]]:
        """Every instruction with its offset in the module, through the last `end`."""
        from wherever.wasm.instructions import read_expression

        cursor = self._locals()[0]
        yield from read_expression(cursor)
        if cursor.left:
            raise cursor.error(f"{cursor.left} bytes left over after the end of a function")


class Code(Sequence[Body]):
    """The bodies of a module's own functions, made one by one as they are asked for."""

    __slots__ = ("_ends", "_source", "_starts")

    def __init__(
        self, source: bytes = b"", starts: Sequence[int] = (), ends: Sequence[int] = ()
    ) -> None:
        self._source = source
        self._starts = starts
        self._ends = ends

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> Body: ...
    @overload
    def __getitem__(self, index: slice) -> Code: ...
    def __getitem__(self, index: int | slice) -> Body | Code:
        if isinstance(index, slice):
            return Code(self._source, self._starts[index], self._ends[index])
        return Body(self._source, self._starts[index], self._ends[index])


Described: TypeAlias = FuncType | TableType | MemoryType | GlobalType | TagType
"""An import's or export's type, with a function's signature in place of its type index."""


@frozen
class Module:
    """A module (2.5). Lists of what a module defines leave out what it imports."""

    source: bytes
    sections: tuple[Section, ...] = ()
    rec_groups: tuple[RecGroup, ...] = ()
    types: tuple[SubType, ...] = ()
    imports: tuple[Import, ...] = ()
    functions: tuple[int, ...] = ()
    tables: tuple[Table, ...] = ()
    memories: tuple[MemoryType, ...] = ()
    tags: tuple[TagType, ...] = ()
    globals: tuple[Global, ...] = ()
    exports: tuple[Export, ...] = ()
    start: int | None = None
    elements: tuple[Element, ...] = ()
    data_count: int | None = None
    code: Code = Code()  # immutable
    data: tuple[Data, ...] = ()
    customs: tuple[Custom, ...] = ()

    def section(self, wanted: SectionId) -> Section | None:
        """The section with that id, which is not `CUSTOM`, if the module has one."""
        for section in self.sections:
            if section.id is wanted:
                return section
        return None

    def custom(self, name: str) -> Custom | None:
        """The first custom section with that name."""
        for custom in self.customs:
            if custom.name == name:
                return custom
        return None

    def imported(self, kind: type[TypeUse | TableType | MemoryType | GlobalType | TagType]) -> int:
        """How many imports are of a kind: the first index of what the module defines itself."""
        return sum(1 for item in self.imports if isinstance(item.type, kind))

    def function_types(self) -> tuple[TypeIndex, ...]:
        """The function index space: imported first, then defined, each by its type's index."""
        imported = [item.type.index for item in self.imports if isinstance(item.type, TypeUse)]
        return (*imported, *[TypeIndex(index) for index in self.functions])

    def table_types(self) -> tuple[TableType, ...]:
        """The table index space."""
        imported = [item.type for item in self.imports if isinstance(item.type, TableType)]
        return (*imported, *[table.type for table in self.tables])

    def memory_types(self) -> tuple[MemoryType, ...]:
        """The memory index space."""
        imported = [item.type for item in self.imports if isinstance(item.type, MemoryType)]
        return (*imported, *self.memories)

    def global_types(self) -> tuple[GlobalType, ...]:
        """The global index space."""
        imported = [item.type for item in self.imports if isinstance(item.type, GlobalType)]
        return (*imported, *[item.type for item in self.globals])

    def tag_types(self) -> tuple[TagType, ...]:
        """The tag index space."""
        imported = [item.type for item in self.imports if isinstance(item.type, TagType)]
        return (*imported, *self.tags)
