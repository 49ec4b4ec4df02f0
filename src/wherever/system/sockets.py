"""Owns sockets that were granted already open: listeners to accept on, and their connections."""

from __future__ import annotations

import _socket  # the constants; `socket` takes 8 ms to import
import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wherever.system.handles import File, Kind, Stat, refuse
from wherever.system.polling import READABLE, WRITABLE, Interrupt, Readiness, wait

if TYPE_CHECKING:
    import socket

__all__ = ["Connection", "Listener"]


class _Socket(File):
    """A socket of the host, non-blocking on our side: waiting is done under the interrupt."""

    __slots__ = ("_interrupt", "_socket")

    kind = Kind.SOCKET

    def __init__(self, sock: socket.socket, interrupt: Interrupt | None) -> None:
        super().__init__(readable=True, writable=True)
        sock.setblocking(False)
        self._socket = sock
        self._interrupt = interrupt

    def stat(self) -> Stat:
        return Stat(0, 0, Kind.SOCKET, 0o777, 1, 0, 0, 0, 0, 0, 0)

    def sync(self, *, data_only: bool = False) -> None:
        raise refuse(errno.EINVAL)

    def readiness(self, events: int) -> Readiness:
        return Readiness.of_descriptor(self._socket.fileno())

    def close(self) -> None:
        self._socket.close()

    def _wait(self, events: int) -> None:
        if self.nonblock:
            raise refuse(errno.EAGAIN)
        wait([(self._socket.fileno(), events)], None, self._interrupt)


class Listener(_Socket):
    """A granted listening socket."""

    __slots__ = ()

    def accept(self, *, nonblock: bool = False) -> Connection:
        """accept4(2)."""
        while True:
            try:
                accepted, _ = self._socket.accept()
            except BlockingIOError:
                self._wait(READABLE)
                continue
            connection = Connection(accepted, self._interrupt)
            connection.nonblock = nonblock
            return connection


class Connection(_Socket):
    """A connected stream socket."""

    __slots__ = ()

    def read(self, into: Sequence[memoryview]) -> int:
        return self.receive(into)[0]

    def write(self, parts: Sequence[memoryview]) -> int:
        return self.send(parts)

    def receive(
        self, into: Sequence[memoryview], *, peek: bool = False, whole: bool = False
    ) -> tuple[int, bool]:
        """recvmsg(2): how many bytes, and whether a datagram was cut off."""
        flags = (_socket.MSG_PEEK if peek else 0) | (_socket.MSG_WAITALL if whole else 0)
        while True:
            try:
                count, _, answered, _ = self._socket.recvmsg_into(into, 0, flags)
            except BlockingIOError:
                self._wait(READABLE)
                continue
            return count, bool(answered & _socket.MSG_TRUNC)

    def send(self, parts: Sequence[memoryview]) -> int:
        """sendmsg(2), without SIGPIPE."""
        while True:
            try:
                return self._socket.sendmsg(parts, [], _socket.MSG_NOSIGNAL)
            except BlockingIOError:
                self._wait(WRITABLE)

    def shutdown(self, *, reading: bool, writing: bool) -> None:
        """shutdown(2)."""
        how = {
            (True, False): _socket.SHUT_RD,
            (False, True): _socket.SHUT_WR,
            (True, True): _socket.SHUT_RDWR,
        }.get((reading, writing))
        if how is None:
            raise refuse(errno.EINVAL)
        self._socket.shutdown(how)
