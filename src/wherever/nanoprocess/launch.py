"""Owns starting a worker: a clean interpreter with one channel to us, and nothing inherited."""

from __future__ import annotations

import _socket
import fcntl
import marshal
import os
import select
import sys

from wherever.errors import Unsupported
from wherever.nanoprocess.frames import CHANNEL, EXPECT_COMPONENT
from wherever.nanoprocess.signals import SIGKILL, send_by_pidfd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Worker", "launch"]

_BOOT = "import sys;sys.path+=%r;from wherever.nanoprocess.boot import main;main()"


class Worker:
    """A worker process that we started: its channel, and the means to end it."""

    __slots__ = ("_pidfd", "channel", "cpu", "pid", "status")

    def __init__(self, pid: int, channel: int) -> None:
        self.pid = pid
        self.cpu = 0.0  # processor seconds of its whole life, once it has ended
        self.channel = channel
        self.status: int | None = None  # as waitpid gives it; -1 if someone else has reaped it
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError:  # before Linux 5.3, or no descriptor left
            self._pidfd = -1

    def send(self, message: Mapping[str, object], fds: Sequence[int]) -> bool:
        """Hand the worker its work and descriptors; False if it has died."""
        data = marshal.dumps(dict(message))  # to the worker only: nothing is unmarshalled from it
        data = len(data).to_bytes(4, "little") + data
        channel = _socket.socket(fileno=self.channel)
        try:
            rights = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
            ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)] if fds else []
            sent = channel.sendmsg([data], ancillary, _socket.MSG_NOSIGNAL)
            # Not for nothing: the worker may have run its guest and ended by now.
            if sent < len(data):
                channel.sendall(data[sent:], _socket.MSG_NOSIGNAL)
        except OSError:
            return False
        finally:
            channel.detach()
        return True

    def expect_component(self) -> None:
        """Let the worker import what components need while it waits for its work."""
        channel = _socket.socket(fileno=self.channel)
        try:
            channel.send(EXPECT_COMPONENT, _socket.MSG_NOSIGNAL)
        except OSError:
            return  # it has died: whoever sends it work will know
        finally:
            channel.detach()

    def wait_ready(self) -> None:
        """Wait until the worker has imported what it needs, or has died."""
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        poll.poll()

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens if the worker has ended."""
        if self.status is not None:
            return
        try:
            if self._pidfd >= 0:
                send_by_pidfd(self._pidfd, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def kill(self) -> None:
        """End the worker now."""
        self.signal(SIGKILL)

    def reap(self) -> int:
        """Wait until the worker has ended; returns its status as waitpid(2) gives it."""
        if self.status is None:
            try:
                _, self.status, used = os.wait4(self.pid, 0)
                self.cpu = used.ru_utime + used.ru_stime
            except ChildProcessError:
                self.status = -1
            self.forget()
        return self.status

    def forget(self) -> None:
        """Close our descriptors; a worker that is still there ends when its channel closes."""
        for fd in (self.channel, self._pidfd):
            if fd >= 0:
                os.close(fd)
        self.channel = self._pidfd = -1


def launch(*, own_group: bool, streams: Sequence[int] | None = None) -> Worker:
    """Start a worker; it imports what it needs and waits for its work.

    With `own_group` the terminal's signals do not reach it. `streams` become its standard streams;
    without them it has the null device until its work brings others.
    """
    executable = interpreter()
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    channel, inner = ours.detach(), theirs.detach()
    null = -1
    try:
        inner = _out_of_the_way(inner)
        if streams is None:
            null = _out_of_the_way(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
            streams = (null, null, null)
        actions: list[tuple[int, int, int]] = [
            (os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(streams) if fd != number
        ]
        actions.append((os.POSIX_SPAWN_DUP2, inner, CHANNEL))
        words = [executable, "-I", "-S", "-X", "utf8", "-c", _BOOT % _import_paths()]
        if own_group:
            pid = os.posix_spawn(
                executable, words, {}, file_actions=actions, setsigmask=[], setpgroup=0
            )
        else:
            pid = os.posix_spawn(executable, words, {}, file_actions=actions, setsigmask=[])
    except BaseException:
        os.close(channel)
        raise
    finally:
        os.close(inner)
        if null >= 0:
            os.close(null)
    return Worker(pid, channel)


def _out_of_the_way(fd: int) -> int:
    """The descriptor, moved above those that a worker begins with.

    A caller without standard streams would get their numbers for what we open.
    """
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return moved


def interpreter() -> str:
    """The Python that runs workers: this one, or what `WHEREVER_PYTHON` names."""
    found = os.environ.get("WHEREVER_PYTHON") or sys.executable
    if not found or not hasattr(os, "posix_spawn"):
        raise Unsupported(
            "cannot start a worker: this program embeds Python without saying where its "
            "interpreter is; set WHEREVER_PYTHON to the path of a python of the same version"
        )
    return found


def _import_paths() -> list[str]:
    """Where a worker finds this package and the engine's library, and nothing else."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    engine = next(
        (path for path in sys.path if os.path.isdir(os.path.join(path, "wasmtime"))), package
    )
    return list(dict.fromkeys((package, os.path.abspath(engine))))
