"""Owns `wherever translate`: a Linux program in, a WebAssembly module out."""

from __future__ import annotations

import os
import sys
import time

from wherever.errors import InvalidProgram
from wherever.nanoprocess.prepare import read_program
from wherever.policy import Malformed

__all__ = ["main"]

_TARGETS = ("wasi", "wherever")


class _Bar:
    """A line on standard error: how far, how fast, how long still."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.drawn = 0.0
        self.shown = False

    def __call__(self, stage: str, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self.drawn < 0.1 or not of:
            return
        self.drawn = now
        self.shown = True
        passed = now - self.began
        part = done / of
        # lifting takes about a third of the time, and comes first
        whole = part * 0.35 if stage == "lift" else 0.45 + part * 0.55
        left = passed / whole - passed if whole > 0.02 else 0.0
        filled = int(whole * 30)
        sys.stderr.write(
            f"\r\x1b[2K{stage} [{'#' * filled}{'.' * (30 - filled)}] "
            f"{done}/{of}, {done / max(passed, 0.01):.0f}/s, {left:.0f} s left"
        )
        sys.stderr.flush()

    def clear(self) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def main(words: list[str]) -> int:
    """`wherever translate PROGRAM [-o FILE] [--target NAME] [--jobs N] [--explain WHERE]`."""
    output = ""
    target = "wherever"
    explained = ""
    jobs = 0
    programs: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in ("-o", "--output", "--target", "--jobs", "--explain"):
            if not equals:
                if not rest:
                    raise Malformed(f"{name} needs a value")
                value = rest.pop(0)
            if name == "--target":
                target = value
            elif name == "--explain":
                explained = value
            elif name == "--jobs":
                if not value.isdecimal() or not int(value):
                    raise Malformed(f"--jobs takes a number of processes, not {value!r}")
                jobs = int(value)
            else:
                output = value
        elif word.startswith("-"):
            raise Malformed(f"wherever translate has no option {word}; see --help")
        else:
            programs.append(word)
    if len(programs) != 1:
        raise Malformed("which program? wherever translate PROGRAM [-o FILE]")
    if target not in _TARGETS:
        raise Malformed(f"no target {target!r}; there are {', '.join(_TARGETS)}")
    name, data = read_program(programs[0])
    if data[:4] != b"\x7fELF":
        raise InvalidProgram(f"{name} is not a Linux (ELF) program; only those are translated")
    bar = _Bar()
    if explained:
        return _explain(data, explained, target, bar)
    from wherever.aot.cache import translated

    try:
        wasm = translated(data, target, bar if sys.stderr.isatty() else None, jobs)
    finally:
        bar.clear()
    path = output or os.fspath(programs[0]) + ".wasm"
    with open(path, "wb") as file:
        file.write(wasm)
    return 0


def _explain(data: bytes, where: str, target: str, bar: _Bar) -> int:
    """Print one function instead of writing the module."""
    from wherever.aot.explain import explain
    from wherever.cli.explain import show

    try:
        found = explain(data, where, target, bar if sys.stderr.isatty() else None)
    finally:
        bar.clear()
    show(found)
    return 0
