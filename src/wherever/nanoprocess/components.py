"""Owns components on their way to a worker and in it: compiled by the child, run after confinement.

The first part is the plan: what validation found out (`component.plan`), with what linking asks of
each module, so that a worker neither reads the component again nor checks it. The others are the
code of the core modules.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from wherever.component import plan
from wherever.component import syntax as cs
from wherever.component.facts import Validated
from wherever.engine.engine import Code, Engine
from wherever.engine.outline import ExportItem, ImportItem, ItemType, Outline, TagItem
from wherever.engine.profile import Placement, Profile
from wherever.errors import InvalidProgram
from wherever.hosts.component.census import Census
from wherever.hosts.component.codes import Prepared
from wherever.hosts.component.command import prepare, run_command
from wherever.hosts.component.load import DEFAULT_MEMORY
from wherever.nanoprocess.apart import deserialised
from wherever.nanoprocess.codefile import Kind, cut, joined
from wherever.system.surroundings import Surroundings
from wherever.wasm import types as core

__all__ = [
    "call_component",
    "compile_component",
    "load",
    "open_compiler",
    "open_texts",
]

_Told: TypeAlias = tuple[tuple[tuple[str, str, object], ...], tuple[tuple[object, ...], ...]]
"""An outline as a plan has it: imports by module, name and type; exports by name, kind, index,
type."""

_Whole: TypeAlias = tuple[
    Validated, tuple[int, int, int], tuple[tuple[int, int, int], ...], tuple[_Told, ...]
]
"""A plan: the component, its census, where each module lies and which code it has, outlines."""


def open_compiler(engine: Engine) -> None:
    """Load everything that compiling needs: a confined child can open no file."""
    compile_component(b"\0asm\x0d\0\1\0", engine)


def compile_component(data: bytes, engine: Engine) -> bytes:
    """The bytes for `load`. Runs in a child with limits of its own."""
    prepared = prepare(data, engine)
    asked = _names_asked(prepared.validated, prepared.codes)
    codes = {id(code): code for code in prepared.codes}
    places = {key: at for at, key in enumerate(codes)}
    census = prepared.census
    whole = (
        prepared.validated,
        (census.memories, census.tables, census.instances),
        tuple([(*span, places[id(code)]) for span, code in _spans(prepared)]),
        tuple([_told(code.outline, asked) for code in codes.values()]),
    )
    return joined(
        Kind.COMPONENT, (plan.pack(whole), *[each.serialise() for each in codes.values()])
    )


def load(head: bytes, apart: Sequence[int], engine: Engine | None = None) -> Prepared:
    """The component that `compile_component` made for the engine; the caller asked the ledger.

    Of its head and of what lies apart from it, whose descriptors are closed.
    """
    told, *parts = cut(head)
    if isinstance(told, int):
        raise InvalidProgram("damaged compiled component: compile it again")
    whole: _Whole = plan.unpack(bytes(told))
    validated, counts, spans, outlines = whole
    engine = engine or Engine.of(Profile(Placement.DEMAND, epochs=False))
    codes: list[Code] = [
        _Loaded(engine, deserialised(engine, part, apart), outline)
        for part, outline in zip(parts, outlines, strict=True)
    ]
    return Prepared(
        validated,
        engine,
        tuple([(start, end) for start, end, _ in spans]),
        tuple([codes[place] for _, _, place in spans]),
        Census(*counts),
    )


def open_texts() -> None:
    """Load what reads and writes values as text: a confined worker can open no file."""
    importlib.import_module("wherever.component.wave")


def _spans(prepared: Prepared) -> Iterator[tuple[tuple[int, int], Code]]:
    return zip(prepared.spans, prepared.codes, strict=True)


class _Loaded(Code):
    """Code whose outline was told, not read."""

    __slots__ = ()

    def __init__(self, engine: Engine, ptr: int, told: _Told) -> None:
        super().__init__(engine, ptr, b"")
        outline = Outline.__new__(Outline)
        imports, exports = told
        outline.imports = tuple([ImportItem(m, name, _item(t)) for m, name, t in imports])
        found: dict[str, ExportItem] = {}
        for entry in exports:
            name, kind, index, t = entry
            assert isinstance(name, str)
            assert isinstance(index, int)
            assert isinstance(kind, core.ExternKind)
            found[name] = ExportItem(name, kind, index, _item(t))
        outline.exports = found
        self._outline = outline


def _told(outline: Outline, asked: frozenset[str]) -> _Told:
    imports = tuple([(item.module, item.name, _tell(item.type)) for item in outline.imports])
    exports = tuple(
        [
            (item.name, item.kind, item.index, _tell(item.type))
            for item in outline.exports.values()
            if item.name in asked
        ]
    )
    return imports, exports


def _tell(item: ItemType) -> object:
    return (item.params,) if isinstance(item, TagItem) else item


def _item(told: object) -> ItemType:
    match told:
        case core.FuncType() | core.MemoryType() | core.TableType() | core.GlobalType():
            return told
        case (core.FuncType() as params,):
            return TagItem(params)
        case _:
            raise InvalidProgram("damaged compiled component: compile it again")


def _names_asked(validated: Validated, codes: Iterable[Code]) -> frozenset[str]:
    """The names of core exports that instantiating the component may ask for."""
    found = {item.name for code in codes for item in code.outline.imports}

    def walk(inner: Validated) -> None:
        for d, fact in zip(inner.component.definitions, inner.facts, strict=True):
            if isinstance(d, cs.AliasCoreExport):
                found.add(d.name)
            elif isinstance(fact, Validated):
                walk(fact)

    walk(validated)
    return frozenset(found)


def call_component(
    prepared: Prepared, around: Surroundings, memory: int | None, invoke: str | None
) -> int:
    """Run the component to its end; its exit status."""
    return run_command(
        prepared,
        around,
        memory=DEFAULT_MEMORY if memory is None else memory,
        invoke=invoke,
        say=_say,
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
