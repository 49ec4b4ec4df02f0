"""Owns preview 1's sock_ functions: accepting on granted listeners, and stream connections."""

from __future__ import annotations

import errno
from typing import Final

from wherever.hosts.wasi.abi import SOCKET_RIGHTS, Errno, FdFlags, Rights
from wherever.hosts.wasi.run import Descriptor, Preview1, Refused
from wherever.system.handles import File, Kind, refuse
from wherever.system.sockets import Connection, Listener

__all__ = ["sock_accept", "sock_recv", "sock_send", "sock_shutdown"]

_PEEK, _WAITALL = 1, 2
_READ, _WRITE = 1, 2
_CONNECTION_RIGHTS: Final = SOCKET_RIGHTS & ~int(Rights.SOCK_ACCEPT)


def sock_accept(run: Preview1, fd: Descriptor, flags: int, result: int) -> int:
    """accept4(2) on a granted listener."""
    handle = _socket(fd)
    if not isinstance(handle, Listener) or flags & ~FdFlags.NONBLOCK.value:
        raise refuse(errno.EINVAL)
    run.memory.put_u32(result, 0)
    run.fds.room()
    connection = handle.accept(nonblock=bool(flags & FdFlags.NONBLOCK))
    number = run.fds.add(Descriptor(connection, fd.inheriting & _CONNECTION_RIGHTS))
    run.memory.put_u32(result, number)
    return 0


def sock_recv(
    run: Preview1,
    fd: Descriptor,
    vectors: int,
    count: int,
    flags: int,
    length: int,
    answered: int,
) -> int:
    """recvmsg(2)."""
    connection = _connection(fd)
    if flags & ~(_PEEK | _WAITALL):
        raise refuse(errno.EINVAL)
    parts = run.memory.vectors(vectors, count)
    received, cut = connection.receive(
        parts, peek=bool(flags & _PEEK), whole=bool(flags & _WAITALL)
    )
    run.memory.put_u32(length, received)
    run.memory.put_u16(answered, int(cut))
    return 0


def sock_send(
    run: Preview1, fd: Descriptor, vectors: int, count: int, flags: int, length: int
) -> int:
    """sendmsg(2)."""
    connection = _connection(fd)
    if flags:
        raise refuse(errno.EINVAL)
    run.memory.put_u32(length, connection.send(run.memory.vectors(vectors, count)))
    return 0


def sock_shutdown(run: Preview1, fd: Descriptor, how: int) -> int:
    """shutdown(2)."""
    del run
    connection = _connection(fd)
    if how & ~(_READ | _WRITE):
        raise refuse(errno.EINVAL)
    connection.shutdown(reading=bool(how & _READ), writing=bool(how & _WRITE))
    return 0


def _socket(fd: Descriptor) -> File:
    handle = fd.handle
    if not isinstance(handle, File) or handle.kind is not Kind.SOCKET:
        raise Refused(Errno.NOTSOCK)
    return handle


def _connection(fd: Descriptor) -> Connection:
    handle = _socket(fd)
    if not isinstance(handle, Connection):
        raise refuse(errno.ENOTCONN)
    return handle
