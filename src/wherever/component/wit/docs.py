"""Owns documentation that a binary carries: the custom section `package-docs` of wit-parser.

One byte 1, then JSON: the docs of a package, of its interfaces and worlds by their short names, of
functions and types by extern name, of fields and cases under their type. It came from a guest: what
does not have that shape is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from wherever.component.syntax import Component

SECTION = "package-docs"
MAX_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ItemDocs:
    """The docs of an interface or a world, and of what is in it (`name`, `type.field`)."""

    text: str = ""
    items: Mapping[str, str] = field(default_factory=dict[str, str])


NO_ITEM_DOCS = ItemDocs()


@dataclass(frozen=True, slots=True)
class PackageDocs:
    """The docs of a package."""

    text: str = ""
    interfaces: Mapping[str, ItemDocs] = field(default_factory=dict[str, ItemDocs])
    worlds: Mapping[str, ItemDocs] = field(default_factory=dict[str, ItemDocs])


def package_docs(component: Component) -> PackageDocs:
    """The docs that `component` carries; empty where it carries none."""
    for custom in component.customs:
        if custom.name == SECTION and custom.end - custom.start <= MAX_BYTES:
            return read_docs(component.data[custom.start : custom.end])
    return PackageDocs()


def read_docs(data: bytes) -> PackageDocs:
    """The docs in the bytes of such a section; empty if they are not what it should hold."""
    text = data[1:] if data[:1] in (b"\0", b"\1") else data
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return PackageDocs()
    return PackageDocs(
        _text(found),
        {name: _item(value) for name, value in _members(found, "interfaces")},
        {name: _item(value) for name, value in _members(found, "worlds")},
    )


def _members(value: object, key: str) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        return []
    inner: object = cast("dict[str, Any]", value).get(key)
    return list(cast("dict[str, Any]", inner).items()) if isinstance(inner, dict) else []


def _text(value: object) -> str:
    """The docs of an item: under `docs`, or, for a function of the first version, itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        docs: object = cast("dict[str, Any]", value).get("docs")
        return docs if isinstance(docs, str) else ""
    return ""


def _item(value: object) -> ItemDocs:
    items: dict[str, str] = {}
    for key in (
        "funcs",
        "func_imports",
        "func_exports",
        "interface_import_docs",
        "interface_export_docs",
    ):
        for name, entry in _members(value, key):
            items.setdefault(name, _text(entry))
    for name, entry in _members(value, "types"):
        items[name] = _text(entry)
        for member, text in _members(entry, "items"):
            items[f"{name}.{member}"] = _text(text)
    return ItemDocs(_text(value), items)
