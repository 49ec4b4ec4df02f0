"""Owns writing LEB128, at the speed of a table look-up for the small numbers that most are.

`SMALL_UNSIGNED[n]` and `SMALL_SIGNED[n + SIGNED_BIAS]` are the tables; an emitter's inner loop may
index them itself.
"""

from __future__ import annotations

from typing import Final


def _unsigned(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _signed(value: int) -> bytes:
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


SIGNED_BIAS: Final = 64
_SMALL: Final = 1024
SMALL_UNSIGNED: Final[tuple[bytes, ...]] = tuple(map(_unsigned, range(_SMALL)))
SMALL_SIGNED: Final[tuple[bytes, ...]] = tuple(map(_signed, range(-SIGNED_BIAS, _SMALL)))


def unsigned(value: int) -> bytes:
    """The shortest unsigned LEB128 of `value`, which must not be negative."""
    if 0 <= value < _SMALL:
        return SMALL_UNSIGNED[value]
    if value < 0:
        raise ValueError(f"{value} has no unsigned LEB128 form: it is negative")
    return _unsigned(value)


def signed(value: int) -> bytes:
    """The shortest signed LEB128 of `value`."""
    if -SIGNED_BIAS <= value < _SMALL:
        return SMALL_SIGNED[value + SIGNED_BIAS]
    return _signed(value)


def padded(value: int, size: int) -> bytes:
    """An unsigned LEB128 of exactly `size` bytes: what can be patched in place later."""
    if value < 0 or value >> (7 * size):
        raise ValueError(f"{value} does not fit an unsigned LEB128 of {size} bytes")
    head = bytes([value >> (7 * place) & 0x7F | 0x80 for place in range(size - 1)])
    return head + bytes((value >> (7 * (size - 1)),))
