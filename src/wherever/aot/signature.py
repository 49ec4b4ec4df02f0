"""Owns what the rest of a program knows of a function: which registers it takes, gives and keeps.

Four facts a function, as masks over registers:

- *kept*: given back as received (proved, see `passes.frame`);
- *writes*: what it or its callees may change otherwise;
- *reads*: what it needs on entry;
- *live out*: what somebody needs after it returned, out of what it writes.

Registers that a function reads become parameters as far as the ABI passes them in registers, and
results likewise; the rest goes through Wasm globals, which are always current for whatever the
callee may read. A function whose address is known to the program has one uniform signature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes
from wherever.ir.values import Block, CallingConvention, Exit, ExitKind
from wherever.isa.aarch64.registers import AAPCS64, FPCR, FPSR, REGISTERS, SP, TPIDR_EL0, V, X
from wherever.passes.facts import Facts
from wherever.passes.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherever.aot.functions import Functions
    from wherever.aot.returned import Returned

ALL: Final = (1 << len(REGISTERS)) - 1


def mask_of(slots: Iterable[int]) -> int:
    """The mask of some registers."""
    mask = 0
    for slot in slots:
        mask |= 1 << slot
    return mask


LINK: Final = X[30]
# in this order; the stack pointer and link first, so that they stay in machine registers
PARAMETERS: Final = (*X[:9], SP, LINK, *V[:8])
RESULTS: Final = (X[0], X[1], *V[:4])
UNIFORM_PARAMETERS: Final = (X[0], X[1], X[2], X[3], SP, LINK)
UNIFORM_RESULTS: Final = (X[0],)
# results of a callee that are worth handing on as such; vectors that nobody touched stay in globals
HANDED_ON: Final = mask_of((X[0], X[1], V[0]))
RETURNED: Final = mask_of(RESULTS)
CALLEE_SAVED: Final = mask_of(AAPCS64.callee_saved) | 1 << SP
RESULT_MASK: Final = mask_of(AAPCS64.results)
ARGUMENT_MASK: Final = mask_of(AAPCS64.arguments)
_FLAGS: Final = mask_of(AAPCS64.flags)
# What no call hands over and any code may look at: current in its global wherever control leaves.
THREAD: Final = mask_of((TPIDR_EL0, FPCR, FPSR))
AT_TRAPS: Final = mask_of((SP, X[29], LINK)) | THREAD
TRACKED: Final = mask_of(AAPCS64.callee_saved) | 1 << LINK


@lru_cache(maxsize=1 << 14)
def _out_of(order: tuple[int, ...], mask: int) -> tuple[int, ...]:
    """The registers of a mask, in an order; asked for at every call, and few are different."""
    return tuple(slot for slot in order if mask >> slot & 1)


@dataclass(slots=True)
class Signature:
    """What the rest of the program must know of a function."""

    entry: int
    name: str
    frame: Frame
    taken: bool
    reads: int = 0
    writes: int = 0
    live_out: int = 0
    suspends: bool = False  # may leave the Wasm stack before it returns
    recursive: bool = False  # may be on the Wasm stack any number of times
    changes: int = 0  # what its own blocks write
    callees: tuple[int, ...] = ()
    indirect: bool = False
    uses: int = 0  # what its own instructions, or parameters of its callees, take from registers
    makes: int = 0  # what its own instructions, or results of its callees, put into registers
    lost: int = 0  # what of the flags, IP0 and IP1 no call needs to hand to it
    spoils: int = 0  # of what it gives back: the registers that it does not put back into globals
    gives: int = 0  # what its own instructions change, and those of what it ends by jumping to
    live: dict[int, int] = field(default_factory=dict[int, int])  # block -> live on entry
    after: dict[int, int] = field(default_factory=dict[int, int])  # ... once its work is done

    @property
    def kept(self) -> int:
        """What it gives back."""
        return self.frame.kept

    @property
    def parameters(self) -> tuple[int, ...]:
        """The registers passed as Wasm parameters."""
        if self.taken:
            return UNIFORM_PARAMETERS
        # what it merely hands on stays in its global, where it costs nobody anything
        return _out_of(PARAMETERS, self.reads & self.uses)

    @property
    def results(self) -> tuple[int, ...]:
        """The registers passed as Wasm results."""
        if self.taken:
            return UNIFORM_RESULTS
        return _out_of(RESULTS, self.live_out & self.makes)


class Conventions:
    """The signatures of a whole program."""

    def __init__(self, functions: Functions, convention: CallingConvention = AAPCS64) -> None:
        self.functions = functions
        self.convention = convention
        self.facts: dict[int, Facts] = {}
        self.all: dict[int, Signature] = {}
        # the same four facts for "some function whose address is known"
        self.unknown_reads = THREAD
        self.unknown_writes = 0
        self.unknown_live_out = 0
        # out of LOST_AT_CALLS, what calls of an address lose; and what no call gives back unread
        self.unknown_lost = 0
        self.lost = 0
        self.orders: dict[int, list[int]] = {}  # function -> its blocks, in postorder
        self.asked: dict[int, int] = {}  # block with a system call -> what that reads
        self.returned: Returned
        # blocks whose calls are made in place, and what goes to globals before that (`inline`)
        self.in_place: dict[int, int] = {}

    def following(self, signature: Signature, block: Block) -> int:
        """What is live where a call goes on, out of what a call can give."""
        return self.given(signature, block.exit, signature.live.get(block.exit.other, 0))

    def given(self, signature: Signature, end: Exit, following: int) -> int:
        """Out of what is live after a call, what the call can give."""
        if end.kind is ExitKind.CALL_INDIRECT and following:
            order = self.orders[signature.entry]
            following &= self.returned.wanted(signature.entry, order, end.other)
        elif end.kind is ExitKind.CALL:
            callee = self.all.get(end.target)
            # what only a callee's callees leave in a register is no result; what is not written
            # is not touched, and what the callee itself puts there may be for this caller alone
            # (functions that a compiler outlined)
            if callee is None:
                return following
            gives = callee.gives & ~self.lost
            if following & callee.writes & ~gives:
                order = self.orders[signature.entry]
                wanted = self.returned.wanted(signature.entry, order, end.other)
                following &= wanted | gives | ~callee.writes
        return following

    def callees_first(self) -> list[int]:
        """Functions, each after those that it calls as far as there is no recursion."""
        found: list[int] = []
        seen: set[int] = set()
        for root in self.all:
            if root in seen:
                continue
            seen.add(root)
            stack = [(root, iter(self.all[root].callees))]
            while stack:
                entry, rest = stack[-1]
                for callee in rest:
                    if callee not in seen and callee in self.all:
                        seen.add(callee)
                        stack.append((callee, iter(self.all[callee].callees)))
                        break
                else:
                    found.append(entry)
                    stack.pop()
        return found

    # -- what a callee does

    def kept_by(self, end: Exit) -> int:
        """What the callee of an exit gives back."""
        if end.kind in (ExitKind.CALL_INDIRECT, ExitKind.JUMP_INDIRECT):
            return CALLEE_SAVED
        signature = self.all.get(end.target)
        if signature is None and end.kind is ExitKind.BRANCH:
            signature = self.all.get(end.other)
        return CALLEE_SAVED if signature is None else signature.frame.kept

    def reads_of(self, target: int) -> int:
        """What a known callee reads; one outside every function is entered by the driver."""
        signature = self.all.get(target)
        return ALL if signature is None else signature.reads

    def writes_of(self, target: int) -> int:
        """What a known callee changes, or with -1 any function whose address is known."""
        if target < 0:
            return self.unknown_writes
        signature = self.all.get(target)
        return ALL & ~CALLEE_SAVED if signature is None else signature.writes


def checked(block: Block) -> bool:
    """Whether a return to the caller went through memory, and so is compared at run time."""
    return block.exit.value is not None and block.exit.value.op != opcodes.GET


def escaping(signature: Signature) -> int:
    """Live where control goes to an address that only the program knows (longjmp, swapcontext).

    By the ABI: what a call preserves or returns; what belongs to the thread; and whatever this
    function puts into registers.
    """
    return CALLEE_SAVED | 1 << LINK | RESULT_MASK | THREAD | signature.changes & ~_FLAGS


def given_back(signature: Signature) -> int:
    """Kept registers that the function changes and may have put into globals meanwhile."""
    if not signature.callees and not signature.indirect and not signature.suspends:
        return 0
    return signature.changes & signature.kept
