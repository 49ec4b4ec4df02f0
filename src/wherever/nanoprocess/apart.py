"""Owns machine code handed to the engine: near, as bytes, or apart, in sealed memory of its own."""

from __future__ import annotations

import os

from wherever.errors import InternalError, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.engine.engine import Engine

__all__ = ["deserialised"]


def deserialised(engine: Engine, part: memoryview | int, apart: Sequence[int]) -> int:
    """The engine's module of a part, by bytes or by its place among what lies apart."""
    try:
        if not isinstance(part, int):
            return engine.deserialised(bytes(part))
        fd = apart[part]
        try:
            return engine.deserialised(fd)
        finally:
            os.close(fd)
    except Unsupported as error:
        raise InternalError(f"{error}; wherever cache clear, and again") from error
