"""Owns a component's run inside a worker: prepared before confinement, run after it."""

from __future__ import annotations

import sys

from wherever.component.read import is_component
from wherever.hosts.component.command import Prepared, prepare, run_command
from wherever.hosts.component.load import DEFAULT_MEMORY
from wherever.system.surroundings import Surroundings

__all__ = ["Prepared", "call_component", "is_component", "prepare"]


def call_component(
    prepared: Prepared, around: Surroundings, memory: int | None, invoke: str | None
) -> int:
    """Run the component to its end; its exit status."""
    return run_command(
        prepared,
        around,
        memory=DEFAULT_MEMORY if memory is None else memory,
        invoke=invoke,
        say=_say,
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
