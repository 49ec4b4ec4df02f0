"""Owns starting a run: grants checked, the program opened, the work handed to a worker."""

from __future__ import annotations

import os

from wherever.errors import Unsupported
from wherever.nanoprocess.compiling import close_all
from wherever.nanoprocess.pool import hand_over, warm
from wherever.nanoprocess.prepare import open_program
from wherever.nanoprocess.rest import Rest
from wherever.nanoprocess.supervise import Supervision
from wherever.policy import Audit, Grants, Limits, Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self, TypeVar

    from wherever.nanoprocess.compiling import Compiled
    from wherever.nanoprocess.prepare import Program
    from wherever.nanoprocess.streams import Streams
    from wherever.policy import Decision

    T = TypeVar("T")
    Argument = str | bytes | os.PathLike[str]

__all__ = ["Handed", "argument_words", "guest_name", "require_supported", "start"]


def start(
    program: Program,
    args: Sequence[Argument],
    grants: Grants | None,
    limits: Limits | None,
    streams: Streams,
    *,
    argv0: str | None = None,
    invoke: str | None = None,
    exact: bool = False,
    audit: Callable[[Decision], None] | None = None,
) -> Supervision:
    """Hand the work to a worker and return what watches it; closes the streams on failure."""
    try:
        grants = _of_kind(grants, Grants, "grants")
        limits = _of_kind(limits, Limits, "limits")
        words = argument_words(args)
        require_supported(grants)
        name, compiled = open_program(program, exact=exact)
        arguments = (argv0 or guest_name(name), *words)
        work = Handed(compiled, arguments, grants, limits, invoke, audit)
        with work:
            worker = hand_over(work.message, [*work.fds, *streams.theirs])
        streams.handed_over()
    except BaseException:
        streams.close()
        raise
    warm()
    stdin, stdout, stderr = streams.ours
    return Supervision(
        worker,
        limits,
        feed=streams.feed,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        audit=Audit(audit),
        rest=work.rest,
    )


class Handed:
    """The work as it travels to a worker: a message and descriptors, which `with` closes here."""

    __slots__ = ("fds", "message", "rest")

    def __init__(
        self,
        compiled: Compiled,
        arguments: tuple[str | bytes, ...],
        grants: Grants,
        limits: Limits,
        invoke: str | None,
        audit: object,
    ) -> None:
        self.fds = list(compiled.parts)
        try:
            # the worker has no environment to ask
            resolved = grants.replace(env=grants.environment())
            self.rest = None if compiled.rest is None else Rest(compiled.rest)
        except BaseException:
            close_all(self.fds)
            raise
        names = ("memory", "time", "cpu", "files", "output", "processes")
        self.message: dict[str, object] = {
            "arguments": arguments,
            "grants": resolved.text(),
            "limits": {name: getattr(limits, name) for name in names},
            "invoke": invoke,
            "whole_record": audit is not None,
            "codes": len(self.fds),
            "rest": self.rest is not None,
        }
        if self.rest is not None:
            self.fds.append(self.rest.theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        close_all(self.fds)
        if kind is not None and self.rest is not None:
            self.rest.close()


def _of_kind(value: T | None, kind: type[T], name: str) -> T:
    """The value, or what counts when none was given."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        made = f"{kind.__name__}(...)"
        raise TypeError(f"{name} is of {type(value).__name__}; make it with wherever.{made}")
    return value


def argument_words(args: Sequence[Argument]) -> tuple[str | bytes, ...]:
    """The arguments as a guest can have them."""
    if isinstance(args, str | bytes | bytearray):
        raise TypeError(f"args is one word, {args!r}; give a list of words")
    words: list[str | bytes] = []
    for word in args:
        try:
            data = os.fsencode(word)
        except TypeError:
            kind = type(word).__name__
            raise TypeError(f"an argument is of {kind}: {word!r}; give words as text") from None
        except UnicodeEncodeError:
            raise Malformed(f"an argument is no text: {word!r}; give it as bytes") from None
        if b"\0" in data:
            raise Malformed(f"an argument cannot hold a NUL: {word!r}")
        words.append(os.fspath(word))
    return tuple(words)


def guest_name(path: str) -> str:
    """What the guest gets as its own name: where it lies on the host is not its business."""
    return os.path.basename(path) or path


def require_supported(grants: Grants) -> None:
    """Raise `Unsupported` for what can be granted but not yet given."""
    for name in ("net", "listen", "http"):
        for entry in getattr(grants, name):
            raise Unsupported(f"{entry.text}: sockets and HTTP are not built yet; leave it out")
    if grants.dns:
        raise Unsupported("--dns: looking up names is not built yet; leave it out")
