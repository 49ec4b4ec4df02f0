"""How many A64 instructions a second are decoded, and decoded and lifted to IR, in CPython?

usage: python bench/isa_rates.py [ELF]    (default: the busybox that `make oracle` fetches)
"""

from __future__ import annotations

import statistics
import struct
import sys
import time
from pathlib import Path

from wherever.ir.builder import Builder
from wherever.isa.aarch64 import table
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.registers import REGISTERS
from wherever.isa.decoder import Decoder

RUNS = 3


def words_of(path: Path) -> list[int]:
    """The words of the executable sections."""
    data = path.read_bytes()
    (sections,) = struct.unpack_from("<Q", data, 0x28)
    (count,) = struct.unpack_from("<H", data, 0x3C)
    words: list[int] = []
    for number in range(count):
        _, kind, flags, _, offset, size = struct.unpack_from(
            "<IIQQQQ", data, sections + 64 * number
        )
        if flags & 4 and kind == 1:
            words += [word for (word,) in struct.iter_unpack("<I", data[offset : offset + size])]
    return words


def decode_all(words: list[int]) -> float:
    decode = Decoder(table.DECODER.instructions).decode
    start = time.perf_counter()
    for word in words:
        decode(word)
    return len(words) / (time.perf_counter() - start)


def lift_all(words: list[int]) -> float:
    decode = Decoder(table.DECODER.instructions).decode
    m = Lifter(Builder(REGISTERS))
    b = m.b
    start = time.perf_counter()
    b.begin(0)
    for index, word in enumerate(words):
        b.pc = 4 * index
        b.next = b.pc + 4
        one = decode(word)
        if one is not None and one.meaning is not None:
            one.meaning(m, *[word >> shift & mask for shift, mask in one.arguments])
        if b.done:
            b.finish()
            b.begin(b.next)
    return len(words) / (time.perf_counter() - start)


def main() -> None:
    default = Path.home() / ".cache/wherever-tests/aarch64/busybox"
    words = words_of(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
    print(f"{len(words)} words, {len(set(words))} distinct; medians of {RUNS}")
    for name, measure in (("decode", decode_all), ("decode and lift", lift_all)):
        rate = statistics.median(measure(words) for _ in range(RUNS))
        print(f"{name:>16}: {rate:>10,.0f} instructions/s")


if __name__ == "__main__":
    main()
