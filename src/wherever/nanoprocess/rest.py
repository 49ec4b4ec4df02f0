"""Owns the rest of a program: what is compiled only when its guest first needs it (ADR 0016).

The worker of a run holds one end of a socket. When its guest needs the rest, a thread here takes it
from the cache or has it compiled, and sends its descriptors there; the guest waits meanwhile, and
its time stands still.
"""

from __future__ import annotations

import _socket
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Rest"]


class Rest:
    """The rest of one run's program. `theirs` is the worker's end of the socket."""

    __slots__ = ("_began", "_make", "_ours", "error", "theirs", "working")

    def __init__(self, make: Callable[[], Sequence[int]]) -> None:
        """`make` gives the descriptors, which are closed here."""
        self._make = make
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._ours = ours
        self.theirs = theirs.detach()
        self._began = 0.0
        self.working = False
        self.error: BaseException | None = None

    def begin(self) -> bool:
        """The guest needs it; False if it said so before."""
        if self._began:
            return False
        import threading  # for this only: not every run has the time

        self._began = time.monotonic()
        self.working = True
        threading.Thread(target=self._bring, name="wherever-rest", daemon=True).start()
        return True

    @property
    def waited(self) -> float:
        """Seconds since it was asked for."""
        return time.monotonic() - self._began

    def close(self) -> None:
        """Close what is here still; a worker that waits is told that nothing comes."""
        if not self.working:
            self._ours.close()

    def _bring(self) -> None:
        """Send the descriptors, or keep the error for whoever watches the run."""
        try:
            self._send(self._make())
        except BaseException as error:  # raised again where the run is watched
            self.error = error
        finally:
            self.working = False
            self._ours.close()  # last: a worker that gets nothing ends

    def _send(self, fds: Sequence[int]) -> None:
        rights = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
        message = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)]
        try:
            self._ours.sendmsg([b"\0"], message, _socket.MSG_NOSIGNAL)
        except OSError:
            return  # the worker has ended: whoever watches it knows why
        finally:
            for fd in fds:
                os.close(fd)
