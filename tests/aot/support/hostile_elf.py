"""ELF programs made to hurt a translator: many of something, or deep, or laid over each other."""

from __future__ import annotations

import struct
from collections.abc import Callable

from small_elf import BASE, TEXT, small_elf, words

__all__ = [
    "CODE",
    "LARGE_AND_STRANGE",
    "branches_in_a_long_row",
    "nothing_but",
    "values_in_a_long_chain",
    "with_header",
]

CODE = words(0xD2800000, 0xD2800BC8, 0xD4000001)  # exit(0)


def with_header(data: bytes, **fields: int) -> bytes:
    """The file with numbers of its ELF header changed."""
    places = {"phoff": (32, 8), "shoff": (40, 8), "phnum": (56, 2), "shnum": (60, 2)}
    out = bytearray(data)
    for name, value in fields.items():
        at, size = places[name]
        out[at : at + size] = value.to_bytes(size, "little")
    return bytes(out)


def with_sections(data: bytes, rows: list[bytes]) -> bytes:
    """The file with other section headers, at its end."""
    return with_header(data + b"".join(rows), shoff=len(data), shnum=len(rows))


def section(kind: int, flags: int, address: int, at: int, size: int, link: int, each: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", 0, kind, flags, address, at, size, link, 1, 8, each)


def nothing_but(code: bytes) -> bytes:
    """A program of any length without sections: one segment, entered at its first instruction."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    at, sizes = BASE + 120, (64, 56, 1, 64, 0, 0)
    header = struct.pack("<16sHHIQQQIHHHHHH", ident, 2, 183, 1, at, 64, 0, 0, *sizes)
    size = 120 + len(code)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 4096) + code


def many_headers() -> bytes:
    data = small_elf(CODE)
    rows = struct.pack("<IIQQQQQQ", 4, 4, 0, 0, 0, 8, 8, 4) * 65_000
    return with_header(data + data[64 : 64 + 112] + rows, phoff=len(data), phnum=65_002)


def many_overlapping_sections() -> bytes:
    data = small_elf(CODE)
    rows = [section(1, 6, TEXT - 4 * (i % 9), 0x1000, len(CODE), 0, 0) for i in range(60_000)]
    return with_sections(data, rows)


def many_symbols() -> bytes:
    data = small_elf(CODE)
    symbols = b"".join(
        struct.pack("<IBBHQQ", 1, 0x12, 0, 1, TEXT + 4 * (i % 3), 4) for i in range(100_000)
    )
    names = b"\0" + b"n" * 50_000 + b"\0"
    at = len(data)
    rows = [
        section(0, 0, 0, 0, 0, 0, 0),
        section(1, 6, TEXT, 0x1000, len(CODE), 0, 0),
        section(2, 0, 0, at, len(symbols), 3, 24),
        section(3, 0, 0, at + len(symbols), len(names), 0, 0),
    ]
    return with_sections(data + symbols + names, rows)


def tables_that_are_the_same_bytes() -> bytes:
    """A symbol table a section, a thousand times over the same symbols."""
    data = small_elf(CODE)
    symbols = b"".join(struct.pack("<IBBHQQ", 0, 0x12, 0, 1, TEXT, 4) for _ in range(2000))
    rows = [section(2, 0, 0, len(data), len(symbols), 0, 24) for _ in range(1000)]
    return with_sections(data + symbols, rows)


def much_memory() -> bytes:
    return small_elf(CODE, bss=0x7000_0000)


def text_in_the_bss() -> bytes:
    data = bytearray(small_elf(CODE))
    data[64 + 40 : 64 + 48] = struct.pack("<Q", 0x1_F000)  # memory of the text's segment
    return bytes(data)


def a_branch_to_everywhere() -> bytes:
    """Every word a branch to another word: as many blocks as words, no way to structure them."""
    count = 3000
    code = [0xD2800000]
    for i in range(1, count):
        target = (i * 7919) % count
        code.append(0x54000000 | (target - i & 0x7FFFF) << 5)
    return small_elf(words(*code))


def calls_in_a_long_chain() -> bytes:
    """A chain of functions each of which calls the next: what recursion would fall over."""
    code: list[int] = []
    for _ in range(1500):
        code += [0x94000002, 0xD65F03C0]  # bl the one after the return
    return small_elf(words(*code, 0xD65F03C0))


def calls_in_a_long_chain_back() -> bytes:
    """The same from the end to the start: what one pass in order of addresses does not settle."""
    code = [0xD280_0001, 0xD65F03C0]
    for i in range(1, 1500):
        code += [0xD280_0000 | (i % 28), 0x97FF_FFFD, 0xD65F03C0] if i > 1 else [0x97FF_FFFE] * 3
    return small_elf(words(*code))


def branches_in_a_long_row(count: int = 4000) -> bytes:
    """Thousands of blocks each of which dominates all that follow."""
    return nothing_but(words(*[0xB4000040, 0x8B010000] * count, *_words(CODE)))


def loops_in_loops() -> bytes:
    """Hundreds of loops, each around the next."""
    count = 400
    back = [0xB5000000 | (-(2 * i + 1) & 0x7FFFF) << 5 for i in range(count)]
    return small_elf(words(*[0xD503201F] * count, *(w for b in back for w in (b,)), *_words(CODE)))


def values_in_a_long_chain(count: int = 15_000) -> bytes:
    """One block in which each value is computed from the one before."""
    return nothing_but(words(*[0x9341F800, 0xCA020000] * count, *_words(CODE)))


def functions_that_keep_more_where_the_other_keeps_less() -> bytes:
    """Two that call each other, neither of which can settle before the other has.

    The first gives sp back only if the second gives x19 back. The second's return is seen to be one
    only if the first gives sp back; seen, it has lost x19, not seen it has lost nothing.
    """
    save, restore, ret = 0xA9BF7BFD, 0xA8C17BFD, 0xD65F03C0  # x29, x30 and sp
    first = [save, 0x910003FD, 0x910003F3, 0x94000005]  # x29 = x19 = sp; bl second
    first += [0xF94007BE, 0x9100027F, 0x910043FF, ret]  # x30 = [x29, 8]; sp = x19 + 16
    second = [0xB40000C0, save, 0x97FFFFF6, 0xD2800013, restore, ret, ret]  # bl first; x19 = 0
    return nothing_but(words(0x94000004, *_words(CODE), *first, *second))


def jumps_in_a_long_chain(count: int = 3000) -> bytes:
    """Functions each of which ends by jumping to the next one, and all of which are called."""
    after = _words(CODE)
    calls = [0x94000000 | count + len(after) + i for i in range(count)]
    bodies = [word for i in range(count) for word in (0xD2800000 | i % 28, 0x14000001)]
    return nothing_but(words(*calls, *after, *bodies, 0xD65F03C0))


def _words(code: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(code) // 4}I", code)


LARGE_AND_STRANGE: tuple[Callable[[], bytes], ...] = (
    many_headers,
    many_overlapping_sections,
    many_symbols,
    tables_that_are_the_same_bytes,
    much_memory,
    text_in_the_bss,
    a_branch_to_everywhere,
    calls_in_a_long_chain,
    calls_in_a_long_chain_back,
    branches_in_a_long_row,
    loops_in_loops,
    values_in_a_long_chain,
    functions_that_keep_more_where_the_other_keeps_less,
    jumps_in_a_long_chain,
)
