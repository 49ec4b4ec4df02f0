"""Owns the text of operands: templates such as `add {Rd+sp}, {Rn+sp}, {imm12_sh}`.

A placeholder that begins with a capital is a register: its class and the rest of the field's name
(`{Xd}` shows field Rd, `{Wt2}` field Rt2), `+sp` where number 31 is the stack pointer. The classes:
X W general; R general, by field sf; B H S D Q floating-point; F floating-point, by field ftype;
V vector, with an arrangement after the dot. Any other placeholder is a row of OPERANDS, or else a
field shown as an immediate. Immediates look as objdump's relatives print them: above nine in hex.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from wherever.isa.aarch64.identification import name_of

__all__ = ["CONDITIONS", "bit_mask", "immediate", "is_move_wide_of", "render", "signed"]

Fields = Mapping[str, int]

CONDITIONS: Final = (
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv",
)  # fmt: skip


def signed(value: int, bits: int) -> int:
    """The two's complement number in the lowest bits of `value`."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


@lru_cache(maxsize=8192)
def bit_mask(n: int, immr: int, imms: int, width: int) -> int | None:
    """DecodeBitMasks of the Arm ARM (its wmask), or None where the encoding is reserved."""
    length = (n << 6 | ~imms & 0x3F).bit_length() - 1
    if length < 1:
        return None
    size = 1 << length
    ones, rotation = imms & size - 1, immr & size - 1
    if ones == size - 1:
        return None
    element = (1 << ones + 1) - 1
    element = (element >> rotation | element << size - rotation) & ((1 << size) - 1)
    result = 0
    for position in range(0, width, size):
        result |= element << position
    return result


def is_move_wide_of(value: int, width: int) -> bool:
    """Whether movz or movn gives `value` (then the disassembly of orr is not mov)."""
    ones = (1 << width) - 1
    return any(
        candidate & ~(0xFFFF << shift) == 0
        for candidate in (value, ~value & ones)
        for shift in range(0, width, 16)
    )


def immediate(value: int) -> str:
    """A number as disassembly shows it."""
    if value < 0:
        return f"#-{immediate(-value)[1:]}"
    return f"#{value}" if value < 10 else f"#{value:#x}"


def general(number: int, wide: int, sp: bool = False) -> str:
    """A general register's name."""
    if number == 31:
        return ("sp" if wide else "wsp") if sp else ("xzr" if wide else "wzr")
    return f"{'xw'[not wide]}{number}"


def _top(f: Fields) -> int:
    return 64 if f["sf"] else 32


def _shifted(f: Fields) -> str:
    if not f["imm6"] and not f["shift"]:
        return ""
    return f", {('lsl', 'lsr', 'asr', 'ror')[f['shift']]} #{f['imm6']}"


_EXTENDS: Final = ("uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx")


def _extended(f: Fields) -> str:
    option, amount = f["option"], f["imm3"]
    wide = f["sf"] and option & 3 == 3
    register = general(f["rm"], wide)
    plain = option == (3 if f["sf"] else 2) and (f["rn"] == 31 or (f["rd"] == 31 and not f["s"]))
    if plain:
        return f"{register}, lsl {immediate(amount)}" if amount else register
    return f"{register}, {_EXTENDS[option]}" + (f" {immediate(amount)}" if amount else "")


def _imm12(f: Fields) -> str:
    return immediate(f["imm12"]) + (", lsl #12" if f["sh"] else "")


def _imm16(f: Fields) -> str:
    return immediate(f["imm16"]) + (f", lsl #{16 * f['hw']}" if f["hw"] else "")


def _bitmask(f: Fields) -> str:
    return immediate(bit_mask(f["n"], f["immr"], f["imms"], _top(f)) or 0)


def float_immediate(imm8: int) -> float:
    """The number that VFPExpandImm gives."""
    exponent = (imm8 >> 4 & 7 ^ 4) - 3
    return (-1.0 if imm8 & 0x80 else 1.0) * (16 + (imm8 & 15)) / 16 * 2.0**exponent


def _label(offset: int, f: Fields) -> str:
    return immediate(f["pc"] + offset & (1 << 64) - 1)


OPERANDS: Final[dict[str, Callable[[Fields], str]]] = {
    "imm12_sh": _imm12,
    "imm16_hw": _imm16,
    "movz": lambda f: immediate(signed(f["imm16"] << 16 * f["hw"], _top(f))),
    "movn": lambda f: immediate(signed(~(f["imm16"] << 16 * f["hw"]), _top(f))),
    "bitmask": _bitmask,
    "bitmask_signed": lambda f: immediate(
        signed(bit_mask(f["n"], f["immr"], f["imms"], _top(f)) or 0, _top(f))
    ),
    "shifted": _shifted,
    "extended": _extended,
    "cond": lambda f: CONDITIONS[f["cond"]],
    "inverted": lambda f: CONDITIONS[f["cond"] ^ 1],
    "field_lsb": lambda f: immediate(-f["immr"] % _top(f)),
    "field_width": lambda f: immediate(f["imms"] + 1),
    "extract_width": lambda f: immediate(f["imms"] - f["immr"] + 1),
    "adr": lambda f: _label(signed(f["immhi"] << 2 | f["immlo"], 21), f),
    "adrp": lambda f: _label(
        (signed(f["immhi"] << 2 | f["immlo"], 21) << 12) - (f["pc"] & 0xFFF), f
    ),
    "label26": lambda f: _label(signed(f["imm26"], 26) * 4, f),
    "label19": lambda f: _label(signed(f["imm19"], 19) * 4, f),
    "label14": lambda f: _label(signed(f["imm14"], 14) * 4, f),
    "bit": lambda f: immediate(f["b5"] << 5 | f["b40"]),
    "fimm8": lambda f: f"#{float_immediate(f['imm8']):.8f}",
    "fbits": lambda f: immediate(64 - f["scale"]),
    "Rt_bit": lambda f: general(f["rt"], f["b5"]),
}


def _system_register(f: Fields) -> str:
    key = (f["op0"] + 2, f["op1"], f["crn"], f["crm"], f["op2"])
    return "s{}_{}_c{}_c{}_{}".format(*key)


OPERANDS["system_register"] = _system_register
OPERANDS["identification"] = lambda f: name_of(f["crm"], f["op2"])

_PLACEHOLDER: Final = re.compile(
    r"\{(?P<kind>[BDFHQRSVWX])(?P<letter>[a-z]2?)(?P<next>1)?(?P<sp>\+sp)?"
    r"(?:\.(?P<arrangement>\w+))?\}"
    r"|\{(?P<name>\w+)\}"
)

_Piece = Callable[[Fields], str]


def _register(kind: str, field: str, next_one: bool, sp: bool, arrangement: str) -> _Piece:
    if next_one:  # the register after the field's, as in casp
        plain = _register(kind, field, False, sp, arrangement)
        return lambda f: plain({**f, field: f[field] + 1 & 31})
    match kind:
        case "X":
            return lambda f: general(f[field], 1, sp)
        case "W":
            return lambda f: general(f[field], 0, sp)
        case "R":
            return lambda f: general(f[field], f["sf"], sp)
        case "F":
            return lambda f: f"{'sd?h'[f['ftype']]}{f[field]}"
        case "V":
            shape = ARRANGEMENTS.get(arrangement)
            if shape is None:
                return lambda f: f"v{f[field]}.{arrangement}"
            return lambda f: f"v{f[field]}.{shape(f)}"
        case _:
            return lambda f: f"{kind.lower()}{f[field]}"


def _integer_shape(size: int, q: int) -> str:
    return f"{(8 << q) >> size}{'bhsd'[size]}"


ARRANGEMENTS: Final[dict[str, Callable[[Fields], str]]] = {
    "T": lambda f: _integer_shape(f["size"], f["q"]),
    "Tb": lambda f: _integer_shape(f["size"], f["q"]),
    "Ta": lambda f: _integer_shape(f["size"] + 1, 1),
    "Tp": lambda f: _integer_shape(f["size"] + 1, f["q"]),
    "Tn": lambda f: _integer_shape(1 + f["sz"], f["q"]),
    "Tw": lambda f: _integer_shape(2 + f["sz"], 1),
    "Tf": lambda f: _integer_shape(2 + f["sz"], f["q"]),
    "Tq": lambda f: "16b" if f["q"] else "8b",
}


@lru_cache(maxsize=4096)
def _compile(template: str) -> tuple[str | _Piece, ...]:
    pieces: list[str | _Piece] = []
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        if found.start() > end:
            pieces.append(template[end : found.start()])
        end = found.end()
        name = found["name"]
        if name is None:
            pieces.append(
                _register(
                    found["kind"],
                    "r" + found["letter"],
                    found["next"] is not None,
                    found["sp"] is not None,
                    found["arrangement"] or "",
                )
            )
        elif name in OPERANDS:
            pieces.append(OPERANDS[name])
        else:
            pieces.append(_field(name))
    pieces.append(template[end:])
    return tuple(pieces)


def _field(name: str) -> _Piece:
    return lambda f: immediate(f[name])


def render(template: str, fields: Fields) -> str:
    """Fill in a template from the fields of an instruction (and `pc`, its address)."""
    return "".join(
        piece if isinstance(piece, str) else piece(fields) for piece in _compile(template)
    )
