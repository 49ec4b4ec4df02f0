"""Owns waiting for a run elsewhere: a thread of its own watches it, for asyncio and for `spawn`."""

from __future__ import annotations

import asyncio
import io
import os
import threading

from wherever.nanoprocess.signals import SIGINT, SIGKILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from wherever.nanoprocess.result import Result
    from wherever.nanoprocess.supervise import Supervision

__all__ = ["Nanoprocess", "in_thread"]


class _Watch(threading.Thread):
    """Watches one run; the result, or the error, is here when `done` is set."""

    def __init__(self, supervision: Supervision) -> None:
        super().__init__(name="wherever-watch", daemon=True)
        self._supervision = supervision
        self._outcome: Result | BaseException | None = None
        self._then: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._outcome = self._supervision.watch()
        except BaseException as error:  # carried to whoever waits
            self._outcome = error
        self.done.set()
        for loop, event in self._then:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # the loop is closed: nobody waits there any more
                continue

    def wake(self, loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
        self._then.append((loop, event))

    def outcome(self) -> Result:
        self.join()
        match self._outcome:
            case BaseException() as error:
                raise error
            case None:
                raise RuntimeError("the watching thread ended without an outcome")
            case result:
                return result


async def in_thread(supervision: Supervision) -> Result:
    """The result, waited for without blocking the event loop; cancelling ends the guest."""
    watch = _Watch(supervision)
    ended = asyncio.Event()
    watch.wake(asyncio.get_running_loop(), ended)
    watch.start()
    try:
        await ended.wait()
    except asyncio.CancelledError:
        supervision.stop()
        watch.done.wait(5)  # the worker is killed: this takes a millisecond
        raise
    return watch.outcome()


class Nanoprocess:
    """A running program. `stdin`, `stdout` and `stderr` are pipes, or None where files were given.

    Leaving the `with` block closes the pipes and waits; an exception there ends the guest.
    """

    def __init__(self, supervision: Supervision, stdin: int, stdout: int, stderr: int) -> None:
        self.stdin = None if stdin < 0 else io.FileIO(stdin, "wb")
        self.stdout = None if stdout < 0 else io.BufferedReader(io.FileIO(stdout))
        self.stderr = None if stderr < 0 else io.BufferedReader(io.FileIO(stderr))
        self._supervision = supervision
        self._watch = _Watch(supervision)
        self._watch.start()

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._supervision.pid

    def poll(self) -> Result | None:
        """The result, or None while the guest runs."""
        return self._watch.outcome() if self._watch.done.is_set() else None

    def wait(self, timeout: float | None = None) -> Result:
        """Wait for the end; TimeoutError after `timeout` seconds, with the guest running on."""
        if not self._watch.done.wait(timeout):
            raise TimeoutError(f"the guest is still running after {timeout:g} s")
        return self._watch.outcome()

    async def wait_async(self) -> Result:
        """Wait for the end without blocking the event loop; cancelling this ends the guest."""
        ended = asyncio.Event()
        self._watch.wake(asyncio.get_running_loop(), ended)
        if not self._watch.done.is_set():
            try:
                await ended.wait()
            except asyncio.CancelledError:
                self.kill()
                raise
        return self._watch.outcome()

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self._supervision.stop(SIGINT)

    def kill(self) -> None:
        """End the guest now."""
        self._supervision.stop(SIGKILL)

    def communicate(self, data: bytes = b"") -> tuple[Result, bytes, bytes]:
        """Feed the input, read the output to its end, and wait: the result and both outputs."""
        outputs = {1: b"", 2: b""}

        def read(number: int, stream: io.BufferedReader) -> None:
            outputs[number] = stream.read()

        readers = [
            threading.Thread(target=read, args=(number, stream), daemon=True)
            for number, stream in ((1, self.stdout), (2, self.stderr))
            if stream is not None
        ]
        for reader in readers:
            reader.start()
        if self.stdin is not None:
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self.stdin.fileno(), view) :]
            except BrokenPipeError:
                pass
            self.stdin.close()
        for reader in readers:
            reader.join()
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        return self.wait(), outputs[1], outputs[2]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.kill()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self._watch.done.wait()
