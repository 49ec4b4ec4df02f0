"""Does the whole A64 table decode, without overlaps, and read as Capstone reads it?"""

import random
import re

import capstone
import pytest

from wherever.isa.aarch64 import table
from wherever.isa.aarch64.operands import immediate
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


_BIG = re.compile(r"#0xffffffffffff([0-9a-f]{4})$")


def _capstone(word: int, disassembler: capstone.Cs) -> str | None:
    for _, _, name, operands in disassembler.disasm_lite(word.to_bytes(4, "little"), _ADDRESS):
        if name == "ushll2" and operands.endswith(", #0"):
            name, operands = "uxtl2", operands.removesuffix(", #0")  # for one lane size only
        # Capstone prints a negative post-index offset as 64 bits
        found = _BIG.search(operands) if "], #" in operands else None
        if found is not None:
            operands = operands[: found.start()] + immediate(int(found[1], 16) - 0x10000)
        return f"{name} {operands}".strip()
    return None


def _coincide(one: Instruction, word: int) -> bool:
    """Registers coincide where the manual says CONSTRAINED UNPREDICTABLE; Capstone refuses."""
    numbers = [v for name, v in one.fields(word).items() if name in ("rn", "rt", "rt2", "rs")]
    return len(set(numbers)) < len(numbers)


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
        if expected is None:
            assert _coincide(one, word), f"{word:08x} {table.text(one, word, _ADDRESS)}"
            continue
        if "prf" in expected and " , " in expected:
            continue  # Capstone prints nothing for a prefetch operation without a name
        if one.name == "mrs":
            continue  # Capstone names registers that user code has no business with
        assert table.text(one, word, _ADDRESS) == expected, f"{word:08x}"


def test_no_two_instructions_share_a_word() -> None:
    assert [(_name(a), _name(b), f"{word:08x}") for a, b, word in table.DECODER.overlaps()] == []


@pytest.mark.parametrize("one", [one for one in ALL if one.examples], ids=_name)
def test_examples_decode_to_themselves(one: Instruction) -> None:
    for example in one.examples:
        word, text = example.split(" ", 1)
        assert table.decode(int(word, 16)) is one
        assert table.text(one, int(word, 16), 0) == text
