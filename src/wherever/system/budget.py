"""Owns counting the host memory that a guest's writes take, against one limit."""

from __future__ import annotations

import errno
from collections.abc import Callable

from wherever.system.handles import refuse

__all__ = ["Budget"]


class Budget:
    """Bytes taken so far, and how many there may be; None means no limit.

    `beside` counts what the guest holds elsewhere against the same limit: its linear memory.
    """

    __slots__ = ("_limit", "beside", "used")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self.used = 0
        self.beside: Callable[[], int] | None = None

    def take(self, count: int) -> None:
        """Count `count` more bytes, or refuse them with ENOSPC."""
        if self._limit is not None and count > 0:
            beside = 0 if self.beside is None else self.beside()
            if self.used + count + beside > self._limit:
                raise refuse(errno.ENOSPC)
        self.used += count

    def give_back(self, count: int) -> None:
        """Count fewer bytes."""
        self.used -= count
