"""Owns the question whether a symbolic link can lead above a directory, read from its text alone.

A target may begin with `..` components, which are exact (they count from where the link really
lies), but may not have one after a name: the name could itself be a link, and `..` would then count
from elsewhere. So a set of links that each pass cannot combine into one that leads out.
"""

from __future__ import annotations

import os
import stat
from typing import Final

__all__ = ["climbs", "links_that_climb"]

_MOST_ENTRIES: Final = 20_000


def climbs(target: bytes) -> int | None:
    """How many levels a relative target climbs first; None if it has `..` after a name."""
    levels = 0
    named = False
    for part in target.split(b"/"):
        if part in (b"", b"."):
            continue
        if part != b"..":
            named = True
        elif named:
            return None
        else:
            levels += 1
    return levels


def links_that_climb(parent: int, name: bytes, room: int) -> bool:
    """Whether the tree at `name` holds a link that would climb above `room` levels over the tree.

    A tree too large to look at counts as one: the caller refuses the move, and the guest copies.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    seen = 0
    pending = [(os.open(name.rstrip(b"/"), flags, dir_fd=parent), room + 1)]
    try:
        while pending:
            fd, levels = pending.pop()
            try:
                for entry in os.listdir(fd):  # noqa: PTH208  # a descriptor has no Path
                    seen += 1
                    if seen > _MOST_ENTRIES:
                        return True
                    kind = stat.S_IFMT(os.stat(entry, dir_fd=fd, follow_symlinks=False).st_mode)
                    if kind == stat.S_IFLNK:
                        up = climbs(os.fsencode(os.readlink(entry, dir_fd=fd)))
                        if up is None or up > levels:
                            return True
                    elif kind == stat.S_IFDIR:
                        if len(pending) > 64:
                            return True  # wider than we keep descriptors for
                        pending.append((os.open(entry, flags, dir_fd=fd), levels + 1))
            finally:
                os.close(fd)
    finally:
        for fd, _ in pending:
            os.close(fd)
    return False
