"""Owns nanoprocesses: a program, its grants, a worker of its own, and a result."""

from __future__ import annotations

from wherever.nanoprocess.result import GuestFailed, Result, Trap, Usage
from wherever.nanoprocess.run import arun, run, spawn

__all__ = ["GuestFailed", "Result", "Trap", "Usage", "arun", "run", "spawn"]
