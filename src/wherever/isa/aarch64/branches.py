"""Owns the group Branches: jumps, calls, returns, compare-and-branch, and exceptions."""

from __future__ import annotations

from wherever.ir.values import TrapKind
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.operands import signed
from wherever.isa.instruction import Flow, Group

__all__ = ["group"]

group: Group = Group("Branches, Exception generating", "Arm ARM C4.1")

_LINK = 30


@group.instruction(
    "0101010 0 imm19:19 0 cond:4",
    name="b.cond",
    asm="b.{cond} {label19}",
    spec="C6.2 B.cond",
    examples=("540045e8 b.hi #0x8bc",),
    flow=Flow.BRANCH,
    target="imm19",
)
def b_cond(m: Lifter, imm19: int, cond: int) -> None:
    m.b.branch(m.flags.condition(cond), m.pc + signed(imm19, 19) * 4, m.b.next)


@group.instruction(
    "0 00101 imm26:26",
    name="b",
    asm="b {label26}",
    spec="C6.2 B",
    examples=("17fffacd b #0xffffffffffffeb34",),
    flow=Flow.JUMP,
    target="imm26",
)
def b(m: Lifter, imm26: int) -> None:
    m.b.jump(m.pc + signed(imm26, 26) * 4)


@group.instruction(
    "1 00101 imm26:26",
    name="bl",
    asm="bl {label26}",
    spec="C6.2 BL",
    examples=("94008a55 bl #0x22954",),
    flow=Flow.CALL,
    target="imm26",
)
def bl(m: Lifter, imm26: int) -> None:
    target = m.pc + signed(imm26, 26) * 4
    m.i64.write(_LINK, m.i64.const(m.b.next))
    m.b.call(target, m.b.next)


@group.instruction(
    "sf:1 011010 0 imm19:19 Rt:5",
    name="cbz",
    asm="cbz {Rt}, {label19}",
    spec="C6.2 CBZ",
    examples=("b4008ee0 cbz x0, #0x11dc",),
    flow=Flow.BRANCH,
    target="imm19",
)
def cbz(m: Lifter, sf: int, imm19: int, rt: int) -> None:
    i = m.ints[sf]
    m.b.branch(i.eqz(i.read(rt)), m.pc + signed(imm19, 19) * 4, m.b.next)


@group.instruction(
    "sf:1 011010 1 imm19:19 Rt:5",
    name="cbnz",
    asm="cbnz {Rt}, {label19}",
    spec="C6.2 CBNZ",
    examples=("350001ba cbnz w26, #0x34",),
    flow=Flow.BRANCH,
    target="imm19",
)
def cbnz(m: Lifter, sf: int, imm19: int, rt: int) -> None:
    i = m.ints[sf]
    m.b.branch(i.ne(i.read(rt), i.const(0)), m.pc + signed(imm19, 19) * 4, m.b.next)


@group.instruction(
    "b5:1 011011 0 b40:5 imm14:14 Rt:5",
    name="tbz",
    asm="tbz {Rt_bit}, {bit}, {label14}",
    spec="C6.2 TBZ",
    examples=("36f80080 tbz w0, #0x1f, #0x10",),
    flow=Flow.BRANCH,
    target="imm14",
)
def tbz(m: Lifter, b5: int, b40: int, imm14: int, rt: int) -> None:
    i = m.ints[b5]
    bit = i.and_(i.read(rt), i.const(1 << b40 + 32 * b5))
    m.b.branch(i.eqz(bit), m.pc + signed(imm14, 14) * 4, m.b.next)


@group.instruction(
    "b5:1 011011 1 b40:5 imm14:14 Rt:5",
    name="tbnz",
    asm="tbnz {Rt_bit}, {bit}, {label14}",
    spec="C6.2 TBNZ",
    examples=("37180980 tbnz w0, #3, #0x130",),
    flow=Flow.BRANCH,
    target="imm14",
)
def tbnz(m: Lifter, b5: int, b40: int, imm14: int, rt: int) -> None:
    i = m.ints[b5]
    bit = i.and_(i.read(rt), i.const(1 << b40 + 32 * b5))
    m.b.branch(i.ne(bit, i.const(0)), m.pc + signed(imm14, 14) * 4, m.b.next)


@group.instruction(
    "1101011 0000 11111 000000 Rn:5 00000",
    name="br",
    asm="br {Xn}",
    spec="C6.2 BR",
    examples=("d61f0200 br x16",),
    flow=Flow.JUMP_INDIRECT,
)
def br(m: Lifter, rn: int) -> None:
    m.b.jump_indirect(m.i64.read(rn))


@group.instruction(
    "1101011 0001 11111 000000 Rn:5 00000",
    name="blr",
    asm="blr {Xn}",
    spec="C6.2 BLR",
    examples=("d63f0140 blr x10",),
    flow=Flow.CALL_INDIRECT,
)
def blr(m: Lifter, rn: int) -> None:
    target = m.i64.read(rn)  # before the link register changes: blr x30 is legal
    m.i64.write(_LINK, m.i64.const(m.b.next))
    m.b.call_indirect(target, m.b.next)


@group.instruction(
    "1101011 0010 11111 000000 Rn:5 00000",
    name="ret",
    asm=lambda f: "ret" if f["rn"] == _LINK else "ret {Xn}",
    spec="C6.2 RET",
    examples=("d65f03c0 ret",),
    flow=Flow.RETURN,
)
def ret(m: Lifter, rn: int) -> None:
    m.b.ret(m.i64.read(rn))


@group.instruction(
    "11010100 000 imm16:16 000 01",
    name="svc",
    asm="svc {imm16}",
    spec="C6.2 SVC",
    examples=("d4000001 svc #0",),
    flow=Flow.SYSCALL,
)
def svc(m: Lifter, imm16: int) -> None:
    m.b.syscall(imm16)


@group.instruction(
    "11010100 001 imm16:16 000 00",
    name="brk",
    asm="brk {imm16}",
    spec="C6.2 BRK",
    examples=("d4207d00 brk #0x3e8",),
    flow=Flow.TRAP,
)
def brk(m: Lifter) -> None:
    m.b.trap(TrapKind.BREAKPOINT)


@group.instruction(
    "11010100 010 imm16:16 000 00",
    name="hlt",
    asm="hlt {imm16}",
    spec="C6.2 HLT",
    examples=("d44305c0 hlt #0x182e",),
    flow=Flow.TRAP,
)
def hlt(m: Lifter) -> None:
    # without a debugger HLT is undefined in user mode
    m.b.trap(TrapKind.ILLEGAL)


@group.instruction(
    "0000000000000000 imm16:16",
    name="udf",
    asm="udf {imm16}",
    spec="C6.2 UDF",
    examples=("00000000 udf #0",),
    flow=Flow.TRAP,
)
def udf(m: Lifter) -> None:
    m.b.trap(TrapKind.ILLEGAL)
