"""Owns starting a run: grants checked, the program opened, the work handed to a worker."""

from __future__ import annotations

import os

from wherever.errors import Unsupported
from wherever.nanoprocess.pool import hand_over, warm
from wherever.nanoprocess.prepare import open_program
from wherever.nanoprocess.supervise import Supervision
from wherever.policy import Audit, Grants, Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherever.nanoprocess.prepare import Program
    from wherever.nanoprocess.streams import Streams
    from wherever.policy import Decision

__all__ = ["require_supported", "start", "work_message"]


def start(
    program: Program,
    args: Sequence[str],
    grants: Grants | None,
    limits: Limits | None,
    streams: Streams,
    *,
    argv0: str | None = None,
    invoke: str | None = None,
    audit: Callable[[Decision], None] | None = None,
) -> Supervision:
    """Hand the work to a worker and return what watches it; closes the streams on failure."""
    grants = grants or Grants()
    limits = limits or Limits()
    try:
        require_supported(grants)
        name, fd = open_program(program)
        try:
            message = work_message((argv0 or name, *args), grants, limits, invoke, audit)
            worker = hand_over(message, [fd, *streams.theirs])
        finally:
            os.close(fd)
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
    )


def work_message(
    arguments: tuple[str, ...],
    grants: Grants,
    limits: Limits,
    invoke: str | None,
    audit: object,
) -> dict[str, object]:
    """The work as it travels to a worker."""
    resolved = grants.replace(env=grants.environment())  # the worker has no environment to ask
    names = ("memory", "time", "cpu", "files", "output", "processes")
    return {
        "arguments": arguments,
        "grants": resolved.text(),
        "limits": {name: getattr(limits, name) for name in names},
        "invoke": invoke,
        "whole_record": audit is not None,
    }


def require_supported(grants: Grants) -> None:
    """Raise `Unsupported` for what can be granted but not yet given."""
    for name in ("net", "listen", "http"):
        for entry in getattr(grants, name):
            raise Unsupported(f"{entry.text}: sockets and HTTP are not built yet; leave it out")
    if grants.dns:
        raise Unsupported("--dns: looking up names is not built yet; leave it out")
