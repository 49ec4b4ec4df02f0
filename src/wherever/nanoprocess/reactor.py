"""Owns calling an export by words: arguments read as the signature asks, results as text."""

from __future__ import annotations

import os

from wherever.errors import Unsupported
from wherever.policy import Malformed
from wherever.wasm.types import NumType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.engine.externs import Func
    from wherever.engine.instance import Instance
    from wherever.wasm.types import ValType

__all__ = ["call_by_text", "read_value"]

_BITS = {NumType.I32: 32, NumType.I64: 64}


def call_by_text(instance: Instance, name: str, words: Sequence[str]) -> None:
    """Initialise a reactor, call its export, and write each result on a line of its own."""
    from wherever.wasm.types import FuncType

    item = instance.code.outline.exports.get(name)
    if item is None or not isinstance(item.type, FuncType):
        functions = [n for n, e in instance.code.outline.exports.items()
                     if isinstance(e.type, FuncType)]  # fmt: skip
        raise Malformed(
            f"the program exports no function {name!r}; it exports "
            f"{', '.join(functions[:20]) or 'none'}"
        )
    params = item.type.params
    if len(words) != len(params):
        wanted = " ".join(map(str, params)) or "nothing"
        raise Malformed(f"{name} takes {wanted}; {len(words)} arguments were given")
    values = [read_value(word, valtype) for word, valtype in zip(words, params, strict=True)]
    if name != "_initialize" and "_initialize" in instance.code.outline.exports:
        instance.func("_initialize")()
    function: Func = instance.func(name)
    returned = function(*values)
    results: tuple[object, ...] = returned if len(item.type.results) > 1 else (returned,)
    text = "".join(f"{_shown(value)}\n" for value in results[: len(item.type.results)])
    data = text.encode()
    while data:
        data = data[os.write(1, data) :]


def read_value(word: str, valtype: ValType) -> int | float:
    """A number as the type asks: decimal or 0x, signed or unsigned within its bits."""
    bits = _BITS.get(valtype) if isinstance(valtype, NumType) else None
    try:
        if bits is not None:
            number = int(word, 0)
            if not -(1 << (bits - 1)) <= number < 1 << bits:
                raise Malformed(f"{word} does not fit into {valtype}")
            return number
        if isinstance(valtype, NumType):
            return float(word)
    except ValueError as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"{word!r} is not a number for {valtype}") from None
    raise Unsupported(f"--invoke cannot give a {valtype} yet; call it through wherever.load")


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
