"""Owns the entries of a grant: each kind of right as one immutable value."""

from __future__ import annotations

import os

from wherever.policy.frozen import frozen
from wherever.policy.malformed import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Mode = Literal["ro", "rw", "overlay"]
    ClockKind = Literal["real", "coarse", "fixed"]
    RandomKind = Literal["real", "seed"]
    Scheme = Literal["http", "https"]

__all__ = ["MODES", "Clock", "Dir", "Env", "Listen", "Net", "Origin", "Random"]

# From the narrowest to the widest: an overlay's writes stay in memory.
MODES: tuple[Mode, ...] = ("ro", "overlay", "rw")


@frozen
class Dir:
    """A host directory and the path under which the guest sees it.

    `host` may be given as a `Path`; it is kept absolute. `guest` defaults to the path as given.
    """

    host: str
    guest: str
    mode: Mode

    def __init__(
        self, host: str | os.PathLike[str], guest: str = "", mode: Mode | str = "ro"
    ) -> None:
        given = os.fspath(host)
        guest = guest or given
        if not given or "\0" in given or "\0" in guest:
            raise Malformed(f"a directory needs a path without NUL bytes, not {given!r}")
        if "::" in guest or guest.startswith(":"):
            raise Malformed(
                f"the guest path {guest!r} may not contain '::' or begin with ':'; "
                "name another one after the last ::"
            )
        if ".." in guest.split("/") and guest != given:
            raise Malformed(f"the guest path {guest!r} may not contain '..'")
        if mode not in MODES:
            raise Malformed(f"{mode!r} is not a mode of a directory: ro, rw or overlay")
        if ".." in guest.split("/"):
            guest = os.path.abspath(given)
        object.__setattr__(self, "host", os.path.abspath(given))
        object.__setattr__(self, "guest", guest)
        object.__setattr__(self, "mode", mode)

    @property
    def text(self) -> str:
        """The grant as the command line spells it."""
        named = self.host if self.guest == self.host else f"{self.host}::{self.guest}"
        return f"--dir {named},{self.mode}"


@frozen
class Env:
    """An environment variable with its value; with None, the caller's own value, if it has one."""

    name: str
    value: str | None = None

    def __checked__(self) -> None:
        if not self.name or "=" in self.name or "\0" in self.name + (self.value or ""):
            raise Malformed(f"{self.name!r} is not the name of an environment variable")

    @property
    def text(self) -> str:
        """The grant as the command line spells it."""
        return f"--env {self.name}" if self.value is None else f"--env {self.name}={self.value}"


@frozen
class Net:
    """Connections to a host (a name, an address or `*`) and a port (0 stands for every port)."""

    host: str
    port: int

    def __checked__(self) -> None:
        _check_place(self.host, self.port)

    @property
    def text(self) -> str:
        """The grant as the command line spells it."""
        return f"--net {_place(self.host, self.port)}"


@frozen
class Listen:
    """Accepting connections at an address of the host and a port."""

    address: str
    port: int

    def __checked__(self) -> None:
        _check_place(self.address, self.port)

    @property
    def text(self) -> str:
        """The grant as the command line spells it."""
        return f"--listen {_place(self.address, self.port)}"


@frozen
class Origin:
    """Outgoing HTTP to one origin (RFC 6454): scheme, host, port."""

    scheme: Scheme
    host: str
    port: int

    def __checked__(self) -> None:
        if self.scheme not in ("http", "https"):
            raise Malformed(f"{self.scheme!r} is not a scheme of an origin: http or https")
        _check_place(self.host, self.port)

    @property
    def text(self) -> str:
        """The grant as the command line spells it."""
        usual = {"http": 80, "https": 443}[self.scheme]
        place = _place(self.host, self.port)
        return f"--http {self.scheme}://{place.removesuffix(f':{usual}')}"


@frozen
class Clock:
    """What the guest's clocks show: `real`, `coarse` (to 1 ms), or a fixed moment.

    `seconds` since 1970 is where a fixed clock stands; its monotonic clock counts from there too.
    """

    kind: ClockKind = "real"
    seconds: float = 0.0

    def __checked__(self) -> None:
        if self.kind not in ("real", "coarse", "fixed") or not 0 <= self.seconds < 1 << 33:
            raise Malformed(f"{self.kind}:{self.seconds} is not a clock: real, coarse or fixed:T")
        object.__setattr__(self, "seconds", round(float(self.seconds), 9))

    @property
    def text(self) -> str:
        """The grant as the command line spells it."""
        return f"--clock {self.kind}" + (
            f":{self.seconds:.9f}".rstrip("0").rstrip(".") if self.kind == "fixed" else ""
        )


@frozen
class Random:
    """Where the guest's randomness comes from: the system, or a seed (repeatable)."""

    kind: RandomKind = "real"
    seed: int = 0

    def __checked__(self) -> None:
        if self.kind not in ("real", "seed") or not 0 <= self.seed < 1 << 64:
            raise Malformed(f"{self.kind}:{self.seed} is no source of randomness: real or seed:N")

    @property
    def text(self) -> str:
        """The grant as the command line spells it."""
        return f"--random {self.kind}" + (f":{self.seed}" if self.kind == "seed" else "")


def _check_place(host: str, port: int) -> None:
    if not host or any(c.isspace() or not c.isprintable() or c in "/@?#" for c in host):
        raise Malformed(f"{host!r} is not a host name or an address")
    if not 0 <= port <= 65535:
        raise Malformed(f"{port} is not a port: 1 to 65535, or * for every port")


def _place(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port or '*'}"
