"""Owns the functions that programs call millions of times, bound with nothing in between.

Each does what its body in `files` and `process` does, for the arguments programs really give: one
vector, inside the memory as last looked at. Anything else goes to the ordinary binding, before
anything was done. `tests/hosts/wasi/test_direct.py` holds the two against each other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from wherever.hosts.wasi.abi import CIOVEC, U32, U64, Rights, errno_of
from wherever.hosts.wasi.run import Preview1

__all__ = ["DIRECT"]

Call = Callable[..., int]
_READ: Final = int(Rights.FD_READ)
_WRITE: Final = int(Rights.FD_WRITE)
_MOST_RANDOM: Final = 1 << 16


def _fd_write(run: Preview1, ordinary: Call) -> Call:
    slots, memory = run.fds.slots, run.memory
    unpack, pack = CIOVEC.unpack_from, U32.pack_into

    def fd_write(number: int, vectors: int, count: int, result: int) -> int:
        data = memory.data or memory.refresh()
        if count != 1 or result + 4 > len(data) or vectors + 8 > len(data):
            return ordinary(number, vectors, count, result)
        start, length = unpack(data, vectors)
        part = data[start : start + length]
        fd = slots.get(number)
        if len(part) != length or fd is None or not fd.rights & _WRITE:
            return ordinary(number, vectors, count, result)
        try:
            pack(data, result, fd.handle.write((part,)))
        except OSError as error:
            return errno_of(error)
        return 0

    return fd_write


def _fd_read(run: Preview1, ordinary: Call) -> Call:
    slots, memory = run.fds.slots, run.memory
    unpack, pack = CIOVEC.unpack_from, U32.pack_into

    def fd_read(number: int, vectors: int, count: int, result: int) -> int:
        data = memory.data or memory.refresh()
        if count != 1 or result + 4 > len(data) or vectors + 8 > len(data):
            return ordinary(number, vectors, count, result)
        start, length = unpack(data, vectors)
        part = data[start : start + length]
        fd = slots.get(number)
        if len(part) != length or not length or fd is None or not fd.rights & _READ:
            return ordinary(number, vectors, count, result)
        try:
            pack(data, result, fd.handle.read((part,)))
        except OSError as error:
            return errno_of(error)
        return 0

    return fd_read


def _clock_time_get(run: Preview1, ordinary: Call) -> Call:
    memory, pack = run.memory, U64.pack_into
    monotonic, realtime = run.surroundings.clocks.monotonic, run.surroundings.clocks.realtime

    def clock_time_get(clock: int, precision: int, result: int) -> int:
        try:
            if clock == 1:
                pack(memory.data or memory.refresh(), result, monotonic())
                return 0
            if clock == 0:
                pack(memory.data or memory.refresh(), result, realtime())
                return 0
        except struct.error:
            pass
        return ordinary(clock, precision, result)

    return clock_time_get


def _random_get(run: Preview1, ordinary: Call) -> Call:
    memory, fill = run.memory, run.surroundings.randomness.fill

    def random_get(buffer: int, length: int) -> int:
        part = (memory.data or memory.refresh())[buffer : buffer + length]
        if len(part) != length or length > _MOST_RANDOM:
            return ordinary(buffer, length)
        fill(part)
        return 0

    return random_get


DIRECT: Final[dict[str, Callable[[Preview1, Call], Call]]] = {
    "clock_time_get": _clock_time_get,
    "fd_read": _fd_read,
    "fd_write": _fd_write,
    "random_get": _random_get,
}
