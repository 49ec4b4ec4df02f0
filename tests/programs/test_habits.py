"""The habits of ordinary programs, compiled for WASI: streams, terminals, signals, files, names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ziglang", reason="zig cc compiles the program")

SOURCE = Path(__file__).with_name("habits.c")
PATIENCE = 60


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("habits")
    target = folder / "habits.wasm"
    compiler = (sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-O1", "-w")
    subprocess.run([*compiler, str(SOURCE), "-o", str(target)], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHEREVER_CACHE", str(folder / "cache"))
        yield target


def words(program: Path, *habit: str | bytes, grants: tuple[str, ...] = ()) -> list[str | bytes]:
    return [sys.executable, "-m", "wherever", "run", *grants, str(program), *habit]


def wherever(
    program: Path, *habit: str | bytes, grants: tuple[str, ...] = (), **more: Any
) -> subprocess.CompletedProcess[bytes]:
    command = words(program, *habit, grants=grants)
    return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE, **more)


@pytest.mark.parametrize("grant", [".", "./", ".::/", ".::."])
def test_the_current_directory_granted_as_wasmtime_users_do(
    program: Path, tmp_path: Path, grant: str
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "file").write_text("")
    paths = ("file", "./file", "d/../file")
    done = wherever(program, "open", *paths, grants=("--dir", grant), cwd=tmp_path)
    assert done.stdout.decode() == "".join(f"{path}: ok\n" for path in paths), done.stderr
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_refused_path_is_named_as_it_reads_best(program: Path) -> None:
    done = wherever(program, "open", "./a/../b/c")
    assert b"denied: guest asked to open /b/c; " in done.stderr
    assert b"grant --dir /b\n" in done.stderr


def test_arguments_and_names_are_bytes(program: Path) -> None:
    done = wherever(program, "args", "", "a b", "\u00e9", b"\xff\xfe")
    assert done.stdout == b"[habits.wasm]\n[args]\n[]\n[a b]\n[\xc3\xa9]\n[\xff\xfe]\n"


def test_the_program_does_not_learn_where_it_lies(program: Path) -> None:
    assert program.is_absolute()
    assert wherever(program, "args").stdout.startswith(b"[habits.wasm]\n")
    named = wherever(program, "args", grants=("--argv0", "/bin/sh"))
    assert named.stdout.startswith(b"[/bin/sh]\n")


def test_many_arguments_and_long_ones(program: Path) -> None:
    many = [str(number) for number in range(20_000)]
    assert wherever(program, "args", *many).stdout.count(b"\n") == 20_002
    assert len(wherever(program, "args", "x" * 100_000).stdout) > 100_000


def test_many_variables(program: Path) -> None:
    grants = [word for number in range(500) for word in ("--env", f"V{number}={'x' * 100}")]
    assert wherever(program, "env", grants=tuple(grants)).stdout.count(b"\n") == 500


def test_binary_input_comes_through(program: Path) -> None:
    data = os.urandom(1 << 20)
    assert wherever(program, "cat", input=data).stdout == data


def test_a_reader_that_leaves(program: Path) -> None:
    with subprocess.Popen(
        words(program, "yes"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(4) == b"y\ny\n"
        process.stdout.close()
        assert process.wait(PATIENCE) == 4
        assert process.stderr is not None
        assert process.stderr.read() == b"Broken pipe\n"


def test_streams_that_are_no_terminal(program: Path) -> None:
    assert wherever(program, "tty", stdin=subprocess.DEVNULL).stdout == b"0 0 0\n"


def on_a_terminal(command: list[str | bytes], typed: bytes = b"", after: bytes = b"") -> bytes:
    """What the command shows on a terminal of its own, and its wait status at the end."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    shown = b""
    if not after:
        os.write(terminal, typed)
        typed = b""
    try:
        while part := os.read(terminal, 1000):
            shown += part
            if typed and after in shown:
                os.write(terminal, typed)
                typed = b""
    except OSError:  # how Linux says that the other side is gone
        pass
    finally:
        os.close(terminal)
    return shown + b"status %d" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_terminal_is_one_to_the_guest(program: Path) -> None:
    wherever(program, "args")  # compiles, which would show
    assert on_a_terminal(words(program, "tty")) == b"1 1 1\r\nstatus 0"


def test_a_typed_line_and_end_of_file(program: Path) -> None:
    wherever(program, "args")
    shown = on_a_terminal(words(program, "cat"), b"line\n\x04")
    assert shown.replace(b"^D\b\b", b"") == b"line\r\nline\r\nstatus 0"


def test_ctrl_c_ends_guest_and_command(program: Path) -> None:
    wherever(program, "args")
    shown = on_a_terminal(words(program, "sleep"), b"\x03", after=b"asleep")
    assert shown.startswith(b"asleep\r\n")
    assert shown.endswith(b"status 130")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_command_alone(program: Path, number: int) -> None:
    with subprocess.Popen(words(program, "sleep"), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"asleep\n"
        process.send_signal(number)
        assert process.wait(PATIENCE) == 128 + number


def test_poll_with_input_and_a_clock(program: Path) -> None:
    assert wherever(program, "poll", input=b"x").stdout == b"1 1\n"
    read, write = os.pipe()
    assert wherever(program, "poll", stdin=read).stdout == b"0 0\n"
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("mode", ["ro", "overlay"])
def test_a_large_directory_and_its_cookies(program: Path, tmp_path: Path, mode: str) -> None:
    for number in range(3000):
        (tmp_path / f"a-rather-long-name-{number}").touch()
    done = wherever(program, "list", "/d", grants=("--dir", f"{tmp_path}::/d,{mode}"))
    assert done.stdout == b"found again\n3002 3002\n"


def test_an_empty_directory(program: Path, tmp_path: Path) -> None:
    done = wherever(program, "list", "/d", grants=("--dir", f"{tmp_path}::/d"))
    assert done.stdout == b"2 2\n"


def test_changes_answer_as_linux_does(program: Path, tmp_path: Path) -> None:
    """The same program compiled for this machine is the oracle, on disk and in an overlay."""
    native = tmp_path / "native"
    compiler = (sys.executable, "-m", "ziglang", "cc", "-O1", "-w")
    subprocess.run([*compiler, str(SOURCE), "-o", str(native)], check=True)
    shown: list[str] = []
    for name in ("native", "rw", "overlay"):
        place = tmp_path / f"in-{name}"
        place.mkdir()
        if name == "native":
            done = subprocess.run([str(native), "change", str(place)], capture_output=True,
                                  check=True)  # fmt: skip
        else:
            done = wherever(program, "change", "/d", grants=("--dir", f"{place}::/d,{name}"))
            assert done.returncode == 0, done.stderr
        text = done.stdout.decode()
        shown.append(text.replace("Symbolic link loop", "Too many levels of symbolic links"))
    assert shown[1] == shown[0]
    assert shown[2] == shown[0]
    assert not list((tmp_path / "in-overlay").iterdir())
