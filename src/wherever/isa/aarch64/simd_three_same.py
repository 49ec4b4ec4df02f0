"""Owns Advanced SIMD three same, and scalar three same: lane by lane from two registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from wherever.ir.values import Value
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.runtime_simd import lane_function
from wherever.isa.aarch64.vector_floats import VectorFloats
from wherever.isa.instruction import Group

__all__ = ["group", "lanes"]

group: Group = Group("Advanced SIMD three same", "Arm ARM C4.1")

Operation = Callable[[Lifter, int, Value, Value], Value]  # lane size, then the operands


def lanes(name: str, unsigned: bool) -> Operation:
    """An operation that a runtime function computes lane by lane."""

    def operation(m: Lifter, size: int, x: Value, y: Value) -> Value:
        (result,) = m.b.call_runtime(lane_function(name, size, unsigned, 2), x, y)
        return result

    return operation


def _halving_add(unsigned: int, rounding: bool) -> Operation:
    def operation(m: Lifter, size: int, x: Value, y: Value) -> Value:
        b, v = m.b, m.v
        differing = v.shr(unsigned, size, b.v128_xor(x, y), 1)
        if rounding:
            return v.sub[size](b.v128_or(x, y), differing)
        return v.add[size](b.v128_and(x, y), differing)

    return operation


def _halving_sub(unsigned: int) -> Operation:
    def operation(m: Lifter, size: int, x: Value, y: Value) -> Value:
        b, v = m.b, m.v
        differing = v.shr(unsigned, size, b.v128_xor(x, y), 1)
        return v.sub[size](differing, b.v128_andnot(y, x))

    return operation


def _test_bits(m: Lifter, size: int, x: Value, y: Value) -> Value:
    return m.b.v128_not(m.v.eq[size](m.b.v128_and(x, y), m.v.zero))


def _qrdmulh(m: Lifter, size: int, x: Value, y: Value) -> Value:
    if size == 1:
        return m.b.i16x8_q15mulr_sat_s(x, y)
    return lanes("qrdmulh", False)(m, size, x, y)


# name, U, opcode, lane sizes of vectors, lane sizes of scalars, operation
_INTEGER: Final[Sequence[tuple[str, str, str, Sequence[int], Sequence[int], Operation]]] = (
    ("shadd", "0", "00000", (0, 1, 2), (), _halving_add(0, False)),
    ("sqadd", "0", "00001", (0, 1, 2, 3), (0, 1, 2, 3), lambda m, s, x, y: m.v.add_sat(0, s, x, y)),
    ("srhadd", "0", "00010", (0, 1, 2), (), _halving_add(0, True)),
    ("shsub", "0", "00100", (0, 1, 2), (), _halving_sub(0)),
    ("sqsub", "0", "00101", (0, 1, 2, 3), (0, 1, 2, 3), lambda m, s, x, y: m.v.sub_sat(0, s, x, y)),
    ("cmgt", "0", "00110", (0, 1, 2, 3), (3,), lambda m, s, x, y: m.v.gt_s[s](x, y)),
    ("cmge", "0", "00111", (0, 1, 2, 3), (3,), lambda m, s, x, y: m.v.ge_s[s](x, y)),
    ("sshl", "0", "01000", (0, 1, 2, 3), (3,), lanes("shl", False)),
    ("sqshl", "0", "01001", (0, 1, 2, 3), (0, 1, 2, 3), lanes("qshl", False)),
    ("srshl", "0", "01010", (0, 1, 2, 3), (3,), lanes("rshl", False)),
    ("sqrshl", "0", "01011", (0, 1, 2, 3), (0, 1, 2, 3), lanes("qrshl", False)),
    ("smax", "0", "01100", (0, 1, 2), (), lambda m, s, x, y: m.v.max_s[s](x, y)),
    ("smin", "0", "01101", (0, 1, 2), (), lambda m, s, x, y: m.v.min_s[s](x, y)),
    ("sabd", "0", "01110", (0, 1, 2), (), lambda m, s, x, y: m.v.abs_difference(0, s, x, y)),
    ("add", "0", "10000", (0, 1, 2, 3), (3,), lambda m, s, x, y: m.v.add[s](x, y)),
    ("cmtst", "0", "10001", (0, 1, 2, 3), (3,), _test_bits),
    ("mul", "0", "10011", (0, 1, 2), (), lambda m, s, x, y: m.v.mul(s, x, y)),
    ("sqdmulh", "0", "10110", (1, 2), (1, 2), lanes("qdmulh", False)),
    ("uhadd", "1", "00000", (0, 1, 2), (), _halving_add(1, False)),
    ("uqadd", "1", "00001", (0, 1, 2, 3), (0, 1, 2, 3), lambda m, s, x, y: m.v.add_sat(1, s, x, y)),
    ("urhadd", "1", "00010", (0, 1, 2), (), _halving_add(1, True)),
    ("uhsub", "1", "00100", (0, 1, 2), (), _halving_sub(1)),
    ("uqsub", "1", "00101", (0, 1, 2, 3), (0, 1, 2, 3), lambda m, s, x, y: m.v.sub_sat(1, s, x, y)),
    ("cmhi", "1", "00110", (0, 1, 2, 3), (3,), lambda m, s, x, y: m.v.gt_u(s, x, y)),
    ("cmhs", "1", "00111", (0, 1, 2, 3), (3,), lambda m, s, x, y: m.v.ge_u(s, x, y)),
    ("ushl", "1", "01000", (0, 1, 2, 3), (3,), lanes("shl", True)),
    ("uqshl", "1", "01001", (0, 1, 2, 3), (0, 1, 2, 3), lanes("qshl", True)),
    ("urshl", "1", "01010", (0, 1, 2, 3), (3,), lanes("rshl", True)),
    ("uqrshl", "1", "01011", (0, 1, 2, 3), (0, 1, 2, 3), lanes("qrshl", True)),
    ("umax", "1", "01100", (0, 1, 2), (), lambda m, s, x, y: m.v.max_u[s](x, y)),
    ("umin", "1", "01101", (0, 1, 2), (), lambda m, s, x, y: m.v.min_u[s](x, y)),
    ("uabd", "1", "01110", (0, 1, 2), (), lambda m, s, x, y: m.v.abs_difference(1, s, x, y)),
    ("sub", "1", "10000", (0, 1, 2, 3), (3,), lambda m, s, x, y: m.v.sub[s](x, y)),
    ("cmeq", "1", "10001", (0, 1, 2, 3), (3,), lambda m, s, x, y: m.v.eq[s](x, y)),
    ("pmul", "1", "10011", (0,), (), lanes("pmul", True)),
    ("sqrdmulh", "1", "10110", (1, 2), (1, 2), _qrdmulh),
)


def shape(sizes: Sequence[int]) -> Callable[[int, int], bool]:
    """A guard: the lane sizes that exist, of which one 64-bit lane does not."""

    def guard(q: int, size: int) -> bool:
        return size in sizes and (q == 1 or size < 3)

    return guard


def scalar_shape(sizes: Sequence[int]) -> Callable[[int], bool]:
    """A guard for scalar instructions."""

    def guard(size: int) -> bool:
        return size in sizes

    return guard


def _declare(
    name: str, u: str, opcode: str, sizes: Sequence[int], scalars: Sequence[int], do: Operation
) -> None:
    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 1 Rm:5 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Vd.T}}, {{Vn.T}}, {{Vm.T}}",
        spec=f"C7.2 {name.upper()} (vector)",
        where=shape(sizes),
    )
    def vector(m: Lifter, q: int, size: int, rm: int, rn: int, rd: int) -> None:
        m.v.write(rd, do(m, size, m.v.read(rn), m.v.read(rm)), q)

    if not scalars:
        return

    @group.instruction(
        f"01 {u} 11110 size:2 1 Rm:5 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=lambda f: "{name} {r}{rd}, {r}{rn}, {r}{rm}".format(
            name=name, r="bhsd"[f["size"]], rd=f["rd"], rn=f["rn"], rm=f["rm"]
        ),
        spec=f"C7.2 {name.upper()} (scalar)",
        where=scalar_shape(scalars),
    )
    def scalar(m: Lifter, size: int, rm: int, rn: int, rd: int) -> None:
        m.v.write_scalar(rd, do(m, size, m.v.read(rn), m.v.read(rm)), size)


for _row in _INTEGER:
    _declare(*_row)


# --- those that also read the destination ---

_ACCUMULATING: Final[
    Sequence[tuple[str, str, str, Callable[[Lifter, int, Value, Value, Value], Value]]]
] = (
    (
        "saba",
        "0",
        "01111",
        lambda m, s, d, x, y: m.v.add[s](d, m.v.abs_difference(0, s, x, y)),
    ),
    (
        "uaba",
        "1",
        "01111",
        lambda m, s, d, x, y: m.v.add[s](d, m.v.abs_difference(1, s, x, y)),
    ),
    ("mla", "0", "10010", lambda m, s, d, x, y: m.v.add[s](d, m.v.mul(s, x, y))),
    ("mls", "1", "10010", lambda m, s, d, x, y: m.v.sub[s](d, m.v.mul(s, x, y))),
)


def _declare_accumulating(
    name: str, u: str, opcode: str, do: Callable[[Lifter, int, Value, Value, Value], Value]
) -> None:
    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 1 Rm:5 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Vd.T}}, {{Vn.T}}, {{Vm.T}}",
        spec=f"C7.2 {name.upper()} (vector)",
        where=shape((0, 1, 2)),
    )
    def accumulate(m: Lifter, q: int, size: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        v.write(rd, do(m, size, v.read(rd), v.read(rn), v.read(rm)), q)


for _one in _ACCUMULATING:
    _declare_accumulating(*_one)


# --- pairs ---

_PAIRWISE: Final[Sequence[tuple[str, str, str, Sequence[int], Operation]]] = (
    ("smaxp", "0", "10100", (0, 1, 2), lambda m, s, x, y: m.v.max_s[s](x, y)),
    ("sminp", "0", "10101", (0, 1, 2), lambda m, s, x, y: m.v.min_s[s](x, y)),
    ("umaxp", "1", "10100", (0, 1, 2), lambda m, s, x, y: m.v.max_u[s](x, y)),
    ("uminp", "1", "10101", (0, 1, 2), lambda m, s, x, y: m.v.min_u[s](x, y)),
    ("addp", "0", "10111", (0, 1, 2, 3), lambda m, s, x, y: m.v.add[s](x, y)),
)


def _declare_pairwise(name: str, u: str, opcode: str, sizes: Sequence[int], do: Operation) -> None:
    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 1 Rm:5 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Vd.T}}, {{Vn.T}}, {{Vm.T}}",
        spec=f"C7.2 {name.upper()}",
        where=shape(sizes),
    )
    def pairwise(m: Lifter, q: int, size: int, rm: int, rn: int, rd: int) -> None:
        evens, odds = m.v.pairs(m.v.read(rn), m.v.read(rm), size, q)
        m.v.write(rd, do(m, size, evens, odds), q)


for _pair in _PAIRWISE:
    _declare_pairwise(*_pair)


# --- bitwise ---

_BITWISE: Final[Sequence[tuple[str, str, Callable[[Lifter, Value, Value, Value], Value]]]] = (
    # name, U and size; the operands are the destination, n and m
    ("and", "0 01110 00", lambda m, _d, x, y: m.b.v128_and(x, y)),
    ("bic", "0 01110 01", lambda m, _d, x, y: m.b.v128_andnot(x, y)),
    ("orr", "0 01110 10", lambda m, _d, x, y: m.b.v128_or(x, y)),
    ("orn", "0 01110 11", lambda m, _d, x, y: m.b.v128_or(x, m.b.v128_not(y))),
    ("eor", "1 01110 00", lambda m, _d, x, y: m.b.v128_xor(x, y)),
    ("bsl", "1 01110 01", lambda m, d, x, y: m.b.v128_bitselect(x, y, d)),
    ("bit", "1 01110 10", lambda m, d, x, y: m.b.v128_bitselect(x, d, y)),
    ("bif", "1 01110 11", lambda m, d, x, y: m.b.v128_bitselect(d, x, y)),
)


def _declare_bitwise(
    name: str, bits: str, do: Callable[[Lifter, Value, Value, Value], Value]
) -> None:
    @group.instruction(
        f"0 Q:1 {bits} 1 Rm:5 00011 1 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            "mov {Vd.Tq}, {Vn.Tq}"
            if name == "orr" and f["rn"] == f["rm"]
            else f"{name} {{Vd.Tq}}, {{Vn.Tq}}, {{Vm.Tq}}"
        ),
        spec=f"C7.2 {name.upper()} (vector)",
    )
    def bitwise(m: Lifter, q: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        if name == "orr" and rn == rm:
            v.write(rd, v.read(rn), q)
        else:
            v.write(rd, do(m, v.read(rd), v.read(rn), v.read(rm)), q)


for _bits in _BITWISE:
    _declare_bitwise(*_bits)


# --- floating-point ---

FloatOperation = Callable[[VectorFloats, Value, Value], Value]


def _abs_ge(v: VectorFloats, x: Value, y: Value) -> Value:
    return v.ge(v.abs(x), v.abs(y))


def _abs_gt(v: VectorFloats, x: Value, y: Value) -> Value:
    return v.gt(v.abs(x), v.abs(y))


# name, U, the upper bit of size, opcode, also scalar, operation
_FLOAT: Final[Sequence[tuple[str, str, str, str, bool, FloatOperation]]] = (
    ("fmaxnm", "0", "0", "11000", False, lambda f, x, y: f.max_number(x, y)),
    ("fadd", "0", "0", "11010", False, lambda f, x, y: f.add(x, y)),
    ("fmulx", "0", "0", "11011", True, lambda f, x, y: f.mul_extended(x, y)),
    ("fcmeq", "0", "0", "11100", True, lambda v, x, y: v.eq(x, y)),
    ("fmax", "0", "0", "11110", False, lambda f, x, y: f.max(x, y)),
    ("frecps", "0", "0", "11111", True, lambda f, x, y: f.recip_step(x, y)),
    ("fminnm", "0", "1", "11000", False, lambda f, x, y: f.min_number(x, y)),
    ("fsub", "0", "1", "11010", False, lambda f, x, y: f.sub(x, y)),
    ("fmin", "0", "1", "11110", False, lambda f, x, y: f.min(x, y)),
    ("frsqrts", "0", "1", "11111", True, lambda f, x, y: f.root_step(x, y)),
    ("fmul", "1", "0", "11011", False, lambda f, x, y: f.mul(x, y)),
    ("fcmge", "1", "0", "11100", True, lambda v, x, y: v.ge(x, y)),
    ("facge", "1", "0", "11101", True, _abs_ge),
    ("fdiv", "1", "0", "11111", False, lambda f, x, y: f.div(x, y)),
    ("fabd", "1", "1", "11010", True, lambda f, x, y: f.abs_difference(x, y)),
    ("fcmgt", "1", "1", "11100", True, lambda v, x, y: v.gt(x, y)),
    ("facgt", "1", "1", "11101", True, _abs_gt),
)
_FLOAT_PAIRS: Final[Sequence[tuple[str, str, str, FloatOperation]]] = (
    ("fmaxnmp", "0", "11000", lambda f, x, y: f.max_number(x, y)),
    ("faddp", "0", "11010", lambda f, x, y: f.add(x, y)),
    ("fmaxp", "0", "11110", lambda f, x, y: f.max(x, y)),
    ("fminnmp", "1", "11000", lambda f, x, y: f.min_number(x, y)),
    ("fminp", "1", "11110", lambda f, x, y: f.min(x, y)),
)


def float_shape(q: int, sz: int) -> bool:
    """There is no vector of one double."""
    return q == 1 or sz == 0


def _declare_float(
    name: str, u: str, upper: str, opcode: str, scalar: bool, do: FloatOperation
) -> None:
    @group.instruction(
        f"0 Q:1 {u} 01110 {upper} sz:1 1 Rm:5 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Vd.Tf}}, {{Vn.Tf}}, {{Vm.Tf}}",
        spec=f"C7.2 {name.upper()} (vector)",
        where=float_shape,
    )
    def vector(m: Lifter, q: int, sz: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        v.write(rd, do(m.float_lanes(sz, q), v.read(rn), v.read(rm)), q)

    if not scalar:
        return

    @group.instruction(
        f"01 {u} 11110 {upper} ftype:1 1 Rm:5 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Fd}}, {{Fn}}, {{Fm}}",
        spec=f"C7.2 {name.upper()} (scalar)",
    )
    def of_scalars(m: Lifter, ftype: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        x, y = (v.low(v.read(number), 32 << ftype) for number in (rn, rm))
        v.write_scalar(rd, do(m.float_lanes(ftype), x, y), 2 + ftype)


for _float in _FLOAT:
    _declare_float(*_float)


def _declare_float_pair(name: str, upper: str, opcode: str, do: FloatOperation) -> None:
    @group.instruction(
        f"0 Q:1 1 01110 {upper} sz:1 1 Rm:5 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Vd.Tf}}, {{Vn.Tf}}, {{Vm.Tf}}",
        spec=f"C7.2 {name.upper()} (vector)",
        where=float_shape,
    )
    def vector(m: Lifter, q: int, sz: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        evens, odds = v.pairs(v.read(rn), v.read(rm), 2 + sz, q)
        v.write(rd, do(m.float_lanes(sz, q), evens, odds), q)

    @group.instruction(
        f"01 1 11110 {upper} ftype:1 11000 0{opcode[:4]} 10 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name} {{Fd}}, {{Vn.2{'sd'[f['ftype']]}}}",
        spec=f"C7.2 {name.upper()} (scalar)",
    )
    def scalar(m: Lifter, ftype: int, rn: int, rd: int) -> None:
        v = m.v
        x = v.read(rn)
        second = v.low(v.splat_lane(x, 2 + ftype, 1), 32 << ftype)
        result = do(m.float_lanes(ftype), v.low(x, 32 << ftype), second)
        v.write_scalar(rd, result, 2 + ftype)


for _float_pair in _FLOAT_PAIRS:
    _declare_float_pair(*_float_pair)


@group.instruction(
    "01 0 11110 11 11000 11011 10 Rn:5 Rd:5",
    name="addp",
    asm="addp {Dd}, {Vn.2d}",
    spec="C7.2 ADDP (scalar)",
    examples=("5ef1bbad addp d13, v29.2d",),
)
def addp_scalar(m: Lifter, rn: int, rd: int) -> None:
    v = m.v
    x = v.read(rn)
    v.write_scalar(rd, v.add[3](x, v.splat_lane(x, 3, 1)), 3)


@group.instruction(
    "0 Q:1 0 01110 op:1 sz:1 1 Rm:5 11001 1 Rn:5 Rd:5",
    name="fmla",
    asm=lambda f: f"fml{'as'[f['op']]} {{Vd.Tf}}, {{Vn.Tf}}, {{Vm.Tf}}",
    spec="C7.2 FMLA, FMLS (vector)",
    examples=("0eb0ccae fmls v14.2s, v5.2s, v16.2s",),
    where=float_shape,
)
def fmla(m: Lifter, q: int, op: int, sz: int, rm: int, rn: int, rd: int) -> None:
    v, vf = m.v, m.float_lanes(sz, q)
    x = v.read(rn)
    v.write(rd, vf.fma(v.read(rd), vf.neg(x) if op else x, v.read(rm)), q)
