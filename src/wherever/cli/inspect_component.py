"""Owns what `wherever inspect` says of a component: its world as WIT, and the names in it."""

from __future__ import annotations

from wherever.errors import InvalidProgram, Unsupported
from wherever.policy import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.component.facts import Validated
    from wherever.wasm.inspect import Json

__all__ = ["only_wit", "world_json", "world_lines"]


def world_lines(data: bytes) -> list[str]:
    """The lines for people; where the world cannot be shown, why."""
    try:
        return _wit(_validated(data)).splitlines()
    except (InvalidProgram, Unsupported) as error:
        from wherever.policy import printable

        return [f"its world is not shown: {printable(str(error))}"]


def world_json(data: bytes) -> dict[str, Json]:
    """The members that a component's JSON has: `wit`, `imports`, `exports`; or `invalid`, why."""
    from wherever.component import types as ct

    try:
        validated = _validated(data)
    except (InvalidProgram, Unsupported) as error:
        return {"wit": None, "invalid": str(error)}
    found: dict[str, Json] = {"wit": _wit(validated)}
    for side, externs in (
        ("imports", validated.type.imports),
        ("exports", validated.type.exports),
    ):
        found[side] = [{"name": name, "sort": ct.describe(t)} for name, t in externs.items()]
    return found


def only_wit(name: str, data: bytes) -> str:
    """The WIT alone, for other tools to read."""
    from wherever.program.recognise import Format, recognise

    found = recognise(data[:512])
    if found.format is not Format.WASM_COMPONENT:
        raise Malformed(f"{name} is {found}: only a component has a world to show as WIT")
    return _wit(_validated(data))


def _validated(data: bytes) -> Validated:
    from wherever.component.read import read_component
    from wherever.component.validate import validate

    return validate(read_component(data))


def _wit(validated: Validated) -> str:
    from wherever.component.wit.document import show_component

    return show_component(validated)
