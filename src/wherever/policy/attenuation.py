"""Owns attenuation: whether an entry of a grant is covered by an entry of a wider one."""

from __future__ import annotations

import os

from wherever.policy.entries import MODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol, TypeVar

    from wherever.policy.entries import Clock, Dir, Env, Listen, Net, Origin, Random

    class Entry(Protocol):
        """What every kind of entry has."""

        @property
        def text(self) -> str: ...

    E = TypeVar("E", bound=Entry)

__all__ = [
    "covers_clock",
    "covers_dir",
    "covers_env",
    "covers_listen",
    "covers_net",
    "covers_origin",
    "covers_random",
    "uncovered",
]


def uncovered(mine: Iterable[E], theirs: Iterable[E], covers: Callable[[E, E], bool]) -> list[str]:
    """The texts of my entries that none of theirs covers."""
    parents = list(theirs)
    return [one.text for one in mine if not any(covers(parent, one) for parent in parents)]


def covers_dir(parent: Dir, child: Dir) -> bool:
    """The same directory or one inside it, in the same mode or a narrower one."""
    # By the real paths: a link inside the parent's directory may lead out of it.
    inner, outer = os.path.realpath(child.host), os.path.realpath(parent.host)
    inside = inner == outer or inner.startswith(outer.rstrip("/") + "/")
    return inside and MODES.index(child.mode) <= MODES.index(parent.mode)


def covers_env(parent: Env, child: Env) -> bool:
    """The same variable with the same value."""
    return child.name == parent.name and child.value == parent.value


def covers_net(parent: Net, child: Net) -> bool:
    """The same host, or any; the same port, or every."""
    return parent.host in ("*", child.host) and parent.port in (0, child.port)


def covers_listen(parent: Listen, child: Listen) -> bool:
    """The same address, or any; the same port, or every."""
    return parent.address in ("*", child.address) and parent.port in (0, child.port)


def covers_origin(parent: Origin, child: Origin) -> bool:
    """The same origin."""
    return parent == child


def covers_clock(parent: Clock, child: Clock) -> bool:
    """A fixed clock tells nothing; a coarse one tells less than the real one."""
    if child.kind == "fixed" or parent.kind == "real":
        return True
    return child.kind == "coarse" and parent.kind == "coarse"


def covers_random(parent: Random, child: Random) -> bool:
    """A seed tells nothing about the host."""
    return child.kind == "seed" or parent.kind == "real"
