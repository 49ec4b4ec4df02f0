"""Two hostile guests and a careless host race in one rw directory, against a secret outside it.

    python tests/hosts/wasi/race.py SECONDS [kernel|walk]

Each guest is a process that calls the preview 1 functions over a grant of the same directory: it
renames directories into and out of each other, swaps them for links, makes and moves links that
climb as far as they may, hard-links, and all the while opens, reads, lists, stats and writes
through deep paths full of `..`. The host meanwhile plants links that lead straight to the secret.
A guest wins if it reads the secret, sees an inode of outside, or changes anything there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import struct
import sys
import tempfile
import time
from pathlib import Path

from wherever.hosts.wasi.abi import DIRECTORY_RIGHTS, FILE_RIGHTS
from wherever.hosts.wasi.binding import bind
from wherever.hosts.wasi.run import Preview1
from wherever.hosts.wasi.table import FUNCTIONS
from wherever.system.beneath import KernelResolver, Resolver, WalkResolver
from wherever.system.host_directory import grant_host_directory
from wherever.system.surroundings import Surroundings

SECRET = b"THE SECRET"
NAMES = [b"a", b"b", b"c", b"d"]
CLIMBS = [b"..", b".", b"../..", b"../../..", b"x/..", b"a", b"b", b"../secret", b"../b/../secret"]


class Memory:
    def __init__(self) -> None:
        self.data = bytearray(1 << 16)

    def view(self) -> memoryview:
        return memoryview(self.data)


def path_of(pick: random.Random) -> bytes:
    parts = [pick.choice([*NAMES, *NAMES, b"..", b"."]) for _ in range(pick.randrange(1, 7))]
    return b"/".join([*parts, pick.choice([b"secret", b"file", b"", *NAMES])])


def hostile_guest(place: Path, seconds: float, seed: int, resolver: str) -> tuple[int, list[str]]:
    """Attack until the time is up: how many calls were made, and every success."""
    outside = {(place.parent / name).stat().st_ino for name in ("secret", "outside")}
    outside |= {(place.parent / "outside" / "secret").stat().st_ino, place.parent.stat().st_ino}
    chosen: Resolver = KernelResolver() if resolver == "kernel" else WalkResolver()
    root = grant_host_directory(place, writable=True, resolver=chosen)
    memory = Memory()
    run = Preview1(Surroundings(preopens=[(b"/", root)]), memory)
    call = {name: bind(run, function) for name, function in FUNCTIONS.items()}
    pick = random.Random(seed)
    won: list[str] = []
    calls = 0

    def two() -> tuple[int, int, int, int]:
        one, other = path_of(pick), path_of(pick)
        memory.data[1024 : 1024 + len(one)] = one
        memory.data[2048 : 2048 + len(other)] = other
        return 1024, len(one), 2048, len(other)

    end = time.monotonic() + seconds
    held: list[int] = [3]
    while time.monotonic() < end:
        for _ in range(200):
            calls += 1
            at, length, other, other_length = two()
            fd = pick.choice(held)
            match pick.randrange(12):
                case 0:
                    call["path_create_directory"](fd, at, length)
                case 1 | 2:
                    call["path_rename"](fd, at, length, pick.choice(held), other, other_length)
                case 3 | 4:
                    target = pick.choice(CLIMBS)
                    memory.data[3072 : 3072 + len(target)] = target
                    call["path_symlink"](3072, len(target), fd, at, length)
                case 5:
                    call["path_link"](fd, 0, at, length, pick.choice(held), other, other_length)
                case 6:
                    call["path_unlink_file"](fd, at, length)
                    call["path_remove_directory"](fd, other, other_length)
                case 7:
                    if call["path_filestat_get"](fd, 1, at, length, 4096) == 0:
                        inode = struct.unpack_from("<QQ", memory.data, 4096)[1]
                        if inode in outside:
                            won.append(f"stat {bytes(memory.data[at : at + length])!r}")
                case _:
                    directory = pick.random() < 0.3
                    rights = DIRECTORY_RIGHTS if directory else FILE_RIGHTS & ~(64 * (calls % 2))
                    flags = 2 if directory else pick.choice([0, 0, 1])
                    code = call["path_open"](
                        fd, 1, at, length, flags, rights, DIRECTORY_RIGHTS | FILE_RIGHTS, 0, 4096
                    )
                    if code:
                        continue
                    opened = struct.unpack_from("<I", memory.data, 4096)[0]
                    call["fd_filestat_get"](opened, 5000)
                    if struct.unpack_from("<QQ", memory.data, 5000)[1] in outside:
                        won.append(f"open {bytes(memory.data[at : at + length])!r}")
                    if directory and len(held) < 20:
                        held.append(opened)
                        continue
                    struct.pack_into("<II", memory.data, 4200, 8192, 4096)
                    if not directory and call["fd_read"](opened, 4200, 1, 4300) == 0:
                        read = struct.unpack_from("<I", memory.data, 4300)[0]
                        if SECRET in memory.data[8192 : 8192 + read]:
                            won.append(f"read {bytes(memory.data[at : at + length])!r}")
                    call["fd_close"](opened)
            if pick.random() < 0.02 and len(held) > 1:
                call["fd_close"](held.pop())
    run.close()
    return calls, won


def careless_host(place: Path, seconds: float) -> None:
    """Plant links to the secret, and swap directories for links to outside, as fast as it goes."""
    pick = random.Random(99)
    end = time.monotonic() + seconds
    root = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    while time.monotonic() < end:
        target = pick.choice(
            [place.parent, place.parent / "outside", place.parent / "secret", "../secret", "../.."]
        )
        spare = f"spare{pick.randrange(3)}"
        for parent in (".", pick.choice(NAMES)):
            name = pick.choice(NAMES)
            with contextlib.suppress(OSError):
                # Not through a link of its own: what it makes outside would look like an escape.
                where = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
                try:
                    if pick.random() < 0.5:
                        os.symlink(target, spare, dir_fd=root)
                        os.rename(spare, name, src_dir_fd=root, dst_dir_fd=where)
                    else:
                        os.mkdir(name, dir_fd=where)
                finally:
                    os.close(where)
    os.close(root)


def race(seconds: float, resolver: str) -> tuple[int, list[str]]:
    """Run the race; how many calls the guests made, and what they won."""
    with tempfile.TemporaryDirectory() as base:
        place = Path(base, "granted")
        (place / "a" / "b").mkdir(parents=True)
        Path(base, "outside").mkdir()
        Path(base, "secret").write_bytes(SECRET)
        Path(base, "outside", "secret").write_bytes(SECRET)
        with multiprocessing.get_context("fork").Pool(3) as pool:
            host = pool.apply_async(careless_host, (place, seconds))
            guests = [
                pool.apply_async(hostile_guest, (place, seconds, seed, resolver)) for seed in (1, 2)
            ]
            host.get(seconds + 60)
            results = [guest.get(seconds + 60) for guest in guests]
        won = [success for _, wins in results for success in wins]
        if Path(base, "secret").read_bytes() != SECRET:
            won.append("the secret was overwritten")
        if sorted(p.name for p in Path(base).iterdir()) != ["granted", "outside", "secret"]:
            won.append("something was made outside")
        if [p.name for p in Path(base, "outside").iterdir()] != ["secret"]:
            won.append("something was made or removed in the directory outside")
        return sum(calls for calls, _ in results), won


if __name__ == "__main__":
    duration = float(sys.argv[1])
    for which in sys.argv[2:] or ["kernel", "walk"]:
        made, successes = race(duration, which)
        sys.stdout.write(f"{which}: {made} hostile calls in {duration:.0f} s, ")
        sys.stdout.write(f"{len(successes)} escapes {successes[:5]}\n")
        if successes:
            sys.exit(1)
