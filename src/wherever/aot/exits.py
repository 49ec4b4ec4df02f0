"""Owns how control leaves a block: calls, returns, and jumps out of the function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.aot import encode as e
from wherever.aot.computed import parts_of, registers_in
from wherever.aot.entries import always
from wherever.aot.registers import UNIFORM_PARAMETER_MASK, UNIFORM_RESULT_MASK, X0, RegisterFlow
from wherever.aot.selection import LEAVES
from wherever.aot.signature import (
    LINK,
    UNIFORM_PARAMETERS,
    UNIFORM_RESULTS,
    Signature,
    given_back,
    mask_of,
)
from wherever.ir import opcodes
from wherever.ir.ops import I32, I64
from wherever.ir.values import Block, ExitKind, Value
from wherever.isa.aarch64.registers import X

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherever.passes.structure import Edge


class Exits(RegisterFlow):
    """A block's work, and what control does after it."""

    escape_used = False
    return_local = -1
    link_local = -1
    depth_local = -1
    before: dict[int, list[int]] | None = None  # block -> those that control comes from

    # -- a block's work

    def _work(
        self, block: Block, operands: Sequence[Value], push: Callable[[], None] | None = None
    ) -> None:
        """The block's effects and changed registers; `push` emits the exit's operands."""
        outs, _ = self._outs(block, 0)
        ends = [value for _, value in outs]
        ends += operands
        x = self.x
        x.effects(block, ends)
        late = self._assign(outs)
        if push is not None:
            push()
        self._assign_late(late)
        x.done(block, ends)

    def _work_call(self, block: Block, callee: Signature, direct: int) -> None:
        """The block's work before a call, and the call's arguments on the stack.

        Registers in `direct` are wanted by the callee alone: their values go straight there.
        """
        outs, straight = self._outs(block, direct)
        ends = [value for _, value in outs]
        ends += straight.values()
        x = self.x
        code = self.code
        x.effects(block, ends)
        late = self._assign(outs)
        parked: dict[int, int] = {}
        if any(x.pending.get(slot, 0) for slot, _ in late):
            # an argument still reads a register that is about to change: compute it now
            for slot, value in straight.items():
                if value.op not in LEAVES or value.op == opcodes.GET:
                    x.emit(value)
                    parked[slot] = self.locals.temporary(value.type)
                    code += e.local_set(parked[slot])
        self._assign_late(late)
        for slot in callee.parameters:
            if slot in parked:
                code += e.local_get(parked[slot])
            elif slot in straight:
                x.emit(straight[slot])
            elif callee.reads >> slot & 1:
                code += self.locals.read(slot)
            else:
                code += e.i64_const(0)  # of the uniform signature, not read
        x.done(block, ends)

    def _outs(self, block: Block, direct: int) -> tuple[list[tuple[int, Value]], dict[int, Value]]:
        """The changed registers that are wanted: in their locals, and straight on the stack."""
        after = self.after_masks[block.start]
        outs: list[tuple[int, Value]] = []
        straight: dict[int, Value] = {}
        for slot, value in block.outs.items():
            if direct >> slot & 1:
                straight[slot] = value
            elif after >> slot & 1:
                outs.append((slot, value))
        deferred = block.deferred
        if deferred is not None and self.c.facts[block.start].deferred & after:
            wanted = [s for s in sorted(deferred.slots) if after >> s & 1 and s not in block.outs]
            outs += [(slot, deferred.value(slot)) for slot in wanted]
        return outs, straight

    # -- calls

    def _call(self, block: Block, target: int) -> None:
        callee = self.c.all.get(target)
        if callee is None or target not in self.layout.functions:
            self._escape_call(block, target)
            return
        following = self._following(block)
        reads, writes, result_mask = self._call_effect(block)
        parameters = callee.parameters
        # what only the callee wants goes straight onto the stack
        direct = mask_of(parameters) & callee.reads & ~following & ~reads
        direct &= mask_of(block.outs)
        self._work_call(block, callee, direct)
        self._sync(self._dirty_after(block) & ~direct & reads)
        back = self._set_aside(self._spoiled(block)[1])
        self.code += self.layout.calls[target]
        self.code += back
        if callee.results:
            self._store_results(callee.results, following)
        self._reload(writes & ~result_mask & following & self.local_mask)

    def _set_aside(self, mask: int) -> bytes:
        """Keep globals that a callee spoils over the call; what puts them back."""
        back = b""
        slot = 0
        while mask >> slot:
            if mask >> slot & 1:
                index = self.layout.globals[slot]
                kept = self.locals.temporary(I64)
                self.code += e.global_get(index) + e.local_set(kept)
                back += e.local_get(kept) + e.global_set(index)
            slot += 1
        return back

    def _escape_call(self, block: Block, target: int) -> None:
        """A call of an address that is no function: through the driver."""
        self._work(block, ())
        self._sync(self._dirty_after(block))
        self.code += e.i64_const(target)
        self._throw()

    def _throw(self) -> None:
        """Leave for the driver, which goes on at the address on the stack."""
        self.code += e.global_set(self.layout.pc) + b"\x08" + e.unsigned(self.layout.tag)

    def _returning(self) -> int:
        if self.return_local < 0:
            self.return_local = self.locals.new(I64)
        return self.return_local

    def _escape_if(self) -> None:
        """Leave for the driver if the condition on the stack holds; the address is in a local."""
        self.escape_used = True
        self.code += e.branch_if(self.context.depth(-1))

    def _code_index(self) -> None:
        """The table index of the address in the return local, or leave."""
        layout = self.layout
        index = self.locals.temporary(0x7F)
        code = self.code
        code += e.local_get(self._returning()) + e.I32_WRAP
        code += e.i32_const(layout.text_low) + e.I32_SUB + e.i32_const(2) + e.I32_ROTR
        code += e.local_tee(index) + e.i32_const(layout.text_words) + e.I32_GE_U
        self._escape_if()
        code += e.local_get(self._returning()) + e.global_set(layout.pc)
        code += e.local_get(index)

    def _call_indirect(self, block: Block) -> None:
        value = block.exit.value
        assert value is not None
        following = self._following(block)
        reads, writes, _ = self._call_effect(block)

        def push() -> None:
            self.x.emit(value)
            self.code += e.local_set(self._returning())

        self._work(block, (value,), push)
        self._sync(self._dirty_after(block) & reads)
        self._arguments(UNIFORM_PARAMETERS)
        self._code_index()
        self.code += b"\x11" + e.unsigned(self.layout.uniform) + e.unsigned(self.layout.table)
        self._store_results(UNIFORM_RESULTS, following)
        self._reload(writes & ~UNIFORM_RESULT_MASK & following & self.local_mask)

    def _syscall(self, block: Block) -> None:
        following = self._following(block)
        self._work(block, ())
        # what it is asked with is there to ask again, after a handler (SA_RESTART)
        asked = self.c.asked[block.start]
        self._sync(self._dirty_after(block) & (following | asked) & ~X0)
        for slot in (X[8], *X[:6]):
            self.code += self.locals.read(slot) if asked >> slot & 1 else e.i64_const(0)
        self.code += e.i64_const(block.exit.other) + e.call(self.layout.syscall)
        self._store_results((X[0],), following)

    # -- out of the function

    def _return(self, block: Block) -> None:
        value = block.exit.value
        assert value is not None
        own = block.start in self.signature.frame.own_returns
        code = self.code
        if not own:
            self._return_escaping(block, value)
            return
        checked = value.op != opcodes.GET
        if checked:
            self._work_checked(block, value)
        else:
            self._work(block, ())
        self._sync_return(block)
        self._shallower()
        for slot in self.signature.results:
            code += self.locals.read(slot)
        code += e.RETURN

    def _work_checked(self, block: Block, value: Value) -> None:
        """The block's work, and away where the return address is not the one on entry.

        What need not be given back is read from the frame only there.
        """
        outs, _ = self._outs(block, 0)
        ends = [*(out for _, out in outs), value]
        there = self.signature.spoils & ~mask_of(self.signature.results)
        x = self.x
        code = self.code
        x.effects(block, ends)
        late = self._assign([out for out in outs if not there >> out[0] & 1])
        away = [out for out in outs if there >> out[0] & 1]
        x.emit(value)
        if not away:
            self._assign_late(late)
        code += e.local_tee(self._returning()) + e.local_get(self._entry_link()) + e.I64_NE
        if away:
            self.escape_used = True
            code += e.IF
            self._assign_late(late + self._assign(away))
            code += e.branch(self.context.depth(-1) + 1) + e.END
            self._assign_late(late)
        else:
            self._escape_if()
        x.done(block, ends)

    def _come_back(self, block: Block) -> None:
        """The return of a call made in place: on behind it, or away if that is elsewhere."""
        value = block.exit.value
        assert value is not None
        self._work(block, (value,), lambda: self.x.emit(value))
        self.code += e.local_tee(self._returning()) + e.i64_const(block.exit.target) + e.I64_NE
        self._escape_if()

    def _return_escaping(self, block: Block, value: Value) -> None:
        """To an address that only the program knows: through the driver."""

        def push() -> None:
            self.x.emit(value)
            self.code += e.local_set(self._returning())

        self._work(block, (value,), push)
        self._sync(self._dirty_after(block))
        self.code += e.local_get(self._returning())
        self._throw()

    def _entry_link(self) -> int:
        """The local with the return address as it was on entry."""
        if self.link_local < 0:
            parameter = self.locals.slots[LINK]
            changed = self.assigned_ever >> LINK & 1
            self.link_local = self.locals.new(I64) if changed else parameter
        return self.link_local

    def _sync_return(self, block: Block) -> None:
        """Globals as the caller expects them: results that are not Wasm results, and kept ones."""
        dirty = self._dirty_after(block)
        results = mask_of(self.signature.results)
        kept = given_back(self.signature) & self.touched[block.start] & ~self.signature.spoils
        self._sync(dirty & (self.signature.live_out & ~results | kept))

    def _leave(self, block: Block, target: int) -> None:
        """Control leaves for another function: a tail call, or the driver."""
        callee = self.c.all.get(target)
        code = self.code
        proved = self._leaves_by_tail_call(block)
        if block.exit.kind is ExitKind.CALL or callee is None or not proved:
            self._sync(self._dirty_after(block) | self._after_call_dirty(block))
            code += e.i64_const(target)
            self._throw()
            return
        reads = callee.reads & ~mask_of(callee.parameters)
        dirty = self._dirty_after(block)
        kept = given_back(self.signature) & self.touched[block.start]
        live_out = self.signature.live_out
        results = mask_of(self.signature.results)
        passed_by = live_out & ~callee.writes & ~results
        self._sync(dirty & (reads | kept | passed_by))
        self._arguments(callee.parameters)
        index = self.layout.functions[target]
        if callee.results == self.signature.results:
            self._shallower()
            code += b"\x12" + e.unsigned(index)
            return
        code += e.call(index)
        self._tail_results(callee.results, callee.writes)

    def _leaves_by_tail_call(self, block: Block) -> bool:
        """Whether whoever the block goes to returns to this function's own caller (proved)."""
        return block.start in self.signature.frame.tail_calls

    def _after_call_dirty(self, block: Block) -> int:
        """After a call that falls into another function: its results are in locals alone."""
        if block.exit.kind not in (ExitKind.CALL, ExitKind.CALL_INDIRECT, ExitKind.SYSCALL):
            return 0
        if block.exit.kind is ExitKind.SYSCALL:
            return X0
        return self._call_effect(block)[2] | self._spoiled(block)[0]

    def _tail_results(self, given: Sequence[int], writes: int) -> None:
        """Hand on what a callee in tail position gave, in this function's own shape."""
        code = self.code
        wanted = self.signature.results
        self._store_results(given, mask_of(wanted) | self.signature.live_out)
        given_mask = mask_of(given)
        for slot in wanted:
            if not given_mask >> slot & 1 and writes >> slot & 1:
                code += e.global_get(self.layout.globals[slot])
            else:
                code += self.locals.read(slot)
        # results of the callee that are results of this one only by global
        for slot in given:
            if not mask_of(wanted) >> slot & 1 and self.signature.live_out >> slot & 1:
                code += self.locals.read(slot)
                code += e.global_set(self.layout.globals[slot])
        self._shallower()
        code += e.RETURN

    def _jump_indirect(self, block: Block, edges: list[Edge]) -> None:
        value = block.exit.value
        assert value is not None
        code = self.code

        def push() -> None:
            self.x.emit(value)
            code.extend(e.local_set(self._returning()))

        targets = block.exit.targets
        if not self._by_index(block, value, edges):
            self._work(block, (value,), push)
        if targets:
            low = min(targets)
            code += e.local_get(self._returning()) + e.I32_WRAP + e.i32_const(low) + e.I32_SUB
            code += e.i32_const(2) + e.I32_ROTR
            self._address_switch(low, dict(zip(targets, edges, strict=True)))
        if targets or not self._leaves_by_tail_call(block):
            self._sync(self._dirty_after(block))
            code += e.local_get(self._returning())
            self._throw()
            return
        dirty = self._dirty_after(block)
        kept = given_back(self.signature) & self.touched[block.start]
        reads = self.c.unknown_reads & ~UNIFORM_PARAMETER_MASK
        passed_by = self.signature.live_out & ~self.c.unknown_writes
        self._sync(dirty & (reads | kept | passed_by))
        self._arguments(UNIFORM_PARAMETERS)
        self._code_index()
        tail = e.unsigned(self.layout.uniform) + e.unsigned(self.layout.table)
        if self.signature.results == UNIFORM_RESULTS:
            self._shallower()
            code += b"\x13" + tail
        else:
            code += b"\x11" + tail
            self._tail_results(UNIFORM_RESULTS, self.c.unknown_writes)

    def _by_index(self, block: Block, value: Value, edges: list[Edge]) -> bool:
        """Do the block's work and jump by the index of its table, if there is one that says it.

        What is no index of the table falls through, with the address in the return local.
        """
        table = self.c.functions.tables.get(block.start)
        if table is None or any(selected >= 0 for _, selected in edges):
            return False
        read = registers_in(parts_of(value, whole=True))
        early = any(slot in read for slot, _ in self._outs(block, 0)[0])
        code = self.code
        place = 0

        def address() -> None:
            self.x.emit(value)
            code.extend(e.local_set(self._returning()))

        def push() -> None:
            nonlocal place
            self.x.wrapped(table.index)
            if table.shift:
                code.extend(e.i32_const(table.shift) + e.I32_ROTR)
            for slot, constant in table.needs:
                if not self._always(slot, constant, block.start):
                    # all ones where the register is something else
                    code.extend(e.i32_const(0) + self.locals.read(slot) + e.i64_const(constant))
                    code.extend(e.I64_NE + e.I32_SUB + b"\x72")  # i32.or
            place = self.locals.temporary(I32)
            code.extend(e.local_set(place))
            if early:
                address()

        self._work(block, (table.index, value) if early else (table.index,), push)
        self._index_switch(place, table.targets, dict(zip(block.exit.targets, edges, strict=True)))
        if not early:
            self.x.count(value, 0)
            address()
            self.x.done(block, (value,))
        return True

    def _always(self, slot: int, constant: int, start: int) -> bool:
        """Whether a register holds a constant whenever control comes to a block."""
        if self.before is None:
            self.before = {}
            for one in self.c.functions.bodies[self.signature.entry].reached:
                for target in self.blocks[one].exit.successors():
                    self.before.setdefault(target, []).append(one)
        return always(slot, constant, start, self.signature.entry, self.blocks, self.before)

    def _shallower(self) -> None:
        """This function is about to leave the Wasm stack by itself."""
        if self.depth_local >= 0:
            self.code += e.local_get(self.depth_local) + e.global_set(self.layout.depth)
