"""Owns the bytes of a file kept in memory over a file of the host: what was written, by pieces.

A piece of the host's file is copied the first time something is written into it, so changing one
byte of a large file costs one piece, and a hole costs nothing.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Final

from wherever.system.budget import Budget
from wherever.system.handles import File, refuse

__all__ = ["Content"]

_PIECE: Final = 1 << 16
_MOST: Final = (1 << 63) - 1
_ZEROS: Final = bytes(_PIECE)


class Content:
    """A sparse array of bytes with an optional file of the host beneath it."""

    __slots__ = ("_beneath", "_budget", "_lower", "_own", "_pieces", "_size")

    def __init__(self, budget: Budget, lower: File | None = None) -> None:
        self._budget = budget
        self._lower = lower
        self._beneath = lower.stat().size if lower is not None else 0  # how much shows through
        self._pieces: dict[int, bytearray] = {}
        self._size = self._beneath
        self._own = lower is None  # whether anything differs from the host's file

    @property
    def size(self) -> int:
        """st_size; of the host's file, which may grow, as long as nothing was changed."""
        if not self._own and self._lower is not None:
            return self._lower.stat().size
        return self._size

    def read(self, into: Sequence[memoryview], offset: int) -> int:
        """Fill the views from `offset` on; how many bytes there were."""
        if not self._own and self._lower is not None:
            return self._lower.read_at(into, offset)  # straight from the host
        total = 0
        for view in into:
            count = min(len(view), self._size - offset)
            if count <= 0:
                break
            self._copy(view[:count], offset)
            offset += count
            total += count
        return total

    def _copy(self, view: memoryview, offset: int) -> None:
        at = 0
        while at < len(view):
            index, start = divmod(offset + at, _PIECE)
            count = min(_PIECE - start, len(view) - at)
            self._piece_into(view[at : at + count], index, start)
            at += count

    def _piece_into(self, view: memoryview, index: int, start: int) -> None:
        piece = self._pieces.get(index)
        if piece is not None:
            held = piece[start : start + len(view)]
            view[: len(held)] = held
            view[len(held) :] = _ZEROS[: len(view) - len(held)]
            return
        offset = index * _PIECE + start
        count = max(min(self._beneath - offset, len(view)), 0)
        filled = 0
        if count and self._lower is not None:
            filled = self._lower.read_at([view[:count]], offset)
        view[filled:] = _ZEROS[: len(view) - filled]

    def write(self, parts: Sequence[memoryview], offset: int) -> int:
        """Store the parts from `offset` on. A limit reached on the way makes it a short write."""
        self._disown()
        total = 0
        if offset > _MOST:
            raise refuse(errno.EFBIG)
        for part in parts:
            at = 0
            while at < len(part):
                index, start = divmod(offset + total, _PIECE)
                count = min(_PIECE - start, len(part) - at)
                try:
                    self._store(index, start, part[at : at + count])
                except OSError:
                    if total:
                        return total
                    raise
                at += count
                total += count
                self._size = max(self._size, offset + total)
        return total

    def _store(self, index: int, start: int, data: memoryview) -> None:
        piece = self._pieces.get(index)
        if piece is None:
            shown = max(min(self._beneath - index * _PIECE, _PIECE), 0)
            whole = start == 0 and len(data) >= shown
            self._budget.take(len(data) if whole else max(shown, start + len(data)))
            piece = bytearray(0 if whole else shown)
            if shown and not whole:
                self._piece_into(memoryview(piece), index, 0)
            self._pieces[index] = piece
            if len(piece) < start:
                piece += _ZEROS[: start - len(piece)]
        else:
            grown = max(start + len(data) - len(piece), 0)
            self._budget.take(grown)
            if len(piece) < start:
                piece += _ZEROS[: start - len(piece)]
        piece[start : start + len(data)] = data

    def _disown(self) -> None:
        """From now on the host's file shows through only as far as it is long now."""
        if not self._own and self._lower is not None:
            self._beneath = self._size = self._lower.stat().size
            self._own = True

    def truncate(self, size: int) -> None:
        """Cut off or extend with a hole."""
        self._disown()
        if size < self._size:
            last, kept = divmod(size, _PIECE)
            for index in [i for i in self._pieces if i > last or (i == last and not kept)]:
                self._budget.give_back(len(self._pieces.pop(index)))
            piece = self._pieces.get(last)
            if piece is not None and len(piece) > kept:
                self._budget.give_back(len(piece) - kept)
                del piece[kept:]
            self._beneath = min(self._beneath, size)
        self._size = size

    def close(self) -> None:
        """Give back the memory and the host's file."""
        for piece in self._pieces.values():
            self._budget.give_back(len(piece))
        self._pieces.clear()
        if self._lower is not None:
            self._lower.close()
            self._lower = None
