"""Owns printing types and interfaces as WIT text; `document` puts them together.

Names were checked to be labels when the component was validated, so they print as they are; WIT's
own keywords get the `%` that WIT asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, assert_never

from wherever.component import names
from wherever.component import types as ct

_WORDS = """
    use type resource func record flags variant enum union bool string char
    u8 u16 u32 u64 s8 s16 s32 s64 f32 f64 list option result tuple future stream
    error-context own borrow map static constructor interface world import export
    package include with as from async
"""
KEYWORDS = frozenset(_WORDS.split())


def label(text: str) -> str:
    """A label as WIT writes it."""
    return f"%{text}" if text in KEYWORDS else text


class Namer:
    """The names that the enclosing interface or world has for types, by identity."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[object, str]] = {}
        self._hidden: object = None

    def add(self, t: object, name: str) -> None:
        """Let `name` stand for `t`."""
        self._names.setdefault(id(t), (t, name))

    def without(self, t: object) -> Namer:
        """The same names but that of `t`, which is being spelt out."""
        made = Namer()
        made._names, made._hidden = self._names, t
        return made

    def get(self, t: object) -> str | None:
        """The name of `t`, if it has one."""
        known = None if t is self._hidden else self._names.get(id(t))
        return label(known[1]) if known is not None else None


NO_NAMES = Namer()
_NO_DOCS: Mapping[str, str] = {}

Source: TypeAlias = Callable[[ct.AnyType], tuple[str, str] | None]
"""The interface that a name of a type is from, and the name there; None if it is from none."""

_Member: TypeAlias = tuple[str, names.Constructor | names.Method | names.Static, ct.FuncType]


def _nowhere(_: ct.AnyType) -> None:
    return None


def show_val(t: ct.ValType, namer: Namer = NO_NAMES) -> str:
    """A value type: by its name, else spelt out."""
    name = namer.get(t)
    if name is not None:
        return name
    match t:
        case ct.Prim():
            return str(t)
        case ct.PrimType(prim):
            return str(prim)
        case ct.ListType(element, length):
            inner = show_val(element, namer)
            return f"list<{inner}>" if length is None else f"list<{inner}, {length}>"
        case ct.MapType(key, value):
            return f"map<{show_val(key, namer)}, {show_val(value, namer)}>"
        case ct.TupleType(types):
            return f"tuple<{', '.join(show_val(x, namer) for x in types)}>"
        case ct.OptionType(some):
            return f"option<{show_val(some, namer)}>"
        case ct.ResultType(None, None):
            return "result"
        case ct.ResultType(ok, None) if ok is not None:
            return f"result<{show_val(ok, namer)}>"
        case ct.ResultType(ok, error):
            left = "_" if ok is None else show_val(ok, namer)
            assert error is not None
            return f"result<{left}, {show_val(error, namer)}>"
        case ct.OwnType(resource):
            return namer.get(resource) or str(resource)
        case ct.BorrowType(resource):
            return f"borrow<{namer.get(resource) or resource}>"
        case ct.StreamType(element):
            return "stream" if element is None else f"stream<{show_val(element, namer)}>"
        case ct.FutureType(element):
            return "future" if element is None else f"future<{show_val(element, namer)}>"
        case ct.RecordType(fields):
            inner = ", ".join(f"{label(name)}: {show_val(f, namer)}" for name, f in fields)
            return f"record {{ {inner} }}"
        case ct.VariantType(cases):
            return f"variant {{ {', '.join(_case(name, c, namer) for name, c in cases)} }}"
        case ct.EnumType(labels):
            return f"enum {{ {', '.join(map(label, labels))} }}"
        case ct.FlagsType(labels):
            return f"flags {{ {', '.join(map(label, labels))} }}"


def _case(name: str, payload: ct.ValType | None, namer: Namer) -> str:
    return label(name) if payload is None else f"{label(name)}({show_val(payload, namer)})"


def show_signature(
    ft: ct.FuncType, namer: Namer = NO_NAMES, *, skip_self: bool = False, result: bool = True
) -> str:
    """`func(a: u32) -> string`, without the name."""
    params = ft.params[1:] if skip_self else ft.params
    inner = ", ".join(f"{label(name)}: {show_val(t, namer)}" for name, t in params)
    arrow = f" -> {show_val(ft.result, namer)}" if ft.result is not None and result else ""
    return f"({inner}){arrow}"


def show_func(name: str, ft: ct.FuncType, namer: Namer = NO_NAMES) -> str:
    """A function with its name."""
    kind = "async func" if ft.is_async else "func"
    return f"{name}: {kind}{show_signature(ft, namer)}"


def doc_lines(text: str, indent: str) -> list[str]:
    """`///` lines; what would not print as itself is written out."""
    return [
        f"{indent}/// {''.join(c if c.isprintable() else ascii(c)[1:-1] for c in line)}".rstrip()
        for line in text.strip().splitlines()
    ]


class InterfacePrinter:
    """Prints the inside of one interface or world.

    `source` says which types come from other interfaces. `docs` has the documentation by extern
    name and by `type.field`.
    """

    def __init__(
        self,
        externs: Mapping[str, ct.ExternType],
        source: Source = _nowhere,
        docs: Mapping[str, str] = _NO_DOCS,
    ) -> None:
        self.externs = externs
        self.source = source
        self.docs = docs
        self.namer = Namer()
        self._found: dict[str, list[_Member]] | None = None
        for name, extern in externs.items():
            if isinstance(extern, ct.TypeBound):
                self.namer.add(extern.type, name)

    def origin(self, extern: ct.TypeBound) -> tuple[str, str] | None:
        """The interface that a type comes from, and its name there."""
        return None if extern.origin is None else self.source(extern.origin)

    def lines(self, indent: str = "  ") -> list[str]:
        """Every `use`, type and function, in order."""
        found: list[str] = []
        for source, pairs in self._uses().items():
            found.append(f"{indent}use {source}.{{{', '.join(pairs)}}};")
        for name, extern in self.externs.items():
            match extern:
                case ct.TypeBound() if self.origin(extern) is None:
                    found += self.type(name, extern, indent)
                case ct.TypeBound():
                    pass
                case ct.FuncType():
                    found += self.func(name, extern, indent)
                case _:
                    found.append(f"{indent}// {name}: {ct.describe(extern)}")
        return found

    def _uses(self) -> dict[str, list[str]]:
        uses: dict[str, list[str]] = {}
        for name, extern in self.externs.items():
            if isinstance(extern, ct.TypeBound):
                origin = self.origin(extern)
                if origin is not None:
                    uses.setdefault(origin[0], []).append(_renaming(origin[1], name))
        return uses

    def func(self, name: str, ft: ct.FuncType, indent: str) -> list[str]:
        """A function of the interface's own; methods stand in their resource."""
        if not isinstance(names.parse_extern_name(name), names.Label):
            return []
        word = "async func" if ft.is_async else "func"
        signature = show_signature(ft, self.namer)
        return [*self._docs(name, indent), f"{indent}{label(name)}: {word}{signature};"]

    def type(self, name: str, extern: ct.TypeBound, indent: str) -> list[str]:
        """The lines that define `name`."""
        docs = self._docs(name, indent)
        title = label(name)
        alias = None if extern.origin is None else self.namer.get(extern.origin)
        if alias is not None:
            return [*docs, f"{indent}type {title} = {alias};"]
        match extern.type:
            case ct.RecordType(fields):
                namer = self.namer.without(extern.type)
                inner = [(f, f"{label(f)}: {show_val(x, namer)},") for f, x in fields]
                return [*docs, *self._body("record", name, inner, indent)]
            case ct.VariantType(cases):
                namer = self.namer.without(extern.type)
                inner = [(c, f"{_case(c, x, namer)},") for c, x in cases]
                return [*docs, *self._body("variant", name, inner, indent)]
            case ct.EnumType(labels) | ct.FlagsType(labels):
                word = "enum" if isinstance(extern.type, ct.EnumType) else "flags"
                return [
                    *docs,
                    *self._body(word, name, [(x, f"{label(x)},") for x in labels], indent),
                ]
            case ct.ResourceType():
                return [*docs, *self._resource(name, indent)]
            case ct.FuncType() | ct.InstanceType() | ct.ComponentType():
                return [f"{indent}// {name}: a type of a {ct.sort_of(extern.type)}"]
            case t:
                shown = show_val(t, self.namer.without(t))
                return [*docs, f"{indent}type {title} = {shown};"]

    def _docs(self, name: str, indent: str) -> list[str]:
        return doc_lines(self.docs.get(name, ""), indent)

    def _body(self, word: str, name: str, members: list[tuple[str, str]], indent: str) -> list[str]:
        found = [f"{indent}{word} {label(name)} {{"]
        for member, text in members:
            found += self._docs(f"{name}.{member}", f"{indent}  ")
            found.append(f"{indent}  {text}")
        return [*found, f"{indent}}}"]

    def _members(self) -> dict[str, list[_Member]]:
        """The constructors, methods and static functions of each resource, found once."""
        if self._found is None:
            self._found = {}
            for export, extern in self.externs.items():
                if isinstance(extern, ct.FuncType):
                    parsed = names.parse_extern_name(export)
                    if isinstance(parsed, names.Constructor | names.Method | names.Static):
                        member = (export, parsed, extern)
                        self._found.setdefault(parsed.resource, []).append(member)
        return self._found

    def _resource(self, name: str, indent: str) -> list[str]:
        found: list[str] = []
        inside = f"{indent}  "
        for export, parsed, extern in self._members().get(name, ()):
            word = "async func" if extern.is_async else "func"
            match parsed:
                case names.Constructor():
                    own = isinstance(extern.result, ct.OwnType)
                    shown = show_signature(extern, self.namer, result=not own)
                    text = f"constructor{shown};"
                case names.Method(_, member):
                    shown = show_signature(extern, self.namer, skip_self=True)
                    text = f"{label(member)}: {word}{shown};"
                case names.Static(_, member):
                    shown = show_signature(extern, self.namer)
                    text = f"{label(member)}: static {word}{shown};"
                case _:
                    assert_never(parsed)
            found += [*self._docs(export, inside), f"{inside}{text}"]
        if not found:
            return [f"{indent}resource {label(name)};"]
        return [f"{indent}resource {label(name)} {{", *found, f"{indent}}}"]


def _renaming(there: str, here: str) -> str:
    return label(there) if there == here else f"{label(there)} as {label(here)}"


def show_interface(exports: Mapping[str, ct.ExternType], indent: str = "  ") -> list[str]:
    """The lines inside an interface, alone."""
    return InterfacePrinter(exports).lines(indent)
