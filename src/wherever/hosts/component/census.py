"""Owns counting, before anything runs, how many memories and instances a component will make.

The engine bounds each memory and each table, not their sum, so the sum that was granted is divided
among the number that there will be. The count also refuses components built to instantiate without
end: two children per level, forty levels deep.
"""

from __future__ import annotations

from dataclasses import dataclass

from wherever.component import syntax as cs
from wherever.component.facts import Validated
from wherever.errors import LimitExceeded
from wherever.wasm.cursor import Cursor

MAX_INSTANCES = 10_000


@dataclass(frozen=True, slots=True)
class Census:
    """What one instantiation makes."""

    memories: int = 0
    tables: int = 0
    instances: int = 1

    def __add__(self, other: Census) -> Census:
        return Census(
            self.memories + other.memories,
            self.tables + other.tables,
            self.instances + other.instances,
        )


_UNKNOWN = Census(1, 1, 1)


def census(validated: Validated) -> Census:
    """What instantiating `validated` makes; `LimitExceeded` where that is too much."""
    total = _count(validated, {}, ())
    if total.instances > MAX_INSTANCES:
        raise LimitExceeded(
            f"limit: the component makes {total.instances} instances, of {MAX_INSTANCES} allowed",
            limit="instances",
            value=MAX_INSTANCES,
        )
    return total


_Spaces = tuple[list[Census], list[Census]]


def _count(validated: Validated, memo: dict[int, Census], outer: tuple[_Spaces, ...]) -> Census:
    known = memo.get(id(validated))
    if known is not None:
        return known
    modules: list[Census] = []
    components: list[Census] = []
    scopes = ((modules, components), *outer)
    total = Census(0, 0, 1)
    for d, fact in zip(validated.component.definitions, validated.facts, strict=True):
        match d:
            case cs.CoreModule(_, start, end):
                modules.append(_module(validated.component.data, start, end))
            case cs.NestedComponent():
                assert isinstance(fact, Validated)
                components.append(_count(fact, memo, scopes))
            case cs.CoreInstantiate(_, module, _):
                total += modules[module]
            case cs.Instantiate(_, component, _):
                total += components[component]
            case cs.AliasOuter(_, cs.CoreSort.MODULE, count, index):
                modules.append(scopes[count][0][index])
            case cs.AliasOuter(_, cs.Sort.COMPONENT, count, index):
                components.append(scopes[count][1][index])
            case cs.AliasExport(_, sort, _, _):
                _unknown(sort, modules, components)
            case cs.Import(_, _, desc):
                _unknown(desc.sort, modules, components)
            case cs.Export(_, _, what, _):
                if what.sort is cs.CoreSort.MODULE:
                    modules.append(modules[what.index])
                elif what.sort is cs.Sort.COMPONENT:
                    components.append(components[what.index])
            case _:
                pass
    memo[id(validated)] = total
    return total


def _unknown(sort: cs.AnySort, modules: list[Census], components: list[Census]) -> None:
    if sort is cs.CoreSort.MODULE:
        modules.append(_UNKNOWN)
    elif sort is cs.Sort.COMPONENT:
        components.append(_UNKNOWN)


def _module(data: bytes, start: int, end: int) -> Census:
    """The memories and tables that a core module defines."""
    cursor = Cursor(data, start + 8, end, what="module")
    counts = {4: 0, 5: 0}
    while not cursor.at_end():
        code = cursor.u8()
        body = cursor.sub(cursor.u32())
        if code in counts:
            counts[code] = body.u32()
        elif code == 10:
            break
    return Census(counts[5], counts[4], 1)
