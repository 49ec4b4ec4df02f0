"""Owns grants: the rights of a guest as one immutable value, empty unless something is added."""

from __future__ import annotations

import os
from _collections_abc import Mapping  # loaded at every start; its public home is not

from wherever.policy.attenuation import (
    covers_clock,
    covers_dir,
    covers_env,
    covers_listen,
    covers_net,
    covers_origin,
    covers_random,
    uncovered,
)
from wherever.policy.entries import MODES, Clock, Dir, Env, Listen, Net, Origin, Random
from wherever.policy.frozen import frozen, replace
from wherever.policy.malformed import Malformed
from wherever.policy.spelling import (
    parse_clock,
    parse_dir,
    parse_env,
    parse_flag,
    parse_listen,
    parse_net,
    parse_origin,
    parse_random,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeGuard, TypeVar

    T = TypeVar("T")
    K = TypeVar("K", Clock, Random)

__all__ = ["Grants"]


@frozen
class Grants:
    """Everything a guest may touch; nothing, unless it is added here.

    Entries may be values or text of the command line's grammar:

        Grants(dirs=["data::/data,rw", Dir(Path("src"))], env={"LANG": "C"}, clock="coarse")

    `clock` and `random` not said are the real ones, the one exception to deny-by-default.
    """

    dirs: tuple[Dir, ...] = ()
    env: tuple[Env, ...] = ()
    net: tuple[Net, ...] = ()
    listen: tuple[Listen, ...] = ()
    dns: bool = False
    http: tuple[Origin, ...] = ()
    clock: Clock | None = None
    random: Random | None = None

    def __init__(
        self,
        dirs: Iterable[Dir | str | os.PathLike[str]] = (),
        env: Iterable[Env | str] | Mapping[str, str | None] = (),
        net: Iterable[Net | str] = (),
        listen: Iterable[Listen | str] = (),
        dns: bool = False,
        http: Iterable[Origin | str] = (),
        clock: Clock | str | None = None,
        random: Random | str | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "dirs", _dirs(dirs))
        put(self, "env", _environment(env))
        put(self, "net", _entries(net, Net, parse_net))
        put(self, "listen", _entries(listen, Listen, parse_listen))
        put(self, "dns", parse_flag(dns))
        put(self, "http", _entries(http, Origin, parse_origin))
        put(self, "clock", parse_clock(clock))
        put(self, "random", parse_random(random))

    @property
    def clock_kind(self) -> Clock:
        """The clock that counts: the real one if none was said."""
        return self.clock or Clock()

    @property
    def random_kind(self) -> Random:
        """The randomness that counts: the system's if none was said."""
        return self.random or Random()

    def environment(self, caller: Mapping[str, str] | None = None) -> dict[str, str]:
        """The guest's variables; those without a value take the caller's, if it has them."""
        source = os.environ if caller is None else caller
        found: dict[str, str] = {}
        for entry in self.env:
            value = source.get(entry.name) if entry.value is None else entry.value
            if value is not None:
                found[entry.name] = value
        return found

    def __or__(self, other: Grants) -> Grants:
        """Everything that either allows; of two modes, clocks or seeds for one thing, the wider."""
        return Grants(
            dirs=(*self.dirs, *other.dirs),
            env={e.name: e.value for e in (*self.env, *other.env)},
            net=dict.fromkeys((*self.net, *other.net)),
            listen=dict.fromkeys((*self.listen, *other.listen)),
            dns=self.dns or other.dns,
            http=dict.fromkeys((*self.http, *other.http)),
            clock=_wider(self.clock, other.clock, ("fixed", "coarse", "real")),
            random=_wider(self.random, other.random, ("seed", "real")),
        )

    def excess(self, parent: Grants) -> tuple[str, ...]:
        """Every entry that no entry of the parent covers, as text; empty when there is none."""
        found = [
            *uncovered(self.dirs, parent.dirs, covers_dir),
            *uncovered(self.env, parent.env, covers_env),
            *uncovered(self.net, parent.net, covers_net),
            *uncovered(self.listen, parent.listen, covers_listen),
            *uncovered(self.http, parent.http, covers_origin),
            *uncovered([self.clock_kind], [parent.clock_kind], covers_clock),
            *uncovered([self.random_kind], [parent.random_kind], covers_random),
        ]
        if self.dns and not parent.dns:
            found.append("--dns")
        return tuple(found)

    def narrower_than(self, parent: Grants) -> bool:
        """Whether every entry is covered by the parent's: the same rights, or fewer."""
        return not self.excess(parent)

    def replace(self, **changes: object) -> Grants:
        """A copy with some fields said anew."""
        return replace(self, **changes)

    def text(self) -> tuple[str, ...]:
        """The grants as command-line words, which read back to an equal value."""
        entries: list[Dir | Env | Net | Listen | Origin | Clock | Random] = [
            *self.dirs, *self.env, *self.net, *self.listen, *self.http,
        ]  # fmt: skip
        entries += [one for one in (self.clock, self.random) if one is not None]
        words = [word for entry in entries for word in entry.text.split(" ", 1)]
        return (*words, "--dns") if self.dns else tuple(words)


def _entries(given: Iterable[T | str], kind: type[T], parse: Callable[[str], T]) -> tuple[T, ...]:
    """The distinct entries, in order, those given as text parsed."""
    name = kind.__name__
    _refuse_single(given, name)
    found: dict[T, None] = {}
    for entry in given:
        if isinstance(entry, str):
            found[parse(entry)] = None
        elif type(entry) is kind:
            found[entry] = None
        else:
            raise Malformed(f"{entry!r} is not a {name} entry, nor the text of one")
    return tuple(found)


def _dirs(given: Iterable[Dir | str | os.PathLike[str]]) -> tuple[Dir, ...]:
    """The directories, each guest path once."""
    _refuse_single(given, "Dir")
    return _union_of_dirs(
        [Dir(entry) if isinstance(entry, os.PathLike) else entry for entry in given]
    )


def _union_of_dirs(given: Iterable[Dir | str]) -> tuple[Dir, ...]:
    found: dict[str, Dir] = {}
    for entry in _entries(given, Dir, parse_dir):
        known = found.get(entry.guest)
        if known is not None and known.host != entry.host:
            raise Malformed(
                f"two directories for the guest path {entry.guest}: "
                f"{known.host} and {entry.host}; give one of them another path with ::"
            )
        if known is None or MODES.index(entry.mode) > MODES.index(known.mode):
            found[entry.guest] = entry
    return tuple(found.values())


def _environment(given: Iterable[Env | str] | Mapping[str, str | None]) -> tuple[Env, ...]:
    """The variables, each once: the last said counts."""
    _refuse_single(given, "Env")
    entries = [Env(*pair) for pair in given.items()] if _is_mapping(given) else given
    found: dict[str, Env] = {}
    for entry in _entries(entries, Env, parse_env):
        found.pop(entry.name, None)
        found[entry.name] = entry
    return tuple(found.values())


def _is_mapping(given: object) -> TypeGuard[Mapping[str, str | None]]:
    return isinstance(given, Mapping)


def _refuse_single(given: object, name: str) -> None:
    if isinstance(given, str | bytes | os.PathLike | Dir | Env | Net | Listen | Origin):
        raise Malformed(f"expected a list of {name} entries, not one alone: write [{given!r}]")


def _wider(one: K | None, two: K | None, order: tuple[str, ...]) -> K | None:
    if one is None or two is None:
        return two if one is None else one
    return max(one, two, key=lambda each: order.index(each.kind))
