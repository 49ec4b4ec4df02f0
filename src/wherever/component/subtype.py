"""Owns when one type may stand for another, and what instantiating a type does to it.

Value types must be equal; instances may have more exports; a component or module may import less
and export more (Subtyping.md, as far as the specification has it). Resources are compared by
identity once the ones that an instantiation supplies have been substituted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn, TypeVar, cast

from wherever.component.types import (
    AnyType,
    BorrowType,
    ComponentType,
    CoreExternType,
    CoreTag,
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
    Resource,
    ResourceType,
    ResultType,
    StreamType,
    TupleType,
    TypeBound,
    ValType,
    ValueBound,
    VariantType,
    describe,
)
from wherever.wasm import types as core

_T = TypeVar("_T", bound=object)


class Mismatch(Exception):
    """One type cannot stand for another; the message says where they part."""


class Substitution:
    """Replaces resources, and the names of types that an import introduced, throughout a type."""

    def __init__(self) -> None:
        self.resources: dict[Resource, ResourceType] = {}
        self._named: dict[int, tuple[object, object]] = {}
        self._memo: dict[int, tuple[object, object]] = {}

    def bind(self, resource: Resource, to: ResourceType) -> None:
        """Let `to` stand for `resource` from now on."""
        self.resources[resource] = to
        self._memo = {}

    def fresh(self, resources: Iterable[Resource]) -> tuple[Resource, ...]:
        """Make each of `resources` anew."""
        made: list[Resource] = []
        for resource in resources:
            new = Resource(resource.name)
            self.bind(resource, ResourceType(new))
            made.append(new)
        return tuple(made)

    def of(self, t: _T) -> _T:
        """`t`, substituted; the very same object where nothing in it changes."""
        if t is None or isinstance(t, Prim) or not (self.resources or self._named):
            return t
        known = self._named.get(id(t)) or self._memo.get(id(t))
        if known is None:
            known = (t, self._replace(t))
            self._memo[id(t)] = known
        return cast("_T", known[1])

    def _replace(self, t: object) -> object:
        of = self.of
        match t:
            case ResourceType(resource):
                to = self.resources.get(resource)
                if to is None:
                    return t
                return ResourceType(to.resource)
            case ListType(element, length):
                new = of(element)
                return t if new is element else ListType(new, length)
            case MapType(key, value):
                k, v = of(key), of(value)
                return t if k is key and v is value else MapType(k, v)
            case RecordType(fields):
                changed = tuple([(name, of(f)) for name, f in fields])
                return t if _same(changed, fields) else RecordType(changed)
            case TupleType(types):
                new_types = tuple([of(x) for x in types])
                same = all(a is b for a, b in zip(new_types, types, strict=True))
                return t if same else TupleType(new_types)
            case VariantType(cases):
                new_cases = tuple([(name, of(c)) for name, c in cases])
                return t if _same(new_cases, cases) else VariantType(new_cases)
            case OptionType(some):
                new = of(some)
                return t if new is some else OptionType(new)
            case ResultType(ok, error):
                o, e = of(ok), of(error)
                return t if o is ok and e is error else ResultType(o, e)
            case OwnType(resource):
                named = of(resource)
                return t if named is resource else OwnType(named)
            case BorrowType(resource):
                named = of(resource)
                return t if named is resource else BorrowType(named)
            case StreamType(element):
                payload = of(element)
                return t if payload is element else StreamType(payload)
            case FutureType(element):
                payload = of(element)
                return t if payload is element else FutureType(payload)
            case FuncType(params, result, is_async):
                new_params = tuple([(name, of(p)) for name, p in params])
                new_result = of(result)
                if new_result is result and _same(new_params, params):
                    return t
                return FuncType(new_params, new_result, is_async)
            case InstanceType(exports, resources):
                return InstanceType(self.externs(exports), resources)
            case ComponentType(imports, exports, imported, resources):
                return ComponentType(
                    self.externs(imports), self.externs(exports), imported, resources
                )
            case TypeBound(type_, is_fresh, origin):
                new_type, new_origin = of(type_), of(origin)
                if new_type is type_ and new_origin is origin:
                    return t
                return TypeBound(new_type, is_fresh, new_origin)
            case ValueBound(type_):
                return ValueBound(of(type_))
            case _:
                return t

    def externs(self, externs: Mapping[str, ExternType]) -> dict[str, ExternType]:
        """Every type of `externs`, substituted."""
        return {name: self.of(t) for name, t in externs.items()}

    def supply(
        self, expected: ExternType, given: ExternType, imported: frozenset[Resource]
    ) -> None:
        """Bind what `expected`, an import, leaves open to what `given` has in its place."""
        match expected:
            case TypeBound(ResourceType() as want) if isinstance(given, TypeBound):
                have = given.type
                if not isinstance(have, ResourceType):
                    return
                if want.resource in imported and want.resource not in self.resources:
                    self.bind(want.resource, have)
            case InstanceType() if isinstance(given, InstanceType):
                for name, inner in expected.exports.items():
                    if name in given.exports:
                        self.supply(inner, given.exports[name], imported)
            case _:
                pass

    def adopt(self, expected: ExternType, given: ExternType) -> None:
        """After they matched: the types that `expected` named go by the names in `given`."""
        match expected:
            case TypeBound(want) if isinstance(given, TypeBound):
                have = given.type
                self._named[id(want)] = (want, have)
                self._memo = {}
            case InstanceType() if isinstance(given, InstanceType):
                for name, inner in expected.exports.items():
                    if name in given.exports:
                        self.adopt(inner, given.exports[name])
            case _:
                pass


def _same(a: tuple[tuple[str, object], ...], b: tuple[tuple[str, object], ...]) -> bool:
    return all(x[1] is y[1] for x, y in zip(a, b, strict=True))


def instantiate(
    component: ComponentType, args: Mapping[str, ExternType]
) -> tuple[InstanceType, tuple[Resource, ...]]:
    """The instance that `component` gives for `args`, and the resources it makes afresh."""
    matcher = Matcher()
    substitution = Substitution()
    imported = frozenset(component.imported)
    for name, expected in component.imports.items():
        given = args.get(name)
        if given is None:
            raise Mismatch(f"missing import named `{name}`")
        substitution.supply(expected, given, imported)
        try:
            matcher.extern(given, substitution.of(expected))
        except Mismatch as mismatch:
            raise Mismatch(f"type mismatch for import `{name}`: {mismatch}") from None
        substitution.adopt(expected, given)
    made = substitution.fresh(component.resources)
    return InstanceType(substitution.externs(component.exports)), made


class Matcher:
    """Decides whether one type may stand for another; pairs already decided are remembered."""

    def __init__(self) -> None:
        self._equal: dict[tuple[int, int], tuple[object, object]] = {}

    # -- value types: equality ---------------------------------------------------------------

    def val(self, a: ValType, b: ValType) -> None:
        """Raise `Mismatch` unless `a`, which is given, equals `b`, which is expected."""
        if a is b or (id(a), id(b)) in self._equal:
            return
        left = a.prim if isinstance(a, PrimType) else a
        right = b.prim if isinstance(b, PrimType) else b
        if isinstance(left, Prim) or isinstance(right, Prim):
            if left is not right:
                self._val_mismatch(left, right)
        else:
            self._compound(left, right)
        self._equal[id(a), id(b)] = (a, b)

    def _val_mismatch(self, a: ValType, b: ValType) -> NoReturn:
        if isinstance(a, Prim) and isinstance(b, Prim):
            raise Mismatch(f"expected primitive `{b}` found primitive `{a}`")
        if isinstance(b, Prim):
            raise Mismatch(f"expected {b}, found {kind(a)}")
        raise Mismatch(f"expected {kind(b)}, found {kind(a)}")

    def _compound(self, a: ValType, b: ValType) -> None:
        match a:
            case ListType() if isinstance(b, ListType):
                if a.length != b.length:
                    raise Mismatch(f"expected a list of length {b.length}, found {a.length}")
                self.val(a.element, b.element)
            case MapType() if isinstance(b, MapType):
                self.val(a.key, b.key)
                self.val(a.value, b.value)
            case RecordType() if isinstance(b, RecordType):
                self._count(len(a.fields), len(b.fields), "fields")
                for (name_a, t_a), (name_b, t_b) in zip(a.fields, b.fields, strict=True):
                    if name_a != name_b:
                        raise Mismatch(f"expected field name `{name_b}`, found `{name_a}`")
                    self._in(f"record field `{name_a}`", t_a, t_b)
            case TupleType() if isinstance(b, TupleType):
                self._count(len(a.types), len(b.types), "types")
                for i, (t_a, t_b) in enumerate(zip(a.types, b.types, strict=True)):
                    self._in(f"tuple field {i}", t_a, t_b)
            case VariantType() if isinstance(b, VariantType):
                self._count(len(a.cases), len(b.cases), "cases")
                for (name_a, c_a), (name_b, c_b) in zip(a.cases, b.cases, strict=True):
                    if name_a != name_b:
                        raise Mismatch(f"expected case named `{name_b}`, found `{name_a}`")
                    self._maybe(f"case `{name_a}`", f"variant case `{name_a}`", c_a, c_b)
            case EnumType() if isinstance(b, EnumType):
                if a.labels != b.labels:
                    raise Mismatch("mismatch in enum elements")
            case FlagsType() if isinstance(b, FlagsType):
                if a.labels != b.labels:
                    raise Mismatch("mismatch in flags elements")
            case OptionType() if isinstance(b, OptionType):
                self.val(a.some, b.some)
            case ResultType() if isinstance(b, ResultType):
                self._maybe("ok", "ok variant", a.ok, b.ok)
                self._maybe("err", "err variant", a.error, b.error)
            case OwnType() if isinstance(b, OwnType):
                self.resource(a.resource, b.resource)
            case BorrowType() if isinstance(b, BorrowType):
                self.resource(a.resource, b.resource)
            case StreamType() if isinstance(b, StreamType):
                self._maybe("element", "element", a.element, b.element)
            case FutureType() if isinstance(b, FutureType):
                self._maybe("element", "element", a.element, b.element)
            case _:
                self._val_mismatch(a, b)

    def _count(self, found: int, expected: int, what: str) -> None:
        if found != expected:
            raise Mismatch(f"expected {expected} {what}, found {found}")

    def _in(self, where: str, a: ValType, b: ValType) -> None:
        try:
            self.val(a, b)
        except Mismatch as mismatch:
            raise Mismatch(f"type mismatch in {where}: {mismatch}") from None

    def _maybe(self, what: str, where: str, a: ValType | None, b: ValType | None) -> None:
        if b is None:
            if a is not None:
                raise Mismatch(f"expected {what} type to not be present")
        elif a is None:
            raise Mismatch(f"expected {what} to have a type, found none")
        else:
            self._in(where, a, b)

    def resource(self, a: ResourceType, b: ResourceType) -> None:
        """Raise `Mismatch` unless both name one resource."""
        if a.resource is not b.resource:
            raise Mismatch("resource types are not the same")

    # -- extern types: subtyping -------------------------------------------------------------

    def func(self, a: FuncType, b: FuncType) -> None:
        """Raise `Mismatch` unless the function types are equal, parameter names included."""
        if a is b:
            return
        if a.is_async != b.is_async:
            want = "an async" if b.is_async else "a synchronous"
            raise Mismatch(f"expected {want} function")
        self._count(len(a.params), len(b.params), "parameters")
        for (name_a, t_a), (name_b, t_b) in zip(a.params, b.params, strict=True):
            if name_a != name_b:
                raise Mismatch(f"expected parameter named `{name_b}`, found `{name_a}`")
            self._in(f"function parameter `{name_a}`", t_a, t_b)
        if b.result is None:
            if a.result is not None:
                raise Mismatch("expected no result, found one")
        elif a.result is None:
            raise Mismatch("expected a result, found none")
        else:
            try:
                self.val(a.result, b.result)
            except Mismatch as mismatch:
                raise Mismatch(f"type mismatch with result type: {mismatch}") from None

    def extern(self, a: ExternType, b: ExternType) -> None:
        """Raise `Mismatch` unless `a`, which is given, may stand where `b` is expected."""
        match a:
            case FuncType() if isinstance(b, FuncType):
                self.func(a, b)
            case ModuleType() if isinstance(b, ModuleType):
                self.module(a, b)
            case TypeBound() if isinstance(b, TypeBound):
                self.any(a.type, b.type)
            case ValueBound() if isinstance(b, ValueBound):
                self.val(a.type, b.type)
            case InstanceType() if isinstance(b, InstanceType):
                self.instance(a, b)
            case ComponentType() if isinstance(b, ComponentType):
                self.component(a, b)
            case _:
                raise Mismatch(f"expected {describe(b)}, found {describe(a)}")

    def any(self, a: AnyType, b: AnyType) -> None:
        """Raise `Mismatch` unless the types that two type indices stand for are equal."""
        match a:
            case ResourceType() if isinstance(b, ResourceType):
                self.resource(a, b)
            case FuncType() if isinstance(b, FuncType):
                self.func(a, b)
            case InstanceType() if isinstance(b, InstanceType):
                self.instance(a, b)
                self.instance(b, a)
            case ComponentType() if isinstance(b, ComponentType):
                self.component(a, b)
                self.component(b, a)
            case ResourceType() | FuncType() | InstanceType() | ComponentType():
                raise Mismatch(f"expected {kind(b)}, found {kind(a)}")
            case _:
                if isinstance(b, ResourceType | FuncType | InstanceType | ComponentType):
                    raise Mismatch(f"expected {kind(b)}, found {kind(a)}")
                self.val(a, b)

    def instance(self, a: InstanceType, b: InstanceType) -> None:
        """Raise `Mismatch` unless `a` exports all that `b` does."""
        if a is b:
            return
        substitution = Substitution()
        open_resources = frozenset(b.resources)
        for name, expected in b.exports.items():
            given = a.exports.get(name)
            if given is None:
                raise Mismatch(f"missing expected export `{name}`")
            substitution.supply(expected, given, open_resources)
            try:
                self.extern(given, substitution.of(expected))
            except Mismatch as mismatch:
                raise Mismatch(f"type mismatch in instance export `{name}`: {mismatch}") from None

    def component(self, a: ComponentType, b: ComponentType) -> None:
        """Raise `Mismatch` unless `a` imports no more and exports no less than `b`."""
        if a is b:
            return
        imports = Substitution()
        open_imports = frozenset(a.imported)
        for name, wanted in a.imports.items():
            supplied = b.imports.get(name)
            if supplied is None:
                raise Mismatch(f"missing expected import `{name}`")
            imports.supply(wanted, supplied, open_imports)
            try:
                self.extern(supplied, imports.of(wanted))
            except Mismatch as mismatch:
                raise Mismatch(f"type mismatch in import `{name}`: {mismatch}") from None
        exports = Substitution()
        open_exports = frozenset(b.resources)
        for name, expected in b.exports.items():
            given = a.exports.get(name)
            if given is None:
                raise Mismatch(f"missing expected export `{name}`")
            given = imports.of(given)
            exports.supply(expected, given, open_exports)
            try:
                self.extern(given, exports.of(expected))
            except Mismatch as mismatch:
                raise Mismatch(f"type mismatch in export `{name}`: {mismatch}") from None

    # -- core types --------------------------------------------------------------------------

    def module(self, a: ModuleType, b: ModuleType) -> None:
        """Raise `Mismatch` unless `a` imports no more and exports no less than `b`."""
        for (module, name), wanted in a.imports.items():
            supplied = b.imports.get((module, name))
            if supplied is None:
                raise Mismatch(f"missing expected import `{module}::{name}`")
            try:
                self.core(supplied, wanted)
            except Mismatch as mismatch:
                raise Mismatch(f"type mismatch in import `{module}::{name}`: {mismatch}") from None
        for name, expected in b.exports.items():
            given = a.exports.get(name)
            if given is None:
                raise Mismatch(f"missing expected export `{name}`")
            try:
                self.core(given, expected)
            except Mismatch as mismatch:
                raise Mismatch(f"type mismatch in export `{name}`: {mismatch}") from None

    def core(self, a: CoreExternType, b: CoreExternType) -> None:
        """Raise `Mismatch` unless the core extern `a` may be imported as `b`.

        Where a type refers to another by index, the engine decides: it has both modules.
        """
        match a:
            case core.FuncType() if isinstance(b, core.FuncType):
                if a != b and not (_has_index(a) or _has_index(b)):
                    raise Mismatch(f"expected: {b}, found: {a}")
            case CoreTag() if isinstance(b, CoreTag):
                if a.type != b.type and not (_has_index(a.type) or _has_index(b.type)):
                    raise Mismatch(f"expected: {b}, found: {a}")
            case core.GlobalType() if isinstance(b, core.GlobalType):
                if a.mutable != b.mutable:
                    raise Mismatch("mismatch in the mutability of globals")
                if a.value != b.value and not isinstance(b.value, core.RefType):
                    raise Mismatch(f"expected global type {b.value}, found {a.value}")
            case core.TableType() if isinstance(b, core.TableType):
                if a.element != b.element and not _concrete(a.element, b.element):
                    raise Mismatch(f"expected table element type {b.element}, found {a.element}")
                if not _limits(a.limits, b.limits):
                    raise Mismatch("mismatch in table limits")
            case core.MemoryType() if isinstance(b, core.MemoryType):
                if a.limits.shared != b.limits.shared:
                    raise Mismatch("mismatch in the shared flag for memories")
                if not _limits(a.limits, b.limits) or a.page_size_log2 != b.page_size_log2:
                    raise Mismatch("mismatch in memory limits")
            case _:
                raise Mismatch(f"expected {core_kind(b)}, found {core_kind(a)}")


def _limits(a: core.Limits, b: core.Limits) -> bool:
    if a.address is not b.address or a.minimum < b.minimum:
        return False
    return b.maximum is None or (a.maximum is not None and a.maximum <= b.maximum)


def _concrete(*types: core.ValType) -> bool:
    return any(isinstance(t, core.RefType) and isinstance(t.heap, core.ConcreteHeap) for t in types)


def _has_index(t: core.FuncType) -> bool:
    return _concrete(*t.params, *t.results)


def core_kind(t: CoreExternType) -> str:
    """The sort of a core extern, in the text format's word."""
    match t:
        case core.FuncType():
            return "func"
        case core.TableType():
            return "table"
        case core.MemoryType():
            return "memory"
        case core.GlobalType():
            return "global"
        case CoreTag():
            return "tag"


def kind(t: AnyType | Prim) -> str:
    """The constructor of a type, in the text format's word."""
    match t:
        case Prim():
            return str(t)
        case PrimType(prim):
            return str(prim)
        case ResourceType():
            return "resource"
        case FuncType():
            return "func"
        case InstanceType():
            return "instance"
        case ComponentType():
            return "component"
        case _:
            return type(t).__name__.removesuffix("Type").lower()
