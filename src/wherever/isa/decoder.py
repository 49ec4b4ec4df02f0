"""Owns decoding: a decision tree over mask and match, which grows as words come to it."""

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
    """A choice by a run of bits: an inner node has children, a leaf has candidates.

    Which of both it is, is decided when a word first comes to it: a program has few of them all.
    """

    __slots__ = ("candidates", "children", "decided", "mask", "shift", "unused")

    def __init__(self, candidates: list[_Candidate], unused: int) -> None:
        self.candidates = candidates
        self.unused = unused  # bits that no node above looks at
        self.decided = False
        self.shift = self.mask = 0
        self.children: list[_Node] = []

    def decide(self) -> None:
        """Split the candidates by the bits that tell most of them apart, if any do."""
        self.decided = True
        if len(self.candidates) > _SMALL:
            shift, cost = _best_window(self.candidates, self.unused)
            if cost < len(self.candidates):
                self.split(shift, _WINDOW)

    def split(self, shift: int, width: int) -> None:
        """Give each value of a run of bits the candidates that accept it, in their order."""
        self.decided = True
        self.shift = shift
        self.mask = every = (1 << width) - 1
        parts: list[list[_Candidate]] = [[] for _ in range(every + 1)]
        for one in self.candidates:
            fixed, free = one[1] >> shift & every, ~one[0] >> shift & every
            extra = free
            while True:
                parts[fixed | extra].append(one)
                if not extra:
                    break
                extra = (extra - 1) & free  # the next smaller set of free bits
        unused = self.unused & ~(every << shift)
        self.children = [_Node(part, unused) for part in parts]


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
            0xFFFF_FFFF,
        )
        self._root.split(21, 11)
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
        while True:
            if not here.decided:
                here.decide()
            if not here.children:
                break
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
