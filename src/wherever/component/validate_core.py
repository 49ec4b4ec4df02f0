"""Owns the validity of core module types declared in a component."""

from __future__ import annotations

from wherever.component.scope import Scope, fail
from wherever.component.syntax import (
    CoreAliasOuter,
    CoreImportDecl,
    CoreModuleTypeDef,
    CoreRecGroup,
)
from wherever.component.types import CoreExternType, CoreTag, ModuleType
from wherever.wasm import types as core

MAX_PAGES = 1 << 16


def resolve(t: core.ExternType, types: list[core.SubType], offset: int) -> CoreExternType:
    """`t` with its type index looked up in `types`."""
    match t:
        case core.TypeUse(index) | core.TagType(index):
            if index >= len(types):
                fail(f"unknown type {index}: type index out of bounds", offset)
            composite = types[index].composite
            if not isinstance(composite, core.FuncType):
                fail(f"type index {index} is not a function type", offset)
            if isinstance(t, core.TagType):
                if composite.results:
                    fail("invalid exception type: non-empty tag result type", offset)
                return CoreTag(composite)
            return composite
        case core.MemoryType(limits, page_size_log2):
            pages = MAX_PAGES << (16 - page_size_log2)
            if limits.address is core.AddressType.I32 and (
                limits.minimum > pages or (limits.maximum or 0) > pages
            ):
                fail(f"memory size must be at most {pages} pages", offset)
            return t
        case _:
            return t


def core_module_type(d: CoreModuleTypeDef, scope: Scope) -> ModuleType:
    """The module type that `d` declares."""
    types: list[core.SubType] = []
    imports: dict[tuple[str, str], CoreExternType] = {}
    exports: dict[str, CoreExternType] = {}
    for decl in d.decls:
        match decl:
            case CoreRecGroup(_, group):
                types.extend(group.types)
            case CoreAliasOuter(offset, count, index):
                if count == 0:
                    if index >= len(types):
                        fail(f"unknown type {index}: type index out of bounds", offset)
                    types.append(types[index])
                    continue
                outer = scope.enclosing(count - 1, offset)
                entry = outer.get(outer.core_types, index, "core type", offset)
                if isinstance(entry, ModuleType):
                    fail("outer alias of a module type: not supported", offset)
                types.append(entry)
            case CoreImportDecl(offset, None, name, t):
                if name in exports:
                    fail(f"export name `{name}` already defined", offset)
                exports[name] = resolve(t, types, offset)
            case CoreImportDecl(offset, module, name, t):
                key = (module or "", name)
                if key in imports:
                    fail(f"duplicate import name `{key[0]}:{name}`", offset)
                imports[key] = resolve(t, types, offset)
    return ModuleType(imports, exports)
