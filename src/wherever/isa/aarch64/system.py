"""Owns the group System: hints, barriers, cache maintenance, the system registers of user code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wherever.ir import opcodes
from wherever.ir.values import TrapKind
from wherever.isa.aarch64.identification import identification, is_identification
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.registers import FPCR, FPSR, MONITOR_ADDRESS, TPIDR_EL0
from wherever.isa.aarch64.runtime import CODE_WRITTEN, COUNTER
from wherever.isa.instruction import Flow, Group

__all__ = ["COUNTER_FREQUENCY", "group"]

group: Group = Group("System", "Arm ARM C4.1")

_HINTS: Final = {
    0: "nop", 1: "yield", 2: "wfe", 3: "wfi", 4: "sev", 5: "sevl", 6: "dgh", 7: "xpaclri",
    8: "pacia1716", 10: "pacib1716", 12: "autia1716", 14: "autib1716", 16: "esb", 17: "psb csync",
    18: "tsb csync", 20: "csdb", 24: "paciaz", 25: "paciasp", 26: "pacibz", 27: "pacibsp",
    28: "autiaz", 29: "autiasp", 30: "autibz", 31: "autibsp",
    32: "bti", 34: "bti c", 36: "bti j", 38: "bti jc",
}  # fmt: skip


@group.instruction(
    "1101010100 0 00 011 0010 imm7:7 11111",
    name="hint",
    asm=lambda f: _HINTS.get(f["imm7"], "hint {imm7}"),
    spec="C6.2 HINT, NOP, YIELD, BTI, PACIASP, AUTIASP...",
    examples=("d50320ff xpaclri",),
)
def hint(m: Lifter) -> None:
    # Pointer authentication and branch targets are hints to a CPU that does not have them, and
    # ours says that it has not (HWCAP).
    del m


_BARRIERS: Final = {
    1: "oshld", 2: "oshst", 3: "osh", 5: "nshld", 6: "nshst", 7: "nsh",
    9: "ishld", 10: "ishst", 11: "ish", 13: "ld", 14: "st", 15: "sy",
}  # fmt: skip


def _barrier(name: str, f: Mapping[str, int]) -> str:
    domain = f["crm"]
    return f"{name} {_BARRIERS[domain]}" if domain in _BARRIERS else name + " {crm}"


@group.instruction(
    "1101010100 0 00 011 0011 CRm:4 010 11111",
    name="clrex",
    asm=lambda f: "clrex" if f["crm"] == 15 else "clrex {crm}",
    spec="C6.2 CLREX",
    examples=("d5033a5f clrex #0xa",),
)
def clrex(m: Lifter) -> None:
    m.b.set(MONITOR_ADDRESS, m.b.const_i64(-1))


def _dsb_text(f: Mapping[str, int]) -> str:
    return {0: "ssbb", 4: "pssbb", 12: "dfb"}.get(f["crm"]) or _barrier("dsb", f)


@group.instruction(
    "1101010100 0 00 011 0011 CRm:4 100 11111",
    name="dsb",
    asm=_dsb_text,
    spec="C6.2 DSB",
    examples=("d503359f dsb nshld",),
)
def dsb(m: Lifter) -> None:
    m.b.fence()


@group.instruction(
    "1101010100 0 00 011 0011 CRm:4 101 11111",
    name="dmb",
    asm=lambda f: _barrier("dmb", f),
    spec="C6.2 DMB",
    examples=("d50339bf dmb ishld",),
)
def dmb(m: Lifter) -> None:
    m.b.fence()


@group.instruction(
    "1101010100 0 00 011 0011 CRm:4 110 11111",
    name="isb",
    asm=lambda f: "isb" if f["crm"] == 15 else "isb {crm}",
    spec="C6.2 ISB",
    examples=("d5033ddf isb #0xd",),
)
def isb(m: Lifter) -> None:
    m.b.fence()


@group.instruction(
    "1101010100 0 01 011 0111 0100 001 Rt:5",
    name="dc zva",
    asm="dc zva, {Xt}",
    spec="C6.2 DC ZVA",
    examples=("d50b7423 dc zva, x3",),
)
def dc_zva(m: Lifter, rt: int) -> None:
    # the block of 64 bytes around the address, as DCZID_EL0 says
    b = m.b
    block = b.i64_and(m.i64.read(rt), b.const_i64(-64))
    zero = b.const_v128(0)
    for offset in (0, 16, 32, 48):
        b.store(opcodes.V128_STORE, block, zero, offset)


_IC: Final = 5
_CACHE_OPERATIONS: Final = {
    (5, 1): "ic ivau", (10, 1): "dc cvac", (11, 1): "dc cvau", (14, 1): "dc civac",
    (12, 1): "dc cvap",
}  # fmt: skip


@group.instruction(
    (
        "1101010100 0 01 011 0111 CRm:4=0101 op2:3=001 Rt:5",
        "1101010100 0 01 011 0111 CRm:4=101x op2:3=001 Rt:5",
        "1101010100 0 01 011 0111 CRm:4=1100 op2:3=001 Rt:5",
        "1101010100 0 01 011 0111 CRm:4=1110 op2:3=001 Rt:5",
    ),
    name="dc",
    asm=lambda f: _CACHE_OPERATIONS[f["crm"], f["op2"]] + ", {Xt}",
    spec="C6.2 DC, IC",
    examples=(
        "d50b7525 ic ivau, x5",
        "d50b7a30 dc cvac, x16",
        "d50b7c2c dc cvap, x12",
        "d50b7e3c dc civac, x28",
    ),
)
def cache_maintenance(m: Lifter, rt: int, crm: int) -> None:
    # caches are not visible to a translated program; that code changed is what cannot be
    if crm == _IC:
        m.b.call_runtime(CODE_WRITTEN, m.i64.read(rt))


# What CNTFRQ_EL0 says, in Hz: the counter counts nanoseconds.
COUNTER_FREQUENCY: Final = 1_000_000_000

# --- system registers: op1 CRn CRm op2 of S3 ---

_NZCV: Final = "1 011 0100 0010 000"
_FPCR: Final = "1 011 0100 0100 000"
_FPSR: Final = "1 011 0100 0100 001"
_TPIDR: Final = "1 011 1101 0000 010"


@group.instruction(
    f"1101010100 1 1 {_NZCV} Rt:5",
    name="mrs nzcv",
    asm="mrs {Xt}, nzcv",
    spec="C5.2 NZCV",
    examples=("d53b420a mrs x10, nzcv",),
)
def mrs_nzcv(m: Lifter, rt: int) -> None:
    m.i64.write(rt, m.b.i64_extend_i32_u(m.flags.nzcv()))


@group.instruction(
    f"1101010100 0 1 {_NZCV} Rt:5",
    name="msr nzcv",
    asm="msr nzcv, {Xt}",
    spec="C5.2 NZCV",
    examples=("d51b4214 msr nzcv, x20",),
)
def msr_nzcv(m: Lifter, rt: int) -> None:
    m.flags.set_nzcv(m.i32.read(rt))


@group.instruction(
    f"1101010100 1 1 {_FPCR} Rt:5",
    name="mrs fpcr",
    asm="mrs {Xt}, fpcr",
    spec="C5.2 FPCR",
    examples=("d53b4404 mrs x4, fpcr",),
)
def mrs_fpcr(m: Lifter, rt: int) -> None:
    m.i64.write(rt, m.b.i64_extend_i32_u(m.b.get(FPCR)))


# AHP, DN, FZ and RMode; trapping (IOE...) is not implemented and reads as zero
_FPCR_BITS: Final = 0x07C0_0000


@group.instruction(
    f"1101010100 0 1 {_FPCR} Rt:5",
    name="msr fpcr",
    asm="msr fpcr, {Xt}",
    spec="C5.2 FPCR",
    examples=("d51b4410 msr fpcr, x16",),
)
def msr_fpcr(m: Lifter, rt: int) -> None:
    b = m.b
    b.set(FPCR, b.i32_and(m.i32.read(rt), b.const_i32(_FPCR_BITS)))


@group.instruction(
    f"1101010100 1 1 {_FPSR} Rt:5",
    name="mrs fpsr",
    asm="mrs {Xt}, fpsr",
    spec="C5.2 FPSR",
    examples=("d53b4420 mrs x0, fpsr",),
)
def mrs_fpsr(m: Lifter, rt: int) -> None:
    m.i64.write(rt, m.b.i64_extend_i32_u(m.b.get(FPSR)))


@group.instruction(
    f"1101010100 0 1 {_FPSR} Rt:5",
    name="msr fpsr",
    asm="msr fpsr, {Xt}",
    spec="C5.2 FPSR",
    examples=("d51b443f msr fpsr, xzr",),
)
def msr_fpsr(m: Lifter, rt: int) -> None:
    # QC and the cumulative exception bits; NZCV of AArch32 is not there
    b = m.b
    b.set(FPSR, b.i32_and(m.i32.read(rt), b.const_i32(0x0800_009F)))


@group.instruction(
    f"1101010100 1 1 {_TPIDR} Rt:5",
    name="mrs tpidr_el0",
    asm="mrs {Xt}, tpidr_el0",
    spec="C5.2 TPIDR_EL0",
    examples=("d53bd048 mrs x8, tpidr_el0",),
)
def mrs_tpidr(m: Lifter, rt: int) -> None:
    m.i64.write(rt, m.b.get(TPIDR_EL0))


@group.instruction(
    f"1101010100 0 1 {_TPIDR} Rt:5",
    name="msr tpidr_el0",
    asm="msr tpidr_el0, {Xt}",
    spec="C5.2 TPIDR_EL0",
    examples=("d51bd053 msr tpidr_el0, x19",),
)
def msr_tpidr(m: Lifter, rt: int) -> None:
    m.b.set(TPIDR_EL0, m.i64.read(rt))


@group.instruction(
    "1101010100 1 1 1 011 1101 0000 011 Rt:5",
    name="mrs tpidrro_el0",
    asm="mrs {Xt}, tpidrro_el0",
    spec="C5.2 TPIDRRO_EL0",
    examples=("d53bd076 mrs x22, tpidrro_el0",),
)
def mrs_tpidrro(m: Lifter, rt: int) -> None:
    m.i64.write(rt, m.b.const_i64(0))


@group.instruction(
    "1101010100 1 1 1 011 0000 0000 111 Rt:5",
    name="mrs dczid_el0",
    asm="mrs {Xt}, dczid_el0",
    spec="C5.2 DCZID_EL0",
    examples=("d53b00e5 mrs x5, dczid_el0",),
)
def mrs_dczid(m: Lifter, rt: int) -> None:
    m.i64.write(rt, m.b.const_i64(4))  # log2 of the words that dc zva clears: 64 bytes


@group.instruction(
    "1101010100 1 1 1 011 0000 0000 001 Rt:5",
    name="mrs ctr_el0",
    asm="mrs {Xt}, ctr_el0",
    spec="C5.2 CTR_EL0",
    examples=("d53b0021 mrs x1, ctr_el0",),
)
def mrs_ctr(m: Lifter, rt: int) -> None:
    # 64-byte lines everywhere; IDC: nothing has to be cleaned for new code. Not DIC: a program that
    # changes its code must say so by `ic ivau`, which is where it can be refused (ADR 0048)
    m.i64.write(rt, m.b.const_i64(0x9444_C004))


@group.instruction(
    "1101010100 1 1 1 011 1110 0000 000 Rt:5",
    name="mrs cntfrq_el0",
    asm="mrs {Xt}, cntfrq_el0",
    spec="D19 CNTFRQ_EL0",
    examples=("d53be003 mrs x3, cntfrq_el0",),
)
def mrs_cntfrq(m: Lifter, rt: int) -> None:
    m.i64.write(rt, m.b.const_i64(COUNTER_FREQUENCY))


@group.instruction(
    "1101010100 1 1 1 011 1110 0000 op2:3=01x Rt:5",
    name="mrs cntvct_el0",
    asm=lambda f: "mrs {Xt}, cntvct_el0" if f["op2"] == 2 else "mrs {Xt}, s3_3_c14_c0_3",
    spec="D19 CNTVCT_EL0",
    examples=("d53be050 mrs x16, cntvct_el0",),
)
def mrs_cntvct(m: Lifter, rt: int) -> None:
    # the personality's monotonic clock, which counts nanoseconds
    (count,) = m.b.call_runtime(COUNTER)
    m.i64.write(rt, count)


@group.instruction(
    "1101010100 1 1 1 000 0000 CRm:4 op2:3 Rt:5",
    name="mrs id",
    asm="mrs {Xt}, {identification}",
    spec="D19 ID_AA64ISAR0_EL1, MIDR_EL1...; Linux, cpu-feature-registers",
    examples=("d5380601 mrs x1, id_aa64isar0_el1", "d5380002 mrs x2, midr_el1"),
    where=is_identification,
)
def mrs_identification(m: Lifter, crm: int, op2: int, rt: int) -> None:
    m.i64.write(rt, m.b.const_i64(identification(crm, op2)))


def _not_known(l: int, op0: int, op1: int, crn: int, crm: int, op2: int) -> bool:  # noqa: E741
    if l and op0 and not op1 and not crn and is_identification(crm, op2):
        return False
    return (op1, crn, crm, op2) not in _KNOWN


_KNOWN: Final = frozenset(
    {
        (3, 4, 2, 0), (3, 4, 4, 0), (3, 4, 4, 1), (3, 13, 0, 2), (3, 13, 0, 3), (3, 0, 0, 7),
        (3, 0, 0, 1), (3, 14, 0, 0), (3, 14, 0, 2), (3, 14, 0, 3),
    }
)  # fmt: skip


@group.instruction(
    "1101010100 L:1 1 op0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5",
    name="mrs",
    asm=lambda f: "mrs {Xt}, {system_register}" if f["l"] else "msr {system_register}, {Xt}",
    spec="C6.2 MRS, MSR (register)",
    examples=("d5137422 msr s2_3_c7_c4_1, x2",),
    where=_not_known,
    flow=Flow.TRAP,
)
def system_register(m: Lifter) -> None:
    # A register that user code may not touch.
    m.b.trap(TrapKind.ILLEGAL)
