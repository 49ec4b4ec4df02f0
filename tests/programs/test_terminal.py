"""Do editors, pagers and interactive shells, translated, behave on a terminal as under qemu?

Each session is typed twice on a pseudo-terminal of its own, under qemu-aarch64 and in `wherever
run`: every byte on the screen, the exit status, the files afterwards and the terminal's modes must
agree. A step waits for a text on the screen before it presses its keys.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import linux_guests
import pytest
import scratch
import sides
import terminal

TERMINFO = (Path("/lib/terminfo/v/vt100"), Path("/usr/share/terminfo/v/vt100"))


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A program, its arguments, and what is typed when."""

    name: str
    program: str
    words: tuple[str, ...]
    steps: tuple[tuple[bytes, bytes], ...]


DIALOGUES = (
    Dialogue(
        "vi",
        "busybox",
        ("vi", "words.txt"),
        (
            (b"1/8 12%\x1b[1;1H", b"dd"),
            (b"Delete 1 lines (20 chars) from [D]\x1b[1;1H", b"p"),
            (b"Put 1 lines (20 chars) from [D]\x1b[2;1H", b"/hello\r"),
            (b"5/8 62%\x1b[5;1H", b"cwHOWDY\x1b"),
            (b"- words.txt [Modified] 5/8 62%\x1b[5;5H", b"Gonew line\x1b"),
            (b"- words.txt [Modified] 9/9 100%\x1b[9;8H", b"yyp"),
            (b"Put 1 lines (9 chars) from [D]\x1b[10;1H", b"u"),
            (b"deleted 9 chars at position 143\x1b[24;1H", b":1,3s/o/0/g\r"),
            (b"4 substitutions on 2 lines\x1b[2;1H", b":wq\r"),
        ),
    ),
    Dialogue(
        "vi leaves without writing",
        "busybox",
        ("vi", "numbers.txt", "words.txt"),
        (
            (b"%\x1b[1;1H", b"x"),
            (b"[Modified]", b":q\r"),
            (b"No write since last change", b":q!\r"),
        ),
    ),
    Dialogue(
        "less",
        "busybox",
        ("less", "-N", "long.txt", "one.txt"),
        (
            (b"(file 1 of 2)", b":n\r"),
            (b"(file 2 of 2)", b"/line 7\r"),
            (b"(file 2 of 2)", b"g"),
            (b"(file 2 of 2)", b"q"),
        ),
    ),
    Dialogue(
        "more",
        "busybox",
        ("more", "one.txt", "two.txt", "program.bc", "long.txt"),
        ((b"--More--", b"\r"), (b"--More--", b" "), (b"--More--", b"q")),
    ),
    Dialogue(
        "ed",
        "busybox",
        ("ed", "-p", "* ", "words.txt"),
        (
            (b"* ", b"1,2p\n"),
            (b"over the lazy dog\r\n* ", b"2d\n"),
            (b"* ", b"a\nadded\n.\n"),
            (b"* ", b"w\n"),
            (b"* ", b"q\n"),
        ),
    ),
    Dialogue(
        "ash",
        "busybox",
        ("sh",),
        (
            (b"s # \x1b[6n", b"echo hello\r"),
            (b"\r\nhello\r\n", b""),
            (b"s # \x1b[6n", b"\x1b[A"),
            (b"echo hello\x1b[J", b"\x1b[D\x1b[D\x7f\r"),
            (b"helo\r\n", b""),
            (b"s # \x1b[6n", b"cd di\t"),
            (b"cd dir\x1b[J", b"\r"),
            (b"dir # \x1b[6n", b"pwd\r"),
            (b"dir # \x1b[6n", b"exit 4\r"),
        ),
    ),
    Dialogue(
        "bash",
        "bash",
        ("--norc", "--noprofile", "-i"),
        (
            (b"bash-5.2# ", b"echo hello\r"),
            (b"\rhello\r\n", b""),
            (b"bash-5.2# ", b"\x1b[A"),
            (b"echo hello", b"\x01\x1bf\x0b"),
            (b"\x1b[K", b"\x19 # yanked\r"),
            (b"bash-5.2# ", b"echo abd\x02\x7fXY\r"),
            (b"aXYd\r\n", b""),
            (b"bash-5.2# ", b"read x < wor\t"),
            (b"ds.", b"txt; echo $x\r"),
            (b"the quick brown fox\r\n", b""),
            (b"bash-5.2# ", b"x=5; echo $((x * 2))\r"),
            (b"\r\n", b""),
            (b"bash-5.2# ", b"echo typed > typed.txt\r"),
            (b"bash-5.2# ", b"exit 0\r"),  # of another, `wherever` tells what was denied
        ),
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("dialogue", DIALOGUES, ids=[each.name for each in DIALOGUES])
def test_dialogue(dialogue: Dialogue, whole: bool, tmp_path: Path) -> None:
    if not whole and dialogue.name not in ("vi", "bash"):
        pytest.skip("one of the long run: make terminal")
    program = str(sides.program(dialogue.program, translate=whole))
    # compiled before, so that no progress is drawn on the terminal
    subprocess.run(
        [linux_guests.WHEREVER, "run", program], capture_output=True, check=False, input=b""
    )
    emulator = linux_guests.qemu()
    assert emulator is not None
    base = tmp_path / "base"
    outcomes: list[tuple[terminal.Session, dict[str, scratch.Entry]]] = []
    for side in ("qemu", "ours"):
        directory = scratch.make(base)
        for entry in TERMINFO:
            if entry.exists():
                target = base / "root" / "etc" / "terminfo" / "v" / "vt100"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(entry, target)
        variables = {**sides.environment(directory), "TERM": "vt100"}
        if side == "qemu":
            command = [emulator, "-L", str(base / "root"), "-0", dialogue.program, program]
            session = terminal.drive(
                [*command, *dialogue.words], dialogue.steps, directory, variables
            )
        else:
            command = [str(linux_guests.WHEREVER), "run", "--argv0", dialogue.program]
            command += ["--dir", f"{directory}::{directory},rw"]
            command += ["--dir", f"{base / 'root' / 'etc'}::/etc,ro"]
            for name, value in variables.items():
                command += ["--env", f"{name}={value}"]
            session = terminal.drive(
                [*command, program, *dialogue.words], dialogue.steps, directory, os.environ
            )
        outcomes.append((session, scratch.snapshot(directory)))
    assert outcomes[1] == outcomes[0]
