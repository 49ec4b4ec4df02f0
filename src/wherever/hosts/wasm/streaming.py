"""Owns module bytes that arrive in pieces: files, iterators, asynchronous iterators."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Protocol, TypeAlias, runtime_checkable

from wherever.errors import LimitExceeded

__all__ = ["MAX_MODULE", "Readable", "Source", "gather", "gather_async"]

MAX_MODULE = 1 << 30
"""Bytes that a source may give: a source without an end must not take all memory."""


@runtime_checkable
class Readable(Protocol):
    """A binary file, or anything that reads as one."""

    def read(self, size: int, /) -> bytes:
        """Some bytes; none at the end."""
        ...


Piece: TypeAlias = bytes | bytearray | memoryview
Source: TypeAlias = "Piece | Readable | Iterable[Piece]"


def gather(source: Source) -> bytes:
    """All bytes of a source."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    whole = bytearray()
    if isinstance(source, Readable):
        while block := source.read(1 << 20):
            _add(whole, block)
    else:
        for piece in source:
            _add(whole, piece)
    return bytes(whole)


async def gather_async(source: Source | AsyncIterable[Piece]) -> bytes:
    """All bytes of a source that may be waited for."""
    if not isinstance(source, AsyncIterable):
        return gather(source)
    whole = bytearray()
    async for piece in source:
        _add(whole, piece)
    return bytes(whole)


def _add(whole: bytearray, piece: Piece) -> None:
    if len(whole) + len(piece) > MAX_MODULE:
        raise LimitExceeded(
            f"the module has more than {MAX_MODULE} bytes", limit="module size", value=MAX_MODULE
        )
    whole += piece
