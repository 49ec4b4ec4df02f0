"""Owns standard streams in memory: bytes in, bytes captured or handed over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherever.errors import LimitExceeded
from wherever.system.handles import File, Kind, Stat
from wherever.system.polling import Readiness

__all__ = ["BytesInput", "CallbackOutput", "CapturedOutput", "NoStream"]

_ROOM = 1 << 16  # what a stream in memory says it can take without blocking


class _Stream(File):
    """A stream in memory, which a guest sees as a pipe: no position, no size."""

    __slots__ = ()

    kind = Kind.FIFO

    def stat(self) -> Stat:
        return Stat(0, 0, Kind.FIFO, 0o600, 1, 0, 0, 0, 0, 0, 0)

    def sync(self, *, data_only: bool = False) -> None:
        pass

    def readiness(self, events: int) -> Readiness:
        return Readiness.always(_ROOM)


class NoStream(_Stream):
    """Standard input that is at its end, and output that is thrown away: /dev/null."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(readable=True, writable=True)

    def read(self, into: Sequence[memoryview]) -> int:
        return 0

    def write(self, parts: Sequence[memoryview]) -> int:
        return sum(map(len, parts))


class BytesInput(_Stream):
    """Standard input from bytes given beforehand."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        super().__init__(readable=True)
        self._data = memoryview(data)
        self._at = 0

    def read(self, into: Sequence[memoryview]) -> int:
        total = 0
        for view in into:
            piece = self._data[self._at : self._at + len(view)]
            count = len(piece)
            if not count:
                break
            view[:count] = piece
            self._at += count
            total += count
        return total

    def readiness(self, events: int) -> Readiness:
        return Readiness.always(len(self._data) - self._at)


class CapturedOutput(_Stream):
    """Output kept in memory up to a limit; the write that passes it ends the run.

    What was written up to the limit is kept, so that the caller can see what the flood was.
    """

    __slots__ = ("_limit", "_name", "data")

    def __init__(self, limit: int | None = None, *, name: str = "standard output") -> None:
        super().__init__(writable=True)
        self.data = bytearray()
        self._limit = limit
        self._name = name

    def write(self, parts: Sequence[memoryview]) -> int:
        data, limit = self.data, self._limit
        before = len(data)
        for part in parts:
            data += part
            if limit is not None and len(data) > limit:
                del data[limit:]
                raise LimitExceeded(
                    f"the guest wrote more than {limit} bytes to {self._name}, which is captured; "
                    f"raise the limit with --output",
                    limit="output",
                    value=limit,
                )
        return len(data) - before


class CallbackOutput(_Stream):
    """Output handed to a function as it is written, one call for each write of the guest."""

    __slots__ = ("_receive",)

    def __init__(self, receive: Callable[[bytes], object]) -> None:
        super().__init__(writable=True)
        self._receive = receive

    def write(self, parts: Sequence[memoryview]) -> int:
        data = b"".join(parts)
        self._receive(data)
        return len(data)
