"""Owns looking at a translation between its stages: the verifier, where it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from wherever.ir.verify import Stage, require_block, require_runtime
from wherever.isa.aarch64.registers import REGISTERS

if TYPE_CHECKING:
    from wherever.aot.lift import Lifted

__all__ = ["Watch", "legal", "watcher"]

Watch: TypeAlias = "Callable[[Stage, Lifted], None]"


def legal(stage: Stage, lifted: Lifted) -> None:
    """Raise our own bug where a block, or a runtime function that one calls, is not legal."""
    runtime = lifted.runtime.functions
    for block in lifted.blocks.values():
        require_block(block, REGISTERS, runtime, stage)
    for function in runtime:
        require_runtime(function, runtime)


def _nothing(stage: Stage, lifted: Lifted) -> None:
    del stage, lifted


def watcher() -> Watch:
    """The verifier where WHEREVER_VERIFY is set (it takes as long as lifting), else nothing."""
    return legal if os.environ.get("WHEREVER_VERIFY") else _nothing
