"""Owns loops that make one array of others, element by element: several elements a turn.

A loop of one block that loads elements one after the other, computes with each alone what it then
stores, and stores it last: rule `wide-stream`. Before each turn: if more than as many turns follow
as vectors have lanes, if no load reads what a turn that is done together with its own would have
stored, and if nothing of it crosses a page, so many elements are computed in vectors. If one of
these is a NaN, nothing is stored, and the block itself goes on; its questions are its own
(ADR 0044). Otherwise they are stored, and every register of the loop moves on by that many turns.

The last turn is always the block itself, so whatever the block leaves in registers beside is what
it always leaves. What lies in one page faults with its first byte or not at all, and everything is
loaded in the order of the block before anything is stored.

Beside qemu, with every distance between arrays, NaNs and faults: tests/programs/linux/streams.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wherever.aot import encode as e
from wherever.aot.nans import SUM, implied, tests_itself, unequal
from wherever.aot.paced import Pace, changes_of, left, looping, move_on, pace, speed
from wherever.aot.selection import BY_NAME, CONSTS, PACKED
from wherever.ir import opcodes as op
from wherever.ir.ops import BY_NUMBER, F32, F64, I32, I64, V128
from wherever.passes.facts import is_load, needs

if TYPE_CHECKING:
    from wherever.aot.expressions import Expressions
    from wherever.ir.values import Block, Value

_PAGE: Final = 4096
_M32: Final = 0xFFFF_FFFF
_STORES: Final = {
    op.I32_STORE8: 1,
    op.I64_STORE8: 1,
    op.I32_STORE16: 2,
    op.I64_STORE16: 2,
    op.I32_STORE: 4,
    op.I64_STORE32: 4,
    op.F32_STORE: 4,
    op.I64_STORE: 8,
    op.F64_STORE: 8,
}
_LOADS: Final = {
    BY_NAME[name]: size
    for name, size in (
        *((f"{type_}.load8_{sign}", 1) for type_ in ("i32", "i64") for sign in "su"),
        *((f"{type_}.load16_{sign}", 2) for type_ in ("i32", "i64") for sign in "su"),
        *((f"i64.load32_{sign}", 4) for sign in "su"),
        *(("i32.load", 4), ("f32.load", 4), ("i64.load", 8), ("f64.load", 8)),
    )
}
_SHAPES: Final = {1: "i8x16", 2: "i16x8", 4: "i32x4", 8: "i64x2"}
# by the size of an element: an operation on numbers, and the one on lanes. The low bits of what
# these give depend on nothing but the low bits of what they are given
_LANES: Final = {
    (size, BY_NAME[f"{type_}.{name}"]): BY_NAME[f"{shape}.{name}"]
    for size, shape in _SHAPES.items()
    for type_ in ("i32", "i64")
    for name in ("add", "sub", "mul")
    if f"{shape}.{name}" in BY_NAME and (size < 8 or type_ == "i64")
} | {
    (size, BY_NAME[f"{type_}.{name}"]): BY_NAME[f"v128.{name}"]
    for size in _SHAPES
    for type_ in ("i32", "i64")
    for name in ("and", "or", "xor")
    if size < 8 or type_ == "i64"
}
# the same for shifts by a constant; to the right only of whole elements
_SHIFTS: Final = {
    (size, BY_NAME[f"{type_}.{name}"]): BY_NAME[f"{shape}.{name}"]
    for size, shape in _SHAPES.items()
    for type_, whole in (("i32", 4), ("i64", 8))
    for name in ("shl", "shr_s", "shr_u")
    if size == whole or (name == "shl" and size < whole)
}
# what leaves the low 32, 16 and 8 bits alone
_SAME: Final = {
    op.I32_WRAP_I64: 4,
    op.I64_EXTEND_I32_U: 4,
    op.I64_EXTEND_I32_S: 4,
    op.I64_EXTEND32_S: 4,
    op.I64_EXTEND16_S: 2,
    op.I32_EXTEND16_S: 2,
    op.I64_EXTEND8_S: 1,
    op.I32_EXTEND8_S: 1,
}
_BITS: Final = {
    op.I32_REINTERPRET_F32: 4,
    op.F32_REINTERPRET_I32: 4,
    op.I64_REINTERPRET_F64: 8,
    op.F64_REINTERPRET_I64: 8,
}
_FLOATING: Final = {F32: 4, F64: 8}
_SPLATS: Final = {1: op.I8X16_SPLAT, 2: op.I16X8_SPLAT, 4: op.I32X4_SPLAT, 8: op.I64X2_SPLAT}
_LOW: Final = {
    op.F32X4_EXTRACT_LANE: op.F32X4_SPLAT,
    op.F64X2_EXTRACT_LANE: op.F64X2_SPLAT,
}


@dataclass(frozen=True, slots=True)
class Stream:
    """A loop that may do several turns at once."""

    store: Value
    size: int  # of an element
    vectors: int  # of each array, a turn
    loads: list[Value]
    invariants: list[Value]  # what is the same in every turn
    asking: list[Value]  # results to be looked at for NaNs
    paced: Pace

    @property
    def reach(self) -> int:
        """The bytes of each array that are done at once."""
        return 16 * self.vectors

    @property
    def turns(self) -> int:
        """The turns that are done at once."""
        return self.reach // self.size


def streaming(block: Block, live: int) -> Stream | None:
    """The loop that a block is, out of whose registers those in `live` are wanted after it."""
    effects = block.effects
    if len(effects) < 2 or not looping(block):
        return None
    store, loads = effects[-1], effects[:-1]
    size = _STORES.get(store.op, 0)
    if not size or any(_LOADS.get(load.op) != size for load in loads):
        return None
    changes = changes_of(block)
    paced = pace(block, live, changes)
    if paced is None or _reads_memory(paced.more) or _reads_memory(paced.less):
        return None
    for access in effects:
        if _reads_memory(access.args[0]):
            return None
        if speed(access.args[0], paced.steps, changes) != size:
            return None
    found = _Elements(size, changes)
    if not found.element(store.args[1]):
        return None
    if any(id(load) not in found.seen for load in loads):
        return None
    vectors = 2 if size >= 4 else 1
    silent = implied(found.rare)
    asking = [rare for rare in found.rare if id(rare) not in silent]
    stream = Stream(store, size, vectors, loads, found.invariants, asking, paced)
    if any(0 < (_distance(load, store) or 0) < stream.reach for load in loads):
        return None
    return stream


class _Elements:
    """Looks at what an element is computed from."""

    __slots__ = ("changes", "invariants", "rare", "seen", "size")

    def __init__(self, size: int, changes: int) -> None:
        self.size = size
        self.changes = changes
        self.seen: set[int] = set()
        self.invariants: list[Value] = []
        self.rare: list[Value] = []

    def element(self, value: Value) -> bool:
        """Whether the low bits of a value can be computed in the lanes of vectors."""
        if id(value) in self.seen:
            return True
        self.seen.add(id(value))
        number, size = value.op, self.size
        if is_load(number):
            return True
        same = not needs(value) & self.changes and not _reads_memory(value)
        if same and self._invariant(value):
            return True
        if _FLOATING.get(value.type, size) != size:
            return False
        if number == op.RARELY:
            if not tests_itself(value):
                return False
            usual = value.args[1]
            self.seen.add(id(usual))
            if usual.op not in PACKED or not all(self.element(arg) for arg in usual.args):
                return False
            self.rare.append(value)
            return True
        if number in _SAME:
            return size <= _SAME[number] and self.element(value.args[0])
        if number in _BITS:
            return size == _BITS[number] and self.element(value.args[0])
        if (size, number) in _SHIFTS:
            by = value.args[1]
            width = 64 if value.type == I64 else 32
            if by.op not in CONSTS or by.imm % width >= 8 * size:
                return False
            return self.element(value.args[0])
        if (size, number) in _LANES or number in PACKED:
            return all(self.element(arg) for arg in value.args)
        return False

    def _invariant(self, value: Value) -> bool:
        if value.type in _FLOATING:
            number = value.op
            low = number in _LOW and not value.imm and value.args[0].op == op.GET
            if self.size != _FLOATING[value.type] or (not low and number not in CONSTS):
                return False
        elif value.type != I64 and (value.type != I32 or self.size == 8):
            return False
        self.invariants.append(value)
        return True


def _reads_memory(value: Value) -> bool:
    return is_load(value.op) or any(_reads_memory(arg) for arg in value.args)


def _distance(load: Value, store: Value) -> int | None:
    """How far behind a load a store is, where that is the same whatever registers hold."""
    one, low = _apart(load)
    other, high = _apart(store)
    if not _same(one, other):
        return None
    distance = high - low & _M32
    return distance - (1 << 32) if distance >> 31 else distance


def _apart(access: Value) -> tuple[Value, int]:
    value, offset = access.args[0], access.imm
    while value.op == op.I64_ADD and value.args[1].op == op.I64_CONST:
        offset += value.args[1].imm
        value = value.args[0]
    return value, offset


def _same(one: Value, other: Value) -> bool:
    if one is other:
        return True
    if one.op != other.op or one.imm != other.imm or len(one.args) != len(other.args):
        return False
    if not one.args and one.op != op.GET and one.op not in CONSTS:
        return False
    return all(map(_same, one.args, other.args))


def wide_turns(stream: Stream, x: Expressions) -> None:
    """Many elements at once, as often as may be in this page; then the block follows."""
    code, locals_ = x.code, x.locals
    paced = stream.paced
    addresses = [access.args[0] for access in (*stream.loads, stream.store)]
    together = [paced.more, paced.less, *addresses]
    numbers = [value for value in stream.invariants if value.type in (I32, I64)]
    together += numbers
    x.alone(together)
    often = paced.by * stream.turns
    code += e.BLOCK
    following = left(paced, x, often)
    code += e.I32_EQZ + e.branch_if(0)
    wide = paced.more.type == I64
    code += e.local_get(following) + (e.i64_const if wide else e.i32_const)(often)
    code += e.OPCODE[op.I64_DIV_U if wide else op.I32_DIV_U]
    code += e.local_set(following)
    count = _in_page(stream, x)
    if wide:
        code += e.I64_EXTEND_U
    room = locals_.temporary(paced.more.type)
    code += e.local_tee(room) + e.local_get(following) + e.local_get(room)
    code += e.local_get(following) + e.OPCODE[op.I64_LT_U if wide else op.I32_LT_U] + b"\x1b"
    if wide:
        code += e.I32_WRAP
    code += e.local_tee(count) + e.I32_EQZ + e.branch_if(0)
    vectors = _Vectors(stream, x)
    for value in together:
        x.reset(value)
    x.alone(addresses)
    code += e.LOOP
    vectors.turn()
    move_on(paced.steps, x, stream.turns)
    code += e.local_get(count) + e.i32_const(1) + e.I32_SUB + e.local_tee(count)
    code += e.branch_if(0) + e.END + e.END
    x.forget(together)


def _in_page(stream: Stream, x: Expressions) -> int:
    """Push how often one may go on in the pages where everything lies; a local for a count.

    Leaves the block around it where a load reads what is stored a few turns before it.
    """
    code, locals_ = x.code, x.locals
    into: list[int] = []  # for each array, where
    furthest = locals_.temporary(I32)
    for access in (stream.store, *stream.loads):
        known = into and _distance(access, stream.store)
        if known == 0 and into:
            continue
        at = locals_.temporary(I32)
        offset = x.address(access.args[0], access.imm)
        if offset:
            code += e.i32_const(offset) + e.I32_ADD
        code += e.local_set(at)
        if into and known is None:
            code += e.local_get(into[0]) + e.local_get(at) + e.I32_SUB + e.i32_const(1) + e.I32_SUB
            code += e.i32_const(stream.reach - 1) + e.OPCODE[op.I32_LT_U] + e.branch_if(0)
        into.append(at)
    for number, at in enumerate(into):
        code += e.local_get(at) + e.i32_const(_PAGE - 1) + e.OPCODE[op.I32_AND]
        if number:
            code += e.local_tee(at) + e.local_get(furthest) + e.local_get(at)
            code += e.local_get(furthest) + e.OPCODE[op.I32_GT_U] + b"\x1b"
        code += e.local_set(furthest)
    code += e.i32_const(_PAGE) + e.local_get(furthest) + e.I32_SUB
    code += e.i32_const(stream.reach.bit_length() - 1) + e.OPCODE[op.I32_SHR_U]
    return furthest


class _Vectors:
    """Emits what is done at once."""

    __slots__ = ("code", "kept", "places", "stream", "x")

    def __init__(self, stream: Stream, x: Expressions) -> None:
        self.stream = stream
        self.x = x
        self.code = x.code
        self.kept: dict[int, int] = {}  # what is the same in every turn, by identity -> its local
        self.places: dict[int, int] = {}  # the same for what is computed in this turn
        for value in stream.invariants:
            self._splat(value)

    def _splat(self, value: Value) -> None:
        x, code, size = self.x, self.code, self.stream.size
        locals_ = x.locals
        number = value.op
        if value.type in (I32, I64):
            if value.type == I64 and size < 8:
                x.wrapped(value)
            else:
                x.emit(value)
            code += e.OPCODE[_SPLATS[size]]
        elif number in _LOW:
            slot = value.args[0].imm
            if slot in locals_.narrow:
                code += locals_.read_scalar(slot, number)
            else:
                code += locals_.read(slot) + e.OPCODE[number] + b"\0"
            code += e.OPCODE[_LOW[number]]
        else:
            lanes = 16 // size
            code += b"\xfd\x0c" + value.imm.to_bytes(size, "little") * lanes
        place = self.kept[id(value)] = locals_.temporary(V128)
        code += e.local_set(place)

    def turn(self) -> None:
        """Load, compute, ask and store; leave the block around the loop where there is a NaN."""
        code, x, stream = self.code, self.x, self.stream
        at: list[tuple[Value, int, int]] = []
        for access in (*stream.loads, stream.store):
            place = x.locals.temporary(I32)
            at.append((access, place, x.address(access.args[0], access.imm)))
            code += e.local_set(place)
        target, address, offset = at.pop()
        loaded: list[dict[int, int]] = [{} for _ in range(stream.vectors)]
        for load, place, first in at:
            for number, places in enumerate(loaded):
                code += e.local_get(place) + e.MEMORY[op.V128_LOAD]
                code += e.unsigned(first + 16 * number)
                places[id(load)] = x.locals.temporary(V128)
                code += e.local_set(places[id(load)])
        results: list[int] = []
        asked: dict[int, list[int]] = {}  # the operation that compares -> locals of results
        for places in loaded:
            self.places = places
            self._push(target.args[1])
            results.append(x.locals.temporary(V128))
            code += e.local_set(results[-1])
            for rare in stream.asking:
                compares = BY_NAME[_packed(BY_NUMBER[unequal(rare)].name)]
                asked.setdefault(compares, []).append(places[id(rare.args[1])])
        for compares, terms in asked.items():
            code += e.local_get(terms[0])
            for term in terms[1:]:
                code += e.local_get(term) + e.OPCODE[SUM[compares]]
            if len(terms) > 1:
                place = x.locals.temporary(V128)
                code += e.local_tee(place) + e.local_get(place)
            else:
                code += e.local_get(terms[0])
            code += e.OPCODE[compares] + e.OPCODE[op.V128_ANY_TRUE] + e.branch_if(1)
        for number, result in enumerate(results):
            code += e.local_get(address) + e.local_get(result) + e.MEMORY[op.V128_STORE]
            code += e.unsigned(offset + 16 * number)

    def _push(self, value: Value) -> None:
        """Push the lanes of a value."""
        code, size = self.code, self.stream.size
        place = self.kept.get(id(value), -1)
        if place < 0:
            place = self.places.get(id(value), -1)
        if place >= 0:
            code += e.local_get(place)
            return
        number = value.op
        if number == op.RARELY:
            self._push(value.args[1])
            return
        if number in _SAME or number in _BITS:
            self._push(value.args[0])
            return
        shift = _SHIFTS.get((size, number))
        if shift is not None:
            self._push(value.args[0])
            code += e.i32_const(value.args[1].imm & 63) + e.OPCODE[shift]
        else:
            for arg in value.args:
                self._push(arg)
            lanes = _LANES.get((size, number))
            code += e.OPCODE[PACKED[number] if lanes is None else lanes]
        place = self.places[id(value)] = self.x.locals.temporary(V128)
        code += e.local_tee(place)


def _packed(name: str) -> str:
    return {"f32.ne": "f32x4.ne", "f64.ne": "f64x2.ne"}[name]
