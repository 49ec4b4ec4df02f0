"""Owns the first moments of `wherever run`: its worker is started before anything else is read.

The worker's interpreter starts on another core while this one imports the rest and reads the words;
so this module imports nothing but what starts a worker.
"""

from __future__ import annotations

import gc

from wherever.nanoprocess.launch import launch

__all__ = ["main"]


def main(words: list[str]) -> int:
    """`wherever run [GRANTS] PROGRAM [ARGS...]`."""
    gc.disable()  # what is imported stays; there is no garbage before the guest runs
    worker = launch(own_group=False, streams=(0, 1, 2))
    try:
        from wherever.cli.running import ended, pass_signals_on, started

        supervision = started(worker, words)
    except BaseException:
        worker.kill()
        worker.reap()
        raise
    pass_signals_on(supervision)
    gc.freeze()
    gc.enable()
    return ended(supervision.watch())
