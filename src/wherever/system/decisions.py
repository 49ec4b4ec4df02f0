"""Owns how resources report: each grant used and each refusal becomes a `policy.Decision`.

A refusal names the thing, the reason and the grant that would allow it. Grants used are reported
only when someone asked for the whole record (`--audit`), because they cost on every open.
"""

from __future__ import annotations

from collections.abc import Callable

from wherever.policy import Decision

__all__ = ["Decisions"]


class Decisions:
    """Where the resources of one run report what they granted and denied."""

    __slots__ = ("_sink", "whole")

    def __init__(
        self, sink: Callable[[Decision], object] | None = None, *, whole: bool = False
    ) -> None:
        """`sink` is usually a `policy.Audit`; with `whole`, grants used are reported as well."""
        self._sink = sink
        self.whole = whole and sink is not None

    def deny(self, what: str, thing: bytes | str, rule: str, grant: str = "") -> None:
        """Something was refused; `grant` is the command-line text that would have allowed it."""
        if self._sink is not None:
            self._sink(Decision(what, _text(thing), False, rule, grant))

    def allow(self, what: str, thing: bytes | str, rule: str) -> None:
        """Something was allowed by `rule`; callers ask `whole` first where it costs."""
        if self.whole and self._sink is not None:
            self._sink(Decision(what, _text(thing), True, rule))

    def read_only(self, what: str, thing: bytes, host: bytes, guest: bytes) -> None:
        """A change in a directory that was granted read-only."""
        place = _text(host) if host == guest else f"{_text(host)}::{_text(guest)}"
        self.deny(what, thing, f"{_text(guest)} is granted read-only", f"--dir {place},rw")

    def escape(self, what: str, thing: bytes, guest: bytes) -> None:
        """A path, a link or a rename that would have led out of a granted directory."""
        self.deny(what, thing, f"the path leads out of the granted directory {_text(guest)}")

    def ungranted(self, what: str, thing: bytes) -> None:
        """A path that no granted directory covers."""
        directory = thing.rpartition(b"/")[0]
        # A relative name arrives at the root: a guest has no other current directory.
        grant = f"--dir {_text(directory)}" if directory else "--dir .::/"
        self.deny(what, thing, "no granted directory covers it", grant)


def _text(name: bytes | str) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "backslashreplace")
