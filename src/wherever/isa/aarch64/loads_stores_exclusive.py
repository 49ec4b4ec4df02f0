"""Owns the group Loads and Stores that order or are indivisible: exclusive, acquire, LSE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from wherever.ir import opcodes
from wherever.ir.values import Value
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.aarch64.registers import MONITOR_ADDRESS, MONITOR_HIGH, MONITOR_LOW
from wherever.isa.aarch64.runtime import STORE_EXCLUSIVE_128, atomic_extreme, store_exclusive
from wherever.isa.instruction import Group, Meaning

__all__ = ["group"]

group: Group = Group("Loads and Stores, exclusive and atomic", "Arm ARM C4.1")

_LOADS: Final = (
    opcodes.I64_ATOMIC_LOAD8_U,
    opcodes.I64_ATOMIC_LOAD16_U,
    opcodes.I64_ATOMIC_LOAD32_U,
    opcodes.I64_ATOMIC_LOAD,
)
_STORES: Final = (
    opcodes.I64_ATOMIC_STORE8,
    opcodes.I64_ATOMIC_STORE16,
    opcodes.I64_ATOMIC_STORE32,
    opcodes.I64_ATOMIC_STORE,
)
_SUFFIX: Final = ("b", "h", "", "")


def _sized(size: int) -> str:
    return "{Xt}" if size == 3 else "{Wt}"


# --- load-acquire, store-release ---


@group.instruction(
    "size:2 001000 1 1 0 11111 o0:1=1 11111 Rn:5 Rt:5",
    name="ldar",
    asm=lambda f: f"ldar{_SUFFIX[f['size']]} {_sized(f['size'])}, [{{Xn+sp}}]",
    spec="C6.2 LDAR",
    examples=("c8dffce0 ldar x0, [x7]",),
)
def ldar(m: Lifter, size: int, rn: int, rt: int) -> None:
    m.i64.write(rt, m.b.load(_LOADS[size], m.i64.read_sp(rn)))


@group.instruction(
    "size:2 001000 1 0 0 11111 o0:1=1 11111 Rn:5 Rt:5",
    name="stlr",
    asm=lambda f: f"stlr{_SUFFIX[f['size']]} {_sized(f['size'])}, [{{Xn+sp}}]",
    spec="C6.2 STLR",
    examples=("889ffe80 stlr w0, [x20]",),
)
def stlr(m: Lifter, size: int, rn: int, rt: int) -> None:
    m.b.store(_STORES[size], m.i64.read_sp(rn), m.i64.read(rt))


@group.instruction(
    "size:2 111000 1 0 1 11111 1 100 00 Rn:5 Rt:5",
    name="ldapr",
    asm=lambda f: f"ldapr{_SUFFIX[f['size']]} {_sized(f['size'])}, [{{Xn+sp}}]",
    spec="C6.2 LDAPR",
    examples=("f8bfc1e6 ldapr x6, [x15]",),
    feature="FEAT_LRCPC",
)
def ldapr(m: Lifter, size: int, rn: int, rt: int) -> None:
    m.i64.write(rt, m.b.load(_LOADS[size], m.i64.read_sp(rn)))


# --- exclusive ---


@group.instruction(
    "size:2 001000 0 1 0 11111 o0:1 11111 Rn:5 Rt:5",
    name="ldxr",
    asm=lambda f: (
        f"ld{'a' if f['o0'] else ''}xr{_SUFFIX[f['size']]} {_sized(f['size'])}, [{{Xn+sp}}]"
    ),
    spec="C6.2 LDXR, LDAXR",
    examples=("885ffc20 ldaxr w0, [x1]",),
)
def ldxr(m: Lifter, size: int, rn: int, rt: int) -> None:
    b = m.b
    address = m.i64.read_sp(rn)
    value = b.load(_LOADS[size], address)
    b.set(MONITOR_ADDRESS, address)
    b.set(MONITOR_LOW, value)
    m.i64.write(rt, value)


@group.instruction(
    "size:2 001000 0 0 0 Rs:5 o0:1 xxxxx Rn:5 Rt:5",
    name="stxr",
    asm=lambda f: (
        f"st{'l' if f['o0'] else ''}xr{_SUFFIX[f['size']]} {{Ws}}, {_sized(f['size'])}, [{{Xn+sp}}]"
    ),
    spec="C6.2 STXR, STLXR",
    examples=("88117c41 stxr w17, w1, [x2]",),
)
def stxr(m: Lifter, size: int, rs: int, rn: int, rt: int) -> None:
    b = m.b
    (failed,) = b.call_runtime(
        store_exclusive(size),
        m.i64.read_sp(rn),
        b.get(MONITOR_ADDRESS),
        b.get(MONITOR_LOW),
        m.i64.read(rt),
    )
    b.set(MONITOR_ADDRESS, b.const_i64(-1))
    m.i32.write(rs, failed)


def _pair_value(m: Lifter, rt: int, rt2: int) -> Value:
    """Two W registers as the 64 bits they are in memory."""
    b = m.b
    low = b.i64_extend_i32_u(m.i32.read(rt))
    return b.i64_or(low, b.i64_shl(m.i64.read(rt2), b.const_i64(32)))


def _write_pair(m: Lifter, rt: int, rt2: int, value: Value) -> None:
    b = m.b
    m.i32.write(rt, b.i32_wrap_i64(value))
    m.i64.write(rt2, b.i64_shr_u(value, b.const_i64(32)))


@group.instruction(
    "1 sf:1 001000 0 1 1 xxxxx o0:1 Rt2:5 Rn:5 Rt:5",
    name="ldxp",
    asm=lambda f: f"ld{'a' if f['o0'] else ''}xp {{Rt}}, {{Rt2}}, [{{Xn+sp}}]",
    spec="C6.2 LDXP, LDAXP",
    examples=("88631d22 ldxp w2, w7, [x9]",),
)
def ldxp(m: Lifter, sf: int, rt2: int, rn: int, rt: int) -> None:
    b = m.b
    address = m.i64.read_sp(rn)
    b.set(MONITOR_ADDRESS, address)
    low = b.load(opcodes.I64_ATOMIC_LOAD, address)
    b.set(MONITOR_LOW, low)
    if not sf:
        _write_pair(m, rt, rt2, low)
        return
    high = b.load(opcodes.I64_ATOMIC_LOAD, address, 8)
    b.set(MONITOR_HIGH, high)
    m.i64.write(rt, low)
    m.i64.write(rt2, high)


@group.instruction(
    "1 sf:1 001000 0 0 1 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5",
    name="stxp",
    asm=lambda f: f"st{'l' if f['o0'] else ''}xp {{Ws}}, {{Rt}}, {{Rt2}}, [{{Xn+sp}}]",
    spec="C6.2 STXP, STLXP",
    examples=("8827639a stxp w7, w26, w24, [x28]",),
)
def stxp(m: Lifter, sf: int, rs: int, rt2: int, rn: int, rt: int) -> None:
    b = m.b
    address = m.i64.read_sp(rn)
    monitor = (b.get(MONITOR_ADDRESS), b.get(MONITOR_LOW))
    if sf:
        (failed,) = b.call_runtime(
            STORE_EXCLUSIVE_128,
            address,
            *monitor,
            b.get(MONITOR_HIGH),
            m.i64.read(rt),
            m.i64.read(rt2),
        )
    else:
        (failed,) = b.call_runtime(store_exclusive(3), address, *monitor, _pair_value(m, rt, rt2))
    b.set(MONITOR_ADDRESS, b.const_i64(-1))
    m.i32.write(rs, failed)


# --- LSE: compare and swap ---

_EXCHANGES: Final = (
    opcodes.I64_ATOMIC_RMW8_CMPXCHG_U,
    opcodes.I64_ATOMIC_RMW16_CMPXCHG_U,
    opcodes.I64_ATOMIC_RMW32_CMPXCHG_U,
    opcodes.I64_ATOMIC_RMW_CMPXCHG,
)
_MASKS: Final = (0xFF, 0xFFFF, 0xFFFF_FFFF, -1)


def _ordering(acquire: int, release: int) -> str:
    return ("a" if acquire else "") + ("l" if release else "")


def _cas_text(f: Mapping[str, int]) -> str:
    register = "X" if f["size"] == 3 else "W"
    name = f"cas{_ordering(f['l'], f['o0'])}{_SUFFIX[f['size']]}"
    return f"{name} {{{register}s}}, {{{register}t}}, [{{Xn+sp}}]"


@group.instruction(
    "size:2 001000 1 L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5",
    name="cas",
    asm=_cas_text,
    spec="C6.2 CAS",
    examples=("88e07c41 casa w0, w1, [x2]",),
    feature="FEAT_LSE",
)
def cas(m: Lifter, size: int, rs: int, rn: int, rt: int) -> None:
    b = m.b
    expected = b.i64_and(m.i64.read(rs), b.const_i64(_MASKS[size]))
    seen = b.atomic(_EXCHANGES[size], m.i64.read_sp(rn), expected, m.i64.read(rt))
    m.i64.write(rs, seen)


def _even(rs: int, rt: int) -> bool:
    return not rs & 1 and not rt & 1


def _casp_text(f: Mapping[str, int]) -> str:
    r = "X" if f["sf"] else "W"
    return f"casp{_ordering(f['l'], f['o0'])} {{{r}s}}, {{{r}s1}}, {{{r}t}}, {{{r}t1}}, [{{Xn+sp}}]"


@group.instruction(
    "0 sf:1 001000 0 L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5",
    name="casp",
    asm=_casp_text,
    spec="C6.2 CASP",
    examples=("08687f90 caspa w8, w9, w16, w17, [x28]",),
    feature="FEAT_LSE",
    where=_even,
)
def casp(m: Lifter, sf: int, rs: int, rn: int, rt: int) -> None:
    b = m.b
    address = m.i64.read_sp(rn)
    if not sf:
        seen = b.atomic(
            opcodes.I64_ATOMIC_RMW_CMPXCHG,
            address,
            _pair_value(m, rs, rs + 1),
            _pair_value(m, rt, rt + 1),
        )
        _write_pair(m, rs, rs + 1, seen)
        return
    # an exclusive load and store of the same 128 bits
    low = b.load(opcodes.I64_ATOMIC_LOAD, address)
    high = b.load(opcodes.I64_ATOMIC_LOAD, address, 8)
    expected = (m.i64.read(rs), m.i64.read(rs + 1))
    b.call_runtime(
        STORE_EXCLUSIVE_128, address, address, *expected, m.i64.read(rt), m.i64.read(rt + 1)
    )
    m.i64.write(rs, low)
    m.i64.write(rs + 1, high)


# --- LSE: read, modify, write ---

_OPERATIONS: Final = {
    # name: (o3, opc)
    "add": ("0", "000"),
    "clr": ("0", "001"),
    "eor": ("0", "010"),
    "set": ("0", "011"),
    "smax": ("0", "100"),
    "smin": ("0", "101"),
    "umax": ("0", "110"),
    "umin": ("0", "111"),
}
_RMW: Final = {
    "add": "ADD",
    "clr": "AND",
    "eor": "XOR",
    "set": "OR",
    "swp": "XCHG",
}
_BY_NAME: Final[Mapping[str, int]] = {
    name: value for name, value in vars(opcodes).items() if "_RMW" in name
}


def _rmw_opcode(operation: str, size: int) -> int:
    width = ("RMW8", "RMW16", "RMW32", "RMW")[size]
    return _BY_NAME[f"I64_ATOMIC_{width}_{_RMW[operation]}{'' if size == 3 else '_U'}"]


def _modify(operation: str) -> Meaning:
    opcodes_by_size = tuple(_rmw_opcode(operation, size) for size in range(4))

    def meaning(m: Lifter, size: int, rs: int, rn: int, rt: int) -> None:
        value = m.i64.read(rs)
        if operation == "clr":
            value = m.i64.not_(value)
        m.i64.write(rt, m.b.atomic(opcodes_by_size[size], m.i64.read_sp(rn), value))

    return meaning


def _extreme(operation: str) -> Meaning:
    """Wasm has no atomic minimum and maximum: exchange until nobody came between."""

    def meaning(m: Lifter, size: int, rs: int, rn: int, rt: int) -> None:
        (seen,) = m.b.call_runtime(
            atomic_extreme(operation, size), m.i64.read_sp(rn), m.i64.read(rs)
        )
        m.i64.write(rt, seen)

    return meaning


def _lse_text(operation: str) -> Callable[[Mapping[str, int]], str]:
    def text(f: Mapping[str, int]) -> str:
        register = "X" if f["size"] == 3 else "W"
        suffix = _SUFFIX[f["size"]]
        if operation != "swp" and f["rt"] == 31 and not f["a"]:
            return f"st{operation}{'l' if f['r'] else ''}{suffix} {{{register}s}}, [{{Xn+sp}}]"
        name = ("" if operation == "swp" else "ld") + operation + _ordering(f["a"], f["r"])
        return f"{name}{suffix} {{{register}s}}, {{{register}t}}, [{{Xn+sp}}]"

    return text


for _operation, (_o3, _opc) in {**_OPERATIONS, "swp": ("1", "000")}.items():
    group.instruction(
        f"size:2 111 0 00 A:1 R:1 1 Rs:5 {_o3} {_opc} 00 Rn:5 Rt:5",
        name=_operation if _operation == "swp" else f"ld{_operation}",
        asm=_lse_text(_operation),
        spec=f"C6.2 {'' if _operation == 'swp' else 'LD'}{_operation.upper()}",
        feature="FEAT_LSE",
    )((_modify if _operation in _RMW else _extreme)(_operation))
