"""Owns the contents of the custom sections that tools agree on, names apart: who made the module.

`producers` and `target_features` are conventions of the tool-conventions repository, not of the
specification. As with names, what is malformed there does not make a module invalid.
"""

from __future__ import annotations

from dataclasses import dataclass

from wherever.wasm.cursor import Cursor, Malformed
from wherever.wasm.module import Module


@dataclass(frozen=True, slots=True)
class Producer:
    """A tool that had a hand in a module; `field` is "language", "processed-by" or "sdk"."""

    field: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class TargetFeature:
    """A feature as a compiler states it: `+` used, `-` refused, `=` required."""

    prefix: str
    name: str

    def __str__(self) -> str:
        return self.prefix + self.name


def read_producers(cursor: Cursor) -> tuple[Producer, ...]:
    """The contents of a `producers` section."""
    found: list[Producer] = []
    for _ in range(cursor.count("fields", smallest=2)):
        field = cursor.name()
        count = cursor.count("producers", smallest=2)
        found += [Producer(field, cursor.name(), cursor.name()) for _ in range(count)]
    return tuple(found)


def read_target_features(cursor: Cursor) -> tuple[TargetFeature, ...]:
    """The contents of a `target_features` section."""
    found: list[TargetFeature] = []
    for _ in range(cursor.count("features", smallest=2)):
        prefix = chr(cursor.u8())
        if prefix not in "+-=":
            raise cursor.error("malformed feature prefix", cursor.pos - 1)
        found.append(TargetFeature(prefix, cursor.name()))
    return tuple(found)


def _contents(module: Module, name: str) -> Cursor | None:
    custom = module.custom(name)
    if custom is None:
        return None
    end = custom.offset + len(custom.payload)
    return Cursor(module.source, custom.offset, end, what=f"{name} section")


def producers(module: Module) -> tuple[Producer, ...]:
    """Who made the module, as far as it says so readably."""
    cursor = _contents(module, "producers")
    try:
        return () if cursor is None else read_producers(cursor)
    except Malformed:
        return ()


def target_features(module: Module) -> tuple[TargetFeature, ...]:
    """What the compiler was allowed to use, as far as the module says so readably."""
    cursor = _contents(module, "target_features")
    try:
        return () if cursor is None else read_target_features(cursor)
    except Malformed:
        return ()
