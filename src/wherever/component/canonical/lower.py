"""Owns lowering: code that checks a Python value and writes it where a guest expects it.

Two steps, so that a wrong value is refused before any guest code runs. `prepare` turns a value into
its *prepared* form (text encoded, numbers packed, variants as index and payload); `flatten` and
`store` (lower_flat and store in `definitions.py`) put the prepared form into core values or memory,
calling `realloc` on the way. A value that comes from another guest arrives prepared.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from wherever.component.canonical import values
from wherever.component.canonical.emit import Emitter
from wherever.component.canonical.memory import Options
from wherever.component.canonical.values import FORMAT, INT_RANGE, NUMERIC, Classes, bare
from wherever.component.layout import (
    Layouts,
    align_to,
    cases_of,
    discriminant_size,
    fields_of,
    flags_size,
    join,
)
from wherever.component.syntax import StringEncoding
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
from wherever.errors import Unsupported
from wherever.wasm import types as core

MASK32, MASK64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
DISC_FORMAT = {1: "B", 2: "H", 4: "I"}
_INLINE = 40  # the size of a type above which it gets a helper of its own
_DEPTH = 10  # and the depth of indentation


class Handles(Protocol):
    """How handles of each resource cross: closures over the instance and its run-time types."""

    def as_own(self, t: OwnType) -> Callable[[Any], Any]:
        """Check a value to be given away; raise BadValue where it is not one."""
        ...

    def as_borrow(self, t: BorrowType) -> Callable[[Any], Any]:
        """Check a value to be lent."""
        ...

    def lower_own(self, t: OwnType) -> Callable[[Any], int]:
        """Give a prepared value to the guest."""
        ...

    def lower_borrow(self, t: BorrowType) -> Callable[[Any, Any], int]:
        """Lend a prepared value to the guest for a task."""
        ...

    def lift_own(self, t: OwnType) -> Callable[[int], Any]:
        """Take what the guest gives."""
        ...

    def lift_borrow(self, t: BorrowType) -> Callable[[int, Any], Any]:
        """Borrow what the guest lends for a task."""
        ...


@dataclass(slots=True)
class Leaf:
    """A number at a fixed place: its offset, its struct letter, its expression or variable."""

    offset: int
    format: str
    text: str


def struct_of(leaves: Sequence[Leaf], size: int | None = None) -> struct.Struct:
    """The Struct that reads or writes `leaves`, with padding up to `size` if given."""
    at, letters = 0, "<"
    for leaf in leaves:
        if leaf.offset > at:
            letters += f"{leaf.offset - at}x"
        letters += leaf.format
        at = leaf.offset + struct.calcsize("<" + leaf.format)
    if size is not None and size > at:
        letters += f"{size - at}x"
    return struct.Struct(letters)


def unsupported(t: ValType) -> Unsupported:
    """The error for a type of the asynchronous ABI."""
    return Unsupported(
        f"a value of type {type(t).__name__.removesuffix('Type').lower()} crossing a component's "
        "boundary: wherever does not have the asynchronous ABI yet"
    )


class Lowerer:
    """Emits the code that lowers values into one guest."""

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
        """None where values come from another guest, already prepared."""
        self.utf8 = utf8 or (classes is not None and options.encoding is StringEncoding.UTF8)
        """Are prepared strings UTF-8 already?"""

    # -- prepare -----------------------------------------------------------------------------

    def prepare(self, t: ValType, v: str) -> str:
        """Emit the check of the variable `v`; the expression of its prepared form."""
        if isinstance(t, Measured) and (t.size > _INLINE or self.out.depth > _DEPTH):

            def body() -> None:
                self.out.line(f"return {self._prepare(t, 'v')}")

            item = self.out.name()
            self.out.line(f"{item} = {self.out.helper('prepare', t, 'v', body)}({v})")
            return item
        return self._prepare(t, v)

    def _prepare(self, t: ValType, v: str) -> str:
        out = self.out
        constant = out.constant
        bad = constant(values.BadValue)
        classes = self.classes
        assert classes is not None
        match t:
            case Prim():
                return self._prepare_prim(t, v)
            case PrimType(prim):
                return self._prepare_prim(prim, v)
            case ListType(element, length):
                return self._prepare_list(element, length, v)
            case MapType(key, value):
                with out.block(f"if not isinstance({v}, {constant(dict)}):"):
                    out.line(f"raise {bad}")
                return self._prepare_items(TupleType((key, value)), f"{v}.items()")
            case RecordType(fields):
                cls = classes.record(t)
                labels = classes.fields(t)
                get = constant(operator.attrgetter(*labels))
                item = out.name()
                with out.block(f"if {v}.__class__ is {constant(cls)}:"):
                    out.line(f"{item} = {get}({v})" + ("," if len(labels) == 1 else ""))
                with out.block("else:"):
                    fields_f, cls_c = constant(values.as_fields), constant(cls)
                    out.line(f"{item} = {fields_f}({v}, {cls_c}, {constant(labels)})")
                return self._prepare_fields(tuple(f for _, f in fields), item)
            case TupleType(types):
                item = out.name()
                out.line(f"{item} = {v}")
                with out.block(f"if {v}.__class__ is not tuple or len({v}) != {len(types)}:"):
                    out.line(f"{item} = {constant(values.as_tuple)}({v}, {len(types)})")
                return self._prepare_fields(types, item)
            case VariantType(cases):
                index, payload = out.name(), out.name()
                numbers = {cls: i for i, cls in enumerate(classes.cases(t))}
                names = tuple(name for name, _ in cases)
                out.line(f"{index} = {constant(numbers)}.get({v}.__class__)")
                with out.block(f"if {index} is None:"):
                    by_label = constant(values.as_case)
                    out.line(f"{index}, {payload} = {by_label}({v}, {constant(names)})")
                with out.block("else:"):
                    out.line(f"{payload} = {v}.value")
                payloads = tuple(c for _, c in cases)
                return self._prepare_cases(payloads, index, payload, strict=True)
            case EnumType(labels):
                item = out.name()
                member = constant(classes.enum(t))
                slow = f"{constant(values.as_enum)}({v}, {constant(labels)})"
                out.line(f"{item} = {v}._value_ if {v}.__class__ is {member} else {slow}")
                return item
            case FlagsType(labels):
                item = out.name()
                member = constant(classes.flags(t))
                slow = f"{constant(values.as_flags)}({v}, {constant(labels)})"
                out.line(f"{item} = {v}._value_ if {v}.__class__ is {member} else {slow}")
                return item
            case OptionType(some):
                item = out.name()
                with out.block(f"if {v} is None:"):
                    out.line(f"{item} = (0, None)")
                with out.block("else:"):
                    inner = out.name()
                    out.line(f"{inner} = {v}")
                    if values.none_is_a_value(some):
                        with out.block(f"if {v}.__class__ is not {constant(values.Some)}:"):
                            out.line(f"raise {bad}")
                        out.line(f"{inner} = {v}.value")
                    out.line(f"{item} = (1, {self.prepare(some, inner)})")
                return item
            case ResultType(ok, error):
                index = out.name()
                with out.block(f"if {v}.__class__ is {constant(values.Ok)}:"):
                    out.line(f"{index} = 0")
                with out.block(f"elif {v}.__class__ is {constant(values.Err)}:"):
                    out.line(f"{index} = 1")
                with out.block("else:"):
                    out.line(f"raise {bad}")
                return self._prepare_cases((ok, error), index, f"{v}.value", strict=True)
            case OwnType():
                item = out.name()
                out.line(f"{item} = {constant(self.handles.as_own(t))}({v})")
                return item
            case BorrowType():
                item = out.name()
                out.line(f"{item} = {constant(self.handles.as_borrow(t))}({v})")
                return item
            case StreamType() | FutureType():
                raise unsupported(t)

    def _prepare_prim(self, prim: Prim, v: str) -> str:
        out, constant = self.out, self.out.constant
        match prim:
            case Prim.BOOL:
                with out.block(f"if {v} is not True and {v} is not False:"):
                    out.line(f"raise {constant(values.BadValue)}")
                return v
            case Prim.STRING:
                with out.block(f"if {v}.__class__ is not str and not isinstance({v}, str):"):
                    out.line(f"raise {constant(values.BadValue)}")
                item = out.name()
                if self.options.encoding is StringEncoding.UTF8:
                    out.line(f"{item} = {v}.encode()")
                else:
                    out.line(f"{v}.encode()")
                    out.line(f"{item} = {v}")
                return item
            case Prim.CHAR:
                item = out.name()
                out.line(f"{item} = {constant(values.as_char)}({v})")
                return item
            case Prim.F64:
                item = out.name()
                out.line(
                    f"{item} = {v} if {v}.__class__ is float else {constant(values.as_float)}({v})"
                )
                return item
            case Prim.F32:
                item = out.name()
                out.line(f"{item} = {constant(values.as_f32)}({v})")
                return item
            case Prim.ERROR_CONTEXT:
                raise unsupported(prim)
            case _:
                low, high = INT_RANGE[prim]
                item = out.name()
                out.line(f"{item} = {v}")
                with out.block(f"if {v}.__class__ is not int or not {low} <= {v} <= {high}:"):
                    out.line(f"{item} = {constant(values.as_int)}({v}, {low}, {high})")
                return item

    def _prepare_list(self, element: ValType, length: int | None, v: str) -> str:
        out, constant = self.out, self.out.constant
        prim = bare(element)
        if isinstance(prim, Prim) and prim in NUMERIC:
            item = out.name()
            convert = f"{constant(values.as_buffer)}({v}, {constant(prim)})"
            if prim is Prim.U8:
                convert = f"{v} if {v}.__class__ is bytes else {convert}"
            out.line(f"{item} = {convert}")
            if length is not None:
                size = length * self.layouts.elem_size(element)
                with out.block(f"if len({item}) != {size}:"):
                    out.line(f"raise {constant(values.BadValue)}")
            return item
        sequence = out.name()
        out.line(f"{sequence} = {v} if {v}.__class__ is list else {constant(values.as_list)}({v})")
        if length is not None:
            with out.block(f"if len({sequence}) != {length}:"):
                out.line(f"raise {constant(values.BadValue)}")
        if prim is Prim.STRING and self.options.encoding is StringEncoding.UTF8:
            item = out.name()
            out.line(f"{item} = [{constant(str.encode)}(x) for x in {sequence}]")
            return item
        return self._prepare_items(element, sequence)

    def _prepare_items(self, element: ValType, source: str) -> str:
        out = self.out
        items, item = out.name(), out.name()
        out.line(f"{items} = []")
        with out.block(f"for {item} in {source}:"):
            out.line(f"{items}.append({self.prepare(element, item)})")
        return items

    def _prepare_fields(self, types: tuple[ValType, ...], item: str) -> str:
        out = self.out
        names = [out.name() for _ in types]
        out.line(f"{', '.join(names)}{',' if len(names) == 1 else ''} = {item}")
        prepared = [self.prepare(t, name) for t, name in zip(types, names, strict=True)]
        result = out.name()
        out.line(f"{result} = ({', '.join(prepared)},)")
        return result

    def _prepare_cases(
        self, cases: tuple[ValType | None, ...], index: str, value: str, *, strict: bool = False
    ) -> str:
        out = self.out
        item = out.name()
        out.line(f"{item} = ({index}, None)")
        for i, case in enumerate(cases):
            if case is None:
                if strict:
                    with out.block(f"if {index} == {i} and {value} is not None:"):
                        out.line(f"raise {out.constant(values.BadValue)}")
                continue
            with out.block(f"if {index} == {i}:"):
                payload = out.name()
                out.line(f"{payload} = {value}")
                out.line(f"{item} = ({i}, {self.prepare(case, payload)})")
        return item

    # -- lower_flat --------------------------------------------------------------------------

    def flatten(self, t: ValType, p: str) -> list[str]:
        """Emit what puts the prepared `p` into core values; their expressions."""
        out = self.out
        match t:
            case Prim.STRING:
                return list(self._string(p))
            case Prim():
                return [_flat_number(t, p)]
            case PrimType(prim):
                return self.flatten(prim, p)
            case ListType(_, None) | MapType():
                return list(self._list(t, p))
            case ListType(element, length):
                item_type = bare(element)
                names = [out.name() for _ in range(length or 0)]
                source = p
                if isinstance(item_type, Prim) and item_type in NUMERIC:
                    unpack = struct.Struct(f"<{length}{FORMAT[item_type]}").unpack
                    source = f"{out.constant(unpack)}({p})"
                out.line(f"{', '.join(names)}, = {source}")
                return [flat for name in names for flat in self.flatten(element, name)]
            case RecordType() | TupleType():
                types = fields_of(t)
                names = [out.name() for _ in types]
                out.line(f"{', '.join(names)}, = {p}")
                flats: list[str] = []
                for field, name in zip(types, names, strict=True):
                    flats += self.flatten(field, name)
                return flats
            case EnumType():
                return [p]
            case VariantType() | OptionType() | ResultType():
                return self._flatten_variant(t, p)
            case FlagsType():
                return [_flat_number(Prim.U32, p)]
            case OwnType() | BorrowType():
                index = out.name()
                out.line(f"{index} = {self._handle(t, p)}")
                return [index]
            case StreamType() | FutureType():
                raise unsupported(t)

    def _handle(self, t: OwnType | BorrowType, p: str) -> str:
        if isinstance(t, OwnType):
            return f"{self.out.constant(self.handles.lower_own(t))}({p})"
        return f"{self.out.constant(self.handles.lower_borrow(t))}({p}, cx)"

    def _flatten_variant(self, t: VariantType | OptionType | ResultType, p: str) -> list[str]:
        out = self.out
        flat_types = self.layouts.of(t).flat
        assert flat_types is not None
        index, payload = out.name(), out.name()
        out.line(f"{index}, {payload} = {p}")
        results = [out.name() for _ in flat_types[1:]]
        if results:
            out.line(f"{' = '.join(results)} = 0")
        for i, case in enumerate(cases_of(t)):
            if case is None:
                continue
            case_flat = self.layouts.of(case).flat
            assert case_flat is not None
            with out.block(f"if {index} == {i}:"):
                flats = self.flatten(case, payload)
                for result, flat, have, want in zip(
                    results, flats, case_flat, flat_types[1:], strict=False
                ):
                    out.line(f"{result} = {self._widen(flat, have, want)}")
        return [index, *results]

    def _widen(self, text: str, have: core.ValType, want: core.ValType) -> str:
        constant = self.out.constant
        assert join(have, want) == want
        match have, want:
            case (core.F32, core.I32):
                return f"{constant(_f32_to_i32)}({text})"
            case (core.I32, core.I64):
                return f"{text} & {MASK32}"
            case (core.F32, core.I64):
                return f"{constant(_f32_to_i32)}({text}) & {MASK32}"
            case (core.F64, core.I64):
                return f"{constant(_f64_to_i64)}({text})"
            case _:
                return text

    def _string(self, p: str) -> tuple[str, str]:
        out = self.out
        ptr, units = out.name(), out.name()
        if self.utf8:
            out.line(f"{ptr} = {out.constant(self.options.put)}({p}, 1)")
            return ptr, f"len({p})"
        if self.classes is None:
            out.line(f"{ptr}, {units} = {out.constant(self.options.put_transfer)}({p})")
        else:
            out.line(f"{ptr}, {units} = {out.constant(self.options.put_text)}({p})")
        return ptr, _signed(units)

    def _list(self, t: ListType | MapType, p: str) -> tuple[str, str]:
        out = self.out
        element = TupleType((t.key, t.value)) if isinstance(t, MapType) else t.element
        layout = self.layouts.of(element)
        prim = bare(element)
        put = out.constant(self.options.put)
        ptr = out.name()
        if isinstance(prim, Prim) and prim in NUMERIC:
            out.line(f"{ptr} = {put}({p}, {layout.alignment})")
            if layout.size == 1:
                return ptr, f"len({p})"
            return ptr, f"len({p}) // {layout.size}"
        count, size, buffer = out.name(), out.name(), out.name()
        at, item = out.name(), out.name()
        out.line(f"{count} = len({p})")
        out.line(f"{size} = {count} * {layout.size}")
        out.line(f"{ptr} = {out.constant(self.options.alloc)}({size}, {layout.alignment})")
        out.line(f"{buffer} = bytearray({size})")
        out.line(f"{at} = 0")
        with out.block(f"for {item} in {p}:"):
            self.store(element, item, buffer, at, 0)
            out.line(f"{at} += {layout.size}")
        # `realloc` may have grown the memory for what the elements point to
        view = out.constant(self.options.view)
        out.line(f"{view}({ptr}, {size}, 1, 'list')[{ptr}:{ptr} + {size}] = {buffer}")
        return ptr, count

    # -- store -------------------------------------------------------------------------------

    def store(self, t: ValType, p: str, buffer: str, at: str, offset: int) -> None:
        """Emit what writes the prepared `p` into `buffer` from `at + offset`."""
        out = self.out
        if isinstance(t, Measured) and (t.size > _INLINE or out.depth > _DEPTH):

            def body() -> None:
                self._store(t, "p", "buffer", "at", 0)

            name = out.helper("store", t, "p, buffer, at, cx", body)
            out.line(f"{name}({p}, {buffer}, {_plus(at, offset)}, cx)")
            return
        self._store(t, p, buffer, at, offset)

    def _store(self, t: ValType, p: str, buffer: str, at: str, offset: int) -> None:
        leaves: list[Leaf] = []
        later: list[Callable[[], None]] = []
        self._leaves(t, p, buffer, at, offset, leaves, later)
        if leaves:
            base = leaves[0].offset
            shifted = [Leaf(leaf.offset - base, leaf.format, leaf.text) for leaf in leaves]
            pack = self.out.constant(_pack_into(struct_of(shifted).format))
            texts = ", ".join(leaf.text for leaf in leaves)
            self.out.line(f"{pack}({buffer}, {_plus(at, base)}, {texts})")
        for emit in later:
            emit()

    def _leaves(
        self,
        t: ValType,
        p: str,
        buffer: str,
        at: str,
        offset: int,
        leaves: list[Leaf],
        later: list[Callable[[], None]],
    ) -> None:
        """Collect the numbers of `t` that lie at fixed places, and what must be stored after."""
        out = self.out
        match t:
            case Prim.STRING:
                ptr, units = self._string(p)
                # as stored, a tag is the top bit of an unsigned number
                units = f"{units} & {MASK32}"
                leaves += [Leaf(offset, "I", ptr), Leaf(offset + 4, "I", units)]
            case Prim():
                leaves.append(Leaf(offset, FORMAT[t], p))
            case PrimType(prim):
                self._leaves(prim, p, buffer, at, offset, leaves, later)
            case ListType(_, None) | MapType():
                ptr, count = self._list(t, p)
                leaves += [Leaf(offset, "I", ptr), Leaf(offset + 4, "I", count)]
            case ListType(element):
                later.append(lambda: self._store_fixed(element, p, buffer, at, offset))
            case RecordType() | TupleType():
                types = fields_of(t)
                names = [out.name() for _ in types]
                out.line(f"{', '.join(names)}, = {p}")
                place = offset
                for field, name in zip(types, names, strict=True):
                    layout = self.layouts.of(field)
                    place = align_to(place, layout.alignment)
                    if isinstance(field, Measured) and field.size > _INLINE:
                        later.append(partial(self.store, field, name, buffer, at, place))
                    else:
                        self._leaves(field, name, buffer, at, place, leaves, later)
                    place += layout.size
            case EnumType(labels):
                leaves.append(Leaf(offset, DISC_FORMAT[discriminant_size(len(labels))], p))
            case VariantType() | OptionType() | ResultType():
                cases = cases_of(t)
                index, payload = out.name(), out.name()
                out.line(f"{index}, {payload} = {p}")
                leaves.append(Leaf(offset, DISC_FORMAT[discriminant_size(len(cases))], index))
                start = offset + self.layouts.payload_offset(cases)
                later.append(lambda: self._store_cases(cases, index, payload, buffer, at, start))
            case FlagsType(labels):
                leaves.append(Leaf(offset, DISC_FORMAT[flags_size(len(labels))], p))
            case OwnType() | BorrowType():
                handle = out.name()
                out.line(f"{handle} = {self._handle(t, p)}")
                leaves.append(Leaf(offset, "I", f"{handle} & {MASK32}"))
            case StreamType() | FutureType():
                raise unsupported(t)

    def _store_fixed(self, element: ValType, p: str, buffer: str, at: str, offset: int) -> None:
        out = self.out
        prim = bare(element)
        start = out.name()
        out.line(f"{start} = {_plus(at, offset)}")
        if isinstance(prim, Prim) and prim in NUMERIC:
            out.line(f"{buffer}[{start}:{start} + len({p})] = {p}")
            return
        item = out.name()
        with out.block(f"for {item} in {p}:"):
            self.store(element, item, buffer, start, 0)
            out.line(f"{start} += {self.layouts.elem_size(element)}")

    def _store_cases(
        self,
        cases: tuple[ValType | None, ...],
        index: str,
        payload: str,
        buffer: str,
        at: str,
        offset: int,
    ) -> None:
        word = "if"
        for i, case in enumerate(cases):
            if case is not None:
                with self.out.block(f"{word} {index} == {i}:"):
                    self.store(case, payload, buffer, at, offset)
                word = "elif"


def _plus(at: str, offset: int) -> str:
    return f"{at} + {offset}" if offset else at


def _signed(text: str) -> str:
    return f"({text} ^ 0x80000000) - 0x80000000"


def _flat_number(prim: Prim, p: str) -> str:
    match prim:
        case Prim.U32:
            return _signed(p)
        case Prim.U64:
            return f"({p} ^ 0x8000000000000000) - 0x8000000000000000"
        case _:
            return p


_pack_cache: dict[str, Callable[..., None]] = {}


def _pack_into(letters: str) -> Callable[..., None]:
    known = _pack_cache.get(letters)
    if known is None:
        known = _pack_cache[letters] = struct.Struct(letters).pack_into
    return known


def _f32_to_i32(value: float) -> int:
    number: int = struct.unpack("<i", struct.pack("<f", value))[0]
    return number


def _f64_to_i64(value: float) -> int:
    number: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return number
