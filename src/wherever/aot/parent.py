"""Owns that a process of a translation ends when the one that began it does, however that ended.

The one that waits for a translation may be killed, and then nobody reads what comes of it: without
this its translator, and the workers of that, would go on for a minute and fill the memory of
whoever starts the next. Linux sends the signal itself. Elsewhere the pipe that nobody reads, and a
look at `outlived` between two pieces of work, do the same a little later.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

__all__ = ["end_with", "outlived"]

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def end_with(parent: int) -> None:
    """From now on this process ends when `parent`, which began it, has ended."""
    if sys.platform == "linux":
        import ctypes

        # refused (by a filter of calls) it is as elsewhere
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), *[0] * 3)
    if outlived(parent):  # it ended before it could be asked for
        os._exit(1)


def outlived(parent: int) -> bool:
    """Whether the process that began this one is gone."""
    return os.getppid() != parent
