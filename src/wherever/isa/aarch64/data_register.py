"""Owns the group Data Processing -- Register: shifted and extended operands, carry, select, MUL."""

from __future__ import annotations

from collections.abc import Mapping

from wherever.ir.values import Value
from wherever.isa.aarch64.lifter import Integers, Lifter
from wherever.isa.aarch64.runtime import crc32_step
from wherever.isa.instruction import Group

__all__ = ["group"]

group = Group("Data Processing -- Register", "Arm ARM C4.1")


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
)
def adc(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.add(i.add(i.read(rn), i.read(rm)), i.from_i32(m.flags.c())))


@group.instruction(
    "sf:1 01 11010000 Rm:5 000000 Rn:5 Rd:5",
    name="adcs",
    asm="adcs {Rd}, {Rn}, {Rm}",
    spec="C6.2 ADCS",
)
def adcs(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.add_with_carry(i, i.read(rn), i.read(rm)))


@group.instruction(
    "sf:1 10 11010000 Rm:5 000000 Rn:5 Rd:5",
    name="sbc",
    asm=lambda f: "ngc {Rd}, {Rm}" if f["rn"] == 31 else "sbc {Rd}, {Rn}, {Rm}",
    spec="C6.2 SBC",
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
)
def ccmn_register(m: Lifter, sf: int, rm: int, cond: int, rn: int, nzcv: int) -> None:
    i = m.ints[sf]
    m.flags.compare_if(cond, nzcv, i, i.read(rn), i.read(rm), negative=True)


@group.instruction(
    "sf:1 11 11010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4",
    name="ccmp",
    asm="ccmp {Rn}, {Rm}, {nzcv}, {cond}",
    spec="C6.2 CCMP (register)",
)
def ccmp_register(m: Lifter, sf: int, rm: int, cond: int, rn: int, nzcv: int) -> None:
    i = m.ints[sf]
    m.flags.compare_if(cond, nzcv, i, i.read(rn), i.read(rm))


@group.instruction(
    "sf:1 01 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4",
    name="ccmn",
    asm="ccmn {Rn}, {imm5}, {nzcv}, {cond}",
    spec="C6.2 CCMN (immediate)",
)
def ccmn_immediate(m: Lifter, sf: int, imm5: int, cond: int, rn: int, nzcv: int) -> None:
    i = m.ints[sf]
    m.flags.compare_if(cond, nzcv, i, i.read(rn), i.const(imm5), negative=True)


@group.instruction(
    "sf:1 11 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4",
    name="ccmp",
    asm="ccmp {Rn}, {imm5}, {nzcv}, {cond}",
    spec="C6.2 CCMP (immediate)",
)
def ccmp_immediate(m: Lifter, sf: int, imm5: int, cond: int, rn: int, nzcv: int) -> None:
    i = m.ints[sf]
    m.flags.compare_if(cond, nzcv, i, i.read(rn), i.const(imm5))


@group.instruction(
    "sf:1 00 11010100 Rm:5 cond:4 00 Rn:5 Rd:5",
    name="csel",
    asm="csel {Rd}, {Rn}, {Rm}, {cond}",
    spec="C6.2 CSEL",
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
)
def csinv(m: Lifter, sf: int, rm: int, cond: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.select(i.read(rn), i.not_(i.read(rm)), m.flags.condition(cond)))


@group.instruction(
    "sf:1 10 11010100 Rm:5 cond:4 01 Rn:5 Rd:5",
    name="csneg",
    asm=lambda f: _aliased(f, "csneg", "cneg", ""),
    spec="C6.2 CSNEG",
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
)
def msubl(m: Lifter, u: int, rm: int, ra: int, rn: int, rd: int) -> None:
    m.i64.write(rd, m.i64.sub(m.i64.read(ra), _wide_product(m, u, rn, rm)))


@group.instruction(
    "1 00 11011 010 Rm:5 0 Ra:5 Rn:5 Rd:5",
    name="smulh",
    asm="smulh {Xd}, {Xn}, {Xm}",
    spec="C6.2 SMULH",
)
def smulh(m: Lifter, rm: int, rn: int, rd: int) -> None:
    m.i64.write(rd, m.b.i64_mulh_s(m.i64.read(rn), m.i64.read(rm)))


@group.instruction(
    "1 00 11011 110 Rm:5 0 Ra:5 Rn:5 Rd:5",
    name="umulh",
    asm="umulh {Xd}, {Xn}, {Xm}",
    spec="C6.2 UMULH",
)
def umulh(m: Lifter, rm: int, rn: int, rd: int) -> None:
    m.i64.write(rd, m.b.i64_mulh_u(m.i64.read(rn), m.i64.read(rm)))


# --- two sources ---


@group.instruction(
    "sf:1 00 11010110 Rm:5 000010 Rn:5 Rd:5",
    name="udiv",
    asm="udiv {Rd}, {Rn}, {Rm}",
    spec="C6.2 UDIV",
)
def udiv(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.div_u(i.read(rn), i.read(rm)))


@group.instruction(
    "sf:1 00 11010110 Rm:5 000011 Rn:5 Rd:5",
    name="sdiv",
    asm="sdiv {Rd}, {Rn}, {Rm}",
    spec="C6.2 SDIV",
)
def sdiv(m: Lifter, sf: int, rm: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.div_s(i.read(rn), i.read(rm)))


@group.instruction(
    "sf:1 00 11010110 Rm:5 0010 op:2 Rn:5 Rd:5",
    name="lslv",
    asm=lambda f: ("lsl", "lsr", "asr", "ror")[f["op"]] + " {Rd}, {Rn}, {Rm}",
    spec="C6.2 LSLV, LSRV, ASRV, RORV",
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
)
def rev16(m: Lifter, sf: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.swap(i.read(rn), 8, 0x00FF))


@group.instruction(
    ("sf:1=0 10 11010110 00000 000010 Rn:5 Rd:5", "sf:1=1 10 11010110 00000 000011 Rn:5 Rd:5"),
    name="rev",
    asm="rev {Rd}, {Rn}",
    spec="C6.2 REV",
)
def rev(m: Lifter, sf: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.byte_swap(i.read(rn)))


@group.instruction(
    "1 10 11010110 00000 000010 Rn:5 Rd:5",
    name="rev32",
    asm="rev32 {Xd}, {Xn}",
    spec="C6.2 REV32",
)
def rev32(m: Lifter, rn: int, rd: int) -> None:
    i = m.i64
    i.write(rd, i.rotr(i.byte_swap(i.read(rn)), i.const(32)))


@group.instruction(
    "sf:1 10 11010110 00000 000100 Rn:5 Rd:5",
    name="clz",
    asm="clz {Rd}, {Rn}",
    spec="C6.2 CLZ",
)
def clz(m: Lifter, sf: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.clz(i.read(rn)))


@group.instruction(
    "sf:1 10 11010110 00000 000101 Rn:5 Rd:5",
    name="cls",
    asm="cls {Rd}, {Rn}",
    spec="C6.2 CLS",
)
def cls(m: Lifter, sf: int, rn: int, rd: int) -> None:
    # a bit equal to its upper neighbour gives a zero of x ^ x >>s 1, whose top bit is zero
    i = m.ints[sf]
    value = i.read(rn)
    i.write(rd, i.sub(i.clz(i.xor(value, i.shr_s(value, i.const(1)))), i.const(1)))
