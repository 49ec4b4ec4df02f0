"""Owns `wherever compile`: machine code in a file, which this user's ledger vouches for."""

from __future__ import annotations

import os

from wherever.cli.terminal import Progress
from wherever.nanoprocess.compiling import compiled
from wherever.nanoprocess.prepare import COMPONENT, read_program, require_runnable
from wherever.policy import Malformed

__all__ = ["main"]


def main(words: list[str]) -> int:
    """`wherever compile PROGRAM [-o FILE]`."""
    program, target = _read(words)
    name, data = read_program(program)
    require_runnable(data[:512], name)
    if data[:8] == COMPONENT:
        from wherever.errors import Unsupported

        raise Unsupported(f"{name} is a component: compiling one to a file is not built yet")
    with Progress(f"compiling {name}"):
        code = compiled(data)
    target = target or os.path.splitext(name)[0] + ".cwasm"
    with open(target, "wb") as file:
        file.write(code)
    print(f"{target}: {len(code):,} bytes, for this machine and this user")
    return 0


def _read(words: list[str]) -> tuple[str, str]:
    rest: list[str] = []
    target = ""
    at = 0
    while at < len(words):
        word = words[at]
        name, equals, value = word.partition("=")
        if name in ("-o", "--output"):
            at += 0 if equals else 1
            if at >= len(words) or (equals and not value):
                raise Malformed(f"{name} needs a file")
            target = value if equals else words[at]
        elif word.startswith("-"):
            raise Malformed(f"{word} is no option; wherever help compile lists them")
        else:
            rest.append(word)
        at += 1
    if len(rest) != 1:
        raise Malformed("which program? wherever compile PROGRAM [-o FILE]")
    return rest[0], target
