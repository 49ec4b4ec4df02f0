"""Owns which registers a system call reads: those of its number's arguments, where that is known.

A system call has a block of its own, which a signal may come back to. Where every block before it
puts one constant into x8, the table of system calls says how many arguments there are, and the
personality hands a handler no more than those. All six where the number is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes
from wherever.ir.values import ExitKind
from wherever.isa.aarch64.registers import X
from wherever.linux.calls import CALLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherever.ir.values import Block

_NUMBER: Final = 1 << X[8]
SYSCALL_READS: Final = sum(1 << slot for slot in X[:6]) | _NUMBER
_UNKNOWN: Final = -1
_GOES: Final = (ExitKind.JUMP, ExitKind.BRANCH)


def asked_with(blocks: Mapping[int, Block]) -> dict[int, int]:
    """Of each block that ends in a system call: what that reads."""
    asking = {start for start, block in blocks.items() if block.exit.kind is ExitKind.SYSCALL}
    numbers: dict[int, set[int]] = {start: set() for start in asking}
    for start in asking:
        if X[8] in blocks[start].outs:
            numbers[start].add(_number(blocks[start]))
    for block in blocks.values():
        for target in block.exit.successors():
            if target in asking and X[8] not in blocks[target].outs:
                known = block.exit.kind in _GOES
                numbers[target].add(_number(block) if known else _UNKNOWN)
    counts = {call.generic: len(call.arguments) for call in CALLS}
    masks: dict[int, int] = {}
    for start, found in numbers.items():
        count = counts.get(found.pop()) if len(found) == 1 else None
        masks[start] = SYSCALL_READS
        if count is not None:
            masks[start] = sum(1 << slot for slot in X[:count]) | _NUMBER
    return masks


def _number(block: Block) -> int:
    """The constant that a block puts into x8."""
    value = block.outs.get(X[8])
    return value.imm if value is not None and value.op == opcodes.I64_CONST else _UNKNOWN
