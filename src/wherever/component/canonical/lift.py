"""Owns lifting: code that reads a value from a guest's core values or memory and makes it Python's.

`lift_flat` and `load` are those of `definitions.py`. Everything read is checked and copied. For
another guest (`classes` is None) the value comes out prepared, as `lower` wants it. What nested
lists may cost the host is bounded for the whole call: inner lists can all point at the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial

from wherever.component.canonical import values
from wherever.component.canonical.context import ITEM_COST, trap
from wherever.component.canonical.emit import Emitter
from wherever.component.canonical.lower import (
    DISC_FORMAT,
    MASK32,
    MASK64,
    Handles,
    Leaf,
    struct_of,
    unsupported,
)
from wherever.component.canonical.memory import Options
from wherever.component.canonical.values import FORMAT, NUMERIC, Classes, bare
from wherever.component.layout import (
    Flat,
    Layouts,
    align_to,
    cases_of,
    discriminant_size,
    fields_of,
    flags_size,
)
from wherever.component.types import (
    BorrowType,
    EnumType,
    FlagsType,
    FutureType,
    ListType,
    MapType,
    Measured,
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

_INLINE = 40
_DEPTH = 10
_WIDTH = {Prim.U8: 8, Prim.S8: 8, Prim.U16: 16, Prim.S16: 16}


class Lifter:
    """Emits the code that lifts values out of one guest."""

    def __init__(
        self,
        out: Emitter,
        layouts: Layouts,
        options: Options,
        handles: Handles,
        classes: Classes | None,
        *,
        utf8: bool = False,
    ) -> None:
        self.out = out
        self.layouts = layouts
        self.options = options
        self.handles = handles
        self.classes = classes
        self.utf8 = utf8
        """Is a string wanted as its UTF-8 bytes, for another guest that has UTF-8 too?"""

    # -- numbers -----------------------------------------------------------------------------

    def _number(self, prim: Prim, v: str, *, flat: bool) -> str:
        """The value of a number: `flat` if it is a core value, of either sign, else as stored."""
        out = self.out
        match prim:
            case Prim.BOOL:
                return f"({v} != 0)"
            case Prim.CHAR:
                item = out.name()
                out.line(f"{item} = {v} & {MASK32}" if flat else f"{item} = {v}")
                with out.block(
                    f"if {item} >= 0xD800 and ({item} <= 0xDFFF or {item} >= 0x110000):"
                ):
                    out.line(f"{out.constant(_bad_char)}({item})")
                return f"chr({item})" if self.classes is not None else item
            case Prim.U32:
                return f"({v} & {MASK32})" if flat else v
            case Prim.U64:
                return f"({v} & {MASK64})" if flat else v
            case Prim.U8 | Prim.U16:
                return f"({v} & {(1 << _WIDTH[prim]) - 1})" if flat else v
            case Prim.S8 | Prim.S16:
                half = 1 << (_WIDTH[prim] - 1)
                return f"((({v} & {2 * half - 1}) ^ {half}) - {half})" if flat else v
            case Prim.S32:
                return f"((({v} & {MASK32}) ^ {1 << 31}) - {1 << 31})" if flat else v
            case Prim.S64:
                return f"((({v} & {MASK64}) ^ {1 << 63}) - {1 << 63})" if flat else v
            case _:
                return v

    # -- lift_flat ---------------------------------------------------------------------------

    def lift_flat(self, t: ValType, flats: Sequence[str]) -> str:
        """Emit what lifts `t` from the core values `flats`; its expression."""
        out = self.out
        match t:
            case Prim.STRING:
                return self._string(f"{flats[0]} & {MASK32}", f"{flats[1]} & {MASK32}")
            case Prim.ERROR_CONTEXT:
                raise unsupported(t)
            case Prim():
                return self._number(t, flats[0], flat=True)
            case PrimType(prim):
                return self.lift_flat(prim, flats)
            case ListType(_, None) | MapType():
                return self._list(t, f"{flats[0]} & {MASK32}", f"{flats[1]} & {MASK32}")
            case ListType(element, length):
                items = f"[{', '.join(self._fields((element,) * (length or 0), flats))}]"
                item_type = bare(element)
                if self.classes is None and isinstance(item_type, Prim) and item_type in NUMERIC:
                    pack = struct.Struct(f"<{length}{FORMAT[item_type]}").pack
                    return f"{out.constant(pack)}(*{items})"
                return items
            case RecordType() | TupleType():
                return self._construct(t, self._fields(fields_of(t), flats))
            case VariantType() | EnumType() | OptionType() | ResultType():
                index = out.name()
                out.line(f"{index} = {flats[0]} & {MASK32}")
                flat_types = self.layouts.of(t).flat
                assert flat_types is not None
                return self._cases(
                    t, index, lambda case: self._lift_payload(case, flats[1:], flat_types[1:])
                )
            case FlagsType():
                return self._flags(t, flats[0])
            case OwnType() | BorrowType():
                return self._handle(t, f"{flats[0]} & {MASK32}")
            case StreamType() | FutureType():
                raise unsupported(t)

    def _fields(self, types: Sequence[ValType], flats: Sequence[str]) -> list[str]:
        at = 0
        items: list[str] = []
        for t in types:
            flat = self.layouts.of(t).flat
            assert flat is not None
            item = self.out.name()
            self.out.line(f"{item} = {self.lift_flat(t, flats[at : at + len(flat)])}")
            items.append(item)
            at += len(flat)
        return items

    def _lift_payload(self, case: ValType, flats: Sequence[str], have: Flat) -> str:
        wanted = self.layouts.of(case).flat
        assert wanted is not None
        narrowed: list[str] = []
        for text, given, want in zip(flats, have, wanted, strict=False):
            match given, want:
                case (core.I64, core.I32):
                    narrowed.append(f"({text} & {MASK32})")
                case ((core.I32 | core.I64), core.F32):
                    narrowed.append(f"{self.out.constant(_i32_to_f32)}({text} & {MASK32})")
                case (core.I64, core.F64):
                    narrowed.append(f"{self.out.constant(_i64_to_f64)}({text} & {MASK64})")
                case _:
                    narrowed.append(text)
        return self.lift_flat(case, narrowed)

    # -- what both ways share ----------------------------------------------------------------

    def _string(self, ptr: str, units: str) -> str:
        item = self.out.name()
        read: Callable[..., object]
        if self.utf8:
            read = self.options.utf8
        else:
            read = self.options.text if self.classes is not None else self.options.transfer
        self.out.line(f"{item} = {self.out.constant(read)}({ptr}, {units})")
        return item

    def _construct(self, t: RecordType | TupleType, items: list[str]) -> str:
        inner = ", ".join(items)
        if isinstance(t, RecordType) and self.classes is not None:
            return f"{self.out.constant(self.classes.record(t))}({inner})"
        return f"({inner},)"

    def _flags(self, t: FlagsType, v: str) -> str:
        mask = (1 << len(t.labels)) - 1
        if self.classes is None:
            return f"({v} & {mask})"
        return f"{self.out.constant(self.classes.flags(t))}({v} & {mask})"

    def _handle(self, t: OwnType | BorrowType, v: str) -> str:
        item = self.out.name()
        if isinstance(t, OwnType):
            self.out.line(f"{item} = {self.out.constant(self.handles.lift_own(t))}({v})")
        else:
            self.out.line(f"{item} = {self.out.constant(self.handles.lift_borrow(t))}({v}, cx)")
        return item

    def _cases(
        self,
        t: VariantType | EnumType | OptionType | ResultType,
        index: str,
        payload: Callable[[ValType], str],
    ) -> str:
        """The value of a variant whose discriminant is `index`."""
        out = self.out
        cases = cases_of(t)
        with out.block(f"if {index} >= {len(cases)}:"):
            out.line(f"{out.constant(_bad_discriminant)}({index}, {len(cases)})")
        if isinstance(t, EnumType):
            if self.classes is None:
                return index
            members = tuple(self.classes.enum(t))
            return f"{out.constant(members)}[{index}]"
        item = out.name()
        if self.classes is None:
            out.line(f"{item} = ({index}, None)")
        else:
            out.line(f"{item} = {out.constant(self._bare_cases(t))}[{index}]")
        word = "if"
        for i, case in enumerate(cases):
            if case is None:
                continue
            with out.block(f"{word} {index} == {i}:"):
                out.line(f"{item} = {self._with_payload(t, i, payload(case))}")
            word = "elif"
        return item

    def _bare_cases(self, t: VariantType | OptionType | ResultType) -> tuple[object, ...]:
        """The values of the cases that have no payload, by index."""
        match t:
            case OptionType():
                return (None, None)
            case ResultType(ok, error):
                return (
                    values.Ok() if ok is None else None,
                    values.Err() if error is None else None,
                )
            case VariantType(cases):
                assert self.classes is not None
                classes = self.classes.cases(t)
                return tuple(
                    [
                        cls() if payload is None else None
                        for cls, (_, payload) in zip(classes, cases, strict=True)
                    ]
                )

    def _with_payload(
        self, t: VariantType | OptionType | ResultType, index: int, value: str
    ) -> str:
        if self.classes is None:
            return f"({index}, {value})"
        constant = self.out.constant
        match t:
            case OptionType(some):
                return (
                    f"{constant(values.Some)}({value})" if values.none_is_a_value(some) else value
                )
            case ResultType():
                return f"{constant(values.Err if index else values.Ok)}({value})"
            case VariantType():
                return f"{constant(self.classes.cases(t)[index])}({value})"

    def _list(self, t: ListType | MapType, ptr: str, count: str) -> str:
        out = self.out
        element = TupleType((t.key, t.value)) if isinstance(t, MapType) else t.element
        assert not isinstance(t, ListType) or t.length is None
        layout = self.layouts.of(element)
        prim = bare(element)
        start, length, view, items = out.name(), out.name(), out.name(), out.name()
        out.line(f"{start} = {ptr}")
        out.line(f"{length} = {count}")
        numeric = isinstance(prim, Prim) and prim in NUMERIC
        cost = layout.size if numeric else layout.size + ITEM_COST
        out.line(f"cx.left -= {length} * {cost}")
        with out.block("if cx.left < 0:"):
            out.line(f"{out.constant(_too_large)}({length}, {layout.size})")
        size = f"{length} * {layout.size}" if layout.size != 1 else length
        look = out.constant(self.options.view)
        out.line(f"{view} = {look}({start}, {size}, {layout.alignment}, 'list content')")
        chunk = f"{view}[{start}:{start} + {size}]"
        if isinstance(prim, Prim) and numeric:
            out.line(f"{items} = bytes({chunk})")
            if prim is not Prim.U8 and self.classes is not None:
                out.line(f"{items} = memoryview({items}).cast('{FORMAT[prim]}')")
            return items
        out.line(f"{items} = []")
        leaves: list[Leaf] = []
        finish = self._leaves(element, 0, leaves)
        fixed = not self._has_payloads(element)
        if fixed and leaves and not self._big(element):
            names = ", ".join(leaf.text for leaf in leaves)
            unpack = out.constant(_iter_unpack(struct_of(leaves, layout.size).format))
            with out.block(f"for {names}, in {unpack}({chunk}):"):
                out.line(f"{items}.append({finish('', '')})")
        else:
            at = out.name()
            with out.block(f"for {at} in range({start}, {start} + {size}, {layout.size}):"):
                out.line(f"{items}.append({self.load(element, view, at, 0)})")
        if isinstance(t, MapType) and self.classes is not None:
            out.line(f"{items} = dict({items})")
        return items

    def _big(self, t: ValType) -> bool:
        return isinstance(t, Measured) and (t.size > _INLINE or self.out.depth > _DEPTH)

    def _has_payloads(self, t: ValType) -> bool:
        """Does `t` hold, in place, anything but numbers at fixed offsets?"""
        match t:
            case VariantType() | OptionType() | ResultType():
                return any(case is not None for case in cases_of(t))
            case RecordType() | TupleType():
                return any(self._has_payloads(field) for field in fields_of(t))
            case ListType(_, length):
                return length is not None
            case _:
                return False

    # -- load --------------------------------------------------------------------------------

    def load(self, t: ValType, view: str, at: str, offset: int) -> str:
        """Emit what loads `t` from `view` at `at + offset`, which is in bounds; its expression."""
        out = self.out
        if self._big(t):

            def body() -> None:
                out.line(f"return {self._load(t, 'view', 'at', 0)}")

            name = out.helper("load", t, "view, at, cx", body)
            item = out.name()
            out.line(f"{item} = {name}({view}, {_plus(at, offset)}, cx)")
            return item
        return self._load(t, view, at, offset)

    def _load(self, t: ValType, view: str, at: str, offset: int) -> str:
        leaves: list[Leaf] = []
        finish = self._leaves(t, offset, leaves)
        if leaves:
            base = leaves[0].offset
            shifted = [Leaf(leaf.offset - base, leaf.format, leaf.text) for leaf in leaves]
            unpack = self.out.constant(_unpack_from(struct_of(shifted).format))
            names = ", ".join(leaf.text for leaf in leaves)
            self.out.line(f"{names}, = {unpack}({view}, {_plus(at, base)})")
        return finish(view, at)

    def _leaves(self, t: ValType, offset: int, leaves: list[Leaf]) -> Callable[[str, str], str]:
        """Collect the numbers of `t` that lie at fixed places; what makes the value of them."""
        out = self.out

        def leaf(at: int, letter: str) -> str:
            name = out.name()
            leaves.append(Leaf(at, letter, name))
            return name

        match t:
            case Prim.STRING:
                ptr, units = leaf(offset, "I"), leaf(offset + 4, "I")
                return lambda _view, _at: self._nested_string(ptr, units)
            case Prim.ERROR_CONTEXT:
                raise unsupported(t)
            case Prim():
                number = leaf(offset, FORMAT[t])
                return lambda _view, _at: self._number(t, number, flat=False)
            case PrimType(prim):
                return self._leaves(prim, offset, leaves)
            case ListType(_, None) | MapType():
                ptr, count = leaf(offset, "I"), leaf(offset + 4, "I")
                return lambda _view, _at: self._list(t, ptr, count)
            case ListType(element, length):
                return lambda view, at: self._load_fixed(element, length or 0, view, at, offset)
            case RecordType() | TupleType():
                return self._leaves_of_fields(t, offset, leaves)
            case VariantType() | EnumType() | OptionType() | ResultType():
                cases = cases_of(t)
                index = leaf(offset, DISC_FORMAT[discriminant_size(len(cases))])
                start = offset + self.layouts.payload_offset(cases)
                return lambda view, at: self._cases(
                    t, index, lambda case: self.load(case, view, at, start)
                )
            case FlagsType(labels):
                bits = leaf(offset, DISC_FORMAT[flags_size(len(labels))])
                return lambda _view, _at: self._flags(t, bits)
            case OwnType() | BorrowType():
                handle = leaf(offset, "I")
                return lambda _view, _at: self._handle(t, handle)
            case StreamType() | FutureType():
                raise unsupported(t)

    def _leaves_of_fields(
        self, t: RecordType | TupleType, offset: int, leaves: list[Leaf]
    ) -> Callable[[str, str], str]:
        finishers: list[Callable[[str, str], str]] = []
        place = offset
        for field in fields_of(t):
            layout = self.layouts.of(field)
            place = align_to(place, layout.alignment)
            if self._big(field):
                finishers.append(partial(self._load_at, field, place))
            else:
                finishers.append(self._leaves(field, place, leaves))
            place += layout.size

        def finish(view: str, at: str) -> str:
            items: list[str] = []
            for finisher in finishers:
                item = self.out.name()
                self.out.line(f"{item} = {finisher(view, at)}")
                items.append(item)
            return self._construct(t, items)

        return finish

    def _load_at(self, t: ValType, offset: int, view: str, at: str) -> str:
        return self.load(t, view, at, offset)

    def _nested_string(self, ptr: str, units: str) -> str:
        out = self.out
        out.line(f"cx.left -= ({units} & 0x7FFFFFFF) + {ITEM_COST}")
        with out.block("if cx.left < 0:"):
            out.line(f"{out.constant(_too_large)}({units}, 1)")
        return self._string(ptr, units)

    def _load_fixed(self, element: ValType, length: int, view: str, at: str, offset: int) -> str:
        out = self.out
        prim = bare(element)
        items = out.name()
        if isinstance(prim, Prim) and prim in NUMERIC:
            unpack = out.constant(_unpack_from(f"<{length}{FORMAT[prim]}"))
            packed = f"{view}, {_plus(at, offset)}"
            if self.classes is None:
                size = length * self.layouts.elem_size(element)
                start = _plus(at, offset)
                out.line(f"{items} = bytes({view}[{start}:{start} + {size}])")
            else:
                out.line(f"{items} = list({unpack}({packed}))")
            return items
        size = self.layouts.elem_size(element)
        place = out.name()
        start = _plus(at, offset)
        out.line(f"{items} = []")
        out.line(f"cx.left -= {length * (size + ITEM_COST)}")
        with out.block("if cx.left < 0:"):
            out.line(f"{out.constant(_too_large)}({length}, {size})")
        with out.block(f"for {place} in range({start}, {start} + {length * size}, {size}):"):
            out.line(f"{items}.append({self.load(element, view, place, 0)})")
        return items


def _plus(at: str, offset: int) -> str:
    return f"{at} + {offset}" if offset else at


_unpack_cache: dict[str, Callable[..., object]] = {}
_iter_cache: dict[str, Callable[..., object]] = {}


def _unpack_from(letters: str) -> Callable[..., object]:
    known = _unpack_cache.get(letters)
    if known is None:
        known = _unpack_cache[letters] = struct.Struct(letters).unpack_from
    return known


def _iter_unpack(letters: str) -> Callable[..., object]:
    known = _iter_cache.get(letters)
    if known is None:
        known = _iter_cache[letters] = struct.Struct(letters).iter_unpack
    return known


def _bad_char(value: int) -> None:
    trap(f"invalid `char`: {value:#x} is not a Unicode scalar value", "invalid `char` bit pattern")


def _bad_discriminant(value: int, count: int) -> None:
    trap(f"invalid variant discriminant: {value} of {count} cases", "invalid variant discriminant")


def _too_large(count: int, size: int) -> None:
    trap(
        f"the values of one call take more than 512 MiB to lift (at a list of {count} x {size} "
        "bytes): pass less at a time",
        "values too large",
    )


def _i32_to_f32(value: int) -> float:
    number: float = struct.unpack("<f", struct.pack("<I", value))[0]
    return number


def _i64_to_f64(value: int) -> float:
    number: float = struct.unpack("<d", struct.pack("<Q", value))[0]
    return number
