"""In a real notebook kernel: cells run, await, stream, interrupt, and leave the kernel alive."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from guests import HELLO, SLEEPS, exits  # type: ignore[import-not-found]

pytest.importorskip("jupyter_client", reason="needs jupyter_client and ipykernel")
pytest.importorskip("ipykernel", reason="the kernel itself")

pytestmark = pytest.mark.slow

# In a process of its own: jupyter_client leaves event loops and sockets open behind it.
_CLIENT = """
import json, sys, threading
from jupyter_client import manager

kernel, client = manager.start_new_kernel(
    kernel_name="python3", startup_timeout=120, extra_arguments=["--colors=NoColor"]
)
for line in sys.stdin:
    text, interrupt_after = json.loads(line)
    printed = []

    def collect(message):
        content = message["content"]
        if message["msg_type"] == "stream":
            printed.append(content["text"])
        elif message["msg_type"] == "error":
            printed.append(content["ename"])

    if interrupt_after is not None:
        threading.Timer(interrupt_after, kernel.interrupt_kernel).start()
    client.execute_interactive(text, output_hook=collect, timeout=120)
    print(json.dumps("".join(printed).strip()), flush=True)
client.stop_channels()
kernel.shutdown_kernel(now=True)
"""


@pytest.fixture(scope="module")
def cell() -> Iterator[Any]:
    """Run the text of a cell: what it printed, or the name of its error."""
    command = [sys.executable, "-W", "ignore", "-c", _CLIENT]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as client:

        def run(text: str, interrupt_after: float | None = None) -> str:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(json.dumps([text, interrupt_after]) + "\n")
            client.stdin.flush()
            printed: str = json.loads(client.stdout.readline())
            return printed

        run(f"import sys, wherever; HELLO = {HELLO!r}; SLEEPS = {SLEEPS!r}")
        yield run
        assert client.stdin is not None
        client.stdin.close()
        client.wait(60)


def test_a_cell_runs_a_program(cell: Any) -> None:
    assert cell("print(wherever.run(HELLO).stdout)") == "b'hello\\n'"


def test_a_cell_awaits_a_program(cell: Any) -> None:
    assert cell("print((await wherever.arun(HELLO)).stdout)") == "b'hello\\n'"


def test_a_cell_awaits_many(cell: Any) -> None:
    text = """
import asyncio
found = await asyncio.gather(*(wherever.arun(HELLO) for _ in range(4)))
print([each.stdout for each in found])
"""
    assert cell(text) == repr([b"hello\n"] * 4)


def test_a_failure_is_an_exception_of_the_cell(cell: Any) -> None:
    assert cell(f"wherever.run({exits(3)!r}, check=True)") == "GuestFailed"


def test_the_stop_button_ends_the_guest(cell: Any) -> None:
    assert cell("wherever.run(SLEEPS)", interrupt_after=1.0) == "KeyboardInterrupt"
    assert cell("print(wherever.run(HELLO).ok)") == "True"


def test_the_stop_button_on_an_awaited_guest(cell: Any) -> None:
    """ipykernel 7 looks at it when its loop next wakes, as it does with asyncio.sleep."""
    text = "await wherever.arun(SLEEPS, limits=wherever.Limits(time=2))"
    assert cell(text, interrupt_after=1.0) in ("KeyboardInterrupt", "CancelledError")
    assert cell("print(wherever.run(HELLO).ok)") == "True"


def test_the_kernel_is_the_interpreter_of_the_tests(cell: Any) -> None:
    assert cell("print(sys.executable)") == sys.executable
