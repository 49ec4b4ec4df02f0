"""Owns preview 1's fd_ functions: each gets a descriptor whose rights have been checked."""

from __future__ import annotations

import errno
from typing import Final

from wherever.hosts.wasi.abi import (
    DIRENT,
    FDSTAT,
    FILESTAT,
    PRESTAT,
    Errno,
    FdFlags,
    FstFlags,
    filetype_of,
)
from wherever.hosts.wasi.run import Descriptor, Preview1, Refused
from wherever.system.handles import Directory, File, Stat, Whence, refuse

__all__ = [
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "filestat_bytes",
    "times_of",
]

_U32: Final = 0xFFFFFFFF
_U64: Final = 0xFFFFFFFFFFFFFFFF
_MOST_OFFSET: Final = (1 << 63) - 1
_FST_ALL: Final = 15
_FD_ALL: Final = 31


def fd_write(run: Preview1, fd: Descriptor, vectors: int, count: int, result: int) -> int:
    """writev(2): straight from linear memory to the file."""
    memory = run.memory
    memory.put_u32(result, fd.handle.write(memory.vectors(vectors, count)))
    return 0


def fd_read(run: Preview1, fd: Descriptor, vectors: int, count: int, result: int) -> int:
    """readv(2): straight from the file to linear memory."""
    memory = run.memory
    parts = memory.vectors(vectors, count)
    memory.put_u32(result, fd.handle.read(parts) if parts else 0)
    return 0


def fd_pread(
    run: Preview1, fd: Descriptor, vectors: int, count: int, offset: int, result: int
) -> int:
    """preadv(2)."""
    file = fd.file()
    parts = run.memory.vectors(vectors, count)
    run.memory.put_u32(result, file.read_at(parts, _offset(offset)) if parts else 0)
    return 0


def fd_pwrite(
    run: Preview1, fd: Descriptor, vectors: int, count: int, offset: int, result: int
) -> int:
    """pwritev(2)."""
    file = fd.file()
    parts = run.memory.vectors(vectors, count)
    run.memory.put_u32(result, file.write_at(parts, _offset(offset)) if parts else 0)
    return 0


def fd_seek(run: Preview1, fd: Descriptor, offset: int, whence: int, result: int) -> int:
    """lseek(2). `offset` is signed."""
    if not 0 <= whence <= 2:
        raise refuse(errno.EINVAL)
    offset &= _U64
    signed = offset - (1 << 64) if offset >> 63 else offset
    run.memory.put_u64(result, fd.file().seek(signed, Whence(whence)))
    return 0


def fd_tell(run: Preview1, fd: Descriptor, result: int) -> int:
    """The position, as lseek(2) by 0 gives it."""
    run.memory.put_u64(result, fd.file().seek(0, Whence.CURRENT))
    return 0


def fd_advise(run: Preview1, fd: Descriptor, offset: int, length: int, advice: int) -> int:
    """posix_fadvise(2)."""
    del run
    if not 0 <= advice <= 5:
        raise refuse(errno.EINVAL)
    fd.file().advise(_offset(offset), _offset(length), advice)
    return 0


def fd_allocate(run: Preview1, fd: Descriptor, offset: int, length: int) -> int:
    """posix_fallocate(3)."""
    del run
    fd.file().allocate(_offset(offset), _offset(length))
    return 0


def fd_sync(run: Preview1, fd: Descriptor) -> int:
    """fsync(2)."""
    del run
    fd.handle.sync()
    return 0


def fd_datasync(run: Preview1, fd: Descriptor) -> int:
    """fdatasync(2)."""
    del run
    fd.handle.sync(data_only=True)
    return 0


def fd_close(run: Preview1, number: int) -> int:
    """close(2). Granted directories may be closed too: that only narrows."""
    run.fds.remove(number).handle.close()
    return 0


def fd_renumber(run: Preview1, source: int, target: int) -> int:
    """dup2(2) and close(2) of the source in one; both must be open."""
    fds = run.fds
    fds.get(target)
    moved = fds.get(source)
    if source == target:
        return 0
    previous = fds.place(target, moved)
    fds.remove(source)
    if previous is not None:
        previous.handle.close()
    return 0


def fd_fdstat_get(run: Preview1, fd: Descriptor, result: int) -> int:
    """The file type, flags and rights of a descriptor."""
    handle = fd.handle
    flags = 0
    if isinstance(handle, File):
        flags = (
            (FdFlags.APPEND.value if handle.append else 0)
            | (FdFlags.DSYNC.value if handle.data_sync else 0)
            | (FdFlags.NONBLOCK.value if handle.nonblock else 0)
            | (FdFlags.SYNC.value if handle.sync_writes else 0)
        )
    run.memory.put(result, FDSTAT.pack(fd.filetype(), flags, fd.rights, fd.inheriting))
    return 0


def fd_fdstat_set_flags(run: Preview1, fd: Descriptor, flags: int) -> int:
    """fcntl(F_SETFL)."""
    del run
    if flags & ~_FD_ALL:
        raise refuse(errno.EINVAL)
    fd.file().set_flags(
        append=bool(flags & FdFlags.APPEND),
        nonblock=bool(flags & FdFlags.NONBLOCK),
        data_sync=bool(flags & FdFlags.DSYNC),
        sync=bool(flags & FdFlags.SYNC),
    )
    return 0


def fd_fdstat_set_rights(run: Preview1, fd: Descriptor, rights: int, inheriting: int) -> int:
    """Give up rights; they do not come back."""
    del run
    rights &= _U64
    inheriting &= _U64
    if rights & ~fd.rights or inheriting & ~fd.inheriting:
        raise Refused(Errno.NOTCAPABLE)
    fd.rights = rights
    fd.inheriting = inheriting
    return 0


def filestat_bytes(found: Stat, filetype: int) -> bytes:
    """A `filestat` record."""
    return FILESTAT.pack(
        found.device & _U64,
        found.inode & _U64,
        filetype,
        found.links,
        found.size,
        found.accessed & _U64,
        found.modified & _U64,
        found.changed & _U64,
    )


def fd_filestat_get(run: Preview1, fd: Descriptor, result: int) -> int:
    """fstat(2)."""
    found = fd.handle.stat()
    run.memory.put(result, filestat_bytes(found, filetype_of(found.kind)))
    return 0


def fd_filestat_set_size(run: Preview1, fd: Descriptor, size: int) -> int:
    """ftruncate(2)."""
    del run
    fd.file().truncate(_offset(size))
    return 0


def times_of(
    run: Preview1, accessed: int, modified: int, flags: int
) -> tuple[int | None, int | None]:
    """What `fstflags` ask for: times to set, None to leave as they are."""
    if flags & ~_FST_ALL:
        raise refuse(errno.EINVAL)
    now = run.surroundings.clocks.realtime
    return (
        _time(accessed, flags & FstFlags.ATIM, flags & FstFlags.ATIM_NOW, now() if flags else 0),
        _time(modified, flags & FstFlags.MTIM, flags & FstFlags.MTIM_NOW, now() if flags else 0),
    )


def _time(given: int, use: int, use_now: int, now: int) -> int | None:
    if use and use_now:
        raise refuse(errno.EINVAL)
    if use_now:
        return now
    given &= _U64  # a libc wraps a time before 1970 round, and `filestat_bytes` gives it back so
    return (given - (given >> 63 << 64)) if use else None


def fd_filestat_set_times(
    run: Preview1, fd: Descriptor, accessed: int, modified: int, flags: int
) -> int:
    """futimens(2)."""
    fd.handle.set_times(*times_of(run, accessed, modified, flags))
    return 0


def fd_prestat_get(run: Preview1, number: int, result: int) -> int:
    """The length of a granted directory's path; EBADF tells the guest that there are no more."""
    name = run.preopen(number).preopen
    if name is None:
        raise refuse(errno.EBADF)
    run.memory.put(result, PRESTAT.pack(0, len(name)))
    return 0


def fd_prestat_dir_name(run: Preview1, fd: Descriptor, buffer: int, length: int) -> int:
    """The path under which a directory was granted."""
    if fd.preopen is None:
        raise refuse(errno.EBADF)
    if len(fd.preopen) > length & _U32:
        raise refuse(errno.ENAMETOOLONG)
    run.memory.put(buffer, fd.preopen)
    return 0


def fd_readdir(
    run: Preview1, fd: Descriptor, buffer: int, length: int, cookie: int, result: int
) -> int:
    """Entries from `cookie` on, the last cut off where the buffer ends, as the document has it.

    A cookie counts entries of the listing made when the guest asked from the start, so names
    made or removed meanwhile neither repeat nor skip others.
    """
    handle = fd.handle
    if not isinstance(handle, Directory):
        raise refuse(errno.ENOTDIR)
    part = run.memory.part(buffer, length)
    listing = fd.listing
    start = cookie & _U64
    if start == 0 or listing is None:
        fd.listing = listing = handle.entries()
    used = 0
    room = len(part)
    for index in range(start, len(listing)):
        name, kind, inode = listing[index]
        record = DIRENT.pack(index + 1, inode & _U64, len(name), filetype_of(kind)) + name
        piece = record[: room - used]
        part[used : used + len(piece)] = piece
        used += len(piece)
        if used == room:
            break
    run.memory.put_u32(result, used)
    return 0


def _offset(value: int) -> int:
    value &= _U64
    if value > _MOST_OFFSET:
        raise refuse(errno.EINVAL)
    return value
