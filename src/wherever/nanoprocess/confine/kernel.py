"""Owns the few calls of confinement that Python does not offer, through the C library."""

from __future__ import annotations

import ctypes
import os

__all__ = ["LANDLOCK_SYSCALLS", "PR_SET_NO_NEW_PRIVS", "prctl", "setrlimit", "syscall"]

PR_SET_NO_NEW_PRIVS = 38
# landlock_create_ruleset, landlock_add_rule, landlock_restrict_self: the same on every architecture
LANDLOCK_SYSCALLS = (444, 445, 446)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def prctl(option: int, two: int = 0, three: int = 0, four: int = 0, five: int = 0) -> None:
    """prctl(2); raises OSError."""
    words = [ctypes.c_ulong(word) for word in (two, three, four, five)]
    if _libc.prctl(option, *words):
        _fail()


def syscall(number: int, *arguments: int) -> int:
    """syscall(2); raises OSError."""
    result: int = _libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    if result < 0:
        _fail()
    return result


def setrlimit(which: int, value: int) -> None:
    """setrlimit(2), soft and hard at once; never raises a limit above what it was."""
    pair = (ctypes.c_uint64 * 2)()
    if _libc.getrlimit(which, pair):
        _fail()
    hard = min(value, pair[1])
    pair[0], pair[1] = min(value, hard), hard
    if _libc.setrlimit(which, pair):
        _fail()


def _fail() -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
