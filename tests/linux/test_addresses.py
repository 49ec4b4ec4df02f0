"""Which personality does a program need, by where it is linked?"""

from __future__ import annotations

import struct

import pytest

from wherever.aot.image import place
from wherever.errors import Unsupported
from wherever.linux.addresses import linked_low
from wherever.program.elf import read_elf


def program(address: int, size: int = 0x1000, kind: int = 2) -> bytes:
    """One segment of code at an address."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    sizes = (64, 56, 1, 64, 0, 0)
    entry = address + 120
    header = struct.pack("<16sHHIQQQIHHHHHH", ident, kind, 183, 1, entry, 64, 0, 0, *sizes)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, address, address, 124, size, 4096)
    return header + segment + b"\xc0\x03\x5f\xd6"


@pytest.mark.parametrize(
    ("data", "low"),
    [
        (program(0x10000), True),
        (program(0x1F0000), True),
        (program(0x200000), False),
        (program(0x10000, size=0), False),  # an empty segment
        (program(0, kind=3), False),  # placed where we like
        (program(0x10000)[:100], False),
        (b"\x7fELF", False),
        (b"", False),
    ],
)
def test_what_is_linked_low_is_known_by_its_headers(data: bytes, low: bool) -> None:
    assert linked_low(data) == low


@pytest.mark.parametrize(("address", "size"), [(0, 0x1000), (0x10000, 0x3FE0000)])
def test_what_fits_nowhere_is_told_where_to_link(address: int, size: int) -> None:
    with pytest.raises(Unsupported, match="link it at 0x400000 or as static-PIE"):
        place(read_elf(program(address, size)))


def test_the_lowest_address_is_the_programs() -> None:
    assert place(read_elf(program(0x10000))).low
    assert not place(read_elf(program(0x200000))).low
