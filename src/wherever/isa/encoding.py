"""Owns the notation of encoding diagrams: a line of the manual's boxes becomes mask, match, fields.

A diagram lists the bits of an instruction from the most significant one down, in boxes:

    0 1 0011        fixed bits; blanks are free
    x               a bit the instruction ignores
    Rd:5            a field and its width
    opc:2=0x        a field of which some bits are fixed
    immh:4!=0000    a field that must not have this value
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Encoding", "Field", "parse_diagram"]

_BOX = re.compile(
    r"(?P<bits>[01x]+)$|(?P<name>[A-Za-z]\w*):(?P<width>\d+)(?P<rule>!?=)?(?P<value>[01x]+)?$"
)

_FIXED = str.maketrans("01x", "110")


@dataclass(frozen=True, slots=True)
class Field:
    """A named run of bits of the instruction word; names are lower case, as Python has them."""

    name: str
    shift: int
    width: int

    def of(self, word: int) -> int:
        """The field's value in `word`."""
        return (word >> self.shift) & ((1 << self.width) - 1)

    def put(self, value: int) -> int:
        """`value` at the field's place, all other bits zero."""
        return (value & ((1 << self.width) - 1)) << self.shift


@dataclass(frozen=True, slots=True)
class Encoding:
    """A parsed diagram: `word & mask == match`, no exclusion `(mask, value)` holds."""

    diagram: str
    mask: int
    match: int
    fields: tuple[Field, ...]
    exclusions: tuple[tuple[int, int], ...]

    def field(self, name: str) -> Field:
        """The field called `name`."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.diagram!r} has no field {name!r}")

    def accepts(self, word: int) -> bool:
        """Whether `word` is an encoding of this diagram."""
        return word & self.mask == self.match and not any(
            word & mask == value for mask, value in self.exclusions
        )


def parse_diagram(diagram: str, width: int = 32) -> Encoding:
    """Read a diagram of `width` bits; a malformed one is a ValueError that quotes it."""
    position = width
    mask = match = 0
    fields: list[Field] = []
    exclusions: list[tuple[int, int]] = []
    for box in diagram.split():
        parts = _BOX.match(box)
        if parts is None:
            raise ValueError(f"{diagram!r}: {box!r} is neither bits nor a field")
        pattern, rule = parts["bits"], "="
        if pattern is None:
            size, rule = int(parts["width"]), parts["rule"] or "="
            position -= size
            pattern = parts["value"] or "x" * size
            if len(pattern) != size:
                raise ValueError(f"{diagram!r}: {box!r} gives {len(pattern)} of {size} bits")
            fields.append(Field(parts["name"].lower(), position, size))
        else:
            position -= len(pattern)
        if position < 0:
            raise ValueError(f"{diagram!r} is longer than {width} bits")
        box_mask = int(pattern.translate(_FIXED), 2) << position
        box_match = int(pattern.replace("x", "0"), 2) << position
        if rule == "!=":
            exclusions.append((box_mask, box_match))
        else:
            mask |= box_mask
            match |= box_match
    if position != 0:
        raise ValueError(f"{diagram!r} has {width - position} bits instead of {width}")
    if len({field.name for field in fields}) != len(fields):
        raise ValueError(f"{diagram!r} names a field twice")
    return Encoding(diagram, mask, match, tuple(fields), tuple(exclusions))
