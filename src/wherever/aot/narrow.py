"""Owns which vector registers a function keeps as scalars: f64 or f32 locals instead of v128.

A64 code writes Dn or Sn by clearing the rest of Vn, so a register that a function only ever reads
and writes as a scalar needs no vector operations to hold one. What came from outside (a parameter,
a result, a global) may have anything in its upper part: a register in which such a value can reach
a place that hands on the whole of it (a call, a return, a global written) stays a vector.

Rule `scalar-register`.

Wasm multiplies and adds at once in vectors only. A function that does so computes all its scalars
as the low lanes of vectors, so that none has to be moved from one kind to the other; what is in the
other lanes does not matter, and is not looked at. Rule `low-lanes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes as op
from wherever.ir.ops import F32, F64
from wherever.ir.values import ExitKind
from wherever.isa.aarch64.registers import V

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wherever.ir.values import Block, Value

VECTORS: Final = sum(1 << slot for slot in V)
KEPT_LOW: Final = sum(1 << slot for slot in V[8:16])
_READS_64: Final = (op.F64X2_EXTRACT_LANE, op.I64X2_EXTRACT_LANE)
_READS_32: Final = (op.F32X4_EXTRACT_LANE, op.I32X4_EXTRACT_LANE)
_WRITES_64: Final = (op.V128_FROM_F64, op.V128_FROM_I64)
_WRITES_32: Final = (op.V128_FROM_F32, op.V128_FROM_I32)
_HANDS_ON: Final = (
    ExitKind.CALL,
    ExitKind.CALL_INDIRECT,
    ExitKind.SYSCALL,
    ExitKind.RET,
    ExitKind.TRAP,
    ExitKind.JUMP_INDIRECT,
)
_FUSED: Final = (op.F32_FMA, op.F64_FMA)
# how a block uses vector registers: as whole vectors, as doubles, as singles; whether it fuses
Shape = tuple[int, int, int, bool]


def shape_of(block: Block, changes: int) -> Shape:
    """The registers that a block reads or writes in each way, as masks."""
    whole = double = single = 0
    fused = False
    seen: set[int] = set()
    work: list[Value] = [*block.exit.values]
    if block.exit.value is not None:
        work.append(block.exit.value)
    for effect in block.effects:
        work += effect.args
    if block.deferred is not None:
        work += block.deferred.operands
    for slot, value in block.outs.items():
        if not VECTORS >> slot & 1:
            work.append(value)
            continue
        number = value.op
        if number in _WRITES_64:
            double |= 1 << slot
        elif number in _WRITES_32:
            single |= 1 << slot
        elif number == op.V128_CONST and not value.imm >> 64:
            if value.imm >> 32:
                double |= 1 << slot
        else:
            whole |= 1 << slot
        work.append(value)
    while work:
        value = work.pop()
        number = value.op
        if number == op.GET:
            whole |= 1 << value.imm
            continue
        if not value.args or id(value) in seen:
            continue
        seen.add(id(value))
        fused = fused or number in _FUSED
        if value.imm == 0 and value.args[0].op == op.GET:
            if number in _READS_64:
                double |= 1 << value.args[0].imm
                continue
            if number in _READS_32:
                single |= 1 << value.args[0].imm
                continue
        work += value.args
    if block.deferred is not None:
        whole |= changes & ~(double | single)
    return whole & VECTORS, double & VECTORS, single & VECTORS, fused


def scalar_registers(shapes: Iterable[Shape]) -> tuple[int, int]:
    """The registers that are doubles everywhere, and those that are singles everywhere."""
    whole = double = single = 0
    for a, b, c, _ in shapes:
        whole |= a
        double |= b
        single |= c
    return double & ~single & ~whole, single & ~double & ~whole


def handed_on(
    blocks: Sequence[Block],
    candidates: int,
    assigned: Mapping[int, int],
    given: Mapping[int, int],
    handed: Mapping[int, int],
    left: Mapping[int, int],
) -> int:
    """The candidates in which a value from outside may be handed on whole.

    By block: what it `assigned`, what its call may have `given`, what it `handed` on, and what
    would be written to globals where the function is `left` in the block.
    """
    inside = {block.start: block for block in blocks}
    foreign = dict.fromkeys(inside, 0)
    foreign[blocks[0].start] = candidates
    bad = 0
    work = list(reversed(blocks))  # the entry first; again whatever something new comes to
    waiting = set(inside)
    while work:
        block = work.pop()
        start = block.start
        waiting.discard(start)
        bad |= foreign[start] & left[start]
        after = foreign[start] & ~assigned[start]
        targets = block.exit.successors()
        if block.exit.kind in _HANDS_ON or any(target not in inside for target in targets):
            bad |= after & handed[start]
        after |= given[start] & candidates
        for target in targets:
            if target in inside and after & ~foreign[target]:
                foreign[target] |= after
                if target not in waiting:
                    waiting.add(target)
                    work.append(inside[target])
    return bad


def local_types(double: int, single: int) -> dict[int, int]:
    """The type of each narrowed register's local."""
    return {slot: F64 if double >> slot & 1 else F32 for slot in V if (double | single) >> slot & 1}
