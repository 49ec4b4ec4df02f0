"""Owns the first eight bytes: is this a module, a component, or neither (5.5.18)?"""

from __future__ import annotations

from enum import Enum
from typing import Final

from wherever.wasm.cursor import Malformed

MAGIC: Final = b"\0asm"
MODULE_PREAMBLE: Final = MAGIC + b"\1\0\0\0"
COMPONENT_PREAMBLE: Final = MAGIC + b"\x0d\0\1\0"


class Kind(Enum):
    """What the preamble announces."""

    MODULE = "module"
    COMPONENT = "component"

    def __str__(self) -> str:
        return self.value


def recognise(data: bytes | bytearray | memoryview) -> Kind:
    """The kind that `data` announces; raises `Malformed` where it announces no kind we know."""
    head = bytes(data[:8])
    if head == MODULE_PREAMBLE:
        return Kind.MODULE
    if head == COMPONENT_PREAMBLE:
        return Kind.COMPONENT
    if head[:4] != MAGIC:
        if MAGIC.startswith(head[:4]):
            raise Malformed("unexpected end in the magic number", len(head))
        raise Malformed("magic header not detected: WebAssembly begins with 00 61 73 6d", 0)
    if len(head) < 8:
        raise Malformed("unexpected end in the version", len(head))
    version, layer = int.from_bytes(head[4:6], "little"), int.from_bytes(head[6:8], "little")
    raise Malformed(f"unknown binary version {version} of layer {layer}", 4)
