"""Owns `run`, `arun` and `spawn`: a program, its grants and limits, a worker, a result."""

from __future__ import annotations

from wherever.nanoprocess.starting import start
from wherever.nanoprocess.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherever.nanoprocess.prepare import Program
    from wherever.nanoprocess.result import Result
    from wherever.nanoprocess.starting import Argument
    from wherever.nanoprocess.streams import Stream
    from wherever.nanoprocess.waiting import Nanoprocess
    from wherever.policy import Decision, Grants, Limits

__all__ = ["arun", "run", "spawn"]


def run(
    program: Program,
    args: Sequence[Argument] = (),
    *,
    grants: Grants | None = None,
    limits: Limits | None = None,
    stdin: bytes | bytearray | memoryview | str | Stream | None = None,
    stdout: Stream | None = None,
    stderr: Stream | None = None,
    check: bool = False,
    argv0: str | None = None,
    invoke: str | None = None,
    exact: bool = False,
    audit: Callable[[Decision], None] | None = None,
) -> Result:
    """Run a program in a worker of its own, and return how it ended.

    `program` is a path or the bytes themselves. It gets `grants` (none by default) within `limits`
    (by default a minute, 1 GiB, 64 MiB of output; see `Limits`). `stdin` is its input, as data or
    an open file; output is captured unless `stdout` or `stderr` name an open file.

    A trap, a limit, a signal or a status other than 0 are in the result; `check=True` raises them.
    What is not a program, or needs what we do not have, raises at once: `InvalidProgram`,
    `Unsupported`. `audit` is called with every decision made for the guest. A Linux program's
    floating point obeys FPCR and reports to FPSR where it is `exact`, many times slower.
    """
    streams = Streams(stdin, stdout, stderr, capture=True)
    supervision = start(
        program,
        args,
        grants,
        limits,
        streams,
        argv0=argv0,
        invoke=invoke,
        exact=exact,
        audit=audit,
    )
    result = supervision.watch()
    return result.check() if check else result


async def arun(
    program: Program,
    args: Sequence[Argument] = (),
    *,
    grants: Grants | None = None,
    limits: Limits | None = None,
    stdin: bytes | bytearray | memoryview | str | Stream | None = None,
    stdout: Stream | None = None,
    stderr: Stream | None = None,
    check: bool = False,
    argv0: str | None = None,
    invoke: str | None = None,
    exact: bool = False,
    audit: Callable[[Decision], None] | None = None,
) -> Result:
    """`run` for asyncio: other tasks go on meanwhile, and cancelling the task ends the guest.

    `audit` is called on the thread that watches the guest.
    """
    from wherever.nanoprocess.waiting import in_thread

    streams = Streams(stdin, stdout, stderr, capture=True)
    supervision = start(
        program,
        args,
        grants,
        limits,
        streams,
        argv0=argv0,
        invoke=invoke,
        exact=exact,
        audit=audit,
    )
    result = await in_thread(supervision)
    return result.check() if check else result


def spawn(
    program: Program,
    args: Sequence[Argument] = (),
    *,
    grants: Grants | None = None,
    limits: Limits | None = None,
    stdin: Stream | None = None,
    stdout: Stream | None = None,
    stderr: Stream | None = None,
    argv0: str | None = None,
    exact: bool = False,
    audit: Callable[[Decision], None] | None = None,
) -> Nanoprocess:
    """Start a program and return at once, with pipes to and from it, as `subprocess.Popen` does.

    Limits are kept whether or not anyone waits; `Limits.output` does not apply to the pipes, whose
    reader decides how much to read.
    """
    from wherever.nanoprocess.waiting import Nanoprocess

    streams = Streams(stdin, stdout, stderr, capture=False)
    supervision = start(
        program, args, grants, limits, streams, argv0=argv0, exact=exact, audit=audit
    )
    return Nanoprocess(supervision, *streams.kept)
