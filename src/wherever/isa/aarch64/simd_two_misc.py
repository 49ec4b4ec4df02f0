"""Owns Advanced SIMD two-register miscellaneous, its scalar forms, and across lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from wherever.ir.values import Value
from wherever.isa.aarch64 import runtime_float as runtime
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.runtime_simd import lane_function
from wherever.isa.aarch64.simd_three_same import float_shape, scalar_shape, shape
from wherever.isa.aarch64.vector_floats import VectorFloats
from wherever.isa.instruction import Group

__all__ = ["group"]

group: Group = Group("Advanced SIMD two-register miscellaneous, across lanes", "Arm ARM C4.1")

Operation = Callable[[Lifter, int, Value], Value]  # lane size, then the operand


def _lanes(name: str, unsigned: bool) -> Operation:
    def operation(m: Lifter, size: int, x: Value) -> Value:
        (result,) = m.b.call_runtime(lane_function(name, size, unsigned, 1), x)
        return result

    return operation


def _reverse(within: int) -> Operation:
    """Lanes of `size` in reverse order within 2^within bytes."""

    def operation(m: Lifter, size: int, x: Value) -> Value:
        flip = (1 << within - size) - 1
        return m.v.permute(x, x, size, [lane ^ flip for lane in range(16 >> size)])

    return operation


def _reverse_bits(m: Lifter, size: int, x: Value) -> Value:
    del size
    b, v = m.b, m.v
    for distance, mask in ((1, 0x55), (2, 0x33), (4, 0x0F)):
        keep = v.splat(mask, 0)
        up = v.shl(0, b.v128_and(x, keep), distance)
        x = b.v128_or(up, b.v128_and(v.shr(1, 0, x, distance), keep))
    return x


def _abs_sat(m: Lifter, size: int, x: Value) -> Value:
    # the smallest number is its own absolute value: one less, it is the largest
    v = m.v
    smallest = v.splat(1 << (8 << size) - 1, size)
    result = v.abs[size](x)
    return v.add[size](result, v.eq[size](result, smallest))


def _neg_sat(m: Lifter, size: int, x: Value) -> Value:
    return m.v.sub_sat(0, size, m.v.zero, x)


_ALL: Final = (0, 1, 2, 3)
# name, U, opcode, lane sizes of vectors and of scalars, operation, what follows in the text
_INTEGER: Final[Sequence[tuple[str, str, str, Sequence[int], Sequence[int], Operation, str]]] = (
    ("rev64", "0", "00000", (0, 1, 2), (), _reverse(3), ""),
    ("rev16", "0", "00001", (0,), (), _reverse(1), ""),
    ("rev32", "1", "00000", (0, 1), (), _reverse(2), ""),
    ("cls", "0", "00100", (0, 1, 2), (), _lanes("cls", False), ""),
    ("clz", "1", "00100", (0, 1, 2), (), _lanes("clz", True), ""),
    ("cnt", "0", "00101", (0,), (), lambda m, _s, x: m.b.i8x16_popcnt(x), ""),
    ("rbit", "1", "00101", (1,), (), _reverse_bits, ""),
    ("sqabs", "0", "00111", _ALL, _ALL, _abs_sat, ""),
    ("sqneg", "1", "00111", _ALL, _ALL, _neg_sat, ""),
    ("cmgt", "0", "01000", _ALL, (3,), lambda m, s, x: m.v.gt_s[s](x, m.v.zero), ", #0"),
    ("cmge", "1", "01000", _ALL, (3,), lambda m, s, x: m.v.ge_s[s](x, m.v.zero), ", #0"),
    ("cmeq", "0", "01001", _ALL, (3,), lambda m, s, x: m.v.eq[s](x, m.v.zero), ", #0"),
    ("cmle", "1", "01001", _ALL, (3,), lambda m, s, x: m.v.ge_s[s](m.v.zero, x), ", #0"),
    ("cmlt", "0", "01010", _ALL, (3,), lambda m, s, x: m.v.gt_s[s](m.v.zero, x), ", #0"),
    ("abs", "0", "01011", _ALL, (3,), lambda m, s, x: m.v.abs[s](x), ""),
    ("neg", "1", "01011", _ALL, (3,), lambda m, s, x: m.v.neg[s](x), ""),
)


def _declare(
    name: str,
    u: str,
    opcode: str,
    sizes: Sequence[int],
    scalars: Sequence[int],
    do: Operation,
    tail: str,
) -> None:
    arrangement = "Tq" if sizes in ((0,), (1,)) and name in ("cnt", "rbit", "rev16") else "T"

    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 10000 {opcode} 10 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Vd.{arrangement}}}, {{Vn.{arrangement}}}{tail}",
        spec=f"C7.2 {name.upper()} (vector)",
        where=shape(sizes),
    )
    def vector(m: Lifter, q: int, size: int, rn: int, rd: int) -> None:
        m.v.write(rd, do(m, size, m.v.read(rn)), q)

    if not scalars:
        return

    @group.instruction(
        f"01 {u} 11110 size:2 10000 {opcode} 10 Rn:5 Rd:5",
        name=name,
        asm=lambda f: "{name} {r}{rd}, {r}{rn}{tail}".format(
            name=name, r="bhsd"[f["size"]], rd=f["rd"], rn=f["rn"], tail=tail
        ),
        spec=f"C7.2 {name.upper()} (scalar)",
        where=scalar_shape(scalars),
    )
    def scalar(m: Lifter, size: int, rn: int, rd: int) -> None:
        m.v.write_scalar(rd, do(m, size, m.v.read(rn)), size)


for _row in _INTEGER:
    _declare(*_row)


@group.instruction(
    "0 Q:1 1 01110 00 10000 00101 10 Rn:5 Rd:5",
    name="mvn",
    asm="mvn {Vd.Tq}, {Vn.Tq}",
    spec="C7.2 NOT",
    examples=("6e205800 mvn v0.16b, v0.16b",),
)
def not_(m: Lifter, q: int, rn: int, rd: int) -> None:
    m.v.write(rd, m.b.v128_not(m.v.read(rn)), q)


# --- saturating additions of the other sign, into the destination ---


def _declare_mixed(name: str, u: str, unsigned: bool) -> None:
    def total(m: Lifter, size: int, rn: int, rd: int) -> Value:
        function = lane_function(name, size, unsigned, 2)
        (result,) = m.b.call_runtime(function, m.v.read(rd), m.v.read(rn))
        return result

    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 10000 00011 10 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Vd.T}}, {{Vn.T}}",
        spec=f"C7.2 {name.upper()} (vector)",
        where=shape(_ALL),
    )
    def vector(m: Lifter, q: int, size: int, rn: int, rd: int) -> None:
        m.v.write(rd, total(m, size, rn, rd), q)

    @group.instruction(
        f"01 {u} 11110 size:2 10000 00011 10 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name} {'bhsd'[f['size']]}{f['rd']}, {'bhsd'[f['size']]}{f['rn']}",
        spec=f"C7.2 {name.upper()} (scalar)",
    )
    def scalar(m: Lifter, size: int, rn: int, rd: int) -> None:
        m.v.write_scalar(rd, total(m, size, rn, rd), size)


_declare_mixed("suqadd", "0", False)
_declare_mixed("usqadd", "1", True)


# --- widths change ---


@group.instruction(
    "0 Q:1 U:1 01110 size:2 10000 00010 10 Rn:5 Rd:5",
    name="addlp",
    asm=lambda f: f"{'su'[f['u']]}addlp {{Vd.Tp}}, {{Vn.T}}",
    spec="C7.2 SADDLP, UADDLP",
    examples=("4e20284b saddlp v11.8h, v2.16b",),
    where=scalar_shape((0, 1, 2)),
)
def addlp(m: Lifter, q: int, u: int, size: int, rn: int, rd: int) -> None:
    m.v.write(rd, m.v.add_pairs_long(u, size, m.v.read(rn)), q)


@group.instruction(
    "0 Q:1 U:1 01110 size:2 10000 00110 10 Rn:5 Rd:5",
    name="adalp",
    asm=lambda f: f"{'su'[f['u']]}adalp {{Vd.Tp}}, {{Vn.T}}",
    spec="C7.2 SADALP, UADALP",
    examples=("0e206857 sadalp v23.4h, v2.8b",),
    where=scalar_shape((0, 1, 2)),
)
def adalp(m: Lifter, q: int, u: int, size: int, rn: int, rd: int) -> None:
    v = m.v
    v.write(rd, v.add[size + 1](v.read(rd), v.add_pairs_long(u, size, v.read(rn))), q)


# name, U, opcode, to unsigned, from unsigned; None: truncated
_NARROW: Final[Sequence[tuple[str, str, str, tuple[int, int] | None]]] = (
    ("xtn", "0", "10010", None),
    ("sqxtun", "1", "10010", (1, 0)),
    ("sqxtn", "0", "10100", (0, 0)),
    ("uqxtn", "1", "10100", (1, 1)),
)


def _declare_narrow(name: str, u: str, opcode: str, kind: tuple[int, int] | None) -> None:
    def narrowed(m: Lifter, size: int, rn: int) -> Value:
        v = m.v
        x = v.read(rn)
        return v.narrow(size, x) if kind is None else v.narrow_sat(*kind, size, x)

    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 10000 {opcode} 10 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name}{'2' if f['q'] else ''} {{Vd.T}}, {{Vn.Ta}}",
        spec=f"C7.2 {name.upper()}",
        where=scalar_shape((0, 1, 2)),
    )
    def vector(m: Lifter, q: int, size: int, rn: int, rd: int) -> None:
        m.v.write_half(rd, narrowed(m, size, rn), q)

    if kind is None:
        return

    @group.instruction(
        f"01 {u} 11110 size:2 10000 {opcode} 10 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name} {'bhs'[f['size']]}{f['rd']}, {'hsd'[f['size']]}{f['rn']}",
        spec=f"C7.2 {name.upper()} (scalar)",
        where=scalar_shape((0, 1, 2)),
    )
    def scalar(m: Lifter, size: int, rn: int, rd: int) -> None:
        m.v.write_scalar(rd, narrowed(m, size, rn), size)


for _narrow in _NARROW:
    _declare_narrow(*_narrow)


@group.instruction(
    "0 Q:1 1 01110 size:2 10000 10011 10 Rn:5 Rd:5",
    name="shll",
    asm=lambda f: f"shll{'2' if f['q'] else ''} {{Vd.Ta}}, {{Vn.T}}, #{8 << f['size']}",
    spec="C7.2 SHLL",
    examples=("2e613868 shll v8.4s, v3.4h, #16",),
    where=scalar_shape((0, 1, 2)),
)
def shll(m: Lifter, q: int, size: int, rn: int, rd: int) -> None:
    v = m.v
    v.write(rd, v.shl(size + 1, v.extend(1, q, size, v.read(rn)), 8 << size), 1)


# --- floating-point ---


@group.instruction(
    "0 Q:1 0 01110 0 sz:1 10000 10110 10 Rn:5 Rd:5",
    name="fcvtn",
    asm=lambda f: f"fcvtn{'2' if f['q'] else ''} {{Vd.Tn}}, {{Vn.Tw}}",
    spec="C7.2 FCVTN",
    examples=("0e216936 fcvtn v22.4h, v9.4s",),
)
def fcvtn(m: Lifter, q: int, sz: int, rn: int, rd: int) -> None:
    b, v = m.b, m.v
    x = v.read(rn)
    if sz and m.exact:
        result = v.zero
        for lane in range(2):
            single = m.f32.convert_other(b.f64x2_extract_lane(x, lane))
            result = b.f32x4_replace_lane(result, lane, single)
        v.write_half(rd, result, q)
        return
    if sz:
        nan = b.v128_any_true(b.f64x2_ne(x, x))
        function = runtime.singles_from_doubles()
        v.write_half(rd, b.rarely(nan, function, b.f32x4_demote_f64x2_zero(x), x), q)
        return
    result = v.zero
    for lane in range(4):
        double = m.f64.convert_other(b.f32x4_extract_lane(x, lane))
        (half,) = b.call_runtime(runtime.half_from_double(), double)
        result = v.with_lane(result, 1, lane, half)
    v.write_half(rd, result, q)


@group.instruction(
    "0 Q:1 0 01110 0 sz:1 10000 10111 10 Rn:5 Rd:5",
    name="fcvtl",
    asm=lambda f: f"fcvtl{'2' if f['q'] else ''} {{Vd.Tw}}, {{Vn.Tn}}",
    spec="C7.2 FCVTL",
    examples=("4e217852 fcvtl2 v18.4s, v2.8h",),
)
def fcvtl(m: Lifter, q: int, sz: int, rn: int, rd: int) -> None:
    b, v = m.b, m.v
    x = v.read(rn)
    if q:
        x = v.splat_lane(x, 3, 1)
    if sz:
        low = v.low(x, 64)
        nan = b.v128_any_true(b.f32x4_ne(low, low))
        function = runtime.doubles_from_singles()
        v.write(rd, b.rarely(nan, function, b.f64x2_promote_low_f32x4(x), x), 1)
        return
    result = v.zero
    for lane in range(4):
        (single,) = b.call_runtime(runtime.single_from_half(), v.lane(x, 1, lane))
        result = b.f32x4_replace_lane(result, lane, single)
    v.write(rd, result, 1)


def _round_to_odd(m: Lifter, rn: int) -> Value:
    function = lane_function("fcvtxn", 3, True, 1)
    (wide,) = m.b.call_runtime(function, m.v.read(rn))
    return m.v.narrow(2, wide)


@group.instruction(
    "0 Q:1 1 01110 01 10000 10110 10 Rn:5 Rd:5",
    name="fcvtxn",
    asm=lambda f: f"fcvtxn{'2' if f['q'] else ''} {{Vd.{'24'[f['q']]}s}}, {{Vn.2d}}",
    spec="C7.2 FCVTXN",
    examples=("2e616870 fcvtxn v16.2s, v3.2d",),
)
def fcvtxn(m: Lifter, q: int, rn: int, rd: int) -> None:
    m.v.write_half(rd, _round_to_odd(m, rn), q)


@group.instruction(
    "01 1 11110 01 10000 10110 10 Rn:5 Rd:5",
    name="fcvtxn",
    asm="fcvtxn {Sd}, {Dn}",
    spec="C7.2 FCVTXN (scalar)",
    examples=("7e616956 fcvtxn s22, d10",),
)
def fcvtxn_scalar(m: Lifter, rn: int, rd: int) -> None:
    m.v.write_scalar(rd, _round_to_odd(m, rn), 2)


FloatOperation = Callable[[Lifter, VectorFloats, Value], Value]


def _rounding(mode: int) -> FloatOperation:
    return lambda _m, v, x: v.round(x, mode)


def _to_integer(unsigned: int, mode: int) -> FloatOperation:
    """Lanes converted with saturation; doubles as scalars, for Wasm has no vector operation."""

    def operation(m: Lifter, v: VectorFloats, x: Value) -> Value:
        b = m.b
        if mode != 3:
            x = v.round_plain(x, mode)
        if not v.double:
            return (b.i32x4_trunc_sat_f32x4_u if unsigned else b.i32x4_trunc_sat_f32x4_s)(x)
        convert = b.i64_trunc_sat_f64_u if unsigned else b.i64_trunc_sat_f64_s
        result = b.i64x2_splat(convert(b.f64x2_extract_lane(x, 0)))
        return b.i64x2_replace_lane(result, 1, convert(b.f64x2_extract_lane(x, 1)))

    return operation


def _from_integer(unsigned: int) -> FloatOperation:
    def operation(m: Lifter, v: VectorFloats, x: Value) -> Value:
        b = m.b
        if m.exact:
            return v.convert_integers(x, unsigned)
        if not v.double:
            return (b.f32x4_convert_i32x4_u if unsigned else b.f32x4_convert_i32x4_s)(x)
        convert = b.f64_convert_i64_u if unsigned else b.f64_convert_i64_s
        result = b.f64x2_splat(convert(b.i64x2_extract_lane(x, 0)))
        return b.f64x2_replace_lane(result, 1, convert(b.i64x2_extract_lane(x, 1)))

    return operation


def _float_lanes(name: str) -> FloatOperation:
    def operation(m: Lifter, v: VectorFloats, x: Value) -> Value:
        (result,) = m.b.call_runtime(lane_function(name, 3 if v.double else 2, True, 1), x)
        return result

    return operation


# name, U, upper bit of size, opcode, vectors, scalars, operation, what follows in the text
_FLOAT: Final[Sequence[tuple[str, str, str, str, bool, bool, FloatOperation, str]]] = (
    ("frintn", "0", "0", "11000", True, False, _rounding(0), ""),
    ("frintm", "0", "0", "11001", True, False, _rounding(2), ""),
    ("fcvtns", "0", "0", "11010", True, True, _to_integer(0, 0), ""),
    ("fcvtms", "0", "0", "11011", True, True, _to_integer(0, 2), ""),
    ("fcvtas", "0", "0", "11100", True, True, _to_integer(0, 4), ""),
    ("scvtf", "0", "0", "11101", True, True, _from_integer(0), ""),
    ("fcmgt", "0", "1", "01100", True, True, lambda m, v, x: v.gt(x, m.v.zero), ", #0.0"),
    ("fcmeq", "0", "1", "01101", True, True, lambda m, v, x: v.eq(x, m.v.zero), ", #0.0"),
    ("fcmlt", "0", "1", "01110", True, True, lambda m, v, x: v.gt(m.v.zero, x), ", #0.0"),
    ("fabs", "0", "1", "01111", True, False, lambda _m, v, x: v.abs(x), ""),
    ("frintp", "0", "1", "11000", True, False, _rounding(1), ""),
    ("frintz", "0", "1", "11001", True, False, _rounding(3), ""),
    ("fcvtps", "0", "1", "11010", True, True, _to_integer(0, 1), ""),
    ("fcvtzs", "0", "1", "11011", True, True, _to_integer(0, 3), ""),
    ("frecpe", "0", "1", "11101", True, True, _float_lanes("frecpe"), ""),
    ("frecpx", "0", "1", "11111", False, True, _float_lanes("frecpx"), ""),
    ("frinta", "1", "0", "11000", True, False, _rounding(4), ""),
    ("frintx", "1", "0", "11001", True, False, lambda _m, v, x: v.round_current(x), ""),
    ("fcvtnu", "1", "0", "11010", True, True, _to_integer(1, 0), ""),
    ("fcvtmu", "1", "0", "11011", True, True, _to_integer(1, 2), ""),
    ("fcvtau", "1", "0", "11100", True, True, _to_integer(1, 4), ""),
    ("ucvtf", "1", "0", "11101", True, True, _from_integer(1), ""),
    ("fcmge", "1", "1", "01100", True, True, lambda m, v, x: v.ge(x, m.v.zero), ", #0.0"),
    ("fcmle", "1", "1", "01101", True, True, lambda m, v, x: v.ge(m.v.zero, x), ", #0.0"),
    ("fneg", "1", "1", "01111", True, False, lambda _m, v, x: v.neg(x), ""),
    ("frinti", "1", "1", "11001", True, False, lambda _m, v, x: v.round_current(x), ""),
    ("fcvtpu", "1", "1", "11010", True, True, _to_integer(1, 1), ""),
    ("fcvtzu", "1", "1", "11011", True, True, _to_integer(1, 3), ""),
    ("frsqrte", "1", "1", "11101", True, True, _float_lanes("frsqrte"), ""),
    ("fsqrt", "1", "1", "11111", True, False, lambda _m, v, x: v.sqrt(x), ""),
)


def _declare_float(
    name: str,
    u: str,
    upper: str,
    opcode: str,
    vectors: bool,
    scalars: bool,
    do: FloatOperation,
    tail: str,
) -> None:
    def vector(m: Lifter, q: int, sz: int, rn: int, rd: int) -> None:
        m.v.write(rd, do(m, m.float_lanes(sz, q), m.v.read(rn)), q)

    def scalar(m: Lifter, ftype: int, rn: int, rd: int) -> None:
        x = m.v.low(m.v.read(rn), 32 << ftype)
        m.v.write_scalar(rd, do(m, m.float_lanes(ftype), x), 2 + ftype)

    if vectors:
        group.instruction(
            f"0 Q:1 {u} 01110 {upper} sz:1 10000 {opcode} 10 Rn:5 Rd:5",
            name=name,
            asm=f"{name} {{Vd.Tf}}, {{Vn.Tf}}{tail}",
            spec=f"C7.2 {name.upper()} (vector)",
            where=float_shape,
        )(vector)
    if scalars:
        group.instruction(
            f"01 {u} 11110 {upper} ftype:1 10000 {opcode} 10 Rn:5 Rd:5",
            name=name,
            asm=f"{name} {{Fd}}, {{Fn}}{tail}",
            spec=f"C7.2 {name.upper()} (scalar)",
        )(scalar)


for _float in _FLOAT:
    _declare_float(*_float)


@group.instruction(
    "0 Q:1 U:1 01110 10 10000 11100 10 Rn:5 Rd:5",
    name="urecpe",
    asm=lambda f: (
        f"{'ursqrte' if f['u'] else 'urecpe'} {{Vd.{'24'[f['q']]}s}}, {{Vn.{'24'[f['q']]}s}}"
    ),
    spec="C7.2 URECPE, URSQRTE",
    examples=("0ea1cb60 urecpe v0.2s, v27.2s",),
)
def urecpe(m: Lifter, q: int, u: int, rn: int, rd: int) -> None:
    function = lane_function("ursqrte" if u else "urecpe", 2, True, 1)
    (result,) = m.b.call_runtime(function, m.v.read(rn))
    m.v.write(rd, result, q)


# --- across lanes ---


def _reduces(q: int, size: int) -> bool:
    return size < 2 or (size == 2 and q == 1)


Combine = Callable[[Lifter, int, Value, Value], Value]

_ACROSS: Final[Sequence[tuple[str, str, str, Combine]]] = (
    ("smaxv", "0", "01010", lambda m, s, x, y: m.v.max_s[s](x, y)),
    ("sminv", "0", "11010", lambda m, s, x, y: m.v.min_s[s](x, y)),
    ("addv", "0", "11011", lambda m, s, x, y: m.v.add[s](x, y)),
    ("umaxv", "1", "01010", lambda m, s, x, y: m.v.max_u[s](x, y)),
    ("uminv", "1", "11010", lambda m, s, x, y: m.v.min_u[s](x, y)),
)


def _declare_across(name: str, u: str, opcode: str, do: Combine) -> None:
    @group.instruction(
        f"0 Q:1 {u} 01110 size:2 11000 {opcode} 10 Rn:5 Rd:5",
        name=name,
        asm=lambda f: f"{name} {'bhs'[f['size']]}{f['rd']}, {{Vn.T}}",
        spec=f"C7.2 {name.upper()}",
        where=_reduces,
    )
    def across(m: Lifter, q: int, size: int, rn: int, rd: int) -> None:
        v = m.v
        count = (8 << q) >> size
        v.write_scalar(rd, v.fold(size, count, v.read(rn), lambda x, y: do(m, size, x, y)), size)


for _across in _ACROSS:
    _declare_across(*_across)


@group.instruction(
    "0 Q:1 U:1 01110 size:2 11000 00011 10 Rn:5 Rd:5",
    name="addlv",
    asm=lambda f: f"{'su'[f['u']]}addlv {'hsd'[f['size']]}{f['rd']}, {{Vn.T}}",
    spec="C7.2 SADDLV, UADDLV",
    examples=("0e7039d6 saddlv s22, v14.4h",),
    where=_reduces,
)
def addlv(m: Lifter, q: int, u: int, size: int, rn: int, rd: int) -> None:
    v = m.v
    pairs = v.add_pairs_long(u, size, v.read(rn))
    count = (4 << q) >> size
    v.write_scalar(rd, v.fold(size + 1, count, pairs, v.add[size + 1]), size + 1)


def _declare_float_across(
    name: str, upper: str, opcode: str, do: Callable[[VectorFloats, Value, Value], Value]
) -> None:
    @group.instruction(
        f"0 1 1 01110 {upper} 0 11000 {opcode} 10 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Sd}}, {{Vn.4s}}",
        spec=f"C7.2 {name.upper()}",
    )
    def across(m: Lifter, rn: int, rd: int) -> None:
        # the manual's Reduce works on neighbouring halves: ((0, 1), (2, 3)), which NaNs show
        v, vf = m.v, m.float_lanes(0, 1)
        x = v.read(rn)
        pairs = do(vf, v.permute(x, x, 2, (0, 2, 0, 2)), v.permute(x, x, 2, (1, 3, 1, 3)))
        result = do(vf, pairs, v.permute(pairs, pairs, 2, (1, 0, 1, 0)))
        v.write_scalar(rd, result, 2)


_FLOAT_ACROSS: Final[
    Sequence[tuple[str, str, str, Callable[[VectorFloats, Value, Value], Value]]]
] = (
    ("fmaxnmv", "0", "01100", lambda f, x, y: f.max_number(x, y)),
    ("fmaxv", "0", "01111", lambda f, x, y: f.max(x, y)),
    ("fminnmv", "1", "01100", lambda f, x, y: f.min_number(x, y)),
    ("fminv", "1", "01111", lambda f, x, y: f.min(x, y)),
)

for _float_across in _FLOAT_ACROSS:
    _declare_float_across(*_float_across)
