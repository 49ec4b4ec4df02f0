"""Owns how a run ended, as a value: status, signal, trap or limit, output, denials."""

from __future__ import annotations

from wherever.errors import GuestTrap, LimitExceeded, WhereverError
from wherever.policy import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.policy import Decision

__all__ = ["GuestFailed", "Result", "Trap", "Usage"]


@frozen
class Usage:
    """What a run used: wall-clock and processor seconds, peak linear memory in bytes (or 0)."""

    time: float = 0.0
    cpu: float = 0.0
    memory: int = 0


@frozen
class Trap:
    """A trap: its name in the specification's words, the message, the guest's own backtrace."""

    code: str
    message: str
    frames: tuple[str, ...] = ()


class GuestFailed(WhereverError):
    """The guest ended with a status other than 0, or by a signal, and `check=True` asked for this.

    `result` holds what it wrote and what it was denied.
    """

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message)
        self.result = result

    @property
    def status(self) -> int:
        """The guest's own status."""
        return self.result.status


@frozen
class Result:
    """How a run ended: by an exit status, or by a signal, a trap or a limit."""

    exit_code: int | None = None
    signal: int | None = None
    trap: Trap | None = None
    limit: LimitExceeded | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    usage: Usage = Usage()
    denials: tuple[Decision, ...] = ()
    confinement: tuple[str, ...] = ()  # what the kernel lacked for confining the worker

    @property
    def status(self) -> int:
        """The exit status that the command line gives for this."""
        if self.limit is not None:
            return self.limit.status
        if self.trap is not None:
            return GuestTrap.exit_status
        if self.signal is not None:
            return 128 + self.signal
        return self.exit_code or 0

    @property
    def ok(self) -> bool:
        """Whether the guest ended by itself with status 0."""
        return self.exit_code == 0 and self.status == 0

    def sentence(self) -> str:
        """How it ended, in words."""
        if self.limit is not None:
            return str(self.limit)
        if self.trap is not None:
            return self.trap.message
        if self.signal is not None:
            return f"the guest was ended by signal {self.signal}"
        return f"the guest ended with status {self.exit_code}"

    def check(self) -> Result:
        """This result if all went well; otherwise raises what went wrong, denials included."""
        if self.ok:
            return self
        message = "\n".join((self.sentence(), *(denial.sentence() for denial in self.denials)))
        error: WhereverError
        if self.limit is not None:
            limit = self.limit
            error = LimitExceeded(message, limit=limit.limit, value=limit.value)
        elif self.trap is not None:
            error = GuestTrap(message, code=self.trap.code, frames=self.trap.frames)
        else:
            error = GuestFailed(message, self)
        raise error
