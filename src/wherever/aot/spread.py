"""Owns doing many independent pieces of work in several processes, the results in order.

Workers are forks of a process that has one thread: they read what was made before the fork and need
nothing sent to them. Each takes numbers of pieces from one pipe until it is empty, so that a core
which has less to itself does less; results go to a file in memory each, read once the worker ended.
What comes out is the same for any number of workers.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal
import tempfile
import threading
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

from wherever.aot.parent import end_with, outlived
from wherever.errors import InternalError, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")

_MOST: Final = 8  # workers: each has a copy of what it touches
_NUMBER: Final = 4  # bytes of a number in the pipe; a pipe holds at least 4096 (POSIX: PIPE_BUF)
_TICKETS: Final = 1000
_NO_MEMORY: Final = 2  # how a worker ends that may not have more


def too_deep() -> LimitExceeded:
    """Why a process of a translation got SIGSEGV: machine code recurses on the stack (ADR 0045)."""
    return LimitExceeded(
        "translating overflowed the stack: a function of the program nests too deep; "
        "WHEREVER_COMPILED=no translates without that bound, slower",
        limit="stack",
    )


def cores() -> int:
    """How many workers are worth having here."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _MOST)
    return min(os.cpu_count() or 1, _MOST)


def spread(
    pieces: Sequence[int],
    work: Callable[[int], T],
    jobs: int,
    progress: Callable[[int, int], None] | None = None,
) -> dict[int, T]:
    """`work` of each piece, the first ones first. Results are what `marshal` writes."""
    if jobs < 2 or len(pieces) < 2 or not _can_fork():
        return _alone(pieces, work, progress)
    size = -(-len(pieces) // _TICKETS)
    batches = [pieces[at : at + size] for at in range(0, len(pieces), size)]
    tickets, giver = os.pipe()
    os.write(giver, b"".join(i.to_bytes(_NUMBER, "little") for i in range(len(batches))))
    os.close(giver)
    gc.freeze()
    workers: list[tuple[int, IO[bytes]]] = []
    found: dict[int, T] = {}
    try:
        for _ in range(jobs - 1):
            file = _scratch()
            workers.append((_fork(tickets, batches, work, file), file))
        while ticket := os.read(tickets, _NUMBER):
            number = int.from_bytes(ticket, "little")
            if progress is not None:
                progress(number * size, len(pieces))
            for piece in batches[number]:
                found[piece] = work(piece)
        while workers:
            found |= _collect(*workers.pop())
        return found
    finally:
        os.close(tickets)
        for pid, file in workers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            file.close()
        gc.unfreeze()


def _can_fork() -> bool:
    """Whether this process has no thread that could hold a lock while it is copied."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return False
    try:
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False  # macOS: its own libraries start threads


def _scratch() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("wherever-results", os.MFD_CLOEXEC), "w+b")  # noqa: PTH123
    return tempfile.TemporaryFile()


def _alone(
    pieces: Sequence[int],
    work: Callable[[int], T],
    progress: Callable[[int, int], None] | None,
) -> dict[int, T]:
    found: dict[int, T] = {}
    for done, piece in enumerate(pieces):
        if progress is not None and done & 31 == 0:
            progress(done, len(pieces))
        found[piece] = work(piece)
    return found


def _fork(
    tickets: int, batches: Sequence[Sequence[int]], work: Callable[[int], T], file: IO[bytes]
) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _worker(parent, tickets, batches, work, file)
    return pid


def _worker(
    parent: int,
    tickets: int,
    batches: Sequence[Sequence[int]],
    work: Callable[[int], T],
    file: IO[bytes],
) -> NoReturn:
    """A worker's whole life; nothing of the parent's unwinds here."""
    status = 1
    try:
        end_with(parent)
        found: dict[int, T] = {}
        while not outlived(parent) and (ticket := os.read(tickets, _NUMBER)):
            for piece in batches[int.from_bytes(ticket, "little")]:
                found[piece] = work(piece)
        marshal.dump(found, file)
        file.flush()
        status = 0
    except MemoryError:
        status = _NO_MEMORY
    except BaseException:  # whatever else it is goes to the parent as text
        file.seek(0)
        file.write(traceback.format_exc().encode())
        file.flush()
    finally:
        os._exit(status)


def _collect(pid: int, file: IO[bytes]) -> dict[int, Any]:
    """What a worker found, once it has ended."""
    try:
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        file.seek(0)
        if code == 0:
            found: dict[int, Any] = marshal.load(file)  # written by our own fork
            return found
        if code == _NO_MEMORY:
            raise MemoryError  # as if it had been ours: whoever bounds both says it
        if code == -signal.SIGSEGV:
            raise too_deep()
        if code < 0:
            raise InternalError(
                f"a translation worker was killed by {signal.Signals(-code).name}; "
                "where memory is short, translate with one job"
            )
        text = file.read().decode(errors="replace")
        raise InternalError(f"a translation worker failed:\n{text}")
    finally:
        file.close()


__all__ = ["cores", "spread", "too_deep"]
