"""Owns one guest under preview 1: its descriptors with their rights, its arguments, its memory."""

from __future__ import annotations

import errno
from typing import Final

from wherever.hosts.wasi.abi import (
    DIRECTORY_RIGHTS,
    FILE_RIGHTS,
    SOCKET_RIGHTS,
    STREAM_RIGHTS,
    Errno,
    FileType,
    filetype_of,
)
from wherever.hosts.wasi.memory import GuestMemory, LinearMemory, NoMemory
from wherever.system.descriptors import DescriptorTable
from wherever.system.handles import Directory, Entry, File, Handle, Kind, refuse
from wherever.system.surroundings import Surroundings

__all__ = ["Descriptor", "GuestExit", "Preview1", "Refused"]

_BENEATH: Final = DIRECTORY_RIGHTS | FILE_RIGHTS


class GuestExit(Exception):
    """The guest called proc_exit: unwinds it. Its status is a result, not an error."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Refused(Exception):
    """A preview 1 errno that Linux has no equal of, on its way to the guest."""

    def __init__(self, code: Errno) -> None:
        super().__init__(code)
        self.code = int(code)


class Descriptor:
    """An open descriptor: the resource, and the rights that preview 1 keeps for it."""

    __slots__ = ("handle", "inheriting", "listing", "preopen", "rights")

    def __init__(
        self, handle: Handle, rights: int, inheriting: int = 0, preopen: bytes | None = None
    ) -> None:
        self.handle = handle
        self.rights = rights
        self.inheriting = inheriting
        self.preopen = preopen
        self.listing: list[Entry] | None = None  # what fd_readdir's cookies count in

    def file(self) -> File:
        """The file this is, else EISDIR."""
        handle = self.handle
        if isinstance(handle, File):
            return handle
        raise refuse(errno.EISDIR)

    def directory(self) -> Directory:
        """The directory this is, else ENOTDIR."""
        handle = self.handle
        if isinstance(handle, Directory):
            return handle
        raise refuse(errno.ENOTDIR)

    def filetype(self) -> int:
        """`filetype`: a character device only if it is a terminal, as isatty(3) is told by it."""
        handle = self.handle
        if isinstance(handle, File) and handle.kind is not Kind.REGULAR:
            if handle.kind is Kind.SOCKET:
                return FileType.SOCKET_STREAM
            return FileType.CHARACTER_DEVICE if handle.is_terminal() else FileType.UNKNOWN
        return filetype_of(handle.kind)


class Preview1:
    """The state behind the 46 functions for one guest; `bindings` makes them callable."""

    __slots__ = ("_ungranted", "arguments", "environment", "fds", "memory", "surroundings")

    def __init__(self, surroundings: Surroundings, memory: LinearMemory | None = None) -> None:
        self.surroundings = surroundings
        self.memory = GuestMemory(memory or NoMemory())
        self.arguments = [argument + b"\0" for argument in surroundings.arguments]
        self.environment = [
            name + b"=" + value + b"\0" for name, value in surroundings.environment.items()
        ]
        held = [Descriptor(stream, _stream_rights(stream)) for stream in surroundings.streams]
        held += [
            Descriptor(directory, DIRECTORY_RIGHTS, _BENEATH, path)
            for path, directory in surroundings.preopens
        ]
        self._ungranted = len(held)
        held += [
            Descriptor(listener, SOCKET_RIGHTS, SOCKET_RIGHTS)
            for listener in surroundings.listeners
        ]
        self.fds: DescriptorTable[Descriptor] = DescriptorTable(surroundings.files, held)

    def preopen(self, number: int) -> Descriptor:
        """The descriptor of a granted directory, as a guest that looks for them counts them.

        After the last one it finds the root that stands for everything not granted, so that what
        its C library looks for elsewhere is refused by name. A guest that never looks (a static
        number, a test of EBADF) does not meet it.
        """
        ungranted = self.surroundings.ungranted
        if ungranted is not None and number == self._ungranted and number not in self.fds.slots:
            self._ungranted = -1
            self.fds.place(number, Descriptor(ungranted, DIRECTORY_RIGHTS, _BENEATH, b"/"))
        return self.fds.get(number)

    def attach(self, memory: LinearMemory) -> None:
        """The instance exists, and this is the memory it exports."""
        self.memory.attach(memory)
        self.surroundings.memory.beside = lambda: len(self.memory.refresh())

    def close(self) -> None:
        """Close whatever the guest left open."""
        for descriptor in self.fds.clear():
            descriptor.handle.close()


def _stream_rights(stream: File) -> int:
    return FILE_RIGHTS if stream.kind is Kind.REGULAR else STREAM_RIGHTS
