"""Owns the error families: what can go wrong, as types, and the exit status each one means.

    WhereverError
    ├── InvalidProgram   65   the bytes are not a valid program
    ├── Unsupported      69   valid, but needs what we do not have yet; names it
    ├── Denied           77   something was asked for that was not granted, and that ends the run
    ├── GuestTrap       134   the guest trapped
    │   └── LimitExceeded     124 for time, else 137: a limit, named with its value
    └── InternalError    70   our bug

A guest's own exit status is a result, not an error. A message reads: what, where, why, what next.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` costs a third of an interpreter start, and every start pays
if TYPE_CHECKING:
    from typing import ClassVar

__all__ = [
    "Denied",
    "GuestTrap",
    "InternalError",
    "InvalidProgram",
    "LimitExceeded",
    "Unsupported",
    "WhereverError",
]


class WhereverError(Exception):
    """The root of every error that wherever raises on purpose."""

    exit_status: ClassVar[int] = 70

    @property
    def status(self) -> int:
        """The exit status of the command line for this error."""
        return self.exit_status


class InvalidProgram(WhereverError):
    """The bytes are not a valid program."""

    exit_status = 65


class Unsupported(WhereverError):
    """The program is valid but needs what wherever does not have yet; the message names it."""

    exit_status = 69


class Denied(WhereverError):
    """The guest, or the caller, asked for what was not granted, where that must stop the run."""

    exit_status = 77


class GuestTrap(WhereverError):
    """The guest trapped.

    `code` is the trap's name in the specification's words ("unreachable", "integer divide by
    zero", ...), `frames` the Wasm backtrace, innermost first, in the guest's own names; `address`
    is the linear-memory address that was accessed, where the engine tells.
    """

    exit_status = 134
    address: int | None = None

    def __init__(self, message: str, *, code: str = "", frames: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.frames = frames


class LimitExceeded(GuestTrap):
    """A limit ended the guest: `limit` is its name ("time", "memory", ...), `value` what it was."""

    exit_status = 137

    def __init__(
        self,
        message: str,
        *,
        limit: str,
        value: object = None,
        code: str = "",
        frames: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, code=code, frames=frames)
        self.limit = limit
        self.value = value

    @property
    def status(self) -> int:
        """124, as timeout(1) has it, when the limit was wall-clock time; 137 otherwise."""
        return 124 if self.limit == "time" else self.exit_status


class InternalError(WhereverError):
    """A bug of ours. Please report it with the command or the call that led here."""
