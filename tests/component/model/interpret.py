"""The canonical ABI as the specification's definitions.py has it: slow, direct, no code generation.

Values are neutral: a record or tuple is a tuple, a variant (also option, result, enum) is
(case index, payload), flags are bits, a handle is its representation. Written from the document, so
that the compiled version is compared with something that shares nothing with it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from wherever.component import types as ct

ENCODINGS = ("utf8", "utf16", "latin1+utf16")
TAG = 1 << 31


def despecialize(t: Any) -> Any:
    match t:
        case ct.PrimType(prim):
            return prim
        case ct.TupleType(types):
            return ct.RecordType(tuple((str(i), x) for i, x in enumerate(types)))
        case ct.EnumType(labels):
            return ct.VariantType(tuple((label, None) for label in labels))
        case ct.OptionType(some):
            return ct.VariantType((("none", None), ("some", some)))
        case ct.ResultType(ok, error):
            return ct.VariantType((("ok", ok), ("error", error)))
        case _:
            return t


_SIZES = {
    "bool": 1,
    "s8": 1,
    "u8": 1,
    "s16": 2,
    "u16": 2,
    "s32": 4,
    "u32": 4,
    "s64": 8,
    "u64": 8,
    "f32": 4,
    "f64": 8,
    "char": 4,
}


def align_to(ptr: int, alignment: int) -> int:
    return -(-ptr // alignment) * alignment


def discriminant(t: ct.VariantType) -> int:
    n = len(t.cases)
    return 1 if n <= 256 else 2 if n <= 65536 else 4


def flags_bytes(t: ct.FlagsType) -> int:
    n = len(t.labels)
    return 1 if n <= 8 else 2 if n <= 16 else 4


def alignment(t: Any) -> int:
    match despecialize(t):
        case ct.Prim.STRING | ct.ListType(_, None):
            return 4
        case ct.Prim() as p:
            return _SIZES[str(p)]
        case ct.ListType(element, _):
            return alignment(element)
        case ct.RecordType(fields):
            return max(alignment(f) for _, f in fields)
        case ct.VariantType(cases) as v:
            return max([discriminant(v), *[alignment(c) for _, c in cases if c is not None]])
        case ct.FlagsType() as f:
            return flags_bytes(f)
        case _:
            return 4


def size(t: Any) -> int:
    match despecialize(t):
        case ct.Prim.STRING | ct.ListType(_, None):
            return 8
        case ct.Prim() as p:
            return _SIZES[str(p)]
        case ct.ListType(element, length):
            return length * size(element)
        case ct.RecordType(fields) as r:
            s = 0
            for _, f in fields:
                s = align_to(s, alignment(f)) + size(f)
            return align_to(s, alignment(r))
        case ct.VariantType(cases) as v:
            s = align_to(discriminant(v), payload_alignment(v))
            s += max([size(c) for _, c in cases if c is not None], default=0)
            return align_to(s, alignment(v))
        case ct.FlagsType() as f:
            return flags_bytes(f)
        case _:
            return 4


def payload_alignment(v: ct.VariantType) -> int:
    return max([alignment(c) for _, c in v.cases if c is not None], default=1)


def flatten(t: Any) -> list[str]:
    match despecialize(t):
        case ct.Prim.STRING | ct.ListType(_, None):
            return ["i32", "i32"]
        case ct.Prim.S64 | ct.Prim.U64:
            return ["i64"]
        case ct.Prim.F32:
            return ["f32"]
        case ct.Prim.F64:
            return ["f64"]
        case ct.ListType(element, length):
            return flatten(element) * length
        case ct.RecordType(fields):
            return [x for _, f in fields for x in flatten(f)]
        case ct.VariantType(cases):
            flat: list[str] = []
            for _, c in cases:
                for i, x in enumerate(flatten(c) if c is not None else []):
                    if i < len(flat):
                        flat[i] = join(flat[i], x)
                    else:
                        flat.append(x)
            return ["i32", *flat]
        case _:
            return ["i32"]


def join(a: str, b: str) -> str:
    if a == b:
        return a
    return "i32" if {a, b} == {"i32", "f32"} else "i64"


class Guest:
    """A memory with a bump allocator that keeps what was there."""

    def __init__(self, encoding: str, memory: int = 1 << 16) -> None:
        self.encoding = encoding
        self.memory = bytearray(memory)
        self.next = 8

    @property
    def view(self) -> memoryview:
        return memoryview(self.memory)

    def refresh(self) -> memoryview:
        return self.view

    def realloc(self, old: int, old_size: int, align: int, new_size: int) -> int:
        ptr = align_to(self.next, align)
        self.next = ptr + new_size
        while self.next > len(self.memory):
            # A guest's memory grows in place; here the old one must be found again: by `refresh`.
            self.memory += bytes(1 << 16)
        self.memory[ptr : ptr + min(old_size, new_size)] = self.memory[
            old : old + min(old_size, new_size)
        ]
        return ptr

    # -- loading -----------------------------------------------------------------------------

    def integer(self, ptr: int, nbytes: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.memory[ptr : ptr + nbytes], "little", signed=signed)

    def load(self, ptr: int, t: Any) -> Any:
        assert ptr == align_to(ptr, alignment(t))
        match despecialize(t):
            case ct.Prim.BOOL:
                return bool(self.integer(ptr, 1))
            case ct.Prim.F32:
                return struct.unpack_from("<f", self.memory, ptr)[0]
            case ct.Prim.F64:
                return struct.unpack_from("<d", self.memory, ptr)[0]
            case ct.Prim.CHAR:
                return chr(self.integer(ptr, 4))
            case ct.Prim.STRING:
                return self.string(self.integer(ptr, 4), self.integer(ptr + 4, 4))
            case ct.Prim() as p:
                return self.integer(ptr, _SIZES[str(p)], signed=str(p)[0] == "s")
            case ct.ListType(element, None):
                return self.list(self.integer(ptr, 4), self.integer(ptr + 4, 4), element)
            case ct.ListType(element, length):
                return self.list(ptr, length, element)
            case ct.RecordType(fields):
                values = []
                for _, f in fields:
                    ptr = align_to(ptr, alignment(f))
                    values.append(self.load(ptr, f))
                    ptr += size(f)
                return tuple(values)
            case ct.VariantType(cases) as v:
                index = self.integer(ptr, discriminant(v))
                case = cases[index][1]
                if case is None:
                    return index, None
                return index, self.load(ptr + align_to(discriminant(v), payload_alignment(v)), case)
            case ct.FlagsType() as f:
                return self.integer(ptr, flags_bytes(f))
            case other:
                raise NotImplementedError(other)

    def string(self, ptr: int, units: int) -> str:
        match self.encoding:
            case "utf8":
                return self.memory[ptr : ptr + units].decode()
            case "utf16":
                assert ptr % 2 == 0
                return self.memory[ptr : ptr + 2 * units].decode("utf-16-le")
            case _:
                assert ptr % 2 == 0
                if units & TAG:
                    return self.memory[ptr : ptr + 2 * (units ^ TAG)].decode("utf-16-le")
                return self.memory[ptr : ptr + units].decode("latin-1")

    def list(self, ptr: int, length: int, element: Any) -> list[Any]:
        assert ptr == align_to(ptr, alignment(element))
        assert ptr + length * size(element) <= len(self.memory)
        return [self.load(ptr + i * size(element), element) for i in range(length)]

    # -- storing -----------------------------------------------------------------------------

    def store_integer(self, value: int, ptr: int, nbytes: int) -> None:
        masked = value & ((1 << 8 * nbytes) - 1)
        self.memory[ptr : ptr + nbytes] = masked.to_bytes(nbytes, "little")

    def store(self, value: Any, t: Any, ptr: int) -> None:
        assert ptr == align_to(ptr, alignment(t))
        match despecialize(t):
            case ct.Prim.F32:
                struct.pack_into("<f", self.memory, ptr, value)
            case ct.Prim.F64:
                struct.pack_into("<d", self.memory, ptr, value)
            case ct.Prim.CHAR:
                self.store_integer(ord(value), ptr, 4)
            case ct.Prim.STRING:
                begin, units = self.put_string(value)
                self.store_integer(begin, ptr, 4)
                self.store_integer(units, ptr + 4, 4)
            case ct.Prim() as p:
                self.store_integer(int(value), ptr, _SIZES[str(p)])
            case ct.ListType(element, None):
                begin, count = self.put_list(value, element)
                self.store_integer(begin, ptr, 4)
                self.store_integer(count, ptr + 4, 4)
            case ct.ListType(element, _):
                for i, item in enumerate(value):
                    self.store(item, element, ptr + i * size(element))
            case ct.RecordType(fields):
                for (_, f), item in zip(fields, value, strict=True):
                    ptr = align_to(ptr, alignment(f))
                    self.store(item, f, ptr)
                    ptr += size(f)
            case ct.VariantType(cases) as v:
                index, payload = value
                self.store_integer(index, ptr, discriminant(v))
                case = cases[index][1]
                if case is not None:
                    at = ptr + align_to(discriminant(v), payload_alignment(v))
                    self.store(payload, case, at)
            case ct.FlagsType() as f:
                self.store_integer(value, ptr, flags_bytes(f))
            case other:
                raise NotImplementedError(other)

    def put(self, data: bytes, align: int) -> int:
        ptr = self.realloc(0, 0, align, len(data))
        self.memory[ptr : ptr + len(data)] = data
        return ptr

    def put_string(self, text: str) -> tuple[int, int]:
        match self.encoding:
            case "utf8":
                data = text.encode()
                return self.put(data, 1), len(data)
            case "utf16":
                data = text.encode("utf-16-le")
                return self.put(data, 2), len(data) // 2
            case _:
                try:
                    data = text.encode("latin-1")
                    return self.put(data, 2), len(data)
                except UnicodeEncodeError:
                    data = text.encode("utf-16-le")
                    return self.put(data, 2), len(data) // 2 | TAG

    def put_list(self, values: Any, element: Any) -> tuple[int, int]:
        ptr = self.realloc(0, 0, alignment(element), len(values) * size(element))
        for i, item in enumerate(values):
            self.store(item, element, ptr + i * size(element))
        return ptr, len(values)

    # -- flat values -------------------------------------------------------------------------

    def lift_flat(self, flats: Iterator[Any], t: Any) -> Any:
        match despecialize(t):
            case ct.Prim.BOOL:
                return bool(next(flats) & 0xFFFFFFFF)
            case ct.Prim.F32 | ct.Prim.F64:
                return next(flats)
            case ct.Prim.CHAR:
                return chr(next(flats) & 0xFFFFFFFF)
            case ct.Prim.STRING:
                return self.string(next(flats) & 0xFFFFFFFF, next(flats) & 0xFFFFFFFF)
            case ct.Prim() as p:
                bits = 8 * _SIZES[str(p)]
                value = next(flats) & ((1 << bits) - 1)
                return value - (1 << bits) if str(p)[0] == "s" and value >> bits - 1 else value
            case ct.ListType(element, None):
                return self.list(next(flats) & 0xFFFFFFFF, next(flats) & 0xFFFFFFFF, element)
            case ct.ListType(element, length):
                return [self.lift_flat(flats, element) for _ in range(length)]
            case ct.RecordType(fields):
                return tuple([self.lift_flat(flats, f) for _, f in fields])
            case ct.VariantType(cases) as v:
                flat = flatten(v)
                given = [next(flats) for _ in flat]
                index = given[0] & 0xFFFFFFFF
                case = cases[index][1]
                if case is None:
                    return index, None
                wanted = flatten(case)
                narrowed = [
                    narrow(value, have, want)
                    for value, have, want in zip(given[1:], flat[1:], wanted, strict=False)
                ]
                return index, self.lift_flat(iter(narrowed), case)
            case ct.FlagsType(labels):
                return next(flats) & ((1 << len(labels)) - 1)
            case other:
                raise NotImplementedError(other)

    def lower_flat(self, value: Any, t: Any) -> list[Any]:
        match despecialize(t):
            case ct.Prim.F32 | ct.Prim.F64:
                return [value]
            case ct.Prim.CHAR:
                return [ord(value)]
            case ct.Prim.STRING:
                return list(self.put_string(value))
            case ct.Prim.S64 | ct.Prim.U64:
                return [value & ((1 << 64) - 1)]
            case ct.Prim():
                return [int(value) & 0xFFFFFFFF]
            case ct.ListType(element, None):
                return list(self.put_list(value, element))
            case ct.ListType(element, _):
                return [x for item in value for x in self.lower_flat(item, element)]
            case ct.RecordType(fields):
                pairs = zip(value, fields, strict=True)
                return [x for item, (_, f) in pairs for x in self.lower_flat(item, f)]
            case ct.VariantType(cases) as v:
                index, payload = value
                flat = flatten(v)
                case = cases[index][1]
                lowered: list[Any] = []
                if case is not None:
                    have = flatten(case)
                    values = self.lower_flat(payload, case)
                    lowered = [widen(*x) for x in zip(values, have, flat[1:], strict=False)]
                rest = [0.0 if x[0] == "f" else 0 for x in flat[1 + len(lowered) :]]
                return [index, *lowered, *rest]
            case ct.FlagsType():
                return [value]
            case other:
                raise NotImplementedError(other)


def narrow(value: Any, have: str, want: str) -> Any:
    match have, want:
        case (("i32" | "i64"), "f32"):
            return struct.unpack("<f", struct.pack("<I", value & 0xFFFFFFFF))[0]
        case "i64", "f64":
            return struct.unpack("<d", struct.pack("<Q", value & ((1 << 64) - 1)))[0]
        case "i64", "i32":
            return value & 0xFFFFFFFF
        case _:
            return value


def widen(value: Any, have: str, want: str) -> Any:
    match have, want:
        case "f32", ("i32" | "i64"):
            return struct.unpack("<I", struct.pack("<f", value))[0]
        case "f64", "i64":
            return struct.unpack("<Q", struct.pack("<d", value))[0]
        case _:
            return value
