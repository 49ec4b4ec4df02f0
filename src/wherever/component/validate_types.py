"""Owns the validity of types: labels, bounds, sizes, and resolving the indices inside them."""

from __future__ import annotations

from collections.abc import Callable

from wherever.component import names
from wherever.component.layout import MAX_VALUE_SIZE, Layouts
from wherever.component.scope import Kind, Scope, fail
from wherever.component.syntax import (
    ComponentTypeSyntax,
    Definition,
    DefType,
    FuncTypeSyntax,
    InstanceTypeSyntax,
    ResourceTypeSyntax,
    SyntaxVal,
    TypeCode,
    ValTypeSyntax,
)
from wherever.component.types import (
    AnyType,
    BorrowType,
    ComponentType,
    DefinedType,
    EnumType,
    FlagsType,
    FuncType,
    FutureType,
    InstanceType,
    ListType,
    MapType,
    Measured,
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
    ValType,
    VariantType,
)
from wherever.wasm import types as core

MAX_FLAGS = 32
MAX_LABELS = 10_000
_DTOR = core.FuncType((core.I32,), ())
# what one entry of each constructor is called, in the messages of the reference tools
_ENTRY = {
    TypeCode.RECORD: ("record field", "field"),
    TypeCode.VARIANT: ("variant case", "case"),
    TypeCode.FLAGS: ("flag", "flag"),
    TypeCode.ENUM: ("enum tag", "tag"),
}
_MAP_KEYS = frozenset(set(Prim) - {Prim.F32, Prim.F64, Prim.ERROR_CONTEXT})


class TypeChecker:
    """Resolves type definitions; layouts for both pointer widths are shared by a whole file."""

    def __init__(self, layouts: Layouts, wide: Layouts) -> None:
        self.layouts = layouts
        self.wide = wide

    def value_size(self, t: ValType, offset: int) -> None:
        """Refuse a value type whose elements would not fit (elem_size with 64-bit pointers)."""
        if self.wide.elem_size(t) > MAX_VALUE_SIZE:
            fail("type exceeds maximum byte size of a value", offset)

    def valtype(self, syntax: SyntaxVal, scope: Scope, offset: int) -> ValType:
        """The value type that `syntax` names."""
        if isinstance(syntax, Prim):
            return syntax
        found = scope.type(syntax, offset)
        if isinstance(found, FuncType | InstanceType | ComponentType | ResourceType):
            fail(f"type index {syntax} is not a defined type", offset)
        return found

    def deftype(
        self,
        syntax: DefType,
        scope: Scope,
        offset: int,
        decls: Callable[[Kind, tuple[Definition, ...]], Scope],
    ) -> AnyType:
        """The type that a definition makes."""
        match syntax:
            case ValTypeSyntax():
                return self.defvaltype(syntax, scope, offset)
            case FuncTypeSyntax():
                return self.functype(syntax, scope, offset)
            case ResourceTypeSyntax():
                return self.resource(syntax, scope, offset)
            case ComponentTypeSyntax(inner):
                return decls(Kind.COMPONENT_TYPE, inner).component_type()
            case InstanceTypeSyntax(inner):
                made = decls(Kind.INSTANCE_TYPE, inner)
                return InstanceType(made.exports, tuple(made.made))

    def resource(self, syntax: ResourceTypeSyntax, scope: Scope, offset: int) -> ResourceType:
        if scope.kind is not Kind.COMPONENT:
            fail("resources can only be defined within a concrete component", offset)
        if syntax.dtor is not None and scope.core_func(syntax.dtor, offset) != _DTOR:
            fail("core function has wrong signature for a destructor", offset)
        resource = Resource()
        scope.local.add(resource)
        scope.made.append(resource)
        return ResourceType(resource)

    def functype(self, syntax: FuncTypeSyntax, scope: Scope, offset: int) -> FuncType:
        labels(tuple(name for name, _ in syntax.params), "function parameter", "parameter", offset)
        params = tuple([(name, self.valtype(t, scope, offset)) for name, t in syntax.params])
        result = None if syntax.result is None else self.valtype(syntax.result, scope, offset)
        if result is not None and self.layouts.of(result).has_borrow:
            fail("function result cannot contain a `borrow` type", offset)
        return FuncType(params, result, syntax.is_async)

    def defvaltype(self, syntax: ValTypeSyntax, scope: Scope, offset: int) -> DefinedType:
        if syntax.code in (TypeCode.OWN, TypeCode.BORROW):
            index = syntax.types[0]
            assert isinstance(index, int)
            resource = scope.resource(index, offset)
            return OwnType(resource) if syntax.code is TypeCode.OWN else BorrowType(resource)
        if syntax.code in _ENTRY:
            if len(syntax.labels) > MAX_LABELS:
                fail(f"more than {MAX_LABELS} labels in a type", offset)
            labels(syntax.labels, *_ENTRY[syntax.code], offset)
        types = tuple([None if t is None else self.valtype(t, scope, offset) for t in syntax.types])
        match syntax.code, types:
            case None, (Prim() as prim,):
                return PrimType(prim)
            case TypeCode.VARIANT, _:
                return VariantType(tuple(zip(syntax.labels, types, strict=True)))
            case TypeCode.RESULT, (ok, error):
                return ResultType(ok, error)
            case ((TypeCode.STREAM | TypeCode.FUTURE), (element,)):
                return self.channel(syntax.code, element, offset)
            case TypeCode.ENUM, _:
                return EnumType(syntax.labels)
            case TypeCode.FLAGS, _:
                if len(syntax.labels) > MAX_FLAGS:
                    fail("cannot have more than 32 flags", offset)
                return FlagsType(syntax.labels)
            case _:
                return self.plain(syntax, tuple([t for t in types if t is not None]), offset)

    def channel(
        self, code: TypeCode, element: ValType | None, offset: int
    ) -> StreamType | FutureType:
        if element is not None and self.layouts.of(element).has_borrow:
            fail("a stream or future cannot carry a `borrow`", offset)
        if code is TypeCode.STREAM:
            plain = element.prim if isinstance(element, PrimType) else element
            if plain is Prim.CHAR:
                fail("`stream<char>` is not valid at this time", offset)
            return StreamType(element)
        return FutureType(element)

    def plain(self, syntax: ValTypeSyntax, types: tuple[ValType, ...], offset: int) -> DefinedType:
        match syntax.code, types:
            case TypeCode.RECORD, _:
                return RecordType(tuple(zip(syntax.labels, types, strict=True)))
            case TypeCode.TUPLE, _:
                return TupleType(types)
            case TypeCode.LIST, (element,):
                return ListType(element)
            case TypeCode.FIXED_LIST, (element,):
                return ListType(element, syntax.length)
            case TypeCode.OPTION, (some,):
                return OptionType(some)
            case TypeCode.MAP, (key, value):
                bare = key.prim if isinstance(key, PrimType) else key
                if bare not in _MAP_KEYS:
                    fail("the key of a map must be an integer, bool, char or string", offset)
                return MapType(key, value)
            case _:
                raise AssertionError(syntax)


def labels(labels: tuple[str, ...], what: str, short: str, offset: int) -> None:
    """Refuse labels that are empty, not kebab case, or equal but for case."""
    taken: dict[str, str] = {}
    for label in labels:
        if not label:
            fail(f"{what} name cannot be empty", offset)
        if not names.is_label(label):
            fail(f"{what} name `{label[:80]}` is not in kebab case", offset)
        lowered = label.lower()
        if lowered in taken:
            fail(
                f"{what} name `{label}` conflicts with previous {short} name `{taken[lowered]}`",
                offset,
            )
        taken[lowered] = label


def free_resources(t: object) -> bool:
    """Does `t` mention a resource that it does not itself make or import?"""
    return bool(_free(t, {}))


def _free(t: object, memo: dict[int, frozenset[Resource]]) -> frozenset[Resource]:
    if isinstance(t, ResourceType):
        return frozenset((t.resource,))
    if not isinstance(t, Measured):
        return frozenset()
    known = memo.get(id(t))
    if known is None:
        found: set[Resource] = set()
        for part in t.parts():
            found |= _free(part, memo)
        if isinstance(t, InstanceType | ComponentType):
            found -= set(t.resources)
        if isinstance(t, ComponentType):
            found -= set(t.imported)
        known = memo[id(t)] = frozenset(found)
    return known
