"""Owns a bound on what compiling a module may take, told from its bytes before it is compiled.

Compilation has no limits of its own, and its time is not linear: 4.7 KB of nested loops over a few
hundred locals take half a minute (bench/compile_cost.py). What is certainly cheap may be compiled
in this process; anything else goes to the child that has limits (ADR 0007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.errors import InvalidProgram
from wherever.wasm.module import SectionId
from wherever.wasm.types import ArrayType, FuncType, StructType

if TYPE_CHECKING:
    from wherever.wasm.module import Body, Module
    from wherever.wasm.types import CompositeType

__all__ = ["certainly_cheap"]

# A block's parameters, and a function's results, are values that one instruction makes many of; a
# struct's fields are code that one instruction makes much of. Ordinary code has a few.
_WIDEST_TYPE = 32
_MOST_CODE = 64 << 10
_MOST_EDGES = 400
"""In one function: places from which control flow may go to one that others go to as well."""
_MOST_JOINS = 10_000
"""In one function: edges, times variables that may be merged where they lead."""
_MOST_WORK = 60_000
"""In all functions: bytes of code and joins together."""
_TINY = 48  # bytes of a body that is not looked at: 24 blocks over 24 locals at the very most


def certainly_cheap(module: Module) -> bool:
    """Whether no module of this form takes the compiler much longer than a second.

    Told from upper bounds, so an ordinary module may be called expensive; never the other way.
    """
    section = module.section(SectionId.CODE)
    size = section.size if section is not None else 0
    if size > _MOST_CODE:
        return False
    if any(_width(one.composite) > _WIDEST_TYPE for one in module.types):
        return False
    work = size
    for body, index in zip(module.code, module.functions, strict=False):
        if body.end - body.start <= _TINY:
            work += 2 * _TINY
            continue
        edges = _edges(body.raw)
        joins = edges * (1 + _variables(body, _params(module, index)))
        work += joins
        if edges > _MOST_EDGES or joins > _MOST_JOINS or work > _MOST_WORK:
            return False
    return work <= _MOST_WORK


def _width(composite: CompositeType) -> int:
    match composite:
        case FuncType(params, results):
            return max(len(params), len(results))
        case StructType(fields):
            return len(fields)
        case ArrayType():
            return 1


def _params(module: Module, index: int) -> int:
    if index < len(module.types):
        composite = module.types[index].composite
        if isinstance(composite, FuncType):
            return len(composite.params)
    return 0


# Opcodes (5.4.1) after which control flow may come from one more place, wherever they are in the
# bytes: immediates that look like them count too. block, loop, if, else, br_if, the branches on
# casts and on null, try_table.
_JOINING = b"\x02\x03\x04\x05\x0d\x18\x19\x1f\xd5\xd6"
_BR_TABLE, _TRY_TABLE = b"\x0e", b"\x1f"
_CALLING = b"\x10\x11\x14"  # call, call_indirect, call_ref: in a try_table each may go to handlers


def _variables(body: Body, params: int) -> int:
    try:
        declared = sum(run.count for run in body.locals)
    except InvalidProgram:  # the engine will say so
        return 0
    # A variable that is merged is named somewhere in the code.
    return params + min(declared, (body.end - body.start) // 2)


def _edges(raw: bytes) -> int:
    edges = sum(raw.count(opcode) for opcode in _JOINING) + _table_entries(raw)
    if _TRY_TABLE in raw:
        edges += sum(raw.count(opcode) for opcode in _CALLING)
    return edges


def _table_entries(raw: bytes) -> int:
    """Labels of every br_table: what follows its opcode is their number, each takes a byte."""
    entries = 0
    at = raw.find(_BR_TABLE)
    while at >= 0:
        left = len(raw) - at - 1
        count = raw[at + 1] if left else 0
        entries += left if count > 0x7F else min(count, left)
        at = raw.find(_BR_TABLE, at + 1)
    return entries
