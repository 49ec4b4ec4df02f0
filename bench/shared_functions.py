"""How much would two programs share, if translated functions were kept by content (ADR 0047)?

usage: python bench/shared_functions.py [ONE OTHER]
       (default: the busybox and bash that `make oracle` fetches, both linked to Debian's glibc)

Counts the functions of the first program whose instructions the second one has as well, addresses
apart; then those of them whose translation is the same as well, where constants, offsets and the
numbers of callees and types are left out: what a cache with relocations could give at the best.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wherever.aot.cache import translated
from wherever.aot.image import place
from wherever.aot.recover import recover
from wherever.program.elf import read_elf
from wherever.wasm.instructions import MemArg
from wherever.wasm.module import Body
from wherever.wasm.names import function_names
from wherever.wasm.reader import read_module
from wherever.wasm.types import TypeUse

FETCHED = Path.home() / ".cache/wherever-tests/aarch64"
# Instructions that hold an address or part of one: under (mask, match), only (kept) is compared.
ADDRESSES = (
    (0x7C00_0000, 0x1400_0000, 0xFC00_0000),  # b, bl
    (0x1F00_0000, 0x1000_0000, 0x9F00_001F),  # adr, adrp
    (0x3B00_0000, 0x1800_0000, 0xFF00_001F),  # ldr of a literal
    (0x1F80_0000, 0x1100_0000, 0xFFC0_03FF),  # add, sub of an immediate: the low bits
    (0x3B00_0000, 0x3900_0000, 0xFFC0_03FF),  # loads and stores with one
)
PADDING = (0, 0xD503_201F)
STRUCTURED = ("block", "loop", "if")  # an immediate of theirs may be the number of a type


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a guest: its words without addresses, and its name in the translation."""

    words: tuple[int, ...]
    name: str


def without_address(word: int) -> int:
    for mask, match, kept in ADDRESSES:
        if word & mask == match:
            return word & kept
    return word


def functions_of(program: bytes) -> list[Function]:
    """Every function of the largest text of a program, as the translator finds them."""
    recovered = recover(place(read_elf(program)))
    low, words = max(recovered.words, key=lambda text: len(text[1]))
    high = low + 4 * len(words)
    starts = [*sorted(e for e in recovered.entries if low <= e < high), high]
    found: list[Function] = []
    for start, end in itertools.pairwise(starts):
        own = [without_address(word) for word in words[start - low >> 2 : end - low >> 2]]
        while own and own[-1] in PADDING:
            own.pop()
        found.append(Function(tuple(own), recovered.names.get(start, f"sub_{start:x}")))
    return found


def shape_of(body: Body) -> int:
    """A number for a body without what may be an address or the number of a function or type."""

    def parts() -> Iterator[object]:
        yield tuple(body.locals)
        for _, one in body.instructions():
            name = one.opcode.name
            if name.startswith(("call", "return_call")):
                yield name
                continue
            yield name
            if isinstance(one.immediates[0] if one.immediates else None, MemArg):
                yield one.immediates[1:]
            elif name not in STRUCTURED and not name.endswith(".const"):
                yield one.immediates

    return hash(tuple(parts()))


def translations(program: bytes) -> dict[str, int]:
    """The shape of each function that the translation names; a resume body is one of its own."""
    module = read_module(translated(program))
    first = module.imported(TypeUse)
    names = function_names(module)
    return {names.get(first + at, ""): shape_of(body) for at, body in enumerate(module.code)}


def main() -> None:
    paths = [Path(name) for name in sys.argv[1:3]] or [FETCHED / "busybox", FETCHED / "bash"]
    for path in paths:
        if not path.exists():
            raise SystemExit(f"{path} is not there: run `make oracle` once, or name two programs")
    one, other = (path.read_bytes() for path in paths)
    mine, theirs = functions_of(one), functions_of(other)
    same_words: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for function in theirs:
        same_words[function.words].append(function.name)
    ours, yours = translations(one), translations(other)

    def told(what: str, some: list[Function]) -> None:
        count = sum(len(function.words) for function in some)
        print(f"{what:<46} {len(some):>6} functions {count:>8} instructions", end=" ")
        print(f"{100 * count / total:5.1f} %")

    total = sum(len(function.words) for function in mine)
    told(f"{paths[0].name}", mine)
    shared = [function for function in mine if function.words in same_words]
    told(f"{paths[1].name} has the same words, addresses apart", shared)
    told(
        "and the translation is the same",
        [
            function
            for function in shared
            if any(
                ours.get(function.name) == yours.get(name)
                and ours.get(f"resume {function.name}") == yours.get(f"resume {name}")
                for name in same_words[function.words]
            )
        ],
    )


if __name__ == "__main__":
    main()
