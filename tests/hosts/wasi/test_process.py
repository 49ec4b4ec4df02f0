"""Arguments, environment, clocks, randomness, polling, sockets: what a guest sees of its grants."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wherever.hosts.wasi.abi import DIRECTORY_RIGHTS
from wherever.hosts.wasi.binding import bind
from wherever.hosts.wasi.run import GuestExit, Preview1
from wherever.hosts.wasi.table import FUNCTIONS
from wherever.policy import Clock, Random
from wherever.system.host_file import HostStream
from wherever.system.polling import Interrupted
from wherever.system.sockets import Listener
from wherever.system.streams import BytesInput, CapturedOutput, NoStream

MakeGuest = Callable[..., Any]
CLOCK, READ, WRITE = 0, 1, 2


def subscribe(
    userdata: int, kind: int, *, fd: int = 0, ns: int = 0, flags: int = 0, clock: int = 1
) -> bytes:
    head = struct.pack("<QB7x", userdata, kind)
    if kind == CLOCK:
        return head + struct.pack("<I4xQQH6x", clock, ns, 0, flags)
    return head + struct.pack("<I28x", fd)


def poll(guest: Any, *subscriptions: bytes) -> list[tuple[int, int, int, int, int]]:
    """(userdata, error, type, bytes, flags) of each event."""
    at, _ = guest.put(b"".join(subscriptions))
    events, count = guest.room(32 * len(subscriptions)), guest.room(4)
    assert guest.raw["poll_oneoff"](at, events, len(subscriptions), count) == 0
    return [
        struct.unpack("<QHB5xQH6x", guest.get(events + 32 * index, 32))
        for index in range(guest.u32(count))
    ]


def test_all_functions_of_the_document_are_there() -> None:
    assert len(FUNCTIONS) == 46
    assert FUNCTIONS["path_open"].signature == ("i32",) * 5 + ("i64",) * 2 + ("i32",) * 2
    assert FUNCTIONS["proc_exit"].results == ()


def test_arguments_and_environment(make_guest: MakeGuest) -> None:
    guest = make_guest(arguments=("prog", "one", "ü"), env={"A": "1", "B": "x=y"})
    count, size = guest.room(4), guest.room(4)
    assert guest.raw["args_sizes_get"](count, size) == 0
    assert (guest.u32(count), guest.u32(size)) == (3, 5 + 4 + 3)
    pointers, buffer = guest.room(12), guest.room(12)
    assert guest.raw["args_get"](pointers, buffer) == 0
    assert guest.get(buffer, 12) == "prog\0one\0ü\0".encode()
    assert [guest.u32(pointers + 4 * i) - buffer for i in range(3)] == [0, 5, 9]
    assert guest.raw["environ_get"](pointers, buffer) == 0
    assert guest.get(buffer, 10) == b"A=1\0B=x=y\0"


def test_nothing_of_the_callers_environment_is_there(make_guest: MakeGuest) -> None:
    guest = make_guest()
    count, size = guest.room(4), guest.room(4)
    assert guest.raw["environ_sizes_get"](count, size) == 0
    assert (guest.u32(count), guest.u32(size)) == (0, 0)


def test_a_fixed_clock_and_a_seed_make_a_run_repeatable(make_guest: MakeGuest) -> None:
    seen = []
    for _ in range(2):
        guest = make_guest(clock=Clock("fixed", 1_000_000_000.5), random=Random("seed", 7))
        at = guest.room(64)
        assert guest.raw["clock_time_get"](0, 0, at) == 0
        assert guest.u64(at) == 1_000_000_000_500_000_000
        assert guest.raw["random_get"](at, 64) == 0
        seen.append(guest.get(at, 64))
    assert seen[0] == seen[1]


def test_an_unknown_clock_is_inval(make_guest: MakeGuest) -> None:
    guest = make_guest()
    for clock in (4, 99, (1 << 32) - 1):
        assert guest.raw["clock_time_get"](clock, 0, 64) == 28
        assert guest.raw["clock_res_get"](clock, 64) == 28


def test_exit_unwinds(make_guest: MakeGuest) -> None:
    with pytest.raises(GuestExit) as end:
        make_guest().raw["proc_exit"](42)
    assert end.value.status == 42


def test_a_sleep_ends_at_its_time(make_guest: MakeGuest) -> None:
    guest = make_guest()
    started = time.monotonic_ns()
    assert poll(guest, subscribe(7, CLOCK, ns=20_000_000)) == [(7, 0, CLOCK, 0, 0)]
    assert time.monotonic_ns() - started >= 20_000_000


def test_the_earlier_of_two_clocks_and_absolute_times(make_guest: MakeGuest) -> None:
    guest = make_guest()
    soon = time.time_ns() + 5_000_000
    events = poll(
        guest,
        subscribe(1, CLOCK, ns=60_000_000_000),
        subscribe(2, CLOCK, ns=soon, flags=1, clock=0),
        subscribe(3, CLOCK, ns=1 << 63),
    )
    assert events == [(2, 0, CLOCK, 0, 0)]
    assert time.time_ns() >= soon


def test_a_sleep_on_a_fixed_clock_takes_no_time_and_moves_it(make_guest: MakeGuest) -> None:
    guest = make_guest(clock=Clock("fixed", 0.0))
    started = time.monotonic()
    assert len(poll(guest, subscribe(1, CLOCK, ns=3600 * 10**9))) == 1
    assert time.monotonic() - started < 5
    assert guest.raw["clock_time_get"](1, 0, 64) == 0
    assert guest.u64(64) == 3600 * 10**9


def test_streams_in_memory_are_ready_and_bad_descriptors_say_so(make_guest: MakeGuest) -> None:
    guest = make_guest(streams=(BytesInput(b"abc"), CapturedOutput(), NoStream()))
    events = poll(
        guest,
        subscribe(1, READ, fd=0),
        subscribe(2, WRITE, fd=1),
        subscribe(3, READ, fd=99),
        subscribe(4, CLOCK, ns=10**12),
    )
    assert events == [(1, 0, READ, 3, 0), (2, 0, WRITE, 1 << 16, 0), (3, 8, READ, 0, 0)]


def test_a_pipe_is_awaited_and_its_hang_up_is_seen(make_guest: MakeGuest) -> None:
    reading, writing = os.pipe()
    stream = HostStream(reading, readable=True, writable=False)
    guest = make_guest(streams=(stream, NoStream(), NoStream()))
    assert poll(guest, subscribe(1, READ), subscribe(2, CLOCK, ns=1)) == [(2, 0, CLOCK, 0, 0)]
    threading.Timer(0.02, os.write, (writing, b"12345")).start()
    assert poll(guest, subscribe(1, READ), subscribe(2, CLOCK, ns=10**11)) == [(1, 0, READ, 5, 0)]
    assert guest.read(0)[1] == b"12345"
    os.close(writing)
    assert poll(guest, subscribe(1, READ)) == [(1, 0, READ, 0, 1)]


def test_a_sleeping_guest_is_ended_from_outside(make_guest: MakeGuest) -> None:
    guest = make_guest()
    timer = threading.Timer(0.05, guest.around.interrupt.set)
    timer.start()
    with pytest.raises(Interrupted):
        poll(guest, subscribe(1, CLOCK, ns=10**12))
    timer.join()
    with pytest.raises(Interrupted):
        guest.raw["sched_yield"]()


def test_a_granted_listener(make_guest: MakeGuest) -> None:
    plain = make_guest()
    server = socket.create_server(("127.0.0.1", 0))
    plain.around.listeners = [Listener(server, plain.around.interrupt)]
    plain.run = Preview1(plain.around, plain.memory)
    call = {name: bind(plain.run, function) for name, function in FUNCTIONS.items()}
    client = socket.create_connection(server.getsockname())
    out = plain.room(16)
    assert call["sock_accept"](3, 0, out) == 0
    connection = plain.u32(out)
    client.sendall(b"ping")
    vectors = plain.vectors((plain.room(16), 16))
    assert call["sock_recv"](connection, *vectors, 0, out, out + 8) == 0
    assert plain.u32(out) == 4
    assert call["sock_send"](connection, *plain.vectors(plain.put(b"pong")), 0, out) == 0
    assert client.recv(10) == b"pong"
    assert call["sock_shutdown"](connection, 2) == 0
    assert client.recv(10) == b""
    assert call["sock_accept"](connection, 0, out) == 28
    assert call["sock_recv"](0, *vectors, 0, out, out + 8) in (57, 76)
    client.close()


def test_grants_nested_by_guest_path_are_separate_directories(
    make_guest: MakeGuest, place: Path
) -> None:
    inner = place.parent / "inner"
    inner.mkdir()
    (inner / "x").write_text("inner")
    guest = make_guest(f"{place}::/,ro", f"{inner}::/data,rw")
    names = []
    for fd in (3, 4):
        at = guest.room(8)
        assert guest.raw["fd_prestat_get"](fd, at) == 0
        length = struct.unpack("<B3xI", guest.get(at, 8))[1]
        name = guest.room(length)
        assert guest.raw["fd_prestat_dir_name"](fd, name, length) == 0
        names.append(guest.get(name, length))
    assert names == [b"/", b"/data"]
    assert guest.raw["fd_prestat_get"](5, 64) == 8
    assert guest.contents("x", fd=4) == b"inner"
    assert guest.contents("data/x", fd=3) == 44  # the outer directory has no `data` of its own
    assert guest.open("new", fd=4, oflags=1)[0] == 0
    assert guest.open("new", fd=3, oflags=1)[0] == 69
    path, other = guest.put(b"x"), guest.put(b"stolen")
    assert guest.raw["path_rename"](4, *path, 3, *other) == 69
    assert guest.raw["path_link"](3, 0, *guest.put(b"file"), 4, *other) == 69


def test_a_directory_larger_than_the_buffer_is_listed_whole_and_once(
    make_guest: MakeGuest, place: Path
) -> None:
    for index in range(700):
        (place / "sub" / f"name-{index:03}").touch()
    guest = make_guest(f"{place}::/,ro")
    code, fd = guest.open("sub", oflags=2, rights=DIRECTORY_RIGHTS)
    assert code == 0
    names = guest.listing(fd)
    assert len(names) == len(set(names)) == 703
    assert names[:2] == [b".", b".."]
