"""Are the slots of the registers where the translator's masks want them?"""

from __future__ import annotations

from wherever.isa.aarch64.registers import REGISTERS, SP, V, X


def test_registers_are_called_by_their_number() -> None:
    assert [REGISTERS.names[slot] for slot in X] == [f"x{n}" for n in range(31)]
    assert [REGISTERS.names[slot] for slot in V] == [f"v{n}" for n in range(32)]
    assert REGISTERS.names[SP] == "sp"


def test_only_the_upper_vector_registers_make_a_mask_large() -> None:
    """Machine code has no object for a number below 2**62, and most blocks need no other."""
    large = {name for slot, name in enumerate(REGISTERS.names) if slot >= 62}
    assert large <= {f"v{n}" for n in range(16, 32)}
