"""Is what we print what the text format means?"""

from collections.abc import Callable

import pytest

from wherever.wasm.instructions import MemArg, instruction
from wherever.wasm.reader import read_module
from wherever.wasm.text import float_text, instruction_text, listing, quoted


def test_a_listing(wat: Callable[[str], bytes]) -> None:
    module = read_module(
        wat(
            """(module (memory 1) (func (param i32) (result i32)
              (block $out (loop $again
                (br_if $out (i32.eqz (local.get 0)))
                (if (i32.load8_u offset=4 (local.get 0)) (then nop) (else (br $again)))))
              (i32.load align=1 (i32.const 16))))"""
        )
    )
    lines = list(listing(module.code[0].instructions(), offsets=False))
    assert "\n".join(lines) == (
        "  block\n"
        "    loop\n"
        "      local.get 0\n"
        "      i32.eqz\n"
        "      br_if 1\n"
        "      local.get 0\n"
        "      i32.load8_u offset=4\n"
        "      if\n"
        "        nop\n"
        "      else\n"
        "        br 1\n"
        "      end\n"
        "    end\n"
        "  end\n"
        "  i32.const 16\n"
        "  i32.load align=1\n"
        "end"
    )
    with_offsets = list(listing(module.code[0].instructions()))
    assert with_offsets[0].split() == [f"{module.code[0].code_start():#08x}", "block"]


@pytest.mark.parametrize(
    ("bits", "size", "text"),
    [
        (0x3F800000, 4, "1"),
        (0xBFC00000, 4, "-0x1.8000000000000p+0"),
        (0x80000000, 4, "-0"),
        (0x7FC00000, 4, "nan"),
        (0xFF800001, 4, "-nan:0x1"),
        (0x7F800000, 4, "inf"),
        (0x7FF4000000000000, 8, "nan:0x4000000000000"),
        (0x0000000000000001, 8, "0x0.0000000000001p-1022"),
    ],
)
def test_floats_keep_their_bits(bits: int, size: int, text: str) -> None:
    assert float_text(bits, size) == text


def test_memory_operands() -> None:
    assert instruction_text(instruction("i64.load32_u", MemArg(2, 0))) == "i64.load32_u"
    assert instruction_text(instruction("v128.load", MemArg(0, 7, 1))) == (
        "v128.load 1 offset=7 align=1"
    )
    assert instruction_text(instruction("memory.copy", 0, 0)) == "memory.copy"
    assert instruction_text(instruction("memory.copy", 1, 0)) == "memory.copy 1 0"
    assert instruction_text(instruction("call_indirect", 3, 1)) == "call_indirect 1 (type 3)"


def test_the_wrong_number_of_immediates_is_named() -> None:
    with pytest.raises(TypeError, match=r"br_if takes the immediates \(label\), 0 given"):
        instruction("br_if")


def test_quoting() -> None:
    assert quoted("plain") == '"plain"'
    assert quoted("\r\u200b") == '"\\u{d}\\u{200b}"'
