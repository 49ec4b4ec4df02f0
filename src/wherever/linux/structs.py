"""Owns the layout of every structure that crosses a system call: described once, C is generated."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STRUCTS", "Field", "Struct", "layout"]

_SIZES = {"u8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8, "char": 1, "i8": 1}


@dataclass(frozen=True, slots=True)
class Field:
    """One member: a scalar, an array of scalars, or another structure of the table."""

    name: str
    type: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Struct:
    """One structure: `c_name` is what the system's own headers call it, None where they do not."""

    name: str
    fields: tuple[Field, ...]
    size: int
    header: str
    c_name: str | None
    packed: bool = False


def _s(
    name: str,
    size: int,
    header: str,
    fields: str,
    *,
    c_name: str | None = "",
    packed: bool = False,
) -> Struct:
    parsed: list[Field] = []
    for text in fields.replace("\n", ",").split(","):
        words = text.split()
        if not words:
            continue
        member, _, count = words[1].partition("[")
        parsed.append(Field(member, words[0], int(count.rstrip("]")) if count else 1))
    spelled = f"struct {name}" if c_name == "" else c_name
    return Struct(name, tuple(parsed), size, header, spelled, packed)


# header: the real header to check against, in zig's aarch64-linux-musl (or the kernel's own).
STRUCTS: tuple[Struct, ...] = (
    _s("timespec", 16, "time.h", "s64 tv_sec, s64 tv_nsec"),
    _s("timeval", 16, "sys/time.h", "s64 tv_sec, s64 tv_usec"),
    _s("timezone", 8, "sys/time.h", "s32 tz_minuteswest, s32 tz_dsttime"),
    _s("itimerspec", 32, "time.h", "timespec it_interval, timespec it_value"),
    _s("itimerval", 32, "sys/time.h", "timeval it_interval, timeval it_value"),
    _s("tms", 32, "sys/times.h", "s64 tms_utime, s64 tms_stime, s64 tms_cutime, s64 tms_cstime"),
    _s("iovec", 16, "sys/uio.h", "u64 iov_base, u64 iov_len"),
    _s(
        "stat",
        128,
        "asm/stat.h",
        """u64 st_dev, u64 st_ino, u32 st_mode, u32 st_nlink, u32 st_uid, u32 st_gid, u64 st_rdev
        u64 __pad1, s64 st_size, s32 st_blksize, s32 __pad2, s64 st_blocks
        s64 st_atime, u64 st_atime_nsec, s64 st_mtime, u64 st_mtime_nsec
        s64 st_ctime, u64 st_ctime_nsec, u32 __unused4, u32 __unused5""",
    ),
    _s(
        "stat_x86_64",
        144,
        "x86: asm/stat.h",
        """u64 st_dev, u64 st_ino, u64 st_nlink, u32 st_mode, u32 st_uid, u32 st_gid, u32 __pad0
        u64 st_rdev, s64 st_size, s64 st_blksize, s64 st_blocks, s64 st_atime, u64 st_atime_nsec
        s64 st_mtime, u64 st_mtime_nsec, s64 st_ctime, u64 st_ctime_nsec, s64 __unused[3]""",
        c_name=None,
    ),
    _s("statx_timestamp", 16, "linux/stat.h", "s64 tv_sec, u32 tv_nsec, s32 __reserved"),
    _s(
        "statx",
        256,
        "linux/stat.h",
        """u32 stx_mask, u32 stx_blksize, u64 stx_attributes, u32 stx_nlink, u32 stx_uid
        u32 stx_gid, u16 stx_mode, u16 __spare0, u64 stx_ino, u64 stx_size, u64 stx_blocks
        u64 stx_attributes_mask, statx_timestamp stx_atime, statx_timestamp stx_btime
        statx_timestamp stx_ctime, statx_timestamp stx_mtime, u32 stx_rdev_major
        u32 stx_rdev_minor, u32 stx_dev_major, u32 stx_dev_minor, u64 stx_mnt_id
        u32 stx_dio_mem_align, u32 stx_dio_offset_align, u64 spare[12]""",
    ),
    _s(
        "statfs",
        120,
        "sys/vfs.h",
        """u64 f_type, u64 f_bsize, u64 f_blocks, u64 f_bfree, u64 f_bavail, u64 f_files
        u64 f_ffree
        s32 fsid[2], u64 f_namelen, u64 f_frsize, u64 f_flags, u64 f_spare[4]""",
    ),
    _s("open_how", 24, "linux/openat2.h", "u64 flags, u64 mode, u64 resolve"),
    _s(
        "flock",
        32,
        "fcntl.h",
        "s16 l_type, s16 l_whence, u32 pad0, s64 l_start, s64 l_len, s32 l_pid, u32 pad1",
    ),
    _s("pollfd", 8, "poll.h", "s32 fd, s16 events, s16 revents"),
    _s("epoll_event", 16, "sys/epoll.h", "u32 events, u32 pad0, u64 data"),
    _s(
        "signalfd_siginfo",
        128,
        "sys/signalfd.h",
        "u32 ssi_signo, s32 ssi_errno, s32 ssi_code"
        ", u32 ssi_pid, u32 ssi_uid, s32 ssi_fd, u32 ssi_tid, u32 ssi_band, u32 ssi_overrun"
        ", u32 ssi_trapno, s32 ssi_status, s32 ssi_int, u64 ssi_ptr, u8 pad0[72]",
    ),
    _s(
        "utsname",
        390,
        "sys/utsname.h",
        """char sysname[65], char nodename[65], char release[65], char version[65]
        char machine[65], char domainname[65]""",
    ),
    _s(
        "sysinfo",
        112,
        "linux/sysinfo.h",
        """s64 uptime, u64 loads[3], u64 totalram, u64 freeram, u64 sharedram, u64 bufferram
        u64 totalswap, u64 freeswap, u16 procs, u16 pad, u32 pad0, u64 totalhigh, u64 freehigh
        u32 mem_unit, u32 pad1""",
    ),
    _s("rlimit", 16, "sys/resource.h", "u64 rlim_cur, u64 rlim_max"),
    _s(
        "rusage",
        144,
        "linux/resource.h",
        """timeval ru_utime, timeval ru_stime, s64 ru_maxrss, s64 ru_ixrss, s64 ru_idrss
        s64 ru_isrss, s64 ru_minflt, s64 ru_majflt, s64 ru_nswap, s64 ru_inblock, s64 ru_oublock
        s64 ru_msgsnd, s64 ru_msgrcv, s64 ru_nsignals, s64 ru_nvcsw, s64 ru_nivcsw""",
    ),
    _s("winsize", 8, "sys/ioctl.h", "u16 ws_row, u16 ws_col, u16 ws_xpixel, u16 ws_ypixel"),
    _s(
        "termios",
        36,
        "asm/termbits.h",
        "u32 c_iflag, u32 c_oflag, u32 c_cflag, u32 c_lflag, u8 c_line, u8 c_cc[19]",
    ),
    _s(
        "sigaction",
        32,
        "asm/signal.h",
        "u64 handler, u64 flags, u64 restorer, u64 mask",
        c_name=None,
    ),
    _s("stack", 24, "signal.h", "u64 ss_sp, s32 ss_flags, u32 pad0, u64 ss_size", c_name="stack_t"),
    _s(
        "siginfo",
        128,
        "signal.h",
        """s32 si_signo, s32 si_errno, s32 si_code, u32 pad0, s32 si_pid, u32 si_uid
        u64 si_value, u64 rest[12]""",
        c_name="siginfo_t",
    ),
    _s(
        "sigevent",
        64,
        "signal.h",
        "u64 sigev_value, s32 sigev_signo, s32 sigev_notify, s32 sigev_tid, u8 rest[44]",
    ),
    # arch/arm64/include/uapi/asm/{sigcontext,ucontext}.h
    _s(
        "sigcontext_aarch64",
        4384,
        "asm/sigcontext.h",
        "u64 fault_address, u64 regs[31], u64 sp, u64 pc, u64 pstate, u64 pad0, u8 reserved[4096]",
        c_name="struct sigcontext",
    ),
    _s(
        "fpsimd_context",
        528,
        "asm/sigcontext.h",
        "u32 magic, u32 size, u32 fpsr, u32 fpcr, u64 vregs[64]",
    ),
    _s(
        "ucontext_aarch64",
        4560,
        "asm/signal.h asm/sigcontext.h asm/ucontext.h",
        """u64 uc_flags, u64 uc_link, stack uc_stack, u64 uc_sigmask, u8 unused[120], u64 pad0
        sigcontext_aarch64 uc_mcontext""",
        c_name="struct ucontext",
    ),
    # What our own imports speak: one layout for every architecture.
    _s(
        "host_stat",
        104,
        "wherever_linux",
        """u64 dev, u64 ino, u32 mode, u32 nlink, u32 uid, u32 gid, u64 rdev, s64 size
        u64 blocks, u32 blksize, u32 pad, s64 atime, s64 mtime, s64 ctime
        u32 atime_nsec, u32 mtime_nsec, u32 ctime_nsec, u32 pad1""",
        c_name=None,
    ),
    # The contract with the translator: ABI.md.
    _s(
        "linux_image",
        120,
        "ABI.md",
        """u64 entry, u64 base, u64 phdr, u64 phent, u64 phnum, u64 image_start, u64 image_end
        u64 hwcap, u64 hwcap2, u64 segments, u64 segment_count, u64 symbols, u64 symbol_count
        u64 stack_size, u64 flags""",
        c_name=None,
    ),
    _s(
        "linux_segment",
        32,
        "ABI.md",
        "u64 start, u64 end, u64 protection, u64 file_offset",
        c_name=None,
    ),
    _s("linux_symbol", 8, "ABI.md", "u32 address, u32 name", c_name=None),
    _s(
        "linux_state",
        800,
        "ABI.md",
        """u64 x[31], u64 sp, u64 pc, u64 pstate, u64 tpidr_el0, u32 fpcr, u32 fpsr
        u64 v[64]""",
        c_name=None,
    ),
)

_BY_NAME = {struct.name: struct for struct in STRUCTS}


def _scalar(type_name: str) -> tuple[int, int]:
    """Size and alignment of a type, of a structure too."""
    if type_name in _SIZES:
        return _SIZES[type_name], _SIZES[type_name]
    inner = _BY_NAME[type_name]
    return inner.size, max(_scalar(field.type)[1] for field in inner.fields)


def layout(struct: Struct) -> dict[str, int]:
    """The offset of each member, by the C rules for LP64."""
    offsets: dict[str, int] = {}
    at = 0
    for field in struct.fields:
        size, align = _scalar(field.type)
        if not struct.packed:
            at = -(-at // align) * align
        offsets[field.name] = at
        at += size * field.count
    return offsets
