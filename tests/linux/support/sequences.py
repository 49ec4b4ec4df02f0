"""Owns the sequences of system calls that the kernel and the personality both run: one a row."""

from __future__ import annotations

import struct

from differ import AT_FDCWD, Field, Out, Result, Step, sequence

__all__ = ["CREATE", "SEQUENCES"]

CREATE = "O_RDWR|O_CREAT"
S = sequence
FILE = ("openat", AT_FDCWD, "f", CREATE, 0o644)
HELLO = ("write", Result(0), b"hello world", 11)


def vec(*parts: bytes) -> bytes:
    """Room for iovecs: tests that use it fill pointers by hand, so empty ones only."""
    return b"".join(struct.pack("<QQ", 0, 0) for _ in parts)


SEQUENCES: dict[str, tuple[Step, ...]] = {
    # files
    "create and read back": S(FILE, HELLO, ("lseek", Result(0), 0, 0), ("read", Result(0), Out(32), 32)),
    "read at the end": S(FILE, HELLO, ("read", Result(0), Out(8), 8)),
    "open what is not there": S(("openat", AT_FDCWD, "nope", "O_RDONLY", 0)),
    "open below what is not there": S(("openat", AT_FDCWD, "no/pe", CREATE, 0o600)),
    "open below a file": S(FILE, ("openat", AT_FDCWD, "f/x", "O_RDONLY", 0)),
    "open a file with a slash": S(FILE, ("openat", AT_FDCWD, "f/", "O_RDONLY", 0)),
    "create with a slash": S(("openat", AT_FDCWD, "g/", CREATE, 0o600)),
    "exclusive": S(FILE, ("openat", AT_FDCWD, "f", "O_RDWR|O_CREAT|O_EXCL", 0o600)),
    "empty path": S(("openat", AT_FDCWD, "", "O_RDONLY", 0)),
    "a path too long": S(("openat", AT_FDCWD, "a" * 5000, "O_RDONLY", 0)),
    "a name too long": S(("openat", AT_FDCWD, "a" * 256, CREATE, 0o600)),
    "a name of 255": S(("openat", AT_FDCWD, "a" * 255, CREATE, 0o600)),
    "a bad dirfd": S(("openat", 77, "f", "O_RDONLY", 0)),
    "a file as dirfd": S(FILE, ("openat", Result(0), "g", "O_RDONLY", 0)),
    "truncate on open": S(FILE, HELLO, ("openat", AT_FDCWD, "f", "O_WRONLY|O_TRUNC", 0), ("fstat", Result(2), Out(144))),
    "append": S(FILE, HELLO, ("openat", AT_FDCWD, "f", "O_WRONLY|O_APPEND", 0), ("write", Result(2), b"!", 1), ("lseek", Result(2), 0, 1), ("lseek", Result(0), 0, 0), ("read", Result(0), Out(32), 32)),
    "write to what is read-only": S(FILE, ("openat", AT_FDCWD, "f", "O_RDONLY", 0), ("write", Result(1), b"x", 1)),
    "read from what is write-only": S(("openat", AT_FDCWD, "f", "O_WRONLY|O_CREAT", 0o600), ("read", Result(0), Out(4), 4)),
    "close twice": S(FILE, ("close", Result(0)), ("close", Result(0))),
    "close nothing": S(("close", -1), ("close", 99)),
    "directory for writing": S(("mkdirat", AT_FDCWD, "d", 0o755), ("openat", AT_FDCWD, "d", "O_RDWR", 0)),
    "create over a directory": S(("mkdirat", AT_FDCWD, "d", 0o755), ("openat", AT_FDCWD, "d", CREATE, 0o644)),
    "read a directory": S(("mkdirat", AT_FDCWD, "d", 0o755), ("openat", AT_FDCWD, "d", "O_RDONLY", 0), ("read", Result(1), Out(8), 8)),
    "O_DIRECTORY on a file": S(FILE, ("openat", AT_FDCWD, "f", "O_RDONLY|O_DIRECTORY", 0)),
    "bad access mode": S(("openat", AT_FDCWD, "f", 3, 0), ("openat", AT_FDCWD, "f", "O_RDWR|O_CREAT|O_DIRECTORY", 0o600)),
    "pread and pwrite": S(FILE, HELLO, ("pwrite64", Result(0), b"J", 1, 0), ("pread64", Result(0), Out(32), 32, 0), ("lseek", Result(0), 0, 1)),
    "pread past the end": S(FILE, HELLO, ("pread64", Result(0), Out(8), 8, 100)),
    "pread before the start": S(FILE, ("pread64", Result(0), Out(8), 8, -1), ("pwrite64", Result(0), b"x", 1, -5)),
    "a hole": S(FILE, ("pwrite64", Result(0), b"x", 1, 5000), ("fstat", Result(0), Out(144)), ("pread64", Result(0), Out(16), 16, 4990)),
    "seek": S(FILE, HELLO, ("lseek", Result(0), 3, 0), ("lseek", Result(0), 2, 1), ("lseek", Result(0), -4, 2), ("lseek", Result(0), -100, 1), ("lseek", Result(0), 0, 9), ("lseek", Result(0), 1000, 0)),
    "seek for data": S(FILE, HELLO, ("lseek", Result(0), 0, 3), ("lseek", Result(0), 3, 4), ("lseek", Result(0), 50, 3)),
    "seek of a bad fd": S(("lseek", 99, 0, 0)),
    "null buffer": S(FILE, ("write", Result(0), 0, 5), HELLO, ("pread64", Result(0), 8, 5, 0), ("write", Result(0), 0, 0)),
    "bad vectors": S(FILE, ("writev", Result(0), 0, 1), ("writev", Result(0), b"", -1), ("writev", Result(0), b"", 1025), ("writev", Result(0), vec(b"", b""), 2), ("readv", Result(0), vec(b""), 1)),
    "ftruncate": S(FILE, HELLO, ("ftruncate", Result(0), 5), ("fstat", Result(0), Out(144)), ("ftruncate", Result(0), 20), ("pread64", Result(0), Out(32), 32, 0), ("ftruncate", Result(0), -1)),
    "truncate": S(FILE, HELLO, ("truncate", "f", 3), ("fstat", Result(0), Out(144)), ("truncate", "nope", 3), ("mkdirat", AT_FDCWD, "d", 0o755), ("truncate", "d", 0), ("truncate", "f", -3)),
    "ftruncate what is read-only": S(FILE, ("openat", AT_FDCWD, "f", "O_RDONLY", 0), ("ftruncate", Result(1), 1)),
    "fallocate": S(FILE, ("fallocate", Result(0), 0, 0, 100), ("fstat", Result(0), Out(144)), ("fallocate", Result(0), 0, -1, 5), ("fallocate", Result(0), 0, 0, 0), ("fallocate", Result(0), 1, 0, 5000), ("fstat", Result(0), Out(144))),
    "sendfile": S(FILE, HELLO, ("openat", AT_FDCWD, "g", CREATE, 0o644), ("sendfile", Result(2), Result(0), struct.pack("<q", 6), 100), ("fstat", Result(2), Out(144)), ("pread64", Result(2), Out(16), 16, 0), ("sendfile", Result(2), 99, 0, 1)),
    "copy_file_range": S(FILE, HELLO, ("openat", AT_FDCWD, "g", CREATE, 0o644), ("copy_file_range", Result(0), struct.pack("<q", 0), Result(2), struct.pack("<q", 2), 5, 0), ("pread64", Result(2), Out(16), 16, 0), ("copy_file_range", Result(0), 0, Result(2), 0, 5, 1)),
    "fsync": S(FILE, ("fsync", Result(0)), ("fdatasync", Result(0)), ("fsync", 99), ("pipe2", Out(8, False), 0), ("fsync", Field(4, 0, 0))),
    "advice": S(FILE, ("fadvise64", Result(0), 0, 0, 3), ("fadvise64", Result(0), 0, 0, 99), ("readahead", Result(0), 0, 5)),
    "locks": S(FILE, ("flock", Result(0), 2), ("flock", Result(0), 8), ("flock", Result(0), 3), ("fcntl", Result(0), 6, struct.pack("<hhiqqii", 1, 0, 0, 0, 0, 0, 0)), ("fcntl", Result(0), 6, struct.pack("<hhiqqii", 9, 0, 0, 0, 0, 0, 0))),
    # descriptors
    "dup": S(FILE, HELLO, ("dup", Result(0)), ("lseek", Result(2), 0, 1), ("close", Result(0)), ("lseek", Result(2), 0, 0), ("read", Result(2), Out(5), 5), ("dup", 99)),
    "dup3": S(FILE, ("dup3", Result(0), 40, 0), ("dup3", Result(0), Result(0), 0), ("dup3", 99, 41, 0), ("dup3", Result(0), -1, 0), ("dup3", Result(0), 41, 1), ("fstat", 40, Out(144))),
    "fcntl flags": S(FILE, ("fcntl", Result(0), 1, 0), ("fcntl", Result(0), 2, 1), ("fcntl", Result(0), 1, 0), ("fcntl", Result(0), 9999, 0), ("fcntl", 99, 1, 0)),
    "fcntl append": S(FILE, HELLO, ("fcntl", Result(0), 4, 0o2000), ("lseek", Result(0), 0, 0), ("write", Result(0), b"X", 1), ("pread64", Result(0), Out(20), 20, 0)),
    "F_DUPFD": S(FILE, ("fcntl", Result(0), 0, 50), ("fstat", 50, Out(144)), ("fcntl", Result(0), 1030, 50), ("fcntl", 51, 1, 0), ("fcntl", Result(0), 0, -1)),
    "close_range": S(FILE, ("dup3", Result(0), 60, 0), ("dup3", Result(0), 61, 0), ("close_range", 60, 61, 0), ("close", 60), ("close_range", 9, 3, 0)),
    "O_PATH": S(FILE, HELLO, ("openat", AT_FDCWD, "f", "O_PATH", 0), ("read", Result(2), Out(4), 4), ("fstat", Result(2), Out(144)), ("fchmod", Result(2), 0o600), ("lseek", Result(2), 0, 0)),
    # names
    "mkdir": S(("mkdirat", AT_FDCWD, "d", 0o751), ("newfstatat", AT_FDCWD, "d", Out(144), 0), ("mkdirat", AT_FDCWD, "d", 0o755), ("mkdirat", AT_FDCWD, "d/e/f", 0o755), ("mkdirat", AT_FDCWD, "d/e/", 0o755), ("mkdirat", AT_FDCWD, "", 0o755)),
    "rmdir": S(("mkdirat", AT_FDCWD, "d", 0o755), ("mkdirat", AT_FDCWD, "d/e", 0o755), ("unlinkat", AT_FDCWD, "d", 0x200), ("unlinkat", AT_FDCWD, "d/e", 0x200), ("unlinkat", AT_FDCWD, "d", 0), ("unlinkat", AT_FDCWD, "d", 0x200), ("unlinkat", AT_FDCWD, "d", 0x200)),
    "rmdir of a file": S(FILE, ("unlinkat", AT_FDCWD, "f", 0x200), ("unlinkat", AT_FDCWD, "f/", 0), ("unlinkat", AT_FDCWD, "f", 0x99)),
    "rmdir dots": S(("mkdirat", AT_FDCWD, "d", 0o755), ("unlinkat", AT_FDCWD, "d/.", 0x200), ("mkdirat", AT_FDCWD, "d/e", 0o755), ("unlinkat", AT_FDCWD, "d/e/..", 0x200), ("unlinkat", AT_FDCWD, ".", 0)),
    "unlink and go on": S(FILE, HELLO, ("unlinkat", AT_FDCWD, "f", 0), ("fstat", Result(0), Out(144)), ("pread64", Result(0), Out(16), 16, 0), ("newfstatat", AT_FDCWD, "f", Out(144), 0)),
    "rename": S(FILE, HELLO, ("renameat2", AT_FDCWD, "f", AT_FDCWD, "g", 0), ("newfstatat", AT_FDCWD, "f", Out(144), 0), ("newfstatat", AT_FDCWD, "g", Out(144), 0)),
    "rename over": S(FILE, HELLO, ("openat", AT_FDCWD, "g", CREATE, 0o600), ("renameat", AT_FDCWD, "f", AT_FDCWD, "g"), ("newfstatat", AT_FDCWD, "g", Out(144), 0)),
    "rename no replace": S(FILE, ("openat", AT_FDCWD, "g", CREATE, 0o600), ("renameat2", AT_FDCWD, "f", AT_FDCWD, "g", 1), ("renameat2", AT_FDCWD, "f", AT_FDCWD, "h", 1), ("renameat2", AT_FDCWD, "h", AT_FDCWD, "i", 64)),
    "rename mixtures": S(FILE, ("mkdirat", AT_FDCWD, "d", 0o755), ("renameat", AT_FDCWD, "f", AT_FDCWD, "d"), ("renameat", AT_FDCWD, "d", AT_FDCWD, "f"), ("renameat", AT_FDCWD, "d", AT_FDCWD, "d/e"), ("renameat", AT_FDCWD, "nope", AT_FDCWD, "x"), ("renameat", AT_FDCWD, "f", AT_FDCWD, "x/"), ("renameat", AT_FDCWD, "d", AT_FDCWD, "e/"), ("renameat", AT_FDCWD, "e/.", AT_FDCWD, "g")),
    "rename to itself": S(FILE, ("renameat", AT_FDCWD, "f", AT_FDCWD, "f"), ("newfstatat", AT_FDCWD, "f", Out(144), 0)),
    "rename onto a full directory": S(("mkdirat", AT_FDCWD, "a", 0o755), ("mkdirat", AT_FDCWD, "b", 0o755), ("mkdirat", AT_FDCWD, "b/c", 0o755), ("renameat", AT_FDCWD, "a", AT_FDCWD, "b"), ("renameat", AT_FDCWD, "b/c", AT_FDCWD, "a")),
    "rename an open directory": S(("mkdirat", AT_FDCWD, "a", 0o755), ("openat", AT_FDCWD, "a", "O_RDONLY|O_DIRECTORY", 0), ("renameat", AT_FDCWD, "a", AT_FDCWD, "b"), ("openat", Result(1), "x", CREATE, 0o644), ("newfstatat", AT_FDCWD, "b/x", Out(144), 0)),
    "links": S(FILE, HELLO, ("linkat", AT_FDCWD, "f", AT_FDCWD, "g", 0), ("fstat", Result(0), Out(144)), ("linkat", AT_FDCWD, "f", AT_FDCWD, "g", 0), ("unlinkat", AT_FDCWD, "f", 0), ("newfstatat", AT_FDCWD, "g", Out(144), 0), ("linkat", AT_FDCWD, "nope", AT_FDCWD, "h", 0), ("linkat", AT_FDCWD, "g", AT_FDCWD, "h", 7)),
    "link of a directory": S(("mkdirat", AT_FDCWD, "d", 0o755), ("linkat", AT_FDCWD, "d", AT_FDCWD, "e", 0)),
    "symlinks": S(FILE, HELLO, ("symlinkat", "f", AT_FDCWD, "s"), ("readlinkat", AT_FDCWD, "s", Out(16), 16), ("newfstatat", AT_FDCWD, "s", Out(144), 0x100), ("newfstatat", AT_FDCWD, "s", Out(144), 0), ("readlinkat", AT_FDCWD, "f", Out(16), 16), ("readlinkat", AT_FDCWD, "s", Out(1), 1), ("readlinkat", AT_FDCWD, "s", Out(4), 0), ("symlinkat", "f", AT_FDCWD, "s"), ("symlinkat", "", AT_FDCWD, "t")),
    "dangling": S(("symlinkat", "nope", AT_FDCWD, "s"), ("openat", AT_FDCWD, "s", "O_RDONLY", 0), ("openat", AT_FDCWD, "s", CREATE, 0o644), ("newfstatat", AT_FDCWD, "nope", Out(144), 0), ("openat", AT_FDCWD, "s", "O_RDWR|O_CREAT|O_EXCL", 0o644)),
    "a loop": S(("symlinkat", "b", AT_FDCWD, "a"), ("symlinkat", "a", AT_FDCWD, "b"), ("openat", AT_FDCWD, "a", "O_RDONLY", 0), ("newfstatat", AT_FDCWD, "a", Out(144), 0), ("newfstatat", AT_FDCWD, "a", Out(144), 0x100)),
    "O_NOFOLLOW": S(FILE, ("symlinkat", "f", AT_FDCWD, "s"), ("openat", AT_FDCWD, "s", "O_RDONLY|O_NOFOLLOW", 0), ("openat", AT_FDCWD, "f", "O_RDONLY|O_NOFOLLOW", 0)),
    "through a linked directory": S(("mkdirat", AT_FDCWD, "d", 0o755), ("symlinkat", "d", AT_FDCWD, "s"), ("openat", AT_FDCWD, "s/f", CREATE, 0o644), ("newfstatat", AT_FDCWD, "d/f", Out(144), 0), ("newfstatat", AT_FDCWD, "s/../d/f", Out(144), 0), ("newfstatat", AT_FDCWD, "s/", Out(144), 0x100), ("unlinkat", AT_FDCWD, "s/", 0), ("unlinkat", AT_FDCWD, "s", 0)),
    "dots": S(("mkdirat", AT_FDCWD, "d", 0o755), ("mkdirat", AT_FDCWD, "d/e", 0o755), ("openat", AT_FDCWD, "d/e/../f", CREATE, 0o600), ("newfstatat", AT_FDCWD, "./d/./f", Out(144), 0), ("newfstatat", AT_FDCWD, "d/nope/../f", Out(144), 0), ("newfstatat", AT_FDCWD, "d/f/../f", Out(144), 0), ("newfstatat", AT_FDCWD, "d//e///../e", Out(144), 0)),
    "relative to a directory": S(("mkdirat", AT_FDCWD, "d", 0o755), ("openat", AT_FDCWD, "d", "O_RDONLY|O_DIRECTORY", 0), ("openat", Result(1), "f", CREATE, 0o644), ("newfstatat", Result(1), "../d/f", Out(144), 0), ("newfstatat", Result(1), "", Out(144), 0x1000), ("newfstatat", Result(1), "", Out(144), 0), ("fstat", Result(1), Out(144))),
    "chdir": S(("mkdirat", AT_FDCWD, "d", 0o755), ("chdir", "d"), ("openat", AT_FDCWD, "f", CREATE, 0o644), ("chdir", ".."), ("newfstatat", AT_FDCWD, "d/f", Out(144), 0), ("chdir", "d/f"), ("chdir", "nope"), ("openat", AT_FDCWD, "d", "O_RDONLY", 0), ("fchdir", Result(7)), ("newfstatat", AT_FDCWD, "f", Out(144), 0), ("fchdir", Result(2)), ("fchdir", 99)),
    "list": S(("mkdirat", AT_FDCWD, "d", 0o755), ("openat", AT_FDCWD, "d/one", CREATE, 0o644), ("mkdirat", AT_FDCWD, "d/two", 0o755), ("symlinkat", "one", AT_FDCWD, "d/three"), ("openat", AT_FDCWD, "d", "O_RDONLY", 0), ("getdents64", Result(4), Out(2048), 2048), ("getdents64", Result(4), Out(2048), 2048), ("lseek", Result(4), 0, 0), ("getdents64", Result(4), Out(2048), 2048), ("getdents64", Result(4), Out(8), 8), ("getdents64", Result(1), Out(99), 99)),
    "mknod": S(("mknodat", AT_FDCWD, "f", 0o100640, 0), ("newfstatat", AT_FDCWD, "f", Out(144), 0), ("mknodat", AT_FDCWD, "f", 0o100640, 0), ("mknodat", AT_FDCWD, "g", 0o040755, 0), ("mknodat", AT_FDCWD, "h", 0o170000, 0)),
    # metadata
    "chmod": S(FILE, ("fchmodat", AT_FDCWD, "f", 0o751), ("newfstatat", AT_FDCWD, "f", Out(144), 0), ("fchmod", Result(0), 0o400), ("fstat", Result(0), Out(144)), ("fchmodat", AT_FDCWD, "nope", 0o600), ("fchmod", 99, 0)),
    "umask": S(("umask", 0o077), ("openat", AT_FDCWD, "f", CREATE, 0o666), ("fstat", Result(1), Out(144)), ("mkdirat", AT_FDCWD, "d", 0o777), ("newfstatat", AT_FDCWD, "d", Out(144), 0), ("umask", 0)),
    "access": S(FILE, ("faccessat", AT_FDCWD, "f", 0), ("faccessat", AT_FDCWD, "f", 4), ("faccessat", AT_FDCWD, "f", 1), ("faccessat", AT_FDCWD, "nope", 0), ("faccessat", AT_FDCWD, "f", 99), ("fchmodat", AT_FDCWD, "f", 0o755), ("faccessat", AT_FDCWD, "f", 5), ("faccessat2", AT_FDCWD, "f", 0, 0x9000)),
    "times": S(FILE, ("utimensat", AT_FDCWD, "f", struct.pack("<4q", 1, 5, 1000000000, 7), 0), ("utimensat", AT_FDCWD, "f", struct.pack("<4q", 1, 2000000000, 1, 1), 0), ("utimensat", AT_FDCWD, "nope", 0, 0), ("utimensat", Result(0), 0, 0, 0), ("utimensat", AT_FDCWD, "f", struct.pack("<4q", 0, 0x3FFFFFFE, 0, 0x3FFFFFFE), 0)),
    "stat flags": S(FILE, ("newfstatat", AT_FDCWD, "f", Out(144), 0x8000), ("newfstatat", AT_FDCWD, "f", 8, 0), ("fstat", 99, Out(144)), ("newfstatat", AT_FDCWD, 8, Out(144), 0)),
    "xattr of nothing": S(("getxattr", "nope", "user.x", Out(8), 8)),
    # pipes and events
    "a pipe": S(("pipe2", Out(8, False), 0), ("write", Field(0, 0, 4), b"through", 7), ("read", Field(0, 0, 0), Out(16), 16), ("close", Field(0, 0, 4)), ("read", Field(0, 0, 0), Out(16), 16), ("lseek", Field(0, 0, 0), 0, 0)),
    "a pipe that would block": S(("pipe2", Out(8, False), "O_NONBLOCK"), ("read", Field(0, 0, 0), Out(4), 4), ("write", Field(0, 0, 0), b"x", 1), ("read", Field(0, 0, 4), Out(4), 4)),
    "a full pipe": S(("pipe2", Out(8, False), "O_NONBLOCK"), ("write", Field(0, 0, 4), b"x" * 65536, 65536), ("write", Field(0, 0, 4), b"x", 1), ("read", Field(0, 0, 0), Out(4096), 4096), ("write", Field(0, 0, 4), b"y" * 4096, 4096)),
    "pipe flags": S(("pipe2", Out(8, False), 0o7), ("pipe2", 0, 0), ("pipe2", Out(8, False), "O_CLOEXEC"), ("fcntl", Field(2, 0, 0), 1, 0), ("fcntl", Field(2, 0, 0), 1032, 0)),
    "bytes in a pipe": S(("pipe2", Out(8, False), 0), ("write", Field(0, 0, 4), b"12345", 5), ("ioctl", Field(0, 0, 0), 0x541B, struct.pack("<i", 0))),
    "splice": S(("pipe2", Out(8, False), 0), FILE, ("write", Result(1), b"spliced", 7), ("splice", Result(1), struct.pack("<q", 0), Field(0, 0, 4), 0, 7, 0), ("read", Field(0, 0, 0), Out(16), 16)),
    "eventfd": S(("eventfd2", 3, "O_NONBLOCK"), ("read", Result(0), Out(8), 8), ("read", Result(0), Out(8), 8), ("write", Result(0), struct.pack("<Q", 5), 8), ("write", Result(0), b"x", 1), ("write", Result(0), b"\xff" * 8, 8), ("read", Result(0), Out(8), 8)),
    "eventfd as semaphore": S(("eventfd2", 2, 0o4001), ("read", Result(0), Out(8), 8), ("read", Result(0), Out(8), 8), ("read", Result(0), Out(8), 8)),
    "eventfd flags": S(("eventfd2", 0, 0x99),),
    "timerfd": S(("timerfd_create", 1, "O_NONBLOCK"), ("timerfd_settime", Result(0), 0, struct.pack("<4q", 0, 0, 0, 1), 0), ("nanosleep", struct.pack("<2q", 0, 2000000), 0), ("read", Result(0), Out(8), 8), ("read", Result(0), Out(8), 8), ("timerfd_gettime", Result(0), Out(32)), ("timerfd_create", 99, 0)),
    "signalfd": S(("rt_sigprocmask", 0, struct.pack("<Q", 1 << 9), 0, 8), ("signalfd4", -1, struct.pack("<Q", 1 << 9), 8, "O_NONBLOCK"), ("read", Result(1), Out(128), 128), ("signalfd4", -1, struct.pack("<Q", 0), 4, 0)),
    "memfd": S(("memfd_create", "name", 0), ("write", Result(0), b"abc", 3), ("pread64", Result(0), Out(8), 8, 1), ("ftruncate", Result(0), 100), ("fstat", Result(0), Out(144, False)), ("memfd_create", "n" * 250, 0), ("memfd_create", "x", 0x8000)),
    # waiting
    "poll a pipe": S(("pipe2", Out(8, False), 0), ("ppoll", struct.pack("<ihh", -1, 1, 0), 1, struct.pack("<2q", 0, 0), 0, 8), ("ppoll", struct.pack("<ihh", 99, 1, 0), 1, 0, 0, 8), ("ppoll", 0, 0, struct.pack("<2q", 0, 1000), 0, 8), ("ppoll", 0, 0, struct.pack("<2q", 0, -1), 0, 8)),
    "select": S(("pselect6", 0, 0, 0, 0, struct.pack("<2q", 0, 1000), 0), ("pselect6", -1, 0, 0, 0, 0, 0), ("pselect6", 64, struct.pack("<Q", 1 << 50), 0, 0, struct.pack("<2q", 0, 0), 0)),
    "epoll": S(("epoll_create1", 0), ("pipe2", Out(8, False), 0), ("epoll_ctl", Result(0), 1, Field(1, 0, 0), b"\x01\0\0\0" + b"\7" * 12), ("epoll_ctl", Result(0), 1, Field(1, 0, 0), b"\x01\0\0\0" + b"\7" * 12), ("epoll_pwait", Result(0), Out(16, False), 1, 0, 0, 8), ("write", Field(1, 0, 4), b"x", 1), ("epoll_pwait", Result(0), Out(16, False), 1, 0, 0, 8), ("epoll_ctl", Result(0), 2, Field(1, 0, 0), 0), ("epoll_ctl", Result(0), 2, Field(1, 0, 0), 0), ("epoll_ctl", Result(0), 9, Field(1, 0, 0), b"\0" * 16), ("epoll_ctl", Result(0), 1, Result(0), b"\0" * 16), ("epoll_pwait", Result(0), Out(16, False), 0, 0, 0, 8)),
    "epoll of a file": S(("epoll_create1", 0), FILE, ("epoll_ctl", Result(0), 1, Result(1), b"\x01" + b"\0" * 15), ("epoll_ctl", Result(1), 1, Result(0), b"\x01" + b"\0" * 15)),
    # memory
    "mmap errors": S(("mmap", 0, 0, 3, 0x22, -1, 0), ("mmap", 0, 4096, 3, 0x20, -1, 0), ("mmap", 0, 4096, 3, 2, 99, 0), ("mmap", 0, 4096, 3, 0x22, -1, 5), ("munmap", 1, 4096), ("munmap", 0x10000000, 0)),
    "mmap and unmap": S(("mmap", 0, 8192, 3, 0x22, -1, 0), ("mprotect", Result(0), 4096, 1), ("read", 99, Result(0), 1), ("munmap", Result(0), 8192), ("madvise", Result(0), 4096, 4)),
    "mmap a file": S(FILE, HELLO, ("mmap", 0, 4096, 1, 2, Result(0), 0), ("write", Result(0), Result(2), 5), ("pread64", Result(0), Out(32), 32, 0)),
    "mmap what cannot": S(("openat", AT_FDCWD, "f", "O_WRONLY|O_CREAT", 0o600), ("mmap", 0, 4096, 1, 2, Result(0), 0), ("openat", AT_FDCWD, "f", "O_RDONLY", 0), ("mmap", 0, 4096, 3, 1, Result(2), 0), ("mmap", 0, 4096, 3, 2, Result(2), 0)),
    "read into what is read-only": S(FILE, HELLO, ("mmap", 0, 4096, 1, 0x22, -1, 0), ("pread64", Result(0), Result(2), 5, 0), ("mprotect", Result(2), 4096, 3), ("pread64", Result(0), Result(2), 5, 0), ("munmap", Result(2), 4096), ("pread64", Result(0), Result(2), 5, 0)),
    "shared file": S(FILE, ("ftruncate", Result(0), 4096), ("openat", AT_FDCWD, "g", CREATE, 0o644), ("write", Result(2), b"shared", 6), ("mmap", 0, 4096, 3, 1, Result(0), 0), ("pread64", Result(2), Result(4), 6, 0), ("msync", Result(4), 4096, 4), ("pread64", Result(0), Out(8), 8, 0), ("msync", Result(4), 4096, 5)),
    "mremap": S(("mmap", 0, 4096, 3, 0x22, -1, 0), ("mremap", Result(0), 4096, 16384, 1, 0), ("mremap", Result(1), 16384, 4096, 0, 0), ("mremap", Result(1), 4096, 0, 0, 0), ("mremap", Result(1), 4096, 8192, 8, 0), ("mremap", 3, 4096, 8192, 1, 0)),
    "mlock": S(("mmap", 0, 4096, 3, 0x22, -1, 0), ("mlock", Result(0), 4096), ("munlock", Result(0), 4096), ("mlockall", 0), ("madvise", Result(0), 4096, 999), ("mincore", Result(0), 4096, Out(1, False))),
    # time
    "clocks": S(("clock_gettime", 0, Out(16, False)), ("clock_gettime", 1, Out(16, False)), ("clock_gettime", 99, Out(16, False)), ("clock_gettime", 0, 8), ("clock_getres", 1, Out(16, False)), ("clock_getres", 50, 0)),
    "sleep": S(("nanosleep", struct.pack("<2q", 0, 1000), 0), ("nanosleep", struct.pack("<2q", 0, 1000000000), 0), ("nanosleep", struct.pack("<2q", -1, 0), 0), ("nanosleep", 8, 0), ("clock_nanosleep", 1, 1, struct.pack("<2q", 0, 1), 0), ("clock_nanosleep", 77, 0, struct.pack("<2q", 0, 1), 0)),
    "itimer": S(("setitimer", 0, struct.pack("<4q", 0, 0, 1000, 0), Out(32, False)), ("getitimer", 0, Out(32, False)), ("setitimer", 0, struct.pack("<4q", 0, 0, 0, 0), 0), ("getitimer", 0, Out(32)), ("setitimer", 7, 0, 0), ("setitimer", 0, struct.pack("<4q", 0, 0, 0, 1000000), 0)),
    "timers": S(("timer_create", 1, struct.pack("<Qii48x", 0, 10, 1), Out(4, False)), ("timer_settime", 0, 0, struct.pack("<4q", 0, 0, 1000, 0), 0), ("timer_gettime", 99, Out(32)), ("timer_delete", 99), ("timer_create", 99, 0, Out(4, False))),
    # signals
    "masks": S(("rt_sigprocmask", 0, struct.pack("<Q", 1 << 9), Out(8), 8), ("rt_sigprocmask", 2, struct.pack("<Q", (1 << 8) | (1 << 18)), Out(8), 8), ("rt_sigprocmask", 1, 0, Out(8), 8), ("rt_sigprocmask", 9, struct.pack("<Q", 0), 0, 8), ("rt_sigprocmask", 0, 0, 0, 4), ("rt_sigpending", Out(8), 8)),
    "sigaction errors": S(("rt_sigaction", 9, bytes(32), 0, 8), ("rt_sigaction", 65, 0, 0, 8), ("rt_sigaction", 10, 0, Out(32), 8), ("rt_sigaction", 10, 0, 0, 4), ("rt_sigaction", 0, 0, 0, 8)),
    "kill errors": S(("kill", 0x7FFFFFF0, 10), ("tkill", -1, 10), ("tgkill", 0, 0, 10), ("kill", 0, 99)),
    "wait for a signal": S(("rt_sigprocmask", 0, struct.pack("<Q", 1 << 9), 0, 8), ("rt_sigtimedwait", struct.pack("<Q", 1 << 9), 0, struct.pack("<2q", 0, 1000), 8), ("rt_sigtimedwait", struct.pack("<Q", 1 << 9), 0, struct.pack("<2q", 0, -1), 8)),
    "sigaltstack": S(("sigaltstack", 0, Out(24)), ("sigaltstack", struct.pack("<QiiQ", 4096, 0, 0, 100), 0), ("sigaltstack", struct.pack("<QiiQ", 4096, 77, 0, 65536), 0), ("sigaltstack", struct.pack("<QiiQ", 65536, 0, 0, 65536), 0), ("sigaltstack", 0, Out(24))),
    # process
    "identity errors": S(("getpgid", 0x7FFFFFF0), ("getsid", 0x7FFFFFF0), ("setpgid", 0, -1), ("getgroups", -1, 0), ("setuid", -1)),
    "no children": S(("wait4", -1, 0, 0, 0), ("wait4", -1, 0, 0x1000, 0), ("waitid", 0, 0, 0, 4, 0), ("waitid", 9, 0, 0, 4, 0)),
    "futex": S(("futex", b"\1\0\0\0", 128, 2, 0, 0, 0), ("futex", b"\1\0\0\0", 129, 2, 0, 0, 0), ("futex", b"\1\0\0\0", 128, 1, struct.pack("<2q", 0, 1000), 0, 0), ("futex", 3, 128, 1, 0, 0, 0), ("futex", b"\1\0\0\0", 128, 1, struct.pack("<2q", 0, -1), 0, 0)),
    "prctl": S(("prctl", 15, b"a name that is long\0", 0, 0, 0), ("prctl", 16, Out(16), 0, 0, 0), ("prctl", 3, 0, 0, 0, 0), ("prctl", 9999, 0, 0, 0, 0), ("prctl", 38, 2, 0, 0, 0), ("prctl", 38, 1, 0, 0, 0), ("prctl", 39, 0, 0, 0, 0)),
    "limits": S(("prlimit64", 0, 7, struct.pack("<QQ", 50, 60), 0), ("getrlimit", 7, Out(16)), ("getrlimit", 99, Out(16)), ("prlimit64", 0, 7, struct.pack("<QQ", 9, 8), 0), ("dup3", 1, 55, 0), ("dup3", 1, 49, 0), ("setrlimit", 4, struct.pack("<QQ", 0, 0)), ("getrlimit", 4, Out(16))),
    "sched": S(("sched_yield",), ("sched_getscheduler", 0), ("sched_get_priority_max", 1), ("sched_get_priority_min", 1), ("sched_get_priority_max", 99), ("sched_getparam", 0, Out(4)), ("setpriority", 0, 0, 19), ("getpriority", 0, 0), ("getpriority", 9, 0), ("sched_getaffinity", 0, 4, Out(8, False))),
    "random": S(("getrandom", Out(16, False), 16, 0), ("getrandom", Out(16, False), 16, 99), ("getrandom", 8, 16, 0)),
    "uname": S(("uname", 8), ("sysinfo", 8), ("getrusage", 99, Out(144, False)), ("getrusage", 0, Out(144, False)), ("times", 0)),
    "no terminal": S(FILE, ("ioctl", Result(0), 0x5401, Out(64)), ("ioctl", 99, 0x5401, Out(64)), ("ioctl", Result(0), 0x5413, Out(8)), ("ioctl", Result(0), 0x5421, struct.pack("<i", 1)), ("ioctl", Result(0), 0x5451, 0), ("fcntl", Result(0), 1, 0)),
    "devices": S(("openat", AT_FDCWD, "/dev/null", "O_RDWR", 0), ("write", Result(0), b"gone", 4), ("read", Result(0), Out(4), 4), ("openat", AT_FDCWD, "/dev/zero", "O_RDONLY", 0), ("read", Result(3), Out(8), 8), ("openat", AT_FDCWD, "/dev/full", "O_RDWR", 0), ("write", Result(5), b"x", 1), ("openat", AT_FDCWD, "/dev/urandom", "O_RDONLY", 0), ("read", Result(7), Out(8, False), 8), ("newfstatat", AT_FDCWD, "/dev/null", Out(144), 0), ("openat", AT_FDCWD, "/dev/nope", "O_RDONLY", 0)),
    "proc": S(("openat", AT_FDCWD, "/proc/self/maps", "O_RDONLY", 0), ("openat", AT_FDCWD, "/proc/self/nope", "O_RDONLY", 0), ("openat", AT_FDCWD, "/proc/self", "O_RDONLY|O_DIRECTORY", 0), FILE, ("openat", AT_FDCWD, "/proc/self/fd/99", "O_RDONLY", 0), ("newfstatat", AT_FDCWD, "/proc/cpuinfo", Out(144), 0)),
}  # fmt: skip
