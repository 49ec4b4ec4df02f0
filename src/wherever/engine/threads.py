"""Owns whether a thread's own stack can hold a guest.

wasmtime counts the guest's stack from wherever the thread stands when it enters. On a thread with
less than that left, deep guest recursion would run over the end: a segmentation fault. So the size
of each thread's stack is asked once, and a thread that is too small is refused before it enters.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

from wherever.engine.profile import MAX_WASM_STACK
from wherever.errors import LimitExceeded

if TYPE_CHECKING:
    from threading import local
else:  # what `threading` takes it from; a worker has no time for the rest
    from _thread import _local as local

__all__ = ["NEEDED", "here", "refuse_thread"]

NEEDED = MAX_WASM_STACK + 512 * 1024
"""A guest's frames, and as much again for Python's own below and above them."""


def _stack_size() -> int:
    """The bytes of this thread's stack; a large number where the system has no way to ask."""
    if sys.platform != "linux":
        return 1 << 40
    libc = ctypes.CDLL(None)
    attributes = (ctypes.c_size_t * 16)()  # pthread_attr_t has 56 or 64 bytes
    pthread_self = libc.pthread_self
    pthread_self.restype = ctypes.c_size_t
    thread = ctypes.c_size_t(pthread_self())
    if libc.pthread_getattr_np(thread, ctypes.byref(attributes)):
        return 0
    size = ctypes.c_size_t()
    libc.pthread_attr_getstacksize(ctypes.byref(attributes), ctypes.byref(size))
    libc.pthread_attr_destroy(ctypes.byref(attributes))
    return size.value


class _Here(local):
    def __init__(self) -> None:
        self.size = _stack_size()
        self.fits = self.size >= NEEDED


here = _Here()
"""This thread: `fits` says whether a guest may run on it."""


def refuse_thread() -> LimitExceeded:
    """The error for a thread whose stack is too small."""
    return LimitExceeded(
        f"this thread's stack has {here.size >> 10} KiB and a guest needs {NEEDED >> 10} KiB: call "
        f"threading.stack_size({NEEDED}) or more before starting it",
        limit="stack",
        value=here.size,
        code="call stack exhausted",
    )
