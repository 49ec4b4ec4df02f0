"""Runs single A64 instructions in the reference interpreter."""

import pytest

from wherever.ir.builder import Builder
from wherever.ir.interpret import Outcome, run_block
from wherever.isa.aarch64 import registers, table
from wherever.isa.aarch64.lifter import Lifter


class Machine:
    """Registers by name, a page of memory at address 0, and `run`."""

    def __init__(self) -> None:
        self.state = [0] * len(registers.REGISTERS)
        self.memory = bytearray(4096)
        self["monitor_address"] = (1 << 64) - 1

    def __getitem__(self, name: str) -> int:
        return self.state[registers.REGISTERS.by_name[name]]

    def __setitem__(self, name: str, value: int) -> None:
        self.state[registers.REGISTERS.by_name[name]] = value

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.memory[address : address + size])

    def write(self, address: int, data: bytes) -> None:
        self.memory[address : address + len(data)] = data

    def run(self, *words: int) -> Outcome:
        """Lift the words as one block at address 0x1000 and run it."""
        m = Lifter(Builder(registers.REGISTERS))
        b = m.b
        b.begin(0x1000)
        for index, word in enumerate(words):
            one = table.decode(word)
            assert one is not None, f"{word:08x}"
            b.pc, b.next = 0x1000 + 4 * index, 0x1004 + 4 * index
            table.lift(m, one, word)
        return run_block(b.finish(), self.state, self, b.runtime.functions)


@pytest.fixture
def machine() -> Machine:
    return Machine()
