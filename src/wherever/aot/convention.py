"""Owns how functions hand registers to each other: exact signatures by interprocedural liveness.

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

from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wherever.aot.returned import Returned
from wherever.ir import opcodes
from wherever.ir.values import Block, CallingConvention, Exit, ExitKind
from wherever.isa.aarch64.registers import AAPCS64, FPCR, FPSR, REGISTERS, SP, TPIDR_EL0, V, X
from wherever.passes.cycles import on_cycles
from wherever.passes.facts import Facts
from wherever.passes.frame import Frame, Steps, analyse_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherever.aot.functions import Body, Functions

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
_HANDED_ON: Final = mask_of((X[0], X[1], V[0]))
_RETURNED: Final = mask_of(RESULTS)
SYSCALL_READS: Final = mask_of((*X[:6], X[8]))
_CALLEE_SAVED: Final = mask_of(AAPCS64.callee_saved) | 1 << SP
_RESULT_MASK: Final = mask_of(AAPCS64.results)
_ARGUMENT_MASK: Final = mask_of(AAPCS64.arguments)
_FLAGS: Final = mask_of(AAPCS64.flags)
# What no call hands over and any code may look at: current in its global wherever control leaves.
_THREAD: Final = mask_of((TPIDR_EL0, FPCR, FPSR))
_AT_TRAPS: Final = mask_of((SP, X[29], LINK)) | _THREAD
_TRACKED: Final = mask_of(AAPCS64.callee_saved) | 1 << LINK


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
    gives: int = 0  # what its own instructions change, and those of what it ends by jumping to
    live: dict[int, int] = field(default_factory=dict[int, int])  # block -> live on entry

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
        self.unknown_reads = _THREAD
        self.unknown_writes = 0
        self.unknown_live_out = 0
        self.liveness: Liveness
        self.returned: Returned

    def following(self, signature: Signature, block: Block, live: dict[int, int]) -> int:
        """What is live where a call goes on, out of what a call can give."""
        end = block.exit
        following = live.get(end.other, 0)
        if end.kind is ExitKind.CALL_INDIRECT and following:
            order = self.liveness.order[signature.entry]
            following &= self.returned.wanted(signature.entry, order, end.other)
        elif end.kind is ExitKind.CALL:
            callee = self.all.get(end.target)
            # what only a callee's callees leave in a register is no result; what is not written
            # is not touched, and what the callee itself puts there may be for this caller alone
            # (functions that a compiler outlined)
            if callee is not None and following & callee.writes & ~callee.gives:
                order = self.liveness.order[signature.entry]
                wanted = self.returned.wanted(signature.entry, order, end.other)
                following &= wanted | callee.gives | ~callee.writes
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
            return _CALLEE_SAVED
        signature = self.all.get(end.target)
        if signature is None and end.kind is ExitKind.BRANCH:
            signature = self.all.get(end.other)
        return _CALLEE_SAVED if signature is None else signature.frame.kept

    def reads_of(self, target: int) -> int:
        """What a known callee reads; one outside every function is entered by the driver."""
        signature = self.all.get(target)
        return ALL if signature is None else signature.reads

    def writes_of(self, target: int) -> int:
        """What a known callee changes."""
        signature = self.all.get(target)
        return ALL & ~_CALLEE_SAVED if signature is None else signature.writes


def _frames(c: Conventions, order: list[Body]) -> None:
    """Which registers each function keeps: the greatest fixed point over calls."""
    blocks = c.functions.blocks
    callers: dict[int, set[int]] = {}
    for body in order:
        signature = Signature(
            body.entry, body.name, Frame(_CALLEE_SAVED), body.entry in c.functions.taken
        )
        callees: set[int] = set()
        for start in body.reached:
            end = blocks[start].exit
            facts = c.facts.get(start)
            if facts is None:
                facts = c.facts[start] = Facts(blocks[start])
            signature.changes |= facts.changes
            if end.kind is ExitKind.CALL:
                callees.add(end.target)
                if end.other in c.functions.entries:
                    callees.add(end.other)
            elif end.kind in (ExitKind.CALL_INDIRECT, ExitKind.JUMP_INDIRECT):
                signature.indirect = signature.indirect or not end.targets
            for target in end.successors():
                if target in c.functions.entries and target != body.entry:
                    callees.add(target)
        signature.callees = tuple(sorted(callees))
        for callee in callees:
            callers.setdefault(callee, set()).add(body.entry)
        c.all[body.entry] = signature
    work = deque(c.callees_first())
    queued = set(work)
    steps: dict[int, Steps] = {}
    while work:
        entry = work.popleft()
        queued.discard(entry)
        signature = c.all[entry]
        before = signature.frame.kept
        if not c.functions.bodies[entry].reached:
            continue
        signature.frame = analyse_frame(
            entry, blocks, c.functions.inside, c.convention, _TRACKED, c.kept_by, steps
        )
        if signature.frame.kept & _CALLEE_SAVED != before & _CALLEE_SAVED:
            for caller in callers.get(entry, ()):
                if caller not in queued:
                    queued.add(caller)
                    work.append(caller)
        signature.frame.kept &= _CALLEE_SAVED


def _writes(c: Conventions) -> None:
    """What each function may change, callees included, and which may suspend."""
    blocks = c.functions.blocks
    for body in c.functions.bodies.values():
        signature = c.all.get(body.entry)
        if signature is None:
            continue
        signature.writes = signature.changes & ~signature.kept
        for start in body.reached:
            kind = blocks[start].exit.kind
            if kind is ExitKind.SYSCALL:
                signature.writes |= 1
                signature.suspends = True
            elif start in body.passable or _escapes(c, body, signature.frame, blocks[start]):
                signature.suspends = True
        # an address that setjmp or a context keeps is one that control may come back to
        escapes = signature.indirect or signature.frame.link_escapes
        signature.suspends = signature.suspends or escapes
    for entry in _recursive(c):
        c.all[entry].recursive = c.all[entry].suspends = True
    _spread(c)


def _spread(c: Conventions) -> None:
    """From callees to callers, and from taken functions to who calls what is not known.

    Each function is looked at again only when a callee of it grew: time grows with the number of
    calls, however a hostile program orders them.
    """
    everything = list(c.all.values())
    callers: dict[int, list[Signature]] = {}
    for signature in everything:
        for callee in signature.callees:
            callers.setdefault(callee, []).append(signature)
        if signature.taken:
            c.unknown_writes |= signature.writes
    indirect = [signature for signature in everything if signature.indirect]
    work = deque(reversed(everything))
    queued = set(c.all)
    while work:
        signature = work.popleft()
        queued.discard(signature.entry)
        writes, suspends = signature.writes, signature.suspends
        for callee in signature.callees:
            known = c.all.get(callee)
            if known is None:
                suspends = True
                writes |= ALL & ~_CALLEE_SAVED
            else:
                writes |= known.writes
                suspends = suspends or known.suspends
        if signature.indirect:
            writes |= c.unknown_writes
        writes &= ~signature.kept
        if writes == signature.writes and suspends == signature.suspends:
            continue
        signature.writes, signature.suspends = writes, suspends
        again = callers.get(signature.entry, [])
        if signature.taken and writes & ~c.unknown_writes:
            c.unknown_writes |= writes
            again = again + indirect
        for one in again:
            if one.entry not in queued:
                queued.add(one.entry)
                work.append(one)


def _escapes(c: Conventions, body: Body, frame: Frame, block: Block) -> bool:
    """Whether control may leave the function by the driver at the end of a block."""
    end = block.exit
    match end.kind:
        case ExitKind.RET:
            return block.start not in frame.own_returns
        case ExitKind.JUMP_INDIRECT if end.targets and body.orphans:
            return True  # to an address that the table was not known to have
        case ExitKind.JUMP | ExitKind.BRANCH | ExitKind.CALL | ExitKind.JUMP_INDIRECT:
            entries = c.functions.entries
            leaves = any(t in entries and t != body.entry for t in end.successors())
            return leaves and block.start not in frame.tail_calls
        case _:
            return False


def _recursive(c: Conventions) -> list[int]:
    """Functions that may be called again before they return, directly or by their address."""
    anything = -1  # stands for every function whose address is known
    edges: dict[int, list[int]] = {anything: []}
    for entry, signature in c.all.items():
        edges[entry] = [*signature.callees, *([anything] if signature.indirect else [])]
        if signature.taken:
            edges[anything].append(entry)
    return sorted(on_cycles(edges) - {anything})


def _gives(c: Conventions) -> None:
    """What functions change themselves, or where they end by a tail call."""
    tails: list[tuple[Signature, list[Signature]]] = []
    for signature in c.all.values():
        signature.gives = signature.changes
        targets: list[Signature] = []
        for start in signature.frame.tail_calls:
            end = c.functions.blocks[start].exit
            if end.kind is ExitKind.JUMP_INDIRECT:
                signature.gives = ALL
            targets += [c.all[target] for target in end.successors() if target in c.all]
        if targets:
            tails.append((signature, targets))
    changed = True
    while changed:
        changed = False
        for signature, targets in tails:
            gives = signature.gives
            for target in targets:
                gives |= target.gives
            if gives != signature.gives:
                signature.gives = gives
                changed = True


class Liveness:
    """Reads and live-outs: the least fixed point, block by block.

    A block is looked at again only where something that it is computed from has grown: what is live
    in a block after it, what a callee reads, or what is wanted of this function's own returns. Sets
    only grow, so the order of work decides the time and not the result.
    """

    def __init__(self, c: Conventions) -> None:
        self.c = c
        self.blocks = c.functions.blocks
        self.order: dict[int, list[int]] = {}  # function -> its blocks, in postorder
        # function -> block -> those that go straight to it, and those that use it in another way
        self.straight: dict[int, dict[int, list[int]]] = {}
        self.before: dict[int, dict[int, list[int]]] = {}
        self.ends: dict[int, list[int]] = {}  # function -> blocks where control leaves it
        self.users: dict[int, list[tuple[int, int]]] = {}  # callee -> (function, block)
        self.unknown: list[tuple[int, int]] = []  # (function, block) of calls of an address
        for signature in c.all.values():
            self._edges(signature)
            if signature.taken:
                # also entered by the driver: what the ABI returns must be there
                signature.live_out |= _RETURNED & signature.writes
        c.unknown_live_out = _RETURNED
        # blocks to look at, by function; everything once, callees first
        self.todo: dict[int, set[int]] = {entry: set(self.order[entry]) for entry in c.all}
        self.work: deque[int] = deque(c.callees_first())
        self.queued = set(self.work)

    def _edges(self, signature: Signature) -> None:
        """Who is computed from whom."""
        entry = signature.entry
        body = self.c.functions.bodies[entry]
        order = self.order[entry] = _postorder(self.c.functions, body)
        straight = self.straight[entry] = {}
        before: dict[int, list[int]] = {}
        ends: list[int] = []
        for start in order:
            end = self.blocks[start].exit
            targets = end.successors()
            users = straight if end.kind in (ExitKind.JUMP, ExitKind.BRANCH) else before
            for target in targets:
                users.setdefault(target, []).append(start)
                if target in self.c.all:
                    self.users.setdefault(target, []).append((entry, start))
                    ends.append(start)
            if end.kind is ExitKind.CALL:
                self.users.setdefault(end.target, []).append((entry, start))
            elif end.kind is ExitKind.CALL_INDIRECT:
                self.unknown.append((entry, start))
            elif end.kind is ExitKind.RET:
                ends.append(start)
            elif start in body.passable:
                before.setdefault(self.blocks[start].end, []).append(start)
            elif end.kind is ExitKind.JUMP_INDIRECT:
                ends.append(start)
                self.unknown.append((entry, start))
                if not targets:
                    for orphan in body.orphans:
                        before.setdefault(orphan, []).append(start)
        self.before[entry] = before
        self.ends[entry] = ends

    def again(self, entry: int, starts: Iterable[int]) -> None:
        """Some blocks of a function have to be looked at again."""
        todo = self.todo[entry]
        todo.update(starts)
        if todo and entry not in self.queued:
            self.queued.add(entry)
            self.work.append(entry)

    def run(self) -> None:
        while self.work:
            entry = self.work.popleft()
            self.queued.discard(entry)
            self.function(self.c.all[entry])

    def wanted(self, target: int, live: int) -> None:
        """Somebody needs these registers after the target returned."""
        callee = self.c.all.get(target)
        if callee is not None:
            more = live & callee.writes & ~callee.live_out
            if more:
                callee.live_out |= more
                self.again(target, self.ends[target])

    def wanted_of_unknown(self, live: int) -> None:
        more = live & self.c.unknown_writes & ~self.c.unknown_live_out
        if more:
            self.c.unknown_live_out |= more
            for signature in self.c.all.values():
                if signature.taken and more & signature.writes & ~signature.live_out:
                    signature.live_out |= more & signature.writes
                    self.again(signature.entry, self.ends[signature.entry])

    def function(self, signature: Signature) -> None:
        """Look at a function's blocks until nothing in it grows."""
        entry = signature.entry
        body = self.c.functions.bodies[entry]
        live = signature.live
        facts = self.c.facts
        blocks = self.blocks
        todo = self.todo[entry]
        while todo:
            now = [start for start in self.order[entry] if start in todo]
            for start in now:
                todo.discard(start)
                after = self.after(signature, blocks[start], live)
                self.grow(entry, live, start, facts[start].before(after))
        reads = live[entry] if body.reached else 0
        if signature.recursive or any(
            checked(blocks[start]) for start in signature.frame.own_returns
        ):
            reads |= 1 << LINK
        if reads & ~signature.reads:
            signature.reads |= reads
            for caller, start in self.users.get(entry, ()):
                self.again(caller, (start,))
            if signature.taken and reads & ~self.c.unknown_reads:
                self.c.unknown_reads |= reads
                for caller, start in self.unknown:
                    self.again(caller, (start,))

    def grow(self, entry: int, live: dict[int, int], start: int, before: int) -> None:
        """More is live before a block; what is new goes straight on to the blocks before it.

        A block turns a union into the union of what it makes of each part, so the new part will do.
        """
        facts = self.c.facts
        straight, users = self.straight[entry], self.before[entry]
        todo = self.todo[entry]
        work = [(start, before)]
        while work:
            start, before = work.pop()
            known = live.get(start)
            more = before if known is None else before & ~known
            if not more and known is not None:
                continue
            live[start] = before if known is None else known | more
            # one that is not live yet has still to be looked at, whole
            ready = [user for user in straight.get(start, ()) if user in live]
            work += [(user, facts[user].before(more)) for user in ready]
            if start in users:
                todo.update(users[start])

    def leaving(self, signature: Signature, start: int, target: int) -> int:
        """Live where control leaves for another function (or its middle, or nowhere)."""
        if start not in signature.frame.tail_calls or target not in self.c.all:
            if target in self.c.all:
                # entered through the driver: whoever it returns to is not known here
                self.wanted(target, _RESULT_MASK)
                return escaping(signature) | self.c.reads_of(target)
            return escaping(signature)
        self.wanted(target, signature.live_out)
        callee = self.c.all[target]
        return callee.reads | signature.live_out & ~callee.writes | given_back(signature)

    def after(self, signature: Signature, block: Block, live: dict[int, int]) -> int:
        """The registers live where the block's own work is done."""
        end = block.exit
        c = self.c
        match end.kind:
            case ExitKind.CALL | ExitKind.CALL_INDIRECT:
                following = 0
                if end.other in c.functions.entries:
                    following = self.leaving(signature, block.start, end.other)
                elif end.other >= 0:
                    following = c.following(signature, block, live)
                if end.kind is ExitKind.CALL:
                    self.wanted(end.target, following)
                    return c.reads_of(end.target) | following & ~c.writes_of(end.target)
                self.wanted_of_unknown(following)
                return c.unknown_reads | following & ~c.unknown_writes
            case ExitKind.RET:
                if block.start in signature.frame.own_returns:
                    # whoever is resumed before this return goes on at the link in its global
                    check = 0
                    if signature.suspends or checked(block):
                        check = c.facts[block.start].returned
                    return signature.live_out | given_back(signature) | check
                return escaping(signature) | c.facts[block.start].returned
            case ExitKind.SYSCALL:
                following = live.get(end.other, 0) if end.other in self.blocks else 0
                # a handler may run before what follows
                return SYSCALL_READS | _THREAD | following & ~1
            case ExitKind.JUMP_INDIRECT:
                total = 0
                for target in end.targets:
                    total |= live.get(target, 0)
                tail_call = block.start in signature.frame.tail_calls
                if tail_call or not end.targets:
                    # not understood: through the driver, perhaps into what nothing else reaches
                    for start in c.functions.bodies[signature.entry].orphans:
                        total |= live.get(start, 0)
                if tail_call:
                    self.wanted_of_unknown(signature.live_out)
                    total |= c.unknown_reads | signature.live_out & ~c.unknown_writes
                    return total | given_back(signature)
                if end.targets:
                    return total
                return total | _ARGUMENT_MASK | escaping(signature)
            case ExitKind.JUMP | ExitKind.BRANCH | ExitKind.SWITCH:
                total = 0
                for target in end.successors():
                    if target == signature.entry or (
                        target in self.blocks and target not in c.functions.entries
                    ):
                        total |= live.get(target, 0)
                    else:
                        total |= self.leaving(signature, block.start, target)
                return total
            case ExitKind.TRAP:
                # what a handler and a backtrace need; and what follows, if it may go on there
                if block.start in c.functions.bodies[signature.entry].passable:
                    return _AT_TRAPS | live.get(block.end, 0)
                return _AT_TRAPS
            case ExitKind.RESULTS:
                return 0


def checked(block: Block) -> bool:
    """Whether a return to the caller went through memory, and so is compared at run time."""
    return block.exit.value is not None and block.exit.value.op != opcodes.GET


def escaping(signature: Signature) -> int:
    """Live where control goes to an address that only the program knows (longjmp, swapcontext).

    By the ABI: what a call preserves or returns; what belongs to the thread; and whatever this
    function puts into registers.
    """
    return _CALLEE_SAVED | 1 << LINK | _RESULT_MASK | _THREAD | signature.changes & ~_FLAGS


def given_back(signature: Signature) -> int:
    """Kept registers that the function changes and may have put into globals meanwhile."""
    if not signature.callees and not signature.indirect and not signature.suspends:
        return 0
    return signature.changes & signature.kept


def _postorder(functions: Functions, body: Body) -> list[int]:
    """Postorder, then whatever only `resume` enters."""
    order: list[int] = []
    seen: set[int] = set()
    for root in (body.entry, *body.orphans):
        if root in seen or root not in functions.blocks:
            continue
        seen.add(root)
        stack = [(root, iter(functions.inside(functions.blocks[root])))]
        while stack:
            node, rest = stack[-1]
            for target in rest:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, iter(functions.inside(functions.blocks[target]))))
                    break
            else:
                order.append(node)
                stack.pop()
    return order


def _handed_over(c: Conventions) -> None:
    """Which registers each function, with its callees, has in hand: what is worth passing."""
    for entry in c.callees_first():
        signature = c.all[entry]
        uses = 1 << SP | 1 << LINK
        for start in c.functions.bodies[entry].reached:
            facts = c.facts[start]
            uses |= facts.always | facts.returned | facts.deferred_needs
            for _, needed in facts.outs:
                uses |= needed
        makes = signature.changes
        if signature.suspends:
            makes |= 1 << X[0]
        for callee in signature.callees:
            known = c.all.get(callee)
            if known is not None:
                uses |= mask_of(known.parameters)
                makes |= mask_of(known.results) & _HANDED_ON
        signature.uses = uses
        signature.makes = makes


def conventions(functions: Functions, *, standard: bool = True) -> Conventions:
    """Find every function's signature; `standard` if calls through pointers keep to AAPCS64."""
    c = Conventions(functions)
    for start, block in functions.blocks.items():
        c.facts[start] = Facts(block)
    _frames(c, list(functions.bodies.values()))
    _writes(c)
    _gives(c)
    c.returned = Returned(functions, c.facts, standard)
    c.liveness = Liveness(c)
    c.liveness.run()
    _handed_over(c)
    return c
