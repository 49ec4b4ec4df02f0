"""Owns the worker: the process that one guest runs in, from its first line to its end.

The parent starts it as a clean interpreter (see `launch`). It imports what a guest needs, reads its
work from the channel, opens the grants, gives up every other right, runs the guest, and ends.
Whatever happens after the guest's first instruction is not to be trusted by anyone.
"""

from __future__ import annotations

import _signal
import _socket
import marshal
import os
import sys

from wherever.errors import InternalError, LimitExceeded, WhereverError
from wherever.nanoprocess.frames import DECISION, END, READY, frame
from wherever.nanoprocess.launch import CHANNEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.nanoprocess.guest import Ending
    from wherever.policy import Decision

__all__ = ["main"]

_F_SETSIG = 10
_ITIMER_PROF = 2


def main() -> None:
    """Run one guest and end the process."""
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # a guest ended by Ctrl-C, not a traceback
    status = 70
    try:
        from wherever.nanoprocess import guest

        _say(READY, [])
        work, fds = receive()
        if work is not None:
            ending = guest.run(work, fds, _decided, _die_with_parent, _start_timer)
            _say(END, ending_fields(ending))
            status = 0
    except BaseException as error:  # noqa: BLE001 - the channel is the only way to tell anyone
        _say(END, error_fields(error))
    finally:
        os._exit(status)  # no teardown: the memory goes with the process, in microseconds


def receive() -> tuple[dict[str, object] | None, list[int]]:
    """The work and its descriptors; None if the parent has gone away."""
    channel = _socket.socket(fileno=CHANNEL)
    try:
        data, ancillary, _, _ = channel.recvmsg(1 << 16, _socket.CMSG_SPACE(64 * 4))
        fds: list[int] = []
        for level, kind, rights in ancillary:
            if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                fds += [
                    int.from_bytes(rights[at : at + 4], sys.byteorder)
                    for at in range(0, len(rights), 4)
                ]
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


def ending_fields(ending: Ending) -> list[str]:
    """How the guest ended, as the fields of an END frame."""
    return [ending.how, str(ending.code), ending.name, ending.message, str(ending.memory),
            *ending.frames[:200]]  # fmt: skip


def error_fields(error: BaseException) -> list[str]:
    """An error that is not the guest's end, as the fields of an END frame."""
    if isinstance(error, LimitExceeded):
        return ["limit", "0", error.limit, str(error), "0", *error.frames[:200]]
    if isinstance(error, WhereverError):
        return ["error", "0", type(error).__name__, str(error), "0"]
    from traceback import format_exception

    text = "".join(format_exception(error))
    return ["error", "0", InternalError.__name__, f"{type(error).__name__}: {error}", "0", text]


def _decided(decision: Decision) -> None:
    granted = "1" if decision.granted else ""
    _say(DECISION, [decision.what, decision.thing, granted, decision.rule, decision.grant])


def _die_with_parent() -> None:
    """From now on the kernel kills this process when the parent closes the channel, or dies.

    Anything that happens on the channel raises SIGKILL (F_SETSIG): no thread has to watch it.
    """
    import fcntl

    fcntl.fcntl(CHANNEL, _F_SETSIG, int(_signal.SIGKILL))
    fcntl.fcntl(CHANNEL, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(CHANNEL, fcntl.F_GETFL)
    fcntl.fcntl(CHANNEL, fcntl.F_SETFL, flags | os.O_ASYNC)
    # The parent may have gone before: then nothing will happen any more.
    poll = __import__("select").poll()
    poll.register(CHANNEL, 0)
    if poll.poll(0):
        os._exit(70)


def _start_timer(seconds: float) -> None:
    """Processor time from now on: SIGPROF ends the process when it is used up."""
    _signal.signal(_signal.SIGPROF, _signal.SIG_DFL)
    _signal.setitimer(_ITIMER_PROF, max(seconds, 1e-3))


def _say(kind: int, fields: list[str]) -> None:
    view = memoryview(frame(kind, fields))
    try:
        while view:
            view = view[os.write(CHANNEL, view) :]
    except OSError:
        os._exit(70)  # nobody listens any more
