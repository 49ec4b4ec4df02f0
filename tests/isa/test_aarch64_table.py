"""Does the whole A64 table decode, without overlaps, and read as Capstone reads it?"""

import random

import capstone
import pytest

from wherever.isa.aarch64 import table
from wherever.isa.instruction import Instruction

ALL = [one for group in table.GROUPS for one in group.instructions]
MEANT = [one for one in ALL if one.meaning is not None]
_ADDRESS = 0x10000


def _name(one: Instruction) -> str:
    return f"{one.name}:{one.encoding.diagram}"


def _words(one: Instruction, count: int) -> list[int]:
    source = random.Random(one.encoding.diagram)
    words: list[int] = []
    for _ in range(count * 50):
        word = source.getrandbits(32) & ~one.encoding.mask | one.encoding.match
        if source.random() < 0.3 and any(field.name == "rd" for field in one.encoding.fields):
            word |= 31  # the zero register, where aliases are
        if one.accepts(word):
            words.append(word)
        if len(words) == count:
            break
    return words


def _capstone(word: int, disassembler: capstone.Cs) -> str | None:
    for _, _, name, operands in disassembler.disasm_lite(word.to_bytes(4, "little"), _ADDRESS):
        return f"{name} {operands}".strip()
    return None


@pytest.fixture(scope="module")
def disassembler() -> capstone.Cs:
    return capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)


@pytest.mark.parametrize("one", ALL, ids=_name)
def test_words_of_an_instruction_decode_to_it(one: Instruction) -> None:
    words = _words(one, 20)
    assert words, "no word is an encoding of this"
    for word in words:
        assert table.decode(word) is one, f"{word:08x}"


@pytest.mark.parametrize("one", MEANT, ids=_name)
def test_text_agrees_with_capstone(one: Instruction, disassembler: capstone.Cs) -> None:
    for word in _words(one, 20):
        expected = _capstone(word, disassembler)
        assert expected is not None, f"{word:08x} {table.text(one, word, _ADDRESS)}"
        assert table.text(one, word, _ADDRESS) == expected, f"{word:08x}"


def test_no_two_instructions_share_a_word() -> None:
    assert [(_name(a), _name(b), f"{word:08x}") for a, b, word in table.DECODER.overlaps()] == []
