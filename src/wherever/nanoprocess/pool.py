"""Owns the warm pool: workers started ahead, each unused until its one guest.

`wherever.run` takes a ready worker in microseconds where starting one takes tens of milliseconds.
A forked child forgets its parent's workers and starts its own.
"""

from __future__ import annotations

import _thread
import os

from wherever.errors import Unsupported
from wherever.nanoprocess.launch import Worker, launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["drain", "hand_over", "take", "warm"]

_DEFAULT_SIZE = 2


class _Pool:
    """The idle workers of this process."""

    __slots__ = ("idle", "lock", "size")

    def __init__(self) -> None:
        self.idle: list[Worker] = []
        self.lock = _thread.allocate_lock()
        text = os.environ.get("WHEREVER_POOL", "")
        self.size = int(text) if text.isdecimal() else _DEFAULT_SIZE


_pool = _Pool()


def take() -> Worker:
    """An unused worker: the one that has been warming longest, or a new one."""
    with _pool.lock:
        if _pool.idle:
            return _pool.idle.pop(0)
    return launch(own_group=True)


def hand_over(message: Mapping[str, object], fds: Sequence[int]) -> Worker:
    """A worker that has the work. An idle one may have died; a new one that dies is an error."""
    for _ in range(8):
        worker = take()
        if worker.send(message, fds):
            return worker
        worker.kill()
        worker.reap()
    raise Unsupported("workers end as soon as they are started; try wherever --debug version")


def warm(count: int | None = None, *, wait: bool = False) -> int:
    """Start workers until `count` are idle (by default as many as `WHEREVER_POOL` says, else 2).

    Returns how many were started; with `wait`, once all idle ones have imported what they need.
    The library does this by itself after the first run.
    """
    started = 0
    wanted = _pool.size if count is None else count
    while len(_pool.idle) < wanted:
        worker = launch(own_group=True)
        started += 1
        with _pool.lock:
            _pool.idle.append(worker)
    if wait:
        for worker in list(_pool.idle):
            worker.wait_ready()
    return started


def drain() -> None:
    """End every idle worker."""
    with _pool.lock:
        idle, _pool.idle = _pool.idle, []
    for worker in idle:
        worker.kill()
        worker.reap()


def _after_fork() -> None:
    """In a forked child: the workers are the parent's; keep no end of their channels."""
    idle, _pool.idle = _pool.idle, []
    _pool.lock = _thread.allocate_lock()
    for worker in idle:
        worker.forget()


os.register_at_fork(after_in_child=_after_fork)
