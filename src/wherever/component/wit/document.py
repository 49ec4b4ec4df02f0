"""Owns a component's world as a whole WIT document: what `wherever inspect` shows.

A world names its interfaces; each is spelt out once in its package, nested below the world, as the
tools that read WIT take it. A component that is a WIT package in binary form prints as the package.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wherever.component import names
from wherever.component import types as ct
from wherever.component.facts import Validated
from wherever.component.wit.docs import NO_ITEM_DOCS, ItemDocs, PackageDocs, package_docs
from wherever.component.wit.show import InterfacePrinter, Source, doc_lines, label, show_signature

ROOT = "root:component"


def show_component(validated: Validated) -> str:
    """The world of a component, with its documentation where it carries any."""
    return show_world(validated.type, docs=package_docs(validated.component))


def show_world(
    component: ct.ComponentType, name: str = "root", docs: PackageDocs | None = None
) -> str:
    """A component's type as a WIT document."""
    package = binary_package(component)
    if package is not None:
        return _Document(docs or PackageDocs(), package.name).package(package)
    document = _Document(docs or PackageDocs())
    body = document.world(name, component, document.docs.worlds.get(name, NO_ITEM_DOCS))
    return "\n".join([f"package {ROOT};", "", *body, *document.packages(), ""])


@dataclass(frozen=True, slots=True)
class BinaryPackage:
    """A WIT package as the binary format has it: each export a component type of one item."""

    name: str
    interfaces: Mapping[str, ct.ComponentType]
    worlds: Mapping[str, ct.ComponentType]

    def named_interfaces(self) -> Iterator[tuple[str, ct.InstanceType]]:
        """Every interface of the package by its full name."""
        for component in self.interfaces.values():
            for name, extern in component.exports.items():
                if isinstance(extern, ct.InstanceType):
                    yield name, extern


def binary_package(component: ct.ComponentType) -> BinaryPackage | None:
    """The WIT package that `component` encodes, if it encodes one (WIT.md, package format)."""
    interfaces: dict[str, ct.ComponentType] = {}
    worlds: dict[str, ct.ComponentType] = {}
    packages: set[str] = set()
    if component.imports or not component.exports:
        return None
    for short, extern in component.exports.items():
        if not isinstance(extern, ct.TypeBound) or not isinstance(extern.type, ct.ComponentType):
            return None
        inner = extern.type
        if len(inner.exports) != 1:
            return None
        ((full, item),) = inner.exports.items()
        parsed = _interface_name(full)
        if parsed is None or parsed.interface != short:
            return None
        packages.add(_package_of(parsed))
        if isinstance(item, ct.InstanceType):
            interfaces[short] = inner
        elif isinstance(item, ct.ComponentType):
            worlds[short] = item
        else:
            return None
    return BinaryPackage(packages.pop(), interfaces, worlds) if len(packages) == 1 else None


def interface_docs(docs: PackageDocs, name: str, known: Mapping[str, int]) -> ItemDocs:
    """The docs of the interface `name`: a section has short names, which must be unambiguous."""
    parsed = _interface_name(name)
    short = parsed.interface if parsed is not None else name
    return docs.interfaces.get(short, NO_ITEM_DOCS) if known.get(short, 1) == 1 else NO_ITEM_DOCS


@dataclass(slots=True)
class _Interface:
    """An interface on its way to text: what is imported and what is exported under its name."""

    name: names.InterfaceName
    externs: dict[str, ct.ExternType] = field(default_factory=dict[str, ct.ExternType])
    types: dict[str, list[ct.AnyType]] = field(default_factory=dict[str, list[ct.AnyType]])
    """What each named type is, wherever the interface is mentioned."""


class _Document:
    def __init__(self, docs: PackageDocs, home: str = ROOT) -> None:
        self.docs = docs
        self.home = home
        self.used: dict[int, tuple[str, str]] = {}
        self.kept: list[object] = []
        self.interfaces: dict[str, _Interface] = {}
        self.shorts: Counter[str] = Counter()

    # -- worlds ------------------------------------------------------------------------------

    def world(self, name: str, component: ct.ComponentType, docs: ItemDocs) -> list[str]:
        """The lines of a world; the interfaces that it names are noted."""
        lines = [*doc_lines(docs.text, ""), f"world {label(name)} {{"]
        for externs in (component.imports, component.exports):
            for extern_name, extern in externs.items():
                parsed = _interface_name(extern_name)
                if isinstance(extern, ct.InstanceType) and parsed is not None:
                    self.note(parsed, extern)
                elif isinstance(extern, ct.InstanceType):
                    self.note_types(extern_name, extern)
        defined: set[str] = set()
        source = self.source(self.home)
        for word, externs in (("import", component.imports), ("export", component.exports)):
            printer = InterfacePrinter(externs, source, docs.items)
            for imported, extern in component.imports.items():
                if isinstance(extern, ct.TypeBound):
                    printer.namer.add(extern.type, imported)
            items: list[str] = []
            for extern_name, extern in externs.items():
                items += self.item(word, extern_name, extern, printer, defined)
            lines += ["", *items] if items and not lines[-1].endswith("{") else items
        return [*lines, "}"]

    def item(
        self,
        word: str,
        name: str,
        extern: ct.ExternType,
        printer: InterfacePrinter,
        defined: set[str],
    ) -> list[str]:
        docs = doc_lines(printer.docs.get(name, ""), "  ")
        match extern:
            case ct.FuncType():
                if not isinstance(names.parse_extern_name(name), names.Label):
                    return []
                kind = "async func" if extern.is_async else "func"
                shown = show_signature(extern, printer.namer)
                return [*docs, f"  {word} {label(name)}: {kind}{shown};"]
            case ct.InstanceType(exports):
                parsed = names.parse_extern_name(name)
                if isinstance(parsed, names.InterfaceName):
                    return [*docs, f"  {word} {_seen(parsed, self.home)};"]
                if not isinstance(parsed, names.Label):
                    return [f"  // {word} {name}: an instance"]
                inner = InterfacePrinter(exports, printer.source).lines("    ")
                return [*docs, f"  {word} {label(name)}: interface {{", *inner, "  }"]
            case ct.TypeBound():
                if name in defined:
                    return []
                defined.add(name)
                origin = printer.origin(extern)
                if origin is not None:
                    renamed = f" as {label(name)}" if origin[1] != name else ""
                    return [f"  use {origin[0]}.{{{label(origin[1])}{renamed}}};"]
                return printer.type(name, extern, "  ")
            case _:
                return [f"  // {word} {name}: {ct.describe(extern)}"]

    # -- packages ----------------------------------------------------------------------------

    def note(self, name: names.InterfaceName, extern: ct.InstanceType) -> None:
        """Keep an interface for `packages`; what is both imported and exported is printed once."""
        self.note_types(str(name), extern)
        known = self.interfaces.get(str(name))
        interface = known or self.interfaces.setdefault(str(name), _Interface(name))
        self.shorts[name.interface] += known is None
        for inner, t in extern.exports.items():
            interface.externs.setdefault(inner, t)
            if isinstance(t, ct.TypeBound):
                interface.types.setdefault(inner, []).append(t.type)

    def note_types(self, name: str, extern: ct.InstanceType) -> None:
        """Let types whose origin is one of this interface be `use`d from it."""
        for inner, t in extern.exports.items():
            if isinstance(t, ct.TypeBound):
                self.used.setdefault(id(t.type), (name, inner))
                self.kept.append(t.type)

    def source(self, package: str, own: str = "") -> Source:
        """Where types come from, as `package` names it: its own interfaces by their short names."""

        def of(t: ct.AnyType) -> tuple[str, str] | None:
            found = self.used.get(id(t))
            if found is None or found[0] == own:
                return None
            parsed = _interface_name(found[0])
            return (found[0] if parsed is None else _seen(parsed, package)), found[1]

        return of

    def interface(self, interface: _Interface, indent: str) -> list[str]:
        docs = interface_docs(self.docs, str(interface.name), self.shorts)
        own = str(interface.name)
        source = self.source(_package_of(interface.name), own)
        printer = InterfacePrinter(interface.externs, source, docs.items)
        for name, types in interface.types.items():
            for t in types:
                printer.namer.add(t, name)
        inner = printer.lines(f"{indent}  ")
        head = f"{indent}interface {label(interface.name.interface)} {{"
        return [*doc_lines(docs.text, indent), head, *inner, f"{indent}}}"]

    def packages(self, but: str = "") -> list[str]:
        """Every package of an interface noted, spelt out."""
        grouped: dict[str, list[_Interface]] = {}
        for interface in self.interfaces.values():
            grouped.setdefault(_package_of(interface.name), []).append(interface)
        lines: list[str] = []
        for package, interfaces in grouped.items():
            if package != but:
                lines += ["", f"package {package} {{"]
                for interface in interfaces:
                    lines += self.interface(interface, "  ")
                lines.append("}")
        return lines

    def package(self, package: BinaryPackage) -> str:
        """A whole WIT package."""
        for component in package.interfaces.values():
            self.note_all(component)
        worlds: list[str] = []
        for short, world in package.worlds.items():
            worlds += ["", *self.world(short, world, self.docs.worlds.get(short, NO_ITEM_DOCS))]
        lines = [*doc_lines(self.docs.text, ""), f"package {package.name};"]
        for interface in self.interfaces.values():
            if _package_of(interface.name) == package.name:
                lines += ["", *self.interface(interface, "")]
        return "\n".join([*lines, *worlds, *self.packages(package.name), ""])

    def note_all(self, component: ct.ComponentType) -> None:
        """Note the interfaces that a component type imports and exports."""
        for externs in (component.imports, component.exports):
            for name, extern in externs.items():
                parsed = _interface_name(name)
                if parsed is not None and isinstance(extern, ct.InstanceType):
                    self.note(parsed, extern)


def _interface_name(name: str) -> names.InterfaceName | None:
    try:
        parsed = names.parse_extern_name(name)
    except names.BadName:
        return None
    return parsed if isinstance(parsed, names.InterfaceName) else None


def _package_of(name: names.InterfaceName) -> str:
    version = f"@{name.version}" if name.version is not None else ""
    return f"{name.namespace}:{name.package}{version}"


def _seen(name: names.InterfaceName, package: str) -> str:
    """An interface as it is named inside `package`."""
    return label(name.interface) if _package_of(name) == package else str(name)
