"""Owns random bytes as a guest is granted them: the kernel's, or those of a seed."""

from __future__ import annotations

import os
from typing import Final, Protocol

__all__ = ["Randomness", "RealRandomness", "SeededRandomness"]

_PIECE: Final = 1 << 16


class Randomness(Protocol):
    """A source of random bytes."""

    def fill(self, view: memoryview) -> None:
        """Fill the whole view."""
        ...


class RealRandomness:
    """getrandom(2), in pieces: the guest chooses the size, the host's buffer stays bounded."""

    __slots__ = ()

    def fill(self, view: memoryview) -> None:
        """See `Randomness`."""
        size = len(view)
        if size <= _PIECE:
            view[:] = os.urandom(size)
            return
        for start in range(0, size, _PIECE):
            end = min(start + _PIECE, size)
            view[start:end] = os.urandom(end - start)


class SeededRandomness:
    """The same bytes for the same seed, on every machine: SHAKE-256 of the seed and a counter.

    Not `random.Random`: its stream is documented for floats only, and it is not one-way.
    """

    __slots__ = ("_block", "_buffer", "_seed", "_shake")

    def __init__(self, seed: int) -> None:
        import hashlib  # OpenSSL, 3 ms, only for a seed; and before the worker is confined

        self._shake = hashlib.shake_256
        self._seed = b"wherever random " + str(seed).encode()
        self._block = 0
        self._buffer = b""

    def fill(self, view: memoryview) -> None:
        """See `Randomness`."""
        start, size = 0, len(view)
        while start < size:
            if not self._buffer:
                counter = self._block.to_bytes(8, "little")
                self._buffer = self._shake(self._seed + b" " + counter).digest(4096)
                self._block += 1
            piece = self._buffer[: size - start]
            view[start : start + len(piece)] = piece
            self._buffer = self._buffer[len(piece) :]
            start += len(piece)
