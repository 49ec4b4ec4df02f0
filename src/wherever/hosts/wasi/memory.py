"""Owns reaching into a guest's linear memory: every pointer, length and count is checked here.

All arguments come from the guest: pointers and lengths are taken modulo 2^32, nothing wraps, and
what does not lie in the memory is EFAULT for the guest, never an exception for the host.
"""

from __future__ import annotations

import errno
import struct
from typing import Final, Protocol

from wherever.hosts.wasi.abi import CIOVEC, U32, U64
from wherever.system.handles import refuse

__all__ = ["GuestMemory", "LinearMemory", "NoMemory"]

_IOV_MAX: Final = 1024  # what one readv(2) takes
_MOST_VECTORS: Final = 1 << 16
_MOST_BYTES: Final = 0x7FFFF000  # and what one readv(2) moves (MAX_RW_COUNT)
_PATH_MAX: Final = 4096
_U32: Final = 0xFFFFFFFF


class LinearMemory(Protocol):
    """What the engine hands in: the bytes of a linear memory, at a base that never moves."""

    def view(self) -> memoryview:
        """The whole memory as large as it is now, writable."""
        ...


_NOTHING: Final = memoryview(bytearray())


class NoMemory:
    """The memory of a guest that has none, or none yet: every address is outside it."""

    def view(self) -> memoryview:
        """Nothing."""
        return _NOTHING


class GuestMemory:
    """A guest's linear memory, read and written in place.

    `data` is the memory as it was when last looked at. It only grows and stays where it is, so
    what lies in `data` is right, and only an address beyond it needs another look.
    """

    __slots__ = ("_memory", "data")

    def __init__(self, memory: LinearMemory) -> None:
        self.attach(memory)

    def attach(self, memory: LinearMemory) -> None:
        """Use this memory from now on: the instance that exports it exists."""
        self._memory = memory
        self.data = _NOTHING  # the first address looks

    def refresh(self) -> memoryview:
        """Look again how large the memory is."""
        self.data = self._memory.view()
        return self.data

    def part(self, pointer: int, length: int) -> memoryview:
        """`length` bytes at `pointer`, in place."""
        pointer &= _U32
        length &= _U32
        part = self.data[pointer : pointer + length]
        if len(part) != length:
            part = self.refresh()[pointer : pointer + length]
            if len(part) != length:
                raise refuse(errno.EFAULT)
        return part

    def vectors(self, pointer: int, count: int) -> list[memoryview]:
        """The parts an array of `iovec` or `ciovec` names; empty ones are left out.

        No more than readv(2) takes at once: the rest is a short read or write.
        """
        if count == 1:  # by far the most common
            start, length = CIOVEC.unpack(self.part(pointer, 8))
            return [self.part(start, length)] if length else []
        count &= _U32
        if count > _MOST_VECTORS:
            raise refuse(errno.EINVAL)
        parts: list[memoryview] = []
        room = _MOST_BYTES  # vectors may overlap: their sum is not bounded by the memory
        for start, length in CIOVEC.iter_unpack(self.part(pointer, count * 8)):
            part = self.part(start, length)
            if length and room and len(parts) < _IOV_MAX:
                parts.append(part[:room])
                room -= min(length, room)
        return parts

    def path(self, pointer: int, length: int) -> bytes:
        """A path: bounded, valid UTF-8 (preview 1's strings are), without NUL."""
        if length & _U32 >= _PATH_MAX:
            raise refuse(errno.ENAMETOOLONG)
        path = bytes(self.part(pointer, length))
        if not path.isascii():
            try:
                path.decode()
            except UnicodeDecodeError:
                raise refuse(errno.EILSEQ) from None
        if b"\0" in path:
            raise refuse(errno.EINVAL)
        return path

    def put_u16(self, pointer: int, value: int) -> None:
        """Store 16 bits."""
        self.part(pointer, 2)[:] = value.to_bytes(2, "little")

    def put_u32(self, pointer: int, value: int) -> None:
        """Store 32 bits."""
        try:
            U32.pack_into(self.data, pointer & _U32, value)
        except struct.error:
            self.part(pointer, 4)[:] = value.to_bytes(4, "little")

    def put_u64(self, pointer: int, value: int) -> None:
        """Store 64 bits."""
        try:
            U64.pack_into(self.data, pointer & _U32, value)
        except struct.error:
            self.part(pointer, 8)[:] = value.to_bytes(8, "little")

    def put(self, pointer: int, data: bytes) -> None:
        """Store bytes."""
        self.part(pointer, len(data))[:] = data
