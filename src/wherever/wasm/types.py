"""Owns the WebAssembly 3.0 type system as frozen values (core specification, 2.3 Types).

Names are the specification's. `str()` of every value is its text form, so a type prints in a
message, in `inspect` and in a listing in the same words. Type indices inside a value are indices
into the type section of the module that the value came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NewType, TypeAlias, assert_never

from wherever.wasm.frozen import frozen

TypeIndex = NewType("TypeIndex", int)
"""An index into a module's type space; the members of a recursion group take one each."""


class NumType(Enum):
    """A number type; the value is its code in the binary format (5.3.1)."""

    I32 = 0x7F
    I64 = 0x7E
    F32 = 0x7D
    F64 = 0x7C

    def __str__(self) -> str:
        return self.name.lower()


class VecType(Enum):
    """A vector type (5.3.2)."""

    V128 = 0x7B

    def __str__(self) -> str:
        return "v128"


class PackedType(Enum):
    """A type that only a field can have (5.3.8)."""

    I8 = 0x78
    I16 = 0x77

    def __str__(self) -> str:
        return self.name.lower()


class AbstractHeap(Enum):
    """An abstract heap type (5.3.3)."""

    NOEXN = 0x74
    NOFUNC = 0x73
    NOEXTERN = 0x72
    NONE = 0x71
    FUNC = 0x70
    EXTERN = 0x6F
    ANY = 0x6E
    EQ = 0x6D
    I31 = 0x6C
    STRUCT = 0x6B
    ARRAY = 0x6A
    EXN = 0x69

    def __str__(self) -> str:
        return self.name.lower()


@frozen
class ConcreteHeap:
    """A heap type that is one of the module's own types."""

    index: TypeIndex

    def __str__(self) -> str:
        return str(self.index)


HeapType: TypeAlias = AbstractHeap | ConcreteHeap

# The text form abbreviates nullable references to the abstract types: (ref null func) = funcref.
_ABBREVIATIONS: dict[AbstractHeap, str] = {
    AbstractHeap.NOEXN: "nullexnref",
    AbstractHeap.NOFUNC: "nullfuncref",
    AbstractHeap.NOEXTERN: "nullexternref",
    AbstractHeap.NONE: "nullref",
}


@frozen
class RefType:
    """A reference type (5.3.4)."""

    nullable: bool
    heap: HeapType

    def __str__(self) -> str:
        if self.nullable and isinstance(self.heap, AbstractHeap):
            return _ABBREVIATIONS.get(self.heap, f"{self.heap}ref")
        return f"(ref {'null ' if self.nullable else ''}{self.heap})"


ValType: TypeAlias = NumType | VecType | RefType
StorageType: TypeAlias = ValType | PackedType

I32, I64, F32, F64 = NumType.I32, NumType.I64, NumType.F32, NumType.F64
V128 = VecType.V128
FUNCREF = RefType(nullable=True, heap=AbstractHeap.FUNC)
EXTERNREF = RefType(nullable=True, heap=AbstractHeap.EXTERN)
ANYREF = RefType(nullable=True, heap=AbstractHeap.ANY)
EXNREF = RefType(nullable=True, heap=AbstractHeap.EXN)

VALTYPE_BY_CODE: dict[int, ValType] = {
    **{numtype.value: numtype for numtype in NumType},
    VecType.V128.value: V128,
    **{heap.value: RefType(nullable=True, heap=heap) for heap in AbstractHeap},
}
"""The value types that are one byte in the binary format."""
HEAP_BY_CODE: dict[int, AbstractHeap] = {heap.value: heap for heap in AbstractHeap}


@frozen
class FieldType:
    """The type of a structure's field or an array's element (5.3.8)."""

    storage: StorageType
    mutable: bool

    def __str__(self) -> str:
        return f"(mut {self.storage})" if self.mutable else str(self.storage)


@frozen
class FuncType:
    """A function's signature (5.3.7)."""

    params: tuple[ValType, ...] = ()
    results: tuple[ValType, ...] = ()

    def __str__(self) -> str:
        words = ["func"]
        if self.params:
            words.append(f"(param {' '.join(map(str, self.params))})")
        if self.results:
            words.append(f"(result {' '.join(map(str, self.results))})")
        return f"({' '.join(words)})"


@frozen
class StructType:
    """A structure type (5.3.8)."""

    fields: tuple[FieldType, ...] = ()

    def __str__(self) -> str:
        return f"(struct{''.join(f' (field {field})' for field in self.fields)})"


@frozen
class ArrayType:
    """An array type (5.3.8)."""

    element: FieldType

    def __str__(self) -> str:
        return f"(array {self.element})"


CompositeType: TypeAlias = FuncType | StructType | ArrayType


def mentioned_types(composite: CompositeType) -> Iterator[TypeIndex]:
    """The indices of the module's types that a type refers to."""
    storages: Iterable[StorageType]
    match composite:
        case FuncType(params, results):
            storages = params + results
        case StructType(fields):
            storages = [field.storage for field in fields]
        case ArrayType(element):
            storages = (element.storage,)
        case _:
            assert_never(composite)
    for storage in storages:
        if isinstance(storage, RefType) and isinstance(storage.heap, ConcreteHeap):
            yield storage.heap.index


@frozen
class SubType:
    """A member of a recursion group (5.3.9); what plain MVP types abbreviate is final."""

    composite: CompositeType
    final: bool = True
    supertypes: tuple[TypeIndex, ...] = ()

    def __str__(self) -> str:
        if self.final and not self.supertypes:
            return str(self.composite)
        words = ["sub", *(["final"] if self.final else []), *map(str, self.supertypes)]
        return f"({' '.join(words)} {self.composite})"


@frozen
class RecGroup:
    """A recursion group (5.3.9): types that may refer to each other."""

    types: tuple[SubType, ...]

    def __str__(self) -> str:
        if len(self.types) == 1:
            return f"(type {self.types[0]})"
        return f"(rec {' '.join(f'(type {member})' for member in self.types)})"


class AddressType(Enum):
    """What indexes a memory or a table (5.3.10)."""

    I32 = "i32"
    I64 = "i64"

    def __str__(self) -> str:
        return self.value


@frozen
class Limits:
    """Bounds of a memory, in its pages, or of a table, in elements (5.3.10)."""

    minimum: int
    maximum: int | None = None
    address: AddressType = AddressType.I32
    shared: bool = False

    def __str__(self) -> str:
        words = ["i64"] if self.address is AddressType.I64 else []
        words.append(str(self.minimum))
        if self.maximum is not None:
            words.append(str(self.maximum))
        if self.shared:
            words.append("shared")
        return " ".join(words)


@frozen
class MemoryType:
    """A memory's type (5.3.11); a page of other than 64 KiB is the custom-page-sizes proposal."""

    limits: Limits
    page_size_log2: int = 16

    @property
    def page_size(self) -> int:
        """The bytes in one page."""
        return 1 << self.page_size_log2

    def __str__(self) -> str:
        page = "" if self.page_size_log2 == 16 else f" (pagesize {self.page_size:#x})"
        return f"(memory {self.limits}{page})"


@frozen
class TableType:
    """A table's type (5.3.12)."""

    element: RefType
    limits: Limits

    def __str__(self) -> str:
        return f"(table {self.limits} {self.element})"


@frozen
class GlobalType:
    """A global's type (5.3.13)."""

    value: ValType
    mutable: bool = False

    def __str__(self) -> str:
        return f"(global (mut {self.value}))" if self.mutable else f"(global {self.value})"


@frozen
class TagType:
    """An exception tag's type (5.3.14): the function type whose parameters it carries."""

    index: TypeIndex

    def __str__(self) -> str:
        return f"(tag (type {self.index}))"


@frozen
class TypeUse:
    """A function's type, by index, as an import or the function section states it."""

    index: TypeIndex

    def __str__(self) -> str:
        return f"(func (type {self.index}))"


ExternType: TypeAlias = TypeUse | TableType | MemoryType | GlobalType | TagType


class ExternKind(Enum):
    """What an import or an export can be; the value is its code in the binary format (5.3.15)."""

    FUNC = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3
    TAG = 4

    def __str__(self) -> str:
        return self.name.lower()
