"""Owns Landlock (landlock(7)): after it, the worker reaches only the granted directories."""

from __future__ import annotations

import ctypes
import os

from wherever.nanoprocess.confine.kernel import LANDLOCK_SYSCALLS, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["restrict_paths"]

_CREATE, _ADD_RULE, _RESTRICT = LANDLOCK_SYSCALLS
_VERSION_FLAG = 1
_PATH_BENEATH = 1

# linux/landlock.h, in bit order; the number is the ABI that brought the right
_FS_RIGHTS = {
    "execute": 1, "write_file": 1, "read_file": 1, "read_dir": 1, "remove_dir": 1,
    "remove_file": 1, "make_char": 1, "make_dir": 1, "make_reg": 1, "make_sock": 1,
    "make_fifo": 1, "make_block": 1, "make_sym": 1, "refer": 2, "truncate": 3, "ioctl_dev": 5,
}  # fmt: skip
_READ = ("read_file", "read_dir")
_WRITE = (
    *_READ, "write_file", "remove_dir", "remove_file", "make_dir", "make_reg", "make_sym",
    "refer", "truncate",
)  # fmt: skip
_NET_BIND, _NET_CONNECT, _NET_ABI = 1, 2, 4
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS, _SCOPE_ABI = 1, 2, 6


def restrict_paths(directories: Iterable[tuple[str, bool]]) -> list[str]:
    """Leave the process the given directories (path, writable) and no network.

    Returns what this kernel's Landlock lacks, in words; needs no_new_privs set.
    """
    try:
        abi = syscall(_CREATE, 0, 0, _VERSION_FLAG)
    except OSError as error:
        return [f"Landlock ({error.strerror}): files outside the grants are kept away by us alone"]
    handled = _bits(_FS_RIGHTS, abi)
    net = _NET_BIND | _NET_CONNECT if abi >= _NET_ABI else 0
    scoped = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if abi >= _SCOPE_ABI else 0
    words = [handled] + ([net] if abi >= _NET_ABI else []) + ([scoped] if abi >= _SCOPE_ABI else [])
    attributes = (ctypes.c_uint64 * len(words))(*words)
    rules = syscall(_CREATE, ctypes.addressof(attributes), ctypes.sizeof(attributes), 0)
    try:
        for path, writable in directories:
            _allow(rules, path, _bits(_WRITE if writable else _READ, abi))
        syscall(_RESTRICT, rules, 0)
    finally:
        os.close(rules)
    return _lacks(abi)


def _allow(rules: int, path: str, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = rights.to_bytes(8, "little") + fd.to_bytes(4, "little")  # packed: 12 bytes
        buffer = ctypes.create_string_buffer(rule, len(rule))
        syscall(_ADD_RULE, rules, _PATH_BENEATH, ctypes.addressof(buffer), 0)
    finally:
        os.close(fd)


def _bits(names: Iterable[str], abi: int) -> int:
    return sum(
        1 << bit
        for bit, (name, since) in enumerate(_FS_RIGHTS.items())
        if name in names and since <= abi
    )


def _lacks(abi: int) -> list[str]:
    return [
        f"Landlock ABI {needed} (this kernel has {abi}): {what} is kept away by us alone"
        for needed, what in (
            (3, "truncating"),
            (_NET_ABI, "TCP"),
            (_SCOPE_ABI, "signalling other processes"),
        )
        if abi < needed
    ]
