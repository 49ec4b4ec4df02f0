"""Owns the group Data Processing -- Immediate: addresses, arithmetic, logic, moves, bit fields."""

from __future__ import annotations

from collections.abc import Mapping

from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.operands import bit_mask, is_move_wide_of, signed
from wherever.isa.instruction import Group

__all__ = ["group"]

group: Group = Group("Data Processing -- Immediate", "Arm ARM C4.1")


@group.instruction(
    "0 immlo:2 10000 immhi:19 Rd:5",
    name="adr",
    asm="adr {Xd}, {adr}",
    spec="C6.2 ADR",
    examples=("10000065 adr x5, #0xc",),
)
def adr(m: Lifter, immhi: int, immlo: int, rd: int) -> None:
    m.i64.write(rd, m.i64.const(m.pc + signed(immhi << 2 | immlo, 21)))


@group.instruction(
    "1 immlo:2 10000 immhi:19 Rd:5",
    name="adrp",
    asm="adrp {Xd}, {adrp}",
    spec="C6.2 ADRP",
    examples=("b0000963 adrp x3, #0x12d000",),
)
def adrp(m: Lifter, immhi: int, immlo: int, rd: int) -> None:
    m.i64.write(rd, m.i64.const((m.pc & ~0xFFF) + (signed(immhi << 2 | immlo, 21) << 12)))


def _add_immediate_text(f: Mapping[str, int]) -> str:
    if not f["sh"] and not f["imm12"] and 31 in (f["rd"], f["rn"]):
        return "mov {Rd+sp}, {Rn+sp}"
    return "add {Rd+sp}, {Rn+sp}, {imm12_sh}"


@group.instruction(
    "sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5",
    name="add",
    asm=_add_immediate_text,
    spec="C6.2 ADD (immediate)",
    examples=("9100101a add x26, x0, #4",),
)
def add_immediate(m: Lifter, sf: int, sh: int, imm12: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write_sp(rd, i.add(i.read_sp(rn), i.const(imm12 << 12 * sh)))


@group.instruction(
    "sf:1 0 1 100010 sh:1 imm12:12 Rn:5 Rd:5",
    name="adds",
    asm=lambda f: "cmn {Rn+sp}, {imm12_sh}" if f["rd"] == 31 else "adds {Rd}, {Rn+sp}, {imm12_sh}",
    spec="C6.2 ADDS (immediate)",
    examples=("b100985f cmn x2, #0x26",),
)
def adds_immediate(m: Lifter, sf: int, sh: int, imm12: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.add(i, i.read_sp(rn), i.const(imm12 << 12 * sh)))


@group.instruction(
    "sf:1 1 0 100010 sh:1 imm12:12 Rn:5 Rd:5",
    name="sub",
    asm="sub {Rd+sp}, {Rn+sp}, {imm12_sh}",
    spec="C6.2 SUB (immediate)",
    examples=("514011e6 sub w6, w15, #4, lsl #12",),
)
def sub_immediate(m: Lifter, sf: int, sh: int, imm12: int, rn: int, rd: int) -> None:
    # x + (-k) lets address folding see one form of constant offset
    i = m.ints[sf]
    i.write_sp(rd, i.add(i.read_sp(rn), i.const(-(imm12 << 12 * sh))))


@group.instruction(
    "sf:1 1 1 100010 sh:1 imm12:12 Rn:5 Rd:5",
    name="subs",
    asm=lambda f: "cmp {Rn+sp}, {imm12_sh}" if f["rd"] == 31 else "subs {Rd}, {Rn+sp}, {imm12_sh}",
    spec="C6.2 SUBS (immediate)",
    examples=("71012ebf cmp w21, #0x4b",),
)
def subs_immediate(m: Lifter, sf: int, sh: int, imm12: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.sub(i, i.read_sp(rn), i.const(imm12 << 12 * sh)))


def _is_bit_mask(sf: int, n: int, immr: int, imms: int) -> bool:
    return (sf == 1 or n == 0) and bit_mask(n, immr, imms, 64) is not None


def _mask(sf: int, n: int, immr: int, imms: int) -> int:
    mask = bit_mask(n, immr, imms, 64 if sf else 32)
    assert mask is not None, "the guard refuses what has no mask"
    return mask


@group.instruction(
    "sf:1 00 100100 N:1 immr:6 imms:6 Rn:5 Rd:5",
    name="and",
    asm="and {Rd+sp}, {Rn}, {bitmask}",
    spec="C6.2 AND (immediate)",
    examples=("121f0061 and w1, w3, #2",),
    where=_is_bit_mask,
)
def and_immediate(m: Lifter, sf: int, n: int, immr: int, imms: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write_sp(rd, i.and_(i.read(rn), i.const(_mask(sf, n, immr, imms))))


def _orr_immediate_text(f: Mapping[str, int]) -> str:
    mask = _mask(f["sf"], f["n"], f["immr"], f["imms"])
    if f["rn"] == 31 and (f["rd"] == 31 or not is_move_wide_of(mask, 64 if f["sf"] else 32)):
        return "mov {Rd+sp}, {bitmask_signed}"
    return "orr {Rd+sp}, {Rn}, {bitmask}"


@group.instruction(
    "sf:1 01 100100 N:1 immr:6 imms:6 Rn:5 Rd:5",
    name="orr",
    asm=_orr_immediate_text,
    spec="C6.2 ORR (immediate)",
    examples=("32150400 orr w0, w0, #0x1800",),
    where=_is_bit_mask,
)
def orr_immediate(m: Lifter, sf: int, n: int, immr: int, imms: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write_sp(rd, i.or_(i.read(rn), i.const(_mask(sf, n, immr, imms))))


@group.instruction(
    "sf:1 10 100100 N:1 immr:6 imms:6 Rn:5 Rd:5",
    name="eor",
    asm="eor {Rd+sp}, {Rn}, {bitmask}",
    spec="C6.2 EOR (immediate)",
    examples=("52000294 eor w20, w20, #1",),
    where=_is_bit_mask,
)
def eor_immediate(m: Lifter, sf: int, n: int, immr: int, imms: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write_sp(rd, i.xor(i.read(rn), i.const(_mask(sf, n, immr, imms))))


def _ands_immediate_text(f: Mapping[str, int]) -> str:
    mask = "{bitmask_signed}" if f["sf"] else "{bitmask}"
    return ("tst {Rn}, " if f["rd"] == 31 else "ands {Rd}, {Rn}, ") + mask


@group.instruction(
    "sf:1 11 100100 N:1 immr:6 imms:6 Rn:5 Rd:5",
    name="ands",
    asm=_ands_immediate_text,
    spec="C6.2 ANDS (immediate)",
    examples=("7212043f tst w1, #0xc000",),
    where=_is_bit_mask,
)
def ands_immediate(m: Lifter, sf: int, n: int, immr: int, imms: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, m.flags.logic(i, i.and_(i.read(rn), i.const(_mask(sf, n, immr, imms)))))


def _half_fits(sf: int, hw: int) -> bool:
    return sf == 1 or hw < 2


@group.instruction(
    "sf:1 00 100101 hw:2 imm16:16 Rd:5",
    name="movn",
    asm=lambda f: (
        "movn {Rd}, {imm16_hw}"
        if (not f["imm16"] and f["hw"]) or (not f["sf"] and f["imm16"] == 0xFFFF)
        else "mov {Rd}, {movn}"
    ),
    spec="C6.2 MOVN",
    examples=("12800135 mov w21, #-0xa",),
    where=_half_fits,
)
def movn(m: Lifter, sf: int, hw: int, imm16: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.const(~(imm16 << 16 * hw)))


@group.instruction(
    "sf:1 10 100101 hw:2 imm16:16 Rd:5",
    name="movz",
    asm=lambda f: "movz {Rd}, {imm16_hw}" if not f["imm16"] and f["hw"] else "mov {Rd}, {movz}",
    spec="C6.2 MOVZ",
    examples=("5281e1e4 mov w4, #0xf0f",),
    where=_half_fits,
)
def movz(m: Lifter, sf: int, hw: int, imm16: int, rd: int) -> None:
    i = m.ints[sf]
    i.write(rd, i.const(imm16 << 16 * hw))


@group.instruction(
    "sf:1 11 100101 hw:2 imm16:16 Rd:5",
    name="movk",
    asm="movk {Rd}, {imm16_hw}",
    spec="C6.2 MOVK",
    examples=("72bf75a2 movk w2, #0xfbad, lsl #16",),
    where=_half_fits,
)
def movk(m: Lifter, sf: int, hw: int, imm16: int, rd: int) -> None:
    i = m.ints[sf]
    shift = 16 * hw
    kept = i.and_(i.read(rd), i.const(~(0xFFFF << shift)))
    i.write(rd, i.or_(kept, i.const(imm16 << shift)))


def _field_fits(sf: int, n: int, immr: int, imms: int) -> bool:
    return sf == n and (sf == 1 or (immr < 32 and imms < 32))


def _sbfm_text(f: Mapping[str, int]) -> str:
    top = 63 if f["sf"] else 31
    if f["imms"] == top:
        return "asr {Rd}, {Rn}, {immr}"
    if f["imms"] < f["immr"]:
        return "sbfiz {Rd}, {Rn}, {field_lsb}, {field_width}"
    if f["immr"] == 0 and f["imms"] in (7, 15, 31):
        return {7: "sxtb", 15: "sxth", 31: "sxtw"}[f["imms"]] + " {Rd}, {Wn}"
    return "sbfx {Rd}, {Rn}, {immr}, {extract_width}"


@group.instruction(
    "sf:1 00 100110 N:1 immr:6 imms:6 Rn:5 Rd:5",
    name="sbfm",
    asm=_sbfm_text,
    spec="C6.2 SBFM",
    examples=("13003f82 sxth w2, w28",),
    where=_field_fits,
)
def sbfm(m: Lifter, sf: int, immr: int, imms: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    value = i.read(rn)
    if imms >= immr:
        if immr == 0 and imms in (7, 15, 31):
            result = i.sign_extend(value, imms + 1)
        else:
            top = i.bits - 1 - imms
            result = i.shr_s(i.shl(value, i.const(top)), i.const(top + immr))
    else:
        top = i.bits - 1 - imms
        result = i.shr_s(i.shl(value, i.const(top)), i.const(immr - imms - 1))
    i.write(rd, result)


def _bfm_text(f: Mapping[str, int]) -> str:
    if f["imms"] < f["immr"]:
        return (
            "bfc {Rd}, {field_lsb}, {field_width}"
            if f["rn"] == 31
            else ("bfi {Rd}, {Rn}, {field_lsb}, {field_width}")
        )
    return "bfxil {Rd}, {Rn}, {immr}, {extract_width}"


@group.instruction(
    "sf:1 01 100110 N:1 immr:6 imms:6 Rn:5 Rd:5",
    name="bfm",
    asm=_bfm_text,
    spec="C6.2 BFM",
    examples=("b3607c01 bfi x1, x0, #0x20, #0x20",),
    where=_field_fits,
)
def bfm(m: Lifter, sf: int, immr: int, imms: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    value = i.read(rn)
    if imms >= immr:
        mask = (1 << imms - immr + 1) - 1
        moved = i.and_(i.shr_u(value, i.const(immr)), i.const(mask))
    else:
        lsb = i.bits - immr
        mask = ((1 << imms + 1) - 1) << lsb
        moved = i.and_(i.shl(value, i.const(lsb)), i.const(mask))
    i.write(rd, i.or_(i.and_(i.read(rd), i.const(~mask)), moved))


def _ubfm_text(f: Mapping[str, int]) -> str:
    top = 63 if f["sf"] else 31
    if f["imms"] == top:
        return "lsr {Rd}, {Rn}, {immr}"
    if f["imms"] + 1 == f["immr"]:
        return "lsl {Rd}, {Rn}, {field_lsb}"
    if f["imms"] < f["immr"]:
        return "ubfiz {Rd}, {Rn}, {field_lsb}, {field_width}"
    if f["immr"] == 0 and f["imms"] in (7, 15) and not f["sf"]:
        return {7: "uxtb", 15: "uxth"}[f["imms"]] + " {Wd}, {Wn}"
    return "ubfx {Rd}, {Rn}, {immr}, {extract_width}"


@group.instruction(
    "sf:1 10 100110 N:1 immr:6 imms:6 Rn:5 Rd:5",
    name="ubfm",
    asm=_ubfm_text,
    spec="C6.2 UBFM",
    examples=("d360fc69 lsr x9, x3, #0x20",),
    where=_field_fits,
)
def ubfm(m: Lifter, sf: int, immr: int, imms: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    value = i.read(rn)
    if imms >= immr:
        shifted = i.shr_u(value, i.const(immr))
        if imms != i.bits - 1:
            shifted = i.and_(shifted, i.const((1 << imms - immr + 1) - 1))
        i.write(rd, shifted)
        return
    lsb = i.bits - immr
    if imms + 1 != immr:
        value = i.and_(value, i.const((1 << imms + 1) - 1))
    i.write(rd, i.shl(value, i.const(lsb)))


def _position_fits(sf: int, n: int, imms: int) -> bool:
    return sf == n and (sf == 1 or imms < 32)


@group.instruction(
    "sf:1 00 100111 N:1 0 Rm:5 imms:6 Rn:5 Rd:5",
    name="extr",
    asm=lambda f: (
        "ror {Rd}, {Rn}, {imms}" if f["rn"] == f["rm"] else "extr {Rd}, {Rn}, {Rm}, {imms}"
    ),
    spec="C6.2 EXTR",
    examples=("138540e1 extr w1, w7, w5, #0x10",),
    where=_position_fits,
)
def extr(m: Lifter, sf: int, rm: int, imms: int, rn: int, rd: int) -> None:
    i = m.ints[sf]
    if imms == 0:
        i.write(rd, i.read(rm))
    elif rn == rm:
        i.write(rd, i.rotr(i.read(rn), i.const(imms)))
    else:
        high = i.shl(i.read(rn), i.const(i.bits - imms))
        i.write(rd, i.or_(high, i.shr_u(i.read(rm), i.const(imms))))
