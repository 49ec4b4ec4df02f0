"""Owns external visibility: an import or export may mention only types that have been named.

A record, variant, enum, flags or resource used in the type of an import must itself be imported
first; in that of an export, imported or exported (Explainer.md, "Import and Export Definitions").
"""

from __future__ import annotations

from wherever.component.types import (
    AnyType,
    BorrowType,
    ComponentType,
    EnumType,
    ExternType,
    FlagsType,
    FuncType,
    FutureType,
    InstanceType,
    ListType,
    MapType,
    ModuleType,
    OptionType,
    OwnType,
    Prim,
    PrimType,
    RecordType,
    ResourceType,
    ResultType,
    StreamType,
    TupleType,
    TypeBound,
    ValType,
    ValueBound,
    VariantType,
)


class Named:
    """The types that have a name on the outside, by identity."""

    def __init__(self) -> None:
        self._held: dict[int, object] = {}
        self._checked: dict[int, object] = {}

    def add(self, t: object) -> None:
        """Give `t` a name."""
        self._held[id(t)] = t

    def __contains__(self, t: object) -> bool:
        return id(t) in self._held

    def knows(self, externs: ExternType, also: Named | None = None) -> bool:
        """Does `externs` mention named types only? Types that it names itself are added."""
        return _Walk(self, also).extern(externs)


class _Walk:
    def __init__(self, named: Named, also: Named | None) -> None:
        self.named = named
        self.also = also
        self.done: dict[int, object] = {}

    def has(self, t: object) -> bool:
        return t in self.named or (self.also is not None and t in self.also)

    def extern(self, t: ExternType) -> bool:
        match t:
            case ModuleType() | ComponentType():
                return True
            case FuncType():
                return self.func(t)
            case ValueBound(type_):
                return self.val(type_)
            case InstanceType():
                # in order: an export may name a type for those after it
                return all(self.extern(inner) for inner in t.exports.values())
            case TypeBound(type_):
                named = self.any(type_)
                self.named.add(type_)
                return named

    def func(self, t: FuncType) -> bool:
        return all(self.val(p) for _, p in t.params) and (t.result is None or self.val(t.result))

    def any(self, t: AnyType) -> bool:
        match t:
            case ResourceType() | ComponentType():
                return True
            case FuncType():
                return self.func(t)
            case InstanceType():
                return all(self.extern(inner) for inner in t.exports.values())
            case _:
                return self.contents(t)

    def val(self, t: ValType | None) -> bool:
        if t is None or isinstance(t, Prim) or id(t) in self.done:
            return True
        match t:
            case RecordType() | VariantType() | EnumType() | FlagsType():
                known = self.has(t)
            case _:
                known = self.contents(t)
        if known:
            self.done[id(t)] = t
        return known

    def contents(self, t: ValType) -> bool:
        match t:
            case Prim() | PrimType() | EnumType() | FlagsType():
                return True
            case RecordType(fields):
                return all(self.val(f) for _, f in fields)
            case VariantType(cases):
                return all(self.val(c) for _, c in cases)
            case TupleType(types):
                return all(self.val(x) for x in types)
            case ListType(element):
                return self.val(element)
            case MapType(key, value):
                return self.val(key) and self.val(value)
            case OptionType(some):
                return self.val(some)
            case ResultType(ok, error):
                return self.val(ok) and self.val(error)
            case StreamType(element) | FutureType(element):
                return self.val(element)
            case OwnType(resource) | BorrowType(resource):
                return self.has(resource)
