"""Streams, clocks, randomness, descriptors, waiting: what each promises."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from wherever.errors import LimitExceeded
from wherever.system.clocks import CoarseClocks, FixedClocks, RealClocks
from wherever.system.descriptors import DescriptorTable
from wherever.system.handles import Kind
from wherever.system.host_file import HostStream
from wherever.system.polling import READABLE, Interrupt, Interrupted, State, wait
from wherever.system.randomness import RealRandomness, SeededRandomness
from wherever.system.sockets import Listener
from wherever.system.streams import BytesInput, CallbackOutput, CapturedOutput, NoStream


def views(*parts: bytes) -> list[memoryview]:
    return [memoryview(bytearray(part)) for part in parts]


def test_captured_output_keeps_what_was_written() -> None:
    out = CapturedOutput()
    assert out.write(views(b"one ", b"two")) == 7
    assert out.write(views(b"")) == 0
    assert out.data == b"one two"


def test_captured_output_ends_the_run_at_its_limit_and_keeps_what_fitted() -> None:
    out = CapturedOutput(10)
    assert out.write(views(b"12345")) == 5
    with pytest.raises(LimitExceeded) as ended:
        out.write(views(b"67", b"890abc", b"never"))
    assert (ended.value.limit, ended.value.value, ended.value.status) == ("output", 10, 137)
    assert out.data == b"1234567890"


def test_bytes_input_ends() -> None:
    given = BytesInput(b"hello world")
    first, second = bytearray(3), bytearray(4)
    assert given.read([memoryview(first), memoryview(second)]) == 7
    assert first + second == b"hello w"
    assert given.readiness(READABLE).available == 4
    assert given.read([memoryview(bytearray(100))]) == 4
    assert given.read([memoryview(bytearray(100))]) == 0


def test_callback_and_no_stream() -> None:
    seen: list[bytes] = []
    assert CallbackOutput(seen.append).write(views(b"a", b"b")) == 2
    assert seen == [b"ab"]
    assert NoStream().write(views(b"abc")) == 3
    assert NoStream().read(views(b"abc")) == 0


def test_streams_refuse_what_they_are_not() -> None:
    with pytest.raises(OSError) as refused:
        BytesInput(b"").write(views(b"x"))
    assert refused.value.errno == errno.EBADF
    with pytest.raises(OSError) as refused:
        CapturedOutput().read(views(b"x"))
    assert refused.value.errno == errno.EBADF


def test_a_fixed_clock_moves_by_sleeping_only() -> None:
    clock = FixedClocks(1_000)
    assert clock.realtime() == clock.realtime() == 1_000
    assert clock.deadline(500) is None
    assert clock.monotonic() == 500
    assert clock.realtime() == 1_500
    assert clock.process_time() == 0


def test_a_coarse_clock_steps() -> None:
    clock = CoarseClocks(1_000_000)
    assert clock.realtime() % 1_000_000 == clock.monotonic() % 1_000_000 == 0
    assert clock.deadline(1_000_001) == 2_000_000
    assert clock.resolution() == 1_000_000


def test_a_real_clock_is_the_hosts() -> None:
    before = time.monotonic_ns()
    assert before <= RealClocks().monotonic() <= time.monotonic_ns()
    assert RealClocks().resolution() == 1


def test_a_seed_decides_every_byte_however_it_is_read() -> None:
    def stream(*sizes: int) -> bytes:
        source, data = SeededRandomness(7), bytearray()
        for size in sizes:
            piece = bytearray(size)
            source.fill(memoryview(piece))
            data += piece
        return bytes(data)

    assert stream(10_000) == stream(1, 4_095, 1, 5_903)
    assert (
        stream(16).hex() == "9658031830e4f64ece6142833594d988"
    )  # the same on every machine, for ever
    other = bytearray(10_000)
    SeededRandomness(8).fill(memoryview(other))
    assert bytes(other) != stream(10_000)


def test_real_randomness_fills_all_of_a_large_view() -> None:
    view = bytearray(200_000)
    RealRandomness().fill(memoryview(view))
    assert view.count(0) < 2_000
    assert any(view[-100:])


def test_the_lowest_free_descriptor_is_used_first() -> None:
    table: DescriptorTable[str] = DescriptorTable(6, ["in", "out", "err"])
    assert [table.add(name) for name in "abc"] == [3, 4, 5]
    with pytest.raises(OSError) as refused:
        table.add("d")
    assert refused.value.errno == errno.EMFILE
    assert table.remove(4) == "b"
    assert table.remove(1) == "out"
    assert (table.add("x"), table.add("y")) == (1, 4)
    with pytest.raises(OSError) as refused:
        table.get(9)
    assert refused.value.errno == errno.EBADF


def test_a_descriptor_placed_is_not_handed_out_again() -> None:
    table: DescriptorTable[str] = DescriptorTable(100)
    assert table.place(1, "placed") is None
    assert [table.add(name) for name in "ab"] == [0, 2]
    assert table.place(2, "over") == "b"
    for number in (-1, 100, 1 << 31):
        with pytest.raises(OSError):
            table.place(number, "far")


def test_a_sleep_is_exact() -> None:
    late = []
    for _ in range(5):
        deadline = time.monotonic_ns() + 3_500_000
        assert wait([], deadline, Interrupt()) == []
        late.append(time.monotonic_ns() - deadline)
    assert min(late) >= 0
    assert min(late) < 50_000_000  # a loaded machine may be late, never early


def test_a_wait_that_blocks_is_ended_from_another_thread() -> None:
    interrupt = Interrupt()
    reading, writing = os.pipe()
    stream = HostStream(reading, readable=True, writable=False, interrupt=interrupt)
    timer = threading.Timer(0.05, interrupt.set)
    timer.start()
    with pytest.raises(Interrupted):
        stream.read(views(b"x"))
    with pytest.raises(Interrupted):  # final: nothing blocks any more
        wait([], None, interrupt)
    timer.join()
    stream.close()
    os.close(writing)
    interrupt.close()


def test_an_interrupt_carries_its_reason() -> None:
    interrupt = Interrupt()
    interrupt.set(LimitExceeded("time is up", limit="time"))
    interrupt.set(KeyError("too late"))
    with pytest.raises(LimitExceeded):
        interrupt.check()
    with pytest.raises(LimitExceeded):
        wait([(0, READABLE)], None, interrupt)


def test_a_hang_up_is_seen() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    (state,) = wait([(reading, READABLE)], None, None)
    assert State.HANG_UP in state
    os.close(reading)


def test_a_host_stream_that_would_block_says_so_when_asked_not_to() -> None:
    reading, writing = os.pipe()
    stream = HostStream(reading, readable=True, writable=False, interrupt=Interrupt())
    stream.nonblock = True
    with pytest.raises(BlockingIOError):
        stream.read(views(b"x"))
    os.write(writing, b"now")
    buffer = bytearray(10)
    assert stream.read([memoryview(buffer)]) == 3
    stream.close()
    os.close(writing)


def test_a_listener_accepts_and_carries_bytes_both_ways() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    listener = Listener(server, Interrupt())
    client = socket.create_connection(server.getsockname())
    connection = listener.accept()
    client.sendall(b"ping")
    buffer = bytearray(10)
    assert connection.receive([memoryview(buffer)], peek=True) == (4, False)
    assert connection.read([memoryview(buffer)]) == 4
    assert connection.write(views(b"po", b"ng")) == 4
    assert client.recv(10) == b"pong"
    connection.shutdown(reading=False, writing=True)
    assert client.recv(10) == b""
    connection.close()
    client.close()
    listener.close()


def test_accept_is_ended_by_the_interrupt() -> None:
    interrupt = Interrupt()
    listener = Listener(socket.create_server(("127.0.0.1", 0)), interrupt)
    timer = threading.Timer(0.05, interrupt.set)
    timer.start()
    with pytest.raises(Interrupted):
        listener.accept()
    timer.join()
    listener.close()
    interrupt.close()


def test_a_relative_path_can_be_granted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wherever.policy import Grants
    from wherever.system.surroundings import surroundings

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    around = surroundings(Grants(dirs=["here"]))
    assert [path for path, _ in around.preopens] == [b"here"]
    around.close()


def test_a_stream_is_the_kind_of_thing_it_is(tmp_path: Path) -> None:
    # isatty(3) and lseek(2) of a guest go by it, and whether poll(2) asks the kernel
    (tmp_path / "file").write_text("x")
    reading, writing = os.pipe()
    ours, theirs = os.openpty()
    regular = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        kinds = [
            HostStream(fd, readable=True, writable=False, owned=False).kind
            for fd in (reading, theirs, regular)
        ]
    finally:
        for fd in (reading, writing, ours, theirs, regular):
            os.close(fd)
    assert kinds == [Kind.FIFO, Kind.CHARACTER, Kind.REGULAR]
