"""Owns WAVE, the text of component values: parsing one for a type, and printing one (WAVE.md).

    add(1, 2)   {x: 1, y: -2}   [1, 2]   ("a", true)   some(3)   none   circle(1.5)   {read, write}

A number where an option or a result is wanted is `some` or `ok` of it, as WAVE allows.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from wherever.component import types as ct
from wherever.component.canonical.values import Classes, Err, Ok, Some, bare, none_is_a_value

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?(?:inf|nan|(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?))(?![\w-])
        |(?P<label>%?[A-Za-z][0-9A-Za-z]*(?:-[0-9A-Za-z]+)*)
        |(?P<string>"(?:[^"\\\n]|\\.)*")
        |(?P<char>'(?:[^'\\\n]|\\u\{[0-9a-fA-F]+\}|\\.)')
        |(?P<mark>[][(){},:]))""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
MAX_DEPTH = 100


class BadWave(ValueError):
    """The text is not a value of the type; the message says where."""


class _Parser:
    def __init__(self, text: str, classes: Classes) -> None:
        self.text = text
        self.at = 0
        self.classes = classes
        self.depth = 0

    def fail(self, wanted: str) -> BadWave:
        rest = self.text[self.at :].strip()[:20] or "the end"
        return BadWave(f"WAVE: expected {wanted} at column {self.at + 1}, before {rest!r}")

    def token(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self.at)
        if match is None or match.lastgroup is None:
            raise self.fail("a value")
        self.at = match.end()
        return match.lastgroup, match.group(match.lastgroup)

    def peek(self) -> tuple[str, str]:
        at = self.at
        try:
            return self.token()
        except BadWave:
            return "", ""
        finally:
            self.at = at

    def mark(self, wanted: str) -> None:
        at = self.at
        if self.peek() != ("mark", wanted):
            self.at = at
            raise self.fail(f"`{wanted}`")
        self.token()

    def accept(self, wanted: str) -> bool:
        if self.peek() == ("mark", wanted):
            self.token()
            return True
        return False

    def label(self, wanted: str) -> str:
        kind, text = self.peek()
        if kind == "number" and text in ("inf", "nan"):
            kind = "label"
        if kind != "label":
            raise self.fail(wanted)
        self.token()
        return text.removeprefix("%")

    def items(self, close: str, item: Callable[[], None]) -> None:
        while not self.accept(close):
            item()
            if not self.accept(","):
                self.mark(close)
                return

    def value(self, t: ct.ValType) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadWave(f"WAVE: nested more than {MAX_DEPTH} deep")
        try:
            return self._value(t)
        finally:
            self.depth -= 1

    def _value(self, t: ct.ValType) -> Any:
        match t:
            case ct.Prim():
                return self.prim(t)
            case ct.PrimType(prim):
                return self.prim(prim)
            case ct.ListType(element):
                return self.list(element)
            case ct.MapType(key, value):
                pairs = self.list(ct.TupleType((key, value)))
                return dict(pairs)
            case ct.TupleType(types):
                self.mark("(")
                values: list[Any] = []

                def item() -> None:
                    if len(values) == len(types):
                        raise self.fail(f"a tuple of {len(types)}")
                    values.append(self.value(types[len(values)]))

                self.items(")", item)
                if len(values) != len(types):
                    raise self.fail(f"a tuple of {len(types)}")
                return tuple(values)
            case ct.RecordType():
                return self.record(t)
            case ct.FlagsType(labels):
                self.mark("{")
                bits = 0

                def flag() -> None:
                    nonlocal bits
                    bit = 1 << self.one_of(labels)
                    if bits & bit:
                        raise self.fail("each flag once")
                    bits |= bit

                self.items("}", flag)
                return self.classes.flags(t)(bits)
            case ct.EnumType(labels):
                return self.classes.enum(t)(self.one_of(labels))
            case ct.VariantType(cases):
                index = self.one_of(tuple(name for name, _ in cases))
                cls, payload = self.classes.cases(t)[index], cases[index][1]
                return cls() if payload is None else cls(self.payload(payload))
            case ct.OptionType(some):
                return self.option(some)
            case ct.ResultType(ok, error):
                return self.result(ok, error)
            case _:
                raise BadWave(f"WAVE: a {type(t).__name__} has no text form")

    def one_of(self, labels: tuple[str, ...]) -> int:
        at = self.at
        label = self.label(f"one of {', '.join(labels[:8])}")
        if label not in labels:
            self.at = at
            raise self.fail(f"one of {', '.join(labels[:8])}")
        return labels.index(label)

    def payload(self, t: ct.ValType) -> Any:
        self.mark("(")
        value = self.value(t)
        self.mark(")")
        return value

    def list(self, element: ct.ValType) -> list[Any]:
        self.mark("[")
        values: list[Any] = []
        self.items("]", lambda: values.append(self.value(element)))
        return values

    def record(self, t: ct.RecordType) -> Any:
        self.mark("{")
        types = dict(t.fields)
        given: dict[str, Any] = {}

        def field() -> None:
            if self.accept(":"):
                return
            index = self.one_of(tuple(types))
            name = tuple(types)[index]
            if name in given:
                raise self.fail("each field once")
            self.mark(":")
            given[name] = self.value(types[name])

        self.items("}", field)
        for name, field_type in t.fields:
            if name not in given:
                if not isinstance(field_type, ct.OptionType):
                    raise self.fail(f"the field {name}")
                given[name] = None
        return self.classes.record(t)(*[given[name] for name, _ in t.fields])

    def option(self, some: ct.ValType) -> Any:
        kind, text = self.peek()
        if (kind, text) == ("label", "none"):
            self.token()
            return None
        if (kind, text) == ("label", "some"):
            self.token()
            value = self.payload(some)
        else:
            value = self.value(some)
        return Some(value) if none_is_a_value(some) else value

    def result(self, ok: ct.ValType | None, error: ct.ValType | None) -> Any:
        kind, text = self.peek()
        if kind == "label" and text in ("ok", "err"):
            self.token()
            payload = ok if text == "ok" else error
            value = None if payload is None else self.payload(payload)
            return Ok(value) if text == "ok" else Err(value)
        if ok is None:
            raise self.fail("ok or err")
        return Ok(self.value(ok))

    def prim(self, prim: ct.Prim) -> Any:
        at = self.at
        kind, text = self.token()
        match prim, kind:
            case ct.Prim.BOOL, "label" if text in ("true", "false"):
                return text == "true"
            case ct.Prim.STRING, "string":
                return self.unescape(text[1:-1])
            case ct.Prim.CHAR, "char":
                return self.unescape(text[1:-1])
            case ((ct.Prim.F32 | ct.Prim.F64), ("number" | "label")):
                try:
                    return float(text)
                except ValueError:
                    pass
            case _, "number" if prim not in (ct.Prim.STRING, ct.Prim.CHAR, ct.Prim.BOOL):
                try:
                    return int(text)
                except ValueError:
                    pass
            case _:
                pass
        self.at = at
        raise self.fail(str(prim))

    def unescape(self, text: str) -> str:
        def one(match: re.Match[str]) -> str:
            code, plain = match.groups()
            if code is not None:
                number = int(code, 16)
                if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
                    raise self.fail("a Unicode scalar value")
                return chr(number)
            if plain not in _PLAIN:
                raise self.fail("a known escape")
            return _PLAIN[plain]

        return _ESCAPE.sub(one, text)


def parse_value(text: str, t: ct.ValType, classes: Classes) -> Any:
    """The value of type `t` that `text` writes."""
    parser = _Parser(text, classes)
    value = parser.value(t)
    if text[parser.at :].strip():
        raise parser.fail("nothing more")
    return value


def parse_call(text: str, ft: ct.FuncType, classes: Classes) -> list[Any]:
    """The arguments of a call: `(1, "a")`; what is left out at the end must be an option."""
    parser = _Parser(text or "()", classes)
    parser.mark("(")
    args: list[Any] = []

    def arg() -> None:
        if len(args) >= len(ft.params):
            raise parser.fail(f"at most {len(ft.params)} arguments")
        args.append(parser.value(ft.params[len(args)][1]))

    parser.items(")", arg)
    if parser.text[parser.at :].strip():
        raise parser.fail("nothing more")
    for name, t in ft.params[len(args) :]:
        if not isinstance(t, ct.OptionType):
            raise BadWave(f"WAVE: argument {name} is missing")
        args.append(None)
    return args


# -- printing ---------------------------------------------------------------------------------


def show_value(value: Any, t: ct.ValType, classes: Classes) -> str:
    """A Python value of type `t` as WAVE."""
    match t:
        case ct.Prim():
            return _show_prim(value, t)
        case ct.PrimType(prim):
            return _show_prim(value, prim)
        case ct.ListType(element):
            return f"[{', '.join(show_value(item, element, classes) for item in value)}]"
        case ct.MapType(k, v):
            pairs = (
                f"({show_value(key, k, classes)}, {show_value(item, v, classes)})"
                for key, item in value.items()
            )
            return f"[{', '.join(pairs)}]"
        case ct.TupleType(types):
            items = zip(value, types, strict=True)
            return f"({', '.join(show_value(item, x, classes) for item, x in items)})"
        case ct.RecordType(fields):
            parts: list[str] = []
            for (name, f), attribute in zip(fields, classes.fields(t), strict=True):
                item = getattr(value, attribute)
                if item is not None or not isinstance(f, ct.OptionType):
                    parts.append(f"{name}: {show_value(item, f, classes)}")
            return f"{{{', '.join(parts) or ':'}}}"
        case ct.FlagsType(labels):
            chosen = [label for i, label in enumerate(labels) if value.value >> i & 1]
            return f"{{{', '.join(chosen)}}}"
        case ct.EnumType(labels):
            return _label(labels[int(value.value)])
        case ct.VariantType(cases):
            index = classes.cases(t).index(type(value))
            name, payload = _label(cases[index][0]), cases[index][1]
            if payload is None:
                return name
            return f"{name}({show_value(value.value, payload, classes)})"
        case ct.OptionType(some):
            if value is None:
                return "none"
            inner = value.value if none_is_a_value(some) else value
            return f"some({show_value(inner, some, classes)})"
        case ct.ResultType(ok, error):
            word, payload = ("ok", ok) if value.__class__ is Ok else ("err", error)
            if payload is None:
                return word
            return f"{word}({show_value(value.value, payload, classes)})"
        case _:
            return repr(value)


_WORDS = frozenset({"true", "false", "inf", "nan", "some", "none", "ok", "err"})
_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "'": "\\'", "\\": "\\\\"}


def _label(text: str) -> str:
    """A label, told from WAVE's own words."""
    return f"%{text}" if text in _WORDS else text


def _escape(text: str) -> str:
    """Text as it stands between quotes; what would not print is written out."""
    return "".join(
        [_ESCAPED.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text]
    )


def _show_float(value: float, *, single: bool) -> str:
    """The shortest decimal that reads back as the same number, without an exponent."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = repr(value)
    if single:
        stored = struct.pack("<f", value)
        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            if struct.pack("<f", float(text)) == stored:
                break
    return format(Decimal(text), "f").removesuffix(".0")


def _show_prim(value: Any, prim: ct.Prim) -> str:
    match bare(prim):
        case ct.Prim.BOOL:
            return "true" if value else "false"
        case ct.Prim.STRING:
            return f'"{_escape(value)}"'
        case ct.Prim.CHAR:
            return f"'{_escape(value)}'"
        case ct.Prim.F32 | ct.Prim.F64:
            return _show_float(value, single=bare(prim) is ct.Prim.F32)
        case _:
            return str(value)


def show_result(ft: ct.FuncType, value: Any, classes: Classes, *, failed: bool = False) -> str:
    """What a call gave, as WAVE; the empty tuple for a function without a result."""
    result = ft.result
    if result is None:
        return "()"
    if isinstance(result, ct.ResultType):
        return show_value(Err(value) if failed else Ok(value), result, classes)
    return show_value(value, result, classes)
