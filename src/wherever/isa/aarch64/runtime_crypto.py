"""Owns the runtime functions of the Cryptographic Extension, without tables in memory.

AES looks its boxes up with byte swizzles, so its time does not depend on the data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wherever.ir.builder import RuntimeBuilder
from wherever.ir.ops import I64, V128

if TYPE_CHECKING:
    from wherever.ir.values import RuntimeFunction, Value

__all__ = ["POLYNOMIAL_64", "aes_columns", "aes_round", "sha1_hash", "sha256_hash"]


def _polynomial_64() -> RuntimeFunction:
    # registers 0 and 1 are the operands; the first grows leftwards into 2; 3 and 4 are the result
    r = RuntimeBuilder("polynomial_64", [I64, I64], [I64, I64], [I64, I64, I64])
    one = r.const_i64(1)
    r.label(0)
    r.branch(r.i64_eqz(r.get(1)), 2, 1)
    r.label(1)
    x, y, high = r.get(0), r.get(1), r.get(2)
    taken = r.i64_sub(r.const_i64(0), r.i64_and(y, one))
    low_result = r.i64_xor(r.get(3), r.i64_and(x, taken))
    high_result = r.i64_xor(r.get(4), r.i64_and(high, taken))
    rest = r.i64_shr_u(y, one)
    r.set(2, r.i64_or(r.i64_shl(high, one), r.i64_shr_u(x, r.const_i64(63))))
    r.set(0, r.i64_shl(x, one))
    r.set(1, rest)
    r.set(3, low_result)
    r.set(4, high_result)
    r.branch(r.i64_ne(rest, r.const_i64(0)), 1, 2)
    r.label(2)
    r.results(r.get(3), r.get(4))
    return r.function()


POLYNOMIAL_64: Final = _polynomial_64()


# --- AES (FIPS 197) ---


def _boxes() -> tuple[bytes, bytes]:
    """The S-box and its inverse, from their definition (FIPS 197, 5.1.1)."""
    inverses = [0] * 256
    power = [1]
    for _ in range(254):  # powers of the generator 3
        x = power[-1]
        power.append(x ^ (x << 1) ^ (0x11B if x & 0x80 else 0))
    for exponent, x in enumerate(power):
        inverses[x] = power[-exponent % 255]
    box = bytearray(256)
    for x in range(256):
        y = inverses[x]
        rotations = y << 1 ^ y << 2 ^ y << 3 ^ y << 4
        box[x] = (y ^ rotations & 0xFF ^ rotations >> 8) ^ 0x63
    inverse = bytearray(256)
    for x, y in enumerate(box):
        inverse[y] = x
    return bytes(box), bytes(inverse)


def _substitute(r: RuntimeBuilder, x: Value, box: bytes) -> Value:
    result: Value | None = None
    for start in range(0, 256, 16):
        row = r.const_v128(int.from_bytes(box[start : start + 16], "little"))
        index = r.i8x16_sub(x, r.const_v128(int.from_bytes(bytes([start]) * 16, "little")))
        part = r.i8x16_swizzle(row, index)
        result = part if result is None else r.v128_or(result, part)
    assert result is not None
    return result


@lru_cache(maxsize=2)
def aes_round(decrypt: bool) -> RuntimeFunction:
    """(state, key) -> AESE or AESD: add the key, shift the rows, substitute the bytes."""
    r = RuntimeBuilder("aes_decrypt_round" if decrypt else "aes_encrypt_round", [V128] * 2, [V128])
    r.label(0)
    x = r.v128_xor(r.get(0), r.get(1))
    step = -1 if decrypt else 1
    # byte 4 * column + row; a row moves left by its number
    lanes = [(4 * (column + step * row) + row) % 16 for column in range(4) for row in range(4)]
    x = r.i8x16_shuffle(x, x, lanes)
    r.results(_substitute(r, x, _boxes()[decrypt]))
    return r.function()


@lru_cache(maxsize=2)
def aes_columns(decrypt: bool) -> RuntimeFunction:
    """(state) -> AESMC or AESIMC."""
    r = RuntimeBuilder("aes_unmix_columns" if decrypt else "aes_mix_columns", [V128], [V128])
    r.label(0)

    def rotated(x: Value, by: int) -> Value:
        return r.i8x16_shuffle(x, x, [lane & 12 | lane + by & 3 for lane in range(16)])

    def doubled(x: Value) -> Value:
        reduce = r.const_v128(int.from_bytes(b"\x1b" * 16, "little"))
        carry = r.v128_and(r.i8x16_shr_s(x, r.const_i32(7)), reduce)
        return r.v128_xor(r.i8x16_shl(x, r.const_i32(1)), carry)

    x = r.get(0)
    if decrypt:
        # the inverse matrix is the matrix times circ(5, 0, 4, 0)
        x = r.v128_xor(x, doubled(doubled(r.v128_xor(x, rotated(x, 2)))))
    one, two, three = (rotated(x, by) for by in (1, 2, 3))
    mixed = r.v128_xor(doubled(r.v128_xor(x, one)), one)
    r.results(r.v128_xor(mixed, r.v128_xor(two, three)))
    return r.function()


# --- SHA (FIPS 180-4) ---

Ternary = Callable[[RuntimeBuilder, "Value", "Value", "Value"], "Value"]


def _choose(r: RuntimeBuilder, x: Value, y: Value, z: Value) -> Value:
    return r.i32_xor(r.i32_and(r.i32_xor(y, z), x), z)


def _parity(r: RuntimeBuilder, x: Value, y: Value, z: Value) -> Value:
    return r.i32_xor(r.i32_xor(x, y), z)


def _majority(r: RuntimeBuilder, x: Value, y: Value, z: Value) -> Value:
    return r.i32_or(r.i32_and(x, y), r.i32_and(r.i32_or(x, y), z))


_SHA1: Final[dict[str, Ternary]] = {"c": _choose, "p": _parity, "m": _majority}


def _words(r: RuntimeBuilder, x: Value) -> list[Value]:
    return [r.i32x4_extract_lane(x, lane) for lane in range(4)]


def _vector(r: RuntimeBuilder, words: list[Value]) -> Value:
    result = r.i32x4_splat(words[0])
    for lane, word in enumerate(words[1:], 1):
        result = r.i32x4_replace_lane(result, lane, word)
    return result


@lru_cache(maxsize=3)
def sha1_hash(kind: str) -> RuntimeFunction:
    """(Vd, Vn, Vm) -> SHA1C, SHA1P or SHA1M."""
    r = RuntimeBuilder(f"sha1_{kind}", [V128] * 3, [V128])
    r.label(0)
    x = _words(r, r.get(0))
    y = r.i32x4_extract_lane(r.get(1), 0)
    for word in _words(r, r.get(2)):
        mixed = r.i32_add(r.i32_rotl(x[0], r.const_i32(5)), _SHA1[kind](r, x[1], x[2], x[3]))
        y = r.i32_add(r.i32_add(y, mixed), word)
        y, x = x[3], [y, x[0], r.i32_rotl(x[1], r.const_i32(30)), x[2]]
    r.results(_vector(r, x))
    return r.function()


def _sigma(r: RuntimeBuilder, x: Value, *amounts: int) -> Value:
    first, second, third = (r.i32_rotr(x, r.const_i32(amount)) for amount in amounts)
    return r.i32_xor(r.i32_xor(first, second), third)


@lru_cache(maxsize=2)
def sha256_hash(first: bool) -> RuntimeFunction:
    """(X, Y, W) -> SHA256hash: X for the first part (SHA256H), Y for the second (SHA256H2)."""
    r = RuntimeBuilder(f"sha256_{'h' if first else 'h2'}", [V128] * 3, [V128])
    r.label(0)
    x, y = _words(r, r.get(0)), _words(r, r.get(1))
    for word in _words(r, r.get(2)):
        t = r.i32_add(y[3], _sigma(r, y[0], 6, 11, 25))
        t = r.i32_add(r.i32_add(t, _choose(r, y[0], y[1], y[2])), word)
        into_y = r.i32_add(t, x[3])
        mixed = r.i32_add(_sigma(r, x[0], 2, 13, 22), _majority(r, x[0], x[1], x[2]))
        into_x = r.i32_add(t, mixed)
        x, y = [into_x, x[0], x[1], x[2]], [into_y, y[0], y[1], y[2]]
    r.results(_vector(r, x if first else y))
    return r.function()
