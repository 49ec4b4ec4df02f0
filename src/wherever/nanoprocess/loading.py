"""Owns `wherever.load`: a component in this process, with the grants that it was given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wherever.component.read import read_component
from wherever.component.validate import validate
from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.outline import Outline
from wherever.engine.profile import Placement, Profile
from wherever.errors import InvalidProgram
from wherever.hosts.component.census import census
from wherever.hosts.component.codes import Prepared, modules
from wherever.hosts.component.load import DEFAULT_MEMORY, LoadedComponent, load_validated
from wherever.hosts.component.wasi.linker import wasi_hosts
from wherever.nanoprocess import components
from wherever.nanoprocess.code import read_all
from wherever.nanoprocess.compiling import compiled_component
from wherever.nanoprocess.prepare import require_runnable
from wherever.policy import Grants, Limits
from wherever.program.recognise import Format, recognise
from wherever.system.polling import Interrupt
from wherever.system.surroundings import inherited_streams, surroundings

__all__ = ["load"]

_PROFILE = Profile(Placement.DEMAND)
_SMALL = 64 << 10
"""Up to this size a component is looked at here: its modules may be cheap to compile."""


def load(
    program: bytes | str | os.PathLike[str],
    host: Mapping[str, Any] | None = None,
    *,
    grants: Grants | None = None,
    limits: Limits | None = None,
    streams: bool = False,
    types: Mapping[tuple[str, str], object] | None = None,
) -> LoadedComponent:
    """Load a component: its exports become typed attributes.

    `host` maps the names of imports to host objects. What it imports of WASI 0.2 is linked over
    `grants`, and nothing is granted by default; with `streams` it has this process's standard
    streams. `types` is the table of a package that `wherever bindings` wrote. `close()` ends it,
    as does leaving it as a context manager.

    Of `limits`, `memory` bounds all its memories together (1 GiB) and `time` each call into it,
    and loading it (a minute); `LimitExceeded` then ends the instance. Components are compiled by a
    confined child and found in the cache from then on, but for small ones.

        with wherever.load("lib.wasm") as lib:
            lib.add(1, 2)
    """
    data = program if isinstance(program, bytes) else Path(program).read_bytes()
    title = "component" if isinstance(program, bytes) else Path(program).stem
    data = _required_component(data, title)
    limits = limits or Limits()
    prepared = _prepared(data)
    validated = prepared.validated
    interrupt = Interrupt()
    around = surroundings(
        grants or Grants(),
        limits,
        [title],
        streams=inherited_streams(interrupt) if streams else None,
        interrupt=interrupt,
    )
    hosts = {**wasi_hosts(around, validated.type.imports), **(host or {})}
    try:
        loaded = load_validated(
            validated,
            hosts,
            memory=DEFAULT_MEMORY if limits.memory is None else limits.memory,
            engine=prepared.engine,
            codes=prepared.found(),
            count=prepared.census,
            title=title,
            given=types,
            seconds=limits.time,
        )
    except BaseException:
        around.close()
        raise
    loaded.when_closed(around.close)
    return loaded


def _required_component(data: bytes, title: str) -> bytes:
    found = recognise(data[:512])
    if found.format is Format.WAT:
        data = wat2wasm(data.decode("utf-8", "replace"))
        found = recognise(data[:512])
    if found.format is Format.WASM_COMPONENT:
        return data
    require_runnable(data[:512], title)
    raise InvalidProgram(
        f"{title} is {found}, not a component: load takes components; a module's functions are "
        "called through wherever.webassembly, and a program is run with wherever.run"
    )


def _prepared(data: bytes) -> Prepared:
    engine = Engine.of(_PROFILE)
    if len(data) <= _SMALL:
        here = _cheap(data, engine)
        if here is not None:
            return here
    return _compiled(data, engine)


def _compiled(data: bytes, engine: Engine) -> Prepared:
    """The component as the child compiled it, now or before."""
    head, *apart = compiled_component(_PROFILE, data)
    return components.load(read_all(head), apart, engine)


def _cheap(data: bytes, engine: Engine) -> Prepared | None:
    """The component, compiled in this process; None if that might take long (ADR 0007)."""
    validated = validate(read_component(data))
    found = tuple(modules(validated))
    outlines = [Outline(module.data[module.start : module.end]) for module in found]
    if not all(outline.cheap for outline in outlines):
        return None
    codes = [
        engine.compile(module.data[module.start : module.end], outline)
        for module, outline in zip(found, outlines, strict=True)
    ]
    spans = tuple([(module.start, module.end) for module in found])
    return Prepared(validated, engine, spans, tuple(codes), census(validated))
