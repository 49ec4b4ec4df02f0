"""Owns `Malformed`: a grant, limit or manifest that is not written as the grammar asks."""

from __future__ import annotations

from wherever.errors import WhereverError

__all__ = ["Malformed"]


class Malformed(WhereverError, ValueError):
    """A grant, a limit or a manifest that does not say anything; exit status 2, as for usage."""

    exit_status = 2
