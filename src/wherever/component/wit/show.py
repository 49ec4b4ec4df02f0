"""Owns printing a component's type as WIT text: what `wherever inspect` shows, and signatures.

Names were checked to be labels when the component was validated, so they print as they are; WIT's
own keywords get the `%` that WIT asks for.
"""

from __future__ import annotations

from collections.abc import Mapping

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

    def add(self, t: object, name: str) -> None:
        """Let `name` stand for `t`."""
        self._names.setdefault(id(t), (t, name))

    def get(self, t: object) -> str | None:
        """The name of `t`, if it has one."""
        known = self._names.get(id(t))
        return label(known[1]) if known is not None else None


NO_NAMES = Namer()


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


def _typedef(name: str, t: ct.AnyType, namer: Namer, indent: str) -> list[str]:
    """The lines that define `name` as `t`."""
    title = label(name)
    match t:
        case ct.RecordType(fields):
            lines = [f"{label(f)}: {show_val(x, namer)}," for f, x in fields]
            return [f"{indent}record {title} {{", *[f"{indent}  {x}" for x in lines], indent + "}"]
        case ct.VariantType(cases):
            lines = [f"{_case(c, x, namer)}," for c, x in cases]
            return [f"{indent}variant {title} {{", *[f"{indent}  {x}" for x in lines], indent + "}"]
        case ct.EnumType(labels) | ct.FlagsType(labels):
            word = "enum" if isinstance(t, ct.EnumType) else "flags"
            lines = [f"{label(x)}," for x in labels]
            return [f"{indent}{word} {title} {{", *[f"{indent}  {x}" for x in lines], indent + "}"]
        case ct.ResourceType() | ct.FuncType() | ct.InstanceType() | ct.ComponentType():
            return []
        case _:
            return [f"{indent}type {title} = {show_val(t, namer)};"]


def _resource(
    name: str, exports: Mapping[str, ct.ExternType], namer: Namer, indent: str
) -> list[str]:
    lines: list[str] = []
    for export, extern in exports.items():
        if not isinstance(extern, ct.FuncType):
            continue
        word = "async func" if extern.is_async else "func"
        match names.parse_extern_name(export):
            case names.Constructor(resource) if resource == name:
                own = isinstance(extern.result, ct.OwnType)
                lines.append(f"constructor{show_signature(extern, namer, result=not own)};")
            case names.Method(resource, member) if resource == name:
                signature = show_signature(extern, namer, skip_self=True)
                lines.append(f"{label(member)}: {word}{signature};")
            case names.Static(resource, member) if resource == name:
                lines.append(f"{label(member)}: static {word}{show_signature(extern, namer)};")
            case _:
                pass
    if not lines:
        return [f"{indent}resource {label(name)};"]
    return [f"{indent}resource {label(name)} {{", *[f"{indent}  {x}" for x in lines], indent + "}"]


def show_interface(
    exports: Mapping[str, ct.ExternType], indent: str = "  ", used: Mapping[int, str] | None = None
) -> list[str]:
    """The lines inside an interface; `used` are types that come from others, by identity."""
    namer = Namer()
    for name, extern in exports.items():
        if isinstance(extern, ct.TypeBound):
            namer.add(extern.type, name)
    lines: list[str] = []
    for name, extern in exports.items():
        match extern:
            case ct.TypeBound(ct.ResourceType() as t):
                origin = (used or {}).get(id(t.resource))
                if origin is not None and not extern.fresh:
                    lines.append(f"{indent}use {origin};")
                else:
                    lines += _resource(name, exports, namer, indent)
            case ct.TypeBound(t):
                lines += _typedef_named(name, t, namer, indent)
            case ct.FuncType():
                if isinstance(names.parse_extern_name(name), names.Label):
                    word = "async func" if extern.is_async else "func"
                    signature = show_signature(extern, namer)
                    lines.append(f"{indent}{label(name)}: {word}{signature};")
            case _:
                lines.append(f"{indent}// {name}: {ct.describe(extern)}")
    return lines


def _typedef_named(name: str, t: ct.AnyType, namer: Namer, indent: str) -> list[str]:
    inner = Namer()
    inner_names = vars(namer)["_names"]
    vars(inner)["_names"] = {k: v for k, v in inner_names.items() if v[0] is not t}
    return _typedef(name, t, inner, indent)


def show_world(component: ct.ComponentType, name: str = "root") -> str:
    """A component's type as a WIT world, its interfaces spelt out inside it."""
    used: dict[int, str] = {}
    lines = [f"world {name} {{"]
    for word, externs in (("import", component.imports), ("export", component.exports)):
        namer = Namer()
        for extern_name, extern in externs.items():
            if isinstance(extern, ct.TypeBound):
                namer.add(extern.type, extern_name)
        for extern_name, extern in externs.items():
            lines += _world_item(word, extern_name, extern, namer, used)
    return "\n".join([*lines, "}"])


def _world_item(
    word: str, name: str, extern: ct.ExternType, namer: Namer, used: dict[int, str]
) -> list[str]:
    match extern:
        case ct.FuncType():
            kind = "async func" if extern.is_async else "func"
            return [f"  {word} {label(name)}: {kind}{show_signature(extern, namer)};"]
        case ct.InstanceType(exports):
            inner = show_interface(exports, "    ", used)
            for type_name, t in exports.items():
                if isinstance(t, ct.TypeBound) and isinstance(t.type, ct.ResourceType):
                    used.setdefault(id(t.type.resource), f"{name}.{{{label(type_name)}}}")
            return [f"  {word} {name}: interface {{", *inner, "  }"]
        case ct.TypeBound(ct.ResourceType()):
            return [f"  {word} {label(name)}: resource;"]
        case ct.TypeBound(t):
            return _typedef_named(name, t, namer, "  ")
        case _:
            return [f"  // {word} {name}: {ct.describe(extern)}"]
