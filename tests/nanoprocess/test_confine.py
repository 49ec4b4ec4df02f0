"""Confinement: what a confined process can still do, tried for real in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wherever.nanoprocess.confine.seccomp import DEADLY, SYSCALLS, filter_program

BOOT = """
import ctypes, mmap, os, sys, _socket, time
from wherever.nanoprocess.confine import close_others, confine
from wherever.policy import Grants, Limits
close_others(frozenset())
lacks = confine(Grants(dirs={dirs!r}), Limits(memory="64MiB", files=8)).lacks
def fails(what, *arguments, **named):
    try:
        what(*arguments, **named)
    except OSError as error:
        return error.errno
    except ValueError as error:
        return str(error)
    return 0
{body}
"""


def confined(body: str, dirs: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BOOT.format(body=body, dirs=dirs)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


def test_the_ordinary_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("inside")
    done = confined(
        "m = mmap.mmap(-1, 1 << 20); m[:3] = b'abc'; time.sleep(0.001)\n"
        f"print(open({str(tmp_path / 'file')!r}).read(), os.urandom(1) != b'', lacks)",
        (str(tmp_path),),
    )
    assert done.stderr == ""
    assert done.stdout.startswith("inside True")


def test_files_outside_the_grants_are_out_of_reach(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "file").write_text("x")
    (tmp_path / "secret").write_text("x")
    (inside / "link").symlink_to(tmp_path / "secret")
    done = confined(
        f"inside, secret = {str(inside)!r}, {str(tmp_path / 'secret')!r}\n"
        "print(fails(os.open, secret, os.O_RDONLY), fails(os.open, inside + '/link', os.O_RDONLY),"
        "fails(os.open, '/etc/passwd', os.O_RDONLY), fails(os.listdir, '/'),"
        "fails(os.open, '/proc/self/mem', os.O_RDWR),"
        "fails(os.open, inside + '/new', os.O_CREAT | os.O_WRONLY),"  # granted read-only
        "fails(os.unlink, inside + '/file'), fails(os.open, inside + '/file', os.O_RDONLY))",
        (str(inside),),
    )
    assert done.stderr == ""
    if "Landlock" not in done.stdout:
        assert done.stdout.split() == ["13"] * 7 + ["0"]


def test_without_directories_no_path_can_be_opened() -> None:
    done = confined("print(fails(os.open, '/dev/null', os.O_RDONLY), fails(os.mkdir, '/tmp/x'))")
    assert done.stdout.split() == ["1", "1"]


@pytest.mark.parametrize(
    "body",
    [
        "os.execv('/bin/true', ['true'])",
        "os.fork()",
        "ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
        "ctypes.CDLL(None).unshare(0x10000000)",
        "ctypes.CDLL(None).syscall(425, 1, 0)",
    ],
)
def test_the_marks_of_a_takeover_end_the_process(body: str) -> None:
    assert confined(body + "\nprint('still here')").returncode == -31  # SIGSYS


def test_no_sockets_no_signals_to_others_no_way_back() -> None:
    done = confined(
        f"print(fails(_socket.socket), fails(os.kill, {os.getpid()}, 0),"
        "fails(os.kill, os.getpid(), 0), fails(os.setpgid, 0, 0),"
        "ctypes.CDLL(None).prctl(38, 0, 0, 0, 0))"
    )
    assert done.stdout.split() == ["1", "1", "1", "1", "-1"]


def test_limits_of_the_kernel_stand_behind_ours() -> None:
    done = confined(
        "print(fails(mmap.mmap, -1, 2 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))\n"
        "print(fails(lambda: [os.dup(1) for _ in range(100)]))"
    )
    assert done.stdout.split() == ["12", "24"]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_well_formed(machine: str) -> None:
    for files in (False, True):
        program = filter_program(machine, files=files, net=files, pid=1)
        assert len(program) % 8 == 0
        count = len(program) // 8
        assert count < 4096
        for at in range(count):
            code, yes, no = program[8 * at], program[8 * at + 2], program[8 * at + 3]
            if code in (0x15, 0x35, 0x45):
                assert at + 1 + max(yes, no) < count
        assert program[-8] == 0x06


def test_no_call_stands_twice() -> None:
    assert SYSCALLS.keys() & DEADLY.keys() == set()
    for column in (0, 1):
        numbers = [row[column] for row in (*SYSCALLS.values(), *DEADLY.values())]
        known = [number for number in numbers if number is not None]
        assert len(known) == len(set(known))


def test_every_thread_is_restricted() -> None:
    done = confined("pass").returncode
    assert done == 0
    assert "one thread of" not in confined("print(lacks)").stdout
    body = BOOT.replace(
        "close_others(frozenset())",
        (
            "import threading, queue\n"
            "asked, told = queue.Queue(), queue.Queue()\n"
            "def other():\n    asked.get()\n    told.put(fails(_socket.socket))\n"
            "threading.Thread(target=other, daemon=True).start()\n"
            "close_others(frozenset())"
        ),
    )
    code = body.format(dirs=(), body="asked.put(1); print(told.get(), lacks)")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("1 ")
    assert "one thread of 2" in ran.stdout or "Landlock (" in ran.stdout


def test_a_worker_has_one_thread_when_its_guest_starts() -> None:
    """Landlock restricts the thread that asks for it: there must be no other."""
    import time

    from guests import SPINS  # type: ignore[import-not-found]

    import wherever

    with wherever.spawn(SPINS) as process:
        time.sleep(1)
        assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) == 1
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        process.kill()
