"""Owns compiled code on its way from the compiling child to the worker: an outline, and the code.

The outline (imports, exports and their types) saves a worker from reading the module again. It
comes from a child that has looked at hostile bytes, so it is text, cut and checked like any frame.
"""

from __future__ import annotations

import os

from wherever.engine.engine import Code, Engine, wat2wasm
from wherever.engine.outline import ExportItem, ImportItem, Outline
from wherever.engine.profile import Placement, Profile
from wherever.errors import InvalidProgram
from wherever.linux.bodies import SECTION, bodies_of
from wherever.nanoprocess.apart import deserialised
from wherever.nanoprocess.codefile import ALONE, COMPONENT, MODULE, RESUME, Kind, cut, joined
from wherever.nanoprocess.frames import BrokenFrame, fields_of, pack_fields
from wherever.nanoprocess.start_section import deferred
from wherever.wasm.types import (
    AddressType,
    ExternKind,
    FuncType,
    Limits,
    MemoryType,
    NumType,
    VecType,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherever.engine.outline import ItemType
    from wherever.wasm.types import ValType

__all__ = ["compile_for", "load", "load_bodies", "open_compiler", "open_engine", "read_all"]

_LETTERS: dict[str, ValType] = {
    "i": NumType.I32,
    "I": NumType.I64,
    "f": NumType.F32,
    "F": NumType.F64,
    "v": VecType.V128,
}
_BY_TYPE = {valtype: letter for letter, valtype in _LETTERS.items()}
_FIXED = 2
"""Fields that every outline begins with: how many tables, how many imports."""

# Workers run one instance and are killed at their deadline: no pool, no epochs.
_PROFILE = Profile(Placement.DEMAND, epochs=False)
_QUICK = Profile(Placement.DEMAND, epochs=False, quick=True)


def open_engine() -> None:
    """Open the engine's library and make the engine: 2 ms that an idle worker has to spare."""
    Engine.of(_PROFILE)


def open_compiler(form: str) -> None:
    """Load everything that compiling needs: a confined child can open no file."""
    if form.startswith(MODULE):
        _engine_of(form, MODULE)
        return
    from wherever.nanoprocess import components

    __import__("wherever.wasm.instructions")  # loaded at a module's first expression
    _linkable(Outline(b"\0asm\1\0\0\0"))
    if form.startswith(COMPONENT):
        components.open_compiler(_engine_of(form, COMPONENT))
        return
    components.open_compiler(Engine.of(_PROFILE))


def compile_for(form: str, data: bytes) -> bytes:
    """The bytes of the form that is wanted. Runs in a child with limits of its own."""
    if form.startswith(COMPONENT):
        from wherever.nanoprocess.components import compile_component

        return compile_component(data, _engine_of(form, COMPONENT))
    if form.startswith(MODULE):
        return _engine_of(form, MODULE).compile(data).serialise()
    if form == RESUME:
        return _compile_bodies(data)
    return compile_program(data)


def _engine_of(form: str, prefix: str) -> Engine:
    return Engine.of(Profile.of_code(form.removeprefix(prefix)))


def compile_program(data: bytes) -> bytes:
    """The bytes for `load`, from a module or a component, or the text of one."""
    if data[:4] != b"\0asm":
        data = wat2wasm(data.decode("utf-8", "replace"))
    if data[:8] == b"\0asm\x0d\0\1\0":
        from wherever.nanoprocess.components import compile_component

        return compile_component(data, Engine.of(_PROFILE))
    data = deferred(data)
    outline = Outline(data)
    _linkable(outline)
    return _joined(Kind.TRANSLATED if _bodies(data) is not None else Kind.PROGRAM, data, outline)


def _compile_bodies(data: bytes) -> bytes:
    """The same of a translated program's resume bodies, which only it is linked to."""
    bodies = _bodies(data)
    if bodies is None:
        raise InvalidProgram(
            "the program asks for its resume bodies and has none: the custom section that holds "
            "them is gone; translate it again"
        )
    return _joined(Kind.PROGRAM, bodies, Outline(bodies), _QUICK)


def _bodies(data: bytes) -> bytes | None:
    if SECTION.encode() not in data:
        return None
    from wherever.wasm.reader import read_module  # as in `Outline`: for compiling only

    return bodies_of(read_module(data))


def _joined(kind: int, data: bytes, outline: Outline, profile: Profile = _PROFILE) -> bytes:
    code = Engine.of(profile).compile(data)
    fields = [str(outline.tables), str(len(outline.imports))]
    for item in outline.imports:
        fields += (item.module, item.name, _spelt(item.type))
    for name, export in outline.exports.items():
        spelt = _spelt(export.type)
        if spelt:
            fields += (name, str(export.index), spelt)
    return joined(kind, (pack_fields(fields), code.serialise()))


def _linkable(outline: Outline) -> None:
    from wherever.nanoprocess.linking import require_known_imports

    require_known_imports(outline)


def load(head: bytes, apart: Sequence[int]) -> Code:
    """The code that `compile_program` made, of its head and what lies apart from it.

    The caller has asked the ledger; the descriptor of the code is closed.
    """
    return _load(cut(head)[:ALONE], apart)


def load_bodies(head: bytes, apart: Sequence[int], rest: Callable[[], Sequence[int]]) -> Code:
    """The resume bodies of the program with that head: they are in it, or `rest` brings them.

    They are copied, not mapped: the engine maps what it opens, and a confined worker opens nothing.
    """
    parts = cut(head)[ALONE:]
    if not parts:
        first, *apart = rest()
        parts = cut(read_all(first))
    return _load(
        [memoryview(read_all(apart[part])) if isinstance(part, int) else part for part in parts], ()
    )


def _load(parts: Sequence[memoryview | int], apart: Sequence[int]) -> Code:
    try:
        told, code = parts
        fields = fields_of(_near(told))
    except (ValueError, BrokenFrame) as error:
        raise InvalidProgram("damaged compiled code: compile it again") from error
    engine = Engine.of(_PROFILE)
    return _Loaded(engine, deserialised(engine, code, apart), fields)


def _near(part: memoryview | int) -> bytes:
    if isinstance(part, int):
        raise InvalidProgram("damaged compiled code: compile it again")
    return bytes(part)


def read_all(fd: int) -> bytes:
    """Everything in the descriptor, wherever it stands, which is closed then."""
    size = os.fstat(fd).st_size
    data = os.pread(fd, size, 0)
    while len(data) < size:  # more than one pread(2) moves
        data += os.pread(fd, size, len(data))
    os.close(fd)
    return data


class _Loaded(Code):
    """Code whose outline was told, not read."""

    __slots__ = ()

    def __init__(self, engine: Engine, ptr: int, fields: list[str]) -> None:
        super().__init__(engine, ptr, b"")
        outline = Outline.__new__(Outline)
        outline.tables = int(fields[0])
        end = _FIXED + 3 * int(fields[1])
        outline.imports = tuple(
            ImportItem(fields[at], fields[at + 1], _read(fields[at + 2]))
            for at in range(_FIXED, end, 3)
        )
        outline.exports = {
            fields[at]: ExportItem(
                fields[at], _kind(fields[at + 2]), int(fields[at + 1]), _read(fields[at + 2])
            )
            for at in range(end, len(fields), 3)
        }
        self._outline = outline


def _spelt(type_: ItemType) -> str:
    """A type in letters, or "" for what no worker links or calls."""
    match type_:
        case FuncType(params, results) if all(each in _BY_TYPE for each in (*params, *results)):
            return "func " + ">".join(_letters(types) for types in (params, results))
        case MemoryType() if type_.limits.address is AddressType.I32:
            return "memory"
        case _:
            return ""


def _letters(types: tuple[ValType, ...]) -> str:
    return "".join(_BY_TYPE[each] for each in types)


def _read(text: str) -> ItemType:
    if text.startswith("func "):
        params, _, results = text[5:].partition(">")
        return FuncType(
            tuple(_LETTERS[letter] for letter in params),
            tuple(_LETTERS[letter] for letter in results),
        )
    return MemoryType(Limits(0))


def _kind(text: str) -> ExternKind:
    return ExternKind.FUNC if text.startswith("func") else ExternKind.MEMORY
