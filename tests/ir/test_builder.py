"""Does the builder make the values it should, and nothing twice?"""

from __future__ import annotations

import pytest

from wherever.ir import opcodes as op
from wherever.ir.builder import Builder
from wherever.ir.ops import I32, I64, V128
from wherever.ir.values import ExitKind, Registers

R = Registers()
X0 = R.declare("x0", I64)
X1 = R.declare("x1", I64)
V0 = R.declare("v0", V128)
N = R.declare("n", I32)


def test_a_register_read_twice_is_one_value_and_unchanged_registers_are_not_outs() -> None:
    b = Builder(R)
    b.begin(0x1000)
    b.next = 0x1004
    assert b.get(X0) is b.get(X0)
    b.set(X1, b.get(X0))
    block = b.finish()
    assert list(block.outs) == [X1]
    assert block.exit.kind is ExitKind.JUMP
    assert block.exit.target == 0x1004


def test_address_arithmetic_becomes_an_offset_only_where_a_wrap_still_faults() -> None:
    b = Builder(R)
    base = b.get(X0)
    small = b.load(op.I64_LOAD, b.i64_add(base, b.const_i64(16)), 8)
    assert (small.args[0], small.imm) == (base, 24)
    far = b.load(op.I64_LOAD, base, 0x20000)
    assert far.imm == 0
    assert far.args[0].op == op.I64_ADD
    negative = b.load(op.I64_LOAD, base, -8)
    assert negative.imm == 0


def test_scalar_in_a_vector_register_comes_back_as_the_scalar() -> None:
    b = Builder(R)
    x = b.f64_reinterpret_i64(b.get(X0))
    b.set(V0, b.v128_from_f64(x))
    assert b.f64x2_extract_lane(b.get(V0), 0) is x
    assert b.i64x2_extract_lane(b.get(V0), 0).op == op.I64_REINTERPRET_F64


def test_deferred_registers_are_computed_only_when_read() -> None:
    b = Builder(R)

    class Sign:
        slots = frozenset({N})

        def __init__(self) -> None:
            self.operands = (b.get(X0),)

        def value(self, slot: int) -> object:
            assert slot == N
            return b.i64_lt_s(self.operands[0], b.const_i64(0))

    b.defer(Sign())  # type: ignore[arg-type]
    assert N not in b.values
    assert b.get(N).op == op.I64_LT_S
    b.defer(Sign())  # type: ignore[arg-type]
    block = b.finish()
    assert N not in block.outs
    assert block.deferred is not None


def test_a_block_has_one_exit() -> None:
    b = Builder(R)
    b.jump(1)
    with pytest.raises(ValueError, match="already has an exit"):
        b.jump(2)


def test_constant_conditions_choose_at_once() -> None:
    b = Builder(R)
    b.branch(b.i64_lt_u(b.const_i64(1), b.const_i64(2)), 8, 4)
    assert b.finish().exit.kind is ExitKind.JUMP
