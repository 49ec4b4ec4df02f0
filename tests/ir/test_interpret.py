"""Does every operation have a meaning, and is it the engine's?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherever.ir import fold, interpret, meaning
from wherever.ir import opcodes as op
from wherever.ir.builder import PURE, Builder, RuntimeBuilder
from wherever.ir.ops import BY_NAME, I32, I64, OPS, V128, Kind
from wherever.ir.values import Registers, Value

EDGES_32 = [0, 1, 2, 31, 32, 33, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]
EDGES_64 = [*EDGES_32, 63, 64, 1 << 63, (1 << 63) - 1, (1 << 64) - 1]
WORDS = {
    I32: st.sampled_from(EDGES_32) | st.integers(0, (1 << 32) - 1),
    I64: st.sampled_from(EDGES_64) | st.integers(0, (1 << 64) - 1),
    V128: st.integers(0, (1 << 128) - 1),
}
CONST = {I32: PURE.const_i32, I64: PURE.const_i64, V128: PURE.const_v128}


class Bytes:
    def __init__(self, size: int) -> None:
        self.data = bytearray(size)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.data[address : address + size])

    def write(self, address: int, data: bytes) -> None:
        self.data[address : address + len(data)] = data


def test_every_pure_operation_has_a_meaning() -> None:
    sample = {I32: 3, I64: 5, V128: 7, 0x7D: 0x3F80_0000, 0x7C: 0x3FF0_0000_0000_0000}
    for row in OPS:
        if row.kind is Kind.PURE:
            result = meaning.SCALAR.get(row.name)
            if result is None:
                from wherever.ir.vector import VECTOR

                result = VECTOR[row.name]
            number = result(*(sample[p] for p in row.params))
            assert 0 <= number < 1 << {I32: 32, I64: 64, V128: 128, 0x7D: 32, 0x7C: 64}[row.result]


FOLDED = sorted(
    name
    for name in (*fold.BINARY, *fold.UNARY)
    if all(p in CONST for p in BY_NAME[name.replace("_", ".", 1)].params)
)


@pytest.mark.parametrize("name", FOLDED)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_fold_changes_nothing(name: str, data: st.DataObject) -> None:
    row = BY_NAME[name.replace("_", ".", 1)]
    registers = Registers()
    state: list[int] = []
    operands: list[Value] = []
    for i, type_ in enumerate(row.params):
        number = data.draw(WORDS[type_])
        registers.declare(f"r{i}", type_)
        state.append(number)
        operands.append(
            CONST[type_](number) if data.draw(st.booleans()) else Value(op.GET, type_, (), i)
        )
    # an operand that is itself an addition of a constant, a mask or an extension
    if data.draw(st.booleans()) and row.params[0] in (I32, I64):
        width = "i32" if row.params[0] == I32 else "i64"
        inner = data.draw(st.sampled_from(["add", "and"]))
        method = getattr(PURE, f"{width}_{inner}")
        operands[0] = method(operands[0], CONST[row.params[0]](data.draw(WORDS[row.params[0]])))
    plain = Value(row.number, row.result, tuple(operands), 0)
    folded = getattr(PURE, name)(*operands)
    assert interpret.evaluate(folded, state) == interpret.evaluate(plain, state)


def test_a_block_runs_effects_in_order_and_reads_registers_as_on_entry() -> None:
    registers = Registers()
    x0, x1 = registers.declare("x0", I64), registers.declare("x1", I64)
    b = Builder(registers)
    b.begin(0)
    b.next = 4
    a, c = b.get(x0), b.get(x1)
    b.store(op.I64_STORE, b.const_i64(8), a)
    loaded = b.load(op.I64_LOAD32_S, b.const_i64(8), 4)
    b.set(x0, c)
    b.set(x1, b.i64_add(a, loaded))
    state = [0xFFFF_FFFF_0000_0001, 7]
    outcome = interpret.run_block(b.finish(), state, Bytes(32))
    assert state == [7, 0xFFFF_FFFF_0000_0000]
    assert outcome.address == 4


def test_runtime_functions_may_loop_and_return_several_results() -> None:
    r = RuntimeBuilder("divide", [I64, I64], [I64, I64], locals=[I64])
    r.label(0)
    r.set(2, r.const_i64(0))
    r.jump(1)
    r.label(1)
    r.branch(r.i64_lt_u(r.get(0), r.get(1)), 3, 2)
    r.label(2)
    r.set(0, r.i64_sub(r.get(0), r.get(1)))
    r.set(2, r.i64_add(r.get(2), r.const_i64(1)))
    r.jump(1)
    r.label(3)
    r.results(r.get(2), r.get(0))
    divide = r.function()
    assert interpret.run_runtime(divide, [17, 5], Bytes(0)) == (3, 2)
    registers = Registers()
    slot = registers.declare("x0", I64)
    b = Builder(registers)
    q, m = b.call_runtime(divide, b.get(slot), b.const_i64(10))
    b.set(slot, b.i64_sub(q, m))
    state = [123]
    interpret.run_block(b.finish(), state, Bytes(0), b.runtime.functions)
    assert state == [9]
