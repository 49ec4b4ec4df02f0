"""Owns preview 1's process functions: arguments, environment, clocks, randomness, exit."""

from __future__ import annotations

import errno
from typing import Final

from wherever.hosts.wasi.abi import ClockId
from wherever.hosts.wasi.run import GuestExit, Preview1
from wherever.system.handles import refuse

_RANDOM_PIECE: Final = 1 << 20

__all__ = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
]


def _put_strings(run: Preview1, strings: list[bytes], pointers: int, buffer: int) -> int:
    memory = run.memory
    for string in strings:
        memory.put_u32(pointers, buffer)
        memory.put(buffer, string)
        pointers += 4
        buffer += len(string)
    return 0


def _put_sizes(run: Preview1, strings: list[bytes], count: int, size: int) -> int:
    run.memory.put_u32(count, len(strings))
    run.memory.put_u32(size, sum(map(len, strings)))
    return 0


def args_get(run: Preview1, argv: int, buffer: int) -> int:
    """Write the argument strings to `buffer` and a pointer to each to `argv`."""
    return _put_strings(run, run.arguments, argv, buffer)


def args_sizes_get(run: Preview1, count: int, size: int) -> int:
    """Write the number of arguments and the bytes they take."""
    return _put_sizes(run, run.arguments, count, size)


def environ_get(run: Preview1, environ: int, buffer: int) -> int:
    """Write the `NAME=value` strings to `buffer` and a pointer to each to `environ`."""
    return _put_strings(run, run.environment, environ, buffer)


def environ_sizes_get(run: Preview1, count: int, size: int) -> int:
    """Write the number of variables and the bytes they take."""
    return _put_sizes(run, run.environment, count, size)


def clock_res_get(run: Preview1, clock: int, result: int) -> int:
    """Write the resolution of a clock in nanoseconds."""
    if not 0 <= clock <= ClockId.THREAD_CPUTIME:
        raise refuse(errno.EINVAL)
    run.memory.put_u64(result, run.surroundings.clocks.resolution())
    return 0


def clock_time_get(run: Preview1, clock: int, precision: int, result: int) -> int:
    """Write the time of a clock in nanoseconds; `precision` is a wish that is always met."""
    del precision
    clocks = run.surroundings.clocks
    if clock == 1:
        now = clocks.monotonic()
    elif clock == 0:
        now = clocks.realtime()
    elif clock == 2:
        now = clocks.process_time()
    elif clock == 3:
        now = clocks.thread_time()
    else:
        raise refuse(errno.EINVAL)
    run.memory.put_u64(result, now)
    return 0


def random_get(run: Preview1, buffer: int, length: int) -> int:
    """Fill a buffer with random bytes."""
    part = run.memory.part(buffer, length)
    surroundings = run.surroundings
    if len(part) <= _RANDOM_PIECE:
        surroundings.randomness.fill(part)
        return 0
    for start in range(0, len(part), _RANDOM_PIECE):
        surroundings.interrupt.check()  # four gigabytes take seconds
        surroundings.randomness.fill(part[start : start + _RANDOM_PIECE])
    return 0


def sched_yield(run: Preview1) -> int:
    """Let others run: returning to the host did."""
    run.surroundings.interrupt.check()
    return 0


def proc_exit(run: Preview1, status: int) -> int:
    """End the guest with a status, unwinding it."""
    del run
    raise GuestExit(status & 0xFFFFFFFF)


def proc_raise(run: Preview1, signal: int) -> int:
    """Preview 1 kept this name but no meaning: no host has signals to send."""
    del run, signal
    raise refuse(errno.ENOTSUP)
