"""Owns where exact NaNs are looked for: at the end of a chain of arithmetic, not after every step.

The result of an addition, multiplication and so on is a NaN wherever an operand is one. So the
exact NaN of a step that only feeds such operations need not be made when it arises: if the last of
them gives no NaN, there was none before it. Where it does give one, the steps are looked at again
in order, each made exact in its place. A compare, or a conversion to an integer, does not see which
NaN it is given, and needs no exact one at all.

Rule `nan-late`; fuzzed against the reference interpreter in tests/aot/test_nans.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.ir import opcodes as op
from wherever.ir.ops import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.ir.values import Value

_ARITHMETIC: Final = ("add", "sub", "mul", "div", "sqrt", "min", "max")
_ROUNDING: Final = ("nearest", "ceil", "floor", "trunc")
_COMPARING: Final = ("eq", "ne", "lt", "gt", "le", "ge")
_SHAPES: Final = ("f32", "f64", "f32x4", "f64x2")
# a NaN among the operands makes the result one
STICKY: Final = frozenset(
    {BY_NAME[f"{shape}.{name}"].number for shape in _SHAPES for name in _ARITHMETIC + _ROUNDING}
    | {op.F32_FMA, op.F64_FMA, op.F32X4_RELAXED_MADD, op.F64X2_RELAXED_MADD}
)
COMPARES: Final = frozenset(
    BY_NAME[f"{shape}.{name}"].number for shape in ("f32", "f64") for name in _COMPARING
)
# all NaNs are the same to these
BLIND: Final = frozenset(
    {BY_NAME[f"{shape}.{name}"].number for shape in _SHAPES for name in _COMPARING}
    | {
        BY_NAME[f"{to}.trunc_sat_{of}_{sign}"].number
        for to in ("i32", "i64")
        for of in ("f32", "f64")
        for sign in "su"
    }
)
_UNEQUAL: Final = frozenset(BY_NAME[f"{shape}.ne"].number for shape in _SHAPES)
# what gives a NaN where its operand is one, and nowhere else
_SIGNS: Final = frozenset(
    BY_NAME[f"{shape}.{name}"].number for shape in _SHAPES for name in ("neg", "abs")
)
# by the operation that compares, the one that adds
SUM: Final = {BY_NAME[f"{shape}.ne"].number: BY_NAME[f"{shape}.add"].number for shape in _SHAPES}
MAX_CHAIN: Final = 8


def tests_itself(value: Value) -> bool:
    """Whether this `rarely` asks if its usual value is a NaN, and computes on from its operands."""
    condition, usual = value.args[0], value.args[1]
    if condition.op == op.V128_ANY_TRUE:
        condition = condition.args[0]
    if condition.op not in _UNEQUAL or usual.op not in STICKY:
        return False
    if condition.args[0] is not usual or condition.args[1] is not usual:
        return False
    return all(arg is usual or any(arg is one for one in usual.args) for arg in value.args[2:])


def implied(roots: Sequence[Value]) -> set[int]:
    """Of what asks together, by identity: results whose NaN makes another one a NaN, too."""
    known = {id(root) for root in roots}
    found: set[int] = set()
    for root in roots:
        if tests_itself(root):
            work = list(root.args[1].args)
            while work:
                value = work.pop()
                if id(value) in known:
                    found.add(id(value))
                elif value.op in _SIGNS:
                    work += value.args
    return found


def unequal(value: Value) -> int:
    """The operation by which a value is compared with itself."""
    condition = value.args[0]
    return condition.args[0].op if condition.op == op.V128_ANY_TRUE else condition.op
