"""Owns `wherever validate`: whether programs are valid, each named that is not."""

from __future__ import annotations

from wherever.cli.terminal import say_error
from wherever.errors import InvalidProgram
from wherever.nanoprocess.prepare import read_program
from wherever.policy import Malformed

__all__ = ["main"]


def main(words: list[str]) -> int:
    """`wherever validate PROGRAM...`."""
    if not words or any(word.startswith("--") for word in words):
        raise Malformed("which programs? wherever validate PROGRAM...")
    from wherever.engine.engine import Engine, wat2wasm
    from wherever.engine.profile import Placement, Profile

    engine = Engine.of(Profile(Placement.DEMAND, epochs=False))
    status = 0
    for word in words:
        name, data = read_program(word)
        try:
            wasm = data if data[:4] == b"\0asm" else wat2wasm(data.decode("utf-8", "replace"))
            engine.validate(wasm)
        except InvalidProgram as error:
            say_error(f"{name}: {error}")
            status = error.status
    return status
