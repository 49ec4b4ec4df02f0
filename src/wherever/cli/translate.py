"""Owns `wherever translate`: a Linux program in, a WebAssembly module out."""

from __future__ import annotations

import os

from wherever.cli.bar import Bar
from wherever.errors import InvalidProgram
from wherever.nanoprocess.prepare import read_program
from wherever.policy import Malformed

__all__ = ["main"]

_TARGETS = ("wasi", "wherever")


def main(words: list[str]) -> int:
    """`wherever translate PROGRAM [OPTIONS]`: see the table of verbs."""
    output = ""
    target = "wherever"
    explained = ""
    jobs = 0
    exact = False
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
        elif word == "--exact":
            exact = True
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
    if explained:
        return _explain(data, explained, target)
    from wherever.aot.cache import translated

    with Bar() as progress:
        wasm = translated(data, target, progress, jobs, exact=exact)
    path = output or os.fspath(programs[0]) + ".wasm"
    with open(path, "wb") as file:
        file.write(wasm)
    return 0


def _explain(data: bytes, where: str, target: str) -> int:
    """Print one function instead of writing the module."""
    from wherever.aot.explain import explain
    from wherever.cli.explain import show

    with Bar() as progress:
        found = explain(data, where, target, progress)
    show(found)
    return 0
