"""Owns the host's page protection of a guest's memory: what the guest may not touch, faults.

The kernel checks every access anyway, so this costs an access nothing (ADR 0056). It enforces
nothing against the guest, which is on its own side of the wall; only a worker, whose memory nobody
uses after the guest, may do it.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Final

from wherever.system.handles import refuse

if TYPE_CHECKING:
    from wherever.engine.externs import Memory
    from wherever.hosts.linux.run import Linux

__all__ = ["memory_protect", "protect_null"]

_PAGE: Final = 4096  # the guest's
_HOST_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_NULL: Final = 0x10000  # linux/ABI.md: never mapped
_PROT_NONE: Final = 0
_PROT_READ: Final = 1
_PROT_WRITE: Final = 2
_ALLOWED: Final = frozenset({_PROT_NONE, _PROT_READ, _PROT_READ | _PROT_WRITE})
_mprotect: Final = ctypes.CDLL(None, use_errno=True).mprotect
_mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def protect_null(memory: Memory) -> None:
    """Make the first 64 KiB of a memory fault."""
    if memory.refresh() >= _NULL:
        _protect(memory, 0, _NULL, _PROT_NONE)


def memory_protect(run: Linux, address: int, size: int, protection: int) -> int:
    """Pages of the guest's memory can be read, read and written, or neither from now on.

    Where the host's pages are larger than the guest's this does nothing: a page of the host would
    need two protections.
    """
    memory = run.memory
    if memory is None or _HOST_PAGE != _PAGE:
        return 0
    end = address + size
    if address % _PAGE or size % _PAGE or protection not in _ALLOWED:
        raise refuse(errno.EINVAL)
    if end > memory.size and end > memory.refresh():
        raise refuse(errno.EFAULT)
    _protect(memory, address, size, protection)
    return 0


def _protect(memory: Memory, address: int, size: int, protection: int) -> None:
    if _mprotect(memory.base + address, size, protection):
        number = ctypes.get_errno() or errno.ENOMEM
        raise OSError(number, os.strerror(number))
