"""Owns the door to the prebuilt personality: its bytes, by target."""

from __future__ import annotations

import os
from functools import cache

from wherever.errors import InternalError

__all__ = ["personality"]


_BUILT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "built")


@cache
def personality(target: str = "wherever") -> bytes:
    """The personality as Wasm: `wasi` imports preview 1 only, `wherever` our own imports too.

    With `-high` it leaves the lowest addresses to the program (`linux.addresses`).
    """
    path = os.path.join(_BUILT, f"{target}.wasm")
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except FileNotFoundError:
        raise InternalError(
            f"the Linux personality for target {target!r} is not built: `make personality` builds "
            "it in a checkout (it needs the ziglang package); an installed wheel always holds it"
        ) from None
