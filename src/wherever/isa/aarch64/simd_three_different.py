"""Owns Advanced SIMD three different and by element: operands and results of unlike widths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wherever.ir.values import Value
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.runtime_crypto import POLYNOMIAL_64
from wherever.isa.aarch64.runtime_simd import lane_function
from wherever.isa.aarch64.simd_three_same import float_shape, lanes, scalar_shape
from wherever.isa.instruction import Group

__all__ = ["group"]

group: Group = Group("Advanced SIMD three different, by element", "Arm ARM C4.1")

_NARROWER: Final = (0, 1, 2)

# m, size of the narrow lane, upper half, accumulator, the operands -> wide lanes
Long = Callable[[Lifter, int, int, Value, Value, Value], Value]


def _double_sat(m: Lifter, wide: int, product: Value) -> Value:
    return m.v.add_sat(0, wide, product, product)


def _long_sum(unsigned: int, subtract: bool) -> Long:
    def operation(m: Lifter, s: int, upper: int, _d: Value, x: Value, y: Value) -> Value:
        v = m.v
        x, y = v.extend(unsigned, upper, s, x), v.extend(unsigned, upper, s, y)
        return (v.sub if subtract else v.add)[s + 1](x, y)

    return operation


def _wide_sum(unsigned: int, subtract: bool) -> Long:
    def operation(m: Lifter, s: int, upper: int, _d: Value, x: Value, y: Value) -> Value:
        v = m.v
        return (v.sub if subtract else v.add)[s + 1](x, v.extend(unsigned, upper, s, y))

    return operation


def _long_difference(unsigned: int, accumulate: bool) -> Long:
    def operation(m: Lifter, s: int, upper: int, d: Value, x: Value, y: Value) -> Value:
        v = m.v
        result = v.extend(1, upper, s, v.abs_difference(unsigned, s, x, y))
        return v.add[s + 1](d, result) if accumulate else result

    return operation


def _long_product(unsigned: int, sign: int) -> Long:
    """The product, or added to (sign 1) or subtracted from (-1) the accumulator."""

    def operation(m: Lifter, s: int, upper: int, d: Value, x: Value, y: Value) -> Value:
        v = m.v
        product = v.extmul(unsigned, upper, s, x, y)
        if not sign:
            return product
        return (v.add if sign > 0 else v.sub)[s + 1](d, product)

    return operation


def _long_double_product(sign: int) -> Long:
    def operation(m: Lifter, s: int, upper: int, d: Value, x: Value, y: Value) -> Value:
        v = m.v
        product = _double_sat(m, s + 1, v.extmul(0, upper, s, x, y))
        if not sign:
            return product
        return (v.add_sat if sign > 0 else v.sub_sat)(0, s + 1, d, product)

    return operation


def _long_polynomial(m: Lifter, s: int, upper: int, _d: Value, x: Value, y: Value) -> Value:
    v = m.v
    (result,) = m.b.call_runtime(
        lane_function("pmul", 1, True, 2), v.extend(1, upper, s, x), v.extend(1, upper, s, y)
    )
    return result


# name, U, opcode, narrow lane sizes, the first operand is wide, operation
_LONG: Final[Sequence[tuple[str, str, str, Sequence[int], bool, Long]]] = (
    ("saddl", "0", "0000", _NARROWER, False, _long_sum(0, False)),
    ("saddw", "0", "0001", _NARROWER, True, _wide_sum(0, False)),
    ("ssubl", "0", "0010", _NARROWER, False, _long_sum(0, True)),
    ("ssubw", "0", "0011", _NARROWER, True, _wide_sum(0, True)),
    ("sabal", "0", "0101", _NARROWER, False, _long_difference(0, True)),
    ("sabdl", "0", "0111", _NARROWER, False, _long_difference(0, False)),
    ("smlal", "0", "1000", _NARROWER, False, _long_product(0, 1)),
    ("sqdmlal", "0", "1001", (1, 2), False, _long_double_product(1)),
    ("smlsl", "0", "1010", _NARROWER, False, _long_product(0, -1)),
    ("sqdmlsl", "0", "1011", (1, 2), False, _long_double_product(-1)),
    ("smull", "0", "1100", _NARROWER, False, _long_product(0, 0)),
    ("sqdmull", "0", "1101", (1, 2), False, _long_double_product(0)),
    ("pmull", "0", "1110", (0,), False, _long_polynomial),
    ("uaddl", "1", "0000", _NARROWER, False, _long_sum(1, False)),
    ("uaddw", "1", "0001", _NARROWER, True, _wide_sum(1, False)),
    ("usubl", "1", "0010", _NARROWER, False, _long_sum(1, True)),
    ("usubw", "1", "0011", _NARROWER, True, _wide_sum(1, True)),
    ("uabal", "1", "0101", _NARROWER, False, _long_difference(1, True)),
    ("uabdl", "1", "0111", _NARROWER, False, _long_difference(1, False)),
    ("umlal", "1", "1000", _NARROWER, False, _long_product(1, 1)),
    ("umlsl", "1", "1010", _NARROWER, False, _long_product(1, -1)),
    ("umull", "1", "1100", _NARROWER, False, _long_product(1, 0)),
)


def _two(f: Mapping[str, int]) -> str:
    return "2" if f["q"] else ""


def _declare_long(
    name: str, u: str, opcode: str, sizes: Sequence[int], wide: bool, do: Long
) -> None:
    first = "{Vn.Ta}" if wide else "{Vn.T}"

    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 1 Rm:5 {opcode} 00 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name}{_two(f)} {{Vd.Ta}}, {first}, {{Vm.T}}",
        spec=f"C7.2 {name.upper()} (vector)",
        where=scalar_shape(sizes),
    )
    def long(m: Lifter, q: int, size: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        v.write(rd, do(m, size, q, v.read(rd), v.read(rn), v.read(rm)), 1)

    if not name.startswith("sqd"):
        return

    @group.instruction(
        f"01 {u} 11110 size:2 1 Rm:5 {opcode} 00 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            f"{name} {'hsd'[f['size']]}{f['rd']}, {'bhs'[f['size']]}{f['rn']}, "
            f"{'bhs'[f['size']]}{f['rm']}"
        ),
        spec=f"C7.2 {name.upper()} (scalar)",
        where=scalar_shape(sizes),
    )
    def scalar(m: Lifter, size: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        v.write_scalar(rd, do(m, size, 0, v.read(rd), v.read(rn), v.read(rm)), size + 1)


for _row in _LONG:
    _declare_long(*_row)


@group.instruction(
    "0 Q:1 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5",
    name="pmull",
    asm=lambda f: f"pmull{_two(f)} {{Vd.1q}}, {{Vn.{'12'[f['q']]}d}}, {{Vm.{'12'[f['q']]}d}}",
    spec="C7.2 PMULL, PMULL2",
    examples=("0ef0e0db pmull v27.1q, v6.1d, v16.1d",),
    feature="FEAT_PMULL",
)
def pmull_64(m: Lifter, q: int, rm: int, rn: int, rd: int) -> None:
    b, v = m.b, m.v
    operands = (b.i64x2_extract_lane(v.read(number), q) for number in (rn, rm))
    low, high = b.call_runtime(POLYNOMIAL_64, *operands)
    v.write(rd, b.i64x2_replace_lane(b.i64x2_splat(low), 1, high), 1)


# --- the high half of sums ---


def _declare_high(name: str, u: str, opcode: str, subtract: bool) -> None:
    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 1 Rm:5 {opcode} 00 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name}{_two(f)} {{Vd.T}}, {{Vn.Ta}}, {{Vm.Ta}}",
        spec=f"C7.2 {name.upper()}",
        where=scalar_shape(_NARROWER),
    )
    def high(m: Lifter, q: int, size: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        total = (v.sub if subtract else v.add)[size + 1](v.read(rn), v.read(rm))
        if u == "1":  # rounding
            total = v.add[size + 1](total, v.splat(1 << (8 << size) - 1, size + 1))
        v.write_half(rd, v.narrow_high(size, total), q)


for _name, _u, _opcode, _subtract in (
    ("addhn", "0", "0100", False),
    ("raddhn", "1", "0100", False),
    ("subhn", "0", "0110", True),
    ("rsubhn", "1", "0110", True),
):
    _declare_high(_name, _u, _opcode, _subtract)


# --- by element: the second operand is one lane of Vm; for 16-bit lanes of V0 to V15 only ---


def _element(size: int, h: int, low: int, mm: int, rm: int) -> tuple[int, int]:
    """Register and index from H:L:M and Rm."""
    if size == 1:
        return rm, h << 2 | low << 1 | mm
    if size == 2:
        return mm << 4 | rm, h << 1 | low
    return mm << 4 | rm, h


def _element_text(f: Mapping[str, int], size: int) -> str:
    register, index = _element(size, f["hh"], f["ll"], f["mm"], f["rm"])
    return f"v{register}.{'bhsd'[size]}[{index}]"


_HALF_OR_WORD = scalar_shape((1, 2))
# m, size, destination, n, the lane everywhere
Same = Callable[[Lifter, int, Value, Value, Value], Value]

_BY_ELEMENT: Final[Sequence[tuple[str, str, str, bool, Same]]] = (
    # name, U, opcode, also scalar, operation
    ("mla", "1", "0000", False, lambda m, s, d, x, y: m.v.add[s](d, m.v.mul(s, x, y))),
    ("mls", "1", "0100", False, lambda m, s, d, x, y: m.v.sub[s](d, m.v.mul(s, x, y))),
    ("mul", "0", "1000", False, lambda m, s, _d, x, y: m.v.mul(s, x, y)),
    ("sqdmulh", "0", "1100", True, lambda m, s, _d, x, y: lanes("qdmulh", False)(m, s, x, y)),
    ("sqrdmulh", "0", "1101", True, lambda m, s, _d, x, y: lanes("qrdmulh", False)(m, s, x, y)),
)
_LONG_BY_ELEMENT: Final[Sequence[tuple[str, str, str, Long]]] = (
    ("smlal", "0", "0010", _long_product(0, 1)),
    ("sqdmlal", "0", "0011", _long_double_product(1)),
    ("smlsl", "0", "0110", _long_product(0, -1)),
    ("sqdmlsl", "0", "0111", _long_double_product(-1)),
    ("smull", "0", "1010", _long_product(0, 0)),
    ("sqdmull", "0", "1011", _long_double_product(0)),
    ("umlal", "1", "0010", _long_product(1, 1)),
    ("umlsl", "1", "0110", _long_product(1, -1)),
    ("umull", "1", "1010", _long_product(1, 0)),
)


def _declare_by_element(name: str, u: str, opcode: str, scalars: bool, do: Same) -> None:
    @group.instruction(
        f"0 Q:1 {u} 01111 size:2 LL:1 MM:1 Rm:4 {opcode} HH:1 0 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name} {{Vd.T}}, {{Vn.T}}, {_element_text(f, f['size'])}",
        spec=f"C7.2 {name.upper()} (by element)",
        where=_HALF_OR_WORD,
    )
    def vector(
        m: Lifter, q: int, size: int, ll: int, mm: int, rm: int, hh: int, rn: int, rd: int
    ) -> None:
        v = m.v
        register, index = _element(size, hh, ll, mm, rm)
        y = v.splat_lane(v.read(register), size, index)
        v.write(rd, do(m, size, v.read(rd), v.read(rn), y), q)

    if not scalars:
        return

    @group.instruction(
        f"01 {u} 11111 size:2 LL:1 MM:1 Rm:4 {opcode} HH:1 0 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            f"{name} {' hs'[f['size']]}{f['rd']}, {' hs'[f['size']]}{f['rn']}, "
            f"{_element_text(f, f['size'])}"
        ),
        spec=f"C7.2 {name.upper()} (scalar, by element)",
        where=_HALF_OR_WORD,
    )
    def scalar(m: Lifter, size: int, ll: int, mm: int, rm: int, hh: int, rn: int, rd: int) -> None:
        v = m.v
        register, index = _element(size, hh, ll, mm, rm)
        y = v.splat_lane(v.read(register), size, index)
        v.write_scalar(rd, do(m, size, v.read(rd), v.read(rn), y), size)


for _one in _BY_ELEMENT:
    _declare_by_element(*_one)


def _declare_long_by_element(name: str, u: str, opcode: str, do: Long) -> None:
    @group.instruction(
        f"0 Q:1 {u} 01111 size:2 LL:1 MM:1 Rm:4 {opcode} HH:1 0 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name}{_two(f)} {{Vd.Ta}}, {{Vn.T}}, {_element_text(f, f['size'])}",
        spec=f"C7.2 {name.upper()} (by element)",
        where=_HALF_OR_WORD,
    )
    def vector(
        m: Lifter, q: int, size: int, ll: int, mm: int, rm: int, hh: int, rn: int, rd: int
    ) -> None:
        v = m.v
        register, index = _element(size, hh, ll, mm, rm)
        y = v.splat_lane(v.read(register), size, index)
        v.write(rd, do(m, size, q, v.read(rd), v.read(rn), y), 1)

    if not name.startswith("sqd"):
        return

    @group.instruction(
        f"01 {u} 11111 size:2 LL:1 MM:1 Rm:4 {opcode} HH:1 0 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            f"{name} {' sd'[f['size']]}{f['rd']}, {' hs'[f['size']]}{f['rn']}, "
            f"{_element_text(f, f['size'])}"
        ),
        spec=f"C7.2 {name.upper()} (scalar, by element)",
        where=_HALF_OR_WORD,
    )
    def scalar(m: Lifter, size: int, ll: int, mm: int, rm: int, hh: int, rn: int, rd: int) -> None:
        v = m.v
        register, index = _element(size, hh, ll, mm, rm)
        y = v.splat_lane(v.read(register), size, index)
        v.write_scalar(rd, do(m, size, 0, v.read(rd), v.read(rn), y), size + 1)


for _long in _LONG_BY_ELEMENT:
    _declare_long_by_element(*_long)


# --- floating-point, by element: sz, and for doubles L is zero ---


def _float_element(q: int, sz: int, ll: int) -> bool:
    return float_shape(q, sz) and not (sz and ll)


def _float_scalar_element(sz: int, ll: int) -> bool:
    return not (sz and ll)


_FLOAT_BY_ELEMENT: Final = (
    ("fmla", "0", "0001"),
    ("fmls", "0", "0101"),
    ("fmul", "0", "1001"),
    ("fmulx", "1", "1001"),
)


def _declare_float_by_element(name: str, u: str, opcode: str) -> None:
    def result(m: Lifter, sz: int, q: int | None, d: Value, x: Value, y: Value) -> Value:
        vf = m.float_lanes(sz, q)
        if name == "fmul":
            return vf.mul(x, y)
        if name == "fmulx":
            return vf.mul_extended(x, y)
        return vf.fma(d, vf.neg(x) if name == "fmls" else x, y)

    @group.instruction(
        f"0 Q:1 {u} 01111 1 sz:1 LL:1 MM:1 Rm:4 {opcode} HH:1 0 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name} {{Vd.Tf}}, {{Vn.Tf}}, {_element_text(f, 2 + f['sz'])}",
        spec=f"C7.2 {name.upper()} (by element)",
        where=_float_element,
    )
    def vector(
        m: Lifter, q: int, sz: int, ll: int, mm: int, rm: int, hh: int, rn: int, rd: int
    ) -> None:
        v = m.v
        register, index = _element(2 + sz, hh, ll, mm, rm)
        y = v.splat_lane(v.read(register), 2 + sz, index)
        v.write(rd, result(m, sz, q, v.read(rd), v.read(rn), y), q)

    @group.instruction(
        f"01 {u} 11111 1 sz:1 LL:1 MM:1 Rm:4 {opcode} HH:1 0 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            f"{name} {'sd'[f['sz']]}{f['rd']}, {'sd'[f['sz']]}{f['rn']}, "
            f"{_element_text(f, 2 + f['sz'])}"
        ),
        spec=f"C7.2 {name.upper()} (scalar, by element)",
        where=_float_scalar_element,
    )
    def scalar(m: Lifter, sz: int, ll: int, mm: int, rm: int, hh: int, rn: int, rd: int) -> None:
        v = m.v
        register, index = _element(2 + sz, hh, ll, mm, rm)
        bits = 32 << sz
        y = v.low(v.splat_lane(v.read(register), 2 + sz, index), bits)
        d, x = v.low(v.read(rd), bits), v.low(v.read(rn), bits)
        v.write_scalar(rd, result(m, sz, None, d, x, y), 2 + sz)


for _float in _FLOAT_BY_ELEMENT:
    _declare_float_by_element(*_float)
