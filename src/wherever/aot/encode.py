"""Owns the bytes of instructions, ready-made, for the emitter's inner loop."""

from __future__ import annotations

from typing import Final

from wherever.ir.ops import BY_NUMBER, Kind


def _unsigned(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _signed(value: int) -> bytes:
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


# most numbers are small: indices, offsets, constants
_FEW: Final = 1024
_LEB: Final = tuple(_unsigned(i) for i in range(_FEW))
_SLEB: Final = {i: _signed(i) for i in range(-_FEW, _FEW)}
_NONE: Final = b""


def unsigned(value: int) -> bytes:
    """An unsigned LEB128."""
    return _LEB[value] if value < _FEW else _unsigned(value)


def signed(value: int) -> bytes:
    """A signed LEB128."""
    return _SLEB.get(value, _NONE) or _signed(value)


def _opcode(number: int) -> bytes:
    if number < 0x100:
        return bytes((number,))
    return bytes((number >> 12,)) + unsigned(number & 0xFFF)


OPCODE: Final[dict[int, bytes]] = {n: _opcode(n) for n in BY_NUMBER if n < 0x100000}
# a memory operation with its alignment, the natural one; the offset follows
MEMORY: Final[dict[int, bytes]] = {
    op.number: _opcode(op.number) + bytes((op.access.bit_length() - 1,))
    for op in BY_NUMBER.values()
    if op.kind in (Kind.LOAD, Kind.STORE, Kind.LOAD_LANE, Kind.STORE_LANE)
}
GET: Final = tuple(b"\x20" + leb for leb in _LEB)
SET: Final = tuple(b"\x21" + leb for leb in _LEB)
TEE: Final = tuple(b"\x22" + leb for leb in _LEB)
_GLOBAL_GET: Final = tuple(b"\x23" + leb for leb in _LEB)
_GLOBAL_SET: Final = tuple(b"\x24" + leb for leb in _LEB)

BLOCK: Final = b"\x02\x40"
LOOP: Final = b"\x03\x40"
IF: Final = b"\x04\x40"
ELSE: Final = b"\x05"
END: Final = b"\x0b"
UNREACHABLE: Final = b"\x00"
RETURN: Final = b"\x0f"
DROP: Final = b"\x1a"
I32_WRAP: Final = b"\xa7"
I64_EXTEND_U: Final = b"\xad"
I32_EQZ: Final = b"\x45"
I32_ADD: Final = b"\x6a"
I32_SUB: Final = b"\x6b"
I32_ROTR: Final = b"\x78"
I32_GE_U: Final = b"\x4f"
I64_NE: Final = b"\x52"


def local_get(index: int) -> bytes:
    """`local.get`."""
    return GET[index] if index < _FEW else b"\x20" + unsigned(index)


def local_set(index: int) -> bytes:
    """`local.set`."""
    return SET[index] if index < _FEW else b"\x21" + unsigned(index)


def local_tee(index: int) -> bytes:
    """`local.tee`."""
    return TEE[index] if index < _FEW else b"\x22" + unsigned(index)


def global_get(index: int) -> bytes:
    """`global.get`."""
    return _GLOBAL_GET[index] if index < _FEW else b"\x23" + unsigned(index)


def global_set(index: int) -> bytes:
    """`global.set`."""
    return _GLOBAL_SET[index] if index < _FEW else b"\x24" + unsigned(index)


def i32_const(value: int) -> bytes:
    """`i32.const` of an unsigned pattern."""
    value &= 0xFFFF_FFFF
    return b"\x41" + signed(value - (1 << 32) if value >> 31 else value)


def i64_const(value: int) -> bytes:
    """`i64.const` of an unsigned pattern."""
    value &= 0xFFFF_FFFF_FFFF_FFFF
    return b"\x42" + signed(value - (1 << 64) if value >> 63 else value)


def call(index: int) -> bytes:
    """`call`."""
    return b"\x10" + unsigned(index)


def branch(depth: int) -> bytes:
    """`br`."""
    return b"\x0c" + unsigned(depth)


def branch_if(depth: int) -> bytes:
    """`br_if`."""
    return b"\x0d" + unsigned(depth)
