"""Owns what the value of a computed jump is made of: an expression over one load, most often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wherever.ir import meaning, opcodes
from wherever.ir.ops import BY_NUMBER, I64, Kind

if TYPE_CHECKING:
    from wherever.ir.values import Value

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


def evaluate(value: Value, env: dict[int, int], load: Value, entry: int) -> int:
    """The value, with what registers hold and what the load gives; raises `Unknown`."""
    if value is load:
        return entry
    if value.op in (opcodes.I64_CONST, opcodes.I32_CONST):
        return value.imm
    if value.op == opcodes.GET:
        if value.imm not in env:
            raise Unknown
        return env[value.imm]
    function = _EVALUATE.get(value.op)
    if function is None:
        raise Unknown
    return function(*(evaluate(arg, env, load, entry) for arg in value.args))


def loads_in(value: Value) -> list[Value]:
    """The loads of an expression, not those in their addresses; each once."""
    if value.op in _LOADS:
        return [value]
    found: list[Value] = []
    for arg in value.args:
        found += [one for one in loads_in(arg) if all(one is not other for other in found)]
    return found


def terms_of(value: Value) -> list[Value]:
    """What is added up."""
    if value.op != opcodes.I64_ADD:
        return [value]
    return [term for arg in value.args for term in terms_of(arg)]


def registers_in(value: Value, load: Value | None = None) -> set[int]:
    """The registers that an expression reads, without those of one load's address."""
    if value is load:
        return set()
    if value.op == opcodes.GET:
        return {value.imm}
    return {slot for arg in value.args for slot in registers_in(arg, load)}
