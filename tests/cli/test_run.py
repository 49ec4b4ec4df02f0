"""`wherever run` and its kin as commands: streams, statuses, signals, denials, compiled code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WASI = '(import "wasi_snapshot_preview1" "{}" (func ${} {}))'
HELLO = b"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 64) "hello\\n")
  (func (export "_start") (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 6))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
SPINS = b'(module (func (export "_start") (loop $l br $l)))'
TRAPS = b'(module (func $inner unreachable) (func (export "_start") call $inner))'
EXITS = b"""(module (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32)))
  (memory (export "memory") 1) (func (export "_start") (call $e (i32.const 42))))"""
OPENS = b"""(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $p (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32)))
  (memory (export "memory") 1) (data (i32.const 64) "secret/file")
  (func (export "_start") (drop (call $p (i32.const 3) (i32.const 512)))
    (call $e (call $o (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 11)
      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))))"""


@pytest.fixture(autouse=True)
def cache_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path / "cache"))


def wherever(
    *words: str | Path, program: bytes | None = None, **named: object
) -> tuple[int, str, str]:
    given = [str(word) for word in words]
    if program is not None:
        file = Path(os.environ["WHEREVER_CACHE"]).parent / "program.wat"
        file.write_bytes(program)
        given = [str(file) if word == "PROGRAM" else word for word in given]
    command = [sys.executable, "-m", "wherever", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **named)  # type: ignore[call-overload]
    return done.returncode, done.stdout, done.stderr


def test_hello_and_a_status() -> None:
    assert wherever("run", "PROGRAM", program=HELLO) == (0, "hello\n", "")
    assert wherever("run", "--", "PROGRAM", program=HELLO)[0] == 0
    assert wherever("run", "PROGRAM", "--dir", program=EXITS) == (42, "", "")


def test_a_trap_has_a_backtrace() -> None:
    status, out, err = wherever("run", "PROGRAM", program=TRAPS)
    assert (status, out) == (134, "")
    assert "unreachable" in err
    assert "inner" in err
    assert "Traceback" not in err


def test_limits_have_their_statuses() -> None:
    assert wherever("run", "--time", "0.2s", "PROGRAM", program=SPINS)[0] == 124
    status, _, err = wherever("run", "--cpu=200ms", "PROGRAM", program=SPINS)
    assert status == 137
    assert "raise it with --cpu" in err


def test_a_failure_after_denials_names_the_grants(tmp_path: Path) -> None:
    status, _, err = wherever("run", "--audit", tmp_path / "log", "PROGRAM", program=OPENS)
    assert status == 44
    assert "denied: guest asked to open /secret/file" in err
    assert "grant --dir /secret" in err
    [record] = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert record["thing"] == "/secret/file"
    assert record["granted"] is False
    assert record["grant"] == "--dir /secret"
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").touch()
    status, _, err = wherever("run", "--dir", f"{tmp_path}::/", "PROGRAM", program=OPENS)
    assert (status, err) == (0, "")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["run"], 2, "which program?"),
        (["run", "--frob", "x"], 2, "--frob is no grant"),
        (["run", "--dir"], 2, "--dir needs a value"),
        (["run", "--time", "soon", "x"], 2, "not a duration"),
        (["run", "/does/not/exist.wasm"], 66, "No such file"),
        (["run", "/etc/passwd"], 65, "of no format we know"),
        (["run", "--net", "a:1", "PROGRAM"], 69, "--net a:1"),
        (["run", "--dir", "/does/not/exist", "PROGRAM"], 77, "/does/not/exist"),
        (["run", "--invoke", "nope", "PROGRAM"], 2, "no function 'nope'"),
        (["run", "--invoke"], 2, "--invoke needs a value"),
        (["inspect"], 2, "which program?"),
        (["inspect", "/etc/passwd"], 69, "can be inspected"),
        (["validate", "/etc/passwd"], 65, "/etc/passwd"),
        (["compile", "PROGRAM", "-x"], 2, "no option"),
        (["compile", "/etc/passwd"], 65, "of no format we know"),
    ],
)  # fmt: skip
def test_errors_are_one_message_and_a_status(words: list[str], status: int, message: str) -> None:
    got, out, err = wherever(*words, program=HELLO)
    assert (got, out) == (status, "")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_guest(tmp_path: Path, number: int) -> None:
    file = tmp_path / "spins.wat"
    file.write_bytes(SPINS)
    command = [sys.executable, "-m", "wherever", "run", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 20
        while not children.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.6)
        process.send_signal(number)
        assert process.wait(20) in (128 + number, -number)


def test_compiled_code_runs_only_where_it_was_made(tmp_path: Path) -> None:
    code = tmp_path / "hello.cwasm"
    assert wherever("compile", "PROGRAM", "-o", code, program=HELLO)[0] == 0
    assert wherever("run", code) == (0, "hello\n", "")
    data = bytearray(code.read_bytes())
    data[len(data) // 2] ^= 1
    forged = tmp_path / "forged.cwasm"
    forged.write_bytes(data)
    status, _, err = wherever("run", forged)
    assert status == 65
    assert "not compiled here by this user" in err
    assert wherever("cache", "clear")[0] == 0
    assert wherever("run", code)[0] == 65


def test_the_cache_is_used_and_a_damaged_one_is_not() -> None:
    assert wherever("run", "PROGRAM", program=HELLO)[0] == 0
    [held] = (Path(os.environ["WHEREVER_CACHE"]) / "code" / "objects").glob("?" * 64)
    held.chmod(0o600)
    held.write_bytes(b"\0wherever code 2\n" + bytes(4000))
    assert wherever("run", "PROGRAM", program=HELLO) == (0, "hello\n", "")


def test_inspect_and_validate() -> None:
    status, out, _ = wherever("inspect", "PROGRAM", program=HELLO)
    assert status == 0
    assert "wasi_snapshot_preview1" in out
    report = json.loads(wherever("inspect", "--json", "PROGRAM", program=HELLO)[1])
    assert report["kind"] == "module"
    assert wherever("validate", "PROGRAM", program=HELLO) == (0, "", "")


def test_validate_takes_modules_and_components_and_hostile_bytes(tmp_path: Path) -> None:
    component = b"\0asm\x0d\0\1\0"
    types, functions, code = b"\x01\x04\1\x60\0\0", b"\x03\x02\1\0", b"\x0a\x05\1\3\0\x1a\x0b"
    core = b"\0asm\1\0\0\0" + types + functions + code  # drop, of nothing
    broken_core = b"\x01" + bytes((len(core),)) + core
    files = {
        "empty": b"",
        "good.wasm": component,
        "deep.wasm": component + b"\x04\x08" + component[:8],
        "core.wasm": component + broken_core,
        "cut.wasm": b"\0asm",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in files]
    status, out, err = wherever("validate", "--json", *paths)
    assert (status, err) == (65, "")
    told = {Path(each["name"]).name: each for each in json.loads(out)}
    assert [name for name, each in told.items() if each["valid"]] == ["good.wasm", "deep.wasm"]
    assert "empty" in told["empty"]["error"]
    assert "the core module at 0xa" in told["core.wasm"]["error"]
    status, out, err = wherever("validate", *paths)
    assert (status, out) == (65, "")
    assert err.count("wherever: error:") == 3
    assert "Caused by" not in err


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_trouble(tmp_path: Path, closed: str) -> None:
    file = tmp_path / "exits.wat"
    file.write_bytes(EXITS)
    command = f"{sys.executable} -m wherever run {file} {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (42, b"", b"")


def test_a_terminal_is_a_terminal(tmp_path: Path) -> None:
    import pty

    file = tmp_path / "hello.wat"
    file.write_bytes(HELLO)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "wherever", "run", str(file)]
    # compiled beforehand: on a busy machine the terminal would be told that it takes a while
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        assert process.wait(60) == 0
    assert os.read(ours, 100) == b"hello\r\n"
    os.close(ours)
    os.close(theirs)
