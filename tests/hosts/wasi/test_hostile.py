"""No argument of a guest raises, reads outside its memory, takes unbounded memory, or hangs."""

from __future__ import annotations

import random
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wherever.hosts.wasi.abi import DIRECTORY_RIGHTS, FILE_RIGHTS
from wherever.hosts.wasi.table import FUNCTIONS
from wherever.policy import Clock, Limits, Random
from wherever.system.streams import BytesInput, CapturedOutput, NoStream

MakeGuest = Callable[..., Any]
SIZE = 1 << 18
POINTERS = [0, 1, 8, 64, 1024, SIZE - 1, SIZE - 4, SIZE - 8, SIZE, SIZE + 1, 1 << 31, (1 << 32) - 8,
            (1 << 32) - 1]  # fmt: skip
LENGTHS = [0, 1, 2, 8, 24, 100, 4095, 4096, 65_536, SIZE, 1 << 31, (1 << 32) - 1]
WIDE = [0, 1, 100, 1 << 20, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
BLOCKS = {"poll_oneoff", "proc_exit"}  # may wait by right; has no errno


@pytest.mark.parametrize("seed", range(6))
def test_random_arguments(make_guest: MakeGuest, place: Path, seed: int) -> None:
    pick = random.Random(seed)
    guest = make_guest(
        f"{place}::/,{pick.choice(['ro', 'rw', 'overlay'])}",
        limits=Limits(memory="8MiB", files=20),
        clock=Clock("fixed", 1.0),
        random=Random("seed", 1),
        streams=(BytesInput(b"x" * 1000), CapturedOutput(1 << 30), CapturedOutput(1 << 30)),
    )
    paths = [b"file", b"sub", b"new", b"../secret", b"/etc", b"a\0b", b"\xff\xfe", b"sub/deep"]
    for index, path in enumerate(paths):
        guest.memory.data[1024 + 16 * index : 1024 + 16 * index + len(path)] = path
    calls = [name for name in FUNCTIONS if name not in BLOCKS]
    for step in range(1500):
        if step % 50 == 0:
            for at in range(0, 1024, 8):  # vectors and subscriptions of every kind
                struct.pack_into(
                    "<II", guest.memory.data, at, pick.choice(POINTERS), pick.choice(LENGTHS[:9])
                )
        name = pick.choice(calls)
        arguments: list[int] = []
        for word in FUNCTIONS[name].words:
            if word in ("fd", "number"):
                arguments.append(pick.choice([0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 99, (1 << 32) - 1]))
            elif word == "i64":
                arguments.append(pick.choice([*WIDE, DIRECTORY_RIGHTS, FILE_RIGHTS]))
            else:
                arguments.append(
                    pick.choice([*POINTERS, *LENGTHS, *(1024 + 16 * i for i in range(8))])
                )
        answer = guest.raw[name](*arguments)
        assert isinstance(answer, int), name
        assert 0 <= answer <= 76, (name, arguments)
    assert len(guest.run.fds) <= 20
    assert len(guest.memory.data) == SIZE
    assert (place.parent / "secret").read_text() == "the secret"


def test_a_huge_count_of_vectors_is_refused_without_looking_at_them(
    make_guest: MakeGuest, place: Path
) -> None:
    guest = make_guest(f"{place}::/,rw")
    for count in (1 << 17, 1 << 29, (1 << 32) - 1):
        assert guest.raw["fd_write"](1, 0, count, 64) in (21, 28)
        assert guest.raw["fd_read"](0, 0, count, 64) in (21, 28)


def test_vectors_that_overlap_and_add_up_to_more_than_memory(
    make_guest: MakeGuest, place: Path
) -> None:
    guest = make_guest(f"{place}::/,rw", streams=(BytesInput(b"abc"), CapturedOutput(), NoStream()))
    at = guest.room(8 * 2000)
    for index in range(2000):
        struct.pack_into("<II", guest.memory.data, at + 8 * index, 0, 4096)
    result = guest.room(4)
    assert guest.raw["fd_write"](1, at, 2000, result) == 0
    assert guest.u32(result) == 1024 * 4096  # what one writev(2) takes: a short write


def test_a_length_that_wraps_around(make_guest: MakeGuest, place: Path) -> None:
    guest = make_guest(f"{place}::/,rw")
    vectors = guest.vectors((SIZE - 16, (1 << 32) - 8))
    assert guest.raw["fd_write"](1, *vectors, guest.room(4)) == 21
    assert guest.raw["random_get"](SIZE - 16, (1 << 32) - 8) == 21
    assert guest.raw["fd_readdir"](3, SIZE - 16, (1 << 32) - 8, 0, 64) == 21


def test_a_result_outside_memory_is_a_fault_and_opens_nothing(
    make_guest: MakeGuest, place: Path
) -> None:
    guest = make_guest(f"{place}::/,rw")
    before = len(guest.run.fds)
    path = guest.put(b"made")
    code = guest.raw["path_open"](3, 0, *path, 1, FILE_RIGHTS, 0, 0, SIZE - 2)
    assert code == 21
    assert len(guest.run.fds) == before
    assert not (place / "made").exists()


def test_polling_thousands_of_subscriptions_takes_bounded_memory(
    make_guest: MakeGuest, place: Path
) -> None:
    guest = make_guest(f"{place}::/,rw", clock=Clock("fixed", 1.0))
    tracemalloc.start()
    for count in (4096, 4097, 1 << 20, (1 << 32) - 1):
        code = guest.raw["poll_oneoff"](0, 0, count, 64)
        assert code in (0, 21, 28)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_denials_are_bounded(make_guest: MakeGuest, place: Path) -> None:
    guest = make_guest(f"{place}::/data,rw")
    assert guest.call("fd_prestat_get", 4, guest.room(8)) == 0
    for index in range(3000):
        guest.contents(f"missing/{index}", fd=4)
    assert len(guest.audit.denials) <= 1000
    assert guest.audit.dropped >= 2000


def test_a_name_with_terminal_escapes_is_shown_escaped(make_guest: MakeGuest, place: Path) -> None:
    guest = make_guest(f"{place}::/data,ro")
    guest.open("\x1b]0;owned\x07\n", oflags=1)
    assert "\x1b" not in guest.denials()
    assert "\\x1b]0;owned" in guest.denials()


def test_rights_given_up_do_not_come_back(make_guest: MakeGuest, place: Path) -> None:
    guest = make_guest(f"{place}::/,rw")
    _, fd = guest.open("file")
    assert guest.call("fd_fdstat_set_rights", fd, 2, 0) == 0
    assert guest.write(fd, b"x") == 76
    assert guest.read(fd)[0] == 0
    assert guest.call("fd_fdstat_set_rights", fd, FILE_RIGHTS, 0) == 76
    assert guest.call("fd_fdstat_set_rights", 3, DIRECTORY_RIGHTS, FILE_RIGHTS & ~64) == 0
    assert guest.open("file", rights=64)[0] == 76  # nothing beneath is written either
    assert guest.open("sub/deep", rights=2)[0] == 0
