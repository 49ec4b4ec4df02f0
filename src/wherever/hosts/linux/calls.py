"""Owns the bodies of `wherever_linux`: each checks its pointers and asks `system`, no one else.

The guest is hostile: every path is resolved by the resource it is relative to, every pointer is
checked by `GuestMemory`, and a failure is an OSError that the binding turns into a Linux errno.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import Final

from wherever.hosts.linux.run import GuestKilled, Linux
from wherever.hosts.wasi.abi import DIRECTORY_RIGHTS, FILE_RIGHTS, Rights
from wherever.hosts.wasi.run import Descriptor
from wherever.system.handles import Directory, File, Kind, Opening, Stat, refuse
from wherever.system.host_directory import HostDirectory
from wherever.system.host_file import HostFile, HostStream
from wherever.system.kernel import filesystem_type

__all__ = [
    "absent",
    "fd_chmod",
    "fd_chown",
    "fd_stat",
    "fd_statfs",
    "groups",
    "identity",
    "killed",
    "path_chmod",
    "path_chown",
    "path_mkdir",
    "path_open",
    "path_stat",
    "resume_bodies",
    "signal_actions",
    "tty_get",
    "tty_set",
    "tty_size",
]

# struct host_stat of wherever.linux.structs
_STAT: Final = struct.Struct("<QQIIIIQqQIIqqqIIII")
_STATFS: Final = struct.Struct("<7Q2i7Q")
_SECOND: Final = 1_000_000_000
_TERMIOS_SIZE: Final = 36
_TCGETS: Final = 0x5401
_TCSETS: Final = 0x5402
_TIOCGWINSZ: Final = 0x5413
_NAME_MAX: Final = 64
_U32: Final = 0xFFFFFFFF
_SIGNAL_MAX: Final = 64

# asm-generic/fcntl.h, with aarch64's own O_DIRECTORY and O_NOFOLLOW (arch/arm64/include/uapi)
_O_ACCMODE: Final = 3
_O_CREAT: Final = 0o100
_O_EXCL: Final = 0o200
_O_TRUNC: Final = 0o1000
_O_APPEND: Final = 0o2000
_O_NONBLOCK: Final = 0o4000
_O_DSYNC: Final = 0o10000
_O_DIRECTORY: Final = 0o40000
_O_NOFOLLOW: Final = 0o100000
_O_SYNC: Final = 0o4010000
_O_PATH: Final = 0o10000000

_READ: Final = int(Rights.FD_READ)
_WRITE: Final = int(Rights.FD_WRITE)


def _stat_bytes(found: Stat) -> bytes:
    regular = found.kind in {Kind.REGULAR, Kind.DIRECTORY}
    return _STAT.pack(
        found.device,
        found.inode,
        found.kind.value | found.mode,
        found.links,
        found.uid & _U32,
        found.gid & _U32,
        found.represents,
        found.size,
        -(-found.size // 4096) * 8 if regular else 0,
        1024 if found.kind is Kind.CHARACTER else 4096,
        0,
        found.accessed // _SECOND,
        found.modified // _SECOND,
        found.changed // _SECOND,
        found.accessed % _SECOND,
        found.modified % _SECOND,
        found.changed % _SECOND,
        0,
    )


def resume_bodies(run: Linux) -> int:
    """The module of resume bodies, which fills the guest's table of them (ADR 0016).

    Once: a guest that asks again finds the table as it is.
    """
    bring, run.bring = run.bring, None
    if bring is not None:
        bring()
    return 0


def path_stat(run: Linux, fd: Descriptor, path: int, size: int, follow: int, result: int) -> int:
    """fstatat(2), whole: modes, owners, links and the change time."""
    memory = run.wasi.memory
    found = fd.directory().stat_path(memory.path(path, size), follow=bool(follow))
    memory.put(result, _stat_bytes(found))
    return 0


def fd_stat(run: Linux, fd: Descriptor, result: int) -> int:
    """fstat(2), whole."""
    try:
        found = fd.handle.stat()
    except OSError as failure:
        if failure.errno != errno.EBADF:
            raise
        return -errno.ENOSYS  # a stream in memory: preview 1's answer will do
    run.wasi.memory.put(result, _stat_bytes(found))
    return 0


def _exclusively(directory: Directory, path: bytes, how: Opening) -> File | Directory | None:
    """Make the file with exactly its mode, whatever the umask of the host; None if it exists."""
    made = Opening(
        read=how.read,
        write=how.write,
        create=True,
        exclusive=True,
        append=how.append,
        nonblock=how.nonblock,
        sync=how.sync,
        data_sync=how.data_sync,
        follow=False,
        mode=how.mode,
    )
    try:
        opened = directory.open(path, made)
    except FileExistsError:
        return None
    if opened.stat().mode != how.mode & 0o777:
        opened.chmod(how.mode & 0o777)
    return opened


def path_open(
    run: Linux, fd: Descriptor, pointer: int, size: int, flags: int, mode: int, result: int
) -> int:
    """openat(2) with Linux's own flags and mode."""
    run_memory = run.wasi.memory
    directory = fd.directory()
    path = run_memory.path(pointer, size)
    access = flags & _O_ACCMODE
    if flags & _O_PATH:
        access = os.O_RDONLY
        flags &= ~(_O_CREAT | _O_TRUNC | _O_EXCL)
    write = access != os.O_RDONLY
    how = Opening(
        read=access != os.O_WRONLY,
        write=write,
        create=bool(flags & _O_CREAT),
        exclusive=bool(flags & _O_EXCL) and bool(flags & _O_CREAT),
        truncate=bool(flags & _O_TRUNC),
        directory=bool(flags & _O_DIRECTORY),
        append=bool(flags & _O_APPEND),
        nonblock=bool(flags & _O_NONBLOCK),
        sync=flags & _O_SYNC == _O_SYNC,
        data_sync=bool(flags & _O_DSYNC),
        follow=not flags & _O_NOFOLLOW,
        mode=mode & 0o777,
    )
    run_memory.put_u32(result, 0)  # EFAULT before anything is opened
    run.wasi.fds.room()
    opened: File | Directory | None = None
    if how.create:
        opened = _exclusively(directory, path, how)
        if opened is None and how.exclusive:
            raise refuse(errno.EEXIST, path)
    if opened is None:
        opened = directory.open(path, how)
    if isinstance(opened, Directory):
        rights, inheriting = DIRECTORY_RIGHTS, DIRECTORY_RIGHTS | FILE_RIGHTS
    else:
        rights = FILE_RIGHTS & ~(0 if how.read else _READ) & ~(0 if write else _WRITE)
        inheriting = 0
    opened_as = Descriptor(opened, rights & fd.inheriting, inheriting & fd.inheriting)
    run_memory.put_u32(result, run.wasi.fds.add(opened_as))
    return 0


def path_mkdir(run: Linux, fd: Descriptor, pointer: int, size: int, mode: int) -> int:
    """mkdirat(2) with exactly this mode."""
    directory = fd.directory()
    path = run.wasi.memory.path(pointer, size)
    mode &= 0o1777
    directory.make_directory(path, mode)
    if directory.stat_path(path, follow=False).mode & 0o1777 != mode:
        directory.chmod_path(path, mode, follow=False)
    return 0


def path_chmod(run: Linux, fd: Descriptor, pointer: int, size: int, follow: int, mode: int) -> int:
    """fchmodat(2); set-id bits are refused."""
    path = run.wasi.memory.path(pointer, size)
    fd.directory().chmod_path(path, mode & 0o7777, follow=bool(follow))
    return 0


def fd_chmod(run: Linux, fd: Descriptor, mode: int) -> int:
    """fchmod(2); set-id bits are refused."""
    del run
    fd.handle.chmod(mode & 0o7777)
    return 0


def _owner(number: int) -> int:
    return -1 if number & _U32 == _U32 else number & _U32


def path_chown(
    run: Linux, fd: Descriptor, pointer: int, size: int, follow: int, uid: int, gid: int
) -> int:
    """fchownat(2): what the host's kernel lets this process do."""
    path = run.wasi.memory.path(pointer, size)
    fd.directory().chown_path(path, _owner(uid), _owner(gid), follow=bool(follow))
    return 0


def fd_chown(run: Linux, fd: Descriptor, uid: int, gid: int) -> int:
    """fchown(2)."""
    del run
    fd.handle.chown(_owner(uid), _owner(gid))
    return 0


def fd_statfs(run: Linux, fd: Descriptor, result: int) -> int:
    """fstatfs(2) of a directory or file of the host; ENOSYS of what lives in memory."""
    handle = fd.handle
    if not isinstance(handle, HostDirectory | HostFile):
        return -errno.ENOSYS
    found = os.fstatvfs(handle.fd)
    packed = _STATFS.pack(
        filesystem_type(handle.fd),
        found.f_bsize,
        found.f_blocks,
        found.f_bfree,
        found.f_bavail,
        found.f_files,
        found.f_ffree,
        0,
        0,
        found.f_namemax,
        found.f_frsize,
        *[0] * 5,
    )
    run.wasi.memory.put(result, packed)
    return 0


def _terminal(fd: Descriptor) -> int:
    handle = fd.handle
    if not isinstance(handle, HostStream) or not handle.is_terminal():
        raise refuse(errno.ENOTTY)
    return handle.fd


def _settings(fd: int) -> bytes:
    return fcntl.ioctl(fd, _TCGETS, bytes(_TERMIOS_SIZE))


def tty_get(run: Linux, fd: Descriptor, result: int) -> int:
    """TCGETS: the kernel's `struct termios`, the same on every architecture we run on."""
    run.wasi.memory.put(result, _settings(_terminal(fd)))
    return 0


def tty_set(run: Linux, fd: Descriptor, when: int, pointer: int) -> int:
    """TCSETS, TCSETSW or TCSETSF; the terminal is given back as it was."""
    terminal = _terminal(fd)
    if when > 2:
        raise refuse(errno.EINVAL)
    wanted = bytes(run.wasi.memory.part(pointer, _TERMIOS_SIZE))
    run.remember_terminal(terminal, _settings(terminal))
    fcntl.ioctl(terminal, _TCSETS + when, wanted)
    return 0


def tty_size(run: Linux, fd: Descriptor, result: int) -> int:
    """TIOCGWINSZ."""
    run.wasi.memory.put(result, fcntl.ioctl(_terminal(fd), _TIOCGWINSZ, bytes(8)))
    return 0


def identity(run: Linux, result: int) -> int:
    """Real and effective user and group of this process, as the files it makes will have them."""
    ids = (os.getuid(), os.getgid(), os.geteuid(), os.getegid())
    run.wasi.memory.put(result, struct.pack("<4I", *ids))
    return 0


def groups(run: Linux, result: int, room: int) -> int:
    """Supplementary groups of this process: as many as there is room for; how many there are."""
    ids = os.getgroups()
    given = ids[:room]
    run.wasi.memory.put(result, struct.pack(f"<{len(given)}I", *given))
    return len(ids)


def signal_actions(run: Linux, come: int, caught: int, ignored: int) -> int:
    """Which of the host's signals the guest handles and ignores; `come` takes those that arrive."""
    signals = run.signals
    if signals is not None:
        word = run.wasi.memory.part(come, 4)

        def arrived(number: int) -> None:
            bits = int.from_bytes(word, "little") | 1 << number - 1
            word[:] = bits.to_bytes(4, "little")

        signals.actions(caught, ignored, arrived)
    return 0


def absent(run: Linux, number: int, pointer: int, size: int) -> int:
    """A system call that the personality does not have, named for the audit."""
    name = bytes(run.wasi.memory.part(pointer, min(size, _NAME_MAX)))
    shown = "".join(c if c.isalnum() or c == "_" else "?" for c in name.decode("ascii", "replace"))
    run.wasi.surroundings.decisions.deny(
        "system call", f"{shown} ({number})", "the Linux personality does not have it: ENOSYS"
    )
    return 0


def killed(run: Linux, signal: int) -> int:
    """The guest ends by a signal, unwinding it."""
    del run
    raise GuestKilled(signal if 0 < signal <= _SIGNAL_MAX else 9)
