"""Owns decoding: a decision tree over mask and match, built once from a list of instructions."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from wherever.isa.instruction import Instruction

__all__ = ["Decoder"]

_Candidate = tuple[int, int, Instruction, bool]  # mask, match, instruction, has more conditions
_CACHED = 1 << 18  # words remembered; in a program's text every second word repeats an earlier one
_SMALL = 2  # a leaf of so many candidates is searched
_WINDOW = 6  # bits that an inner node looks at


class _Node:
    """A choice by a run of bits: an inner node has children, a leaf has candidates."""

    __slots__ = ("candidates", "children", "mask", "shift")

    def __init__(self, candidates: list[_Candidate], shift: int, width: int) -> None:
        self.shift = shift
        self.mask = (1 << width) - 1
        self.candidates = candidates
        self.children: list[_Node] = []

    def grow(self, unused: int) -> None:
        """Split the candidates by the bits of this node, then each part by its best bits."""
        unused &= ~(self.mask << self.shift)
        for value in range(self.mask + 1):
            part = [
                one
                for one in self.candidates
                if not (one[1] ^ (value << self.shift)) & one[0] & (self.mask << self.shift)
            ]
            child = _Node(part, 0, _WINDOW)
            if len(part) > _SMALL:
                shift, cost = _best_window(part, unused)
                if cost < len(part):
                    child.shift = shift
                    child.grow(unused)
            self.children.append(child)


def _best_window(candidates: list[_Candidate], unused: int) -> tuple[int, float]:
    """The run of bits that leaves the fewest candidates on average, and that average."""
    best, best_cost = 0, float("inf")
    for shift in range(22):
        window = ((1 << _WINDOW) - 1) << shift & unused
        cost = sum(2.0 ** -(mask & window).bit_count() for mask, _, _, _ in candidates)
        if cost < best_cost:
            best, best_cost = shift, cost
    return best, best_cost


class Decoder:
    """Finds the instruction of a 32-bit word."""

    def __init__(self, instructions: Iterable[Instruction]) -> None:
        self.instructions = tuple(instructions)
        self._root = _Node(
            [
                (
                    one.encoding.mask,
                    one.encoding.match,
                    one,
                    one.guard is not None or bool(one.encoding.exclusions),
                )
                for one in self.instructions
            ],
            21,
            11,
        )
        self._root.grow(0xFFFF_FFFF)
        self._seen: dict[int, Instruction | None] = {}

    def decode(self, word: int) -> Instruction | None:
        """The instruction that `word` encodes, or None where the manual leaves it unallocated."""
        try:
            return self._seen[word]
        except KeyError:
            pass
        if len(self._seen) >= _CACHED:
            self._seen.clear()
        found = self._seen[word] = self._search(word)
        return found

    def _search(self, word: int) -> Instruction | None:
        here = self._root
        while here.children:
            here = here.children[(word >> here.shift) & here.mask]
        for mask, match, instruction, conditional in here.candidates:
            if word & mask == match and (not conditional or instruction.accepts(word)):
                return instruction
        return None

    def overlaps(self, samples: int = 64) -> Iterator[tuple[Instruction, Instruction, int]]:
        """Pairs of instructions that both accept a word, each with such a word."""
        source = random.Random(0)
        for index, one in enumerate(self.instructions):
            for other in self.instructions[index + 1 :]:
                a, b = one.encoding, other.encoding
                if (a.match ^ b.match) & a.mask & b.mask:
                    continue
                for _ in range(samples):
                    word = source.getrandbits(32) & ~(a.mask | b.mask) | a.match | b.match
                    if one.accepts(word) and other.accepts(word):
                        yield one, other, word
                        break
