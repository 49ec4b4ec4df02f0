"""Does any word at all decode, print and lift, or is refused, without an exception?"""

from hypothesis import given
from hypothesis import strategies as st

from wherever.ir.builder import Builder
from wherever.isa.aarch64 import registers, table
from wherever.isa.aarch64.lifter import Lifter

LIFTERS = [Lifter(Builder(registers.REGISTERS), exact=exact) for exact in (False, True)]


@given(st.integers(0, 0xFFFF_FFFF), st.integers(0, 2**64 - 4))
def test_a_word(word: int, address: int) -> None:
    one = table.decode(word)
    if one is None or one.meaning is None:
        assert table.not_translated(word)
        return
    assert one.accepts(word)
    assert table.text(one, word, address)
    for m in LIFTERS:
        m.b.begin(address)
        m.b.pc, m.b.next = address, address + 4
        table.lift(m, one, word)
        m.b.finish()
