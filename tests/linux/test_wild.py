"""Do wild arguments ever trap the personality? The guest would get EFAULT or EINVAL from Linux."""

from __future__ import annotations

import random

import pytest
from bench_linux import TARGETS, Hosted, bench

from wherever.linux.call import Support
from wherever.linux.calls import CALLS

# These end the guest, or wait for what never comes.
_LEFT_OUT = frozenset(
    {"exit", "exit_group", "rt_sigsuspend", "ppoll", "pselect6", "futex", "nanosleep"}
    | {"clock_nanosleep", "rt_sigtimedwait", "epoll_pwait", "epoll_pwait2", "rt_sigreturn"}
    | {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"}
)
_WILD = (
    *(0, 1, 2, 3, 4, 5, 7, 8, 16, 64, 255, 4095, 4096, 4097, 65536),
    *(-1, -2, -100, 1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) - 1, (1 << 32) - 4096),
    *((1 << 63) - 1, -(1 << 63), 0x10000, 0x30000, 0x1C0000, 0x200000, 0x3FFFFF),
    *(0x400000, 0x410000, 0x410001, 0x4FFFFF, 0x4FFFFC, 0x500000, 0x600000),
)
_NAMES = [
    call.name
    for call in CALLS
    if call.generic is not None and call.support is not Support.NONE and call.name not in _LEFT_OUT
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("part", range(8))
def test_wild_arguments_are_answered(
    target: str, part: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("wild")
    (folder / "file").write_bytes(b"content" * 1000)
    guest = bench(target, folder)
    chance = random.Random(part)
    for at in range(0x410000, 0x412000, 64):
        guest.put(
            at, chance.choice([b"file\0", b"d/x\0", b"/proc/self/fd\0", chance.randbytes(60)])
        )
    guest("pipe2", 0x411000, 0o4000)
    # Nothing that blocks may be reached through a descriptor: standard input is at its end.
    calls = _NAMES[part::8]
    for _ in range(1500):
        name = chance.choice(calls)
        words = [chance.choice(_WILD) for _ in range(6)]
        if name in {"read", "readv"} and words[0] in {4, 5}:
            continue
        assert guest(name, *words) >= -4095 or name in {"brk", "mmap", "mremap", "lseek"}, name
    if isinstance(guest, Hosted):
        guest.close()
