"""Owns what the value of a computed jump is made of: an expression over one load, most often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wherever.ir import meaning, opcodes
from wherever.ir.ops import BY_NUMBER, I64, Kind

if TYPE_CHECKING:
    from wherever.ir.values import Value

_LARGEST: Final = 64  # parts of what a jump through a table computes
_EVALUATE: Final = {
    op.number: meaning.SCALAR[op.name]
    for op in BY_NUMBER.values()
    if op.name in meaning.SCALAR
    and op.name.split(".")[0] in ("i32", "i64")
    and op.kind is Kind.PURE
}


@dataclass(frozen=True, slots=True)
class Row:
    """How a load reads an entry of a table."""

    access: int  # bytes
    signed: bool
    mask: int

    def entry(self, data: bytes) -> int:
        """The entry as the load gives it."""
        return int.from_bytes(data, "little", signed=self.signed) & self.mask


_LOADS: Final = {
    op.number: Row(
        op.access, op.name.endswith("_s"), (1 << 64) - 1 if op.result == I64 else (1 << 32) - 1
    )
    for op in BY_NUMBER.values()
    if op.kind is Kind.LOAD
}


class Unknown(Exception):
    """The expression has a part without a value."""


def row_of(load: Value) -> Row:
    """How a load reads."""
    return _LOADS[load.op]


def parts_of(value: Value, *, whole: bool = False) -> list[Value]:
    """Every part of an expression once, operands first; addresses of loads only if `whole`.

    Parts are shared: to go down each way to them takes for ever (`add x0, x0, x0`, forty times).
    """
    found: list[Value] = []
    seen: set[int] = set()
    work = [(value, False)]
    while work:
        part, below = work.pop()
        if below:
            found.append(part)
        elif id(part) not in seen:
            seen.add(id(part))
            work.append((part, True))
            if whole or part.op not in _LOADS:
                work += [(arg, False) for arg in part.args]
    return found


def evaluate(parts: list[Value], env: dict[int, int], load: Value, entry: int) -> int:
    """An expression, with what registers hold and what the load gives; raises `Unknown`."""
    known: dict[int, int] = {}
    result = 0
    for part in parts:
        if part is load:
            result = entry
        elif part.op in (opcodes.I64_CONST, opcodes.I32_CONST):
            result = part.imm
        elif part.op == opcodes.GET:
            if part.imm not in env:
                raise Unknown
            result = env[part.imm]
        else:
            function = _EVALUATE.get(part.op)
            if function is None:
                raise Unknown
            result = function(*(known[id(arg)] for arg in part.args))
        known[id(part)] = result
    return result


def load_in(parts: list[Value]) -> Value | None:
    """The one load of an expression that is small enough to be a table's, if it has one."""
    loads = [part for part in parts if part.op in _LOADS]
    return loads[0] if len(loads) == 1 and len(parts) <= _LARGEST else None


def terms_of(value: Value) -> list[Value]:
    """What is added up; nothing where that is too much for an address of a table."""
    found: list[Value] = []
    work = [value]
    while work:
        term = work.pop()
        if term.op == opcodes.I64_ADD:
            work += reversed(term.args)
        else:
            found.append(term)
        if len(work) + len(found) > _LARGEST:
            return []
    return found


def registers_in(parts: list[Value]) -> set[int]:
    """The registers that an expression reads."""
    return {part.imm for part in parts if part.op == opcodes.GET}
