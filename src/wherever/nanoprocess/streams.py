"""Owns the standard streams of a run: which ends the worker gets, and which we keep."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

    Stream = int | IO[bytes] | IO[str]

__all__ = ["Streams"]


class Streams:
    """The standard streams of a run: the worker's ends, and ours for what is fed and captured."""

    __slots__ = ("capture", "feed", "kept", "ours", "own", "theirs")

    def __init__(
        self,
        stdin: bytes | bytearray | memoryview | str | Stream | None,
        stdout: Stream | None,
        stderr: Stream | None,
        *,
        capture: bool,
    ) -> None:
        self.feed = b""
        self.theirs: list[int] = []
        self.own: list[int] = []  # of those, the ones to close once the worker has them
        self.ours = [-1, -1, -1]
        self.kept = (-1, -1, -1)
        self.capture = capture
        try:
            if isinstance(stdin, str):
                stdin = stdin.encode()
            if isinstance(stdin, bytes | bytearray | memoryview):
                self.feed = bytes(stdin)
                self._add(None, 0, pipe=True)  # of no bytes, too: a guest can tell it from none
            else:
                self._add(stdin, 0, pipe=not capture)
            self._add(stdout, 1, pipe=True)
            self._add(stderr, 2, pipe=True)
        except BaseException:
            self.close()
            raise
        if not capture:
            self.kept = (self.ours[0], self.ours[1], self.ours[2])
            self.ours = [-1, -1, -1]

    def _add(self, given: Stream | None, number: int, *, pipe: bool) -> None:
        if given is not None:
            self.theirs.append(given if isinstance(given, int) else _descriptor(given, number))
            return
        if pipe:
            read, write = os.pipe()
            ours, theirs = (write, read) if number == 0 else (read, write)
            self.ours[number] = ours
        else:
            theirs = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.theirs.append(theirs)
        self.own.append(theirs)

    def handed_over(self) -> None:
        """The worker has its ends: close our copies, so that end-of-file can come."""
        for fd in self.own:
            os.close(fd)
        self.own = []

    def close(self) -> None:
        """Close everything; used when nothing was started."""
        self.handed_over()
        for fd in (*self.ours, *self.kept):
            if fd >= 0:
                os.close(fd)
        self.ours = [-1, -1, -1]
        self.kept = (-1, -1, -1)


def _descriptor(given: IO[bytes] | IO[str], number: int) -> int:
    """The descriptor of an open file; a worker cannot be given anything else."""
    try:
        return given.fileno()
    except (AttributeError, OSError):  # io.UnsupportedOperation is an OSError
        name = ("stdin", "stdout", "stderr")[number]
        instead = (
            "give the bytes themselves" if number == 0 else f"leave {name} out: it is captured"
        )
        raise TypeError(
            f"{name} is of {type(given).__name__}, which is no file of the system; {instead}"
        ) from None
