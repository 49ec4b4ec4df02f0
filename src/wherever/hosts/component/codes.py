"""Owns the machine code of a component's core modules: compiled here, or found where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wherever.component import syntax as cs
from wherever.component.facts import Validated
from wherever.engine.engine import Code, Engine
from wherever.hosts.component.census import Census
from wherever.hosts.component.instantiate import Codes
from wherever.hosts.component.runtime import ModuleItem


@dataclass(frozen=True, slots=True)
class Prepared:
    """A component read, validated and compiled: nothing of it has run."""

    validated: Validated
    engine: Engine
    spans: tuple[tuple[int, int], ...]
    """Where each core module lies in the file, in reading order."""
    codes: tuple[Code, ...]
    """The machine code of each."""
    census: Census

    def found(self) -> Codes:
        """Finds a module's code by its place."""
        by_place = dict(zip(self.spans, self.codes, strict=True))
        return lambda module: by_place[module.start, module.end]


def compiling(engine: Engine, compiled: Callable[[bytes], Code] | None = None) -> Codes:
    """Compiles a module when it is asked for; one compilation for equal bytes."""
    from hashlib import sha256  # a worker has its code, and no use for OpenSSL

    known: dict[bytes, Code] = {}
    compile_ = compiled or engine.compile

    def code(module: ModuleItem) -> Code:
        data = module.data[module.start : module.end]
        key = sha256(data).digest()
        if key not in known:
            known[key] = compile_(data)
        return known[key]

    return code


def modules(validated: Validated) -> Iterator[ModuleItem]:
    """Every core module of a component and of those nested in it, in reading order."""
    component = validated.component
    for d, fact in zip(component.definitions, validated.facts, strict=True):
        if isinstance(d, cs.CoreModule):
            yield ModuleItem(component.data, d.start, d.end)
        elif isinstance(fact, Validated):
            yield from modules(fact)
