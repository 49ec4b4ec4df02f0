"""Owns the seccomp filter (seccomp(2)): the system calls that a confined worker may still make.

One row a call: its name, its numbers, and what it is for. Everything else fails with EPERM; calls
that start programs or attach to processes end the worker.
"""

from __future__ import annotations

import ctypes
import os

from wherever.nanoprocess.confine.kernel import syscall

__all__ = ["SYSCALLS", "filter_program", "restrict_syscalls"]

_SECCOMP = (317, 277)
_SET_MODE_FILTER, _TSYNC = 1, 1
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38

# struct seccomp_data: nr at 0, arch at 4, args at 16, 8 bytes each (low word first)
_NR, _ARCH, _ARG0 = 0, 4, 16
_LOAD, _JUMP_EQ, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06

# architecture as uname gives it -> (AUDIT_ARCH, column of the table)
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000

# name: (x86_64, generic, when it is needed): "" always, "files" with a granted directory,
# "net" with a granted listener. None: the architecture does not have it.
SYSCALLS: dict[str, tuple[int | None, int | None, str]] = {
    # memory
    "mmap": (9, 222, ""), "mprotect": (10, 226, ""), "munmap": (11, 215, ""), "brk": (12, 214, ""),
    "mremap": (25, 216, ""), "madvise": (28, 233, ""), "membarrier": (324, 283, ""),
    # open descriptors
    "read": (0, 63, ""), "write": (1, 64, ""), "readv": (19, 65, ""), "writev": (20, 66, ""),
    "pread64": (17, 67, ""), "pwrite64": (18, 68, ""), "preadv": (295, 69, ""),
    "preadv2": (327, 286, ""), "pwritev2": (328, 287, ""),  # what os.preadv really calls
    "pwritev": (296, 70, ""), "lseek": (8, 62, ""), "close": (3, 57, ""), "fstat": (5, 80, ""),
    "dup": (32, 23, ""), "dup3": (292, 24, ""), "fcntl": (72, 25, ""), "ioctl": (16, 29, ""),
    "fsync": (74, 82, ""), "fdatasync": (75, 83, ""), "pipe2": (293, 59, ""),
    "eventfd2": (290, 19, ""), "memfd_create": (319, 279, ""), "close_range": (436, 436, ""),
    "ftruncate": (77, 46, ""), "copy_file_range": (326, 285, ""), "sendfile": (40, 71, ""),
    # waiting
    "poll": (7, None, ""), "ppoll": (271, 73, ""), "select": (23, None, ""),
    "pselect6": (270, 72, ""), "epoll_create1": (291, 20, ""), "epoll_ctl": (233, 21, ""),
    "epoll_wait": (232, None, ""), "epoll_pwait": (281, 22, ""), "futex": (202, 98, ""),
    "nanosleep": (35, 101, ""), "clock_nanosleep": (230, 115, ""), "sched_yield": (24, 124, ""),
    "timerfd_create": (283, 85, ""), "timerfd_settime": (286, 86, ""),
    # time, randomness, self
    "clock_gettime": (228, 113, ""), "clock_getres": (229, 114, ""), "gettimeofday": (96, 169, ""),
    "time": (201, None, ""), "getrandom": (318, 278, ""), "getpid": (39, 172, ""),
    "gettid": (186, 178, ""), "getrusage": (98, 165, ""), "sched_getaffinity": (204, 123, ""),
    "geteuid": (107, 175, ""), "getuid": (102, 174, ""), "getegid": (108, 177, ""),
    "getgid": (104, 176, ""), "getgroups": (115, 158, ""), "sysinfo": (99, 179, ""),
    "uname": (63, 160, ""),
    "restart_syscall": (219, 128, ""), "rseq": (334, 293, ""), "set_robust_list": (273, 99, ""),
    "set_tid_address": (218, 96, ""), "times": (100, 153, ""),
    # signals, ending
    "rt_sigaction": (13, 134, ""), "rt_sigprocmask": (14, 135, ""), "rt_sigreturn": (15, 139, ""),
    "sigaltstack": (131, 132, ""), "exit": (60, 93, ""), "exit_group": (231, 94, ""),
    # the channel to the parent
    "recvmsg": (47, 212, ""), "sendmsg": (46, 211, ""), "recvfrom": (45, 207, ""),
    "sendto": (44, 206, ""), "shutdown": (48, 210, ""), "getsockopt": (55, 209, ""),
    # files by name, which Landlock keeps inside the granted directories
    "openat": (257, 56, "files"), "openat2": (437, 437, "files"), "open": (2, None, "files"),
    "newfstatat": (262, 79, ""), "stat": (4, None, "files"), "lstat": (6, None, "files"),
    "statx": (332, 291, ""), "getdents64": (217, 61, "files"), "mkdirat": (258, 34, "files"),
    "mkdir": (83, None, "files"), "rmdir": (84, None, "files"), "unlinkat": (263, 35, "files"),
    "unlink": (87, None, "files"), "renameat": (264, 38, "files"),
    "renameat2": (316, 276, "files"), "linkat": (265, 37, "files"), "symlinkat": (266, 36, "files"),
    "readlinkat": (267, 78, "files"), "readlink": (89, None, "files"),
    "faccessat": (269, 48, "files"), "faccessat2": (439, 439, "files"),
    "access": (21, None, "files"), "utimensat": (280, 88, "files"), "fchmod": (91, 52, "files"),
    "fchmodat": (268, 53, "files"), "fchmodat2": (452, 452, "files"), "fallocate": (285, 47, ""),
    "fadvise64": (221, 223, ""), "fstatfs": (138, 44, "files"), "statfs": (137, 43, "files"),
    "fchown": (93, 55, "files"), "fchownat": (260, 54, "files"), "flock": (73, 32, "files"),
    "fchdir": (81, 50, "files"), "sync_file_range": (277, 84, "files"), "umask": (95, 166, ""),
    "getcwd": (79, 17, ""),
    # granted listeners
    "accept4": (288, 242, "net"), "accept": (43, 202, "net"), "getsockname": (51, 204, "net"),
    "getpeername": (52, 205, "net"), "setsockopt": (54, 208, "net"),
}  # fmt: skip

# Only a thread of our own, and signals only to ourselves (abort(3), raise(3)).
_CLONE = (56, 220)
_CLONE3 = 435
_TGKILL = (234, 131)

# The marks of a takeover: no code of ours makes them after the guest has started.
DEADLY: dict[str, tuple[int | None, int | None]] = {
    "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "init_module": (175, 105),
    "finit_module": (313, 273), "kexec_load": (246, 104), "bpf": (321, 280), "setuid": (105, 146),
    "mount": (165, 40), "pivot_root": (155, 41), "chroot": (161, 51), "setns": (308, 268),
    "unshare": (272, 97), "userfaultfd": (323, 282), "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425), "keyctl": (250, 219), "add_key": (248, 217),
    "fork": (57, None), "vfork": (58, None),
}  # fmt: skip


def restrict_syscalls(*, files: bool, net: bool) -> list[str]:
    """Install the filter for good; returns what could not be done, in words."""
    machine = os.uname().machine
    if machine not in _ARCHITECTURES:
        return [f"a seccomp filter for {machine}: system calls are not restricted"]
    program = filter_program(machine, files=files, net=net, pid=os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    header = (len(program) // 8).to_bytes(8, "little")  # struct sock_fprog, with its padding
    header += ctypes.addressof(code).to_bytes(8, "little")
    fprog = ctypes.create_string_buffer(header, len(header))
    number = _SECCOMP[_ARCHITECTURES[machine][1]]
    try:
        # For every thread at once: the engine may have started some before.
        left_out = syscall(number, _SET_MODE_FILTER, _TSYNC, ctypes.addressof(fprog))
    except OSError as error:
        return [f"seccomp ({error.strerror}): system calls are not restricted"]
    return [f"seccomp: thread {left_out} is not restricted"] if left_out else []


def filter_program(machine: str, *, files: bool, net: bool, pid: int) -> bytes:
    """The filter as BPF instructions: code, two jumps, one operand, 8 bytes each."""
    arch, column = _ARCHITECTURES[machine]
    needed = {"", *(["files"] if files else []), *(["net"] if net else [])}
    out: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQ, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NR),
    ]
    if machine == "x86_64":
        out += [(_JUMP_GE, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL)]
    for *numbers, why in SYSCALLS.values():
        number = numbers[column]
        if why in needed and isinstance(number, int):
            out += [(_JUMP_EQ, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for pair in DEADLY.values():
        number = pair[column]
        if number is not None:
            out += [(_JUMP_EQ, 0, 1, number), (_RETURN, 0, 0, _KILL)]
    out += [(_JUMP_EQ, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERRNO | _ENOSYS)]
    out += [
        (_JUMP_EQ, 0, 4, _CLONE[column]),
        (_LOAD, 0, 0, _ARG0),
        (_JUMP_SET, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _KILL),
        (_JUMP_EQ, 0, 4, _TGKILL[column]),
        (_LOAD, 0, 0, _ARG0),
        (_JUMP_EQ, 0, 1, pid),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
    ]
    return b"".join(
        code.to_bytes(2, "little") + bytes((yes, no)) + operand.to_bytes(4, "little")
        for code, yes, no, operand in out
    )
