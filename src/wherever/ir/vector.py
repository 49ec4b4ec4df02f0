"""Owns what each vector operation means: lanes out, the scalar meaning, lanes in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from wherever.ir import meaning
from wherever.ir.meaning import Meaning, signed
from wherever.ir.meaning import binary as _2
from wherever.ir.meaning import ternary as _3
from wherever.ir.meaning import unary as _1
from wherever.ir.ops import OPS, V128, Kind, Op

_ALL: Final = (1 << 128) - 1


def split(value: int, bits: int) -> list[int]:
    """The lanes of a vector, lowest first."""
    mask = (1 << bits) - 1
    return [value >> at & mask for at in range(0, 128, bits)]


def join(lanes: Iterable[int], bits: int) -> int:
    """The vector of these lanes, each cut to its width."""
    mask = (1 << bits) - 1
    return sum((lane & mask) << i * bits for i, lane in enumerate(lanes))


def _clamp(value: int, bits: int, *, is_signed: bool) -> int:
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed else (0, (1 << bits) - 1)
    return max(low, min(high, value))


def _lanewise(bits: int, function: Meaning) -> Meaning:
    def run(*vectors: int) -> int:
        columns = zip(*(split(v, bits) for v in vectors), strict=True)
        return join((function(*column) for column in columns), bits)

    return run


def _reader(bits: int, *, is_signed: bool) -> Callable[[int], int]:
    return (lambda x: signed(x, bits)) if is_signed else (lambda x: x)


def _integer_lane(name: str, bits: int) -> Meaning | None:
    """The lane's meaning of an integer operation that works lane by lane."""
    base = name.removesuffix("_s").removesuffix("_u")
    is_signed = name.endswith("_s")
    read = _reader(bits, is_signed=is_signed)
    compares: dict[str, Callable[[int, int], bool]] = {
        "eq": lambda x, y: x == y,
        "ne": lambda x, y: x != y,
        "lt": lambda x, y: read(x) < read(y),
        "gt": lambda x, y: read(x) > read(y),
        "le": lambda x, y: read(x) <= read(y),
        "ge": lambda x, y: read(x) >= read(y),
    }
    if base in compares:
        holds = compares[base]
        return _2(lambda x, y: -1 if holds(x, y) else 0)
    table: dict[str, Meaning] = {
        "add": _2(lambda x, y: x + y),
        "sub": _2(lambda x, y: x - y),
        "mul": _2(lambda x, y: x * y),
        "neg": _1(lambda x: -x),
        "abs": _1(lambda x: abs(signed(x, bits))),
        "popcnt": _1(lambda x: x.bit_count()),
        "min": _2(lambda x, y: min(read(x), read(y))),
        "max": _2(lambda x, y: max(read(x), read(y))),
        "avgr": _2(lambda x, y: (x + y + 1) >> 1),
        "add_sat": _2(lambda x, y: _clamp(read(x) + read(y), bits, is_signed=is_signed)),
        "sub_sat": _2(lambda x, y: _clamp(read(x) - read(y), bits, is_signed=is_signed)),
        "q15mulr_sat": _2(
            lambda x, y: _clamp((signed(x, 16) * signed(y, 16) + 0x4000) >> 15, 16, is_signed=True)
        ),
    }
    return table.get(base)


def _integer_shape(name: str, bits: int) -> Meaning | None:
    """Integer operations that move, widen, narrow, reduce or shift lanes."""
    lanes = 128 // bits
    is_signed = name.endswith("_s")
    match = re.fullmatch(r"(extend|extmul)_(low|high)_i(\d+)x\d+_[su]", name)
    if match:
        narrow = int(match[3])
        read = _reader(narrow, is_signed=is_signed)
        start = 0 if match[2] == "low" else lanes

        def half(v: int) -> list[int]:
            return [read(lane) for lane in split(v, narrow)[start : start + lanes]]

        if match[1] == "extend":
            return _1(lambda v: join(half(v), bits))
        return _2(lambda v, w: join((x * y for x, y in zip(half(v), half(w), strict=True)), bits))
    match = re.fullmatch(r"extadd_pairwise_i(\d+)x\d+_[su]", name)
    if match:
        narrow = int(match[1])
        read = _reader(narrow, is_signed=is_signed)

        def pairs(v: int) -> int:
            parts = [read(lane) for lane in split(v, narrow)]
            return join((x + y for x, y in zip(parts[::2], parts[1::2], strict=True)), bits)

        return pairs
    match = re.fullmatch(r"narrow_i(\d+)x\d+_[su]", name)
    if match:
        wide = int(match[1])
        return _2(
            lambda v, w: join(
                (
                    _clamp(signed(x, wide), bits, is_signed=is_signed)
                    for x in split(v, wide) + split(w, wide)
                ),
                bits,
            )
        )
    if name == "dot_i16x8_s":

        def dot(v: int, w: int) -> int:
            products = [
                signed(x, 16) * signed(y, 16)
                for x, y in zip(split(v, 16), split(w, 16), strict=True)
            ]
            return join((x + y for x, y in zip(products[::2], products[1::2], strict=True)), bits)

        return dot
    table: dict[str, Meaning] = {
        "splat": _1(lambda x: join([x] * lanes, bits)),
        "all_true": _1(lambda v: int(all(split(v, bits)))),
        "bitmask": _1(lambda v: sum((x >> (bits - 1)) << i for i, x in enumerate(split(v, bits)))),
        "shl": _2(lambda v, n: join((x << n % bits for x in split(v, bits)), bits)),
        "shr_u": _2(lambda v, n: join((x >> n % bits for x in split(v, bits)), bits)),
        "shr_s": _2(lambda v, n: join((signed(x, bits) >> n % bits for x in split(v, bits)), bits)),
        "swizzle": _2(lambda v, w: join((split(v, 8)[i] if i < 16 else 0 for i in split(w, 8)), 8)),
    }
    return table.get(name)


def _float_vector(name: str, bits: int) -> Meaning | None:
    lane = meaning.FLOAT[bits]
    if name == "splat":
        return _1(lambda x: join([x] * (128 // bits), bits))
    if name == "relaxed_madd":
        return _lanewise(bits, lane["fma"])
    if name in ("eq", "ne", "lt", "gt", "le", "ge"):
        holds = lane[name]
        return _lanewise(bits, _2(lambda x, y: -holds(x, y)))
    if name == "pmin":
        return _lanewise(bits, _2(lambda x, y: y if lane["lt"](y, x) else x))
    if name == "pmax":
        return _lanewise(bits, _2(lambda x, y: y if lane["lt"](x, y) else x))
    if name in lane:
        return _lanewise(bits, lane[name])
    return None


def _low(function: Meaning, source: int, to: int) -> Meaning:
    """Convert as many low lanes as fit; what is left over is zero."""
    count = min(128 // source, 128 // to)
    return _1(lambda v: join((function(x) for x in split(v, source)[:count]), to))


_ODD: Final[dict[str, Meaning]] = {
    "v128.not": _1(lambda v: v ^ _ALL),
    "v128.and": _2(lambda v, w: v & w),
    "v128.andnot": _2(lambda v, w: v & ~w),
    "v128.or": _2(lambda v, w: v | w),
    "v128.xor": _2(lambda v, w: v ^ w),
    "v128.bitselect": _3(lambda v, w, c: v & c | w & ~c),
    "v128.any_true": _1(lambda v: int(v != 0)),
    "f32x4.demote_f64x2_zero": _low(meaning.SCALAR["f32.demote_f64"], 64, 32),
    "f64x2.promote_low_f32x4": _low(meaning.SCALAR["f64.promote_f32"], 32, 64),
    **{
        f"i32x4.trunc_sat_f32x4_{s}": _low(meaning.SCALAR[f"i32.trunc_sat_f32_{s}"], 32, 32)
        for s in "su"
    },
    **{
        f"i32x4.trunc_sat_f64x2_{s}_zero": _low(meaning.SCALAR[f"i32.trunc_sat_f64_{s}"], 64, 32)
        for s in "su"
    },
    **{
        f"f32x4.convert_i32x4_{s}": _low(meaning.SCALAR[f"f32.convert_i32_{s}"], 32, 32)
        for s in "su"
    },
    **{
        f"f64x2.convert_low_i32x4_{s}": _low(meaning.SCALAR[f"f64.convert_i32_{s}"], 32, 64)
        for s in "su"
    },
}


def _lane_access(bits: int, name: str) -> Meaning:
    """extract_lane and replace_lane take the lane first, as the interpreter passes immediates."""
    if name.startswith("replace"):

        def replace(lane: int, vector: int, value: int) -> int:
            lanes = split(vector, bits)
            lanes[lane] = value
            return join(lanes, bits)

        return replace
    if name.endswith("_s"):
        return _2(lambda lane, vector: signed(split(vector, bits)[lane], bits) & 0xFFFF_FFFF)
    return _2(lambda lane, vector: split(vector, bits)[lane])


def _meaning(op: Op) -> Meaning:
    shape, name = op.name.split(".", 1)
    if op.name in _ODD:
        return _ODD[op.name]
    bits = int(re.sub(r"[if](\d+)x.*", r"\1", shape))
    if op.kind is Kind.LANE:
        return _lane_access(bits, name)
    if shape.startswith("f"):
        found = _float_vector(name, bits)
    else:
        lane = _integer_lane(name, bits)
        found = _integer_shape(name, bits) if lane is None else _lanewise(bits, lane)
    if found is None:
        raise NotImplementedError(op.name)
    return found


VECTOR: Final[dict[str, Meaning]] = {
    op.name: _meaning(op)
    for op in OPS
    if op.kind in (Kind.PURE, Kind.LANE)
    and op.name not in meaning.SCALAR
    and (op.result == V128 or V128 in op.params)
}


def shuffle(lanes: int, v: int, w: int) -> int:
    """`i8x16.shuffle`, its immediates packed as the builder packs them."""
    both = split(v, 8) + split(w, 8)
    return join((both[i] for i in split(lanes, 8)), 8)
