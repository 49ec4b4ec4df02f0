"""Owns what instruction semantics are written against: the builder, seen as an A64 machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.isa.aarch64.flags import Flags
from wherever.isa.aarch64.integers import Integers

if TYPE_CHECKING:
    from wherever.ir.builder import Builder

__all__ = ["Integers", "Lifter"]


class Lifter:
    """One builder's A64 view: `m.ints[sf]`, `m.flags`, `m.pc`; make one for each builder."""

    __slots__ = ("b", "flags", "i32", "i64", "ints")

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.i32 = Integers(b, wide=False)
        self.i64 = Integers(b, wide=True)
        self.ints = (self.i32, self.i64)
        self.flags = Flags(b)

    @property
    def pc(self) -> int:
        """The address of the instruction."""
        return self.b.pc
