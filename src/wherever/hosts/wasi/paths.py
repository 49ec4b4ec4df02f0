"""Owns preview 1's path_ functions: names beneath an open directory."""

from __future__ import annotations

import errno
from typing import Final

from wherever.hosts.wasi.abi import (
    DIRECTORY_RIGHTS,
    FILE_RIGHTS,
    Errno,
    FdFlags,
    LookupFlags,
    OFlags,
    Rights,
    filetype_of,
)
from wherever.hosts.wasi.files import filestat_bytes, times_of
from wherever.hosts.wasi.run import Descriptor, Preview1, Refused
from wherever.system.handles import Directory, File, Opening, refuse

__all__ = [
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
]

_U32: Final = 0xFFFFFFFF
_U64: Final = 0xFFFFFFFFFFFFFFFF
_READ: Final = int(Rights.FD_READ)
_WRITE: Final = int(Rights.FD_WRITE)
_READ_WRITE: Final = _READ | _WRITE
_CREATE_FILE: Final = int(Rights.PATH_CREATE_FILE)
_SET_SIZE: Final = int(Rights.PATH_FILESTAT_SET_SIZE)
_FOLLOW: Final = int(LookupFlags.SYMLINK_FOLLOW)
_LINK_TARGET: Final = int(Rights.PATH_LINK_TARGET)
_RENAME_TARGET: Final = int(Rights.PATH_RENAME_TARGET)
_FD_ALL: Final = 31
_O_ALL: Final = 15


def path_open(
    run: Preview1,
    fd: Descriptor,
    lookup: int,
    pointer: int,
    length: int,
    oflags: int,
    rights: int,
    inheriting: int,
    fdflags: int,
    result: int,
) -> int:
    """openat(2). The rights asked for decide whether a file is opened to read or to write."""
    rights &= _U64
    inheriting &= _U64
    if lookup & ~_FOLLOW or oflags & ~_O_ALL or fdflags & ~_FD_ALL:
        raise refuse(errno.EINVAL)
    if rights & _READ_WRITE & ~fd.inheriting:
        raise Refused(Errno.NOTCAPABLE)
    rights &= fd.inheriting  # "all rights" means all that apply
    inheriting &= fd.inheriting
    create = bool(oflags & OFlags.CREAT)
    truncate = bool(oflags & OFlags.TRUNC)
    if (create and not fd.rights & _CREATE_FILE) or (truncate and not fd.rights & _SET_SIZE):
        raise Refused(Errno.NOTCAPABLE)
    directory = fd.directory()
    path = run.memory.path(pointer, length)
    as_directory = bool(oflags & OFlags.DIRECTORY)
    write = bool(rights & _WRITE)
    how = Opening(
        read=bool(rights & _READ) or not write,
        write=write,
        create=create,
        exclusive=bool(oflags & OFlags.EXCL),
        truncate=truncate,
        directory=as_directory,
        append=bool(fdflags & FdFlags.APPEND),
        nonblock=bool(fdflags & FdFlags.NONBLOCK),
        sync=bool(fdflags & FdFlags.SYNC),
        data_sync=bool(fdflags & (FdFlags.DSYNC | FdFlags.RSYNC)),
        follow=bool(lookup & _FOLLOW),
    )
    run.memory.put_u32(result, 0)  # EFAULT before anything is opened
    run.fds.room()
    opened = directory.open(path, how)
    held = rights & (FILE_RIGHTS if isinstance(opened, File) else DIRECTORY_RIGHTS)
    number = run.fds.add(
        Descriptor(opened, held, inheriting if isinstance(opened, Directory) else 0)
    )
    run.memory.put_u32(result, number)
    return 0


def path_create_directory(run: Preview1, fd: Descriptor, pointer: int, length: int) -> int:
    """mkdirat(2)."""
    fd.directory().make_directory(run.memory.path(pointer, length))
    return 0


def path_remove_directory(run: Preview1, fd: Descriptor, pointer: int, length: int) -> int:
    """unlinkat(2) with AT_REMOVEDIR."""
    fd.directory().remove_directory(run.memory.path(pointer, length))
    return 0


def path_unlink_file(run: Preview1, fd: Descriptor, pointer: int, length: int) -> int:
    """unlinkat(2)."""
    fd.directory().unlink(run.memory.path(pointer, length))
    return 0


def path_filestat_get(
    run: Preview1, fd: Descriptor, lookup: int, pointer: int, length: int, result: int
) -> int:
    """fstatat(2)."""
    path = run.memory.path(pointer, length)
    found = fd.directory().stat_path(path, follow=bool(lookup & _FOLLOW))
    run.memory.put(result, filestat_bytes(found, filetype_of(found.kind)))
    return 0


def path_filestat_set_times(
    run: Preview1,
    fd: Descriptor,
    lookup: int,
    pointer: int,
    length: int,
    accessed: int,
    modified: int,
    flags: int,
) -> int:
    """utimensat(2)."""
    path = run.memory.path(pointer, length)
    times = times_of(run, accessed, modified, flags)
    fd.directory().set_path_times(path, *times, follow=bool(lookup & _FOLLOW))
    return 0


def path_readlink(
    run: Preview1,
    fd: Descriptor,
    pointer: int,
    length: int,
    buffer: int,
    size: int,
    result: int,
) -> int:
    """readlinkat(2): cut off at the size of the buffer."""
    target = fd.directory().readlink(run.memory.path(pointer, length))[: size & _U32]
    run.memory.put(buffer, target)
    run.memory.put_u32(result, len(target))
    return 0


def path_symlink(
    run: Preview1, target: int, target_length: int, fd: Descriptor, pointer: int, length: int
) -> int:
    """symlinkat(2)."""
    memory = run.memory
    fd.directory().symlink(memory.path(target, target_length), memory.path(pointer, length))
    return 0


def path_link(
    run: Preview1,
    fd: Descriptor,
    lookup: int,
    pointer: int,
    length: int,
    new_fd: int,
    new_pointer: int,
    new_length: int,
) -> int:
    """linkat(2). Following a final link is refused, as every preview 1 host does."""
    if lookup & _FOLLOW:
        raise refuse(errno.EINVAL)
    target = _second(run, new_fd, _LINK_TARGET)
    memory = run.memory
    fd.directory().link(memory.path(pointer, length), target, memory.path(new_pointer, new_length))
    return 0


def path_rename(
    run: Preview1,
    fd: Descriptor,
    pointer: int,
    length: int,
    new_fd: int,
    new_pointer: int,
    new_length: int,
) -> int:
    """renameat(2)."""
    target = _second(run, new_fd, _RENAME_TARGET)
    memory = run.memory
    fd.directory().rename(
        memory.path(pointer, length), target, memory.path(new_pointer, new_length)
    )
    return 0


def _second(run: Preview1, number: int, right: int) -> Directory:
    """The directory of the new name, which a table entry's rights do not cover."""
    descriptor = run.fds.get(number)
    if not descriptor.rights & right:
        raise Refused(Errno.NOTCAPABLE)
    return descriptor.directory()
