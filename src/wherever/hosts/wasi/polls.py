"""Owns poll_oneoff: one wait for clocks and descriptors, exact, ended by the run's interrupt."""

from __future__ import annotations

import errno
from typing import Final

from wherever.hosts.wasi.abi import (
    EVENT,
    SUBSCRIPTION_CLOCK,
    SUBSCRIPTION_FD,
    SUBSCRIPTION_HEAD,
    ClockId,
    Errno,
    Rights,
    errno_of,
)
from wherever.hosts.wasi.run import Preview1
from wherever.system.handles import refuse
from wherever.system.polling import READABLE, WRITABLE, Readiness, State, bytes_readable, wait

__all__ = ["poll_oneoff"]

_SIZE: Final = 48
_MOST: Final = 4096  # more than any guest may hold open
_CLOCK, _FD_READ, _FD_WRITE = 0, 1, 2
_ABSTIME: Final = 1
_ROOM: Final = 1 << 16
_HANGUP: Final = 1
_POLL: Final = int(Rights.POLL_FD_READWRITE)
_U32: Final = 0xFFFFFFFF


def poll_oneoff(run: Preview1, subscriptions: int, events: int, count: int, result: int) -> int:
    """Wait until at least one of the subscribed events has happened, and tell which."""
    count &= _U32
    if not 0 < count <= _MOST:
        raise refuse(errno.EINVAL)
    source = bytes(run.memory.part(subscriptions, count * _SIZE))
    target = run.memory.part(events, count * EVENT.size)
    happened = _Poll(run).run(source, count)
    for index, record in enumerate(happened):
        target[index * EVENT.size : (index + 1) * EVENT.size] = record
    run.memory.put_u32(result, len(happened))
    return 0


class _Poll:
    """One call: what is ready at once, what the kernel must be asked, and the nearest deadline."""

    def __init__(self, run: Preview1) -> None:
        self._run = run
        self._ready: list[bytes] = []
        self._asked: list[tuple[int, int, int]] = []  # userdata, type, the host's descriptor
        self._timers: list[tuple[int, int]] = []  # the clock's monotonic time, userdata

    def run(self, source: bytes, count: int) -> list[bytes]:
        for index in range(count):
            at = index * _SIZE
            userdata, tag = SUBSCRIPTION_HEAD.unpack_from(source, at)
            if tag == _CLOCK:
                self._subscribe_clock(userdata, source, at + 16)
            elif tag in (_FD_READ, _FD_WRITE):
                (number,) = SUBSCRIPTION_FD.unpack_from(source, at + 16)
                self._subscribe_descriptor(userdata, tag, number)
            else:
                raise refuse(errno.EINVAL)
        self._wait()
        return self._ready

    def _subscribe_clock(self, userdata: int, source: bytes, at: int) -> None:
        clock, timeout, _precision, flags = SUBSCRIPTION_CLOCK.unpack_from(source, at)
        clocks = self._run.surroundings.clocks
        if clock not in (ClockId.REALTIME, ClockId.MONOTONIC):
            self._ready.append(EVENT.pack(userdata, Errno.NOTSUP, _CLOCK, 0, 0))
            return
        now = clocks.monotonic()
        if not flags & _ABSTIME:
            when = now + timeout
        elif clock == ClockId.MONOTONIC:
            when = timeout
        else:
            when = now + timeout - clocks.realtime()
        self._timers.append((when, userdata))

    def _subscribe_descriptor(self, userdata: int, tag: int, number: int) -> None:
        try:
            descriptor = self._run.fds.get(number)
            if not descriptor.rights & _POLL:
                self._ready.append(EVENT.pack(userdata, Errno.NOTCAPABLE, tag, 0, 0))
                return
            readiness = descriptor.handle.readiness(_events(tag))
        except OSError as error:
            self._ready.append(EVENT.pack(userdata, errno_of(error), tag, 0, 0))
            return
        if readiness.descriptor >= 0:
            self._asked.append((userdata, tag, readiness.descriptor))
        else:
            self._ready.append(_event(userdata, tag, readiness, readiness.state))

    def _wait(self) -> None:
        surroundings = self._run.surroundings
        surroundings.interrupt.check()
        clocks = surroundings.clocks
        nearest = min(self._timers)[0] if self._timers else None
        if self._ready:
            deadline: int | None = 0
        elif nearest is None:
            deadline = None
        else:
            deadline = clocks.deadline(nearest)
            if deadline is None:
                deadline = 0  # a clock that stands still has moved there
        if self._asked or not self._ready:
            wanted = [(fd, _events(tag)) for _, tag, fd in self._asked]
            states = wait(wanted, deadline, surroundings.interrupt)
            for (userdata, tag, fd), state in zip(self._asked, states, strict=True):
                if state:
                    readiness = Readiness(state, bytes_readable(fd) if tag == _FD_READ else _ROOM)
                    self._ready.append(_event(userdata, tag, readiness, state))
        now = clocks.monotonic()
        for when, userdata in self._timers:
            if when <= now:
                self._ready.append(EVENT.pack(userdata, 0, _CLOCK, 0, 0))
        if not self._ready and nearest is not None:
            # The host's clock ran ahead of the guest's coarser one: the deadline has come all the
            # same, and an answer of no events would be a lie.
            self._ready.extend(
                EVENT.pack(userdata, 0, _CLOCK, 0, 0)
                for when, userdata in self._timers
                if when == nearest
            )


def _events(tag: int) -> int:
    return READABLE if tag == _FD_READ else WRITABLE


def _event(userdata: int, tag: int, readiness: Readiness, state: State) -> bytes:
    flags = _HANGUP if State.HANG_UP in state else 0
    error = Errno.IO if State.FAILED in state and State.HANG_UP not in state else 0
    return EVENT.pack(userdata, error, tag, readiness.available, flags)
