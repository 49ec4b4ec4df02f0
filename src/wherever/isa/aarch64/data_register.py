"""Owns the group Data Processing -- Register: shifted and extended operands, carry, select, MUL."""

from __future__ import annotations

from collections.abc import Mapping

from wherever.ir.values import Value
from wherever.isa.aarch64.lifter import Integers, Lifter
from wherever.isa.aarch64.runtime import crc32_step
from wherever.isa.instruction import Group

__all__ = ["group"]

group: Group = Group("Data Processing -- Register", "Arm ARM C4.1")


def _amount_fits(sf: int, imm6: int) -> bool:
    return sf == 1 or imm6 < 32


def _shifted(i: Integers, rm: int, shift: int, amount: int) -> Value:
    value = i.read(rm)
    if amount == 0:
        return value
    return (i.shl, i.shr_u, i.shr_s, i.rotr)[shift](value, i.const(amount))


# --- logical, shifted register ---


def _orr_text(f: Mapping[str, int]) -> str:
    if f["rn"] == 31 and not f["shift"] and not f["imm6"]:
        return "mov {Rd}, {Rm}"
    return "orr {Rd}, {Rn}, {Rm}{shifted}"


@group.instruction(
    "sf:1 00 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    name="and",
    asm="and {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 AND (shifted register)",
    examples=("8a030294 and x20, x20, x3",),
    where=_amount_fits,
)
def and_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.and_(i.read(rn), _shifted(i, rm, shift, imm6)))


@group.instruction(
    "sf:1 00 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5",
    name="bic",
    asm="bic {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 BIC (shifted register)",
    examples=("8a260326 bic x6, x25, x6",),
    where=_amount_fits,
)
def bic_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.and_(i.read(rn), i.not_(_shifted(i, rm, shift, imm6))))


@group.instruction(
    "sf:1 01 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    name="orr",
    asm=_orr_text,
    spec="C6.2 ORR (shifted register)",
    examples=("2a180021 orr w1, w1, w24",),
    where=_amount_fits,
)
def orr_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    operand = _shifted(i, rm, shift, imm6)
    i.write(rd, operand if rn == 31 else i.or_(i.read(rn), operand))


@group.instruction(
    "sf:1 01 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5",
    name="orn",
    asm=lambda f: "mvn {Rd}, {Rm}{shifted}" if f["rn"] == 31 else "orn {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 ORN (shifted register)",
    examples=("aa3403f4 mvn x20, x20",),
    where=_amount_fits,
)
def orn_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    operand = i.not_(_shifted(i, rm, shift, imm6))
    i.write(rd, operand if rn == 31 else i.or_(i.read(rn), operand))


@group.instruction(
    "sf:1 10 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    name="eor",
    asm="eor {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 EOR (shifted register)",
    examples=("4a0001ad eor w13, w13, w0",),
    where=_amount_fits,
)
def eor_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.xor(i.read(rn), _shifted(i, rm, shift, imm6)))


@group.instruction(
    "sf:1 10 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5",
    name="eon",
    asm="eon {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 EON (shifted register)",
    examples=("caee2a6a eon x10, x19, x14, ror #10",),
    where=_amount_fits,
)
def eon_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.xor(i.read(rn), i.not_(_shifted(i, rm, shift, imm6))))


@group.instruction(
    "sf:1 11 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    name="ands",
    asm=lambda f: "tst {Rn}, {Rm}{shifted}" if f["rd"] == 31 else "ands {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 ANDS (shifted register)",
    examples=("6a05003f tst w1, w5",),
    where=_amount_fits,
)
def ands_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    operand = _shifted(i, rm, shift, imm6)
    # tst x, x is the usual test for zero or sign
    same = rn == rm and imm6 == 0
    result = operand if same else i.and_(i.read(rn), operand)
    i.write(rd, m.flags.logic(i, result))


@group.instruction(
    "sf:1 11 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5",
    name="bics",
    asm="bics {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 BICS (shifted register)",
    examples=("ea250084 bics x4, x4, x5",),
    where=_amount_fits,
)
def bics_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.logic(i, i.and_(i.read(rn), i.not_(_shifted(i, rm, shift, imm6)))))


# --- add and subtract, shifted register ---


def _sum_fits(sf: int, shift: int, imm6: int) -> bool:
    return shift != 3 and (sf == 1 or imm6 < 32)


@group.instruction(
    "sf:1 0 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    name="add",
    asm="add {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 ADD (shifted register)",
    examples=("8b020084 add x4, x4, x2",),
    where=_sum_fits,
)
def add_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.add(i.read(rn), _shifted(i, rm, shift, imm6)))


@group.instruction(
    "sf:1 0 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    name="adds",
    asm=lambda f: "cmn {Rn}, {Rm}{shifted}" if f["rd"] == 31 else "adds {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 ADDS (shifted register)",
    examples=("ab000280 adds x0, x20, x0",),
    where=_sum_fits,
)
def adds_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.add(i, i.read(rn), _shifted(i, rm, shift, imm6)))


@group.instruction(
    "sf:1 1 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    name="sub",
    asm=lambda f: "neg {Rd}, {Rm}{shifted}" if f["rn"] == 31 else "sub {Rd}, {Rn}, {Rm}{shifted}",
    spec="C6.2 SUB (shifted register)",
    examples=("4b0900e0 sub w0, w7, w9",),
    where=_sum_fits,
)
def sub_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.sub(i.read(rn), _shifted(i, rm, shift, imm6)))


def _subs_text(f: Mapping[str, int]) -> str:
    if f["rd"] == 31:
        return "cmp {Rn}, {Rm}{shifted}"
    return "negs {Rd}, {Rm}{shifted}" if f["rn"] == 31 else "subs {Rd}, {Rn}, {Rm}{shifted}"


@group.instruction(
    "sf:1 1 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    name="subs",
    asm=_subs_text,
    spec="C6.2 SUBS (shifted register)",
    examples=("eb1800bf cmp x5, x24",),
    where=_sum_fits,
)
def subs_shifted(m: Lifter, sf: int, shift: int, rm: int, imm6: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.sub(i, i.read(rn), _shifted(i, rm, shift, imm6)))


# --- add and subtract, extended register ---


def _extended(m: Lifter, i: Integers, rm: int, option: int, imm3: int) -> Value:
    size = 8 << (option & 3)
    value = i.read(rm)
    if size < i.bits:
        if option & 4:
            value = i.sign_extend(value, size)
        elif size == 32:
            value = m.b.i64_extend_i32_u(m.i32.read(rm))
        else:
            value = i.and_(value, i.const((1 << size) - 1))
    return i.shl(value, i.const(imm3)) if imm3 else value


def _extend_fits(imm3: int) -> bool:
    return imm3 <= 4


@group.instruction(
    "sf:1 0 s:1=0 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    name="add",
    asm="add {Rd+sp}, {Rn+sp}, {extended}",
    spec="C6.2 ADD (extended register)",
    examples=("8b2741a1 add x1, x13, w7, uxtw",),
    where=_extend_fits,
)
def add_extended(m: Lifter, sf: int, rm: int, option: int, imm3: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write_sp(rd, i.add(i.read_sp(rn), _extended(m, i, rm, option, imm3)))


@group.instruction(
    "sf:1 0 s:1=1 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    name="adds",
    asm=lambda f: "cmn {Rn+sp}, {extended}" if f["rd"] == 31 else "adds {Rd}, {Rn+sp}, {extended}",
    spec="C6.2 ADDS (extended register)",
    examples=("ab3cc300 adds x0, x24, w28, sxtw",),
    where=_extend_fits,
)
def adds_extended(m: Lifter, sf: int, rm: int, option: int, imm3: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.add(i, i.read_sp(rn), _extended(m, i, rm, option, imm3)))


@group.instruction(
    "sf:1 1 s:1=0 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    name="sub",
    asm="sub {Rd+sp}, {Rn+sp}, {extended}",
    spec="C6.2 SUB (extended register)",
    examples=("cb364814 sub x20, x0, w22, uxtw #2",),
    where=_extend_fits,
)
def sub_extended(m: Lifter, sf: int, rm: int, option: int, imm3: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write_sp(rd, i.sub(i.read_sp(rn), _extended(m, i, rm, option, imm3)))


@group.instruction(
    "sf:1 1 s:1=1 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    name="subs",
    asm=lambda f: "cmp {Rn+sp}, {extended}" if f["rd"] == 31 else "subs {Rd}, {Rn+sp}, {extended}",
    spec="C6.2 SUBS (extended register)",
    examples=("eb20c03f cmp x1, w0, sxtw",),
    where=_extend_fits,
)
def subs_extended(m: Lifter, sf: int, rm: int, option: int, imm3: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.sub(i, i.read_sp(rn), _extended(m, i, rm, option, imm3)))


# --- add and subtract with carry ---


@group.instruction(
    "sf:1 00 11010000 Rm:5 000000 Rn:5 Rd:5",
    name="adc",
    asm="adc {Rd}, {Rn}, {Rm}",
    spec="C6.2 ADC",
    examples=("9a0400c4 adc x4, x6, x4",),
)
def adc(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.add(i.add(i.read(rn), i.read(rm)), i.from_i32(m.flags.c())))


@group.instruction(
    "sf:1 01 11010000 Rm:5 000000 Rn:5 Rd:5",
    name="adcs",
    asm="adcs {Rd}, {Rn}, {Rm}",
    spec="C6.2 ADCS",
    examples=("3a1b0228 adcs w8, w17, w27",),
)
def adcs(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.add_with_carry(i, i.read(rn), i.read(rm)))


@group.instruction(
    "sf:1 10 11010000 Rm:5 000000 Rn:5 Rd:5",
    name="sbc",
    asm=lambda f: "ngc {Rd}, {Rm}" if f["rn"] == 31 else "sbc {Rd}, {Rn}, {Rm}",
    spec="C6.2 SBC",
    examples=("da0400c4 sbc x4, x6, x4",),
)
def sbc(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    borrow = i.from_i32(m.b.i32_eqz(m.flags.c()))
    i.write(rd, i.sub(i.sub(i.read(rn), i.read(rm)), borrow))


@group.instruction(
    "sf:1 11 11010000 Rm:5 000000 Rn:5 Rd:5",
    name="sbcs",
    asm=lambda f: "ngcs {Rd}, {Rm}" if f["rn"] == 31 else "sbcs {Rd}, {Rn}, {Rm}",
    spec="C6.2 SBCS",
    examples=("7a050060 sbcs w0, w3, w5",),
)
def sbcs(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.add_with_carry(i, i.read(rn), i.not_(i.read(rm))))


# --- conditional compare and select ---


@group.instruction(
    "sf:1 01 11010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4",
    name="ccmn",
    asm="ccmn {Rn}, {Rm}, {nzcv}, {cond}",
    spec="C6.2 CCMN (register)",
    examples=("3a49036c ccmn w27, w9, #0xc, eq",),
)
def ccmn_register(m: Lifter, sf: int, rm: int, cond: int, rn: int, nzcv: int) -> None:
    i = m.ints[sf]
    m.flags.compare_if(cond, nzcv, i, i.read(rn), i.read(rm), negative=True)


@group.instruction(
    "sf:1 11 11010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4",
    name="ccmp",
    asm="ccmp {Rn}, {Rm}, {nzcv}, {cond}",
    spec="C6.2 CCMP (register)",
    examples=("7a56c2a0 ccmp w21, w22, #0, gt",),
)
def ccmp_register(m: Lifter, sf: int, rm: int, cond: int, rn: int, nzcv: int) -> None:
    i = m.ints[sf]
    m.flags.compare_if(cond, nzcv, i, i.read(rn), i.read(rm))


@group.instruction(
    "sf:1 01 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4",
    name="ccmn",
    asm="ccmn {Rn}, {imm5}, {nzcv}, {cond}",
    spec="C6.2 CCMN (immediate)",
    examples=("3a411824 ccmn w1, #1, #4, ne",),
)
def ccmn_immediate(m: Lifter, sf: int, imm5: int, cond: int, rn: int, nzcv: int) -> None:
    i = m.ints[sf]
    m.flags.compare_if(cond, nzcv, i, i.read(rn), i.const(imm5), negative=True)


@group.instruction(
    "sf:1 11 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4",
    name="ccmp",
    asm="ccmp {Rn}, {imm5}, {nzcv}, {cond}",
    spec="C6.2 CCMP (immediate)",
    examples=("7a5b1a60 ccmp w19, #0x1b, #0, ne",),
)
def ccmp_immediate(m: Lifter, sf: int, imm5: int, cond: int, rn: int, nzcv: int) -> None:
    i = m.ints[sf]
    m.flags.compare_if(cond, nzcv, i, i.read(rn), i.const(imm5))


@group.instruction(
    "sf:1 00 11010100 Rm:5 cond:4 00 Rn:5 Rd:5",
    name="csel",
    asm="csel {Rd}, {Rn}, {Rm}, {cond}",
    spec="C6.2 CSEL",
    examples=("9a961084 csel x4, x4, x22, ne",),
)
def csel(m: Lifter, sf: int, rm: int, cond: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.select(i.read(rn), i.read(rm), m.flags.condition(cond)))


def _aliased(f: Mapping[str, int], plain: str, same: str, zero: str) -> str:
    if f["rn"] == f["rm"] and f["cond"] < 14:
        if f["rn"] == 31 and zero:
            return zero + " {Rd}, {inverted}"
        if f["rn"] != 31 or not zero:
            return same + " {Rd}, {Rn}, {inverted}"
    return plain + " {Rd}, {Rn}, {Rm}, {cond}"


@group.instruction(
    "sf:1 00 11010100 Rm:5 cond:4 01 Rn:5 Rd:5",
    name="csinc",
    asm=lambda f: _aliased(f, "csinc", "cinc", "cset"),
    spec="C6.2 CSINC",
    examples=("1a9f07e6 cset w6, ne",),
)
def csinc(m: Lifter, sf: int, rm: int, cond: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    if rn == rm == 31:
        i.write(rd, i.from_i32(m.flags.condition(cond ^ 1) if cond < 14 else m.b.const_i32(0)))
        return
    other = i.add(i.read(rm), i.const(1))
    i.write(rd, i.select(i.read(rn), other, m.flags.condition(cond)))


@group.instruction(
    "sf:1 10 11010100 Rm:5 cond:4 00 Rn:5 Rd:5",
    name="csinv",
    asm=lambda f: _aliased(f, "csinv", "cinv", "csetm"),
    spec="C6.2 CSINV",
    examples=("5a9f12f7 csinv w23, w23, wzr, ne",),
)
def csinv(m: Lifter, sf: int, rm: int, cond: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.select(i.read(rn), i.not_(i.read(rm)), m.flags.condition(cond)))


@group.instruction(
    "sf:1 10 11010100 Rm:5 cond:4 01 Rn:5 Rd:5",
    name="csneg",
    asm=lambda f: _aliased(f, "csneg", "cneg", ""),
    spec="C6.2 CSNEG",
    examples=("da85a4a5 cneg x5, x5, lt",),
)
def csneg(m: Lifter, sf: int, rm: int, cond: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    other = i.sub(i.const(0), i.read(rm))
    i.write(rd, i.select(i.read(rn), other, m.flags.condition(cond)))


# --- three sources ---


@group.instruction(
    "sf:1 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5",
    name="madd",
    asm=lambda f: "mul {Rd}, {Rn}, {Rm}" if f["ra"] == 31 else "madd {Rd}, {Rn}, {Rm}, {Ra}",
    spec="C6.2 MADD",
    examples=("1b00079c madd w28, w28, w0, w1",),
)
def madd(m: Lifter, sf: int, rm: int, ra: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    product = i.mul(i.read(rn), i.read(rm))
    i.write(rd, product if ra == 31 else i.add(i.read(ra), product))


@group.instruction(
    "sf:1 00 11011 000 Rm:5 1 Ra:5 Rn:5 Rd:5",
    name="msub",
    asm=lambda f: "mneg {Rd}, {Rn}, {Rm}" if f["ra"] == 31 else "msub {Rd}, {Rn}, {Rm}, {Ra}",
    spec="C6.2 MSUB",
    examples=("1b13f05c msub w28, w2, w19, w28",),
)
def msub(m: Lifter, sf: int, rm: int, ra: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.sub(i.read(ra), i.mul(i.read(rn), i.read(rm))))


def _wide_product(m: Lifter, u: int, rn: int, rm: int) -> Value:
    extend = m.b.i64_extend_i32_u if u else m.b.i64_extend_i32_s
    return m.b.i64_mul(extend(m.i32.read(rn)), extend(m.i32.read(rm)))


@group.instruction(
    "1 00 11011 u:1 01 Rm:5 0 Ra:5 Rn:5 Rd:5",
    name="maddl",
    asm=lambda f: (
        "us"[not f["u"]]
        + ("mull {Xd}, {Wn}, {Wm}" if f["ra"] == 31 else "maddl {Xd}, {Wn}, {Wm}, {Xa}")
    ),
    spec="C6.2 SMADDL, UMADDL",
    examples=("9b337c33 smull x19, w1, w19",),
)
def maddl(m: Lifter, u: int, rm: int, ra: int, rn: int, rd: int) -> None:
    product = _wide_product(m, u, rn, rm)
    m.i64.write(rd, product if ra == 31 else m.i64.add(m.i64.read(ra), product))


@group.instruction(
    "1 00 11011 u:1 01 Rm:5 1 Ra:5 Rn:5 Rd:5",
    name="msubl",
    asm=lambda f: (
        "us"[not f["u"]]
        + ("mnegl {Xd}, {Wn}, {Wm}" if f["ra"] == 31 else "msubl {Xd}, {Wn}, {Wm}, {Xa}")
    ),
    spec="C6.2 SMSUBL, UMSUBL",
    examples=("9ba49442 umsubl x2, w2, w4, x5",),
)
def msubl(m: Lifter, u: int, rm: int, ra: int, rn: int, rd: int) -> None:
    m.i64.write(rd, m.i64.sub(m.i64.read(ra), _wide_product(m, u, rn, rm)))


@group.instruction(
    "1 00 11011 010 Rm:5 0 Ra:5 Rn:5 Rd:5",
    name="smulh",
    asm="smulh {Xd}, {Xn}, {Xm}",
    spec="C6.2 SMULH",
    examples=("9b427c81 smulh x1, x4, x2",),
)
def smulh(m: Lifter, rm: int, rn: int, rd: int) -> None:
    m.i64.write(rd, m.b.i64_mulh_s(m.i64.read(rn), m.i64.read(rm)))


@group.instruction(
    "1 00 11011 110 Rm:5 0 Ra:5 Rn:5 Rd:5",
    name="umulh",
    asm="umulh {Xd}, {Xn}, {Xm}",
    spec="C6.2 UMULH",
    examples=("9bc17c61 umulh x1, x3, x1",),
)
def umulh(m: Lifter, rm: int, rn: int, rd: int) -> None:
    m.i64.write(rd, m.b.i64_mulh_u(m.i64.read(rn), m.i64.read(rm)))


# --- two sources ---


@group.instruction(
    "sf:1 00 11010110 Rm:5 000010 Rn:5 Rd:5",
    name="udiv",
    asm="udiv {Rd}, {Rn}, {Rm}",
    spec="C6.2 UDIV",
    examples=("1ad90800 udiv w0, w0, w25",),
)
def udiv(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.div_u(i.read(rn), i.read(rm)))


@group.instruction(
    "sf:1 00 11010110 Rm:5 000011 Rn:5 Rd:5",
    name="sdiv",
    asm="sdiv {Rd}, {Rn}, {Rm}",
    spec="C6.2 SDIV",
    examples=("1ac40c42 sdiv w2, w2, w4",),
)
def sdiv(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.div_s(i.read(rn), i.read(rm)))


@group.instruction(
    "sf:1 00 11010110 Rm:5 0010 op:2 Rn:5 Rd:5",
    name="lslv",
    asm=lambda f: ("lsl", "lsr", "asr", "ror")[f["op"]] + " {Rd}, {Rn}, {Rm}",
    spec="C6.2 LSLV, LSRV, ASRV, RORV",
    examples=("1ac02382 lsl w2, w28, w0",),
)
def shift_variable(m: Lifter, sf: int, rm: int, op: int, rn: int, rd: int) -> None:
    # Wasm takes a shift amount modulo the width, as A64 does
    i = m.ints[sf]
    i.write(rd, (i.shl, i.shr_u, i.shr_s, i.rotr)[op](i.read(rn), i.read(rm)))


def _crc32_text(f: Mapping[str, int]) -> str:
    name = f"crc32{'c' if f['c'] else ''}{'bhwx'[f['sz']]}"
    return f"{name} {{Wd}}, {{Wn}}, {{{'X' if f['sf'] else 'W'}m}}"


@group.instruction(
    (
        "sf:1=0 00 11010110 Rm:5 010 c:1 sz:2=0x Rn:5 Rd:5",
        "sf:1=0 00 11010110 Rm:5 010 c:1 sz:2=10 Rn:5 Rd:5",
        "sf:1=1 00 11010110 Rm:5 010 c:1 sz:2=11 Rn:5 Rd:5",
    ),
    name="crc32",
    asm=_crc32_text,
    spec="C6.2 CRC32, CRC32C",
    examples=(
        "1ad544a2 crc32h w2, w5, w21",
        "1ad04854 crc32w w20, w2, w16",
        "9adc5ee8 crc32cx w8, w23, x28",
    ),
    feature="FEAT_CRC32",
)
def crc32(m: Lifter, c: int, sz: int, rm: int, rn: int, rd: int) -> None:
    b = m.b
    checksum, value = m.i32.read(rn), m.i64.read(rm)
    function = crc32_step(c == 1)
    halves = [b.i32_wrap_i64(value)]
    if sz == 3:
        halves.append(b.i32_wrap_i64(b.i64_shr_u(value, b.const_i64(32))))
    elif sz < 2:
        halves[0] = b.i32_and(halves[0], b.const_i32((1 << (8 << sz)) - 1))
    for half in halves:
        (checksum,) = b.call_runtime(function, checksum, half, b.const_i32(1 << min(sz, 2)))
    m.i32.write(rd, checksum)


# --- one source ---


@group.instruction(
    "sf:1 10 11010110 00000 000000 Rn:5 Rd:5",
    name="rbit",
    asm="rbit {Rd}, {Rn}",
    spec="C6.2 RBIT",
    examples=("dac00042 rbit x2, x2",),
)
def rbit(m: Lifter, sf: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    value = i.read(rn)
    for distance, mask in ((1, 0x5555), (2, 0x3333), (4, 0x0F0F)):
        value = i.swap(value, distance, mask)
    i.write(rd, i.byte_swap(value))


@group.instruction(
    "sf:1 10 11010110 00000 000001 Rn:5 Rd:5",
    name="rev16",
    asm="rev16 {Rd}, {Rn}",
    spec="C6.2 REV16",
    examples=("5ac004a4 rev16 w4, w5",),
)
def rev16(m: Lifter, sf: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.swap(i.read(rn), 8, 0x00FF))


@group.instruction(
    ("sf:1=0 10 11010110 00000 000010 Rn:5 Rd:5", "sf:1=1 10 11010110 00000 000011 Rn:5 Rd:5"),
    name="rev",
    asm="rev {Rd}, {Rn}",
    spec="C6.2 REV",
    examples=(
        "5ac00800 rev w0, w0",
        "dac00cc6 rev x6, x6",
    ),
)
def rev(m: Lifter, sf: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.byte_swap(i.read(rn)))


@group.instruction(
    "1 10 11010110 00000 000010 Rn:5 Rd:5",
    name="rev32",
    asm="rev32 {Xd}, {Xn}",
    spec="C6.2 REV32",
    examples=("dac009e8 rev32 x8, x15",),
)
def rev32(m: Lifter, rn: int, rd: int) -> None:
    i = m.i64
    i.write(rd, i.rotr(i.byte_swap(i.read(rn)), i.const(32)))


@group.instruction(
    "sf:1 10 11010110 00000 000100 Rn:5 Rd:5",
    name="clz",
    asm="clz {Rd}, {Rn}",
    spec="C6.2 CLZ",
    examples=("dac01084 clz x4, x4",),
)
def clz(m: Lifter, sf: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.clz(i.read(rn)))


@group.instruction(
    "sf:1 10 11010110 00000 000101 Rn:5 Rd:5",
    name="cls",
    asm="cls {Rd}, {Rn}",
    spec="C6.2 CLS",
    examples=("dac01707 cls x7, x24",),
)
def cls(m: Lifter, sf: int, rn: int, rd: int) -> None:
    # a bit equal to its upper neighbour gives a zero of x ^ x >>s 1, whose top bit is zero
    i = m.ints[sf]
    value = i.read(rn)
    i.write(rd, i.sub(i.clz(i.xor(value, i.shr_s(value, i.const(1)))), i.const(1)))
