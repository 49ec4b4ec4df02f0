"""Owns Advanced SIMD copy, permute, extract, table lookup and modified immediate."""

from __future__ import annotations

from collections.abc import Mapping

from wherever.ir.values import Value
from wherever.isa.aarch64.float_data import expand_immediate
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.operands import float_immediate, immediate
from wherever.isa.aarch64.registers import V
from wherever.isa.aarch64.simd_three_same import shape
from wherever.isa.aarch64.vectors import splat_bits
from wherever.isa.instruction import Group

__all__ = ["group"]

group: Group = Group("Advanced SIMD copy, permute, table, modified immediate", "Arm ARM C4.1")


# --- copy: imm5 holds the lane size as its lowest one and the lane's index above it ---


def _size(imm5: int) -> int:
    return (imm5 & -imm5).bit_length() - 1


def _index(imm5: int) -> int:
    return imm5 >> _size(imm5) + 1


def _has_size(imm5: int) -> bool:
    return imm5 & 15 != 0


def _has_vector(q: int, imm5: int) -> bool:
    return imm5 & 15 != 0 and (q == 1 or imm5 & 7 != 0)


def _shape(f: Mapping[str, int]) -> str:
    size = _size(f["imm5"])
    return f"{(8 << f['q']) >> size}{'bhsd'[size]}"


def _element(f: Mapping[str, int], register: str = "rn") -> str:
    return f"v{f[register]}.{'bhsd'[_size(f['imm5'])]}[{immediate(_index(f['imm5']))[1:]}]"


@group.instruction(
    "0 Q:1 0 01110000 imm5:5 0 0000 1 Rn:5 Rd:5",
    name="dup",
    asm=lambda f: f"dup v{f['rd']}.{_shape(f)}, {_element(f)}",
    spec="C7.2 DUP (element)",
    examples=("4e080400 dup v0.2d, v0.d[0]",),
    where=_has_vector,
)
def dup_element(m: Lifter, q: int, imm5: int, rn: int, rd: int) -> None:
    m.v.write(rd, m.v.splat_lane(m.v.read(rn), _size(imm5), _index(imm5)), q)


@group.instruction(
    "01 0 11110000 imm5:5 0 0000 1 Rn:5 Rd:5",
    name="dup",
    asm=lambda f: f"mov {'bhsd'[_size(f['imm5'])]}{f['rd']}, {_element(f)}",
    spec="C7.2 DUP (element), scalar",
    examples=("5e0907ed mov b13, v31.b[4]",),
    where=_has_size,
)
def dup_scalar(m: Lifter, imm5: int, rn: int, rd: int) -> None:
    v, size = m.v, _size(imm5)
    x = v.read(rn)
    if _index(imm5):
        x = v.splat_lane(x, size, _index(imm5))
    v.write_scalar(rd, x, size)


@group.instruction(
    "0 Q:1 0 01110000 imm5:5 0 0001 1 Rn:5 Rd:5",
    name="dup",
    asm=lambda f: f"dup v{f['rd']}.{_shape(f)}, {{{'X' if _size(f['imm5']) == 3 else 'W'}n}}",
    spec="C7.2 DUP (general)",
    examples=("4e040c40 dup v0.4s, w2",),
    where=_has_vector,
)
def dup_general(m: Lifter, q: int, imm5: int, rn: int, rd: int) -> None:
    b = m.b
    match _size(imm5):
        case 0:
            value = b.i8x16_splat(m.i32.read(rn))
        case 1:
            value = b.i16x8_splat(m.i32.read(rn))
        case 2:
            value = b.i32x4_splat(m.i32.read(rn))
        case _:
            value = b.i64x2_splat(m.i64.read(rn))
    m.v.write(rd, value, q)


def _signed_fits(q: int, imm5: int) -> bool:
    return _has_size(imm5) and _size(imm5) < (3 if q else 2)


@group.instruction(
    "0 Q:1 0 01110000 imm5:5 0 0101 1 Rn:5 Rd:5",
    name="smov",
    asm=lambda f: f"smov {{{'WX'[f['q']]}d}}, {_element(f)}",
    spec="C7.2 SMOV",
    examples=("4e0c2f9b smov x27, v28.s[1]",),
    where=_signed_fits,
)
def smov(m: Lifter, q: int, imm5: int, rn: int, rd: int) -> None:
    b, size, index = m.b, _size(imm5), _index(imm5)
    x = m.v.read(rn)
    if size == 2:
        value = b.i32x4_extract_lane(x, index)
    else:
        extract = b.i16x8_extract_lane_s if size else b.i8x16_extract_lane_s
        value = extract(x, index)
    if q:
        m.i64.write(rd, b.i64_extend_i32_s(value))
    else:
        m.i32.write(rd, value)


def _unsigned_fits(q: int, imm5: int) -> bool:
    return _has_size(imm5) and (_size(imm5) == 3) == (q == 1)


@group.instruction(
    "0 Q:1 0 01110000 imm5:5 0 0111 1 Rn:5 Rd:5",
    name="umov",
    asm=lambda f: f"{'mov' if _size(f['imm5']) > 1 else 'umov'} {{{'WX'[f['q']]}d}}, {_element(f)}",
    spec="C7.2 UMOV",
    examples=("4e083c04 mov x4, v0.d[0]",),
    where=_unsigned_fits,
)
def umov(m: Lifter, q: int, imm5: int, rn: int, rd: int) -> None:
    m.ints[q].write(rd, m.v.lane(m.v.read(rn), _size(imm5), _index(imm5)))


@group.instruction(
    "0 1 0 01110000 imm5:5 0 0011 1 Rn:5 Rd:5",
    name="ins",
    asm=lambda f: f"mov {_element(f, 'rd')}, {{{'X' if _size(f['imm5']) == 3 else 'W'}n}}",
    spec="C7.2 INS (general)",
    examples=("4e0c1c40 mov v0.s[1], w2",),
    where=_has_size,
)
def ins_general(m: Lifter, imm5: int, rn: int, rd: int) -> None:
    v, size = m.v, _size(imm5)
    value = m.ints[size == 3].read(rn)
    m.v.write(rd, v.with_lane(v.read(rd), size, _index(imm5), value), 1)


@group.instruction(
    "0 1 1 01110000 imm5:5 0 imm4:4 1 Rn:5 Rd:5",
    name="ins",
    asm=lambda f: (
        f"mov {_element(f, 'rd')}, v{f['rn']}.{'bhsd'[_size(f['imm5'])]}"
        f"[{immediate(f['imm4'] >> _size(f['imm5']))[1:]}]"
    ),
    spec="C7.2 INS (element)",
    examples=("6e0c0420 mov v0.s[1], v1.s[0]",),
    where=_has_size,
)
def ins_element(m: Lifter, imm5: int, imm4: int, rn: int, rd: int) -> None:
    v, size = m.v, _size(imm5)
    lanes = list(range(16 >> size))
    lanes[_index(imm5)] = (16 >> size) + (imm4 >> size)
    v.write(rd, v.permute(v.read(rd), v.read(rn), size, lanes), 1)


# --- permute ---


def _permutation(name: str, size: int, q: int) -> list[int]:
    """Which lanes of n (from 0) and m (from 16 >> size) the result has, in order."""
    count = (8 << q) >> size
    n = list(range(count))
    m = [(16 >> size) + lane for lane in range(count)]
    part = int(name[-1]) - 1
    match name[:3]:
        case "uzp":
            return (n + m)[part::2]
        case "trn":
            return [lane for pair in zip(n[part::2], m[part::2], strict=True) for lane in pair]
        case _:
            half = slice(part * count // 2, (part + 1) * count // 2)
            return [lane for pair in zip(n[half], m[half], strict=True) for lane in pair]


def _declare_permutation(name: str, opcode: str) -> None:
    @group.instruction(
        f"0 Q:1 0 01110 size:2 0 Rm:5 0 {opcode} 10 Rn:5 Rd:5",
        name=name,
        asm=f"{name} {{Vd.T}}, {{Vn.T}}, {{Vm.T}}",
        spec=f"C7.2 {name.upper()}",
        where=shape((0, 1, 2, 3)),
    )
    def permutation(m: Lifter, q: int, size: int, rm: int, rn: int, rd: int) -> None:
        v = m.v
        lanes = _permutation(name, size, q)
        lanes += [0] * ((16 >> size) - len(lanes))
        v.write(rd, v.permute(v.read(rn), v.read(rm), size, lanes), q)


for _name, _opcode in (
    ("uzp1", "001"),
    ("trn1", "010"),
    ("zip1", "011"),
    ("uzp2", "101"),
    ("trn2", "110"),
    ("zip2", "111"),
):
    _declare_permutation(_name, _opcode)


def _position_fits(q: int, imm4: int) -> bool:
    return q == 1 or imm4 < 8


@group.instruction(
    "0 Q:1 1 01110 00 0 Rm:5 0 imm4:4 0 Rn:5 Rd:5",
    name="ext",
    asm="ext {Vd.Tq}, {Vn.Tq}, {Vm.Tq}, {imm4}",
    spec="C7.2 EXT",
    examples=("6e057887 ext v7.16b, v4.16b, v5.16b, #0xf",),
    where=_position_fits,
)
def ext(m: Lifter, q: int, rm: int, imm4: int, rn: int, rd: int) -> None:
    v = m.v
    if q:
        lanes = [imm4 + lane for lane in range(16)]
    else:
        lanes = [imm4 + lane + (8 if imm4 + lane >= 8 else 0) for lane in range(8)] + [0] * 8
    v.write(rd, v.permute(v.read(rn), v.read(rm), 0, lanes), q)


# --- table lookup ---


def _table_text(f: Mapping[str, int]) -> str:
    name = "tbx" if f["op"] else "tbl"
    registers = ", ".join(f"v{(f['rn'] + k) % 32}.16b" for k in range(f["len"] + 1))
    return f"{name} {{Vd.Tq}}, {'{'}{registers}{'}'}, {{Vm.Tq}}"


@group.instruction(
    "0 Q:1 0 01110 00 0 Rm:5 0 len:2 op:1 00 Rn:5 Rd:5",
    name="tbl",
    asm=_table_text,
    spec="C7.2 TBL, TBX",
    examples=("4e111102 tbx v2.16b, {v8.16b}, v17.16b",),
)
def tbl(m: Lifter, q: int, rm: int, len: int, op: int, rn: int, rd: int) -> None:  # noqa: A002
    # Wasm's swizzle gives zero for an index of 16 and above, as one table of TBL does
    b, v = m.b, m.v
    indices = v.read(rm)
    result: Value | None = None
    for number in range(len + 1):
        moved = indices if not number else b.i8x16_sub(indices, v.splat(16 * number, 0))
        part = b.i8x16_swizzle(v.read((rn + number) % 32), moved)
        result = part if result is None else b.v128_or(result, part)
    assert result is not None
    if op:
        inside = v.gt_u(0, v.splat(16 * (len + 1), 0), indices)
        result = b.v128_bitselect(result, v.read(rd), inside)
    v.write(rd, result, q)


# --- modified immediate ---


def _imm8(f: Mapping[str, int]) -> int:
    return f["abc"] << 5 | f["defgh"]


def _bytes_of(imm8: int) -> int:
    """Each bit of the immediate, eight times."""
    return sum(0xFF << 8 * bit for bit in range(8) if imm8 >> bit & 1)


def _expanded(cmode: int, op: int, imm8: int) -> int:
    """AdvSIMDExpandImm, as 128 bits."""
    if cmode < 8:
        return splat_bits(imm8 << 8 * (cmode >> 1), 2)
    if cmode < 12:
        return splat_bits(imm8 << 8 * (cmode >> 1 & 1), 1)
    if cmode < 14:  # shifting ones
        amount = 8 << (cmode & 1)
        return splat_bits(imm8 << amount | (1 << amount) - 1, 2)
    if cmode == 14:
        return splat_bits(_bytes_of(imm8), 3) if op else splat_bits(imm8, 0)
    if op:
        return splat_bits(expand_immediate(imm8, double=True), 3)
    return splat_bits(expand_immediate(imm8, double=False), 2)


def _immediate_text(f: Mapping[str, int]) -> str:
    cmode, op, q, imm8 = f["cmode"], f["op"], f["q"], _imm8(f)
    if cmode == 15:
        shape_ = "2d" if op else "24"[q] + "s"
        return f"fmov v{f['rd']}.{shape_}, #{float_immediate(imm8):.8f}"
    if cmode == 14:
        if not op:
            return f"movi {{Vd.Tq}}, {immediate(imm8)}"
        target = f"v{f['rd']}.2d" if q else f"d{f['rd']}"
        return f"movi {target}, {immediate(_bytes_of(imm8))}"
    if cmode >= 12:
        name, amount = "mvni" if op else "movi", f", msl #{8 << (cmode & 1)}"
        return f"{name} v{f['rd']}.{'24'[q]}s, {immediate(imm8)}{amount}"
    shift = 8 * (cmode >> 1 & (1 if cmode >= 8 else 3))
    name = ("bic" if op else "orr") if cmode & 1 else ("mvni" if op else "movi")
    shape_ = "48"[q] + "h" if cmode >= 8 else "24"[q] + "s"
    return f"{name} v{f['rd']}.{shape_}, {immediate(imm8)}" + (f", lsl #{shift}" if shift else "")


def _immediate_exists(q: int, op: int, cmode: int) -> bool:
    return not (cmode == 15 and op == 1 and q == 0)


@group.instruction(
    "0 Q:1 op:1 0111100000 abc:3 cmode:4 01 defgh:5 Rd:5",
    name="movi",
    asm=_immediate_text,
    spec="C7.2 MOVI, MVNI, ORR, BIC, FMOV (vector, immediate)",
    examples=("0f000402 movi v2.2s, #0",),
    where=_immediate_exists,
)
def modified_immediate(
    m: Lifter, q: int, op: int, abc: int, cmode: int, defgh: int, rd: int
) -> None:
    b, v = m.b, m.v
    pattern = _expanded(cmode, op, abc << 5 | defgh)
    if cmode < 12 and cmode & 1:
        old = v.read(rd)
        value = b.const_v128(pattern)
        v.write(rd, b.v128_andnot(old, value) if op else b.v128_or(old, value), q)
        return
    if op and cmode < 14:
        pattern = ~pattern
    b.set(V[rd], b.const_v128(pattern & ((1 << (64 << q)) - 1)))
