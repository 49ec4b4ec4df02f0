"""Owns confinement: what a worker gives up before its guest runs, and what the kernel lacks."""

from __future__ import annotations

from wherever.nanoprocess.confine.apply import Confinement, close_others, confine

__all__ = ["Confinement", "close_others", "confine"]
