"""Owns the binary form of types, read and written side by side (core specification, 5.3 Types)."""

from __future__ import annotations

from typing import assert_never

from wherever.wasm.cursor import Cursor
from wherever.wasm.leb128 import signed, unsigned
from wherever.wasm.types import (
    HEAP_BY_CODE,
    VALTYPE_BY_CODE,
    AbstractHeap,
    AddressType,
    ArrayType,
    CompositeType,
    ConcreteHeap,
    ExternKind,
    ExternType,
    FieldType,
    FuncType,
    GlobalType,
    HeapType,
    Limits,
    MemoryType,
    NumType,
    PackedType,
    RecGroup,
    RefType,
    StorageType,
    StructType,
    SubType,
    TableType,
    TagType,
    TypeIndex,
    TypeUse,
    ValType,
    VecType,
)

_REF, _REF_NULL = 0x64, 0x63
_REC, _SUB, _SUB_FINAL = 0x4E, 0x50, 0x4F
_FUNC, _STRUCT, _ARRAY = 0x60, 0x5F, 0x5E
_PACKED = {packed.value: packed for packed in PackedType}
_HAS_MAXIMUM, _SHARED, _ADDRESS_64, _PAGE_SIZE = 1, 2, 4, 8


def read_heap_type(cursor: Cursor) -> HeapType:
    """5.3.3: one byte, or a type index as a signed 33-bit integer."""
    heap = HEAP_BY_CODE.get(cursor.peek())
    if heap is not None:
        cursor.pos += 1
        return heap
    start = cursor.pos
    index = cursor.s33()
    if index < 0:
        raise cursor.error(f"malformed heap type {cursor.data[start]:#04x}", start)
    return ConcreteHeap(TypeIndex(index))


def encode_heap_type(heap: HeapType) -> bytes:
    """The inverse of `read_heap_type`."""
    match heap:
        case AbstractHeap():
            return bytes((heap.value,))
        case ConcreteHeap(index):
            return signed(index)
        case _:
            assert_never(heap)


def read_val_type(cursor: Cursor) -> ValType:
    """5.3.5."""
    code = cursor.u8()
    plain = VALTYPE_BY_CODE.get(code)
    if plain is not None:
        return plain
    if code in (_REF, _REF_NULL):
        return RefType(nullable=code == _REF_NULL, heap=read_heap_type(cursor))
    raise cursor.error(f"malformed value type {code:#04x}", cursor.pos - 1)


def encode_val_type(valtype: ValType) -> bytes:
    """The inverse of `read_val_type`, in the shortest form."""
    match valtype:
        case NumType() | VecType():
            return bytes((valtype.value,))
        case RefType(nullable=True, heap=AbstractHeap() as heap):
            return bytes((heap.value,))
        case RefType(nullable, heap):
            return bytes((_REF_NULL if nullable else _REF,)) + encode_heap_type(heap)
        case _:
            assert_never(valtype)


def read_ref_type(cursor: Cursor) -> RefType:
    """5.3.4."""
    start = cursor.pos
    valtype = read_val_type(cursor)
    if not isinstance(valtype, RefType):
        raise cursor.error(f"malformed reference type {cursor.data[start]:#04x}", start)
    return valtype


def read_val_types(cursor: Cursor) -> tuple[ValType, ...]:
    """A vector of value types (5.3.6 Result Types)."""
    count = cursor.count("value types")
    return tuple([read_val_type(cursor) for _ in range(count)])


def encode_val_types(valtypes: tuple[ValType, ...]) -> bytes:
    """The inverse of `read_val_types`."""
    return unsigned(len(valtypes)) + b"".join(map(encode_val_type, valtypes))


def _read_flag(cursor: Cursor, of: str) -> bool:
    flag = cursor.u8()
    if flag > 1:
        raise cursor.error(f"malformed {of} {flag:#04x}", cursor.pos - 1)
    return flag == 1


def _read_field(cursor: Cursor) -> FieldType:
    packed = _PACKED.get(cursor.peek())
    storage: StorageType
    if packed is not None:
        cursor.pos += 1
        storage = packed
    else:
        storage = read_val_type(cursor)
    return FieldType(storage, mutable=_read_flag(cursor, "mutability"))


def _encode_field(field: FieldType) -> bytes:
    storage = field.storage
    code = bytes((storage.value,)) if isinstance(storage, PackedType) else encode_val_type(storage)
    return code + bytes((field.mutable,))


def _read_composite(cursor: Cursor) -> CompositeType:
    code = cursor.u8()
    if code == _FUNC:
        return FuncType(read_val_types(cursor), read_val_types(cursor))
    if code == _STRUCT:
        count = cursor.count("fields", smallest=2)
        return StructType(tuple([_read_field(cursor) for _ in range(count)]))
    if code == _ARRAY:
        return ArrayType(_read_field(cursor))
    raise cursor.error(f"malformed composite type {code:#04x}", cursor.pos - 1)


def _encode_composite(composite: CompositeType) -> bytes:
    match composite:
        case FuncType(params, results):
            return bytes((_FUNC,)) + encode_val_types(params) + encode_val_types(results)
        case StructType(fields):
            return bytes((_STRUCT,)) + unsigned(len(fields)) + b"".join(map(_encode_field, fields))
        case ArrayType(element):
            return bytes((_ARRAY,)) + _encode_field(element)
        case _:
            assert_never(composite)


def _read_sub_type(cursor: Cursor) -> SubType:
    code = cursor.peek()
    if code not in (_SUB, _SUB_FINAL):
        return SubType(_read_composite(cursor))
    cursor.pos += 1
    supertypes = tuple([TypeIndex(index) for index in cursor.u32s("supertypes")])
    return SubType(_read_composite(cursor), final=code == _SUB_FINAL, supertypes=supertypes)


def _encode_sub_type(sub: SubType) -> bytes:
    composite = _encode_composite(sub.composite)
    if sub.final and not sub.supertypes:
        return composite
    head = bytes((_SUB_FINAL if sub.final else _SUB,)) + unsigned(len(sub.supertypes))
    return head + b"".join(map(unsigned, sub.supertypes)) + composite


def read_rec_group(cursor: Cursor) -> RecGroup:
    """5.3.9: a group, or the abbreviation of a group of one."""
    if cursor.peek() != _REC:
        return RecGroup((_read_sub_type(cursor),))
    cursor.pos += 1
    count = cursor.count("types", smallest=2)
    return RecGroup(tuple([_read_sub_type(cursor) for _ in range(count)]))


def encode_rec_group(group: RecGroup) -> bytes:
    """The inverse of `read_rec_group`, in the shortest form."""
    members = b"".join(map(_encode_sub_type, group.types))
    if len(group.types) == 1:
        return members
    return bytes((_REC,)) + unsigned(len(group.types)) + members


def _read_limits(cursor: Cursor, allowed: int, of: str) -> tuple[Limits, int]:
    flags = cursor.u8()
    if flags & ~allowed:
        raise cursor.error(f"malformed limits flags {flags:#04x} of a {of}", cursor.pos - 1)
    wide = flags & _ADDRESS_64 != 0
    bound = cursor.u64 if wide else cursor.u32
    minimum = bound()
    maximum = bound() if flags & _HAS_MAXIMUM else None
    address = AddressType.I64 if wide else AddressType.I32
    return Limits(minimum, maximum, address, shared=flags & _SHARED != 0), flags


def _encode_limits(limits: Limits, extra: int = 0) -> bytes:
    flags = extra
    flags |= _HAS_MAXIMUM if limits.maximum is not None else 0
    flags |= _SHARED if limits.shared else 0
    flags |= _ADDRESS_64 if limits.address is AddressType.I64 else 0
    bounds = unsigned(limits.minimum)
    if limits.maximum is not None:
        bounds += unsigned(limits.maximum)
    return bytes((flags,)) + bounds


def read_memory_type(cursor: Cursor) -> MemoryType:
    """5.3.11, with the flag and the exponent of the custom-page-sizes proposal."""
    limits, flags = _read_limits(
        cursor, _HAS_MAXIMUM | _SHARED | _ADDRESS_64 | _PAGE_SIZE, "memory"
    )
    if not flags & _PAGE_SIZE:
        return MemoryType(limits)
    start = cursor.pos
    exponent = cursor.u32()
    if exponent > 64:
        raise cursor.error(f"malformed page size 2**{exponent}", start)
    return MemoryType(limits, exponent)


def encode_memory_type(memory: MemoryType) -> bytes:
    """The inverse of `read_memory_type`."""
    if memory.page_size_log2 == 16:
        return _encode_limits(memory.limits)
    return _encode_limits(memory.limits, _PAGE_SIZE) + unsigned(memory.page_size_log2)


def read_table_type(cursor: Cursor) -> TableType:
    """5.3.12."""
    element = read_ref_type(cursor)
    limits, _ = _read_limits(cursor, _HAS_MAXIMUM | _ADDRESS_64, "table")
    return TableType(element, limits)


def encode_table_type(table: TableType) -> bytes:
    """The inverse of `read_table_type`."""
    return encode_val_type(table.element) + _encode_limits(table.limits)


def read_global_type(cursor: Cursor) -> GlobalType:
    """5.3.13."""
    return GlobalType(read_val_type(cursor), mutable=_read_flag(cursor, "mutability"))


def encode_global_type(global_type: GlobalType) -> bytes:
    """The inverse of `read_global_type`."""
    return encode_val_type(global_type.value) + bytes((global_type.mutable,))


def read_tag_type(cursor: Cursor) -> TagType:
    """5.3.14: an attribute, always zero, and a type index."""
    attribute = cursor.u8()
    if attribute:
        raise cursor.error(f"malformed tag attribute {attribute:#04x}", cursor.pos - 1)
    return TagType(TypeIndex(cursor.u32()))


def encode_tag_type(tag: TagType) -> bytes:
    """The inverse of `read_tag_type`."""
    return b"\0" + unsigned(tag.index)


def read_extern_type(cursor: Cursor) -> ExternType:
    """5.3.15, as an import states it."""
    code = cursor.u8()
    match code:
        case ExternKind.FUNC.value:
            return TypeUse(TypeIndex(cursor.u32()))
        case ExternKind.TABLE.value:
            return read_table_type(cursor)
        case ExternKind.MEMORY.value:
            return read_memory_type(cursor)
        case ExternKind.GLOBAL.value:
            return read_global_type(cursor)
        case ExternKind.TAG.value:
            return read_tag_type(cursor)
        case _:
            raise cursor.error(f"malformed import kind {code:#04x}", cursor.pos - 1)


def encode_extern_type(extern: ExternType) -> bytes:
    """The inverse of `read_extern_type`."""
    match extern:
        case TypeUse(index):
            return b"\0" + unsigned(index)
        case TableType():
            return b"\1" + encode_table_type(extern)
        case MemoryType():
            return b"\2" + encode_memory_type(extern)
        case GlobalType():
            return b"\3" + encode_global_type(extern)
        case TagType():
            return b"\4" + encode_tag_type(extern)
        case _:
            assert_never(extern)
