r"""Owns the quick look through function bodies: which proposals does the code itself use?

Every instruction of every body is looked at, none is sampled. What makes that quick is a regular
expression derived from the opcode table: it runs over instructions that can tell nothing new, and
stops at one that can (of a proposal not seen yet, or with immediates that a pattern cannot follow).
That one is read with care, and if it shows a new proposal the next pattern runs over its
instructions too. About 20 ns a byte, 0.2 s for 10 MB of code (docs/adr/0071).

The scan refuses what it cannot step over: unknown opcodes, immediates that are cut short. It does
not check nesting or the unused bits of integers: `Body.instructions()` does, and so does the engine
before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from wherever.wasm.cursor import Cursor
from wherever.wasm.declared import heap_type_feature, val_type_feature
from wherever.wasm.features import Feature
from wherever.wasm.instructions import TypeBlock, Value, read_instruction
from wherever.wasm.module import Body, Module
from wherever.wasm.opcodes import INDEX_IMMEDIATES, OPCODES, Immediate, Opcode
from wherever.wasm.types import (
    HEAP_BY_CODE,
    VALTYPE_BY_CODE,
    AbstractHeap,
    ConcreteHeap,
    RefType,
    VecType,
)

# Possessive, so that nothing is ever matched twice: an adversary cannot make it backtrack.
_LEB: Final = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
_TYPE_INDEX: Final = rb"[\x80-\xff]{1,4}+[\x00-\x7f]|[\x00-\x3f]"  # not negative, in 33 bits
_CATCH: Final = rb"(?:[\x00\x01]%s|[\x02\x03]%s)" % (_LEB * 2, _LEB)
_MEMARG: Final = rb"[\x00-\x3f]" + _LEB
_MEMARG_OF_MEMORY: Final = rb"[\x40-\x7f]" + _LEB * 2  # bit 6: a memory's index follows
_PATTERNS: Final[dict[Immediate, bytes]] = {
    **dict.fromkeys(INDEX_IMMEDIATES, _LEB),
    Immediate.I32: _LEB,
    Immediate.I64: _LEB,
    Immediate.MEMARG: _MEMARG,
    Immediate.F32: rb"[\x00-\xff]{4}",
    Immediate.F64: rb"[\x00-\xff]{8}",
    Immediate.V128: rb"[\x00-\xff]{16}",
    Immediate.LANES: rb"[\x00-\xff]{16}",
    Immediate.LANE: rb"[\x00-\xff]",
    Immediate.ZERO: rb"\x00",
    Immediate.CAST: rb"[\x00-\x03]" + _LEB * 3,
    # Vectors, where they are short: a pattern cannot count.
    Immediate.CATCHES: b"(?:%s)"
    % b"|".join(re.escape(bytes((length,))) + _CATCH * length for length in range(4)),
    Immediate.LABELS: b"(?:%s)"
    % b"|".join(re.escape(bytes((length,))) + _LEB * (length + 1) for length in range(12)),
}
# These read data segments by number, which wants a data count section (5.5.16).
_WANT_DATA_COUNT: Final = frozenset(
    {"memory.init", "data.drop", "array.new_data", "array.init_data"}
)


def _one_of(codes: Iterable[int]) -> bytes:
    return b"[%s]" % b"".join(b"\\x%02x" % code for code in sorted(codes))


def _val_type(seen: frozenset[Feature]) -> bytes:
    known = [code for code, kind in VALTYPE_BY_CODE.items() if val_type_feature(kind) in seen]
    forms = [_one_of(known)]
    for code, nullable in ((b"\x63", True), (b"\x64", False)):  # (ref null ht), (ref ht)
        heaps = [
            heap_code
            for heap_code, heap in HEAP_BY_CODE.items()
            if val_type_feature(RefType(nullable, heap)) in seen
        ]
        if heaps:
            forms.append(code + _one_of(heaps))
    if Feature.FUNCTION_REFERENCES in seen:  # which brought type indices here
        forms.append(rb"[\x63\x64](?:%s)" % _TYPE_INDEX)
    return b"(?:%s)" % b"|".join(forms)


def _heap_type(seen: frozenset[Feature]) -> bytes:
    known = [code for code, heap in HEAP_BY_CODE.items() if heap_type_feature(heap) in seen]
    forms = [_one_of(known)] if known else [rb"(?!)"]
    if Feature.FUNCTION_REFERENCES in seen:  # which brought type indices here
        forms.append(_TYPE_INDEX)
    return b"(?:%s)" % b"|".join(forms)


def _block_type(seen: frozenset[Feature]) -> bytes:
    forms = [rb"\x40", _val_type(seen)]
    if Feature.MULTI_VALUE in seen:  # which brought type indices here
        forms.append(_TYPE_INDEX)
    return b"(?:%s)" % b"|".join(forms)


def _immediates(opcode: Opcode, by_type: Mapping[Immediate, bytes]) -> bytes | None:
    out = b""
    for immediate in opcode.immediates:
        pattern = by_type.get(immediate) or _PATTERNS.get(immediate)
        if pattern is None:
            return None
        out += pattern
    return out


@lru_cache(64)
def _skip(seen: frozenset[Feature], has_data_count: bool) -> re.Pattern[bytes]:
    """What runs over every instruction of the proposals in `seen` that a pattern can follow."""
    by_type = {
        Immediate.BLOCKTYPE: _block_type(seen),
        Immediate.HEAPTYPE: _heap_type(seen),
        Immediate.VALTYPES: rb"\x01" + _val_type(seen),
    }
    plain: dict[bytes, list[int]] = {}
    prefixed: dict[tuple[int, bytes], list[bytes]] = {}
    for opcode in OPCODES:
        if opcode.feature not in seen:
            continue
        if opcode.name in _WANT_DATA_COUNT and not has_data_count:
            continue
        after = _immediates(opcode, by_type)
        if after is None:
            continue
        if opcode.prefix is None:
            plain.setdefault(after, []).append(opcode.code)
        else:
            prefixed.setdefault((opcode.prefix, after), []).append(opcode.encoding[1:])
    # The most frequent first: one index or number, a memory access, then those with nothing.
    bare = plain.pop(b"")
    alternatives = [
        _one_of(plain[after]) + after
        for after in sorted(plain, key=lambda after: (after != _LEB, -len(plain[after])))
    ]
    alternatives.insert(2, _one_of(bare) + b"++")
    for (prefix, after), codes in prefixed.items():
        alternatives.append(_one_of([prefix]) + _numbers(codes) + after)
    # Rare enough to come last: accesses that say which memory. Several are a declared feature.
    alternatives += [
        alternative.replace(_MEMARG, _MEMARG_OF_MEMORY)
        for alternative in alternatives
        if _MEMARG in alternative
    ]
    return re.compile(b"(?:%s)*+" % b"|".join(alternatives))


def _numbers(codes: list[bytes]) -> bytes:
    """One of these numbers, each in its shortest form."""
    by_tail: dict[bytes, list[int]] = {}
    for code in codes:
        by_tail.setdefault(code[1:], []).append(code[0])
    forms = [_one_of(heads) + re.escape(tail) for tail, heads in by_tail.items()]
    return b"(?:%s)" % b"|".join(forms)


@lru_cache(256)
def _local_declarations(count: int, seen: frozenset[Feature]) -> re.Pattern[bytes]:
    return re.compile(rb"(?:[\x80-\xff]{0,4}+[\x00-\x7f]%s){%d}" % (_val_type(seen), count))


def _value_feature(value: Value) -> Feature:
    if isinstance(value, TypeBlock):
        return Feature.MULTI_VALUE
    if isinstance(value, VecType | RefType):
        return val_type_feature(value)
    if isinstance(value, AbstractHeap | ConcreteHeap):
        return heap_type_feature(value)
    return Feature.WASM_1


def code_features(module: Module) -> frozenset[Feature]:
    """The proposals that function bodies use; raises `Malformed` at an instruction that is none."""
    data = module.source
    has_data_count = module.data_count is not None
    seen = frozenset({Feature.WASM_1})
    skip = _skip(seen, has_data_count).match
    for body in module.code:
        pos, end = body.start, body.end
        count = data[pos] if pos < end else -1
        if count == 0:
            pos += 1
        else:
            declared = (
                _local_declarations(count, seen).match(data, pos + 1, end)
                if 0 < count < 0x40
                else None
            )
            if declared is None:
                pos, new = _locals(body)
                if not new <= seen:
                    seen |= new
                    skip = _skip(seen, has_data_count).match
            else:
                pos = declared.end()
        while True:
            found = skip(data, pos, end)
            if found is not None:
                pos = found.end()
            if pos == end:
                break
            cursor = Cursor(data, pos, end)
            current = read_instruction(cursor)
            opcode = current.opcode
            if opcode.name in _WANT_DATA_COUNT and not has_data_count:
                raise cursor.error(f"data count section required: {opcode.name} is used", pos)
            pos = cursor.pos
            new = {opcode.feature, *map(_value_feature, current.immediates)}
            if not new <= seen:
                seen |= new
                skip = _skip(seen, has_data_count).match
    return seen - {Feature.WASM_1}


def _locals(body: Body) -> tuple[int, set[Feature]]:
    return body.code_start(), {val_type_feature(run.type) for run in body.locals}
