"""Owns what the CPU claims: the bits of AT_HWCAP that a translated program is told.

Everything in the table is executed wherever it occurs; announced is only what pays, since the C
library and others choose their variants by it. A CRC32, AES or SHA instruction costs a call of a
runtime function, more than the portable code that programs carry beside it.
"""

from __future__ import annotations

from typing import Final

__all__ = ["HWCAP", "HWCAP2"]

_FP: Final = 1 << 0
_ASIMD: Final = 1 << 1
_ATOMICS: Final = 1 << 8

# asm/hwcap.h
HWCAP: Final = _FP | _ASIMD | _ATOMICS
HWCAP2: Final = 0
