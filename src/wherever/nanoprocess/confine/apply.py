"""Owns the order in which a worker gives up its rights, after opening the grants."""

from __future__ import annotations

import os

from wherever.nanoprocess.confine.kernel import PR_SET_NO_NEW_PRIVS, prctl, setrlimit
from wherever.nanoprocess.confine.landlock import restrict_paths
from wherever.nanoprocess.confine.seccomp import restrict_syscalls
from wherever.policy import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.policy import Grants, Limits

__all__ = ["Confinement", "close_others", "confine"]

# bits/resource.h; the same on x86-64 and aarch64
_RLIMIT_CPU, _RLIMIT_DATA, _RLIMIT_CORE, _RLIMIT_NOFILE = 0, 2, 4, 7
_OWN_MEMORY = 768 << 20  # the interpreter, the engine, compiled code, host buffers
_OWN_FILES = 64


@frozen
class Confinement:
    """What the kernel lacked: each is a defence that only our own code gives here."""

    lacks: tuple[str, ...] = ()


def confine(grants: Grants, limits: Limits) -> Confinement:
    """Give up everything that the guest was not granted; there is no way back.

    Descriptors are not its business: `close_others` comes first, then the grants are opened.
    """
    lacks: list[str] = []
    setrlimit(_RLIMIT_CORE, 0)
    if limits.files is not None:
        setrlimit(_RLIMIT_NOFILE, limits.files + _OWN_FILES)
    if limits.memory is not None:
        setrlimit(_RLIMIT_DATA, limits.memory + _OWN_MEMORY)
    if limits.cpu is not None:
        setrlimit(_RLIMIT_CPU, int(limits.cpu) + 2)  # behind the timer that is exact
    try:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        lacks.append(f"no_new_privs ({error.strerror}), and with it Landlock and seccomp")
        return Confinement(tuple(lacks))
    threads = len(os.listdir("/proc/self/task"))
    lacks += restrict_paths((entry.host, entry.mode == "rw") for entry in grants.dirs)
    if threads > 1:
        lacks.append(f"Landlock covers one thread of {threads}: the engine had started others")
    lacks += restrict_syscalls(files=bool(grants.dirs), net=bool(grants.listen))
    return Confinement(tuple(lacks))


def close_others(keep: frozenset[int]) -> None:
    """Close every descriptor besides the standard streams and those to keep."""
    low = 3
    for fd in sorted(keep | {1 << 20}):
        os.closerange(low, fd)
        low = fd + 1
