"""From where a program may be run: threads, asyncio, notebooks, forked servers, xdist, scripts."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from guests import COUNTS, HELLO, SLEEPS, SPINS  # type: ignore[import-not-found]

import wherever


def script(text: str, *arguments: str) -> str:
    """What a script without a `__main__` guard prints, run as a file would be."""
    code = f"HELLO = {HELLO!r}\nSPINS = {SPINS!r}\n" + textwrap.dedent(text)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def test_a_script_without_a_main_guard() -> None:
    assert script("import wherever; print(wherever.run(HELLO).stdout)") == "b'hello\\n'\n"


def test_threads() -> None:
    results: list[wherever.Result] = []
    threads = [
        threading.Thread(target=lambda: results.append(wherever.run(HELLO))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.stdout for result in results] == [b"hello\n"] * 4


def test_a_worker_outlives_the_thread_that_started_it() -> None:
    found: list[wherever.nanoprocess.Nanoprocess] = []  # type: ignore[name-defined]
    thread = threading.Thread(target=lambda: found.append(wherever.spawn(SLEEPS)))
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert found[0].poll() is None
    with pytest.raises(ZeroDivisionError), found[0]:
        raise ZeroDivisionError
    assert found[0].wait(5).signal == 9


def test_asyncio_runs_many_and_goes_on() -> None:
    async def main() -> list[bytes]:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.001)
                beats += 1

        heart = asyncio.create_task(beat())
        results = await asyncio.gather(*(wherever.arun(HELLO) for _ in range(4)))
        heart.cancel()
        assert beats > 3
        return [result.stdout for result in results]

    assert asyncio.run(main()) == [b"hello\n"] * 4


def test_cancelling_a_task_ends_its_guest() -> None:
    async def main() -> float:
        task = asyncio.create_task(wherever.arun(SLEEPS))
        await asyncio.sleep(0.2)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - start

    assert asyncio.run(main()) < 2


def test_a_notebook_s_running_loop() -> None:
    """A cell runs inside a running loop, synchronously, and may also await."""

    async def cell() -> bytes:
        return wherever.run(HELLO).stdout + (await wherever.arun(HELLO)).stdout

    assert asyncio.run(cell()) == b"hello\nhello\n"


def test_forked_server() -> None:
    """A server that warms up, forks its workers and answers in each of them."""
    out = script(
        """
        import os, wherever
        assert wherever.run(HELLO).ok
        pids = []
        for number in range(3):
            pid = os.fork()
            if pid == 0:
                ok = all(wherever.run(HELLO).stdout == b"hello\\n" for _ in range(2))
                os._exit(0 if ok else 1)
            pids.append(pid)
        print([os.waitpid(pid, 0)[1] for pid in pids], wherever.run(HELLO).ok)
        """
    )
    assert out == "[0, 0, 0] True\n"


def test_under_pytest_xdist(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        f"import pytest, wherever\n"
        f"@pytest.mark.parametrize('n', range(4))\n"
        f"def test_it(n):\n    assert wherever.run({HELLO!r}).stdout == b'hello\\n'\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert "4 passed" in done.stdout


def test_a_strange_interpreter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from wherever.nanoprocess import pool

    pool.drain()
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(wherever.Unsupported, match="WHEREVER_PYTHON"):
        pool.take()


def test_the_callers_secrets_are_not_in_the_worker() -> None:
    secret = f"secret-{os.getpid()}-value"
    out = script(
        """
        import os, pathlib, sys, wherever
        os.environ["SECRET"] = sys.argv[1]
        from wherever.nanoprocess import pool
        pool.warm(1, wait=True)
        pid = pool._pool.idle[0].pid
        print(pathlib.Path(f"/proc/{pid}/environ").read_bytes())
        print(sorted(os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0]
                     for fd in os.listdir(f"/proc/{pid}/fd")))
        """,
        secret,
    )
    environ, descriptors = out.splitlines()
    assert environ == "b''"
    assert descriptors == "['/dev/null', '/dev/null', '/dev/null', 'socket']"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"args": "one word"}, "args is one word, 'one word'; give a list of words"),
        ({"args": ["exit", 3]}, "an argument is of int: 3; give words as text"),
        ({"grants": {"dirs": ["."]}}, r"grants is of dict; make it with wherever.Grants\(...\)"),
        ({"limits": {"time": 1}}, r"limits is of dict; make it with wherever.Limits\(...\)"),
        ({"stdin": io.BytesIO(b"x")}, "stdin is of BytesIO, .*; give the bytes themselves"),
        ({"stdout": io.StringIO()}, "stdout is of StringIO, .*; leave stdout out"),
        ({"program": 3}, "expected str, bytes or os.PathLike"),
    ],
)
def test_a_wrong_type_says_what_to_give(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        wherever.run(given.pop("program", HELLO), **given)


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_a_word_that_is_no_argument(word: str) -> None:
    with pytest.raises(wherever.Malformed, match="an argument"):
        wherever.run(HELLO, [word])


def test_arguments_may_be_paths_and_bytes(tmp_path: Path) -> None:
    result = wherever.run(COUNTS, [tmp_path, b"\xff", "x"], stdin=bytearray(b"data"))
    assert result.exit_code == 4  # and the program's name


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_no_bug_of_ours(unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "wherever", "version"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 74
    assert done.stderr == "wherever: error: No space left on device\n"
