"""Owns the guest state of an A64 program: a slot for every register that user code can change."""

from __future__ import annotations

from typing import Final

from wherever.ir.ops import I32, I64, V128
from wherever.ir.values import CallingConvention, Registers

__all__ = ["AAPCS64", "REGISTERS"]

REGISTERS: Final = Registers()

X: Final = tuple(REGISTERS.declare(f"x{n}", I64) for n in range(31))
SP: Final = REGISTERS.declare("sp", I64)
_V_LOW: Final = tuple(REGISTERS.declare(f"v{n}", V128) for n in range(16))
N: Final = REGISTERS.declare("n", I32)
Z: Final = REGISTERS.declare("z", I32)
C: Final = REGISTERS.declare("c", I32)
# PSTATE.V; named apart from the vector registers
VF: Final = REGISTERS.declare("v", I32)
FPCR: Final = REGISTERS.declare("fpcr", I32)
FPSR: Final = REGISTERS.declare("fpsr", I32)
TPIDR_EL0: Final = REGISTERS.declare("tpidr_el0", I64)
# The exclusive monitor: the address that the last load-exclusive marked (all ones: none) and what
# it read there. A store-exclusive compares and exchanges, so it also holds between threads.
MONITOR_ADDRESS: Final = REGISTERS.declare("monitor_address", I64)
MONITOR_LOW: Final = REGISTERS.declare("monitor_low", I64)
MONITOR_HIGH: Final = REGISTERS.declare("monitor_high", I64)
# Last: a set of registers is a mask, which takes no object of its own below 62 bits (mypyc's int),
# and most have none of these.
V: Final = (*_V_LOW, *(REGISTERS.declare(f"v{n}", V128) for n in range(16, 32)))

FLAGS: Final = frozenset((N, Z, C, VF))

# AAPCS64, section 6: x0-x7 and v0-v7 carry arguments and results, x8 the address of a result.
AAPCS64: Final = CallingConvention(
    arguments=frozenset((*X[:9], *V[:8])),
    results=frozenset((*X[:8], *V[:8])),
    callee_saved=frozenset((*X[19:30], *V[8:16])),  # of v8-v15 the lower halves
    stack_pointer=SP,
    link=X[30],
    flags=FLAGS,
)
