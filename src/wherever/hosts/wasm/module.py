"""Owns Module: compiling, validating, and what a module says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from wherever.engine.engine import Code, Engine
from wherever.engine.outline import Outline, choose
from wherever.errors import InvalidProgram, Unsupported
from wherever.hosts.wasm.errors import CompileError
from wherever.hosts.wasm.realm import POOLED
from wherever.wasm.reader import read_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.engine.outline import ItemType

    Buffer = bytes | bytearray | memoryview
    Compiler = Callable[[Engine, bytes, Outline], Code]

__all__ = ["ExportDescriptor", "ImportDescriptor", "Module", "in_process", "validate"]


class ImportDescriptor(NamedTuple):
    """One import: where it comes from, what kind of thing it is, its type as text."""

    module: str
    name: str
    kind: str
    type: str


class ExportDescriptor(NamedTuple):
    """One export: its name, what kind of thing it is, its type as text."""

    name: str
    kind: str
    type: str


def bytes_of(source: Buffer) -> bytes:
    """The bytes of a module; TypeError for what has none."""
    try:
        return source if isinstance(source, bytes) else bytes(memoryview(source))
    except TypeError:
        text = "; for the text format use webassembly.wat2wasm"
        raise TypeError(
            f"a module is made of bytes, not {type(source).__name__}"
            f"{text if isinstance(cast('object', source), str) else ''}"
        ) from None


def in_process(engine: Engine, wasm: bytes, outline: Outline) -> Code:
    """Compile here, for as long as it takes."""
    return engine.compile(wasm, outline)


class Module:
    """A compiled module. It has no state: any number of instances can be made of it."""

    __slots__ = ("_codes", "_compiler", "best", "outline", "wasm")

    def __init__(self, source: Buffer, *, compiler: Compiler = in_process) -> None:
        """`compiler` is handed in: this room cannot start a child that has limits."""
        wasm = bytes_of(source)
        try:
            outline = Outline(wasm)
        except InvalidProgram as error:
            raise CompileError(str(error)) from None
        if outline.shape.shared_memory:
            raise Unsupported(
                "shared memories: a guest that waits on one could not be interrupted in process"
            )
        self.wasm = wasm
        self.outline = outline
        self._codes: dict[str, Code] = {}
        self._compiler = compiler
        self.best = self.code(Engine.of(choose(outline.shape, POOLED)))
        """The code for the cheapest placement that the module fits."""

    def code(self, engine: Engine) -> Code:
        """The machine code for one engine; made for others from what there is."""
        code = self._codes.get(engine.profile.name)
        if code is None:
            try:
                if self._codes:
                    # Placement is not in the machine code: the same bytes serve.
                    first = next(iter(self._codes.values()))
                    code = engine.load_own(first.serialise(), self.wasm, self.outline)
                else:
                    code = self._compiler(engine, self.wasm, self.outline)
            except InvalidProgram as error:
                raise CompileError(str(error)) from None
            self._codes[engine.profile.name] = code
        return code

    def exports(self) -> list[ExportDescriptor]:
        """What the module exports, in its order."""
        return [
            ExportDescriptor(one.name, _kind(one.type), str(one.type))
            for one in self.outline.exports.values()
        ]

    def imports(self) -> list[ImportDescriptor]:
        """What the module imports, in its order."""
        return [
            ImportDescriptor(one.module, one.name, _kind(one.type), str(one.type))
            for one in self.outline.imports
        ]

    def custom_sections(self, name: str) -> list[bytes]:
        """The contents of every custom section of a name."""
        return [bytes(one.payload) for one in read_module(self.wasm).customs if one.name == name]

    def __repr__(self) -> str:
        exports = ", ".join(list(self.outline.exports)[:8])
        return f"<Module of {len(self.wasm)} bytes, exports: {exports}>"


_KINDS = {
    "FuncType": "function",
    "TableType": "table",
    "MemoryType": "memory",
    "GlobalType": "global",
    "TagItem": "tag",
}


def _kind(type_: ItemType) -> str:
    return _KINDS[type(type_).__name__]


def validate(source: Buffer) -> bool:
    """Whether the bytes are a valid module."""
    try:
        Engine.of(POOLED).validate(bytes_of(source))
    except InvalidProgram:
        return False
    return True
