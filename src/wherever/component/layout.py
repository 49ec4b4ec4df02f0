"""Owns where values lie: alignment, element size, discriminants and flattening (CanonicalABI.md).

Functions carry the names of `definitions.py`. Results are remembered by a type's identity, because
types share parts and a naive walk of a hostile type would not end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from wherever.component.syntax import CanonOpts
from wherever.component.types import (
    BorrowType,
    EnumType,
    FlagsType,
    FuncType,
    FutureType,
    ListType,
    MapType,
    OptionType,
    OwnType,
    Prim,
    PrimType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    ValType,
    VariantType,
)
from wherever.wasm import types as core

MAX_FLAT_PARAMS = 16
MAX_FLAT_ASYNC_PARAMS = 4
MAX_FLAT_RESULTS = 1
MAX_VALUE_SIZE = (1 << 28) - 1

Flat = tuple[core.ValType, ...]

_PRIM_SIZE = {
    Prim.BOOL: 1,
    Prim.S8: 1,
    Prim.U8: 1,
    Prim.S16: 2,
    Prim.U16: 2,
    Prim.S32: 4,
    Prim.U32: 4,
    Prim.S64: 8,
    Prim.U64: 8,
    Prim.F32: 4,
    Prim.F64: 8,
    Prim.CHAR: 4,
    Prim.ERROR_CONTEXT: 4,
}
_PRIM_FLAT = {
    Prim.S64: core.I64,
    Prim.U64: core.I64,
    Prim.F32: core.F32,
    Prim.F64: core.F64,
}


def cases_of(t: VariantType | EnumType | OptionType | ResultType) -> tuple[ValType | None, ...]:
    """The payloads of `t` seen as a variant (despecialization)."""
    match t:
        case VariantType(cases):
            return tuple(payload for _, payload in cases)
        case EnumType(labels):
            return (None,) * len(labels)
        case OptionType(some):
            return (None, some)
        case ResultType(ok, error):
            return (ok, error)


def fields_of(t: RecordType | TupleType) -> tuple[ValType, ...]:
    """The fields of `t` seen as a record (despecialization)."""
    return t.types if isinstance(t, TupleType) else tuple(field for _, field in t.fields)


def discriminant_size(cases: int) -> int:
    """The bytes of the discriminant of a variant with that many cases."""
    if cases <= 1 << 8:
        return 1
    return 2 if cases <= 1 << 16 else 4


def flags_size(labels: int) -> int:
    """The bytes of a flags value with that many labels."""
    if labels <= 8:
        return 1
    return 2 if labels <= 16 else 4


def align_to(offset: int, alignment: int) -> int:
    """The first multiple of `alignment` that is not below `offset`."""
    return (offset + alignment - 1) & -alignment


@dataclass(frozen=True, slots=True)
class Layout:
    """How a type lies in memory and in core values; `flat` is None above `MAX_FLAT_PARAMS`."""

    size: int
    alignment: int
    flat: Flat | None
    needs_memory: bool = False
    has_borrow: bool = False


@dataclass(slots=True)
class Layouts:
    """The layouts of types for a pointer of `pointer` bytes."""

    pointer: int = 4
    _memo: dict[int, tuple[ValType, Layout]] = field(
        default_factory=dict[int, tuple["ValType", "Layout"]]
    )

    def of(self, t: ValType) -> Layout:
        """The layout of `t`."""
        known = self._memo.get(id(t))
        if known is not None:
            return known[1]
        layout = self._layout(t)
        self._memo[id(t)] = (t, layout)  # holding `t` keeps its id its own
        return layout

    def alignment(self, t: ValType) -> int:
        """The alignment of `t`."""
        return self.of(t).alignment

    def elem_size(self, t: ValType) -> int:
        """The size of `t` as an element of a list."""
        return self.of(t).size

    def _layout(self, t: ValType) -> Layout:
        pointer = core.I32 if self.pointer == 4 else core.I64
        match t:
            case Prim.STRING:
                return Layout(2 * self.pointer, self.pointer, (pointer, pointer), True)
            case Prim():
                size = _PRIM_SIZE[t]
                return Layout(size, size, (_PRIM_FLAT.get(t, core.I32),))
            case PrimType(prim):
                return self.of(prim)
            case ListType(element, None):
                borrow = self.of(element).has_borrow
                return Layout(2 * self.pointer, self.pointer, (pointer, pointer), True, borrow)
            case MapType(key, value):
                borrow = self.of(key).has_borrow or self.of(value).has_borrow
                return Layout(2 * self.pointer, self.pointer, (pointer, pointer), True, borrow)
            case ListType(element, length):
                inner = self.of(element)
                flat = _bounded((inner.flat,) * min(length or 0, MAX_FLAT_PARAMS + 1))
                return Layout(
                    inner.size * (length or 0),
                    inner.alignment,
                    flat,
                    inner.needs_memory,
                    inner.has_borrow,
                )
            case RecordType() | TupleType():
                return self._record(fields_of(t))
            case VariantType() | EnumType() | OptionType() | ResultType():
                return self._variant(cases_of(t))
            case FlagsType(labels):
                size = flags_size(len(labels))
                return Layout(size, size, (core.I32,))
            case BorrowType():
                return Layout(4, 4, (core.I32,), has_borrow=True)
            case OwnType() | StreamType() | FutureType():
                return Layout(4, 4, (core.I32,))
            case _:
                assert_never(t)

    def _record(self, fields: tuple[ValType, ...]) -> Layout:
        size, alignment = 0, 1
        layouts = [self.of(t) for t in fields]
        for layout in layouts:
            alignment = max(alignment, layout.alignment)
            size = align_to(size, layout.alignment) + layout.size
        return Layout(
            align_to(size, alignment),
            alignment,
            _bounded(tuple([layout.flat for layout in layouts])),
            any(layout.needs_memory for layout in layouts),
            any(layout.has_borrow for layout in layouts),
        )

    def _variant(self, cases: tuple[ValType | None, ...]) -> Layout:
        disc = discriminant_size(len(cases))
        layouts = [self.of(t) for t in cases if t is not None]
        payload_alignment = max((layout.alignment for layout in layouts), default=1)
        alignment = max(disc, payload_alignment)
        size = align_to(disc, payload_alignment)
        size += max((layout.size for layout in layouts), default=0)
        flats = [layout.flat for layout in layouts]
        return Layout(
            align_to(size, alignment),
            alignment,
            _flatten_variant(flats),
            any(layout.needs_memory for layout in layouts),
            any(layout.has_borrow for layout in layouts),
        )

    def payload_offset(self, cases: tuple[ValType | None, ...]) -> int:
        """Where the payload of a variant starts."""
        alignment = max((self.of(t).alignment for t in cases if t is not None), default=1)
        return align_to(discriminant_size(len(cases)), alignment)

    def flatten_types(self, types: tuple[ValType, ...]) -> Flat | None:
        """The core types that carry `types`, or None where there are more than the limit."""
        return _bounded(tuple([self.of(t).flat for t in types]))

    def flatten_functype(self, ft: FuncType, opts: CanonOpts, *, lower: bool) -> core.FuncType:
        """The core type of `ft` lifted or lowered with `opts` (CanonicalABI.md, Flattening)."""
        pointer = core.I32 if self.pointer == 4 else core.I64
        params = self.flatten_types(tuple([t for _, t in ft.params]))
        results = () if ft.result is None else self.of(ft.result).flat
        if not opts.is_async:
            if params is None:
                params = (pointer,)
            if results is None or len(results) > MAX_FLAT_RESULTS:
                if lower:
                    params, results = (*params, pointer), ()
                else:
                    results = (pointer,)
            return core.FuncType(params, results)
        if lower:
            if params is None or len(params) > MAX_FLAT_ASYNC_PARAMS:
                params = (pointer,)
            if ft.result is not None:
                params = (*params, pointer)
            return core.FuncType(params, (core.I32,))
        if params is None:
            params = (pointer,)
        return core.FuncType(params, (core.I32,) if opts.callback is not None else ())


def join(a: core.ValType, b: core.ValType) -> core.ValType:
    """The core type that can carry either."""
    if a == b:
        return a
    if {a, b} == {core.I32, core.F32}:
        return core.I32
    return core.I64


def _bounded(parts: tuple[Flat | None, ...]) -> Flat | None:
    flat: list[core.ValType] = []
    for part in parts:
        if part is None or len(flat) + len(part) > MAX_FLAT_PARAMS:
            return None
        flat += part
    return tuple(flat)


def _flatten_variant(parts: list[Flat | None]) -> Flat | None:
    flat: list[core.ValType] = []
    for part in parts:
        if part is None:
            return None
        for i, t in enumerate(part):
            if i < len(flat):
                flat[i] = join(flat[i], t)
            else:
                flat.append(t)
    if len(flat) >= MAX_FLAT_PARAMS:
        return None
    return (core.I32, *flat)
