"""Owns what instruction semantics are written against: the builder, seen as an A64 machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.isa.aarch64.flags import Flags
from wherever.isa.aarch64.floats import Floats
from wherever.isa.aarch64.integers import Integers
from wherever.isa.aarch64.vector_floats import VectorFloats
from wherever.isa.aarch64.vectors import Vectors

if TYPE_CHECKING:
    from wherever.ir.builder import Builder

__all__ = ["Floats", "Integers", "Lifter"]


class Lifter:
    """One builder's A64 view: `m.ints[sf]`, `m.floats[ftype]`, `m.flags`; one for each builder."""

    __slots__ = ("b", "f32", "f64", "flags", "floats", "i32", "i64", "ints", "v", "vector_floats")

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.i32 = Integers(b, wide=False)
        self.i64 = Integers(b, wide=True)
        self.ints = (self.i32, self.i64)
        self.f32 = Floats(b, double=False)
        self.f64 = Floats(b, double=True)
        self.floats = (self.f32, self.f64)
        self.v = Vectors(b)
        self.vector_floats = (VectorFloats(b, double=False), VectorFloats(b, double=True))
        self.flags = Flags(b)

    @property
    def pc(self) -> int:
        """The address of the instruction."""
        return self.b.pc
