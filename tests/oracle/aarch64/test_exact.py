"""Does `Lifter(exact=True)` round as FPCR says and set the flags of FPSR, as Unicorn does?"""

import random
from collections.abc import Callable
from typing import Protocol

import pytest

from wherever.ir.builder import Builder
from wherever.isa.aarch64 import registers, table
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.instruction import Instruction

SCALAR = {
    "fadd", "fsub", "fmul", "fnmul", "fdiv", "fsqrt", "fmadd", "fmsub", "fnmadd", "fnmsub",
    "scvtf",
}  # fmt: skip
VECTOR = {"fadd", "fsub", "fmul", "fdiv", "fsqrt", "fmla", "fmls", "faddp"}
# FPCR matters to their flags only
FLAGS = {"fcmp", "fcvtn", "fcvtp", "fcvtm", "fcvtz", "fcvta"}
ALL = [
    one
    for group in table.GROUPS
    for one in group.instructions
    if one.meaning is not None
    and (
        (group.title.startswith("Data Processing -- Scalar") and one.name in SCALAR | FLAGS)
        or (group.title.startswith("Advanced SIMD") and one.name in VECTOR)
        or (one.name == "fcvt" and "11 1" not in one.encoding.diagram[11:])  # no halves
    )
]


class State(Protocol):
    fpcr: int


class Oracle(Protocol):
    lifter: Lifter
    fpsr: bool

    def state(self, source: random.Random, one: Instruction, word: int) -> State: ...
    def check(self, one: Instruction, word: int, state: State) -> str | None: ...


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.name}:{one.encoding.diagram}")
def test_instruction(
    one: Instruction,
    oracle: Oracle,
    states_each: Callable[[int], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oracle, "lifter", Lifter(Builder(registers.REGISTERS), exact=True))
    monkeypatch.setattr(oracle, "fpsr", True)
    source = random.Random(one.encoding.diagram)
    tested = 0
    while tested < states_each(4):
        word = source.getrandbits(32) & ~one.encoding.mask | one.encoding.match
        if not one.accepts(word):
            continue
        state = oracle.state(source, one, word)
        state.fpcr = source.getrandbits(2) << 22
        if one.name not in FLAGS:
            state.fpcr |= source.choice((0, 0, 1 << 24)) | source.choice((0, 0, 1 << 25))
        problem = oracle.check(one, word, state)
        assert problem is None, f"fpcr={state.fpcr:08x} {problem}"
        tested += 1
