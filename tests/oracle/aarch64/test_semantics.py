"""Does every A64 instruction do to random states what Unicorn says it does?"""

import random
from collections.abc import Callable
from typing import Protocol

import pytest

from wherever.isa.aarch64 import table
from wherever.isa.instruction import Instruction

ALL = [one for group in table.GROUPS for one in group.instructions if one.meaning is not None]
# What one step of Unicorn cannot show; each is tested by name in tests/isa.
ELSEWHERE = {
    "svc": "an exit to the host",
    "brk": "an exit to the host",
    "hlt": "an exit to the host",
    "udf": "an exit to the host",
    "mrs": "a register that is refused",
    "mrs cntvct_el0": "the host's clock",
    "mrs id": "the features are ours",
    "mrs cntfrq_el0": "the frequency is ours",
    "mrs ctr_el0": "the cache geometry is ours",
    "mrs dczid_el0": "the block size is ours; Unicorn's is larger",
    "dc zva": "Unicorn's block is larger",
    "stxr": "pairs with ldxr: see test_exclusive",
    "stxp": "pairs with ldxp: see test_exclusive",
}
# Where Unicorn is wrong: it takes the minimum and maximum of less than 64 bits unsigned, where the
# manual (C6.2 LDSMAX, LDSMIN) compares SInt(); tests/isa/test_atomics.py has these.
UNSIGNED_IN_UNICORN = {"ldsmax", "ldsmin"}
_ACCESSES = {"rn", "rt", "rt2", "rs"}


def _name(one: Instruction) -> str:
    return f"{one.name}:{one.encoding.diagram}"


def _word(one: Instruction, source: random.Random) -> int:
    """A random encoding, without the register clashes that the manual leaves unpredictable."""
    for _ in range(10_000):
        word = source.getrandbits(32) & ~one.encoding.mask | one.encoding.match
        fields = one.fields(word)
        if not one.accepts(word):
            continue
        if one.name in UNSIGNED_IN_UNICORN and fields["size"] < 3:
            continue
        if "Loads" in one.group:
            numbers = [fields[name] for name in _ACCESSES if name in fields]
            if len(set(numbers)) < len(numbers):
                continue
            if fields.get("rm", -1) in numbers:
                continue
        return word
    raise AssertionError(f"no word is an encoding of {one.encoding.diagram}")


class _Oracle(Protocol):
    def state(self, source: random.Random, one: Instruction, word: int) -> object: ...
    def check(self, one: Instruction, word: int, state: object) -> str | None: ...


@pytest.mark.parametrize("one", [one for one in ALL if one.name not in ELSEWHERE], ids=_name)
def test_instruction(one: Instruction, oracle: _Oracle, states_each: Callable[[int], int]) -> None:
    source = random.Random(one.encoding.diagram)
    for _ in range(states_each(5)):
        word = _word(one, source)
        problem = oracle.check(one, word, oracle.state(source, one, word))
        assert problem is None, problem
