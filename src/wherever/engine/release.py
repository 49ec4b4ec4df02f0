"""Owns which release of the engine this room is made for, and what processor its code is for.

Light on purpose: a start of `wherever run` needs both, and neither the library nor ctypes.
"""

from __future__ import annotations

import os

__all__ = ["VERSION", "processor"]

VERSION = "50.0.1"
"""The only release of wasmtime whose layouts the tables of this room describe (ADR 0001)."""

_WORDS = (b"flags", b"Features", b"isa")  # what /proc/cpuinfo calls them: x86, aarch64, riscv


def processor() -> str:
    """The processor as far as machine code depends on it: its architecture and its features."""
    return f"{os.uname().machine} {_features()}"


def _features() -> str:
    """The first core's features; 30 us, since the kernel writes only what is read."""
    try:
        fd = os.open("/proc/cpuinfo", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # another system: the engine itself refuses code for features that are absent
        return ""
    try:
        lines = os.read(fd, 8192).split(b"\n")
    finally:
        os.close(fd)
    for line in lines:
        name, _, value = line.partition(b":")
        if name.strip() in _WORDS:
            return value.strip().decode("ascii", "replace")
    return ""
