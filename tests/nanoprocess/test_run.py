"""run: how a guest's end becomes a result, and what hostile guests get."""

from __future__ import annotations

import _socket
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from guests import (  # type: ignore[import-not-found]
    ASKS_FOR_EVERYTHING,
    COUNTS,
    DESCRIPTORS,
    ECHOES,
    FLOODS,
    GROWS,
    HELLO,
    OPENS,
    POLLS,
    RECURSES,
    SLEEPS,
    SPINS,
    TOUCHES,
    TRAPS,
    exits,
    guest,
    writes,
)

import wherever
from wherever import Grants, GuestFailed, GuestTrap, InvalidProgram, LimitExceeded, Limits
from wherever.nanoprocess import pool
from wherever.nanoprocess.launch import Worker
from wherever.nanoprocess.streams import Streams
from wherever.policy import Malformed

LATE = 0.2  # seconds that a limit may be late, on an idle machine
PATIENCE = 10.0  # times as much, where other tests run beside this one; bench/limits.py measures


def test_hello() -> None:
    result = wherever.run(HELLO)
    assert (result.exit_code, result.stdout, result.stderr) == (0, b"hello\n", b"")
    assert result.ok
    assert result.usage.memory == 65536
    assert result.check() is result


def test_the_elements_of_tables_are_shared_among_those_a_module_has() -> None:
    """A translated program has a table with an element an instruction: millions, in large ones."""
    one = b'(module (table 9000000 funcref) (func (export "_start")))'
    assert wherever.run(one).status == 0
    three = b"(module" + b"(table 12000000 funcref)" * 3 + b'(func (export "_start")))'
    limit = wherever.run(three).limit
    assert limit is not None
    assert limit.limit == "table elements"


def test_input_of_no_bytes_is_a_pipe_at_its_end_and_no_input_a_device() -> None:
    """ripgrep searches its input where that is a pipe, else the folder it stands in."""
    for given, is_that in ((b"", stat.S_ISFIFO), (None, stat.S_ISCHR)):
        streams = Streams(given, None, None, capture=True)
        try:
            assert is_that(os.fstat(streams.theirs[0]).st_mode)
        finally:
            streams.close()


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_a_status_is_a_result(status: int) -> None:
    result = wherever.run(exits(status))
    assert result.exit_code == status
    assert result.status == status
    if status:
        with pytest.raises(GuestFailed, match=f"status {status}") as caught:
            result.check()
        assert caught.value.result is result
        assert caught.value.status == status


def test_a_trap_is_a_result() -> None:
    result = wherever.run(TRAPS)
    assert result.trap is not None
    assert result.trap.code == "unreachable"
    assert result.status == 134
    with pytest.raises(GuestTrap, match="unreachable"):
        wherever.run(TRAPS, check=True)


def test_a_path_and_arguments_and_input(tmp_path: Path) -> None:
    file = tmp_path / "echo.wat"
    file.write_bytes(ECHOES)
    data = os.urandom(1 << 20)
    assert wherever.run(file, stdin=data).stdout == data
    assert wherever.run(str(file)).stdout == b""
    assert wherever.run(file, stdin="text").stdout == b"text"
    (tmp_path / "in").write_bytes(b"from a file")
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as target:
        assert wherever.run(file, stdin=source, stdout=target).stdout == b""
    assert (tmp_path / "out").read_bytes() == b"from a file"


def test_nothing_is_inherited() -> None:
    assert os.environ
    assert wherever.run(COUNTS).exit_code == 1  # the program's own name
    two = Grants(env={"A": "1", "B": None})
    os.environ["B"] = "from the caller"
    try:
        assert wherever.run(COUNTS, ["x", "y"], grants=two).exit_code == 23
    finally:
        del os.environ["B"]


def test_a_denial_names_the_grant() -> None:
    decisions: list[wherever.Decision] = []
    result = wherever.run(OPENS, audit=decisions.append)
    assert result.exit_code != 0
    [denial] = result.denials
    assert denial.thing == "/etc/passwd"
    assert denial.grant == "--dir /etc"
    assert denial in decisions
    with pytest.raises(GuestFailed, match="grant --dir /etc"):
        result.check()
    assert wherever.run(OPENS, grants=Grants(dirs=["/::/"])).denials == ()


@pytest.mark.parametrize(
    "data", [b"", b"\0asm", b"\0asm\1\0\0\0\xff", b"\x89PNG....", b"(module", b"MZ"]
)
def test_what_is_no_program(data: bytes) -> None:
    with pytest.raises(InvalidProgram):
        wherever.run(data)


@pytest.mark.parametrize(
    "data",
    [b'(module (import "env" "f" (func)))'],
)
def test_what_does_not_run_yet(data: bytes) -> None:
    with pytest.raises(wherever.Unsupported, match=r"not built yet|env f"):
        wherever.run(data)


def test_a_library_needs_a_name() -> None:
    library = b'(module (func (export "add") (param i32 i32) (result i32) local.get 0))'
    with pytest.raises(Malformed, match="--invoke: add"):
        wherever.run(library)
    assert wherever.run(library, ["-1", "0x2"], invoke="add").stdout == b"-1\n"
    with pytest.raises(Malformed, match="takes i32 i32; 1"):
        wherever.run(library, ["1"], invoke="add")
    with pytest.raises(Malformed, match="not a number"):
        wherever.run(library, ["1", "x"], invoke="add")
    with pytest.raises(Malformed, match="does not fit"):
        wherever.run(library, ["1", str(1 << 32)], invoke="add")
    with pytest.raises(Malformed, match="no function 'sub'"):
        wherever.run(library, invoke="sub")


@pytest.mark.parametrize(
    "words", [["--net", "a:1"], ["--listen", "a:1"], ["--dns"], ["--http", "http://a"]]
)
def test_sockets_are_unsupported_by_name(words: list[str]) -> None:
    from wherever.policy.grammar import parse_words

    with pytest.raises(wherever.Unsupported, match=words[0]):
        wherever.run(HELLO, grants=parse_words(words).grants)


def test_a_directory_that_is_not_there_is_refused() -> None:
    with pytest.raises(wherever.Denied, match="/does/not/exist"):
        wherever.run(HELLO, grants=Grants(dirs=["/does/not/exist"]))


# --- hostile guests ----------------------------------------------------------------------------


def timed(program: bytes, limits: Limits) -> tuple[wherever.Result, float]:
    pool.warm(1, wait=True)
    start = time.monotonic()
    result = wherever.run(program, limits=limits)
    return result, time.monotonic() - start


@pytest.mark.slow
@pytest.mark.parametrize("program", [SPINS, SLEEPS, POLLS], ids=["spins", "sleeps", "polls"])
def test_time_is_up(program: bytes) -> None:
    result, took = timed(program, Limits(time=0.3))
    assert result.limit is not None
    assert (result.limit.limit, result.limit.value, result.status) == ("time", 0.3, 124)
    assert "raise it with --time" in str(result.limit)
    assert 0.29 < took < 0.3 + LATE * PATIENCE
    with pytest.raises(LimitExceeded):
        result.check()


@pytest.mark.parametrize("program", [SPINS, POLLS], ids=["spins", "polls"])
def test_processor_time_is_up(program: bytes) -> None:
    result, _ = timed(program, Limits(cpu=0.2))
    assert result.limit is not None
    assert (result.limit.limit, result.status) == ("cpu", 137)


def test_a_flood_of_output_is_cut_at_its_limit() -> None:
    result, _ = timed(FLOODS, Limits(output="1MiB"))  # type: ignore[arg-type]
    assert result.limit is not None
    assert result.limit.limit == "output"
    assert len(result.stdout) == 1 << 20
    assert result.status == 137


def test_output_within_the_limit_is_whole() -> None:
    assert wherever.run(writes("x" * 1000), limits=Limits(output=1000)).stdout == b"x" * 1000
    assert wherever.run(writes("x" * 1001), limits=Limits(output=1000)).limit is not None


def test_memory_does_not_grow_past_its_limit() -> None:
    result = wherever.run(TOUCHES, limits=Limits(memory="16MiB"))  # type: ignore[arg-type]
    assert result.exit_code == 0
    assert 15 << 20 <= result.usage.memory <= 16 << 20


def test_giving_up_with_memory_full_is_the_limit() -> None:
    result = wherever.run(GROWS, limits=Limits(memory=16 << 20))
    assert result.limit is not None
    assert (result.limit.limit, result.limit.value, result.status) == ("memory", 16 << 20, 137)
    assert "of 16MiB of memory in use; raise it with --memory" in str(result.limit)


def test_giving_up_with_memory_half_full_hints_at_it() -> None:
    result = wherever.run(guest("unreachable", memory="128"), limits=Limits(memory=16 << 20))
    assert result.trap is not None
    assert "8MiB of 16MiB of memory in use; --memory may be too little" in result.trap.message
    assert "memory" not in str(wherever.run(TRAPS).trap)


def test_an_overlay_and_linear_memory_share_the_limit(tmp_path: Path) -> None:
    """Two MiB are written to an overlay; what remains of four is what memory can grow to."""
    fills = guest(
        """(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1)
                      (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
        (i32.store (i32.const 0) (i32.const 0)) (i32.store (i32.const 4) (i32.const 65536))
        (loop $l
          (if (call $fd_write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8))
            (then unreachable))
          (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                              (i32.const 32))))
        (loop $g (br_if $g (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))""",
        "path_open", "fd_write", more='(data (i32.const 64) "f")',
    )  # fmt: skip
    grants = Grants(dirs=[f"{tmp_path}::/,overlay"])
    result = wherever.run(fills, grants=grants, limits=Limits(memory=4 << 20))
    assert result.exit_code == 0, result
    assert 1 << 20 < result.usage.memory <= 2 << 20
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_time_is_up_in_a_flood() -> None:
    result, took = timed(FLOODS, Limits(time=0.3, output=None))
    assert result.limit is not None
    assert result.limit.limit == "time"
    assert result.stdout
    assert took < 0.3 + LATE * PATIENCE


def test_a_program_that_needs_more_memory_says_so() -> None:
    program = b'(module (memory (export "memory") 1000) (func (export "_start")))'
    result = wherever.run(program, limits=Limits(memory="1MiB"))  # type: ignore[arg-type]
    assert result.limit is not None
    assert result.limit.limit == "memory"
    assert str(result.limit) == (
        "limit exceeded: the program begins with 63 MiB of memory, more than it may have; "
        "--memory is 1MiB: raise it"
    )


@pytest.mark.parametrize(("elements", "memory", "fits"), [
    (1_200_000, "64MiB", True),  # a text of 4.8 MB
    (5_000_000, "64MiB", False),
    (5_000_000, "1GiB", True),
])  # fmt: skip
def test_the_text_of_a_translated_program_has_room(elements: int, memory: str, fits: bool) -> None:
    more = f"(table {elements} funcref) (table 3 funcref) (table 3 funcref)"
    result = wherever.run(guest("", more=more), limits=Limits().override(memory=memory))
    assert (result.limit is None) == fits
    assert fits or "--memory is 64MiB: raise it" in str(result.limit)


def test_deep_recursion_is_a_limit() -> None:
    result = wherever.run(RECURSES)
    assert result.limit is not None
    assert result.limit.limit == "stack"


def test_descriptors_run_out_for_the_guest_alone(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    grants = Grants(dirs=[tmp_path])
    assert (
        wherever.run(DESCRIPTORS, grants=grants, limits=Limits(files=20)).exit_code == 33
    )  # MFILE


def test_a_storm_of_refusals_is_bounded() -> None:
    result, _ = timed(ASKS_FOR_EVERYTHING, Limits(time=0.5))
    assert result.limit is not None
    assert result.limit.limit == "time"
    assert 0 < len(result.denials) <= 1000


def test_terminal_escapes_stay_in_the_output() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J"
    assert wherever.run(writes(evil)).stdout == evil.encode()
    named = rb'(module (import "\1b]0;owned\07" "f" (func)) (func (export "_start")))'
    with pytest.raises(wherever.Unsupported) as caught:
        wherever.run(named)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGTERM, signal.SIGINT])
def test_a_worker_killed_is_a_result(number: int) -> None:
    with wherever.spawn(SPINS) as process:
        time.sleep(0.02)
        os.kill(process.pid, number)
        result = process.wait(10)
    assert result.signal == number
    assert result.status == 128 + number


def test_a_worker_killed_at_random_moments_never_hurts() -> None:
    for moment in range(12):
        process = wherever.spawn(HELLO)
        time.sleep(moment / 1000)
        process.kill()
        result = process.wait(10)
        assert result.signal == 9 or result.ok
        process.__exit__(None, None, None)


def test_an_idle_worker_that_died_is_replaced() -> None:
    pool.warm()
    for worker in list(pool._pool.idle):
        worker.signal(9)
    time.sleep(0.05)
    assert wherever.run(HELLO).ok


def test_a_worker_that_is_done_before_we_look_has_had_its_work() -> None:
    """The last byte is sent: that the worker is gone afterwards is no reason to send it again."""
    ours, theirs = socket.socketpair()
    worker = Worker(os.getpid(), ours.detach())
    real = _socket.socket

    class Quick(real):  # type: ignore[misc, valid-type]
        """Once the message is there, the other side has read it and closed."""

        def sendmsg(self, *arguments: Any) -> int:
            sent: int = super().sendmsg(*arguments)
            theirs.recv(1 << 16)
            theirs.close()
            return sent

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_socket, "socket", Quick)
        assert worker.send({"work": 1}, [])
    assert not worker.send({"work": 1}, [])
    worker.forget()


def test_the_worker_dies_with_its_parent() -> None:
    code = (
        "import os, sys, wherever\n"
        "process = wherever.spawn(sys.argv[1].encode())\n"
        "print(process.pid, flush=True)\n"
        "process._supervision._worker.wait_ready()\n"
        "os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, SPINS.decode()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}/stat").exists() and _state(pid) != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_spawn_streams_both_ways() -> None:
    with wherever.spawn(ECHOES) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in (b"one\n", b"two\n"):
            process.stdin.write(word)
            assert process.stdout.readline() == word
        assert process.poll() is None
        with pytest.raises(TimeoutError):
            process.wait(0.01)
        process.stdin.close()
        assert process.wait(10).ok
    result, out, err = wherever.spawn(ECHOES).communicate(b"x" * 300_000)
    assert (result.ok, len(out), err) == (True, 300_000, b"")


def test_spawn_keeps_its_limits_with_nobody_waiting() -> None:
    process = wherever.spawn(SPINS, limits=Limits(time=0.2))
    deadline = time.monotonic() + 20
    while (result := process.poll()) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert result is not None
    assert result.limit is not None
    process.__exit__(None, None, None)


def test_no_descriptor_and_no_thread_is_left() -> None:
    def held() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    wherever.run(HELLO)
    before, threads = held(), threading.active_count()
    for program in (HELLO, TRAPS, exits(3), writes("x")):
        wherever.run(program, stdin=b"unread")
        with wherever.spawn(program) as process:
            process.communicate()
    with pytest.raises(InvalidProgram):
        wherever.run(b"nothing")
    pool.warm()
    assert held() <= before + 2
    assert threading.active_count() == threads
