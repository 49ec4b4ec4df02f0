"""Owns the numbers of WASI preview 1: errno values, rights, flags and the layout of its records."""

from __future__ import annotations

import enum
import errno
from struct import Struct
from typing import Final

from wherever.system.handles import Kind

__all__ = [
    "CIOVEC",
    "DIRECTORY_RIGHTS",
    "DIRENT",
    "EVENT",
    "FDSTAT",
    "FILESTAT",
    "FILE_RIGHTS",
    "PRESTAT",
    "SOCKET_RIGHTS",
    "STREAM_RIGHTS",
    "SUBSCRIPTION_CLOCK",
    "SUBSCRIPTION_FD",
    "SUBSCRIPTION_HEAD",
    "U16",
    "U32",
    "U64",
    "ClockId",
    "Errno",
    "FdFlags",
    "FileType",
    "FstFlags",
    "LookupFlags",
    "OFlags",
    "Rights",
    "errno_of",
    "filetype_of",
]

# The document's order is the numbering.
_ERRNO_NAMES: Final = tuple(
    """
    SUCCESS 2BIG ACCES ADDRINUSE ADDRNOTAVAIL AFNOSUPPORT AGAIN ALREADY BADF BADMSG BUSY CANCELED
    CHILD CONNABORTED CONNREFUSED CONNRESET DEADLK DESTADDRREQ DOM DQUOT EXIST FAULT FBIG
    HOSTUNREACH IDRM ILSEQ INPROGRESS INTR INVAL IO ISCONN ISDIR LOOP MFILE MLINK MSGSIZE
    MULTIHOP NAMETOOLONG NETDOWN NETRESET NETUNREACH NFILE NOBUFS NODEV NOENT NOEXEC NOLCK
    NOLINK NOMEM NOMSG NOPROTOOPT NOSPC NOSYS NOTCONN NOTDIR NOTEMPTY NOTRECOVERABLE NOTSOCK
    NOTSUP NOTTY NXIO OVERFLOW OWNERDEAD PERM PIPE PROTO PROTONOSUPPORT PROTOTYPE RANGE ROFS
    SPIPE SRCH STALE TIMEDOUT TXTBSY XDEV NOTCAPABLE
    """.split()  # noqa: SIM905  # a list of quoted words is harder to compare with the document
)


class Errno(enum.IntEnum):
    """The values that adapters name; the rest come by `errno_of`."""

    SUCCESS = 0
    BADF = 8
    FAULT = 21
    ILSEQ = 25
    INVAL = 28
    IO = 29
    NAMETOOLONG = 37
    NOTCAPABLE = 76
    NOTDIR = 54
    NOTSOCK = 57
    NOTSUP = 58
    OVERFLOW = 61
    PERM = 63


_OF_HOST: Final[dict[int, int]] = {
    host: number
    for number, name in enumerate(_ERRNO_NAMES)
    if (host := getattr(errno, f"E{name}", None)) is not None
}


def errno_of(error: OSError) -> int:
    """The WASI errno of a Linux one; what preview 1 has no name for is `io`."""
    return _OF_HOST.get(error.errno or 0, Errno.IO)


class FileType(enum.IntEnum):
    """`filetype`."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET_DGRAM = 5
    SOCKET_STREAM = 6
    SYMBOLIC_LINK = 7


_FILETYPES: Final = {
    Kind.REGULAR: 4,
    Kind.DIRECTORY: 3,
    Kind.SYMLINK: 7,
    Kind.CHARACTER: 2,
    Kind.BLOCK: 1,
    Kind.SOCKET: 6,
    Kind.FIFO: 0,  # preview 1 has no name for a pipe
    Kind.UNKNOWN: 0,
}


def filetype_of(kind: Kind) -> int:
    """The `filetype` of a kind of file."""
    return _FILETYPES[kind]


class ClockId(enum.IntEnum):
    """`clockid`."""

    REALTIME = 0
    MONOTONIC = 1
    PROCESS_CPUTIME = 2
    THREAD_CPUTIME = 3


class Rights(enum.IntFlag):
    """`rights`, in the document's order."""

    FD_DATASYNC = 1 << 0
    FD_READ = 1 << 1
    FD_SEEK = 1 << 2
    FD_FDSTAT_SET_FLAGS = 1 << 3
    FD_SYNC = 1 << 4
    FD_TELL = 1 << 5
    FD_WRITE = 1 << 6
    FD_ADVISE = 1 << 7
    FD_ALLOCATE = 1 << 8
    PATH_CREATE_DIRECTORY = 1 << 9
    PATH_CREATE_FILE = 1 << 10
    PATH_LINK_SOURCE = 1 << 11
    PATH_LINK_TARGET = 1 << 12
    PATH_OPEN = 1 << 13
    FD_READDIR = 1 << 14
    PATH_READLINK = 1 << 15
    PATH_RENAME_SOURCE = 1 << 16
    PATH_RENAME_TARGET = 1 << 17
    PATH_FILESTAT_GET = 1 << 18
    PATH_FILESTAT_SET_SIZE = 1 << 19
    PATH_FILESTAT_SET_TIMES = 1 << 20
    FD_FILESTAT_GET = 1 << 21
    FD_FILESTAT_SET_SIZE = 1 << 22
    FD_FILESTAT_SET_TIMES = 1 << 23
    PATH_SYMLINK = 1 << 24
    PATH_REMOVE_DIRECTORY = 1 << 25
    PATH_UNLINK_FILE = 1 << 26
    POLL_FD_READWRITE = 1 << 27
    SOCK_SHUTDOWN = 1 << 28
    SOCK_ACCEPT = 1 << 29


# Plain integers: an IntFlag operation costs a microsecond, and these are on every call's path.
_ALL: Final = int(~Rights(0)) & ((1 << 30) - 1)
DIRECTORY_RIGHTS: Final = int(
    Rights.FD_DATASYNC
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.PATH_CREATE_DIRECTORY
    | Rights.PATH_CREATE_FILE
    | Rights.PATH_LINK_SOURCE
    | Rights.PATH_LINK_TARGET
    | Rights.PATH_OPEN
    | Rights.FD_READDIR
    | Rights.PATH_READLINK
    | Rights.PATH_RENAME_SOURCE
    | Rights.PATH_RENAME_TARGET
    | Rights.PATH_FILESTAT_GET
    | Rights.PATH_FILESTAT_SET_SIZE
    | Rights.PATH_FILESTAT_SET_TIMES
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_TIMES
    | Rights.PATH_SYMLINK
    | Rights.PATH_REMOVE_DIRECTORY
    | Rights.PATH_UNLINK_FILE
    | Rights.POLL_FD_READWRITE
)
FILE_RIGHTS: Final = int(
    Rights.FD_DATASYNC
    | Rights.FD_READ
    | Rights.FD_SEEK
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_TELL
    | Rights.FD_WRITE
    | Rights.FD_ADVISE
    | Rights.FD_ALLOCATE
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_SIZE
    | Rights.FD_FILESTAT_SET_TIMES
    | Rights.POLL_FD_READWRITE
)
# No SEEK or TELL: that is how wasi-libc's isatty tells a stream from a file.
STREAM_RIGHTS: Final = int(
    Rights.FD_READ
    | Rights.FD_WRITE
    | Rights.FD_DATASYNC
    | Rights.FD_SYNC
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_FILESTAT_GET
    | Rights.POLL_FD_READWRITE
)
SOCKET_RIGHTS: Final = STREAM_RIGHTS | int(Rights.SOCK_SHUTDOWN | Rights.SOCK_ACCEPT)


class FdFlags(enum.IntFlag):
    """`fdflags`."""

    APPEND = 1
    DSYNC = 2
    NONBLOCK = 4
    RSYNC = 8
    SYNC = 16


class OFlags(enum.IntFlag):
    """`oflags`."""

    CREAT = 1
    DIRECTORY = 2
    EXCL = 4
    TRUNC = 8


class FstFlags(enum.IntFlag):
    """`fstflags`."""

    ATIM = 1
    ATIM_NOW = 2
    MTIM = 4
    MTIM_NOW = 8


class LookupFlags(enum.IntFlag):
    """`lookupflags`."""

    SYMLINK_FOLLOW = 1


U16: Final = Struct("<H")
U32: Final = Struct("<I")
U64: Final = Struct("<Q")
CIOVEC: Final = Struct("<II")  # buf, buf_len
FDSTAT: Final = Struct("<BxH4xQQ")  # fs_filetype, fs_flags, fs_rights_base, fs_rights_inheriting
FILESTAT: Final = Struct("<QQB7xQQQQQ")  # dev, ino, filetype, nlink, size, atim, mtim, ctim
PRESTAT: Final = Struct("<B3xI")  # tag (0: directory), pr_name_len
DIRENT: Final = Struct("<QQIB3x")  # d_next, d_ino, d_namlen, d_type
EVENT: Final = Struct("<QHB5xQH6x")  # userdata, error, type, nbytes, flags
SUBSCRIPTION_HEAD: Final = Struct("<QB7x")  # userdata, tag; 48 bytes a subscription
SUBSCRIPTION_CLOCK: Final = Struct("<I4xQQH6x")  # id, timeout, precision, flags (from byte 16)
SUBSCRIPTION_FD: Final = Struct("<I")  # file_descriptor (from byte 16)
