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

__all__ = ["FAULTS", "GuestMemory", "LinearMemory"]

# What reaching outside the memory raises: the adapters turn these into EFAULT.
FAULTS: Final = (struct.error, IndexError)

_IOV_MAX: Final = 1024  # what one readv(2) takes
_MOST_VECTORS: Final = 1 << 16
_PATH_MAX: Final = 4096
_U32: Final = 0xFFFFFFFF


class LinearMemory(Protocol):
    """What the engine hands in: the bytes of a linear memory as they are now."""

    def view(self) -> memoryview:
        """The whole memory, writable; its length may have grown since the last call."""
        ...


class GuestMemory:
    """A guest's linear memory, read and written in place."""

    __slots__ = ("_memory",)

    def __init__(self, memory: LinearMemory) -> None:
        self._memory = memory

    def view(self) -> memoryview:
        """The whole memory now."""
        return self._memory.view()

    def part(self, pointer: int, length: int) -> memoryview:
        """`length` bytes at `pointer`, in place."""
        pointer &= _U32
        length &= _U32
        part = self._memory.view()[pointer : pointer + length]
        if len(part) != length:
            raise refuse(errno.EFAULT)
        return part

    def vectors(self, pointer: int, count: int) -> list[memoryview]:
        """The parts an array of `iovec` or `ciovec` names; empty ones are left out.

        No more than readv(2) takes at once: the rest is a short read or write.
        """
        memory = self._memory.view()
        if count == 1:  # by far the most common
            start, length = CIOVEC.unpack_from(memory, pointer & _U32)
            part = memory[start : start + length]
            if len(part) != length:
                raise refuse(errno.EFAULT)
            return [part] if length else []
        pointer &= _U32
        count &= _U32
        if count > _MOST_VECTORS:
            raise refuse(errno.EINVAL)
        array = memory[pointer : pointer + count * 8]
        if len(array) != count * 8:
            raise refuse(errno.EFAULT)
        parts: list[memoryview] = []
        for start, length in CIOVEC.iter_unpack(array):
            part = memory[start : start + length]
            if len(part) != length:
                raise refuse(errno.EFAULT)
            if length and len(parts) < _IOV_MAX:
                parts.append(part)
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

    def put_u32(self, pointer: int, value: int) -> None:
        """Store 32 bits."""
        U32.pack_into(self._memory.view(), pointer & _U32, value)

    def put_u64(self, pointer: int, value: int) -> None:
        """Store 64 bits."""
        U64.pack_into(self._memory.view(), pointer & _U32, value)

    def put(self, pointer: int, data: bytes) -> None:
        """Store bytes."""
        self.part(pointer, len(data))[:] = data
