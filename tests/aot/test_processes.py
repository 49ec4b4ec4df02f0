"""Is a translation the same in any number of processes, and its end clear when one of them dies?"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wherever.aot.apart import translate_apart
from wherever.aot.pipeline import translate
from wherever.errors import InternalError, InvalidProgram, LimitExceeded, Unsupported

BASE = 0x400000
NOP, RET, SVC, BL = 0xD503201F, 0xD65F03C0, 0xD4000001, 0x94000000


def program(functions: int) -> bytes:
    """An executable: _start calls each of so many functions, and each of those the next one."""
    start = functions + 1
    words = [BL | start + 5 * i - i for i in range(functions)] + [SVC]
    for i in range(functions):
        # stp x29, x30, [sp, #-16]!; add x0, x0, #i; bl next; ldp x29, x30, [sp], #16; ret
        following = NOP if i + 1 == functions else BL | 3
        words += [0xA9BF7BFD, 0x91000000 | i << 10, following, 0xA8C17BFD, RET]
    code = struct.pack(f"<{len(words)}I", *words)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    sizes = (64, 56, 1, 64, 0, 0)
    header = struct.pack("<16sHHIQQQIHHHHHH", ident, 2, 183, 1, BASE + 120, 64, 0, 0, *sizes)
    size = 120 + len(code)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 4096) + code


def in_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines in an interpreter with one thread, as a translation runs."""
    head = "import os, signal\nfrom wherever.aot.spread import spread\nfirst = os.getpid()\n"
    command = [sys.executable, "-c", head + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_any_number_of_processes_gives_the_same_bytes(stub: bytes) -> None:
    guest = program(40)
    alone = translate(guest, stub).wasm
    seen: set[str] = set()

    def progress(stage: str, done: int, of: int) -> None:
        seen.add(stage)
        assert 0 <= done <= of

    assert translate_apart(guest, stub, 1, progress) == alone
    assert translate_apart(guest, stub, 3) == alone
    assert "emit" in seen


def test_results_come_in_any_case_and_from_several_processes() -> None:
    done = in_python(
        "import time\n"
        "def work(n):\n"
        "    time.sleep(0.002)\n"
        "    return os.getpid(), n * n\n"
        "found = spread(range(200), work, 3)\n"
        "assert [found[n][1] for n in range(200)] == [n * n for n in range(200)]\n"
        "print(len({pid for pid, _ in found.values()}))\n"
    )
    assert done.stderr == ""
    assert int(done.stdout) == 3


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "a translation worker was killed by SIGKILL"),
        ("raise ValueError('what it was')", "what it was"),
    ],
)
def test_a_worker_that_dies_is_one_clear_error(end: str, said: str) -> None:
    done = in_python(
        "import time\n"
        "def work(n):\n"
        f"    if os.getpid() != first: {end}\n"
        "    time.sleep(0.05)\n"
        "    return n\n"
        "spread(range(20), work, 2)\n"
    )
    assert done.stderr.count("InternalError: a translation worker") == 1
    assert said in done.stderr


def test_a_worker_without_memory_is_as_one_of_ours() -> None:
    done = in_python(
        "import time\n"
        "def work(n):\n"
        "    if os.getpid() != first: raise MemoryError\n"
        "    time.sleep(0.05)\n"
        "    return n\n"
        "spread(range(20), work, 2)\n"
    )
    assert done.stderr.endswith("\nMemoryError\n")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is only bounded on Linux")
def test_what_does_not_fit_is_refused_before_it_is_begun(
    stub: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = struct.pack("<I", NOP) * 2_000_000
    guest = bytearray(program(1) + words)
    guest[64 + 32 : 64 + 48] = struct.pack("<2Q", len(guest), len(guest))  # p_filesz, p_memsz
    monkeypatch.setenv("WHEREVER_TRANSLATE_MEMORY", "1")
    with pytest.raises(LimitExceeded, match=r"the 1 GiB .* WHEREVER_TRANSLATE_MEMORY=2 in the"):
        translate_apart(bytes(guest), stub, 1)
    monkeypatch.setenv("WHEREVER_TRANSLATE_MEMORY", "much")
    with pytest.raises(Unsupported, match="a number of GiB; it says 'much'"):
        translate_apart(bytes(guest), stub, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child at once")
@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_who_asked_is_killed(
    stub: bytes, tmp_path: Path, signo: signal.Signals
) -> None:
    """The caller is killed while its translator and the worker of that can notice nothing."""
    (tmp_path / "guest").write_bytes(program(600))
    (tmp_path / "stub").write_bytes(stub)
    asks = (
        "import sys\n"
        "from pathlib import Path\n"
        "from wherever.aot.apart import translate_apart\n"
        "guest, stub = (Path(name).read_bytes() for name in sys.argv[1:])\n"
        "translate_apart(guest, stub, 2, lambda stage, *_: print(stage, flush=True))\n"
    )
    command = [sys.executable, "-c", asks, tmp_path / "guest", tmp_path / "stub"]
    # a session of its own: what is left of it is found by that, whoever its parent is by then
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as asker:
        assert asker.stdout is not None
        for line in asker.stdout:
            if line == "emit\n" and len(session(asker.pid)) == 3:
                break
        below = set(session(asker.pid)) - {asker.pid}
        for pid in below:
            os.kill(pid, signal.SIGSTOP)
        asker.send_signal(signo)
    end = time.monotonic() + 2
    while (left := session(asker.pid)) and time.monotonic() < end:
        time.sleep(0.02)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert len(below) == 2
    assert left == []


def session(leader: int) -> list[int]:
    """The processes of a session that still run (proc(5), stat: fields 3 and 6)."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def test_a_process_with_threads_does_the_work_itself() -> None:
    done = in_python(
        "import threading\n"
        "threading.Thread(target=signal.pause, daemon=True).start()\n"
        "assert set(spread(range(9), lambda n: os.getpid(), 2).values()) == {first}\n"
        "print('alone')\n"
    )
    assert done.stdout == "alone\n", done.stderr


def test_errors_of_the_translation_are_raised_here(stub: bytes) -> None:
    with pytest.raises(InvalidProgram, match="ELF"):
        translate_apart(b"\x7fELF" + bytes(60), stub, 1)
    other = bytearray(program(1))
    other[18] = 62
    with pytest.raises(Unsupported, match="x86_64"):
        translate_apart(bytes(other), stub, 1)


def test_a_translator_that_is_killed_is_one_clear_error(
    stub: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o700)
    monkeypatch.setenv("WHEREVER_PYTHON", os.fspath(python))
    with pytest.raises(InternalError, match=f"killed by signal {signal.SIGKILL.value}"):
        translate_apart(program(1), stub, 1)
