"""Owns reading the type productions of the component binary (Binary.md, Type Definitions)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from wherever.component.syntax import (
    AliasCoreExport,
    AliasExport,
    AliasOuter,
    AnySort,
    ComponentTypeSyntax,
    CoreAliasOuter,
    CoreImportDecl,
    CoreModuleTypeDef,
    CoreRecGroup,
    CoreSort,
    Definition,
    DefType,
    ExportDecl,
    ExternDesc,
    FuncTypeSyntax,
    Import,
    InstanceTypeSyntax,
    NameSyntax,
    ResourceTypeSyntax,
    Sort,
    SyntaxVal,
    TypeCode,
    TypeDef,
    ValTypeSyntax,
)
from wherever.component.types import PRIM_BY_CODE
from wherever.errors import Unsupported
from wherever.wasm import types as core
from wherever.wasm.cursor import Cursor, Malformed
from wherever.wasm.type_codec import read_extern_type, read_rec_group, read_val_type

MAX_TYPE_NESTING = 64

_CORE_SORTS = {sort.value: sort for sort in CoreSort}
_SORTS = {sort.value: sort for sort in Sort}
_CODES = {code.value: code for code in TypeCode}
_T = TypeVar("_T")


class TypeReader:
    """Reads types at a cursor."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.depth = 0

    def vector(self, of: str, item: Callable[[], _T], *, smallest: int = 1) -> tuple[_T, ...]:
        return tuple([item() for _ in range(self.cursor.count(of, smallest=smallest))])

    def optional(self, item: Callable[[], _T]) -> _T | None:
        match self.cursor.u8():
            case 0x00:
                return None
            case 0x01:
                return item()
            case code:
                raise Malformed(
                    f"unknown optional marker {code:#x}", self.cursor.pos - 1, what="component"
                )

    # -- sorts, aliases, names ---------------------------------------------------------------

    def core_sort(self) -> CoreSort:
        code = self.cursor.u8()
        sort = _CORE_SORTS.get(code)
        if sort is None:
            raise self.cursor.error(f"unknown core sort {code:#x}", self.cursor.pos - 1)
        return sort

    def sort(self) -> AnySort:
        code = self.cursor.u8()
        if code == 0x00:
            return self.core_sort()
        sort = _SORTS.get(code)
        if sort is None:
            raise self.cursor.error(f"unknown sort {code:#x}", self.cursor.pos - 1)
        return sort

    def alias(self, offset: int) -> AliasExport | AliasCoreExport | AliasOuter:
        cursor = self.cursor
        sort = self.sort()
        match cursor.u8():
            case 0x00:
                if isinstance(sort, CoreSort) and sort is not CoreSort.MODULE:
                    raise cursor.error(f"an instance cannot export a {sort}", offset)
                return AliasExport(offset, sort, cursor.u32(), cursor.name())
            case 0x01:
                if not isinstance(sort, CoreSort):
                    raise cursor.error(f"a core instance cannot export a {sort}", offset)
                return AliasCoreExport(offset, sort, cursor.u32(), cursor.name())
            case 0x02:
                return AliasOuter(offset, sort, cursor.u32(), cursor.u32())
            case code:
                raise Malformed(f"unknown alias target {code:#x}", cursor.pos - 1, what="component")

    def extern_name(self) -> NameSyntax:
        cursor = self.cursor
        offset = cursor.pos
        match cursor.u8():
            case 0x00 | 0x01:
                return NameSyntax(cursor.name(), offset)
            case 0x02:
                name = cursor.name()
                options: dict[int, str] = {}
                for _ in range(cursor.count("name options", smallest=2)):
                    code = cursor.u8()
                    if code > 0x02 or code in options:
                        raise cursor.error(
                            f"unknown or repeated name option {code:#x}", cursor.pos - 1
                        )
                    options[code] = cursor.name()
                return NameSyntax(name, offset, options.get(0), options.get(1), options.get(2))
            case code:
                raise Malformed(f"unknown name kind {code:#x}", offset, what="component")

    # -- core types --------------------------------------------------------------------------

    def core_type(self) -> CoreRecGroup | CoreModuleTypeDef:
        cursor = self.cursor
        offset = cursor.pos
        code = cursor.peek()
        if code == 0x50:
            cursor.skip(1)
            return CoreModuleTypeDef(
                offset, self.vector("module declarations", self.core_decl, smallest=2)
            )
        if code == 0x00:
            # A non-final `sub` shares its code with module types: 0x00 goes before it.
            cursor.skip(1)
            if cursor.peek() != 0x50:
                raise cursor.error("expected a non-final sub type after 0x00", offset)
        return CoreRecGroup(offset, read_rec_group(cursor))

    def core_decl(self) -> CoreRecGroup | CoreImportDecl | CoreAliasOuter:
        cursor = self.cursor
        offset = cursor.pos
        match cursor.u8():
            case 0x00:
                module, name = cursor.name(), cursor.name()
                return CoreImportDecl(offset, module, name, read_extern_type(cursor))
            case 0x01:
                inner = self.core_type()
                if isinstance(inner, CoreModuleTypeDef):
                    raise cursor.error("a module type cannot declare a module type", offset)
                return inner
            case 0x02:
                if self.core_sort() is not CoreSort.TYPE or cursor.u8() != 0x01:
                    raise cursor.error("a module type can alias outer types only", offset)
                return CoreAliasOuter(offset, cursor.u32(), cursor.u32())
            case 0x03:
                return CoreImportDecl(offset, None, cursor.name(), read_extern_type(cursor))
            case code:
                raise Malformed(f"unknown module declaration {code:#x}", offset, what="component")

    def core_valtype(self) -> core.ValType:
        return read_val_type(self.cursor)

    # -- component types ---------------------------------------------------------------------

    def valtype(self) -> SyntaxVal:
        cursor = self.cursor
        offset = cursor.pos
        code = cursor.peek()
        prim = PRIM_BY_CODE.get(code)
        if prim is not None:
            cursor.skip(1)
            return prim
        index = cursor.s33()
        if index < 0:
            raise cursor.error(f"unknown value type {code:#x}", offset)
        return index

    def resultlist(self) -> SyntaxVal | None:
        cursor = self.cursor
        match cursor.u8():
            case 0x00:
                return self.valtype()
            case 0x01:
                if cursor.u8() != 0x00:
                    raise cursor.error("a function has at most one result, and it has no name")
                return None
            case code:
                raise Malformed(f"unknown result list {code:#x}", cursor.pos - 1, what="component")

    def labelvaltype(self) -> tuple[str, SyntaxVal]:
        return self.cursor.name(), self.valtype()

    def deftype(self) -> DefType:
        cursor = self.cursor
        offset = cursor.pos
        code = cursor.u8()
        prim = PRIM_BY_CODE.get(code)
        if prim is not None:
            return ValTypeSyntax(None, (prim,))
        match code:
            case 0x40 | 0x43:
                params = self.vector("parameters", self.labelvaltype, smallest=2)
                return FuncTypeSyntax(params, self.resultlist(), code == 0x43)
            case 0x41:
                return ComponentTypeSyntax(self.nested(self.component_decl))
            case 0x42:
                return InstanceTypeSyntax(self.nested(self.instance_decl))
            case 0x3F | 0x3E:
                rep = cursor.u8()
                if rep != 0x7F:
                    raise cursor.error(
                        "a resource can only be represented by `i32`", cursor.pos - 1
                    )
                if code == 0x3F:
                    return ResourceTypeSyntax(self.optional(cursor.u32))
                return ResourceTypeSyntax(cursor.u32(), True, self.optional(cursor.u32))
            case _:
                constructor = _CODES.get(code)
                if constructor is None:
                    raise cursor.error(f"unknown type {code:#x}", offset)
                return self.defvaltype(constructor, offset)

    def defvaltype(self, code: TypeCode, offset: int) -> ValTypeSyntax:
        cursor = self.cursor
        match code:
            case TypeCode.RECORD:
                fields = self.vector("record fields", self.labelvaltype, smallest=2)
                if not fields:
                    raise cursor.error("record type must have at least one field", offset)
                return ValTypeSyntax(code, tuple(t for _, t in fields), tuple(n for n, _ in fields))
            case TypeCode.VARIANT:
                cases = self.vector("variant cases", self.case, smallest=3)
                if not cases:
                    raise cursor.error("variant type must have at least one case", offset)
                return ValTypeSyntax(code, tuple(t for _, t in cases), tuple(n for n, _ in cases))
            case TypeCode.TUPLE:
                types = self.vector("tuple types", self.valtype)
                if not types:
                    raise cursor.error("tuple type must have at least one type", offset)
                return ValTypeSyntax(code, types)
            case TypeCode.FLAGS | TypeCode.ENUM:
                labels = self.vector("labels", cursor.name)
                if not labels:
                    what = "flags must have at least one entry"
                    if code is TypeCode.ENUM:
                        what = "enum type must have at least one variant"
                    raise cursor.error(what, offset)
                return ValTypeSyntax(code, (), labels)
            case TypeCode.LIST | TypeCode.OPTION:
                return ValTypeSyntax(code, (self.valtype(),))
            case TypeCode.FIXED_LIST:
                element = self.valtype()
                length = cursor.u32()
                if length == 0:
                    raise cursor.error("a fixed-length list must have at least one element", offset)
                return ValTypeSyntax(code, (element,), (), length)
            case TypeCode.MAP:
                return ValTypeSyntax(code, (self.valtype(), self.valtype()))
            case TypeCode.RESULT:
                return ValTypeSyntax(
                    code, (self.optional(self.valtype), self.optional(self.valtype))
                )
            case TypeCode.OWN | TypeCode.BORROW:
                return ValTypeSyntax(code, (cursor.u32(),))
            case TypeCode.STREAM | TypeCode.FUTURE:
                return ValTypeSyntax(code, (self.optional(self.valtype),))

    def case(self) -> tuple[str, SyntaxVal | None]:
        name = self.cursor.name()
        type_ = self.optional(self.valtype)
        if self.cursor.u8() != 0x00:
            raise self.cursor.error("a variant case cannot refine another", self.cursor.pos - 1)
        return name, type_

    def nested(self, decl: Callable[[], Definition]) -> tuple[Definition, ...]:
        self.depth += 1
        if self.depth > MAX_TYPE_NESTING:
            raise self.cursor.error(f"types are nested more than {MAX_TYPE_NESTING} deep")
        decls = self.vector("declarations", decl, smallest=2)
        self.depth -= 1
        return decls

    def component_decl(self) -> Definition:
        if self.cursor.peek() == 0x03:
            offset = self.cursor.pos
            self.cursor.skip(1)
            return Import(offset, self.extern_name(), self.externdesc())
        return self.instance_decl()

    def instance_decl(self) -> Definition:
        cursor = self.cursor
        offset = cursor.pos
        match cursor.u8():
            case 0x00:
                return self.core_type()
            case 0x01:
                return TypeDef(offset, self.deftype())
            case 0x02:
                return self.alias(offset)
            case 0x04:
                return ExportDecl(offset, self.extern_name(), self.externdesc())
            case code:
                raise Malformed(f"unknown declaration {code:#x}", offset, what="component")

    def externdesc(self) -> ExternDesc:
        cursor = self.cursor
        offset = cursor.pos
        match cursor.u8():
            case 0x00:
                if cursor.u8() != CoreSort.MODULE.value:
                    raise cursor.error("only core modules can be imported or exported", offset)
                return ExternDesc(CoreSort.MODULE, cursor.u32())
            case 0x01:
                return ExternDesc(Sort.FUNC, cursor.u32())
            case 0x02:
                raise Unsupported(
                    f"component values (at offset {offset:#x}): the specification gates them "
                    "and wherever does not have them yet"
                )
            case 0x03:
                match cursor.u8():
                    case 0x00:
                        return ExternDesc(Sort.TYPE, cursor.u32())
                    case 0x01:
                        return ExternDesc(Sort.TYPE, None)
                    case code:
                        raise Malformed(
                            f"unknown type bound {code:#x}", cursor.pos - 1, what="component"
                        )
            case 0x04:
                return ExternDesc(Sort.COMPONENT, cursor.u32())
            case 0x05:
                return ExternDesc(Sort.INSTANCE, cursor.u32())
            case code:
                raise Malformed(f"unknown extern description {code:#x}", offset, what="component")
