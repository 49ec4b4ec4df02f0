"""Owns the table of A64: its groups in the manual's order, the decoder and the text over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wherever.isa.aarch64 import (
    branches,
    data_immediate,
    data_register,
    extensions,
    float_data,
    loads_stores,
    loads_stores_exclusive,
    loads_stores_structure,
    simd_copy_permute,
    simd_crypto,
    simd_shift,
    simd_three_different,
    simd_three_same,
    simd_two_misc,
    system,
)
from wherever.isa.aarch64.operands import render
from wherever.isa.decoder import Decoder

if TYPE_CHECKING:
    from wherever.isa.aarch64.lifter import Lifter
    from wherever.isa.instruction import Group, Instruction

__all__ = ["DECODER", "GROUPS", "decode", "lift", "not_translated", "text"]

GROUPS: Final[tuple[Group, ...]] = (
    data_immediate.group,
    branches.group,
    system.group,
    loads_stores.group,
    loads_stores_exclusive.group,
    loads_stores_structure.group,
    data_register.group,
    simd_crypto.group,
    simd_copy_permute.group,
    simd_three_different.group,
    simd_three_same.group,
    simd_shift.group,
    simd_two_misc.group,
    float_data.group,
    extensions.group,
)

DECODER: Final = Decoder(one for group in GROUPS for one in group.instructions)

decode = DECODER.decode


def lift(m: Lifter, instruction: Instruction, word: int) -> None:
    """Say what `word`, which decodes to `instruction`, does, to the builder behind `m`."""
    meaning = instruction.meaning
    if meaning is None:
        raise ValueError(f"{instruction.name} is known by name only ({instruction.feature})")
    meaning(m, *[(word >> shift) & mask for shift, mask in instruction.arguments])


def text(instruction: Instruction, word: int, address: int) -> str:
    """The instruction as assembly text."""
    fields = instruction.fields(word)
    fields["pc"] = address
    template = instruction.text
    return render(template if isinstance(template, str) else template(fields), fields)


# op0 of the top-level encoding table (Arm ARM C4.1), bits 28 to 25
_TOP_LEVEL: Final = (
    "Reserved", "Unallocated", "SVE", "Unallocated", "Loads and Stores",
    "Data Processing -- Register", "Loads and Stores", "Scalar Floating-Point and Advanced SIMD",
    "Data Processing -- Immediate", "Data Processing -- Immediate", "Branches and System",
    "Branches and System", "Loads and Stores", "Data Processing -- Register", "Loads and Stores",
    "Scalar Floating-Point and Advanced SIMD",
)  # fmt: skip


def not_translated(word: int) -> str | None:
    """Why `word` is not translated, for a message: its group and feature; None if it is."""
    instruction = decode(word)
    if instruction is None:
        return f"which the manual leaves unallocated (group: {_TOP_LEVEL[word >> 25 & 15]})"
    if instruction.meaning is None:
        return f"{instruction.name}, known by name only (feature: {instruction.feature})"
    return None
