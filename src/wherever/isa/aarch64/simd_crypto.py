"""Owns the Cryptographic Extension: AES, SHA1 and SHA256 (PMULL is with the long products)."""

from __future__ import annotations

from wherever.ir.values import Value
from wherever.isa.aarch64 import runtime_crypto as runtime
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.instruction import Group

__all__ = ["group"]

group: Group = Group(
    "Cryptographic AES and SHA", "Arm ARM C4.1", feature="FEAT_AES, FEAT_SHA1, FEAT_SHA256"
)


@group.instruction(
    "01001110 00 10100 0010 d:1 10 Rn:5 Rd:5",
    name="aese",
    asm=lambda f: f"aes{'ed'[f['d']]} {{Vd.16b}}, {{Vn.16b}}",
    spec="C7.2 AESE, AESD",
    examples=("4e284b7f aese v31.16b, v27.16b",),
)
def aes_round(m: Lifter, d: int, rn: int, rd: int) -> None:
    v = m.v
    (result,) = m.b.call_runtime(runtime.aes_round(d == 1), v.read(rd), v.read(rn))
    v.write(rd, result, 1)


@group.instruction(
    "01001110 00 10100 0011 d:1 10 Rn:5 Rd:5",
    name="aesmc",
    asm=lambda f: f"aes{'i' if f['d'] else ''}mc {{Vd.16b}}, {{Vn.16b}}",
    spec="C7.2 AESMC, AESIMC",
    examples=("4e286a72 aesmc v18.16b, v19.16b",),
)
def aes_columns(m: Lifter, d: int, rn: int, rd: int) -> None:
    (result,) = m.b.call_runtime(runtime.aes_columns(d == 1), m.v.read(rn))
    m.v.write(rd, result, 1)


def _declare_sha1(kind: str, opcode: str) -> None:
    @group.instruction(
        f"01011110 000 Rm:5 0 {opcode} 00 Rn:5 Rd:5",
        name=f"sha1{kind}",
        asm=f"sha1{kind} {{Qd}}, {{Sn}}, {{Vm.4s}}",
        spec=f"C7.2 SHA1{kind.upper()}",
    )
    def sha1(m: Lifter, rm: int, rn: int, rd: int) -> None:
        v = m.v
        function = runtime.sha1_hash(kind)
        (result,) = m.b.call_runtime(function, v.read(rd), v.read(rn), v.read(rm))
        v.write(rd, result, 1)


for _kind, _opcode in (("c", "000"), ("p", "001"), ("m", "010")):
    _declare_sha1(_kind, _opcode)


@group.instruction(
    "01011110 000 Rm:5 0 011 00 Rn:5 Rd:5",
    name="sha1su0",
    asm="sha1su0 {Vd.4s}, {Vn.4s}, {Vm.4s}",
    spec="C7.2 SHA1SU0",
    examples=("5e0032ea sha1su0 v10.4s, v23.4s, v0.4s",),
)
def sha1su0(m: Lifter, rm: int, rn: int, rd: int) -> None:
    b, v = m.b, m.v
    d = v.read(rd)
    middle = v.permute(d, v.read(rn), 3, (1, 2))
    v.write(rd, b.v128_xor(b.v128_xor(middle, d), v.read(rm)), 1)


@group.instruction(
    "01011110 00 10100 00000 10 Rn:5 Rd:5",
    name="sha1h",
    asm="sha1h {Sd}, {Sn}",
    spec="C7.2 SHA1H",
    examples=("5e280be9 sha1h s9, s31",),
)
def sha1h(m: Lifter, rn: int, rd: int) -> None:
    b, v = m.b, m.v
    word = b.i32_rotl(v.lane(v.read(rn), 2, 0), b.const_i32(30))
    v.write(rd, b.v128_from_i32(word), 1)


def _rotated(m: Lifter, x: Value, left: int) -> Value:
    """32-bit lanes rotated to the left."""
    return m.b.v128_or(m.v.shl(2, x, left), m.v.shr(1, 2, x, 32 - left))


@group.instruction(
    "01011110 00 10100 00001 10 Rn:5 Rd:5",
    name="sha1su1",
    asm="sha1su1 {Vd.4s}, {Vn.4s}",
    spec="C7.2 SHA1SU1",
    examples=("5e281abf sha1su1 v31.4s, v21.4s",),
)
def sha1su1(m: Lifter, rn: int, rd: int) -> None:
    b, v = m.b, m.v
    t = b.v128_xor(v.read(rd), v.permute(v.read(rn), v.zero, 2, (1, 2, 3, 4)))
    last = v.permute(v.zero, _rotated(m, t, 2), 2, (0, 1, 2, 4))
    v.write(rd, b.v128_xor(_rotated(m, t, 1), last), 1)


@group.instruction(
    "01011110 000 Rm:5 0 10 p:1 00 Rn:5 Rd:5",
    name="sha256h",
    asm=lambda f: f"sha256h{'2' if f['p'] else ''} {{Qd}}, {{Qn}}, {{Vm.4s}}",
    spec="C7.2 SHA256H, SHA256H2",
    examples=("5e0f413d sha256h q29, q9, v15.4s",),
)
def sha256h(m: Lifter, rm: int, p: int, rn: int, rd: int) -> None:
    v = m.v
    x, y = (rn, rd) if p else (rd, rn)
    function = runtime.sha256_hash(p == 0)
    (result,) = m.b.call_runtime(function, v.read(x), v.read(y), v.read(rm))
    v.write(rd, result, 1)


def _small_sigma(m: Lifter, x: Value, first: int, second: int, shift: int) -> Value:
    b = m.b
    rotations = b.v128_xor(_rotated(m, x, 32 - first), _rotated(m, x, 32 - second))
    return b.v128_xor(rotations, m.v.shr(1, 2, x, shift))


@group.instruction(
    "01011110 00 10100 00010 10 Rn:5 Rd:5",
    name="sha256su0",
    asm="sha256su0 {Vd.4s}, {Vn.4s}",
    spec="C7.2 SHA256SU0",
    examples=("5e282b9c sha256su0 v28.4s, v28.4s",),
)
def sha256su0(m: Lifter, rn: int, rd: int) -> None:
    v = m.v
    d = v.read(rd)
    t = v.permute(d, v.read(rn), 2, (1, 2, 3, 4))
    v.write(rd, v.add[2](d, _small_sigma(m, t, 7, 18, 3)), 1)


@group.instruction(
    "01011110 000 Rm:5 0 110 00 Rn:5 Rd:5",
    name="sha256su1",
    asm="sha256su1 {Vd.4s}, {Vn.4s}, {Vm.4s}",
    spec="C7.2 SHA256SU1",
    examples=("5e1c61d9 sha256su1 v25.4s, v14.4s, v28.4s",),
)
def sha256su1(m: Lifter, rm: int, rn: int, rd: int) -> None:
    v = m.v
    last = v.read(rm)
    base = v.add[2](v.read(rd), v.permute(v.read(rn), last, 2, (1, 2, 3, 4)))
    # the upper two words need the lower two of the result
    lower = v.add[2](base, _small_sigma(m, v.permute(last, last, 2, (2, 3, 2, 3)), 17, 19, 10))
    upper = v.add[2](base, _small_sigma(m, v.permute(lower, lower, 2, (0, 1, 0, 1)), 17, 19, 10))
    v.write(rd, v.permute(lower, upper, 3, (0, 3)), 1)
