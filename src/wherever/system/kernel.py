"""Owns the Linux system calls that Python lacks: openat2, utimensat on a handle, fstatfs, ppoll.

Each is a thin function over libc's `syscall`, raising OSError as the `os` module does. What the
running kernel does not offer is found out once and reported by a constant or by None, never by a
wrong result.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Final

__all__ = [
    "AT_EMPTY_PATH",
    "HAS_OPENAT2",
    "Filesystem",
    "chmod_handle",
    "chown_handle",
    "filesystem_type",
    "openat2",
    "poll_descriptors",
    "rename_no_replace",
    "utimes_handle",
]

AT_EMPTY_PATH: Final = 0x1000
_O_PATH: Final = 0o10000000
_UTIME_NOW: Final = (1 << 30) - 1
_UTIME_OMIT: Final = (1 << 30) - 2

# Numbers since Linux 5.0 are the same on every architecture; the older ones are the "generic"
# table's (aarch64, riscv64) or x86-64's own.
_X86: Final = os.uname().machine == "x86_64"
_SYS_OPENAT2: Final = 437
_SYS_FCHMODAT2: Final = 452
_SYS_UTIMENSAT: Final = 280 if _X86 else 88
_SYS_FCHOWNAT: Final = 260 if _X86 else 54
_SYS_PPOLL: Final = 271 if _X86 else 73
_SYS_RENAMEAT2: Final = 316 if _X86 else 276

# openat2(2): never above the starting directory, never through /proc's magic links
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_NO_SYMLINKS: Final = 0x04
_RESOLVE_BENEATH: Final = 0x08

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_fstatfs = _libc.fstatfs
_fstatfs.argtypes = [ctypes.c_int, ctypes.c_void_p]


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_HOW_SIZE: Final = ctypes.c_size_t(ctypes.sizeof(_OpenHow))
_NR_OPENAT2: Final = ctypes.c_long(_SYS_OPENAT2)


def _failed(path: bytes | None = None) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), path)


def openat2(directory: int, path: bytes, flags: int, mode: int = 0, *, links: bool = True) -> int:
    """Open `path` beneath `directory` as openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS.

    With `links` false, no component may be a symbolic link (RESOLVE_NO_SYMLINKS). The kernel
    answers EAGAIN when it cannot rule out a race with a rename; the caller decides how often to
    try again.
    """
    if b"\0" in path:
        raise OSError(errno.EINVAL, "a path cannot hold a NUL byte", path)
    resolve = _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS
    if not links:
        resolve |= _RESOLVE_NO_SYMLINKS
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    while True:
        result = _syscall(_NR_OPENAT2, ctypes.c_int(directory), path, ctypes.byref(how), _HOW_SIZE)
        if result >= 0:
            return int(result)
        if ctypes.get_errno() != errno.EINTR:
            raise _failed(path)


def _probe_openat2() -> bool:
    try:
        here = os.open("/", _O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.close(openat2(here, b".", _O_PATH))
    except OSError:
        return False  # ENOSYS before Linux 5.6; EPERM under a seccomp filter that does not know it
    finally:
        os.close(here)
    return True


HAS_OPENAT2: Final = _probe_openat2()


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


_TwoTimes = _Timespec * 2


def _timespec(time: int | None) -> _Timespec:
    """A time for utimensat(2) in ns since the epoch; None leaves the stored one."""
    if time is None:
        return _Timespec(0, _UTIME_OMIT)
    return _Timespec(time // 1_000_000_000, time % 1_000_000_000)


def utimes_handle(handle: int, accessed: int | None, modified: int | None) -> None:
    """Set the times of what `handle` refers to, even where it was opened with O_PATH."""
    times = _TwoTimes(_timespec(accessed), _timespec(modified))
    result = _syscall(
        ctypes.c_long(_SYS_UTIMENSAT),
        ctypes.c_int(handle),
        b"",
        ctypes.byref(times),
        ctypes.c_int(AT_EMPTY_PATH),
    )
    if result < 0:
        raise _failed()


def chmod_handle(handle: int, mode: int) -> None:
    """Set the mode bits of what `handle` (possibly O_PATH) refers to."""
    result = _syscall(
        ctypes.c_long(_SYS_FCHMODAT2),
        ctypes.c_int(handle),
        b"",
        ctypes.c_uint(mode),
        ctypes.c_int(AT_EMPTY_PATH),
    )
    if result >= 0:
        return
    if ctypes.get_errno() != errno.ENOSYS:
        raise _failed()
    os.chmod(f"/proc/self/fd/{handle}", mode)  # noqa: PTH101  # before Linux 6.6


def chown_handle(handle: int, uid: int, gid: int) -> None:
    """Set the owner of what `handle` (possibly O_PATH) refers to; -1 leaves one as it is."""
    result = _syscall(
        ctypes.c_long(_SYS_FCHOWNAT),
        ctypes.c_int(handle),
        b"",
        ctypes.c_uint(uid & 0xFFFFFFFF),
        ctypes.c_uint(gid & 0xFFFFFFFF),
        ctypes.c_int(AT_EMPTY_PATH),
    )
    if result < 0:
        raise _failed()


def rename_no_replace(directory: int, name: bytes, other: int, other_name: bytes) -> None:
    """renameat2(2) with RENAME_NOREPLACE: EEXIST if the new name is taken, with no race."""
    result = _syscall(
        ctypes.c_long(_SYS_RENAMEAT2),
        ctypes.c_int(directory),
        name,
        ctypes.c_int(other),
        other_name,
        ctypes.c_uint(1),
    )
    if result < 0:
        raise _failed(name)


class Filesystem:
    """The f_type numbers of statfs(2) that a grant must know."""

    PROC: Final = 0x9FA0
    # Kernel interfaces: files whose bytes are commands to the kernel, not data.
    KERNEL: Final = frozenset(
        {
            0x9FA0,  # proc
            0x62656572,  # sysfs
            0x27E0EB,  # cgroup
            0x63677270,  # cgroup2
            0x64626720,  # debugfs
            0x74726163,  # tracefs
            0x62656570,  # configfs
            0x73636673,  # securityfs
            0xF97CFF8C,  # selinuxfs
            0xCAFE4A11,  # bpf
            0x6165676C,  # pstore
            0xDE5E81E4,  # efivarfs
            0x42494E4D,  # binfmt_misc
            0x6E736673,  # nsfs
            0x65735543,  # fusectl
        }
    )


def filesystem_type(handle: int) -> int:
    """The f_type of the filesystem that `handle` is on."""
    buffer = (ctypes.c_ulong * 32)()  # struct statfs is 120 bytes; f_type is its first word
    if _fstatfs(handle, ctypes.byref(buffer)) < 0:
        raise _failed()
    return int(buffer[0]) & 0xFFFFFFFF


class _PollDescriptor(ctypes.Structure):
    _fields_ = (("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short))


def poll_descriptors(wanted: list[tuple[int, int]], timeout: int | None) -> list[int]:
    """ppoll(2): the returned events for each (descriptor, events); `timeout` in ns, None for ever.

    select.poll rounds to milliseconds; a guest's sleep should be exact. An interrupted wait
    returns no events, so that Python runs its signal handlers before the caller waits again.
    """
    count = len(wanted)
    array = (_PollDescriptor * max(count, 1))()
    for slot, (fd, events) in zip(array, wanted, strict=False):
        slot.fd = fd
        slot.events = events
    limit = None
    if timeout is not None:
        timeout = max(timeout, 0)
        limit = ctypes.byref(_Timespec(timeout // 1_000_000_000, timeout % 1_000_000_000))
    result = _syscall(
        ctypes.c_long(_SYS_PPOLL),
        ctypes.byref(array),
        ctypes.c_ulong(count),
        limit,
        None,
        ctypes.c_size_t(8),
    )
    if result < 0:
        if ctypes.get_errno() == errno.EINTR:
            return [0] * count
        raise _failed()
    return [array[i].revents for i in range(count)]
