"""Do exclusive pairs store once, and do minimum and maximum compare as the manual says?"""

from typing import Protocol

import pytest

from wherever.ir.interpret import Outcome


class Machine(Protocol):
    memory: bytearray

    def __getitem__(self, name: str) -> int: ...
    def __setitem__(self, name: str, value: int) -> None: ...
    def run(self, *words: int) -> Outcome: ...


LDXR, STXR = 0xC85F7C20, 0xC8027C23  # ldxr x0, [x1] / stxr w2, x3, [x1]
LDXP, STXP = 0xC87F1420, 0xC8221823  # ldxp x0, x5, [x1] / stxp w2, x3, x6, [x1]
CLREX = 0xD5033F5F


def test_a_store_exclusive_after_its_load_stores(machine: Machine) -> None:
    machine["x1"], machine["x3"] = 0x40, 77
    machine.run(LDXR, STXR)
    assert machine["x2"] == 0
    assert machine.memory[0x40] == 77


def test_only_the_first_of_two_store_exclusives_stores(machine: Machine) -> None:
    machine["x1"], machine["x3"] = 0x40, 77
    machine.run(LDXR, STXR)
    machine["x3"] = 78
    machine.run(STXR)
    assert machine["x2"] == 1
    assert machine.memory[0x40] == 77


def test_clrex_another_address_and_a_changed_value_make_it_fail(machine: Machine) -> None:
    machine["x1"], machine["x3"] = 0x40, 77
    machine.run(LDXR, CLREX, STXR)
    assert machine["x2"] == 1
    machine.run(LDXR)
    machine["x1"] = 0x80
    machine.run(STXR)
    assert machine["x2"] == 1
    machine["x1"] = 0x40
    machine.run(LDXR)
    machine.memory[0x40] = 1
    machine.run(STXR)
    assert machine["x2"] == 1
    assert machine.memory[0x40] == 1
    assert machine.memory[0x80] == 0


def test_pairs_of_128_bits(machine: Machine) -> None:
    machine["x1"], machine["x3"], machine["x6"] = 0x40, 77, 88
    machine.memory[0x48] = 5
    machine.run(LDXP, STXP)
    assert (machine["x0"], machine["x5"], machine["x2"]) == (0, 5, 0)
    assert (machine.memory[0x40], machine.memory[0x48]) == (77, 88)
    machine.run(STXP)
    assert machine["x2"] == 1


@pytest.mark.parametrize(
    ("word", "size", "there", "value", "result"),
    [
        (0x38634020, 1, 0xF0, 0x05, 0x05),  # ldsmaxb w3, w0, [x1]
        (0x38635020, 1, 0xF0, 0x05, 0xF0),  # ldsminb
        (0x78634020, 2, 0xFFF0, 0x0005, 0x0005),
        (0xB8634020, 4, 0xFFFFFFF0, 5, 5),
        (0xB8635020, 4, 5, 0xFFFFFFF0, 0xFFFFFFF0),
        (0xB8636020, 4, 0xFFFFFFF0, 5, 0xFFFFFFF0),  # ldumax
    ],
)
def test_minimum_and_maximum(
    machine: Machine, word: int, size: int, there: int, value: int, result: int
) -> None:
    machine.memory[0x40 : 0x40 + size] = there.to_bytes(size, "little")
    machine["x1"], machine["x3"] = 0x40, value | 0xAB << 56
    machine.run(word)
    assert machine["x0"] == there
    assert int.from_bytes(machine.memory[0x40 : 0x40 + size], "little") == result
    assert machine.memory[0x40 + size] == 0
