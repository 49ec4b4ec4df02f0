"""Owns the directory that stands for everything not granted: nothing exists in it, and it says so.

A guest's C library picks the granted directory with the longest matching prefix and asks the host
nothing when none matches, so a refusal would leave no trace. This directory is offered as the root
when `/` was not granted: whatever no other grant covers arrives here, does not exist, and is
reported with the grant that would allow it.
"""

from __future__ import annotations

import errno
import os

from wherever.system.decisions import Decisions
from wherever.system.handles import Directory, Entry, File, Kind, Opening, Stat, refuse

__all__ = ["UngrantedRoot"]


class UngrantedRoot(Directory):
    """An empty directory whose every lookup is a reported refusal."""

    __slots__ = ("_decisions", "_names")

    def __init__(self, decisions: Decisions, granted: list[bytes]) -> None:
        """`granted` are the guest paths that exist: their first components are listed."""
        self._decisions = decisions
        self._names = sorted({path.split(b"/")[1] for path in granted if path.startswith(b"/")})

    def stat(self) -> Stat:
        return Stat(0, 1, Kind.DIRECTORY, 0o555, 2, 0, 0, 0, 0, 0, 0)

    def entries(self) -> list[Entry]:
        named = [Entry(name, Kind.DIRECTORY, 0) for name in self._names if name]
        return [Entry(b".", Kind.DIRECTORY, 1), Entry(b"..", Kind.DIRECTORY, 1), *named]

    def sync(self, *, data_only: bool = False) -> None:
        pass

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        raise refuse(errno.EROFS)

    def _deny(self, what: str, path: bytes) -> OSError:
        if not path:
            return refuse(errno.ENOENT)
        # As it reads best: nothing exists here, so no link makes `..` mean something else.
        self._decisions.ungranted(what, os.path.normpath(b"/" + path.lstrip(b"/")))
        return refuse(errno.ENOENT, path)

    def open(self, path: bytes, how: Opening) -> File | Directory:
        if path.strip(b"/") == b"." and not how.changes:
            return self
        raise self._deny("create" if how.create else "open", path)

    def stat_path(self, path: bytes, *, follow: bool = True) -> Stat:
        if path.strip(b"/") == b".":
            return self.stat()
        raise self._deny("stat", path)

    def set_path_times(
        self, path: bytes, accessed: int | None, modified: int | None, *, follow: bool = True
    ) -> None:
        raise self._deny("set the times of", path)

    def chmod_path(self, path: bytes, mode: int, *, follow: bool = True) -> None:
        raise self._deny("change the mode of", path)

    def chown_path(self, path: bytes, uid: int, gid: int, *, follow: bool = True) -> None:
        raise self._deny("change the owner of", path)

    def make_directory(self, path: bytes, mode: int = 0o777) -> None:
        raise self._deny("make the directory", path)

    def remove_directory(self, path: bytes) -> None:
        raise self._deny("remove the directory", path)

    def unlink(self, path: bytes) -> None:
        raise self._deny("unlink", path)

    def symlink(self, target: bytes, path: bytes) -> None:
        raise self._deny("make the link", path)

    def readlink(self, path: bytes) -> bytes:
        raise self._deny("read the link", path)

    def link(self, path: bytes, other: Directory, other_path: bytes) -> None:
        raise self._deny("link", path)

    def rename(
        self, path: bytes, other: Directory, other_path: bytes, *, replace: bool = True
    ) -> None:
        raise self._deny("rename", path)
