"""Owns what the identification registers say: the features translated, as Linux shows them.

Linux traps reads of these registers from user code and answers with what it announces, where it
announces HWCAP_CPUID (Documentation/arch/arm64/cpu-feature-registers.rst).
"""

from __future__ import annotations

from typing import Final

__all__ = ["identification", "is_identification", "name_of"]

# (CRm, op2) of S3_0_C0: name and value (Arm ARM D19)
_REGISTERS: Final[dict[tuple[int, int], tuple[str, int]]] = {
    # implementer 0 is reserved for software; architecture 15: see the other registers
    (0, 0): ("midr_el1", 0x000F_0000),
    (0, 5): ("mpidr_el1", 0x8000_0000),  # one processor, number 0
    (0, 6): ("revidr_el1", 0),
    # of AArch32, which there is not
    **{(2, n): (f"id_isar{n}_el1", 0) for n in range(6)},
    (2, 6): ("id_mmfr4_el1", 0),
    (2, 7): ("id_isar6_el1", 0),
    **{(3, n): (f"mvfr{n}_el1", 0) for n in range(3)},
    (3, 4): ("id_pfr2_el1", 0),
    (3, 5): ("id_dfr1_el1", 0),
    (3, 6): ("id_mmfr5_el1", 0),
    # EL0 and EL1 are AArch64 only; floating point and Advanced SIMD without half precision
    (4, 0): ("id_aa64pfr0_el1", 0x11),
    (4, 1): ("id_aa64pfr1_el1", 0),
    (4, 4): ("id_aa64zfr0_el1", 0),
    (4, 5): ("id_aa64smfr0_el1", 0),
    (5, 0): ("id_aa64dfr0_el1", 6),  # the debug architecture of Armv8.0, as Linux says
    (5, 1): ("id_aa64dfr1_el1", 0),
    (5, 4): ("id_aa64afr0_el1", 0),
    (5, 5): ("id_aa64afr1_el1", 0),
    # AES and PMULL 2, SHA1 1, SHA2 1, CRC32 1, Atomic 2
    (6, 0): ("id_aa64isar0_el1", 0x0021_1120),
    (6, 1): ("id_aa64isar1_el1", 0),
    (6, 2): ("id_aa64isar2_el1", 0),
    (7, 0): ("id_aa64mmfr0_el1", 0xFF00_0000),  # no granule is told to user code
    (7, 1): ("id_aa64mmfr1_el1", 0),
    (7, 2): ("id_aa64mmfr2_el1", 0),
}


def is_identification(crm: int, op2: int) -> bool:
    """Whether Linux answers a read of S3_0_C0_C<crm>_<op2>."""
    return 2 <= crm <= 7 or (crm, op2) in _REGISTERS


def identification(crm: int, op2: int) -> int:
    """What it answers; reserved registers read as zero."""
    known = _REGISTERS.get((crm, op2))
    return 0 if known is None else known[1]


def name_of(crm: int, op2: int) -> str:
    """The name in assembly text."""
    known = _REGISTERS.get((crm, op2))
    return f"s3_0_c0_c{crm}_{op2}" if known is None else known[0]
