"""Owns Advanced SIMD loads and stores of structures: LD1 to LD4, whole, by lane, replicated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wherever.ir import opcodes
from wherever.ir.values import Value
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.operands import immediate
from wherever.isa.aarch64.registers import V
from wherever.isa.instruction import Group, Meaning

__all__ = ["group"]

group: Group = Group("Loads and Stores, Advanced SIMD structures", "Arm ARM C4.1")

_Lanes = Sequence[tuple[int, int]]  # a source vector and a lane of it, for each lane of a result


def _gather(m: Lifter, sources: Sequence[Value], lanes: _Lanes, size: int) -> Value:
    """A vector of lanes from any number of vectors, two at a time."""
    count = 16 >> size
    result = sources[0]
    picked = [lane if source == 0 else 0 for source, lane in lanes]
    for number, other in enumerate(sources[1:], 1):
        choice = [
            count + lane if source == number else (old if number == 1 else position)
            for position, ((source, lane), old) in enumerate(zip(lanes, picked, strict=True))
        ]
        result = m.v.permute(result, other, size, choice)
    return result


def _load(m: Lifter, address: Value, offset: int, q: int) -> Value:
    return m.b.load(opcodes.V128_LOAD if q else opcodes.V128_LOAD64_ZERO, address, offset)


def _store(m: Lifter, address: Value, value: Value, offset: int, q: int) -> None:
    b = m.b
    if q:
        b.store(opcodes.V128_STORE, address, value, offset)
    else:
        b.store(opcodes.F64_STORE, address, b.f64x2_extract_lane(value, 0), offset)


def _multiple(
    m: Lifter, load: int, q: int, elements: int, count: int, size: int, rn: int, rt: int
) -> None:
    """`count` registers; structures of `elements` lanes."""
    b = m.b
    address = m.i64.read_sp(rn)
    step = 8 << q
    registers = [V[(rt + number) % 32] for number in range(count)]
    if elements == 1:
        for number, register in enumerate(registers):
            if load:
                b.set(register, _load(m, address, number * step, q))
            else:
                _store(m, address, b.get(register), number * step, q)
        return
    lanes = step >> size
    fill = [(0, 0)] * ((16 >> size) - lanes)
    if load:
        memory = [_load(m, address, number * step, q) for number in range(elements)]
        for number, register in enumerate(registers):
            where = [divmod(lane * elements + number, lanes) for lane in range(lanes)]
            value = _gather(m, memory, [*where, *fill], size)
            b.set(register, value if q else m.v.low(value, 64))
        return
    values = [b.get(register) for register in registers]
    for number in range(elements):
        positions = [number * lanes + lane for lane in range(lanes)]
        where = [(position % elements, position // elements) for position in positions]
        _store(m, address, _gather(m, values, [*where, *fill], size), number * step, q)


def _advance(m: Lifter, rn: int, rm: int, size: int) -> None:
    """Post-index: by register, or where that is 31 by the bytes moved."""
    i = m.i64
    step = i.const(size) if rm == 31 else i.read(rm)
    i.write_sp(rn, i.add(i.read_sp(rn), step))


def _list(f: Mapping[str, int], count: int, shape: str, index: str = "") -> str:
    names = ", ".join(f"v{(f['rt'] + number) % 32}.{shape}" for number in range(count))
    return f"{'{'}{names}{'}'}{index}"


def _where(f: Mapping[str, int], size: int) -> str:
    if "rm" not in f:
        return "[{Xn+sp}]"
    return "[{Xn+sp}], " + (f"#{size}" if f["rm"] == 31 else "{Xm}")


# opcode: structures of so many lanes, registers
_MULTIPLE: Final = {
    "0000": (4, 4),
    "0010": (1, 4),
    "0100": (3, 3),
    "0110": (1, 3),
    "0111": (1, 1),
    "1000": (2, 2),
    "1010": (1, 2),
}


def _declare_multiple(opcode: str, elements: int, count: int) -> None:
    def text(f: Mapping[str, int]) -> str:
        name = f"{'ld' if f['ll'] else 'st'}{elements}"
        size, q = f["size"], f["q"]
        shape = f"{(8 << q) >> size}{'bhsd'[size]}"
        return f"{name} {_list(f, count, shape)}, {_where(f, count * (8 << q))}"

    def exists(q: int, size: int) -> bool:
        return elements == 1 or q == 1 or size < 3

    def plain(m: Lifter, q: int, ll: int, size: int, rn: int, rt: int) -> None:
        _multiple(m, ll, q, elements, count, size, rn, rt)

    def post(m: Lifter, q: int, ll: int, rm: int, size: int, rn: int, rt: int) -> None:
        _multiple(m, ll, q, elements, count, size, rn, rt)
        _advance(m, rn, rm, count * (8 << q))

    for diagram, meaning, what in (
        (f"0 Q:1 0011000 LL:1 0 00000 {opcode} size:2 Rn:5 Rt:5", plain, "no offset"),
        (f"0 Q:1 0011001 LL:1 0 Rm:5 {opcode} size:2 Rn:5 Rt:5", post, "post-index"),
    ):
        group.instruction(
            diagram,
            name=f"ld{elements}",
            asm=text,
            spec=f"C7.2 LD{elements}, ST{elements} (multiple structures), {what}",
            where=exists,
        )(meaning)


for _opcode, (_elements, _count) in _MULTIPLE.items():
    _declare_multiple(_opcode, _elements, _count)


# --- single structures: one lane of each register ---

_LOAD_LANE: Final = (
    opcodes.V128_LOAD8_LANE,
    opcodes.V128_LOAD16_LANE,
    opcodes.V128_LOAD32_LANE,
    opcodes.V128_LOAD64_LANE,
)
_STORE_LANE: Final = (
    opcodes.V128_STORE8_LANE,
    opcodes.V128_STORE16_LANE,
    opcodes.V128_STORE32_LANE,
    opcodes.V128_STORE64_LANE,
)
_LOAD_SPLAT: Final = (
    opcodes.V128_LOAD8_SPLAT,
    opcodes.V128_LOAD16_SPLAT,
    opcodes.V128_LOAD32_SPLAT,
    opcodes.V128_LOAD64_SPLAT,
)

# lane size, opcode<2:1>, S and size with index bits left open
_SINGLE: Final = (
    (0, "00", "S:1 size:2"),
    (1, "01", "S:1 size:2=x0"),
    (2, "10", "S:1 size:2=00"),
    (3, "10", "S:1=0 size:2=01"),
)


def _declare_single(size: int, scale: str, rest: str, elements: int) -> None:
    low, r = elements - 1 >> 1, elements - 1 & 1
    width = size

    def index(q: int, s: int, bits: int) -> int:
        return (q << 3 | s << 2 | bits) >> size

    def text(f: Mapping[str, int]) -> str:
        name = f"{'ld' if f['ll'] else 'st'}{elements}"
        lane = index(f["q"], f["s"], f["size"])
        listed = _list(f, elements, "bhsd"[size], f"[{immediate(lane)[1:]}]")
        return f"{name} {listed}, {_where(f, elements << size)}"

    def move(m: Lifter, q: int, ll: int, s: int, bits: int, rn: int, rt: int) -> None:
        b = m.b
        address = m.i64.read_sp(rn)
        lane = index(q, s, bits)
        for number in range(elements):
            slot, offset = V[(rt + number) % 32], number << size
            if ll:
                b.set(slot, b.load_lane(_LOAD_LANE[size], address, b.get(slot), lane, offset))
            else:
                b.store_lane(_STORE_LANE[size], address, b.get(slot), lane, offset)

    def plain(m: Lifter, q: int, ll: int, s: int, size: int, rn: int, rt: int) -> None:
        move(m, q, ll, s, size, rn, rt)

    def post(m: Lifter, q: int, ll: int, rm: int, s: int, size: int, rn: int, rt: int) -> None:
        move(m, q, ll, s, size, rn, rt)
        _advance(m, rn, rm, elements << width)

    _declare_both(
        f"LL:1 {r}",
        f"{scale}{low} {rest}",
        text,
        plain,
        post,
        f"LD{elements}, ST{elements} (single structure)",
    )


def _declare_both(
    head: str,
    rest: str,
    text: Callable[[Mapping[str, int]], str],
    plain: Meaning,
    post: Meaning,
    spec: str,
) -> None:
    for diagram, meaning, what in (
        (f"0 Q:1 0011010 {head} 00000 {rest} Rn:5 Rt:5", plain, "no offset"),
        (f"0 Q:1 0011011 {head} Rm:5 {rest} Rn:5 Rt:5", post, "post-index"),
    ):
        group.instruction(
            diagram,
            name=spec.split(",")[0].split()[0].lower(),
            asm=text,
            spec=f"C7.2 {spec}, {what}",
        )(meaning)


def _declare_replicate(elements: int) -> None:
    low, r = elements - 1 >> 1, elements - 1 & 1

    def text(f: Mapping[str, int]) -> str:
        size = f["size"]
        shape = f"{(8 << f['q']) >> size}{'bhsd'[size]}"
        return f"ld{elements}r {_list(f, elements, shape)}, {_where(f, elements << size)}"

    def plain(m: Lifter, q: int, size: int, rn: int, rt: int) -> None:
        b = m.b
        address = m.i64.read_sp(rn)
        for number in range(elements):
            value = b.load(_LOAD_SPLAT[size], address, number << size)
            m.v.write((rt + number) % 32, value, q)

    def post(m: Lifter, q: int, rm: int, size: int, rn: int, rt: int) -> None:
        plain(m, q, size, rn, rt)
        _advance(m, rn, rm, elements << size)

    _declare_both(f"1 {r}", f"11{low} 0 size:2", text, plain, post, f"LD{elements}R")


for _number in (1, 2, 3, 4):
    for _row in _SINGLE:
        _declare_single(*_row, _number)
    _declare_replicate(_number)
