"""Owns wasi:io: pollables, input and output streams over files, errors."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from wherever.component.canonical.values import ResultError
from wherever.errors import GuestTrap
from wherever.hosts.component.wasi.errors import label_of
from wherever.system.handles import File, Kind
from wherever.system.polling import READABLE, WRITABLE, wait
from wherever.system.surroundings import Surroundings

MOST = 1 << 20
"""The most bytes that one read gives, whatever was asked for."""

ROOM = 1 << 16
"""What `check-write` promises: more than the 4096 that guests need."""


class Error:
    """wasi:io/error.error"""

    def __init__(self, cause: OSError) -> None:
        self.cause = cause

    def to_debug_string(self) -> str:
        """What went wrong, for a person."""
        return self.cause.strerror or label_of(self.cause)


class Pollable:
    """wasi:io/poll.pollable: a time, a descriptor to ask the kernel about, or ready at once."""

    def __init__(
        self,
        world: Surroundings,
        *,
        when: int | None = None,
        of: File | None = None,
        events: int = READABLE,
    ) -> None:
        self.world = world
        self.when = when
        self.of = of
        self.events = events

    def question(self) -> int | None:
        """The descriptor to wait on; None if it is ready already or waits for a time."""
        if self.of is None:
            return None
        readiness = self.of.readiness(self.events)
        return readiness.descriptor if readiness.descriptor >= 0 else None

    def ready(self) -> bool:
        """Would `block` return at once?"""
        return bool(ready_of(self.world, [self], block=False))

    def block(self) -> None:
        """Wait until it is ready."""
        ready_of(self.world, [self], block=True)


def ready_of(world: Surroundings, pollables: Sequence[Pollable], *, block: bool) -> list[int]:
    """The indices of those that are ready; with `block`, wait until one is."""
    world.interrupt.check()
    clocks = world.clocks
    ready: list[int] = []
    asked: list[tuple[int, int]] = []
    who: list[int] = []
    times: list[tuple[int, int]] = []
    now = clocks.monotonic()
    for i, pollable in enumerate(pollables):
        if pollable.when is not None:
            if pollable.when <= now:
                ready.append(i)
            else:
                times.append((pollable.when, i))
            continue
        descriptor = pollable.question()
        if descriptor is None:
            ready.append(i)
        else:
            asked.append((descriptor, pollable.events))
            who.append(i)
    deadline: int | None = 0
    nearest = min(times)[0] if times else None
    if block and not ready:
        deadline = None
        if nearest is not None:
            deadline = clocks.deadline(nearest)
            if deadline is None:
                deadline = 0  # a clock that stands still has moved there
    if asked or (block and not ready):
        states = wait(asked, deadline, world.interrupt)
        ready += [i for i, state in zip(who, states, strict=True) if state]
    now = clocks.monotonic()
    ready += [i for when, i in times if when <= now]
    if block and not ready and nearest is not None:
        ready += [i for when, i in times if when == nearest]
    return sorted(ready)


def _failed(error: OSError) -> ResultError:
    if error.errno == errno.EPIPE:
        return ResultError("closed")
    return ResultError(("last-operation-failed", Error(error)))


class InputStream:
    """wasi:io/streams.input-stream over a file, at a position of its own or the file's."""

    def __init__(self, world: Surroundings, file: File, offset: int | None = None) -> None:
        self.world = world
        self.file = file
        self.offset = offset

    def take(self, length: int, *, block: bool) -> bytes:
        """At most `length` bytes; the stream's end is the error `closed`."""
        if length == 0:
            return b""
        if block:
            Pollable(self.world, of=self.file).block()
        elif not Pollable(self.world, of=self.file).ready():
            return b""
        buffer = bytearray(min(length, MOST))
        try:
            if self.offset is None:
                count = self.file.read([memoryview(buffer)])
            else:
                count = self.file.read_at([memoryview(buffer)], self.offset)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise _failed(error) from None
        if count == 0:
            raise ResultError("closed")
        if self.offset is not None:
            self.offset += count
        return bytes(memoryview(buffer)[:count])

    def read(self, length: int) -> bytes:
        """What is there now."""
        return self.take(length, block=False)

    def blocking_read(self, length: int) -> bytes:
        """What is there, waiting for at least a byte."""
        return self.take(length, block=True)

    def skip(self, length: int) -> int:
        """Read and forget."""
        return len(self.take(length, block=False))

    def blocking_skip(self, length: int) -> int:
        """Read and forget, waiting for at least a byte."""
        return len(self.take(length, block=True))

    def subscribe(self) -> Pollable:
        """Ready when there is something to read."""
        return Pollable(self.world, of=self.file)


class OutputStream:
    """wasi:io/streams.output-stream over a file: at a position, appending, or the file's own."""

    def __init__(
        self, world: Surroundings, file: File, offset: int | None = None, *, append: bool = False
    ) -> None:
        self.world = world
        self.file = file
        self.offset = offset
        self.append = append

    def put(self, contents: bytes) -> None:
        """Write all of it, waiting where the file takes no more for now."""
        view = memoryview(contents)
        while view:
            try:
                if self.append:
                    self.offset = self.file.stat().size
                if self.offset is None:
                    count = self.file.write([view])
                else:
                    count = self.file.write_at([view], self.offset)
                    self.offset += count
            except BlockingIOError:
                self.subscribe().block()
                continue
            except OSError as error:
                raise _failed(error) from None
            if count == 0 and self.file.kind is not Kind.REGULAR:
                self.subscribe().block()
            view = view[count:]

    def check_write(self) -> int:
        """How many bytes `write` takes now."""
        return ROOM if self.subscribe().ready() else 0

    def write(self, contents: bytes) -> None:
        """Write what `check-write` permitted."""
        if len(contents) > ROOM:
            raise GuestTrap(
                f"trap: wrote {len(contents)} bytes where check-write permits {ROOM}",
                code="write exceeds the permitted size",
            )
        self.put(contents)

    def blocking_write_and_flush(self, contents: bytes) -> None:
        """Write up to 4096 bytes and wait until they are gone."""
        if len(contents) > 4096:
            raise GuestTrap(
                "trap: blocking-write-and-flush takes at most 4096 bytes", code="write too large"
            )
        self.put(contents)

    def flush(self) -> None:
        """Nothing is held back here."""

    def blocking_flush(self) -> None:
        """Nothing is held back here."""

    def subscribe(self) -> Pollable:
        """Ready when something can be written."""
        return Pollable(self.world, of=self.file, events=WRITABLE)

    def write_zeroes(self, length: int) -> None:
        """Write zeros."""
        self.write(bytes(min(length, ROOM + 1)))

    def blocking_write_zeroes_and_flush(self, length: int) -> None:
        """Write zeros and wait until they are gone."""
        self.blocking_write_and_flush(bytes(min(length, 4097)))

    def splice(self, source: InputStream, length: int) -> int:
        """Move what is there from a stream to this one."""
        data = source.take(min(length, ROOM), block=False)
        self.put(data)
        return len(data)

    def blocking_splice(self, source: InputStream, length: int) -> int:
        """Move from a stream to this one, waiting for at least a byte."""
        data = source.take(min(length, ROOM), block=True)
        self.put(data)
        return len(data)


class ErrorInterface:
    """wasi:io/error"""

    Error = Error


class StreamsInterface:
    """wasi:io/streams"""

    InputStream = InputStream
    OutputStream = OutputStream


class _PollResources:
    Pollable = Pollable


class PollInterface(_PollResources):
    """wasi:io/poll"""

    def __init__(self, world: Surroundings) -> None:
        self.world = world

    def poll(self, pollables: Sequence[Pollable]) -> list[int]:
        """The indices of those that are ready, at least one."""
        if not pollables:
            raise GuestTrap("trap: poll of an empty list", code="empty poll list")
        return ready_of(self.world, pollables, block=True)
