"""Owns what all handles opened through one granted host directory share."""

from __future__ import annotations

import os

from wherever.system.beneath import O_PATH, Escaped, Resolver
from wherever.system.decisions import Decisions
from wherever.system.kernel import Filesystem, filesystem_type

__all__ = ["HostGrant"]


class HostGrant:
    """One granted host directory: what all handles opened through it share."""

    __slots__ = (
        "_crossed",
        "decisions",
        "device",
        "guest_path",
        "host_path",
        "identity",
        "resolver",
        "writable",
    )

    def __init__(
        self,
        root: os.stat_result,
        *,
        host_path: bytes,
        guest_path: bytes,
        writable: bool,
        resolver: Resolver,
        decisions: Decisions,
    ) -> None:
        self.host_path = host_path
        self.guest_path = guest_path
        self.writable = writable
        self.resolver = resolver
        self.decisions = decisions
        self.device = root.st_dev
        self.identity = (root.st_dev, root.st_ino)
        self._crossed: set[int] = set()

    @property
    def rule(self) -> str:
        """The grant as the command line spells it, for the record."""
        mode = "rw" if self.writable else "ro"
        return f"--dir {os.fsdecode(self.host_path)}::{os.fsdecode(self.guest_path)},{mode}"

    def crosses(self, fd: int, device: int) -> bool:
        """Whether a mount below the granted directory may be entered: not a kernel interface."""
        if device in self._crossed:
            return True
        if filesystem_type(fd) in Filesystem.KERNEL:
            return False
        self._crossed.add(device)
        return True

    def depth(self, fd: int) -> int:
        """How many directories lie between `fd` and the granted one, by climbing `..`."""
        levels = 0
        here = os.open(b".", O_PATH | os.O_CLOEXEC, dir_fd=fd)
        try:
            while True:
                found = os.fstat(here)
                identity = (found.st_dev, found.st_ino)
                if identity == self.identity:
                    return levels
                above = os.open(b"..", O_PATH | os.O_CLOEXEC, dir_fd=here)
                os.close(here)
                here = above
                found = os.fstat(here)
                if (found.st_dev, found.st_ino) == identity:  # the host's root: it was moved out
                    raise Escaped(b"..")
                levels += 1
        finally:
            os.close(here)
