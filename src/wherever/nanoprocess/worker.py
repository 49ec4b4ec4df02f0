"""Owns the worker: the process that one guest runs in, from its first line to its end.

The parent starts it as a clean interpreter (see `launch`). It imports what a guest needs, reads its
work from the channel, opens the grants, gives up every other right, runs the guest, and ends.
Whatever happens after the guest's first instruction is not to be trusted by anyone.
"""

from __future__ import annotations

import _socket
import fcntl
import marshal
import os
import select
import sys

from wherever.errors import InternalError, InvalidProgram, LimitExceeded, WhereverError
from wherever.nanoprocess.frames import (
    CHANNEL,
    CONFINED,
    DECISION,
    END,
    EXPECT_COMPONENT,
    NEEDS,
    READY,
    TOOK,
    frame,
)
from wherever.nanoprocess.signals import SIGINT, SIGKILL, default
from wherever.policy.malformed import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.nanoprocess.guest import Ending
    from wherever.policy import Decision

__all__ = ["main"]

_F_SETSIG = 10
_MOST_DESCRIPTORS = 64  # descriptors of one message


def main() -> None:
    """Run one guest and end the process."""
    default(SIGINT)  # a guest ended by Ctrl-C, not a traceback
    status = 70
    try:
        from wherever.nanoprocess import code, guest

        code.open_engine()
        _say(READY, [])
        message, fds = receive()
        if message is not None:
            report = guest.Report(_decided, _confined, _die_with_parent, _took, _rest)
            if "compile" in message:
                guest.compile_(message, fds, report)
                ending = guest.Ending("exit")
            else:
                ending = guest.run(guest.Work.of(message), fds, report)
            _say(END, ending_fields(ending))
            status = 0
    except BaseException as error:  # the channel is the only way
        _say(END, error_fields(error))
    finally:
        os._exit(status)  # no teardown: the memory goes with the process, in microseconds


def receive() -> tuple[dict[str, object] | None, list[int]]:
    """The work and its descriptors; None if the parent has gone away."""
    channel = _socket.socket(fileno=CHANNEL)
    try:
        if channel.recv(len(EXPECT_COMPONENT), _socket.MSG_PEEK) == EXPECT_COMPONENT:
            channel.recv(len(EXPECT_COMPONENT))
            __import__("wherever.nanoprocess.components")
        data, ancillary, _, _ = channel.recvmsg(1 << 16, _socket.CMSG_SPACE(4 * _MOST_DESCRIPTORS))
        fds = _descriptors(ancillary)
        while data and (len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "little")):
            more = channel.recv(1 << 20)
            if not more:
                return None, fds
            data += more
    finally:
        channel.detach()
    if not data:
        return None, fds
    work: dict[str, object] = marshal.loads(data[4:])  # the parent's bytes: we are its own
    return work, fds


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors that came with a message."""
    return [
        int.from_bytes(rights[at : at + 4], sys.byteorder)
        for level, kind, rights in ancillary
        if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)
        for at in range(0, len(rights), 4)
    ]


def ending_fields(ending: Ending) -> list[str]:
    """How the guest ended, as the fields of an END frame."""
    usage = (str(ending.memory), f"{ending.cpu:.6f}")
    return [ending.how, str(ending.code), ending.name, ending.message, *usage, *ending.frames[:200]]


def error_fields(error: BaseException) -> list[str]:
    """An error that is not the guest's end, as the fields of an END frame."""
    if isinstance(error, LimitExceeded):
        return ["limit", "0", error.limit, str(error), "0", "0", *error.frames[:200]]
    if isinstance(error, WhereverError):
        return ["error", "0", _family(error), str(error), "0", "0"]
    name = f"{type(error).__name__}: {error}"
    return ["error", "0", InternalError.__name__, name, "0", "0", *_where(error)]


def _family(error: WhereverError) -> str:
    """The name of the family that the error belongs to; rooms have subclasses of their own."""
    homes = (WhereverError.__module__, Malformed.__module__)
    return next(each.__name__ for each in type(error).__mro__ if each.__module__ in homes)


def _where(error: BaseException) -> list[str]:
    """Where our error was raised; without `traceback`, which a confined worker cannot load."""
    lines: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return lines


def _decided(decision: Decision) -> None:
    granted = "1" if decision.granted else ""
    _say(DECISION, [decision.what, decision.thing, granted, decision.rule, decision.grant])


def _confined(lacks: tuple[str, ...]) -> None:
    _say(CONFINED, list(lacks))


def _took() -> None:
    _say(TOOK, [])


def _rest(fd: int) -> Callable[[], list[int]]:
    """What asks for the rest of the program and waits for it; a confined worker can do so too."""
    socket = _socket.socket(fileno=fd) if fd >= 0 else None

    def ask() -> list[int]:
        if socket is None:
            raise InvalidProgram("the program asks for its resume bodies, and has none")
        _say(NEEDS, [])
        data, ancillary, _, _ = socket.recvmsg(1, _socket.CMSG_SPACE(4 * _MOST_DESCRIPTORS))
        if not data:
            raise InternalError("the rest of the program was not made")
        return _descriptors(ancillary)

    return ask


def _die_with_parent() -> None:
    """From now on the kernel kills this process when the parent closes the channel, or dies.

    Anything that happens on the channel raises SIGKILL (F_SETSIG): no thread has to watch it.
    """
    fcntl.fcntl(CHANNEL, _F_SETSIG, SIGKILL)
    fcntl.fcntl(CHANNEL, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(CHANNEL, fcntl.F_GETFL)
    fcntl.fcntl(CHANNEL, fcntl.F_SETFL, flags | os.O_ASYNC)
    # The parent may have gone before: then nothing will happen any more.
    poll = select.poll()
    poll.register(CHANNEL, 0)
    if poll.poll(0):
        os._exit(70)


def _say(kind: int, fields: list[str]) -> None:
    view = memoryview(frame(kind, fields))
    try:
        while view:
            view = view[os.write(CHANNEL, view) :]
    except OSError:
        os._exit(70)  # nobody listens any more
