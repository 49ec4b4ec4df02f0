"""Do instructions keep their meaning in company: lazy flags and their users, whole blocks?"""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from wherever.isa.aarch64 import table
from wherever.isa.instruction import Instruction

BY_NAME: dict[str, list[Instruction]] = {}
for _group in table.GROUPS:
    for _one in _group.instructions:
        if _one.meaning is not None:
            BY_NAME.setdefault(_one.name, []).append(_one)

SETTERS = ("adds", "subs", "ands", "bics", "adcs", "sbcs", "fcmp", "msr nzcv")
CHAINED = ("ccmp", "ccmn", "fccmp", "add", "adcs", "sbcs", "subs")
USERS = ("csel", "csinc", "csinv", "csneg", "fcsel", "adc", "sbc", "adcs", "ccmp", "mrs nzcv")


class Oracle(Protocol):
    def state(self, source: random.Random, one: Instruction, word: int) -> object: ...
    def check_sequence(
        self, code: Sequence[tuple[Instruction, int]], state: object
    ) -> str | None: ...


def _pick(source: random.Random, names: Sequence[str]) -> tuple[Instruction, int]:
    forms = [
        one for one in BY_NAME[source.choice(names)] if not one.group.startswith("Advanced SIMD")
    ]
    one = source.choice(forms)
    while True:
        word = source.getrandbits(32) & ~one.encoding.mask | one.encoding.match
        for field in one.encoding.fields:  # few registers, so that they meet
            if field.name in ("rn", "rm", "rd"):
                word &= ~field.put(0b11100)
        if one.accepts(word):
            return one, word


@pytest.mark.parametrize("setter", SETTERS)
@pytest.mark.parametrize("user", [*USERS, "b.cond"])
def test_flags(setter: str, user: str, oracle: Oracle, states_each: Callable[[int], int]) -> None:
    source = random.Random(f"{setter} {user}")
    for _ in range(2 * states_each(6)):
        code = [_pick(source, [setter])]
        code += [_pick(source, CHAINED) for _ in range(source.randrange(3))]
        code += [_pick(source, USERS) for _ in range(source.randrange(2))]
        code.append(_pick(source, [user]))
        state = oracle.state(source, *code[0])
        problem = oracle.check_sequence(code, state)
        assert problem is None, problem


REGISTERS_ONLY = [
    one
    for group in table.GROUPS
    if group.title.startswith(("Data Processing", "Advanced SIMD", "Crypto"))
    for one in group.instructions
    if one.meaning is not None
]


@pytest.mark.parametrize("seed", range(8))
def test_blocks(seed: int, oracle: Oracle, states_each: Callable[[int], int]) -> None:
    """A dozen instructions on six registers: what is folded while building is tested, too."""
    source = random.Random(seed)
    for _ in range(5 * states_each(1)):
        code: list[tuple[Instruction, int]] = []
        while len(code) < 12:
            one = source.choice(REGISTERS_ONLY)
            word = source.getrandbits(32) & ~one.encoding.mask | one.encoding.match
            for field in one.encoding.fields:
                if field.name in ("rn", "rm", "rd", "ra"):
                    word = word & ~field.put(31) | field.put(source.choice((0, 1, 2, 3, 4, 31)))
            if one.accepts(word):
                code.append((one, word))
        problem = oracle.check_sequence(code, oracle.state(source, *code[0]))
        assert problem is None, problem
