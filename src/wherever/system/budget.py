"""Owns counting the host memory that a guest's writes take, against one limit."""

from __future__ import annotations

import errno
from collections.abc import Callable

from wherever.system.handles import refuse

__all__ = ["Budget"]


_STEP = 1 << 16  # a page of linear memory


class Budget:
    """Bytes taken so far, and how many there may be; None means no limit.

    `beside` counts what the guest holds elsewhere against the same limit: its linear memory.
    `changed` is told, in steps, how much is used, so that linear memory does not grow into it.
    """

    __slots__ = ("_limit", "_told", "beside", "changed", "used")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self.used = 0
        self.beside: Callable[[], int] | None = None
        self.changed: Callable[[int], None] | None = None
        self._told = 0

    def take(self, count: int) -> None:
        """Count `count` more bytes, or refuse them with ENOSPC."""
        if self._limit is not None and count > 0:
            beside = 0 if self.beside is None else self.beside()
            if self.used + count + beside > self._limit:
                raise refuse(errno.ENOSPC)
        self.used += count
        self._tell()

    def give_back(self, count: int) -> None:
        """Count fewer bytes."""
        self.used -= count
        self._tell()

    def _tell(self) -> None:
        steps = -(-self.used // _STEP) * _STEP
        if steps != self._told and self.changed is not None:
            self._told = steps
            self.changed(steps)
