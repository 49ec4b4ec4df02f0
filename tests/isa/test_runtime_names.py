"""Does every runtime function have a name of its own? The table of a program goes by names."""

import random

from wherever.ir.builder import Builder, RuntimeTable
from wherever.ir.values import RuntimeFunction
from wherever.isa.aarch64 import registers, table
from wherever.isa.aarch64.lifter import Lifter


class _Strict(RuntimeTable):
    def __init__(self) -> None:
        super().__init__()
        self.by_name: dict[str, RuntimeFunction] = {}

    def index(self, function: RuntimeFunction) -> int:
        assert self.by_name.setdefault(function.name, function) is function, function.name
        return super().index(function)


def test_names_are_unique() -> None:
    strict = _Strict()
    source = random.Random(0)
    for exact in (False, True):
        m = Lifter(Builder(registers.REGISTERS, strict), exact=exact)
        for one in table.DECODER.instructions:
            if one.meaning is None:
                continue
            for _ in range(40):
                word = source.getrandbits(32) & ~one.encoding.mask | one.encoding.match
                if one.accepts(word):
                    m.b.begin(0)
                    table.lift(m, one, word)
                    m.b.finish()
    assert len(strict.by_name) > 100
