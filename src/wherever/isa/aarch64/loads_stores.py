"""Owns the group Loads and Stores: single registers and pairs, in every addressing mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from wherever.ir import opcodes
from wherever.ir.values import Value
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.operands import immediate, signed
from wherever.isa.aarch64.registers import V
from wherever.isa.instruction import Group, Meaning

__all__ = ["group", "load_vector", "store_vector"]

group: Group = Group("Loads and Stores", "Arm ARM C4.1")


@dataclass(frozen=True, slots=True)
class _Form:
    """One kind of transfer: what is moved between memory and which register."""

    name: str  # with {} for the "u" of unscaled or "t" of unprivileged: ld{}rb
    size: str  # field size, bits
    vector: str  # field V
    opc: str
    register: str  # W, X, or B H S D Q
    scale: int  # log2 of the bytes
    opcode: int

    @property
    def load(self) -> bool:
        return self.name.startswith("ld")


_GENERAL: Final = (
    _Form("st{}rb", "00", "0", "00", "W", 0, opcodes.I64_STORE8),
    _Form("ld{}rb", "00", "0", "01", "W", 0, opcodes.I64_LOAD8_U),
    _Form("ld{}rsb", "00", "0", "10", "X", 0, opcodes.I64_LOAD8_S),
    _Form("ld{}rsb", "00", "0", "11", "W", 0, opcodes.I32_LOAD8_S),
    _Form("st{}rh", "01", "0", "00", "W", 1, opcodes.I64_STORE16),
    _Form("ld{}rh", "01", "0", "01", "W", 1, opcodes.I64_LOAD16_U),
    _Form("ld{}rsh", "01", "0", "10", "X", 1, opcodes.I64_LOAD16_S),
    _Form("ld{}rsh", "01", "0", "11", "W", 1, opcodes.I32_LOAD16_S),
    _Form("st{}r", "10", "0", "00", "W", 2, opcodes.I64_STORE32),
    _Form("ld{}r", "10", "0", "01", "W", 2, opcodes.I64_LOAD32_U),
    _Form("ld{}rsw", "10", "0", "10", "X", 2, opcodes.I64_LOAD32_S),
    _Form("st{}r", "11", "0", "00", "X", 3, opcodes.I64_STORE),
    _Form("ld{}r", "11", "0", "01", "X", 3, opcodes.I64_LOAD),
)
_VECTOR: Final = (
    _Form("st{}r", "00", "1", "00", "B", 0, opcodes.I32_STORE8),
    _Form("ld{}r", "00", "1", "01", "B", 0, opcodes.I32_LOAD8_U),
    _Form("st{}r", "01", "1", "00", "H", 1, opcodes.I32_STORE16),
    _Form("ld{}r", "01", "1", "01", "H", 1, opcodes.I32_LOAD16_U),
    _Form("st{}r", "10", "1", "00", "S", 2, opcodes.F32_STORE),
    _Form("ld{}r", "10", "1", "01", "S", 2, opcodes.F32_LOAD),
    _Form("st{}r", "11", "1", "00", "D", 3, opcodes.F64_STORE),
    _Form("ld{}r", "11", "1", "01", "D", 3, opcodes.F64_LOAD),
    _Form("st{}r", "00", "1", "10", "Q", 4, opcodes.V128_STORE),
    _Form("ld{}r", "00", "1", "11", "Q", 4, opcodes.V128_LOAD),
)


def load_vector(m: Lifter, scale: int, rt: int, address: Value, offset: int = 0) -> None:
    """Load B, H, S, D or Q, by the log2 of its size; the rest of the register becomes zero."""
    b = m.b
    if scale == 4:
        value = b.load(opcodes.V128_LOAD, address, offset)
    elif scale == 3:
        value = b.v128_from_f64(b.load(opcodes.F64_LOAD, address, offset))
    elif scale == 2:
        value = b.v128_from_f32(b.load(opcodes.F32_LOAD, address, offset))
    else:
        opcode = opcodes.I32_LOAD16_U if scale else opcodes.I32_LOAD8_U
        value = b.v128_from_i32(b.load(opcode, address, offset))
    b.set(V[rt], value)


def store_vector(m: Lifter, scale: int, rt: int, address: Value, offset: int = 0) -> None:
    """Store B, H, S, D or Q, by the log2 of its size."""
    b = m.b
    value = b.get(V[rt])
    if scale == 4:
        b.store(opcodes.V128_STORE, address, value, offset)
    elif scale == 3:
        b.store(opcodes.F64_STORE, address, b.f64x2_extract_lane(value, 0), offset)
    elif scale == 2:
        b.store(opcodes.F32_STORE, address, b.f32x4_extract_lane(value, 0), offset)
    else:
        opcode = opcodes.I32_STORE16 if scale else opcodes.I32_STORE8
        b.store(opcode, address, b.i32x4_extract_lane(value, 0), offset)


def _transfer(m: Lifter, form: _Form, rt: int, address: Value, offset: int = 0) -> None:
    if form.vector == "1":
        move = load_vector if form.load else store_vector
        move(m, form.scale, rt, address, offset)
    elif not form.load:
        m.b.store(form.opcode, address, m.i64.read(rt), offset)
    else:
        value = m.b.load(form.opcode, address, offset)
        narrow = form.opcode in (opcodes.I32_LOAD8_S, opcodes.I32_LOAD16_S)
        (m.i32 if narrow else m.i64).write(rt, value)


# --- the addressing modes: each makes text and meaning of a form ---


def _scaled(form: _Form) -> Meaning:
    def meaning(m: Lifter, imm12: int, rn: int, rt: int) -> None:
        _transfer(m, form, rt, m.i64.read_sp(rn), imm12 << form.scale)

    return meaning


def _unscaled(form: _Form) -> Meaning:
    def meaning(m: Lifter, imm9: int, rn: int, rt: int) -> None:
        _transfer(m, form, rt, m.i64.read_sp(rn), signed(imm9, 9))

    return meaning


def _post_indexed(form: _Form) -> Meaning:
    def meaning(m: Lifter, imm9: int, rn: int, rt: int) -> None:
        base = m.i64.read_sp(rn)
        _transfer(m, form, rt, base)
        m.i64.write_sp(rn, m.i64.add(base, m.i64.const(signed(imm9, 9))))

    return meaning


def _pre_indexed(form: _Form) -> Meaning:
    def meaning(m: Lifter, imm9: int, rn: int, rt: int) -> None:
        base = m.i64.read_sp(rn)
        offset = signed(imm9, 9)
        _transfer(m, form, rt, base, offset)
        m.i64.write_sp(rn, m.i64.add(base, m.i64.const(offset)))

    return meaning


def _indexed(form: _Form) -> Meaning:
    def meaning(m: Lifter, rm: int, option: int, s: int, rn: int, rt: int) -> None:
        b = m.b
        if option & 1:
            index = m.i64.read(rm)
        elif option & 4:
            index = b.i64_extend_i32_s(m.i32.read(rm))
        else:
            index = b.i64_extend_i32_u(m.i32.read(rm))
        if s:
            index = b.i64_shl(index, b.const_i64(form.scale))
        _transfer(m, form, rt, b.i64_add(m.i64.read_sp(rn), index))

    return meaning


def _scaled_text(name: str, target: str, scale: int) -> Callable[[Mapping[str, int]], str]:
    def text(f: Mapping[str, int]) -> str:
        offset = "]" if not f["imm12"] else f", {immediate(f['imm12'] << scale)}]"
        return f"{name} {target}, [{{Xn+sp}}{offset}"

    return text


def _unscaled_text(name: str, target: str) -> Callable[[Mapping[str, int]], str]:
    def text(f: Mapping[str, int]) -> str:
        offset = "]" if not f["imm9"] else f", {immediate(signed(f['imm9'], 9))}]"
        return f"{name} {target}, [{{Xn+sp}}{offset}"

    return text


def _indexed_text(name: str, target: str, scale: int) -> Callable[[Mapping[str, int]], str]:
    def text(f: Mapping[str, int]) -> str:
        extend = {2: "uxtw", 3: "lsl", 6: "sxtw", 7: "sxtx"}[f["option"]]
        amount = f" #{scale}" if f["s"] else ""
        tail = f", {extend}{amount}" if f["option"] != 3 or f["s"] else ""
        return f"{name} {target}, [{{Xn+sp}}, {{{'WX'[f['option'] & 1]}m}}{tail}]"

    return text


def _declare(form: _Form) -> None:
    name = form.name.format("")
    unscaled = form.name.format("u")
    target = f"{{{form.register}t}}"
    head = f"size:2={form.size} 111 {form.vector}"
    spec = f"{'C7.2' if form.vector == '1' else 'C6.2'} {name.upper()}"
    group.instruction(
        f"{head} 01 opc:2={form.opc} imm12:12 Rn:5 Rt:5",
        name=name,
        asm=_scaled_text(name, target, form.scale),
        spec=f"{spec} (immediate), unsigned offset",
    )(_scaled(form))
    group.instruction(
        f"{head} 00 opc:2={form.opc} 0 imm9:9 00 Rn:5 Rt:5",
        name=unscaled,
        asm=_unscaled_text(unscaled, target),
        spec=spec.replace(name.upper(), unscaled.upper()),
    )(_unscaled(form))
    group.instruction(
        f"{head} 00 opc:2={form.opc} 0 imm9:9 01 Rn:5 Rt:5",
        name=name,
        asm=lambda f: f"{name} {target}, [{{Xn+sp}}], {immediate(signed(f['imm9'], 9))}",
        spec=f"{spec} (immediate), post-index",
    )(_post_indexed(form))
    group.instruction(
        f"{head} 00 opc:2={form.opc} 0 imm9:9 11 Rn:5 Rt:5",
        name=name,
        asm=lambda f: f"{name} {target}, [{{Xn+sp}}, {immediate(signed(f['imm9'], 9))}]!",
        spec=f"{spec} (immediate), pre-index",
    )(_pre_indexed(form))
    group.instruction(
        f"{head} 00 opc:2={form.opc} 1 Rm:5 option:3=x1x S:1 10 Rn:5 Rt:5",
        name=name,
        asm=_indexed_text(name, target, form.scale),
        spec=f"{spec} (register)",
    )(_indexed(form))
    if form.vector == "0":
        unprivileged = form.name.format("t")
        group.instruction(
            f"{head} 00 opc:2={form.opc} 0 imm9:9 10 Rn:5 Rt:5",
            name=unprivileged,
            asm=_unscaled_text(unprivileged, target),
            spec=spec.replace(name.upper(), unprivileged.upper()),
        )(_unscaled(form))


for _one in (*_GENERAL, *_VECTOR):
    _declare(_one)


# --- prefetch: nothing to see ---

_PREFETCHES: Final = {
    kind << 3
    | level << 1
    | policy: f"p{['ld', 'li', 'st'][kind]}l{level + 1}{('keep', 'strm')[policy]}"
    for kind in range(3)
    for level in range(3)
    for policy in range(2)
}


def _prefetch(f: Mapping[str, int]) -> str:
    return _PREFETCHES.get(f["rt"], immediate(f["rt"]))


@group.instruction(
    "11 111 0 01 10 imm12:12 Rn:5 Rt:5",
    name="prfm",
    asm=lambda f: _scaled_text("prfm", _prefetch(f), 3)(f),
    spec="C6.2 PRFM (immediate)",
    examples=("f9880070 prfm pstl1keep, [x3, #0x1000]",),
)
def prfm_immediate(m: Lifter) -> None:
    del m


@group.instruction(
    "11 111 0 00 10 0 imm9:9 00 Rn:5 Rt:5",
    name="prfum",
    asm=lambda f: _unscaled_text("prfum", _prefetch(f))(f),
    spec="C6.2 PRFUM",
    examples=("f881a100 prfum pldl1keep, [x8, #0x1a]",),
)
def prfum(m: Lifter) -> None:
    del m


@group.instruction(
    "11 111 0 00 10 1 Rm:5 option:3=x1x S:1 10 Rn:5 Rt:5",
    name="prfm",
    asm=lambda f: _indexed_text("prfm", _prefetch(f), 3)(f),
    spec="C6.2 PRFM (register)",
    examples=("f8a06b92 prfm pstl2keep, [x28, x0]",),
)
def prfm_register(m: Lifter) -> None:
    del m


@group.instruction(
    "11 011 0 00 imm19:19 Rt:5",
    name="prfm",
    asm=lambda f: f"prfm {_prefetch(f)}, {{label19}}",
    spec="C6.2 PRFM (literal)",
    examples=("d85c9f13 prfm pstl2strm, #0xb93e0",),
)
def prfm_literal(m: Lifter) -> None:
    del m


# --- literals ---


def _literal(m: Lifter, imm19: int) -> Value:
    return m.b.const_i64(m.pc + signed(imm19, 19) * 4)


@group.instruction(
    "0 sf:1 011 0 00 imm19:19 Rt:5",
    name="ldr",
    asm="ldr {Rt}, {label19}",
    spec="C6.2 LDR (literal)",
    examples=("18e1ead7 ldr w23, #0xfffffffffffc3d58",),
)
def ldr_literal(m: Lifter, sf: int, imm19: int, rt: int) -> None:
    opcode = opcodes.I64_LOAD if sf else opcodes.I64_LOAD32_U
    m.i64.write(rt, m.b.load(opcode, _literal(m, imm19)))


@group.instruction(
    "10 011 0 00 imm19:19 Rt:5",
    name="ldrsw",
    asm="ldrsw {Xt}, {label19}",
    spec="C6.2 LDRSW (literal)",
    examples=("9845f729 ldrsw x9, #0x8bee4",),
)
def ldrsw_literal(m: Lifter, imm19: int, rt: int) -> None:
    m.i64.write(rt, m.b.load(opcodes.I64_LOAD32_S, _literal(m, imm19)))


@group.instruction(
    ("opc:2=0x 011 1 00 imm19:19 Rt:5", "opc:2=10 011 1 00 imm19:19 Rt:5"),
    name="ldr",
    asm=lambda f: f"ldr {{{'SDQ'[f['opc']]}t}}, {{label19}}",
    spec="C7.2 LDR (literal, SIMD&FP)",
    examples=(
        "1caa7038 ldr s24, #0xfffffffffff54e04",
        "9c3a4370 ldr q16, #0x7486c",
    ),
)
def ldr_literal_vector(m: Lifter, opc: int, imm19: int, rt: int) -> None:
    load_vector(m, opc + 2, rt, _literal(m, imm19))


# --- pairs ---

_PAIRS: Final = (
    # name, opc, V, register, log2 of the bytes of one, load
    ("stp", "00", "0", "W", 2, False),
    ("ldp", "00", "0", "W", 2, True),
    ("ldpsw", "01", "0", "X", 2, True),
    ("stp", "10", "0", "X", 3, False),
    ("ldp", "10", "0", "X", 3, True),
    ("stp", "00", "1", "S", 2, False),
    ("ldp", "00", "1", "S", 2, True),
    ("stp", "01", "1", "D", 3, False),
    ("ldp", "01", "1", "D", 3, True),
    ("stp", "10", "1", "Q", 4, False),
    ("ldp", "10", "1", "Q", 4, True),
)


def _pair(name: str, vector: bool, scale: int, load: bool, index: str) -> Meaning:
    step = 1 << scale
    load_opcode = opcodes.I64_LOAD if scale == 3 else opcodes.I64_LOAD32_U
    if name == "ldpsw":
        load_opcode = opcodes.I64_LOAD32_S
    store_opcode = opcodes.I64_STORE if scale == 3 else opcodes.I64_STORE32

    def meaning(m: Lifter, imm7: int, rt2: int, rn: int, rt: int) -> None:
        b = m.b
        base = m.i64.read_sp(rn)
        distance = signed(imm7, 7) << scale
        at = 0 if index == "post" else distance
        if vector:
            move = load_vector if load else store_vector
            move(m, scale, rt, base, at)
            move(m, scale, rt2, base, at + step)
        elif load:
            first = b.load(load_opcode, base, at)
            second = b.load(load_opcode, base, at + step)
            m.i64.write(rt, first)
            m.i64.write(rt2, second)
        else:
            b.store(store_opcode, base, m.i64.read(rt), at)
            b.store(store_opcode, base, m.i64.read(rt2), at + step)
        if index in ("post", "pre"):
            m.i64.write_sp(rn, m.i64.add(base, m.i64.const(distance)))

    return meaning


def _pair_text(
    name: str, register: str, scale: int, index: str
) -> Callable[[Mapping[str, int]], str]:
    def text(f: Mapping[str, int]) -> str:
        distance = signed(f["imm7"], 7) << scale
        shown = immediate(distance)
        where = {
            "post": f"[{{Xn+sp}}], {shown}",
            "pre": f"[{{Xn+sp}}, {shown}]!",
        }.get(index, f"[{{Xn+sp}}, {shown}]" if distance else "[{Xn+sp}]")
        return f"{name} {{{register}t}}, {{{register}t2}}, {where}"

    return text


def _declare_pair(name: str, opc: str, vector: str, register: str, scale: int, load: bool) -> None:
    for index, bits in (("none", "00"), ("post", "01"), ("offset", "10"), ("pre", "11")):
        shown = name
        if index == "none":
            if name == "ldpsw":
                continue
            shown = f"{name[:2]}np"
        group.instruction(
            f"opc:2={opc} 101 {vector} 0{bits} {int(load)} imm7:7 Rt2:5 Rn:5 Rt:5",
            name=shown,
            asm=_pair_text(shown, register, scale, index),
            spec=f"{'C7.2' if vector == '1' else 'C6.2'} {shown.upper()} ({index})",
        )(_pair(name, vector == "1", scale, load, index))


for _row in _PAIRS:
    _declare_pair(*_row)
