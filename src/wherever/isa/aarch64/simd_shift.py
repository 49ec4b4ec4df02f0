"""Owns Advanced SIMD shift by immediate, and its scalar forms.

immh:immb holds the lane size as its highest one, and with it the amount: for shifts left
immh:immb - esize, for shifts right 2 * esize - immh:immb.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wherever.ir.values import Value
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.operands import immediate
from wherever.isa.aarch64.runtime_simd import lane_function
from wherever.isa.instruction import Group

__all__ = ["group"]

group: Group = Group("Advanced SIMD shift by immediate", "Arm ARM C4.1")

Operation = Callable[[Lifter, int, Value, Value, int], Value]  # size, destination, operand, amount


def _size(immh: int) -> int:
    return immh.bit_length() - 1


def _left(immh: int, immb: int) -> int:
    return (immh << 3 | immb) - (8 << _size(immh))


def _right(immh: int, immb: int) -> int:
    return (16 << _size(immh)) - (immh << 3 | immb)


def _vector_fits(q: int, immh: int) -> bool:
    return immh != 0 and (q == 1 or immh < 8)


def _any_size(immh: int) -> bool:
    return immh != 0


def _doubleword(immh: int) -> bool:
    return immh >= 8


def _narrow_fits(immh: int) -> bool:
    return 0 < immh < 8


def _amount_text(f: Mapping[str, int], left: bool) -> str:
    return immediate((_left if left else _right)(f["immh"], f["immb"]))


def _shape(f: Mapping[str, int]) -> str:
    size = _size(f["immh"])
    return f"{(8 << f['q']) >> size}{'bhsd'[size]}"


def _insert_left(m: Lifter, size: int, d: Value, x: Value, amount: int) -> Value:
    keep = m.v.splat((1 << amount) - 1, size)
    return m.b.v128_bitselect(d, m.v.shl(size, x, amount), keep)


def _insert_right(m: Lifter, size: int, d: Value, x: Value, amount: int) -> Value:
    moved = m.v.splat((1 << (8 << size) - amount) - 1, size)
    return m.b.v128_bitselect(m.v.shr(1, size, x, amount), d, moved)


def _lanes(name: str, unsigned: bool) -> Operation:
    def operation(m: Lifter, size: int, _d: Value, x: Value, amount: int) -> Value:
        function = lane_function(name, size, unsigned, 2)
        (result,) = m.b.call_runtime(function, x, m.v.splat(amount, size))
        return result

    return operation


def _shift_right(unsigned: int, rounding: bool, accumulate: bool) -> Operation:
    def operation(m: Lifter, size: int, d: Value, x: Value, amount: int) -> Value:
        v = m.v
        moved = (v.shr_round if rounding else v.shr)(unsigned, size, x, amount)
        return v.add[size](d, moved) if accumulate else moved

    return operation


def _shift_left(m: Lifter, size: int, _d: Value, x: Value, amount: int) -> Value:
    return m.v.shl(size, x, amount)


# name, U, opcode, left, scalar guard, operation
_SAME: Final[Sequence[tuple[str, str, str, bool, Callable[[int], bool] | None, Operation]]] = (
    ("sshr", "0", "00000", False, _doubleword, _shift_right(0, False, False)),
    ("ssra", "0", "00010", False, _doubleword, _shift_right(0, False, True)),
    ("srshr", "0", "00100", False, _doubleword, _shift_right(0, True, False)),
    ("srsra", "0", "00110", False, _doubleword, _shift_right(0, True, True)),
    ("shl", "0", "01010", True, _doubleword, _shift_left),
    ("sqshl", "0", "01110", True, _any_size, _lanes("qshl_by", False)),
    ("ushr", "1", "00000", False, _doubleword, _shift_right(1, False, False)),
    ("usra", "1", "00010", False, _doubleword, _shift_right(1, False, True)),
    ("urshr", "1", "00100", False, _doubleword, _shift_right(1, True, False)),
    ("ursra", "1", "00110", False, _doubleword, _shift_right(1, True, True)),
    ("sri", "1", "01000", False, _doubleword, _insert_right),
    ("sli", "1", "01010", True, _doubleword, _insert_left),
    ("sqshlu", "1", "01100", True, _any_size, _lanes("qshlu_by", False)),
    ("uqshl", "1", "01110", True, _any_size, _lanes("qshl_by", True)),
)


def _declare(
    name: str,
    u: str,
    opcode: str,
    left: bool,
    scalars: Callable[[int], bool] | None,
    do: Operation,
) -> None:
    amount = _left if left else _right

    @group.instruction(
        f"0 Q:1 {u} 011110 immh:4!=0000 immb:3 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            f"{name} v{f['rd']}.{_shape(f)}, v{f['rn']}.{_shape(f)}, {_amount_text(f, left)}"
        ),
        spec=f"C7.2 {name.upper()} (vector)",
        where=_vector_fits,
    )
    def vector(m: Lifter, q: int, immh: int, immb: int, rn: int, rd: int) -> None:
        v = m.v
        result = do(m, _size(immh), v.read(rd), v.read(rn), amount(immh, immb))
        v.write(rd, result, q)

    @group.instruction(
        f"01 {u} 111110 immh:4!=0000 immb:3 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            f"{name} {'bhsd'[_size(f['immh'])]}{f['rd']}, "
            f"{'bhsd'[_size(f['immh'])]}{f['rn']}, {_amount_text(f, left)}"
        ),
        spec=f"C7.2 {name.upper()} (scalar)",
        where=scalars,
    )
    def scalar(m: Lifter, immh: int, immb: int, rn: int, rd: int) -> None:
        v, size = m.v, _size(immh)
        v.write_scalar(rd, do(m, size, v.read(rd), v.read(rn), amount(immh, immb)), size)


for _row in _SAME:
    _declare(*_row)


# --- narrowing; the lane size is that of the result ---

# name, U, opcode, rounding, (signed shift, to unsigned, from unsigned) or None for truncation
_NARROW: Final[Sequence[tuple[str, str, str, bool, tuple[int, int, int] | None]]] = (
    ("shrn", "0", "10000", False, None),
    ("rshrn", "0", "10001", True, None),
    ("sqshrn", "0", "10010", False, (0, 0, 0)),
    ("sqrshrn", "0", "10011", True, (0, 0, 0)),
    ("sqshrun", "1", "10000", False, (0, 1, 0)),
    ("sqrshrun", "1", "10001", True, (0, 1, 0)),
    ("uqshrn", "1", "10010", False, (1, 1, 1)),
    ("uqrshrn", "1", "10011", True, (1, 1, 1)),
)


def _declare_narrow(
    name: str, u: str, opcode: str, rounding: bool, saturate: tuple[int, int, int] | None
) -> None:
    def narrowed(m: Lifter, size: int, rn: int, amount: int) -> Value:
        v = m.v
        unsigned = 1 if saturate is None else saturate[0]
        moved = (v.shr_round if rounding else v.shr)(unsigned, size + 1, v.read(rn), amount)
        if saturate is None:
            return v.narrow(size, moved)
        return v.narrow_sat(saturate[1], saturate[2], size, moved)

    @group.instruction(
        f"0 Q:1 {u} 011110 immh:4!=0000 immb:3 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            f"{name}{'2' if f['q'] else ''} v{f['rd']}.{_shape(f)}, "
            f"v{f['rn']}.{8 >> _size(f['immh'])}{'hsd'[_size(f['immh'])]}, {_amount_text(f, False)}"
        ),
        spec=f"C7.2 {name.upper()}",
        where=_narrow_fits,
    )
    def vector(m: Lifter, q: int, immh: int, immb: int, rn: int, rd: int) -> None:
        m.v.write_half(rd, narrowed(m, _size(immh), rn, _right(immh, immb)), q)

    if saturate is None:
        return

    @group.instruction(
        f"01 {u} 111110 immh:4!=0000 immb:3 {opcode} 1 Rn:5 Rd:5",
        name=name,
        asm=lambda f: (
            f"{name} {'bhs'[_size(f['immh'])]}{f['rd']}, "
            f"{'hsd'[_size(f['immh'])]}{f['rn']}, {_amount_text(f, False)}"
        ),
        spec=f"C7.2 {name.upper()} (scalar)",
        where=_narrow_fits,
    )
    def scalar(m: Lifter, immh: int, immb: int, rn: int, rd: int) -> None:
        size = _size(immh)
        m.v.write_scalar(rd, narrowed(m, size, rn, _right(immh, immb)), size)


for _narrow in _NARROW:
    _declare_narrow(*_narrow)


# --- widening ---


def _long_text(f: Mapping[str, int]) -> str:
    size = _size(f["immh"])
    amount = _left(f["immh"], f["immb"])
    name = f"{'su'[f['u']]}{'shll' if amount else 'xtl'}{'2' if f['q'] else ''}"
    wide = f"{8 >> size}{'hsd'[size]}"
    return f"{name} v{f['rd']}.{wide}, v{f['rn']}.{_shape(f)}" + (
        f", {immediate(amount)}" if amount else ""
    )


@group.instruction(
    "0 Q:1 U:1 011110 immh:4!=0000 immb:3 10100 1 Rn:5 Rd:5",
    name="shll",
    asm=_long_text,
    spec="C7.2 SSHLL, USHLL",
    examples=("2f23a5b4 ushll v20.2d, v13.2s, #3",),
    where=_narrow_fits,
)
def shift_left_long(m: Lifter, q: int, u: int, immh: int, immb: int, rn: int, rd: int) -> None:
    v, size = m.v, _size(immh)
    v.write(rd, v.shl(size + 1, v.extend(u, q, size, v.read(rn)), _left(immh, immb)), 1)


# --- fixed-point conversions ---


def _float_fits(q: int, immh: int) -> bool:
    return immh >= 4 and (q == 1 or immh < 8)


def _float_size(immh: int) -> bool:
    return immh >= 4


def _from_fixed(m: Lifter, immh: int, immb: int, u: int, x: Value) -> Value:
    b, fraction = m.b, _right(immh, immb)
    if immh < 8:
        whole = (b.f32x4_convert_i32x4_u if u else b.f32x4_convert_i32x4_s)(x)
        return b.f32x4_mul(whole, b.const_v128(_four(127 - fraction << 23)))
    convert = b.f64_convert_i64_u if u else b.f64_convert_i64_s
    lanes = [convert(b.i64x2_extract_lane(x, lane)) for lane in (0, 1)]
    whole = b.f64x2_replace_lane(b.f64x2_splat(lanes[0]), 1, lanes[1])
    power = 1023 - fraction << 52
    return b.f64x2_mul(whole, b.const_v128(power << 64 | power))


def _to_fixed(m: Lifter, immh: int, immb: int, u: int, x: Value) -> Value:
    b, fraction = m.b, _right(immh, immb)
    if immh < 8:
        scaled = b.f32x4_mul(x, b.const_v128(_four(127 + fraction << 23)))
        return (b.i32x4_trunc_sat_f32x4_u if u else b.i32x4_trunc_sat_f32x4_s)(scaled)
    power = 1023 + fraction << 52
    scaled = b.f64x2_mul(x, b.const_v128(power << 64 | power))
    convert = b.i64_trunc_sat_f64_u if u else b.i64_trunc_sat_f64_s
    lanes = [convert(b.f64x2_extract_lane(scaled, lane)) for lane in (0, 1)]
    return b.i64x2_replace_lane(b.i64x2_splat(lanes[0]), 1, lanes[1])


def _four(pattern: int) -> int:
    return sum(pattern << shift for shift in (0, 32, 64, 96))


def _declare_fixed(
    name: str, opcode: str, do: Callable[[Lifter, int, int, int, Value], Value]
) -> None:
    def shown(f: Mapping[str, int]) -> str:
        return name.format("su"[f["u"]])

    @group.instruction(
        f"0 Q:1 U:1 011110 immh:4!=0000 immb:3 {opcode} 1 Rn:5 Rd:5",
        name=name.format("s"),
        asm=lambda f: (
            f"{shown(f)} v{f['rd']}.{_shape(f)}, v{f['rn']}.{_shape(f)}, {_amount_text(f, False)}"
        ),
        spec=f"C7.2 {name.format('s').upper()}, {name.format('u').upper()} (vector, fixed-point)",
        where=_float_fits,
    )
    def vector(m: Lifter, q: int, u: int, immh: int, immb: int, rn: int, rd: int) -> None:
        m.v.write(rd, do(m, immh, immb, u, m.v.read(rn)), q)

    @group.instruction(
        f"01 U:1 111110 immh:4!=0000 immb:3 {opcode} 1 Rn:5 Rd:5",
        name=name.format("s"),
        asm=lambda f: (
            f"{shown(f)} {'sd'[f['immh'] >> 3]}{f['rd']}, {'sd'[f['immh'] >> 3]}{f['rn']}, "
            f"{_amount_text(f, False)}"
        ),
        spec=f"C7.2 {name.format('s').upper()}, {name.format('u').upper()} (scalar, fixed-point)",
        where=_float_size,
    )
    def scalar(m: Lifter, u: int, immh: int, immb: int, rn: int, rd: int) -> None:
        m.v.write_scalar(rd, do(m, immh, immb, u, m.v.read(rn)), _size(immh))


_declare_fixed("{}cvtf", "11100", _from_fixed)
_declare_fixed("fcvtz{}", "11111", _to_fixed)
