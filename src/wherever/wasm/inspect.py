"""Owns the report that `wherever inspect` prints: what a module is, wants, offers and uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from wherever.wasm.code_scan import code_features
from wherever.wasm.cursor import Malformed
from wherever.wasm.custom import Producer, producers, target_features
from wherever.wasm.features import Feature
from wherever.wasm.module import Module, SectionId
from wherever.wasm.names import function_names, names_of
from wherever.wasm.preamble import Kind, recognise
from wherever.wasm.reader import read_module
from wherever.wasm.shape import ExportShape, ImportShape, Shape, shape
from wherever.wasm.types import ExternKind, MemoryType

Json: TypeAlias = bool | int | str | list["Json"] | dict[str, "Json"] | None

# import module -> the ABI it belongs to; the first pattern that matches the whole name decides.
_ABIS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), abi)
    for pattern, abi in (
        (r"wasi_snapshot_preview1", "WASI 0.1"),
        (r"wasi_unstable", "WASI snapshot 0"),
        (r"wasi_ephemeral_\w+", "WASI ephemeral"),
        (r"wasi", "WASI threads"),
        (r"wasi:[\w-]+/[\w-]+@(0\.\d+).*", "WASI component interface"),
        (r"wasix_\w+", "WASIX"),
        (r"wherever:linux", "wherever Linux"),
        (r"GOT\.(mem|func)", "dynamic linking"),
        (r"gojs|go", "Go JavaScript host"),
        (r"wbg|__wbindgen_\w+|\./.*_bg\.js", "wasm-bindgen"),
        (r"wasm:js-string|wasm:text-encoder|wasm:text-decoder", "JavaScript builtins"),
        (r"spectest", "specification tests"),
        (r"env", "environment"),
    )
)


def abi_of(import_module: str) -> str:
    """The ABI that an import's module name announces; empty where it is nobody's convention."""
    for pattern, abi in _ABIS:
        if pattern.fullmatch(import_module):
            return abi
    return ""


@dataclass(frozen=True, slots=True)
class Item:
    """An import or an export: its name, kind and type in the text format's words."""

    name: str
    kind: ExternKind
    type: str


@dataclass(frozen=True, slots=True)
class ImportGroup:
    """The imports from one module name, with the ABI it announces ("" where none is known)."""

    module: str
    abi: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory: sizes in bytes, and its type's text."""

    imported: bool
    minimum: int
    maximum: int | None
    shared: bool
    type: str


@dataclass(frozen=True, slots=True)
class SectionSize:
    """A section: its name (a custom section's own), where it starts and what it takes."""

    name: str
    custom: bool
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of each thing, imports included."""

    types: int
    functions: int
    imported_functions: int
    tables: int
    memories: int
    globals: int
    tags: int
    elements: int
    data_segments: int


@dataclass(frozen=True, slots=True)
class Report:
    """What `inspect` has to say. Of a component only the kind and size: its own room reads it.

    `features` are those used, found in declarations and in every instruction; what the compiler
    merely allowed itself is `target_features`. Strings come from the guest: escape before printing.
    """

    kind: Kind
    size: int
    name: str | None = None
    imports: tuple[ImportGroup, ...] = ()
    exports: tuple[Item, ...] = ()
    memories: tuple[Memory, ...] = ()
    tables: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    start: str | None = None
    counts: Counts | None = None
    sections: tuple[SectionSize, ...] = ()
    producers: tuple[Producer, ...] = ()
    target_features: tuple[str, ...] = ()

    @property
    def abis(self) -> tuple[str, ...]:
        """The ABIs that imports announce, in order of appearance, each once."""
        return tuple(dict.fromkeys(group.abi for group in self.imports if group.abi))

    @property
    def custom_sections(self) -> tuple[SectionSize, ...]:
        """The custom sections."""
        return tuple(section for section in self.sections if section.custom)

    def to_json(self) -> dict[str, Json]:
        """The report as what `json.dumps` takes."""
        if self.kind is Kind.COMPONENT:
            return {"kind": str(self.kind), "size": self.size}
        return {
            "kind": str(self.kind),
            "size": self.size,
            "name": self.name,
            "abis": list(self.abis),
            "imports": [
                {
                    "module": group.module,
                    "abi": group.abi or None,
                    "items": [_item_json(item) for item in group.items],
                }
                for group in self.imports
            ],
            "exports": [_item_json(item) for item in self.exports],
            "memories": [
                {
                    "imported": memory.imported,
                    "minimum_bytes": memory.minimum,
                    "maximum_bytes": memory.maximum,
                    "shared": memory.shared,
                    "type": memory.type,
                }
                for memory in self.memories
            ],
            "tables": list(self.tables),
            "features": list(self.features),
            "start": self.start,
            "counts": _counts_json(self.counts),
            "sections": [
                {
                    "name": section.name,
                    "custom": section.custom,
                    "offset": section.offset,
                    "size": section.size,
                }
                for section in self.sections
            ],
            "producers": [
                {"field": item.field, "name": item.name, "version": item.version}
                for item in self.producers
            ],
            "target_features": list(self.target_features),
        }


def _item_json(item: Item) -> Json:
    return {"name": item.name, "kind": str(item.kind), "type": item.type}


def _counts_json(counts: Counts | None) -> Json:
    if counts is None:
        return None
    return {name: getattr(counts, name) for name in Counts.__slots__}


def inspect(data: bytes) -> Report:
    """The report on a module or a component; raises `Malformed` for bytes that are neither."""
    if recognise(data) is Kind.COMPONENT:
        return Report(Kind.COMPONENT, len(data))
    return inspect_module(read_module(data))


def inspect_module(module: Module) -> Report:
    """The report on a module that has been read."""
    outline = shape(module)
    features = outline.features | code_features(module)
    return Report(
        kind=Kind.MODULE,
        size=len(module.source),
        name=_module_name(module),
        imports=_imports(outline),
        exports=tuple([Item(item.name, item.kind, _type(item)) for item in outline.exports]),
        memories=_memories(module, outline),
        tables=tuple(map(str, outline.tables)),
        features=tuple([str(feature) for feature in Feature if feature in features]),
        start=_start(module),
        counts=Counts(
            types=outline.types,
            functions=outline.functions,
            imported_functions=outline.imported_functions,
            tables=len(outline.tables),
            memories=len(outline.memories),
            globals=outline.globals,
            tags=outline.tags,
            elements=outline.elements,
            data_segments=outline.data_segments,
        ),
        sections=_sections(module),
        producers=producers(module),
        target_features=tuple(map(str, target_features(module))),
    )


def _type(item: ImportShape | ExportShape) -> str:
    if item.kind is ExternKind.TAG and item.signature is not None:
        return str(item.signature).replace("(func", "(tag", 1)
    return str(item.type)


def _imports(outline: Shape) -> tuple[ImportGroup, ...]:
    groups: dict[str, list[Item]] = {}
    for item in outline.imports:
        groups.setdefault(item.module, []).append(Item(item.name, item.kind, _type(item)))
    return tuple([ImportGroup(name, abi_of(name), tuple(items)) for name, items in groups.items()])


def _memories(module: Module, outline: Shape) -> tuple[Memory, ...]:
    imported = module.imported(MemoryType)
    return tuple(
        [
            Memory(
                imported=index < imported,
                minimum=memory.limits.minimum * memory.page_size,
                maximum=(
                    None
                    if memory.limits.maximum is None
                    else memory.limits.maximum * memory.page_size
                ),
                shared=memory.limits.shared,
                type=str(memory),
            )
            for index, memory in enumerate(outline.memories)
        ]
    )


def _module_name(module: Module) -> str | None:
    try:
        return names_of(module).module()
    except Malformed:
        return None


def _start(module: Module) -> str | None:
    if module.start is None:
        return None
    return function_names(module).get(module.start, str(module.start))


def _sections(module: Module) -> tuple[SectionSize, ...]:
    customs = iter(module.customs)
    sizes: list[SectionSize] = []
    for section in module.sections:
        custom = section.id is SectionId.CUSTOM
        name = next(customs).name if custom else str(section.id)
        sizes.append(SectionSize(name, custom, section.start, section.end - section.start))
    return tuple(sizes)
