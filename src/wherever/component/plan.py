"""Owns the plan of a component: what validation found out, as text that loads without validating.

Compiled components are kept; what was learned when they were validated is kept beside the machine
code, so that a run need neither read the file nor check it again. The text is JSON, not a pickle:
it comes from a process that has looked at hostile bytes, and whatever it says, reading it makes
values of the classes listed here and nothing else.

    [[class, field...], [class, field...], ...]     the last is the whole

A field is a number, a string, true, false or null as it is; `[n]` is the value number n, so that
what was one object is one object again (types and resources are identities); `[0, a, b]` a tuple,
`[1, key, value, ...]` a mapping; `[-1]` and `[-2]` are those without anything in them.

A long tuple is `[2, column, ...]`: columns one after another. Thousands of items are alike, and a
column says at once what they have in common:

    [field, ...]                      each as it is
    {"is": field, "n": count}         all the same
    {"at": [n, ...]}                  all values that have a number
    {"of": class, "by": [column...]}  all of one class that nothing else refers to, by its fields
    {"by": [column...]}               all tuples of one length, by their places
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

from wherever.component import facts, syntax, types
from wherever.errors import InvalidProgram
from wherever.wasm import types as core

_TUPLE, _MAPPING, _LONG = 0, 1, 2
_EMPTY_TUPLE, _EMPTY_MAPPING = -1, -2

# Their places are their numbers in the text. Cached plans carry the package's version: a change
# here needs no care for old ones.
_CLASSES: tuple[Any, ...] = (
    core.NumType,
    core.VecType,
    core.AbstractHeap,
    core.AddressType,
    core.ExternKind,
    core.ConcreteHeap,
    core.RefType,
    core.FuncType,
    core.Limits,
    core.MemoryType,
    core.TableType,
    core.GlobalType,
    core.TagType,
    types.Prim,
    types.Resource,
    types.ResourceType,
    types.ListType,
    types.MapType,
    types.RecordType,
    types.TupleType,
    types.VariantType,
    types.EnumType,
    types.OptionType,
    types.ResultType,
    types.FlagsType,
    types.OwnType,
    types.BorrowType,
    types.StreamType,
    types.FutureType,
    types.PrimType,
    types.FuncType,
    types.InstanceType,
    types.ComponentType,
    types.CoreTag,
    types.ModuleType,
    types.TypeBound,
    types.ValueBound,
    syntax.CoreSort,
    syntax.Sort,
    syntax.SortIdx,
    syntax.TypeCode,
    syntax.ValTypeSyntax,
    syntax.ResourceTypeSyntax,
    syntax.ExternDesc,
    syntax.NameSyntax,
    syntax.CoreModule,
    syntax.CoreInstantiate,
    syntax.CoreInlineExports,
    syntax.NestedComponent,
    syntax.Instantiate,
    syntax.InlineExports,
    syntax.AliasExport,
    syntax.AliasCoreExport,
    syntax.AliasOuter,
    syntax.TypeDef,
    syntax.StringEncoding,
    syntax.CanonOpts,
    syntax.CanonLift,
    syntax.CanonLower,
    syntax.ResourceOp,
    syntax.CanonResource,
    syntax.CanonBuiltin,
    syntax.Import,
    syntax.Export,
    syntax.Component,
    facts.LiftFact,
    facts.LowerFact,
    facts.BuiltinFact,
    facts.Validated,
)


def _maker(cls: type[Any]) -> Callable[..., Any]:
    """What makes a value of its fields; the bytes of a component stay behind."""
    return partial(syntax.Component, b"") if cls is syntax.Component else cls


_MAKERS = tuple(map(_maker, _CLASSES))
_NUMBER = {cls: number for number, cls in enumerate(_CLASSES)}
# What nothing after validation asks for: core types, and what a core definition turned out to be.
_UNASKED = (syntax.CoreRecGroup, syntax.CoreModuleTypeDef)
_FACTLESS = (
    syntax.CoreModule,
    syntax.CoreInstantiate,
    syntax.CoreInlineExports,
    syntax.AliasCoreExport,
)
# Thousands of imports and exports share a few types; one object stands for all that are equal.
_BY_VALUE = (core.FuncType, core.GlobalType, core.MemoryType, core.TableType, syntax.SortIdx)
# What is a definition, or part of one, and nothing refers to but the list that it stands in.
_ALIKE = (syntax.AliasCoreExport, syntax.SortIdx)
_FEW = 4
_MOST = 1 << 20  # so many imports, exports or definitions no component has (`names`, `read`)
_PLAIN_TYPE = syntax.ValTypeSyntax(None)


def pack(whole: object) -> bytes:
    """`whole` as text: a value of the classes above, or a tuple or mapping of such."""
    packer = _Packer()
    root = packer.field(whole)
    return json.dumps([*packer.nodes, root], separators=(",", ":")).encode()


def unpack(text: bytes) -> Any:
    """The value that `pack` was given, without the bytes of a component."""
    try:
        nodes: list[Any] = json.loads(text)
        return _unpack(nodes)
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        MemoryError,
    ) as error:
        raise InvalidProgram(f"damaged plan of a component: {error}; compile it again") from None


class _Packer:
    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self._seen: dict[int, tuple[object, int]] = {}
        self._equal: dict[tuple[type[object], object], int] = {}

    def field(self, value: object) -> Any:
        if value is None or value.__class__ in (int, str, bool):
            return value
        if isinstance(value, tuple):
            items = cast("tuple[object, ...]", value)
            if len(items) > _FEW:
                return [_LONG, *map(self.column, _stretches(items))]
            return [_TUPLE, *map(self.field, items)] if items else [_EMPTY_TUPLE]
        if isinstance(value, dict):
            flat: list[Any] = [_MAPPING]
            for key, item in cast("dict[object, object]", value).items():
                flat += (self.field(key), self.field(item))
            return flat if len(flat) > 1 else [_EMPTY_MAPPING]
        known = self._seen.get(id(value))
        if known is None:
            node = self.node(value)
            place = len(self.nodes)
            if isinstance(value, _BY_VALUE):
                place = self._equal.setdefault((value.__class__, value), place)
            if place == len(self.nodes):
                self.nodes.append(node)
            known = self._seen[id(value)] = (value, place)
        return [known[1]]

    def column(self, items: Sequence[object]) -> Any:
        """What the items have in common, and the rest of them."""
        first = items[0]
        if len(items) > _FEW:
            if all(item is first for item in items):
                return {"is": self.field(first), "n": len(items)}
            if isinstance(first, _ALIKE) and all(
                each.__class__ is first.__class__ for each in items
            ):
                names: tuple[str, ...] = first.__match_args__
                columns = [[getattr(each, name) for each in items] for name in names]
                return {"of": _NUMBER[first.__class__], "by": [*map(self.column, columns)]}
            if isinstance(first, tuple) and all(isinstance(each, tuple) for each in items):
                rows = cast("Sequence[tuple[object, ...]]", items)
                width = len(rows[0])
                if width and all(len(row) == width for row in rows):
                    return {"by": [self.column(each) for each in zip(*rows, strict=True)]}
        fields = [*map(self.field, items)]
        if all(field.__class__ is list and len(field) == 1 and field[0] >= 0 for field in fields):
            return {"at": [field[0] for field in fields]}
        return fields

    def node(self, value: object) -> list[Any]:
        number = _NUMBER[value.__class__]
        names: tuple[str, ...] | None = getattr(value, "__match_args__", None)
        if names is None:  # an enum's member: `enum.Enum`, or what stands in for it in a worker
            return [number, cast("Any", value).value]
        if isinstance(value, syntax.Component):
            return [number, value.start, value.end, self.field(_asked(value))]
        if isinstance(value, facts.Validated):
            return [number, *map(self.field, (value.component, value.type, _asked_facts(value)))]
        if isinstance(value, syntax.TypeDef) and not isinstance(
            value.type, syntax.ResourceTypeSyntax
        ):
            return [number, value.offset, self.field(_PLAIN_TYPE)]
        return [number, *[self.field(getattr(value, name)) for name in names]]


def _stretches(items: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    """The items cut where many that are alike begin and end."""
    begin = at = 0
    while at < len(items):
        if not isinstance(items[at], _ALIKE):
            at += 1
            continue
        end = at
        while end < len(items) and items[end].__class__ is items[at].__class__:
            end += 1
        if end - at > _FEW:
            if at > begin:
                yield items[begin:at]
            yield items[at:end]
            begin = end
        at = end
    if begin < at:
        yield items[begin:at]


def _asked(component: syntax.Component) -> tuple[syntax.Definition, ...]:
    return tuple([d for d in component.definitions if not isinstance(d, _UNASKED)])


def _asked_facts(validated: facts.Validated) -> tuple[object, ...]:
    found: list[object] = []
    for d, fact in zip(validated.component.definitions, validated.facts, strict=True):
        if isinstance(d, _UNASKED):
            continue
        plain = isinstance(d, syntax.TypeDef) and not isinstance(d.type, syntax.ResourceTypeSyntax)
        found.append(None if plain or isinstance(d, _FACTLESS) else fact)
    return tuple(found)


def _unpack(nodes: list[Any]) -> Any:
    made: list[Any] = []
    keep = made.append

    def field(value: Any) -> Any:
        if value.__class__ is not list:
            return value
        kind = value[0]
        if len(value) == 1:
            if kind >= 0:
                return made[kind]
            return () if kind == _EMPTY_TUPLE else {}
        if kind == _TUPLE:
            return tuple([x if x.__class__ is not list else field(x) for x in value[1:]])
        if kind == _LONG:
            return tuple([item for each in value[1:] for item in column(each)])
        return {field(value[i]): field(value[i + 1]) for i in range(1, len(value), 2)}

    def column(each: Any) -> list[Any]:
        if each.__class__ is list:
            return [x if x.__class__ is not list else field(x) for x in each]
        if "at" in each:
            return [made[n] for n in each["at"]]
        if "is" in each:
            return [field(each["is"])] * min(each["n"], _MOST)
        columns = map(column, each["by"])
        if "of" in each:
            kind: int = each["of"]
            return list(map(_MAKERS[kind], *columns))
        return list(zip(*columns, strict=True))

    root: list[Any] = nodes.pop()
    for node in nodes:
        keep(_MAKERS[node[0]](*[x if x.__class__ is not list else field(x) for x in node[1:]]))
    return field(root)
