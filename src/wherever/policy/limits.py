"""Owns limits: how much of memory, time, processor, files, output and processes a guest may use."""

from __future__ import annotations

from wherever.policy.frozen import frozen, replace
from wherever.policy.quantities import (
    count,
    duration,
    show_duration,
    show_size,
    size,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LIMITS", "Limits"]

# name -> (how it is read, how it is written). Flags, manifest keys and fields are these names.
LIMITS: dict[
    str, tuple[Callable[[str | float | None], float | None], Callable[..., str], str, str]
] = {
    "memory": (size, show_size, "SIZE", "linear memory and overlays together"),
    "time": (
        duration,
        show_duration,
        "DURATION",
        "wall-clock time of the run; compiling before it does not count",
    ),
    "cpu": (duration, show_duration, "DURATION", "processor time"),
    "files": (count, str, "COUNT", "open files and other descriptors"),
    "output": (size, show_size, "SIZE", "captured standard output and standard error, each"),
    "processes": (count, str, "COUNT", "processes and threads inside; fork(2) is not built yet"),
}


@frozen
class Limits:
    """What a guest may use; None means without limit.

    Fields may be given as the command line spells them: `Limits(memory="256MiB", time="10s")`.
    `output` caps captured output only: what goes to a terminal or a file of the caller's is free.
    """

    memory: int | None = 1 << 30
    time: float | None = 60.0
    cpu: float | None = 60.0
    files: int | None = 256
    output: int | None = 64 << 20
    processes: int | None = 64

    def __checked__(self) -> None:
        for name, (read, *_) in LIMITS.items():
            object.__setattr__(self, name, read(getattr(self, name)))

    def override(self, **changes: str | float | None) -> Limits:
        """These limits with some said anew, spelled as on the command line."""
        return replace(self, **changes)

    def excess(self, parent: Limits) -> tuple[str, ...]:
        """Every limit that is wider than the parent's, as text; empty when there is none."""
        return tuple(
            f"--{name} {show(mine)} is wider than the parent's {show(theirs)}"
            for name, (_, show, *_) in LIMITS.items()
            for mine, theirs in [(getattr(self, name), getattr(parent, name))]
            if theirs is not None and (mine is None or mine > theirs)
        )

    def narrower_than(self, parent: Limits) -> bool:
        """Whether no limit is wider than the parent's."""
        return not self.excess(parent)

    def __or__(self, other: Limits) -> Limits:
        """The wider of each."""

        def wider(one: float | None, two: float | None) -> float | None:
            return None if one is None or two is None else max(one, two)

        return replace(
            self, **{name: wider(getattr(self, name), getattr(other, name)) for name in LIMITS}
        )

    def text(self) -> tuple[str, ...]:
        """The limits as command-line words."""
        words: list[str] = []
        for name, (_, show, *_) in LIMITS.items():
            value = getattr(self, name)
            words += (f"--{name}", "unlimited" if value is None else show(value))
        return tuple(words)
