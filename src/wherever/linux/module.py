"""Owns the door to the prebuilt personality: its bytes, by target."""

from __future__ import annotations

from functools import cache
from importlib import resources

from wherever.errors import InternalError

__all__ = ["personality"]


@cache
def personality(target: str = "wherever") -> bytes:
    """The personality as Wasm: `wasi` imports preview 1 only, `wherever` our own imports too."""
    source = resources.files("wherever.linux") / "built" / f"{target}.wasm"
    if not source.is_file():
        raise InternalError(
            f"the Linux personality for target {target!r} is not built: `make personality` builds "
            "it in a checkout (it needs the ziglang package); an installed wheel always holds it"
        )
    return source.read_bytes()
