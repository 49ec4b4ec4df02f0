"""Owns `wherever validate`: whether programs are valid, each named that is not."""

from __future__ import annotations

from wherever.cli.terminal import say_error
from wherever.errors import InvalidProgram, WhereverError
from wherever.nanoprocess.prepare import COMPONENT, read_program, require_runnable
from wherever.policy import Malformed

__all__ = ["main"]


def main(words: list[str]) -> int:
    """`wherever validate [--json] PROGRAM...`."""
    as_json = "--json" in words
    names = [word for word in words if word != "--json"]
    if not names or any(word.startswith("--") for word in names):
        raise Malformed("which programs? wherever validate [--json] PROGRAM...")
    found: dict[str, str | None] = {}
    status = 0
    for word in names:
        name, data = read_program(word)
        try:
            require_runnable(data[:512], name)
            _validate(data)
            found[name] = None
        except WhereverError as error:
            found[name] = str(error)
            status = status or error.status
            if not as_json:
                text = str(error)
                say_error(text if text.startswith(name) else f"{name}: {text}")
    if as_json:
        import json

        each = [{"name": name, "valid": not why, "error": why} for name, why in found.items()]
        print(json.dumps(each))
    return status


def _validate(data: bytes) -> None:
    """Raise `InvalidProgram` where the bytes are no valid module or component."""
    from wherever.engine.engine import Engine, wat2wasm
    from wherever.engine.profile import Placement, Profile

    engine = Engine.of(Profile(Placement.DEMAND, epochs=False))
    if data[:8] != COMPONENT:
        engine.validate(data if data[:4] == b"\0asm" else wat2wasm(data.decode("utf-8", "replace")))
        return
    from wherever.component.read import read_component
    from wherever.component.validate import validate
    from wherever.hosts.component.codes import modules

    for module in modules(validate(read_component(data))):
        try:
            engine.validate(data[module.start : module.end])
        except InvalidProgram as error:
            raise InvalidProgram(f"the core module at {module.start:#x}: {error}") from None
