"""Does the quick look over a text see where control goes?"""

from __future__ import annotations

from wherever.isa.aarch64.flow import Sweep, sweep


def swept(*words: int) -> Sweep:
    found = Sweep()
    sweep(words, 0x1000, found)
    return found


def test_branches_and_calls() -> None:
    found = swept(0x94000004, 0x54000060, 0xD65F03C0, 0xD503201F)  # bl +16; b.eq +12; ret; nop
    assert found.calls == {0x1010}
    assert {0x1000, 0x1004, 0x1008, 0x100C, 0x1010} <= found.leaders


def test_an_address_made_by_adrp_and_add_is_known() -> None:
    found = swept(0xB0000000, 0x91004000)  # adrp x0, +0x1000; add x0, x0, #16
    assert found.addresses == {0x2010}


def test_the_anchor_of_a_jump_table_is_a_label_not_a_function() -> None:
    # adr x1, +12; add x0, x1, w0, sxtb #2; br x0
    found = swept(0x10000061, 0x8B208820, 0xD61F0000, 0xD503201F)
    assert found.addresses == set()
    assert 0x100C in found.leaders


def test_a_system_call_can_be_made_again() -> None:
    assert 0x1004 in swept(0xD503201F, 0xD4000001, 0xD503201F).leaders  # nop; svc #0; nop
