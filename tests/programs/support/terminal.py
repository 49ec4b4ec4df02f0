"""Owns driving a program on a pseudo-terminal: keys go in when the screen says it is their turn."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Resize", "Session", "drive"]

_ROWS, _COLUMNS = 24, 80
_SECONDS = 60
_MOMENT = 0.25


@dataclass(frozen=True, slots=True)
class Resize:
    """Instead of keys: the window changes its size."""

    rows: int
    columns: int


Steps = Sequence[tuple[bytes, bytes | Resize]]


@dataclass(frozen=True, slots=True)
class Session:
    """What was seen on the terminal, how the program ended, and the terminal's modes then."""

    output: bytes
    status: int
    modes: tuple[int, ...]


def drive(
    command: Sequence[str],
    steps: Steps,
    directory: Path,
    environment: Mapping[str, str],
    *,
    raw: bool = True,
) -> Session:
    """Run a program on a terminal of its own: each step waits for a text, then presses keys.

    Keys are pressed only once the program reads the terminal key by key; or, if it never does (not
    `raw`), a moment after the text: so that it has come to wait."""
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("<4H", _ROWS, _COLUMNS, 0, 0))
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            umask=0o022,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        try:
            output = _converse(process, ours, steps, raw=raw)
            status = process.wait(_SECONDS)
        finally:
            process.kill()
            process.wait()
        found = termios.tcgetattr(theirs)
        modes = tuple(each for each in found[:4] if isinstance(each, int))
        return Session(output, 128 - status if status < 0 else status, modes)
    finally:
        os.close(ours)
        os.close(theirs)


def _raw(terminal: int) -> bool:
    """Whether the program reads key by key: what comes before that is echoed, or lost."""
    modes = termios.tcgetattr(terminal)[3]
    return isinstance(modes, int) and not modes & termios.ICANON


def _converse(process: subprocess.Popen[bytes], terminal: int, steps: Steps, *, raw: bool) -> bytes:
    output = bytearray()
    seen = 0
    until = time.monotonic() + _SECONDS
    waiting = list(steps)
    while True:
        if waiting:
            text, keys = waiting[0]
            at = output.find(text, seen)
            if at >= 0 and (not keys or not raw or _raw(terminal)):
                seen = at + len(text)
                waiting.pop(0)
                if not raw:
                    time.sleep(_MOMENT)
                if isinstance(keys, Resize):
                    size = struct.pack("<4H", keys.rows, keys.columns, 0, 0)
                    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
                else:
                    os.write(terminal, keys)
                continue
        ended = process.poll() is not None
        if select.select([terminal], [], [], 0 if ended else 0.05)[0]:
            output += os.read(terminal, 1 << 16)
        elif ended:
            return bytes(output)
        if time.monotonic() > until:
            left = f"; it waits for {waiting[0][0]!r}" if waiting else ""
            raise AssertionError(f"the program does not end{left}: {bytes(output[seen:])!r}")
