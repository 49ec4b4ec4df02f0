"""Owns what instruction semantics are written against: the builder, seen as an A64 machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.isa.aarch64.flags import Flags
from wherever.isa.aarch64.floats import Floats
from wherever.isa.aarch64.floats_exact import ExactFloats, ExactVectorFloats
from wherever.isa.aarch64.integers import Integers
from wherever.isa.aarch64.vector_floats import VectorFloats
from wherever.isa.aarch64.vectors import Vectors

if TYPE_CHECKING:
    from wherever.ir.builder import Builder

__all__ = ["Floats", "Integers", "Lifter"]


class Lifter:
    """One builder's A64 view: `m.ints[sf]`, `m.floats[ftype]`, `m.flags`; one for each builder.

    With `exact`, floating point obeys FPCR and reports to FPSR (ADR 0030); it is many times slower.
    """

    __slots__ = ("_lanes", "b", "exact", "f32", "f64", "flags", "floats", "i32", "i64", "ints", "v")

    def __init__(self, b: Builder, *, exact: bool = False) -> None:
        self.b = b
        self.exact = exact
        self.i32 = Integers(b, wide=False)
        self.i64 = Integers(b, wide=True)
        self.ints = (self.i32, self.i64)
        scalars = ExactFloats if exact else Floats
        self.f32: Floats = scalars(b, double=False)
        self.f64: Floats = scalars(b, double=True)
        self.floats = (self.f32, self.f64)
        self.v = Vectors(b)
        self._lanes: tuple[tuple[VectorFloats, ...], ...] = tuple(
            tuple(
                ExactVectorFloats(b, double, count) for count in (1, 1 + (not double), 4 >> double)
            )
            if exact
            else (VectorFloats(b, double),) * 3
            for double in (False, True)
        )
        self.flags = Flags(b)

    @property
    def pc(self) -> int:
        """The address of the instruction."""
        return self.b.pc

    def float_lanes(self, sz: int, q: int | None = None) -> VectorFloats:
        """Floating-point lanes by precision and width; without q, lane 0 alone."""
        return self._lanes[sz][0 if q is None else q + 1]
