"""Owns decisions: each thing granted or denied to a guest, as a value, and where they are kept."""

from __future__ import annotations

from wherever.policy.frozen import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Audit", "Decision"]

_LONGEST = 4096  # a guest chooses the names it asks for: what we keep of one is bounded


@frozen
class Decision:
    """One thing asked for.

    `what` is the action in the ABI's or the manual's word ("open", "connect", "environ_get"),
    `thing` what it was about, `rule` the grant or the reason that decided, and `grant` the
    command-line words of a grant that would have allowed it ("" where none would).
    """

    what: str
    thing: str
    granted: bool
    rule: str
    grant: str = ""
    principal: str = "guest"  # reserved: several identities inside one nanoprocess

    def __checked__(self) -> None:
        for name in ("what", "thing", "rule", "grant"):
            value: str = getattr(self, name)
            if len(value) > _LONGEST:
                object.__setattr__(self, name, value[:_LONGEST] + "…")

    def record(self) -> dict[str, str | bool]:
        """The decision as one JSON object of the audit file."""
        return {
            "what": self.what,
            "thing": self.thing,
            "granted": self.granted,
            "rule": self.rule,
            "grant": self.grant,
            "principal": self.principal,
        }

    @classmethod
    def from_record(cls, record: dict[str, object]) -> Decision:
        """The decision of a record; what is missing or of the wrong type is empty."""

        def text(name: str) -> str:
            value = record.get(name, "")
            return value if isinstance(value, str) else ""

        granted = record.get("granted") is True
        principal = text("principal") or "guest"
        what, thing, rule = text("what"), text("thing"), text("rule")
        return cls(what, thing, granted, rule, text("grant"), principal)

    def sentence(self) -> str:
        """What happened, to what, why, and what to do next, safe to print on a terminal."""
        verdict = "granted" if self.granted else "denied"
        text = f"{verdict}: guest asked to {self.what} {self.thing}; {self.rule}"
        if self.grant and not self.granted:
            text += f"; grant {self.grant}"
        return printable(text)


class Audit:
    """Receives decisions: hands each distinct one to a sink and remembers the denials.

    A guest may ask for as many things as it likes, so both are bounded: after `most` distinct
    decisions further ones are only counted, in `dropped`.
    """

    __slots__ = ("_most", "_seen", "_sink", "denials", "dropped")

    def __init__(self, sink: Callable[[Decision], None] | None = None, *, most: int = 1000) -> None:
        self._sink = sink
        self._most = most
        self._seen: set[Decision] = set()
        self.denials: list[Decision] = []
        self.dropped = 0

    def __call__(self, decision: Decision) -> bool:
        """Note a decision; returns whether it was granted, so that a caller can act on it."""
        if decision not in self._seen:
            if len(self._seen) >= self._most:
                self.dropped += 1
            else:
                self._seen.add(decision)
                if not decision.granted:
                    self.denials.append(decision)
                if self._sink is not None:
                    self._sink(decision)
        return decision.granted


def printable(text: str) -> str:
    """The text with everything that a terminal would obey written as an escape.

    Names come from guests: an unescaped one could move the cursor, retitle the window or forge
    the lines of a log.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
