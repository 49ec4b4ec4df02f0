"""Owns the table of `wherever_linux`: each function once, with its parameters and body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wherever.hosts.linux import calls, protection

__all__ = ["FUNCTIONS", "MODULE", "Function"]

MODULE: Final = "wherever_linux"


@dataclass(frozen=True, slots=True)
class Function:
    """One import: `fd` first means a preview 1 descriptor; all words are i32."""

    name: str
    parameters: str
    body: Callable[..., int]
    answers: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """The parameters one by one."""
        return tuple(self.parameters.split())


def _named(*functions: Function) -> dict[str, Function]:
    return {function.name: function for function in functions}


FUNCTIONS: Final = _named(
    Function("path_stat", "fd path size follow result", calls.path_stat),
    Function("fd_stat", "fd result", calls.fd_stat),
    Function("path_open", "fd path size flags mode result", calls.path_open),
    Function("path_mkdir", "fd path size mode", calls.path_mkdir),
    Function("path_chmod", "fd path size follow mode", calls.path_chmod),
    Function("fd_chmod", "fd mode", calls.fd_chmod),
    Function("path_chown", "fd path size follow uid gid", calls.path_chown),
    Function("fd_chown", "fd uid gid", calls.fd_chown),
    Function("fd_statfs", "fd result", calls.fd_statfs),
    Function("tty_get", "fd result", calls.tty_get),
    Function("tty_set", "fd when termios", calls.tty_set),
    Function("tty_size", "fd result", calls.tty_size),
    Function("identity", "result", calls.identity),
    Function("groups", "result room", calls.groups),
    Function("memory_protect", "address size protection", protection.memory_protect),
    Function("signal_actions", "come caught ignored", calls.signal_actions),
    Function("resume_bodies", "", calls.resume_bodies, answers=False),
    Function("absent", "number name size", calls.absent, answers=False),
    Function("killed", "signal", calls.killed, answers=False),
)
