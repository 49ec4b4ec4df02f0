"""Owns the group Data Processing -- Scalar Floating-Point: arithmetic, compares, conversions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from wherever.ir.values import Value
from wherever.isa.aarch64 import runtime_float as runtime
from wherever.isa.aarch64.floats import Floats
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.registers import V
from wherever.isa.instruction import Group

__all__ = ["expand_immediate", "group", "read_half", "write_half"]

group: Group = Group("Data Processing -- Scalar Floating-Point", "Arm ARM C4.1")


# --- one source ---


@group.instruction(
    "00 0 11110 ftype:2=0x 1 0000 00 10000 Rn:5 Rd:5",
    name="fmov",
    asm="fmov {Fd}, {Fn}",
    spec="C7.2 FMOV (register)",
    examples=("1e604020 fmov d0, d1",),
)
def fmov_register(m: Lifter, ftype: int, rn: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, f.read(rn))


@group.instruction(
    "00 0 11110 ftype:2=0x 1 0000 01 10000 Rn:5 Rd:5",
    name="fabs",
    asm="fabs {Fd}, {Fn}",
    spec="C7.2 FABS (scalar)",
    examples=("1e60c101 fabs d1, d8",),
)
def fabs(m: Lifter, ftype: int, rn: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, f.abs(f.read(rn)))


@group.instruction(
    "00 0 11110 ftype:2=0x 1 0000 10 10000 Rn:5 Rd:5",
    name="fneg",
    asm="fneg {Fd}, {Fn}",
    spec="C7.2 FNEG (scalar)",
    examples=("1e614000 fneg d0, d0",),
)
def fneg(m: Lifter, ftype: int, rn: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, f.neg(f.read(rn)))


@group.instruction(
    "00 0 11110 ftype:2=0x 1 0000 11 10000 Rn:5 Rd:5",
    name="fsqrt",
    asm="fsqrt {Fd}, {Fn}",
    spec="C7.2 FSQRT (scalar)",
    examples=("1e21c230 fsqrt s16, s17",),
)
def fsqrt(m: Lifter, ftype: int, rn: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, f.sqrt(f.read(rn)))


def read_half(m: Lifter, number: int) -> Value:
    """Hn as a single."""
    b = m.b
    (single,) = b.call_runtime(
        runtime.single_from_half(), b.i16x8_extract_lane_u(b.get(V[number]), 0)
    )
    return single


def write_half(m: Lifter, number: int, double: Value) -> None:
    """Set Hn to the double, rounded."""
    b = m.b
    (half,) = b.call_runtime(runtime.half_from_double(), double)
    b.set(V[number], b.v128_from_i32(half))


@group.instruction(
    "00 0 11110 00 1 0001 01 10000 Rn:5 Rd:5",
    name="fcvt",
    asm="fcvt {Dd}, {Sn}",
    spec="C7.2 FCVT",
    examples=("1e22c000 fcvt d0, s0",),
)
def fcvt_double_single(m: Lifter, rn: int, rd: int) -> None:
    m.f64.write(rd, m.f64.convert_other(m.f32.read(rn)))


@group.instruction(
    "00 0 11110 01 1 0001 00 10000 Rn:5 Rd:5",
    name="fcvt",
    asm="fcvt {Sd}, {Dn}",
    spec="C7.2 FCVT",
    examples=("1e624380 fcvt s0, d28",),
)
def fcvt_single_double(m: Lifter, rn: int, rd: int) -> None:
    m.f32.write(rd, m.f32.convert_other(m.f64.read(rn)))


@group.instruction(
    "00 0 11110 00 1 0001 11 10000 Rn:5 Rd:5",
    name="fcvt",
    asm="fcvt {Hd}, {Sn}",
    spec="C7.2 FCVT",
    examples=("1e23c045 fcvt h5, s2",),
)
def fcvt_half_single(m: Lifter, rn: int, rd: int) -> None:
    write_half(m, rd, m.f64.convert_other(m.f32.read(rn)))


@group.instruction(
    "00 0 11110 01 1 0001 11 10000 Rn:5 Rd:5",
    name="fcvt",
    asm="fcvt {Hd}, {Dn}",
    spec="C7.2 FCVT",
    examples=("1e63c190 fcvt h16, d12",),
)
def fcvt_half_double(m: Lifter, rn: int, rd: int) -> None:
    write_half(m, rd, m.f64.read(rn))


@group.instruction(
    "00 0 11110 11 1 0001 00 10000 Rn:5 Rd:5",
    name="fcvt",
    asm="fcvt {Sd}, {Hn}",
    spec="C7.2 FCVT",
    examples=("1ee2423c fcvt s28, h17",),
)
def fcvt_single_half(m: Lifter, rn: int, rd: int) -> None:
    m.f32.write(rd, read_half(m, rn))


@group.instruction(
    "00 0 11110 11 1 0001 01 10000 Rn:5 Rd:5",
    name="fcvt",
    asm="fcvt {Dd}, {Hn}",
    spec="C7.2 FCVT",
    examples=("1ee2c364 fcvt d4, h27",),
)
def fcvt_double_half(m: Lifter, rn: int, rd: int) -> None:
    m.f64.write(rd, m.f64.convert_other(read_half(m, rn)))


_ROUNDINGS: Final = {
    "n": ("000", 0),
    "p": ("001", 1),
    "m": ("010", 2),
    "z": ("011", 3),
    "a": ("100", 4),
}


def _declare_rounding(letter: str, rmode: str, mode: int) -> None:
    @group.instruction(
        f"00 0 11110 ftype:2=0x 1 001 {rmode} 10000 Rn:5 Rd:5",
        name=f"frint{letter}",
        asm=f"frint{letter} {{Fd}}, {{Fn}}",
        spec=f"C7.2 FRINT{letter.upper()} (scalar)",
    )
    def frint(m: Lifter, ftype: int, rn: int, rd: int) -> None:
        f = m.floats[ftype]
        f.write(rd, f.round(f.read(rn), mode))


for _letter, (_rmode, _mode) in _ROUNDINGS.items():
    _declare_rounding(_letter, _rmode, _mode)


@group.instruction(
    "00 0 11110 ftype:2=0x 1 001 11 x:1 10000 Rn:5 Rd:5",
    name="frintx",
    asm=lambda f: f"frint{'xi'[f['x']]} {{Fd}}, {{Fn}}",
    spec="C7.2 FRINTX, FRINTI (scalar)",
    examples=("1e274326 frintx s6, s25",),
)
def frint_current(m: Lifter, ftype: int, rn: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, f.round_current(f.read(rn)))


# --- two sources ---


def _negative_product(f: Floats, x: Value, y: Value) -> Value:
    return f.neg(f.mul(x, y))


_TWO_SOURCES: Final[Sequence[tuple[str, str, Callable[[Floats, Value, Value], Value]]]] = (
    ("fmul", "0000", lambda f, x, y: f.mul(x, y)),
    ("fdiv", "0001", lambda f, x, y: f.div(x, y)),
    ("fadd", "0010", lambda f, x, y: f.add(x, y)),
    ("fsub", "0011", lambda f, x, y: f.sub(x, y)),
    ("fmax", "0100", lambda f, x, y: f.max(x, y)),
    ("fmin", "0101", lambda f, x, y: f.min(x, y)),
    ("fmaxnm", "0110", lambda f, x, y: f.max_number(x, y)),
    ("fminnm", "0111", lambda f, x, y: f.min_number(x, y)),
    ("fnmul", "1000", _negative_product),
)


def _declare_two_sources(
    name: str, opcode: str, operation: Callable[[Floats, Value, Value], Value]
) -> None:
    @group.instruction(
        f"00 0 11110 ftype:2=0x 1 Rm:5 {opcode} 10 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Fd}}, {{Fn}}, {{Fm}}",
        spec=f"C7.2 {name.upper()} (scalar)",
    )
    def two_sources(m: Lifter, ftype: int, rm: int, rn: int, rd: int) -> None:
        f = m.floats[ftype]
        f.write(rd, operation(f, f.read(rn), f.read(rm)))


for _name, _opcode, _operation in _TWO_SOURCES:
    _declare_two_sources(_name, _opcode, _operation)


# --- three sources ---

_THREE_SOURCES: Final = (
    # name, o1, o0, negate the addend, negate the product
    ("fmadd", "0", "0", False, False),
    ("fmsub", "0", "1", False, True),
    ("fnmadd", "1", "0", True, True),
    ("fnmsub", "1", "1", True, False),
)


def _declare_fused(name: str, o1: str, o0: str, addend_negative: bool, negative: bool) -> None:
    @group.instruction(
        f"00 0 11111 ftype:2=0x {o1} Rm:5 {o0} Ra:5 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Fd}}, {{Fn}}, {{Fm}}, {{Fa}}",
        spec=f"C7.2 {name.upper()}",
    )
    def fused(m: Lifter, ftype: int, rm: int, ra: int, rn: int, rd: int) -> None:
        # the negations come first: a NaN among the operands comes out negated
        f = m.floats[ftype]
        addend, x = f.read(ra), f.read(rn)
        if addend_negative:
            addend = f.neg(addend)
        if negative:
            x = f.neg(x)
        f.write(rd, f.fma(addend, x, f.read(rm)))


for _row in _THREE_SOURCES:
    _declare_fused(*_row)


# --- compare and select ---


@group.instruction(
    "00 0 11110 ftype:2=0x 1 Rm:5 00 1000 Rn:5 e:1 0000",
    name="fcmp",
    asm=lambda f: f"fcmp{'e' if f['e'] else ''} {{Fn}}, {{Fm}}",
    spec="C7.2 FCMP, FCMPE",
    examples=("1e602110 fcmpe d8, d0",),
)
def fcmp(m: Lifter, ftype: int, rm: int, rn: int, e: int) -> None:
    f = m.floats[ftype]
    x, y = f.read(rn), f.read(rm)
    f.note_compare(x, y, e)
    m.flags.compare_floats(x, y, double=f.double)


@group.instruction(
    "00 0 11110 ftype:2=0x 1 xxxxx 00 1000 Rn:5 e:1 1000",
    name="fcmp",
    asm=lambda f: f"fcmp{'e' if f['e'] else ''} {{Fn}}, #0.0",
    spec="C7.2 FCMP, FCMPE (zero)",
    examples=("1e602028 fcmp d1, #0.0",),
)
def fcmp_zero(m: Lifter, ftype: int, rn: int, e: int) -> None:
    f = m.floats[ftype]
    x, y = f.read(rn), f.const(0)
    f.note_compare(x, y, e)
    m.flags.compare_floats(x, y, double=f.double)


@group.instruction(
    "00 0 11110 ftype:2=0x 1 Rm:5 cond:4 01 Rn:5 e:1 nzcv:4",
    name="fccmp",
    asm=lambda f: f"fccmp{'e' if f['e'] else ''} {{Fn}}, {{Fm}}, {{nzcv}}, {{cond}}",
    spec="C7.2 FCCMP, FCCMPE",
    examples=("1e341724 fccmp s25, s20, #4, ne",),
)
def fccmp(m: Lifter, ftype: int, rm: int, cond: int, rn: int, nzcv: int) -> None:
    f = m.floats[ftype]
    m.flags.compare_floats_if(cond, nzcv, f.read(rn), f.read(rm), double=f.double)


@group.instruction(
    "00 0 11110 ftype:2=0x 1 Rm:5 cond:4 11 Rn:5 Rd:5",
    name="fcsel",
    asm="fcsel {Fd}, {Fn}, {Fm}, {cond}",
    spec="C7.2 FCSEL",
    examples=("1e610c00 fcsel d0, d0, d1, eq",),
)
def fcsel(m: Lifter, ftype: int, rm: int, cond: int, rn: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, m.b.select(m.flags.condition(cond), f.read(rn), f.read(rm)))


# --- immediate ---


def expand_immediate(imm8: int, double: bool) -> int:
    """VFPExpandImm: the bit pattern of an eight-bit floating-point immediate."""
    sign, b6, low = imm8 >> 7, imm8 >> 6 & 1, imm8 & 0x3F
    if double:
        return sign << 63 | ((0x100 if not b6 else 0xFF) << 2 | low >> 4) << 52 | (low & 15) << 48
    return sign << 31 | ((0x20 if not b6 else 0x1F) << 2 | low >> 4) << 23 | (low & 15) << 19


@group.instruction(
    "00 0 11110 ftype:2=0x 1 imm8:8 100 00000 Rd:5",
    name="fmov",
    asm="fmov {Fd}, {fimm8}",
    spec="C7.2 FMOV (scalar, immediate)",
    examples=("1e6e1009 fmov d9, #1.00000000",),
)
def fmov_immediate(m: Lifter, ftype: int, imm8: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, f.const(expand_immediate(imm8, f.double)))


# --- between floating-point and integer ---


def _declare_to_integer(letter: str, bits: str, mode: int) -> None:
    @group.instruction(
        f"sf:1 00 11110 ftype:2=0x 1 {bits} U:1 000000 Rn:5 Rd:5",
        name=f"fcvt{letter}",
        asm=lambda f: f"fcvt{letter}{'su'[f['u']]} {{Rd}}, {{Fn}}",
        spec=f"C7.2 FCVT{letter.upper()}S, FCVT{letter.upper()}U (scalar)",
    )
    def fcvt_to_integer(m: Lifter, sf: int, ftype: int, u: int, rn: int, rd: int) -> None:
        f = m.floats[ftype]
        x = f.read(rn)
        # truncation is what the conversion does anyway
        whole = f.round_plain(x, mode) if mode != 3 or m.exact else x
        f.note_conversion(x, whole, u, sf)
        m.ints[sf].write(rd, f.to_integer[u][sf](whole))


for _letter, _bits, _mode in (
    ("n", "00 00", 0),
    ("p", "01 00", 1),
    ("m", "10 00", 2),
    ("z", "11 00", 3),
    ("a", "00 10", 4),
):
    _declare_to_integer(_letter, _bits, _mode)


@group.instruction(
    "sf:1 00 11110 ftype:2=0x 1 00 01 U:1 000000 Rn:5 Rd:5",
    name="scvtf",
    asm=lambda f: f"{'su'[f['u']]}cvtf {{Fd}}, {{Rn}}",
    spec="C7.2 SCVTF, UCVTF (scalar, integer)",
    examples=("9e620000 scvtf d0, x0",),
)
def cvtf(m: Lifter, sf: int, ftype: int, u: int, rn: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, f.convert_integer(m.ints[sf].read(rn), u, sf))


def _fraction_fits(sf: int, scale: int) -> bool:
    return sf == 1 or scale >= 32


@group.instruction(
    "sf:1 00 11110 ftype:2=0x 0 00 01 U:1 scale:6 Rn:5 Rd:5",
    name="scvtf",
    asm=lambda f: f"{'su'[f['u']]}cvtf {{Fd}}, {{Rn}}, {{fbits}}",
    spec="C7.2 SCVTF, UCVTF (scalar, fixed-point)",
    examples=("1e03a198 ucvtf s24, w12, #0x18",),
    where=_fraction_fits,
)
def cvtf_fixed(m: Lifter, sf: int, ftype: int, u: int, scale: int, rn: int, rd: int) -> None:
    f = m.floats[ftype]
    f.write(rd, f.convert_integer(m.ints[sf].read(rn), u, sf, 64 - scale))


@group.instruction(
    "sf:1 00 11110 ftype:2=0x 0 11 00 U:1 scale:6 Rn:5 Rd:5",
    name="fcvtz",
    asm=lambda f: f"fcvtz{'su'[f['u']]} {{Rd}}, {{Fn}}, {{fbits}}",
    spec="C7.2 FCVTZS, FCVTZU (scalar, fixed-point)",
    examples=("1e58b84a fcvtzs w10, d2, #0x12",),
    where=_fraction_fits,
)
def fcvtz_fixed(m: Lifter, sf: int, ftype: int, u: int, scale: int, rn: int, rd: int) -> None:
    # scaling up is exact but for overflow, which saturates as the true value does
    f = m.floats[ftype]
    scaled = f.scale(f.read(rn), 64 - scale)
    if m.exact:
        f.note_conversion(scaled, f.round_plain(scaled, 3), u, sf)
    m.ints[sf].write(rd, f.to_integer[u][sf](scaled))


@group.instruction(
    "0 00 11110 00 1 00 110 000000 Rn:5 Rd:5",
    name="fmov",
    asm="fmov {Wd}, {Sn}",
    spec="C7.2 FMOV (general)",
    examples=("1e260013 fmov w19, s0",),
)
def fmov_to_w(m: Lifter, rn: int, rd: int) -> None:
    m.i32.write(rd, m.b.i32x4_extract_lane(m.b.get(V[rn]), 0))


@group.instruction(
    "0 00 11110 00 1 00 111 000000 Rn:5 Rd:5",
    name="fmov",
    asm="fmov {Sd}, {Wn}",
    spec="C7.2 FMOV (general)",
    examples=("1e270021 fmov s1, w1",),
)
def fmov_from_w(m: Lifter, rn: int, rd: int) -> None:
    m.b.set(V[rd], m.b.v128_from_i32(m.i32.read(rn)))


@group.instruction(
    "1 00 11110 01 1 00 110 000000 Rn:5 Rd:5",
    name="fmov",
    asm="fmov {Xd}, {Dn}",
    spec="C7.2 FMOV (general)",
    examples=("9e660006 fmov x6, d0",),
)
def fmov_to_x(m: Lifter, rn: int, rd: int) -> None:
    m.i64.write(rd, m.b.i64x2_extract_lane(m.b.get(V[rn]), 0))


@group.instruction(
    "1 00 11110 01 1 00 111 000000 Rn:5 Rd:5",
    name="fmov",
    asm="fmov {Dd}, {Xn}",
    spec="C7.2 FMOV (general)",
    examples=("9e670360 fmov d0, x27",),
)
def fmov_from_x(m: Lifter, rn: int, rd: int) -> None:
    m.b.set(V[rd], m.b.v128_from_i64(m.i64.read(rn)))


@group.instruction(
    "1 00 11110 10 1 01 110 000000 Rn:5 Rd:5",
    name="fmov",
    asm="fmov {Xd}, {Vn.d}[1]",
    spec="C7.2 FMOV (general), top half",
    examples=("9eae0021 fmov x1, v1.d[1]",),
)
def fmov_to_x_top(m: Lifter, rn: int, rd: int) -> None:
    m.i64.write(rd, m.b.i64x2_extract_lane(m.b.get(V[rn]), 1))


@group.instruction(
    "1 00 11110 10 1 01 111 000000 Rn:5 Rd:5",
    name="fmov",
    asm="fmov {Vd.d}[1], {Xn}",
    spec="C7.2 FMOV (general), top half",
    examples=("9eaf00a0 fmov v0.d[1], x5",),
)
def fmov_from_x_top(m: Lifter, rn: int, rd: int) -> None:
    m.b.set(V[rd], m.b.i64x2_replace_lane(m.b.get(V[rd]), 1, m.i64.read(rn)))
