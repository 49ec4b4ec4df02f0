"""Owns how a translated module and that of its resume bodies know each other (ADR 0016)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.wasm.module import Module

__all__ = ["NAME", "PROGRAM", "SECTION", "bodies_of"]

SECTION = "wherever.resume"
"""The custom section of the translated module that holds the other one."""
PROGRAM = "program"
"""What the other one imports from: the translated module's exports."""
NAME = "resume bodies"
"""The other one's name in a backtrace."""


def bodies_of(module: Module) -> bytes | None:
    """The module of resume bodies, if there is one."""
    custom = module.custom(SECTION)
    return None if custom is None else bytes(custom.payload)
