"""Owns validation: every definition checked in order, its indices resolved, its type inferred.

`validate` gives the component back with one fact per definition, which is what instantiation and
binding need: nothing after this looks an index up without knowing that it is there.
"""

from __future__ import annotations

from typing import TypeVar

from wherever.component.core_modules import module_type
from wherever.component.facts import BuiltinFact, Fact, LiftFact, LowerFact, Validated
from wherever.component.layout import Layouts
from wherever.component.scope import (
    InvalidComponent,
    Kind,
    NameContext,
    Scope,
    fail,
)
from wherever.component.subtype import Matcher, Mismatch, Substitution, instantiate
from wherever.component.syntax import (
    AliasCoreExport,
    AliasExport,
    AliasOuter,
    AnySort,
    CanonBuiltin,
    CanonLift,
    CanonLower,
    CanonResource,
    Component,
    CoreInlineExports,
    CoreInstantiate,
    CoreModule,
    CoreModuleTypeDef,
    CoreRecGroup,
    CoreSort,
    Definition,
    Export,
    ExportDecl,
    ExternDesc,
    Import,
    InlineExports,
    Instantiate,
    NestedComponent,
    Sort,
    SortIdx,
    TypeDef,
)
from wherever.component.types import (
    AnyType,
    ComponentType,
    CoreExternType,
    CoreInstanceType,
    ExternType,
    FuncType,
    InstanceType,
    Measured,
    ModuleType,
    Resource,
    ResourceType,
    TypeBound,
    ValType,
    describe,
)
from wherever.component.validate_canon import builtin_type, check_lift, check_lower, resource_op
from wherever.component.validate_core import core_module_type
from wherever.component.validate_types import TypeChecker, free_resources
from wherever.wasm import types as core

_T = TypeVar("_T")
MAX_TYPE_DEPTH = 100
MAX_TYPE_SIZE = 1_000_000


def validate(component: Component) -> Validated:
    """Check the whole of `component`; `InvalidComponent` names the first rule it breaks."""
    return _validate(component, None, TypeChecker(Layouts(4), Layouts(8)))


def _validate(component: Component, parent: Scope | None, checker: TypeChecker) -> Validated:
    scope = Scope(Kind.COMPONENT, parent)
    validator = _Validator(scope, checker, component)
    facts = tuple([validator.definition(d) for d in component.definitions])
    type_ = scope.component_type()
    _bounded(type_, component.start)
    return Validated(component, type_, facts)


def _bounded(t: _T, offset: int) -> _T:
    if isinstance(t, Measured):
        if t.depth > MAX_TYPE_DEPTH:
            fail(f"type nesting is too deep: more than {MAX_TYPE_DEPTH} levels", offset)
        if t.size > MAX_TYPE_SIZE:
            fail(f"effective type size exceeds the limit of {MAX_TYPE_SIZE}", offset)
    return t


def _renamed(t: AnyType) -> AnyType:
    """The same type under a name of its own."""
    names: tuple[str, ...] = t.__match_args__
    made: AnyType = type(t)(*[getattr(t, name) for name in names])
    return made


class _Validator:
    """Validates the definitions of one scope."""

    def __init__(self, scope: Scope, checker: TypeChecker, component: Component) -> None:
        self.scope = scope
        self.checker = checker
        self.component = component
        self.matcher = Matcher()

    def definition(self, d: Definition) -> Fact:
        """Check one definition and put what it defines into its index space."""
        scope = self.scope
        match d:
            case CoreModule(offset, start, end):
                module = module_type(self.component.data, start, end, offset)
                scope.core_modules.append(_bounded(module, offset))
                return module
            case CoreInstantiate():
                return self.core_instantiate(d)
            case CoreInlineExports():
                return self.core_inline_exports(d)
            case CoreRecGroup(_, group):
                scope.core_types.extend(group.types)
                return None
            case CoreModuleTypeDef():
                type_ = core_module_type(d, scope)
                scope.core_types.append(_bounded(type_, d.offset))
                return None
            case NestedComponent(_, component):
                nested = _validate(component, scope, self.checker)
                scope.components.append(nested.type)
                return nested
            case Instantiate():
                return self.instantiate(d)
            case InlineExports():
                return self.inline_exports(d)
            case AliasExport() | AliasCoreExport() | AliasOuter():
                return self.alias(d)
            case TypeDef():
                return self.typedef(d)
            case CanonLift():
                ft, lifted = check_lift(d, scope, self.checker)
                scope.funcs.append(ft)
                return LiftFact(ft, lifted)
            case CanonLower():
                ft = scope.func(d.func, d.offset)
                lowered = check_lower(d, ft, scope, self.checker)
                scope.core_funcs.append(lowered)
                return LowerFact(ft, lowered)
            case CanonResource():
                core_type, resource = resource_op(d, scope)
                scope.core_funcs.append(core_type)
                return BuiltinFact(core_type, resource)
            case CanonBuiltin():
                core_type, builtin_of = builtin_type(d, scope, self.checker)
                scope.core_funcs.append(core_type)
                return BuiltinFact(core_type, builtin_of)
            case Import():
                return self.import_(d)
            case Export():
                return self.export(d)
            case ExportDecl():
                return self.export_decl(d)

    # -- core instances ----------------------------------------------------------------------

    def core_instantiate(self, d: CoreInstantiate) -> CoreInstanceType:
        scope = self.scope
        module = scope.get(scope.core_modules, d.module, "module", d.offset)
        args: dict[str, CoreInstanceType] = {}
        for name, index in d.args:
            if name in args:
                fail(f"duplicate module instantiation argument named `{name}`", d.offset)
            args[name] = scope.get(scope.core_instances, index, "core instance", d.offset)
        for (module_name, field), wanted in module.imports.items():
            arg = args.get(module_name)
            if arg is None:
                fail(f"missing module instantiation argument named `{module_name}`", d.offset)
            given = arg.exports.get(field)
            if given is None:
                fail(
                    f"module instantiation argument `{module_name}` does not export an item "
                    f"named `{field}`",
                    d.offset,
                )
            try:
                self.matcher.core(given, wanted)
            except Mismatch as mismatch:
                fail(
                    f"type mismatch for export `{field}` of module instantiation argument "
                    f"`{module_name}`: {mismatch}",
                    d.offset,
                )
        instance = CoreInstanceType(module.exports)
        scope.core_instances.append(instance)
        return instance

    def core_inline_exports(self, d: CoreInlineExports) -> CoreInstanceType:
        exports: dict[str, CoreExternType] = {}
        for name, what in d.exports:
            if name in exports:
                fail(f"export name `{name}` already defined", d.offset)
            match what.sort:
                case (
                    CoreSort.FUNC
                    | CoreSort.TABLE
                    | CoreSort.MEMORY
                    | CoreSort.GLOBAL
                    | (CoreSort.TAG)
                ):
                    exports[name] = self.core_extern(what.sort, what.index, d.offset)
                case _:
                    fail(f"a core instance cannot export a {what.sort}", d.offset)
        instance = CoreInstanceType(exports)
        self.scope.core_instances.append(instance)
        return instance

    def core_extern(self, sort: AnySort, index: int, offset: int) -> CoreExternType:
        scope = self.scope
        match sort:
            case CoreSort.FUNC:
                return scope.core_func(index, offset)
            case CoreSort.TABLE:
                return scope.get(scope.core_tables, index, "table", offset)
            case CoreSort.MEMORY:
                return scope.get(scope.core_memories, index, "memory", offset)
            case CoreSort.GLOBAL:
                return scope.get(scope.core_globals, index, "global", offset)
            case CoreSort.TAG:
                return scope.get(scope.core_tags, index, "tag", offset)
            case _:
                raise InvalidComponent(f"{sort} cannot be a core export", offset)

    # -- component instances -----------------------------------------------------------------

    def extern_at(self, what: SortIdx, offset: int) -> ExternType:
        """The type of the definition that `what` points at, as an extern."""
        scope = self.scope
        match what.sort:
            case CoreSort.MODULE:
                return scope.get(scope.core_modules, what.index, "module", offset)
            case CoreSort():
                raise InvalidComponent(f"{what.sort} cannot pass between components", offset)
            case Sort.FUNC:
                return scope.func(what.index, offset)
            case Sort.TYPE:
                return TypeBound(scope.type(what.index, offset))
            case Sort.COMPONENT:
                return scope.get(scope.components, what.index, "component", offset)
            case Sort.INSTANCE:
                return scope.instance(what.index, offset)
            case Sort.VALUE:
                raise InvalidComponent("component values are not supported", offset)

    def instantiate(self, d: Instantiate) -> InstanceType:
        scope = self.scope
        component = scope.get(scope.components, d.component, "component", d.offset)
        args: dict[str, ExternType] = {}
        for name, what in d.args:
            if name in args:
                fail(f"instantiation argument `{name}` conflicts with previous argument", d.offset)
            args[name] = self.extern_at(what, d.offset)
        try:
            instance, made = instantiate(component, args)
        except Mismatch as mismatch:
            fail(str(mismatch), d.offset)
        scope.made += made
        scope.instances.append(_bounded(instance, d.offset))
        return instance

    def inline_exports(self, d: InlineExports) -> InstanceType:
        exports: dict[str, ExternType] = {}
        context = NameContext("export")
        for name, what in d.exports:
            extern = self.extern_at(what, d.offset)
            context.claim(name, extern, register=False)
            exports[name.name] = extern
        instance = _bounded(InstanceType(exports), d.offset)
        self.scope.instances.append(instance)
        return instance

    # -- aliases -----------------------------------------------------------------------------

    def alias(self, d: AliasExport | AliasCoreExport | AliasOuter) -> Fact:
        scope = self.scope
        match d:
            case AliasExport(offset, sort, index, name):
                extern = scope.instance(index, offset).exports.get(name)
                if extern is None:
                    fail(f"instance {index} has no export named `{name}`", offset)
                if _sort_of(extern) is not sort:
                    fail(f"export `{name}` for instance {index} is not a {sort}", offset)
                if scope.kind is not Kind.COMPONENT and sort not in (Sort.TYPE, Sort.INSTANCE):
                    fail(f"a {scope.kind.value} can alias types and instances only", offset)
                scope.add_extern(extern)
                return extern
            case AliasCoreExport(offset, sort, index, name):
                if scope.kind is not Kind.COMPONENT:
                    fail(f"a {scope.kind.value} cannot alias core exports", offset)
                instance = scope.get(scope.core_instances, index, "core instance", offset)
                given = instance.exports.get(name)
                if given is None:
                    fail(f"core instance {index} has no export named `{name}`", offset)
                self.add_core(sort, given, name, offset)
                return None
            case AliasOuter(offset, sort, count, index):
                return self.alias_outer(sort, count, index, offset)

    def add_core(self, sort: CoreSort, given: CoreExternType, name: str, offset: int) -> None:
        scope = self.scope
        match sort, given:
            case CoreSort.FUNC, core.FuncType():
                scope.core_funcs.append(given)
            case CoreSort.TABLE, core.TableType():
                scope.core_tables.append(given)
            case CoreSort.MEMORY, core.MemoryType():
                scope.core_memories.append(given)
            case CoreSort.GLOBAL, core.GlobalType():
                scope.core_globals.append(given)
            case CoreSort.TAG, _ if not isinstance(
                given, core.FuncType | core.TableType | core.MemoryType | core.GlobalType
            ):
                scope.core_tags.append(given)
            case _:
                fail(f"export `{name}` is not a {sort}", offset)

    def alias_outer(self, sort: AnySort, count: int, index: int, offset: int) -> Fact:
        scope = self.scope
        outer = scope.enclosing(count, offset)
        match sort:
            case CoreSort.MODULE:
                if scope.kind is not Kind.COMPONENT:
                    fail("aliases in a type may only refer to types or instances", offset)
                module = outer.get(outer.core_modules, index, "module", offset)
                scope.core_modules.append(module)
                return module
            case CoreSort.TYPE:
                entry = outer.get(outer.core_types, index, "core type", offset)
                scope.core_types.append(entry)
                return None
            case Sort.COMPONENT:
                component = outer.get(outer.components, index, "component", offset)
                if scope.kind is not Kind.COMPONENT:
                    fail("aliases in a type may only refer to types or instances", offset)
                self.no_outer_resources(component, outer, offset)
                scope.components.append(component)
                return component
            case Sort.TYPE:
                found = outer.type(index, offset)
                self.no_outer_resources(found, outer, offset)
                scope.types.append(found)
                return found
            case _:
                raise InvalidComponent(f"an outer alias cannot be a {sort}", offset)

    def no_outer_resources(self, t: AnyType, outer: Scope, offset: int) -> None:
        """Resources are generative: one cannot be reached across a component's boundary."""
        scope: Scope | None = self.scope
        crossed = False
        while scope is not None and scope is not outer:
            crossed |= scope.kind is Kind.COMPONENT
            scope = scope.parent
        if crossed and free_resources(t):
            fail(
                "cannot alias outer type which transitively refers to resources not defined "
                "in the current component",
                offset,
            )

    # -- types -------------------------------------------------------------------------------

    def typedef(self, d: TypeDef) -> AnyType:
        scope = self.scope
        found = self.checker.deftype(d.type, scope, d.offset, self.decls)
        scope.types.append(_bounded(found, d.offset))
        if isinstance(found, ValType):
            self.checker.value_size(found, d.offset)
        return found

    def decls(self, kind: Kind, decls: tuple[Definition, ...]) -> Scope:
        """The scope that the declarators of a component type or instance type make."""
        scope = Scope(kind, self.scope)
        inner = _Validator(scope, self.checker, self.component)
        for decl in decls:
            inner.definition(decl)
        return scope

    # -- imports and exports -----------------------------------------------------------------

    def described(self, desc: ExternDesc, offset: int, made: list[Resource]) -> ExternType:
        """The extern that `desc` describes, with its open resources made anew into `made`."""
        scope = self.scope
        if desc.sort is CoreSort.MODULE:
            entry = scope.get(scope.core_types, desc.index or 0, "core type", offset)
            if not isinstance(entry, ModuleType):
                fail(f"core type index {desc.index} is not a module type", offset)
            return entry
        if desc.sort is Sort.TYPE and desc.index is None:
            resource = Resource()
            made.append(resource)
            return TypeBound(ResourceType(resource), fresh=True)
        index = desc.index or 0
        found = scope.type(index, offset)
        match desc.sort:
            case Sort.FUNC:
                if not isinstance(found, FuncType):
                    fail(f"type index {index} is not a function type", offset)
                return found
            case Sort.TYPE:
                return TypeBound(_renamed(found), origin=found)
            case Sort.COMPONENT:
                if not isinstance(found, ComponentType):
                    fail(f"type index {index} is not a component type", offset)
                return found
            case Sort.INSTANCE:
                if not isinstance(found, InstanceType):
                    fail(f"type index {index} is not an instance type", offset)
                substitution = Substitution()
                made += substitution.fresh(found.resources)
                return InstanceType(substitution.externs(found.exports))
            case _:
                raise InvalidComponent(f"{desc.sort} cannot be imported or exported", offset)

    def import_(self, d: Import) -> ExternType:
        scope = self.scope
        if scope.kind is Kind.INSTANCE_TYPE:
            fail("an instance type cannot import", d.offset)
        extern = self.described(d.desc, d.offset, scope.imported)
        _name_resource(extern, d.name.name)
        scope.import_names.claim(d.name, extern)
        if not scope.named_imports.knows(extern):
            fail(f"{describe(extern)} not valid to be used as import", d.offset)
        scope.imports[d.name.name] = extern
        scope.add_extern(extern)
        return extern

    def export_decl(self, d: ExportDecl) -> ExternType:
        extern = self.described(d.desc, d.offset, self.scope.made)
        _name_resource(extern, d.name.name)
        self._export(d, extern, visible=self.scope.kind is not Kind.INSTANCE_TYPE)
        return extern

    def export(self, d: Export) -> ExternType:
        actual = self.extern_at(d.what, d.offset)
        if d.desc is None:
            extern = actual
            if isinstance(actual, TypeBound):
                extern = TypeBound(_renamed(actual.type), origin=actual.type)
        else:
            # An ascription may leave resources open: what is there fits, and is hidden by it.
            made: list[Resource] = []
            extern = self.described(d.desc, d.offset, made)
            substitution = Substitution()
            substitution.supply(extern, actual, frozenset(made))
            try:
                self.matcher.extern(actual, substitution.of(extern))
            except Mismatch as mismatch:
                fail(f"ascribed type of export is not compatible: {mismatch}", d.offset)
            self.scope.made += made
        if isinstance(extern, TypeBound):
            _name_resource(extern, d.name.name)
        self._export(d, extern, visible=True)
        return extern

    def _export(self, d: Export | ExportDecl, extern: ExternType, *, visible: bool) -> None:
        scope = self.scope
        scope.export_names.claim(d.name, extern)
        if visible and not scope.named_exports.knows(extern, scope.named_imports):
            fail(f"{_short_sort(extern)} not valid to be used as export", d.offset)
        scope.exports[d.name.name] = extern
        scope.add_extern(extern)


def _short_sort(extern: ExternType) -> str:
    return "type" if isinstance(extern, TypeBound) else describe(extern)


def _name_resource(extern: ExternType, name: str) -> None:
    if isinstance(extern, TypeBound) and isinstance(extern.type, ResourceType):
        resource = extern.type.resource
        resource.name = resource.name or name


def _sort_of(extern: ExternType) -> AnySort:
    match extern:
        case ModuleType():
            return CoreSort.MODULE
        case FuncType():
            return Sort.FUNC
        case TypeBound():
            return Sort.TYPE
        case ComponentType():
            return Sort.COMPONENT
        case InstanceType():
            return Sort.INSTANCE
        case _:
            return Sort.VALUE
