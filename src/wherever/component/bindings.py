"""Owns typed bindings: the Python text that stands for interfaces and worlds, for people and mypy.

The classes written here are the ones that a component loaded through the package uses, so that a
record made in a program is the record that the guest gets. Docstrings come from the WIT. Every name
passes through `naming`, every doc is written as a literal: nothing a guest wrote is ever code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wherever.component import names
from wherever.component import types as ct
from wherever.component.canonical.values import NUMERIC, bare, none_is_a_value
from wherever.component.naming import distinct, method, pascal, snake, upper
from wherever.component.wit.docs import NO_ITEM_DOCS, PackageDocs
from wherever.component.wit.document import binary_package, interface_docs
from wherever.component.wit.resolve import ResolvedInterface

_INTS = frozenset(p for p in NUMERIC if p not in (ct.Prim.F32, ct.Prim.F64))


@dataclass(slots=True)
class Module:
    """One interface on its way to text: where each of its named types comes from."""

    name: str
    exports: Mapping[str, ct.ExternType]
    docs: Mapping[str, str]
    doc: str = ""
    used: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    path: str = ""
    """The Python module's name."""


def of_resolved(interface: ResolvedInterface) -> Module:
    """A WIT interface."""
    return Module(interface.name, interface.exports, interface.docs, interface.doc, interface.used)


def quoted(text: str) -> str:
    """A docstring's inside: whatever the text, it stays inside the quotes."""
    plain = "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)
    plain = plain.rstrip().replace("\\", "\\\\")
    if '"""' in plain or plain.endswith('"'):
        plain = plain.replace('"', '\\"')
    return plain


def docstring(text: str, indent: str, fallback: str) -> list[str]:
    """The lines of a docstring."""
    lines = quoted(text.strip() or fallback).splitlines() or [fallback]
    lines = [line.rstrip() for line in lines]
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    rest = [f"{indent}{line}" if line else "" for line in lines[1:]]
    return [f'{indent}"""{lines[0]}', *rest, f'{indent}"""']


_BUILTINS = frozenset(
    [
        "bool",
        "bytearray",
        "bytes",
        "dict",
        "float",
        "int",
        "list",
        "memoryview",
        "object",
        "staticmethod",
        "str",
        "tuple",
        "type",
        "NotImplementedError",
    ]
)
_SUPPORT = (
    ("collections.abc", ("Sequence",)),
    ("dataclasses", ("dataclass",)),
    ("enum", ("Enum", "Flag")),
    ("typing", ("Any", "Protocol", "TypeAlias")),
    ("wherever.component.canonical.values", ("Err", "Ok", "ResultError", "Some")),
    ("wherever.hosts.component.value_classes", ("BareCase", "Case")),
)
"""What a module imports, from where."""


class _Words:
    """Python's own words in a module: another spelling where the WIT has a thing of that name."""

    def __init__(self, module: Module) -> None:
        self.taken: set[str] = {pascal(_short(module.name))}
        for name, extern in module.exports.items():
            match extern:
                case ct.TypeBound(ct.RecordType(fields)):
                    self.taken |= {pascal(name), *(snake(label) for label, _ in fields)}
                case ct.TypeBound():
                    self.taken.add(pascal(name))
                case ct.FuncType():
                    parsed = names.parse_extern_name(name)
                    label = name if isinstance(parsed, names.Label) else getattr(parsed, "name", "")
                    self.taken |= {snake(label), method(label)}
                case _:
                    pass

    def __call__(self, word: str) -> str:
        if word not in self.taken:
            return word
        return f"_builtins.{word}" if word in _BUILTINS else f"_{word}"

    def imports(self) -> list[str]:
        """The lines that import what a module may need."""
        lines = ["import builtins as _builtins"] if self.taken & _BUILTINS else []
        for source, words in _SUPPORT:
            spelt = [w if self(w) == w else f"{w} as {self(w)}" for w in words]
            if source.startswith("wherever.component"):
                lines.append("")
            lines.append(f"from {source} import {', '.join(spelt)}")
        return lines


class _Names:
    """What a value type is called in a module."""

    def __init__(self, module: Module) -> None:
        self.word = _Words(module)
        self.types: dict[int, tuple[object, str]] = {}
        for name, extern in module.exports.items():
            if isinstance(extern, ct.TypeBound):
                self.types.setdefault(id(extern.type), (extern.type, pascal(name)))

    def val(self, t: ct.ValType | None, *, param: bool) -> str:
        """A type as an annotation; what is taken is wider than what is given."""
        if t is None:
            return "None"
        known = self.types.get(id(t))
        if known is not None:
            return known[1]
        word = self.word
        match t:
            case ct.PrimType(prim):
                return self.val(prim, param=param)
            case ct.Prim.BOOL:
                return word("bool")
            case ct.Prim.F32 | ct.Prim.F64:
                return word("float")
            case ct.Prim.CHAR | ct.Prim.STRING:
                return word("str")
            case ct.Prim():
                return word("int")
            case ct.ListType(element, length):
                return self._list(element, length, param=param)
            case ct.MapType(k, v):
                return f"{word('dict')}[{self.val(k, param=param)}, {self.val(v, param=param)}]"
            case ct.TupleType(types):
                return f"{word('tuple')}[{', '.join(self.val(x, param=param) for x in types)}]"
            case ct.OptionType(some):
                inner = self.val(some, param=param)
                if none_is_a_value(some):
                    return f"{word('Some')}[{inner}] | None"
                return f"{inner} | None"
            case ct.ResultType(ok, error):
                left, right = self.val(ok, param=param), self.val(error, param=param)
                return f"{word('Ok')}[{left}] | {word('Err')}[{right}]"
            case ct.OwnType(resource) | ct.BorrowType(resource):
                found = self.types.get(id(resource))
                return found[1] if found is not None else word("object")
            case _:
                return word("object")

    def _list(self, element: ct.ValType, length: int | None, *, param: bool) -> str:
        word = self.word
        prim = bare(element)
        if isinstance(prim, ct.Prim) and prim in NUMERIC and length is None:
            view, sequence = word("memoryview"), word("Sequence")
            if prim is ct.Prim.U8:
                if not param:
                    return word("bytes")
                buffers = f"{word('bytes')} | {word('bytearray')} | {view}"
                return f"{buffers} | {sequence}[{word('int')}]"
            number = word("int") if prim in _INTS else word("float")
            if param:
                return f"{sequence}[{number}] | {view}"
            return f"{view} | {word('list')}[{number}]"
        inner = self.val(element, param=param)
        return f"{word('Sequence') if param else word('list')}[{inner}]"


def module_text(module: Module, paths: Mapping[str, str]) -> str:
    """The Python module of an interface; `paths` are the modules of the others, by name."""
    names_of = _Names(module)
    body: list[str] = []
    table: list[str] = []
    for name, extern in module.exports.items():
        if not isinstance(extern, ct.TypeBound):
            continue
        source = module.used.get(name)
        if source is not None and source[0] in paths:
            there, here = pascal(source[1]), pascal(name)
            body += [f"from .{paths[source[0]]} import {there} as {here}", ""]
            if not isinstance(extern.type, ct.ResourceType):
                table.append(f"    {name!r}: {here},")
            continue
        text, value = _type_text(name, extern.type, module, names_of)
        body += [*text, "", ""]
        if value:
            table.append(f"    {name!r}: {value},")
    title = pascal(_short(module.name))
    body += _interface(title, module, names_of)
    word = names_of.word
    table_type = f"{word('dict')}[{word('str')}, {word('object')}]"
    all_types = [f"WIT_TYPES: {table_type} = {{", *table, "}"]
    needed = [word(each) for _, words in _SUPPORT for each in words]
    head = [
        "".join(docstring(module.doc, "", f"The interface {module.name}.")[:1])
        if "\n" not in module.doc.strip()
        else "\n".join(docstring(module.doc, "", module.name)),
        "",
        "# Written by `wherever bindings`; edit the WIT and write it again.",
        "",
        "from __future__ import annotations",
        "",
        *word.imports(),
        "",
        f"__all__ = {sorted(_public(module, title))!r}",
        "# what the annotations below may need",
        f"_ = ({', '.join(needed)})",
        "",
        f"INTERFACE = {module.name!r}",
        "",
        "",
    ]
    return "\n".join([*head, *body, "", "", *all_types]).rstrip() + "\n"


def _public(module: Module, title: str) -> Iterable[str]:
    yield title
    yield "INTERFACE"
    yield "WIT_TYPES"
    for name, extern in module.exports.items():
        if isinstance(extern, ct.TypeBound):
            yield pascal(name)


def _short(name: str) -> str:
    try:
        parsed = names.parse_extern_name(name)
    except names.BadName:
        return name
    return parsed.interface if isinstance(parsed, names.InterfaceName) else str(parsed)


def _type_text(name: str, t: ct.AnyType, module: Module, names_of: _Names) -> tuple[list[str], str]:
    """The lines that define a named type, and what stands for it in `WIT_TYPES`."""
    title = pascal(name)
    doc = docstring(module.docs.get(name, ""), "    ", f"The type {name}.")
    # inside its own definition a type is spelt out
    inner = _Names(module)
    inner.word = names_of.word
    inner.types = {k: v for k, v in names_of.types.items() if v[0] is not t}
    match t:
        case ct.RecordType(fields):
            decorator = f"@{names_of.word('dataclass')}(frozen=True, slots=True)"
            lines = [decorator, f"class {title}:", *doc, ""]
            labels = distinct(snake(label) for label, _ in fields)
            for attribute, (label, f) in zip(labels, fields, strict=True):
                lines.append(f"    {attribute}: {names_of.val(f, param=True)}")
                note = module.docs.get(f"{name}.{label}", "")
                lines += docstring(note, "    ", "") if note else []
            return lines, title
        case ct.EnumType(labels):
            members = distinct(upper(label) for label in labels)
            lines = [f"class {title}({names_of.word('Enum')}):", *doc, ""]
            lines += [f"    {member} = {i}" for i, member in enumerate(members)]
            return lines, title
        case ct.FlagsType(labels):
            members = distinct(upper(label) for label in labels)
            lines = [f"class {title}({names_of.word('Flag')}):", *doc, ""]
            lines += [f"    {member} = {1 << i}" for i, member in enumerate(members)]
            return lines, title
        case ct.VariantType(cases):
            return _variant(name, title, cases, module, names_of)
        case ct.ResourceType():
            return _resource(name, module, names_of), ""
        case ct.FuncType() | ct.InstanceType() | ct.ComponentType():
            return [], ""
        case _:
            shown = _forward(inner.val(t, param=False))
            return [f"{title}: {names_of.word('TypeAlias')} = {shown}"], ""


def _forward(text: str) -> str:
    return repr(text)


def _variant(
    name: str,
    title: str,
    cases: tuple[tuple[str, ct.ValType | None], ...],
    module: Module,
    names_of: _Names,
) -> tuple[list[str], str]:
    labels = distinct(pascal(label) for label, _ in cases)
    lines: list[str] = []
    classes: list[str] = []
    for label, (wit, payload) in zip(labels, cases, strict=True):
        cls = f"{title}{label}"
        classes.append(cls)
        note = module.docs.get(f"{name}.{wit}", "")
        if payload is None:
            lines += [f"class {cls}({names_of.word('BareCase')}):"]
            lines += docstring(note, "    ", f"The case {wit}.")
        else:
            lines += [f"class {cls}({names_of.word('Case')}):"]
            lines += docstring(note, "    ", f"The case {wit}.")
            lines += ["", f"    value: {names_of.val(payload, param=True)}"]
        lines += ["", ""]
    lines += [f"{title}: {names_of.word('TypeAlias')} = {_forward(' | '.join(classes))}"]
    lines += docstring(module.docs.get(name, ""), "", f"The variant {name}.")
    return lines, f"({', '.join(classes)},)"


def _params(ft: ct.FuncType, names_of: _Names, *, skip: int = 0) -> str:
    labels = distinct(snake(label) for label, _ in ft.params)[skip:]
    taken = distinct(("self", *labels))[1:]
    parts = [
        f"{label}: {names_of.val(t, param=True)}"
        for label, (_, t) in zip(taken, ft.params[skip:], strict=True)
    ]
    return ", ".join(parts)


def _returns(ft: ct.FuncType, names_of: _Names) -> str:
    if isinstance(ft.result, ct.ResultType):
        return names_of.val(ft.result.ok, param=False)
    return names_of.val(ft.result, param=False)


def _function(
    title: str, ft: ct.FuncType, doc: str, fallback: str, names_of: _Names, kind: str
) -> list[str]:
    lines: list[str] = []
    if kind == "static":
        lines.append(f"    @{names_of.word('staticmethod')}")
    first = "" if kind == "static" else "self, "
    params = _params(ft, names_of, skip=1 if kind == "method" else 0)
    head = f"{first}{params}".removesuffix(", ")
    result = "None" if kind == "constructor" else _returns(ft, names_of)
    if isinstance(ft.result, ct.ResultType) and kind != "constructor":
        error = names_of.val(ft.result.error, param=False)
        doc = f"{doc.strip() or fallback}\n\nRaises ResultError, its value: {error}."
    lines.append(f"    def {title}({head}) -> {result}:")
    lines += docstring(doc, "        ", fallback)
    lines.append(f"        raise {names_of.word('NotImplementedError')}")
    return [*lines, ""]


def _resource(name: str, module: Module, names_of: _Names) -> list[str]:
    lines = [f"class {pascal(name)}:"]
    lines += docstring(module.docs.get(name, ""), "    ", f"The resource {name}.")
    lines.append("")
    for export, extern in module.exports.items():
        if not isinstance(extern, ct.FuncType):
            continue
        doc = module.docs.get(export, "")
        match names.parse_extern_name(export):
            case names.Constructor(owner) if owner == name:
                lines += _function("__init__", extern, doc, export, names_of, "constructor")
            case names.Method(owner, label) if owner == name:
                lines += _function(method(label), extern, doc, export, names_of, "method")
            case names.Static(owner, label) if owner == name:
                lines += _function(method(label), extern, doc, export, names_of, "static")
            case _:
                pass
    return lines


def _interface(title: str, module: Module, names_of: _Names) -> list[str]:
    """The protocol of the interface's own functions, and its resources as attributes."""
    resources = [
        f"    {pascal(name)}: {names_of.word('type')}[{names_of.word('Any')}]"
        for name, extern in module.exports.items()
        if isinstance(extern, ct.TypeBound) and isinstance(extern.type, ct.ResourceType)
    ]
    protocol = names_of.word("Protocol")
    bases = protocol
    lines: list[str] = []
    if resources:
        # in a class of their own: there they do not hide the types that annotations mean
        lines += [f"class _Resources({protocol}):", *resources, "", ""]
        bases = f"_Resources, {protocol}"
    own = f"{title}_" if _taken(title, module) else title
    lines.append(f"class {own}({bases}):")
    lines += docstring(module.doc, "    ", f"The functions of {module.name}.")
    lines.append("")
    for name, extern in module.exports.items():
        match extern:
            case ct.FuncType() if isinstance(names.parse_extern_name(name), names.Label):
                doc = module.docs.get(name, "")
                lines += _function(snake(name), extern, doc, name, names_of, "function")
            case _:
                pass
    return lines


def _taken(title: str, module: Module) -> bool:
    return any(
        isinstance(extern, ct.TypeBound) and pascal(name) == title
        for name, extern in module.exports.items()
    )


def package_texts(modules: Iterable[Module], title: str) -> dict[str, str]:
    """The files of a package: a module for each interface and an `__init__` that lists them."""
    listed = list(modules)
    for module, path in zip(listed, distinct(snake(_short(m.name)) for m in listed), strict=True):
        module.path = path
    paths = {module.name: module.path for module in listed}
    texts = {f"{module.path}.py": module_text(module, paths) for module in listed}
    lines = [
        *docstring(f"Typed bindings of {title}.", "", ""),
        "",
        "# Written by `wherever bindings`; edit the WIT and write it again.",
        "",
        "from __future__ import annotations",
        "",
        *[f"from . import {path}" for path in sorted(paths.values())],
        "",
        f"__all__ = {sorted(['TYPES', *paths.values()])!r}",
        "",
        "TYPES: dict[tuple[str, str], object] = {",
        "    (module.INTERFACE, name): made",
        f"    for module in ({''.join(path + ', ' for path in paths.values())})",
        "    for name, made in module.WIT_TYPES.items()",
        "}",
        '"""For `wherever.load(..., types=TYPES)`: its values are then of these classes."""',
    ]
    if not listed:
        lines = [line for line in lines if "module" not in line or "import" in line]
    texts["__init__.py"] = "\n".join(lines) + "\n"
    texts["py.typed"] = ""
    return texts


def of_component(component: ct.ComponentType, docs: PackageDocs | None = None) -> list[Module]:
    """The interfaces that a component imports and exports, or that a WIT package in binary has."""
    docs = docs or PackageDocs()
    package = binary_package(component)
    externs: list[tuple[str, ct.ExternType]] = []
    if package is not None:
        for inner in (*package.interfaces.values(), *package.worlds.values()):
            externs += [*inner.imports.items(), *inner.exports.items()]
    else:
        externs += [*component.imports.items(), *component.exports.items()]
    instances = [(name, t) for name, t in externs if isinstance(t, ct.InstanceType)]
    shorts = Counter(_short(name) for name in dict(instances))
    used: dict[int, tuple[str, str]] = {}
    found: dict[str, Module] = {}
    for name, instance in instances:
        for inner_name, extern in instance.exports.items():
            if isinstance(extern, ct.TypeBound):
                used.setdefault(id(extern.type), (name, inner_name))
    for name, instance in instances:
        if name not in found:
            item = interface_docs(docs, name, shorts)
            found[name] = Module(
                name, instance.exports, item.items, item.text, _used(name, instance.exports, used)
            )
    own = {k: v for k, v in component.exports.items() if not isinstance(v, ct.InstanceType)}
    if own and package is None:
        world = docs.worlds.get("root", NO_ITEM_DOCS)
        text = world.text or "What the component itself exports."
        found["exports"] = Module("exports", own, world.items, text, _used("exports", own, used))
    return list(found.values())


def _used(
    name: str, externs: Mapping[str, ct.ExternType], used: Mapping[int, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """Which types of an interface come from another."""
    found: dict[str, tuple[str, str]] = {}
    for inner, extern in externs.items():
        if isinstance(extern, ct.TypeBound) and extern.origin is not None:
            source = used.get(id(extern.origin))
            if source is not None and source[0] != name:
                found[inner] = source
    return found
