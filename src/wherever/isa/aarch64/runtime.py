"""Owns the runtime functions of integer semantics: what a store-exclusive does."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wherever.ir import opcodes
from wherever.ir.builder import RuntimeBuilder
from wherever.ir.ops import I32, I64
from wherever.ir.values import RuntimeFunction

__all__ = [
    "CODE_WRITTEN",
    "COUNTER",
    "STORE_EXCLUSIVE_128",
    "atomic_extreme",
    "crc32_step",
    "store_exclusive",
]

_EXCHANGES: Final = (
    opcodes.I64_ATOMIC_RMW8_CMPXCHG_U,
    opcodes.I64_ATOMIC_RMW16_CMPXCHG_U,
    opcodes.I64_ATOMIC_RMW32_CMPXCHG_U,
    opcodes.I64_ATOMIC_RMW_CMPXCHG,
)


@lru_cache(maxsize=4)
def store_exclusive(size: int) -> RuntimeFunction:
    """(address, monitored address, value seen there, new value) -> 0 if stored, else 1."""
    r = RuntimeBuilder(f"store_exclusive_{8 << size}", [I64, I64, I64, I64], [I32])
    r.label(0)
    r.branch(r.i64_ne(r.get(0), r.get(1)), 2, 1)
    r.label(1)
    seen = r.atomic(_EXCHANGES[size], r.get(0), r.get(2), r.get(3))
    r.results(r.i64_ne(seen, r.get(2)))
    r.label(2)
    r.results(r.const_i32(1))
    return r.function(reads_memory=True, writes_memory=True, exchanges=_EXCHANGES[size])


def _store_exclusive_128() -> RuntimeFunction:
    # Wasm has no 128-bit exchange: the two halves are compared and stored apart, which is
    # atomic as long as one guest thread runs at a time.
    r = RuntimeBuilder("store_exclusive_128", [I64] * 6, [I32])
    r.label(0)
    r.branch(r.i64_ne(r.get(0), r.get(1)), 3, 1)
    r.label(1)
    low = r.i64_xor(r.load(opcodes.I64_LOAD, r.get(0)), r.get(2))
    high = r.i64_xor(r.load(opcodes.I64_LOAD, r.get(0), 8), r.get(3))
    r.branch(r.i64_ne(r.i64_or(low, high), r.const_i64(0)), 3, 2)
    r.label(2)
    r.store(opcodes.I64_STORE, r.get(0), r.get(4))
    r.store(opcodes.I64_STORE, r.get(0), r.get(5), 8)
    r.results(r.const_i32(0))
    r.label(3)
    r.results(r.const_i32(1))
    return r.function(reads_memory=True, writes_memory=True)


STORE_EXCLUSIVE_128: Final = _store_exclusive_128()


def _counter() -> RuntimeFunction:
    r = RuntimeBuilder("counter", [], [I64])
    r.label(0)
    r.results(r.const_i64(0))
    return r.function(imported="linux_counter")


# CNTVCT_EL0: the personality reads the host's monotonic clock
COUNTER: Final = _counter()


def _code_written() -> RuntimeFunction:
    r = RuntimeBuilder("code_written", [I64], [])
    r.label(0)
    r.results()
    return r.function(reads_memory=True, imported="linux_code_written")


# what lies in this line is code from now on: the personality looks whether it was translated so
CODE_WRITTEN: Final = _code_written()


_ATOMIC_LOADS: Final = (
    opcodes.I64_ATOMIC_LOAD8_U,
    opcodes.I64_ATOMIC_LOAD16_U,
    opcodes.I64_ATOMIC_LOAD32_U,
    opcodes.I64_ATOMIC_LOAD,
)


@lru_cache(maxsize=16)
def atomic_extreme(operation: str, size: int) -> RuntimeFunction:
    """(address, value) -> what was there; smax, smin, umax or umin of both is there now."""
    r = RuntimeBuilder(f"atomic_{operation}_{8 << size}", [I64, I64], [I64], [I64, I64])
    unused = r.const_i64(64 - (8 << size))
    r.label(0)
    r.set(2, r.load(_ATOMIC_LOADS[size], r.get(0)))
    r.label(1)
    # compare at the top of 64 bits, where sign and carry are
    old, new = r.i64_shl(r.get(2), unused), r.i64_shl(r.get(1), unused)
    compare = {
        "smax": r.i64_gt_s,
        "smin": r.i64_lt_s,
        "umax": r.i64_gt_u,
        "umin": r.i64_lt_u,
    }[operation]
    chosen = r.select(compare(old, new), r.get(2), r.i64_shr_u(new, unused))
    r.set(3, r.get(2))
    seen = r.atomic(_EXCHANGES[size], r.get(0), r.get(2), chosen)
    r.set(2, seen)
    r.branch(r.i64_eq(seen, r.get(3)), 2, 1)
    r.label(2)
    r.results(r.get(2))
    return r.function(reads_memory=True, writes_memory=True)


@lru_cache(maxsize=2)
def crc32_step(castagnoli: bool) -> RuntimeFunction:
    """(checksum, value, bytes) -> the checksum after that many bytes of the value, lowest first."""
    polynomial = 0x82F6_3B78 if castagnoli else 0xEDB8_8320
    r = RuntimeBuilder("crc32c" if castagnoli else "crc32", [I32, I32, I32], [I32])
    one = r.const_i32(1)
    r.label(0)
    r.set(0, r.i32_xor(r.get(0), r.get(1)))
    r.label(1)
    checksum = r.get(0)
    for _ in range(8):
        carry = r.i32_sub(r.const_i32(0), r.i32_and(checksum, one))
        reduced = r.i32_and(carry, r.const_i32(polynomial))
        checksum = r.i32_xor(r.i32_shr_u(checksum, one), reduced)
    left = r.i32_sub(r.get(2), one)
    r.set(0, checksum)
    r.set(2, left)
    r.branch(left, 1, 2)
    r.label(2)
    r.results(r.get(0))
    return r.function()
