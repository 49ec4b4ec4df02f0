"""Owns supervision: one worker's run from handing over the work to its result, within the limits.

The loop reads the channel and the captured streams, feeds the standard input, and ends the worker
when a limit is reached, the channel closes or someone asks. It never blocks on the worker.
"""

from __future__ import annotations

import fcntl
import io
import os
import select
import time

from wherever.errors import (
    Denied,
    GuestTrap,
    InternalError,
    InvalidProgram,
    LimitExceeded,
    Unsupported,
    WhereverError,
)
from wherever.nanoprocess.frames import (
    CONFINED,
    DECISION,
    END,
    NEEDS,
    READY,
    TOOK,
    BrokenFrame,
    Reader,
)
from wherever.nanoprocess.passing import passed_as, passed_from, takes
from wherever.nanoprocess.result import Result, Trap, Usage
from wherever.nanoprocess.signals import SIGINT, SIGKILL, SIGPROF, SIGXCPU
from wherever.policy import Audit, Decision, Malformed, printable, replace
from wherever.policy.quantities import show_duration, show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.nanoprocess.launch import Worker
    from wherever.nanoprocess.rest import Rest
    from wherever.policy import Limits

__all__ = ["Supervision"]

_CHUNK = 1 << 16
_LOOK = 10.0  # milliseconds between two looks at whether the rest of a program is there
_START_ALLOWANCE = 30.0  # seconds for a new worker to become ready, on a loaded machine


class Supervision:
    """One run under watch. `watch()` returns its result; `stop()` may come from any thread."""

    def __init__(
        self,
        worker: Worker,
        limits: Limits,
        *,
        feed: bytes = b"",
        stdin: int = -1,
        stdout: int = -1,
        stderr: int = -1,
        audit: Audit | None = None,
        rest: Rest | None = None,
    ) -> None:
        """`stdin`, `stdout`, `stderr`: our ends of pipes, or -1; they are closed here.

        `rest` of the program is made when the guest needs it; its time stands still meanwhile.
        """
        self._worker = worker
        self._limits = limits
        self._feed = memoryview(feed)
        self._stdin = stdin
        # BytesIO hands out what it holds without copying it: a flood may be gigabytes.
        self._captured = {fd: io.BytesIO() for fd in (stdout, stderr) if fd >= 0}
        self._outputs = (stdout, stderr)
        self._audit = audit or Audit()
        self._started = time.monotonic()
        self._reader = Reader()
        self._end: list[str] | None = None
        self._limit: LimitExceeded | None = None
        self._broken: str | None = None
        self._stopped = False
        self._unanswered = False  # a Ctrl-C was passed on, and its guest has not been told yet
        self._ended_by = 0  # the signal that we ended it for
        self._ready = False
        self._lacks: tuple[str, ...] = ()
        self._rest = rest
        self._waits = False  # for the rest of the program

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    def stop(self, number: int = SIGKILL) -> None:
        """Send the guest a signal; by default the one that ends it now."""
        if number == SIGKILL:
            self._stopped = True
        self._worker.signal(number)

    def pass_on(self, number: int) -> None:
        """A signal for the guest: to its handler, where it has one (`passing`).

        A second Ctrl-C ends a guest that has not looked at the first: it computes without end.
        """
        if number == SIGINT and self._unanswered:
            self._ended_by = number
            self._worker.kill()
        elif takes(self.pid, number):
            self._unanswered = self._unanswered or number == SIGINT
            self._worker.signal(passed_as(number))
        else:
            self._worker.signal(number)

    def watch(self) -> Result:
        """Wait for the end of the run, keeping it within its limits."""
        poll = select.poll()
        channel = self._worker.channel
        poll.register(channel, select.POLLIN)
        open_fds = {channel}
        for fd in self._captured:
            self._open(poll, open_fds, fd, select.POLLIN)
        if self._stdin >= 0:
            if self._feed:
                self._open(poll, open_fds, self._stdin, select.POLLOUT)
            else:
                os.close(self._stdin)
        try:
            while channel in open_fds or any(fd in open_fds for fd in self._captured):
                running = channel in open_fds
                patience = self._patience(running)
                events = poll.poll(patience)
                if self._waits:
                    self._look_at_rest()
                # Looked at each time, not in silence only: a guest that floods us is never silent.
                if running and patience is not None and self._patience(running) == 0.0:
                    self._exceed("time", f"it ran for {show_duration(self._limits.time or 0)}")
                if not events and not running:
                    break
                for fd, _ in events:
                    if not self._serve(fd, channel):
                        poll.unregister(fd)
                        open_fds.discard(fd)
                        if fd == channel:
                            self._worker.kill()  # it has closed its channel: it is done
                        else:
                            os.close(fd)
        except BaseException:
            self._worker.kill()
            raise
        finally:
            for fd in open_fds - {channel}:
                os.close(fd)
            self._worker.kill()
            status = self._worker.reap()
            if self._rest is not None:
                self._rest.close()
        if self._rest is not None and self._rest.error is not None:
            raise self._rest.error
        return self._result(status)

    def _look_at_rest(self) -> None:
        """Let the guest's time go on once it has the rest of its program, or end it without."""
        if self._rest is None or self._rest.working:
            return
        self._waits = False
        self._started += self._rest.waited
        if self._rest.error is not None:
            self._worker.kill()

    def _open(self, poll: select.poll, open_fds: set[int], fd: int, events: int) -> None:
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
        poll.register(fd, events)
        open_fds.add(fd)

    def _patience(self, running: bool) -> float | None:
        """Milliseconds to wait at most."""
        if not running:
            return 100.0  # for output on its way when the worker ended
        if self._waits:
            return _LOOK
        if self._limits.time is None or self._limit is not None:
            return None
        allowed = self._limits.time + (0 if self._ready else _START_ALLOWANCE)
        return max(0.0, (self._started + allowed - time.monotonic()) * 1000)

    def _serve(self, fd: int, channel: int) -> bool:
        """Read or write what is ready; False when the descriptor is done."""
        if fd == self._stdin:
            return self._push()
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if not data:
            return False
        if fd == channel:
            return self._hear(data)
        captured = self._captured[fd]
        most = self._limits.output
        if most is not None and captured.tell() + len(data) > most:
            captured.write(data[: most - captured.tell()])
            self._exceed("output", f"it wrote more than {show_size(most)}")
            return False
        captured.write(data)
        return True

    def _push(self) -> bool:
        try:
            self._feed = self._feed[os.write(self._stdin, self._feed[:_CHUNK]) :]
        except BlockingIOError:
            return True
        except OSError:  # the guest does not read it
            return False
        return bool(self._feed)

    def _hear(self, data: bytes) -> bool:
        try:
            for kind, fields in self._reader.feed(data):
                if kind == DECISION and len(fields) == 5:
                    what, thing, granted, rule, grant = fields
                    self._audit(Decision(what, thing, bool(granted), rule, grant))
                elif kind == END and len(fields) >= 6 and self._end is None:
                    self._end = fields
                elif kind == CONFINED and not self._lacks:
                    self._lacks = tuple(map(printable, fields[:16]))
                elif kind == TOOK:
                    self._unanswered = False
                elif kind == NEEDS and self._rest is not None and self._rest.begin():
                    self._waits = True
                elif kind == READY and not self._ready:  # the guest's time starts here
                    self._ready = True
                    self._started = time.monotonic()
                else:
                    self._broken = f"kind {kind} with {len(fields)} fields"
        except BrokenFrame as error:
            self._broken = str(error)
        return self._broken is None

    def _exceed(self, name: str, what: str) -> None:
        if self._limit is None:
            value = getattr(self._limits, name)
            self._limit = LimitExceeded(
                f"limit exceeded: the guest was ended because {what}; raise it with --{name}",
                limit=name,
                value=value,
            )
            self._worker.kill()

    def _result(self, status: int) -> Result:
        if self._limit is not None:
            result = Result(limit=self._limit)
        elif self._end is not None:
            result = self._ending(self._end)
        else:
            result = self._death(status)
        stdout, stderr = (self._captured[fd].getvalue() if fd >= 0 else b"" for fd in self._outputs)
        usage = self._usage(self._end or ["", "", "", "", "", ""])
        return replace(
            result,
            stdout=stdout,
            stderr=stderr,
            usage=usage,
            denials=tuple(self._audit.denials),
            confinement=self._lacks,
        )

    def _usage(self, end: list[str]) -> Usage:
        memory, cpu = end[4][:20], end[5][:20]
        return Usage(
            time.monotonic() - self._started,
            float(cpu) if cpu.replace(".", "", 1).isdecimal() else self._worker.cpu,
            int(memory) if memory.isdecimal() else 0,
        )

    def _ending(self, fields: list[str]) -> Result:
        """What the worker says about the end. It may lie about its guest, about nothing else."""
        how, code, name, message = fields[:4]
        frames = tuple(map(printable, fields[6:]))
        match how:
            case "exit":
                return Result(exit_code=int(code[:10]) & 0xFFFFFFFF if code.isdecimal() else 0)
            case "trap":
                return Result(trap=Trap(printable(name), _lines(message), frames))
            case "limit":
                value: object = getattr(self._limits, name, None)
                return Result(limit=LimitExceeded(_lines(message), limit=name, value=value))
            case _:
                raise _error(name, _lines(message), frames)

    def _death(self, status: int) -> Result:
        """The worker ended without a word."""
        if self._broken is not None:
            text = f"the worker broke the protocol ({self._broken}) and was ended"
            return Result(trap=Trap("worker", text))
        signal = self._ended_by or passed_from(status & 0x7F)
        if signal in (SIGPROF, SIGXCPU) and self._limits.cpu is not None:
            self._exceed("cpu", f"it used {show_duration(self._limits.cpu)} of processor time")
            return Result(limit=self._limit)
        if signal or self._stopped or status == -1:
            return Result(signal=signal or SIGKILL)
        text = f"the worker ended without a result (status {status >> 8})"
        return Result(trap=Trap("worker", text))


def _lines(message: str) -> str:
    return "\n".join(map(printable, message.split("\n")))


def _error(name: str, message: str, frames: tuple[str, ...]) -> WhereverError:
    """The error of that family, raised again on this side."""
    family = _FAMILIES.get(name, InternalError)
    error = family(message)
    if frames:
        error.add_note("\n".join(frames))
    return error


_FAMILIES: dict[str, type[WhereverError]] = {
    family.__name__: family
    for family in (
        Denied,
        GuestTrap,
        InternalError,
        InvalidProgram,
        Unsupported,
        Malformed,
    )
}
