"""Owns the grammar of grants and limits: each entry's text, the same wherever it is written.

    --dir HOST[::GUEST][,ro|rw|overlay]     --net HOST:PORT        --clock real|coarse|fixed:T
    --env NAME[=VALUE]                      --listen ADDR:PORT     --random real|seed:N
    --memory SIZE --time DURATION ...       --http ORIGIN  --dns   --manifest FILE

The manifest and the Python constructors take the same texts; `FLAGS` lists the words.
"""

from __future__ import annotations

from wherever.policy.frozen import frozen
from wherever.policy.grants import Grants
from wherever.policy.limits import LIMITS, Limits
from wherever.policy.malformed import Malformed
from wherever.policy.manifest import read_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FLAGS", "Flag", "Spoken", "parse_words"]


@frozen
class Flag:
    """A word of the command line: its value's placeholder and what it grants."""

    name: str
    value: str  # "" for a flag without a value
    help: str
    repeats: bool = False


FLAGS: tuple[Flag, ...] = (
    Flag("dir", "HOST[::GUEST][,ro|rw|overlay]", "a directory; ro unless said otherwise", True),
    Flag("env", "NAME[=VALUE]", "an environment variable; without a value, the caller's", True),
    Flag("net", "HOST:PORT", "connections to a host (not built yet)", True),
    Flag("listen", "ADDR:PORT", "accepting connections (not built yet)", True),
    Flag("dns", "", "looking up names (not built yet)"),
    Flag("http", "ORIGIN", "outgoing HTTP to an origin (not built yet)", True),
    Flag("clock", "real|coarse|fixed:T", "what the clocks show; real unless said otherwise"),
    Flag("random", "real|seed:N", "where randomness comes from; real unless said otherwise"),
    Flag("manifest", "FILE", "grants and limits from a TOML file", True),
    *(Flag(name, row[2], f"limit: {row[3]}") for name, row in LIMITS.items()),
)
_BY_NAME = {flag.name: flag for flag in FLAGS}


@frozen
class Spoken:
    """What the words of a command line said: grants, the limits that were named, and the rest."""

    grants: Grants
    limits: dict[str, str | float | None]
    rest: tuple[str, ...]

    def limits_over(self, base: Limits) -> Limits:
        """The base with the named limits in place of its own."""
        return base.override(**self.limits)


def parse_words(words: Sequence[str]) -> Spoken:
    """Read grants and limits from the words before the first that is none of them.

    `--name value` and `--name=value` are the same. A manifest's entries come before the words,
    whichever stands first: what is typed adds to its grants and overrides its limits, its clock
    and its randomness.
    """
    lists: dict[str, list[str]] = {flag.name: [] for flag in FLAGS if flag.repeats}
    single: dict[str, str] = {}
    dns = False
    at = 0
    while at < len(words) and words[at].startswith("--") and words[at] != "--":
        name, equals, value = words[at][2:].partition("=")
        flag = _BY_NAME.get(name)
        if flag is None:
            break
        at += 1
        if not flag.value:
            if equals:
                raise Malformed(f"--{name} takes no value")
            dns = True
            continue
        if not equals:
            if at == len(words):
                raise Malformed(f"--{name} needs a value: --{name} {flag.value}")
            value = words[at]
            at += 1
        if flag.repeats:
            lists[name].append(value)
        elif name in single:
            raise Malformed(f"--{name} is said twice: {single[name]} and {value}")
        else:
            single[name] = value
    spoken = Grants(
        dirs=lists["dir"],
        env=lists["env"],
        net=lists["net"],
        listen=lists["listen"],
        dns=dns,
        http=lists["http"],
        clock=single.pop("clock", None),
        random=single.pop("random", None),
    )
    limits: dict[str, str | float | None] = {}
    base = Grants()
    for file in lists["manifest"]:
        manifest = read_manifest(file)
        base |= manifest.grants
        limits.update(manifest.limits)
    limits.update(single)
    Limits().override(**limits)  # refuse a malformed one here, where the words are known
    if spoken.clock is not None:
        base = base.replace(clock=None)
    if spoken.random is not None:
        base = base.replace(random=None)
    return Spoken(base | spoken, limits, tuple(words[at:]))
