"""Owns what is derived from the opcode table: opcodes as values, by code and by name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from wherever.wasm.features import Feature
from wherever.wasm.leb128 import unsigned
from wherever.wasm.opcode_table import ROWS


class Immediate(Enum):
    """What can follow an opcode; the value is its name in the table's rows."""

    BLOCKTYPE = "blocktype"
    LABEL = "label"
    LABELS = "labels"
    FUNC = "func"
    TYPE = "type"
    TABLE = "table"
    MEMORY = "memory"
    LOCAL = "local"
    GLOBAL = "global"
    TAG = "tag"
    ELEM = "elem"
    DATA = "data"
    FIELD = "field"
    U32 = "u32"
    MEMARG = "memarg"
    I32 = "i32"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    V128 = "v128"
    LANE = "lane"
    LANES = "lanes"
    VALTYPES = "valtypes"
    HEAPTYPE = "heaptype"
    CATCHES = "catches"
    CAST = "cast"
    ZERO = "zero"


INDEX_IMMEDIATES: Final = frozenset(
    {
        Immediate.LABEL,
        Immediate.FUNC,
        Immediate.TYPE,
        Immediate.TABLE,
        Immediate.MEMORY,
        Immediate.LOCAL,
        Immediate.GLOBAL,
        Immediate.TAG,
        Immediate.ELEM,
        Immediate.DATA,
        Immediate.FIELD,
        Immediate.U32,
    }
)
"""The immediates that are one unsigned 32-bit LEB128."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Operands and results of an instruction whose types do not depend on context.

    The words are value types, `addr` for the address type, and `ref` for any reference.
    """

    operands: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Opcode:
    """One row of the table. There is one object an opcode, so identity is equality."""

    name: str
    prefix: int | None
    code: int
    immediates: tuple[Immediate, ...]
    signature: Signature | None
    feature: Feature
    encoding: bytes

    @property
    def mnemonic(self) -> str:
        """The name in the text format, which gives some pairs of opcodes one name."""
        return _MNEMONICS.get(self.name, self.name)

    def __str__(self) -> str:
        return self.name


_MNEMONICS: Final = {
    "select_t": "select",
    "ref.test_null": "ref.test",
    "ref.cast_null": "ref.cast",
}


def _parse(rows: str) -> tuple[Opcode, ...]:
    immediates = {immediate.value: immediate for immediate in Immediate}
    signatures: dict[str, Signature] = {}
    feature = Feature.WASM_1
    table: list[Opcode] = []
    for row in rows.splitlines():
        if not row:
            continue
        if row.startswith("="):
            feature = Feature(row[2:])
            continue
        left, _, stack = row.partition(" : ")
        code_text, name, *names = left.split()
        if stack and stack not in signatures:
            before, _, after = stack.partition("->")
            signatures[stack] = Signature(tuple(before.split()), tuple(after.split()))
        prefix_text, colon, code_text = code_text.rpartition(":")
        prefix = int(prefix_text, 16) if colon else None
        code = int(code_text, 16)
        table.append(
            Opcode(
                name=name,
                prefix=prefix,
                code=code,
                immediates=tuple([immediates[word] for word in names]),
                signature=signatures.get(stack),
                feature=feature,
                encoding=bytes((code,)) if prefix is None else bytes((prefix,)) + unsigned(code),
            )
        )
    return tuple(table)


OPCODES: Final[tuple[Opcode, ...]] = _parse(ROWS)
"""Every opcode, in the table's order."""

BY_NAME: Final[dict[str, Opcode]] = {opcode.name: opcode for opcode in OPCODES}

_ONE_BYTE: Final = {opcode.code: opcode for opcode in OPCODES if opcode.prefix is None}

PLAIN: Final[tuple[Opcode | None, ...]] = tuple(_ONE_BYTE.get(code) for code in range(256))
"""The opcodes of one byte, by that byte."""

PREFIXES: Final = tuple(sorted({opcode.prefix for opcode in OPCODES if opcode.prefix is not None}))

PREFIXED: Final[dict[int, dict[int, Opcode]]] = {
    prefix: {opcode.code: opcode for opcode in OPCODES if opcode.prefix == prefix}
    for prefix in PREFIXES
}
"""The opcodes after each prefix byte, by their number there."""
