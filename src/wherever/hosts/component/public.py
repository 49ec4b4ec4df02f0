"""Owns `wherever.load`: a component in this process, with the grants that it was given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wherever.component.read import read_component
from wherever.component.validate import validate
from wherever.hosts.component.load import DEFAULT_MEMORY, LoadedComponent, load_validated
from wherever.hosts.component.wasi.linker import wasi_hosts
from wherever.policy import Grants, Limits
from wherever.system.polling import Interrupt
from wherever.system.surroundings import inherited_streams, surroundings

__all__ = ["load"]


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

        with wherever.load("lib.wasm") as lib:
            lib.add(1, 2)
    """
    data = program if isinstance(program, bytes) else Path(program).read_bytes()
    title = "component" if isinstance(program, bytes) else Path(program).stem
    limits = limits or Limits()
    validated = validate(read_component(data))
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
            title=title,
            given=types,
        )
    except BaseException:
        around.close()
        raise
    loaded.when_closed(around.close)
    return loaded
