"""Do signals from the terminal reach the handlers of a translated program, as under qemu?"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import linux_guests
import pytest
import sides
import terminal

SOURCE = Path(__file__).parent / "linux" / "interrupts.c"
REASON = linux_guests.missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
]
READY = b"ready\r\n"
INTERRUPT, QUIT = b"\x03", b"\x1c"
EVERYTHING: list[tuple[bytes, bytes | terminal.Resize]] = [
    *[(READY, INTERRUPT)] * 2,  # a read interrupted; one that begins again
    (b"^C", b"hello\n"),
    *[(READY, INTERRUPT)] * 6,  # pause, sleep, poll, blocked, waited for, jumped
    (READY, QUIT),
    (READY, terminal.Resize(33, 101)),
    (READY, INTERRUPT),  # the default action
]
DIALOGUES: dict[str, list[tuple[bytes, bytes | terminal.Resize]]] = {
    "": EVERYTHING,
    "default": [(READY, INTERRUPT)],
    "default loop": [(READY, INTERRUPT)],
    "ignored": [(READY, INTERRUPT), (b"^C", b"hello\n")],
}


def program() -> Path:
    flags = ("-O2", "-fno-sanitize=undefined")
    made = linux_guests.compiled([SOURCE], *linux_guests.MUSL, *flags)
    # compiled before, so that no progress is drawn on the terminal
    subprocess.run(
        [linux_guests.WHEREVER, "run", made, "ignored"], capture_output=True, check=False, input=b""
    )
    return made


def ours(*words: str) -> list[str]:
    return [str(linux_guests.WHEREVER), "run", str(program()), *words]


@pytest.mark.parametrize("what", DIALOGUES, ids=lambda what: what or "everything")
def test_a_dialogue_agrees_with_qemu(what: str, tmp_path: Path) -> None:
    emulator = linux_guests.qemu()
    assert emulator is not None
    words = [what] if what else []
    sessions = [
        terminal.drive(command, DIALOGUES[what], tmp_path, os.environ, raw=False)
        for command in ([emulator, str(program()), *words], ours(*words))
    ]
    assert sessions[1] == sessions[0]


def test_a_second_interrupt_ends_what_takes_no_notice_of_the_first(tmp_path: Path) -> None:
    steps = [(READY, INTERRUPT), (b"^C", INTERRUPT)]
    session = terminal.drive(ours("loop"), steps, tmp_path, os.environ, raw=False)
    assert session.status == 128 + signal.SIGINT


@pytest.mark.parametrize("shell", ["bash", "busybox"])
def test_a_shell_traps_an_interrupt(shell: str, whole: bool, tmp_path: Path) -> None:
    if not whole:
        pytest.skip("one of the long run: make terminal")
    path = str(sides.program(shell, translate=whole))
    subprocess.run(
        [linux_guests.WHEREVER, "run", path], capture_output=True, check=False, input=b""
    )
    script = "trap 'echo hi' INT; echo go; read x; echo got $x $?"
    words = [path, *(["sh"] if shell == "busybox" else []), "-c", script]
    steps = [(b"go\r\n", INTERRUPT), (b"hi\r\n", b"abc\n")]
    emulator = linux_guests.qemu()
    assert emulator is not None
    sessions = [
        terminal.drive([*command, *words], steps, tmp_path, os.environ, raw=False)
        for command in ([emulator], [str(linux_guests.WHEREVER), "run"])
    ]
    assert sessions[1] == sessions[0]


def test_a_signal_sent_to_the_command_line_reaches_the_handler_once(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(ours(), stdin=pipe, stdout=pipe, cwd=tmp_path) as process:
        assert process.stdout is not None
        late = threading.Timer(60, process.kill)  # a failure, not a test without an end
        late.start()
        try:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(0.5)  # until it reads: a signal before the call interrupts nothing
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == b"read -1 EINTR\n"
            assert process.stdout.readline() == b"a read interrupted: got 2\n"
            process.send_signal(signal.SIGTERM)  # no handler: it ends
            assert process.wait(30) == 128 + signal.SIGTERM
        finally:
            late.cancel()
            process.kill()
