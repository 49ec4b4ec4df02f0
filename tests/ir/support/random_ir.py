"""Random runtime functions over every operation that cannot trap, for round trips and oracles.

A function takes nothing and gives nothing: it loads its locals from memory, computes through a few
blocks with a loop that ends, and stores its locals. So the memory afterwards is all it did.
"""

from __future__ import annotations

import random

from wherever.ir import opcodes
from wherever.ir.builder import PURE, RuntimeBuilder
from wherever.ir.ops import BY_NAME, F32, F64, I32, I64, OPS, V128, VOID, Kind, Op
from wherever.ir.values import RuntimeFunction, Value

__all__ = ["LOCALS", "SIZE", "random_function", "random_memory"]

SIZE = 4096  # bytes of memory that a function touches, from BASE on
BASE = 1024
LOCALS = (I32, I64, F32, F64, V128, I32, I64, V128, I64)
_COUNTER = len(LOCALS)
_BITS = {I32: 32, I64: 64, F32: 32, F64: 64, V128: 128}
_CONST = {
    I32: opcodes.I32_CONST,
    I64: opcodes.I64_CONST,
    F32: opcodes.F32_CONST,
    F64: opcodes.F64_CONST,
    V128: opcodes.V128_CONST,
}
_LOADS = {I32: "i32.load", I64: "i64.load", F32: "f32.load", F64: "f64.load", V128: "v128.load"}
_NAN = {F32: 0x7FC0_0000, F64: 0x7FF8 << 48}
# these trap, or divide: given operands that cannot
_DIVISIONS = {f"{t}.{o}_{s}" for t in ("i32", "i64") for o in ("div", "rem") for s in "su"}
_USABLE = [op for op in OPS if op.kind is not Kind.SPECIAL and ".trunc_f" not in op.name]
# operations whose NaN is the engine's choice; what moves bits is not among them
_MOVES = ("abs", "neg", "copysign", "reinterpret", "load", "splat", "lane", "bitselect", "const")


def _chooses_nan(op: Op) -> bool:
    if any(word in op.name for word in _MOVES) or op.kind is not Kind.PURE:
        return False
    if op.result in (F32, F64):
        return True
    lanes, _, rest = op.name.partition(".")
    compares = rest in {"eq", "ne", "lt", "gt", "le", "ge", "pmin", "pmax"}
    return lanes in ("f32x4", "f64x2") and not compares


def _canonical(value: Value, op: Op) -> Value:
    """The value, but one NaN only."""
    if value.type in _NAN:
        differs = f"{'f32' if value.type == F32 else 'f64'}.ne"
        nan = Value(_CONST[value.type], value.type, (), _NAN[value.type])
        return PURE.select(Value(BY_NAME[differs].number, I32, (value, value), 0), nan, value)
    lane = F32 if op.name.startswith("f32x4") else F64
    bits = _BITS[lane]
    pattern = sum(_NAN[lane] << at for at in range(0, 128, bits))
    is_nan = Value(BY_NAME[f"{op.name.split('.')[0]}.ne"].number, V128, (value, value), 0)
    nan = Value(_CONST[V128], V128, (), pattern)
    return Value(opcodes.V128_BITSELECT, V128, (nan, value, is_nan), 0)


class _Maker:
    def __init__(self, source: random.Random, name: str, only: Op | None) -> None:
        self.source = source
        self.only = only
        self.r = RuntimeBuilder(name, [], [], locals=[*LOCALS, I64])
        self.pool: list[Value] = []

    def constant(self, type_: int) -> Value:
        bits = _BITS[type_]
        edges = (0, 1, (1 << bits) - 1, 1 << bits - 1, self.source.getrandbits(bits))
        number = self.source.choice((*edges, self.source.getrandbits(bits)))
        return Value(_CONST[type_], type_, (), number)

    def any(self, type_: int) -> Value:
        known = [value for value in self.pool if value.type == type_]
        if known and self.source.random() < 0.85:
            return self.source.choice(known[-8:])
        slots = [i for i, t in enumerate(LOCALS) if t == type_]
        if slots and self.source.random() < 0.7:
            return self.r.get(self.source.choice(slots))
        return self.constant(type_)

    def address(self) -> Value:
        base = self.any(I64)
        masked = Value(opcodes.I64_AND, I64, (base, Value(_CONST[I64], I64, (), SIZE - 256)), 0)
        return Value(opcodes.I64_ADD, I64, (masked, Value(_CONST[I64], I64, (), BASE)), 0)

    def operation(self, op: Op) -> None:
        source = self.source
        args = [self.any(type_) for type_ in op.params]
        imm = 0
        if op.access:
            args[0] = self.address()
            imm = source.randrange(8) * 16 + (0 if op.kind is Kind.ATOMIC else source.randrange(3))
            if ".atomic." in op.name:
                imm &= ~15
        if op.name in _DIVISIONS:
            some, one = self.constant(op.result), Value(_CONST[op.result], op.result, (), 1)
            positive = Value(_CONST[op.result], op.result, (), 0x7FFF)
            prefix = op.name[:3]
            small = Value(BY_NAME[f"{prefix}.and"].number, op.result, (some, positive), 0)
            args[1] = Value(BY_NAME[f"{prefix}.or"].number, op.result, (small, one), 0)
        match op.kind:
            case Kind.LANE:
                imm = source.randrange(int(op.name.split(".")[0].split("x")[1]))
            case Kind.SHUFFLE:
                imm = int.from_bytes(bytes(source.randrange(32) for _ in range(16)), "little")
            case Kind.CONST:
                self.pool.append(self.constant(op.result))
                return
            case Kind.LOAD_LANE | Kind.STORE_LANE:
                imm |= source.randrange(16 // op.access) << 32
            case _:
                pass
        value = Value(op.number, op.result, tuple(args), imm)
        if op.access:
            self.r.effects.append(value)
        elif _chooses_nan(op):
            value = _canonical(value, op)
        if op.result != VOID:
            self.pool.append(value)

    def body(self, count: int) -> None:
        """Some operations, then some locals changed."""
        self.pool = []
        for _ in range(count):
            if self.source.random() < 0.1:
                type_ = self.source.choice((I32, I64, F32, F64, V128))
                args = (self.any(type_), self.any(type_), self.any(I32))
                self.pool.append(Value(opcodes.SELECT, type_, args, 0))
            else:
                self.operation(self.source.choice(_USABLE))
        if self.only is not None:
            self.operation(self.only)
        for value in self.pool[-6:]:
            slots = [i for i, t in enumerate(LOCALS) if t == value.type]
            self.r.set(self.source.choice(slots), value)

    def make(self, blocks: int, count: int) -> RuntimeFunction:
        r, source = self.r, self.source
        r.label(0)
        at = 0
        for slot, type_ in enumerate(LOCALS):
            op = BY_NAME[_LOADS[type_]].number
            r.set(slot, r.load(op, r.const_i64(at)))
            at += 16
        r.set(_COUNTER, r.const_i64(source.randrange(4)))
        r.jump(1)
        last = blocks + 1
        for number in range(1, last):
            r.label(number)
            self.body(count)
            following = number + 1
            kind = source.randrange(4)
            if kind == 0:
                r.branch(self.any(I32), source.randint(following, last), following)
            elif kind == 1:
                # back, as long as the counter lasts
                left = r.get(_COUNTER)
                r.set(_COUNTER, r.i64_add(left, r.const_i64(-1)))
                again = r.i64_gt_s(left, r.const_i64(0))
                r.branch(again, source.randint(1, number), following)
            else:
                r.jump(following)
        r.label(last)
        at = 256
        for slot, type_ in enumerate(LOCALS):
            op = BY_NAME[_LOADS[type_].replace("load", "store")].number
            r.store(op, r.const_i64(at), r.get(slot))
            at += 16
        r.results()
        return r.function(reads_memory=True, writes_memory=True)


def random_function(
    seed: int, *, blocks: int = 4, count: int = 8, only: Op | None = None
) -> RuntimeFunction:
    """The function of a seed; `only` is an operation that each of its blocks does."""
    return _Maker(random.Random(seed), f"random_{seed}", only).make(blocks, count)


def random_memory(seed: int) -> bytearray:
    """What its memory holds first: values that matter among random ones."""
    source = random.Random(~seed)
    edges = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF_FFFF, 0x8000_0000, 0x7F80_0000, 1 << 63, 0x7FF0 << 48)
    words = (source.choice((source.choice(edges), source.getrandbits(64))) for _ in range(768))
    return bytearray(b"".join(word.to_bytes(8, "little") for word in words))
