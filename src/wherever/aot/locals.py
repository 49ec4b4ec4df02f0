"""Owns a function's locals: registers keep one for good, temporaries are reused block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.aot import encode as e
from wherever.aot.selection import EXTRACT_LOW, REPLACE_LOW
from wherever.ir import opcodes as op
from wherever.ir.ops import V128

if TYPE_CHECKING:
    from collections.abc import Sequence

# of a runtime function: its index, the types of its results, whether it always gives a NaN, and the
# compare-and-exchange that it is, or 0
RuntimeRow = tuple[int, tuple[int, ...], bool, int]


class Locals:
    """A function's locals: registers keep one for good, temporaries are reused block by block."""

    __slots__ = (
        "_free",
        "_used",
        "narrow",
        "packed",
        "reads",
        "registers",
        "slots",
        "types",
        "zero",
    )

    def __init__(self, parameters: Sequence[int], registers: Sequence[int]) -> None:
        self.registers = registers  # the type of each
        self.types = [registers[slot] for slot in parameters]
        self.slots = {slot: i for i, slot in enumerate(parameters)}
        self.reads: dict[int, bytes] = {}  # register -> the instructions that push it
        self.narrow: dict[int, int] = {}  # vector register -> the type of the scalar that it is
        self.packed = False  # whether these scalars are the low lanes of vectors nevertheless
        self._free: dict[int, list[int]] = {}
        self._used: list[int] = []
        self.zero = -1

    def new(self, type_: int) -> int:
        """A local that nothing else uses."""
        self.types.append(type_)
        return len(self.types) - 1

    def slot(self, slot: int) -> int:
        """The local of a register."""
        index = self.slots.get(slot)
        if index is None:
            narrow = 0 if self.packed else self.narrow.get(slot, 0)
            index = self.slots[slot] = self.new(narrow or self.registers[slot])
        return index

    def make_narrow(self, types: dict[int, int], *, packed: bool) -> bytes:
        """Keep registers as scalars from now on; the code that narrows parameters."""
        code = b""
        self.narrow = types
        self.packed = packed
        for slot in types:
            parameter = self.slots.pop(slot, -1)
            if parameter >= 0:
                code += e.local_get(parameter) + self.write(slot)
        return code

    def read(self, slot: int) -> bytes:
        """Push a register."""
        code = self.reads.get(slot)
        if code is None:
            code = e.local_get(self.slot(slot))
            type_ = self.narrow.get(slot)
            if type_ is not None:
                if self.packed:
                    code += EXTRACT_LOW[type_]
                code = e.local_get(self.zero_vector()) + code + REPLACE_LOW[type_]
            self.reads[slot] = code
        return code

    def read_scalar(self, slot: int, number: int) -> bytes:
        """Push what a low lane of a narrowed register is, by the operation that extracts it."""
        code = e.local_get(self.slot(slot))
        if self.packed:
            return code + e.OPCODE[number] + b"\0"
        if number == op.I64X2_EXTRACT_LANE:
            return code + e.OPCODE[op.I64_REINTERPRET_F64]
        if number == op.I32X4_EXTRACT_LANE:
            return code + e.OPCODE[op.I32_REINTERPRET_F32]
        return code

    def write(self, slot: int) -> bytes:
        """Pop into a register."""
        code = e.local_set(self.slot(slot))
        type_ = self.narrow.get(slot)
        return code if type_ is None or self.packed else EXTRACT_LOW[type_] + code

    def temporary(self, type_: int) -> int:
        """A local until the end of the block."""
        free = self._free.get(type_)
        index = free.pop() if free else self.new(type_)
        self._used.append(index)
        return index

    def release(self) -> None:
        """The block ends: its temporaries are free again."""
        for index in self._used:
            self._free.setdefault(self.types[index], []).append(index)
        self._used.clear()

    def zero_vector(self) -> int:
        """A vector local that nobody writes: all zero."""
        if self.zero < 0:
            self.zero = self.new(V128)
        return self.zero
