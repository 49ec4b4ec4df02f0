"""What one step of Unicorn cannot show: exits, traps, and registers whose contents are ours."""

from typing import Protocol

import pytest

from wherever.ir.interpret import Outcome
from wherever.ir.values import ExitKind, TrapKind
from wherever.isa.aarch64.system import COUNTER_FREQUENCY


class Machine(Protocol):
    memory: bytearray

    def __getitem__(self, name: str) -> int: ...
    def __setitem__(self, name: str, value: int) -> None: ...
    def run(self, *words: int) -> Outcome: ...


def test_svc_is_a_system_call_with_its_immediate(machine: Machine) -> None:
    outcome = machine.run(0xD4000021)  # svc #1
    assert (outcome.kind, outcome.imm, outcome.other) == (ExitKind.SYSCALL, 1, 0x1004)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (0xD4200000, TrapKind.BREAKPOINT),  # brk #0
        (0xD4400000, TrapKind.ILLEGAL),  # hlt #0
        (0x00000000, TrapKind.ILLEGAL),  # udf #0
        (0xD5380020, TrapKind.ILLEGAL),  # mrs x0, s3_0_c0_c0_1, which Linux does not emulate
        (0xD5180600, TrapKind.ILLEGAL),  # msr id_aa64isar0_el1, x0
        (0xD5184000, TrapKind.ILLEGAL),  # msr spsr_el1, x0
    ],
)
def test_traps_at_the_instruction(machine: Machine, word: int, kind: TrapKind) -> None:
    outcome = machine.run(word)
    assert (outcome.kind, outcome.imm, outcome.address) == (ExitKind.TRAP, kind, 0x1000)


def test_the_frequency_is_that_of_nanoseconds(machine: Machine) -> None:
    machine.run(0xD53BE003)  # mrs x3, cntfrq_el0
    assert machine["x3"] == COUNTER_FREQUENCY == 1_000_000_000


def test_identification_says_what_is_announced(machine: Machine) -> None:
    machine.run(0xD5380601)  # mrs x1, id_aa64isar0_el1
    fields = {"aes": 4, "sha1": 8, "sha2": 12, "crc32": 16, "atomic": 20}
    found = {name: machine["x1"] >> at & 15 for name, at in fields.items()}
    assert found == {"aes": 2, "sha1": 1, "sha2": 1, "crc32": 1, "atomic": 2}
    machine["x2"] = 1
    machine.run(0xD53807E2)  # mrs x2, a register that is reserved
    assert machine["x2"] == 0


def test_dc_zva_clears_the_block_that_dczid_announces(machine: Machine) -> None:
    machine.run(0xD53B00E0)  # mrs x0, dczid_el0
    size = 4 << machine["x0"]
    machine.memory[:] = b"\xff" * len(machine.memory)
    machine["x1"] = 0x135
    machine.run(0xD50B7421)  # dc zva, x1
    start = 0x135 // size * size
    assert machine.memory[start : start + size] == bytes(size)
    assert machine.memory[start - 1] == machine.memory[start + size] == 0xFF


def test_ctr_announces_lines_of_64_bytes_and_code_that_has_to_be_invalidated(
    machine: Machine,
) -> None:
    machine.run(0xD53B0020)  # mrs x0, ctr_el0
    ctr = machine["x0"]
    assert 4 << (ctr & 15) == 4 << (ctr >> 16 & 15) == 64
    assert ctr >> 28 & 3 == 1  # IDC, not DIC (ADR 0048)


def test_tpidr_and_fpcr_keep_what_is_written(machine: Machine) -> None:
    machine["x0"] = 0x1234567890
    machine.run(0xD51BD040, 0xD53BD041)  # msr tpidr_el0, x0; mrs x1, tpidr_el0
    assert machine["x1"] == 0x1234567890
    machine["x0"] = 0xFFFFFFFF
    machine.run(0xD51B4400, 0xD53B4401)  # msr fpcr, x0; mrs x1, fpcr
    assert machine["x1"] == 0x07C00000  # AHP, DN, FZ, RMode


def test_a_call_leaves_the_link_register_and_blr_x30_jumps_to_the_old_one(machine: Machine) -> None:
    machine["x30"] = 0x5000
    outcome = machine.run(0xD63F03C0)  # blr x30
    assert (outcome.kind, outcome.address) == (ExitKind.CALL_INDIRECT, 0x5000)
    assert machine["x30"] == 0x1004
