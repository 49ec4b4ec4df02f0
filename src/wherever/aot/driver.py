"""Owns the functions around translated code: start and driver, system calls, faults, the State.

The driver calls `resume` bodies: each runs one function from some address in it until it returns,
and leaves the next address in the `pc` global. Everything that leaves the Wasm stack early throws
the tag `reenter` with all registers in globals; the driver catches it and goes on at `pc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wherever.aot import encode as e
from wherever.aot.layout import Emitted
from wherever.aot.signature import LINK, UNIFORM_PARAMETERS
from wherever.ir import opcodes
from wherever.ir.ops import F32, F64, I32, I64, V128
from wherever.ir.values import TrapKind
from wherever.isa.aarch64.registers import REGISTERS, SP, V, X

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.aot.layout import Layout
    from wherever.aot.signature import Signature

# struct linux_state (linux/ABI.md): register name -> offset
_OFFSETS: Final[dict[str, int]] = {
    **{f"x{i}": 8 * i for i in range(31)},
    "sp": 248,
    "tpidr_el0": 272,
    "fpcr": 280,
    "fpsr": 284,
}
_VECTORS: Final = 288
_PC: Final = 256
_PSTATE: Final = 264
_FLAG_BITS: Final = (("n", 31), ("z", 30), ("c", 29), ("v", 28))
_RT_SIGRETURN: Final = 139
# signal number and code (asm-generic/siginfo.h) of each fault
_SIGNALS: Final = {
    TrapKind.ILLEGAL: (4, 1),  # SIGILL, ILL_ILLOPC
    TrapKind.BREAKPOINT: (5, 1),  # SIGTRAP, TRAP_BRKPT
    TrapKind.DIVIDE: (8, 1),  # SIGFPE, FPE_INTDIV
    TrapKind.SEGMENT: (11, 1),  # SIGSEGV, SEGV_MAPERR
    TrapKind.ALIGNMENT: (7, 1),  # SIGBUS, BUS_ADRALN
}


@dataclass(frozen=True, slots=True)
class Personality:
    """What of the personality the generated code needs: function indices and addresses."""

    start: int
    syscall: int
    registers: int
    fault: int
    stack: int
    trapped: int
    image: int
    state: int
    pending: int
    sigreturn: int
    bodies: int | None = None  # has the host bring the module of resume bodies, if it can


# Bytes of Wasm stack that recursive functions may use between two steps of the driver, as `weight`
# counts them: of the 512 KiB that wasmtime gives, what is left is for everything else.
DEPTH: Final = 320 << 10


@dataclass(frozen=True, slots=True)
class Points:
    """Where execution can be resumed, as tables in linear memory."""

    addresses: int  # u32[count], sorted
    ordinals: int  # u32[count]: which resume body
    selectors: int  # u32[count]: where in it
    count: int


def _store(op: int, offset: int) -> bytes:
    return e.MEMORY[op] + e.unsigned(offset)


_BY_TYPE: Final = {
    I32: (opcodes.I32_LOAD, opcodes.I32_STORE),
    I64: (opcodes.I64_LOAD, opcodes.I64_STORE),
    F32: (opcodes.F32_LOAD, opcodes.F32_STORE),
    F64: (opcodes.F64_LOAD, opcodes.F64_STORE),
    V128: (opcodes.V128_LOAD, opcodes.V128_STORE),
}


def _state_fields() -> list[tuple[int, int]]:
    """Slot and offset of each register that the State holds as it is."""
    found = [(REGISTERS.by_name[name], offset) for name, offset in _OFFSETS.items()]
    return found + [(slot, _VECTORS + 16 * i) for i, slot in enumerate(V)]


def save_state(p: Personality, registers: Sequence[int], pc: int) -> bytes:
    """Globals to `linux_state`."""
    code = bytearray()
    for slot, offset in _state_fields():
        code += e.i32_const(p.state) + e.global_get(registers[slot])
        code += _store(_BY_TYPE[REGISTERS.types[slot]][1], offset)
    code += e.i32_const(p.state) + e.global_get(pc) + _store(opcodes.I64_STORE, _PC)
    code += e.i32_const(p.state) + e.i32_const(0)
    for name, bit in _FLAG_BITS:
        code += e.global_get(registers[REGISTERS.by_name[name]]) + e.i32_const(bit) + b"\x74\x72"
    code += e.I64_EXTEND_U + _store(opcodes.I64_STORE, _PSTATE)
    return bytes(code) + e.END


def load_state(p: Personality, registers: Sequence[int], pc: int) -> bytes:
    """`linux_state` to globals."""
    code = bytearray()
    for slot, offset in _state_fields():
        code += e.i32_const(p.state) + _store(_BY_TYPE[REGISTERS.types[slot]][0], offset)
        code += e.global_set(registers[slot])
    code += e.i32_const(p.state) + _store(opcodes.I64_LOAD, _PC) + e.global_set(pc)
    for name, bit in _FLAG_BITS:
        code += e.i32_const(p.state) + _store(opcodes.I32_LOAD, _PSTATE)
        code += e.i32_const(bit) + b"\x76" + e.i32_const(1) + b"\x71"
        code += e.global_set(registers[REGISTERS.by_name[name]])
    return bytes(code) + e.END


def start(p: Personality, entry: int, registers: Sequence[int], pc: int, go_on: bytes) -> bytes:
    """`_start`: the personality, then the driver's loop."""
    return (
        e.call(p.start)
        + e.global_set(registers[SP])
        + e.i64_const(entry)
        + e.global_set(pc)
        + go_on
    )


def loop(step: int, tag: int) -> bytes:
    """The driver's loop, which never ends of itself."""
    return (
        e.LOOP
        + e.BLOCK
        # try_table with one clause: the tag, to the block around it
        + b"\x1f\x40\x01\x00"
        + e.unsigned(tag)
        + b"\x00"
        + e.LOOP
        + e.call(step)
        + e.branch(0)
        + e.END
        + e.END
        + e.END
        + e.branch(0)
        + e.END
        + e.UNREACHABLE
        + e.END
    )


def trapped(p: Personality, pc: int, save: int, load: int, go_on: bytes) -> bytes:
    """The host caught a trap of guest code, which is a signal: signo, code, pc, address."""
    return (
        e.local_get(2)
        + e.global_set(pc)
        + e.call(save)
        + b"".join(e.local_get(i) for i in range(4))
        + e.call(p.trapped)
        + e.call(load)
        + go_on
    )


def where(functions: Sequence[int], first: int, table: int) -> bytes:
    """The guest address that a Wasm function was made of, 0 for any other: parameter index."""
    index = e.local_get(0) + e.i32_const(first) + e.I32_SUB
    return (
        index
        + e.i32_const(len(functions))
        + e.I32_GE_U
        + e.IF
        + e.i32_const(0)
        + e.RETURN
        + e.END
        + index
        + e.i32_const(2)
        + b"\x74"
        + e.MEMORY[opcodes.I32_LOAD]
        + e.unsigned(table)
        + e.END
    )


def step(
    p: Personality,
    points: Points,
    pc: int,
    depth: int,
    syscall: int,
    fault: int,
    enter: bytes,
) -> bytes:
    """Run from `pc`: find the resume body by binary search and enter it.

    `enter` does so with its selector and its number on the stack.
    """
    low, high, middle, address = 0, 1, 2, 3  # locals, all i32

    def at(table: int, index: int) -> bytes:
        return (
            e.local_get(index)
            + e.i32_const(2)
            + b"\x74"
            + e.MEMORY[opcodes.I32_LOAD]
            + e.unsigned(table)
        )

    sigreturn = (
        e.i64_const(_RT_SIGRETURN)
        + e.i64_const(0) * 6
        + e.i64_const(p.sigreturn)
        + e.call(syscall)
        + e.DROP
        + e.RETURN
    )
    # an address that is no multiple of 4 is SIGBUS (arch/arm64, do_sp_pc_abort)
    kind = e.i32_const(TrapKind.ALIGNMENT) + e.i32_const(TrapKind.SEGMENT)
    kind += e.global_get(pc) + e.I32_WRAP + e.i32_const(3) + b"\x71\x1b"  # i32.and, select
    bad = kind + e.global_get(pc) + e.call(fault) + e.UNREACHABLE
    return (
        e.i32_const(DEPTH)
        + e.global_set(depth)
        + e.global_get(pc)
        + e.I32_WRAP
        + e.local_tee(address)
        + e.i32_const(p.sigreturn)
        + b"\x46"
        + e.IF
        + sigreturn
        + e.END
        + e.i32_const(points.count)
        + e.local_set(high)
        # invariant: addresses[low] <= address, if any is; addresses[high] > address
        + e.LOOP
        + e.local_get(low)
        + e.local_get(high)
        + b"\x49"
        + e.IF
        + e.local_get(low)
        + e.local_get(high)
        + e.I32_ADD
        + e.i32_const(1)
        + b"\x76"
        + e.local_set(middle)
        + at(points.addresses, middle)
        + e.local_get(address)
        + b"\x49"
        + e.IF
        + e.local_get(middle)
        + e.i32_const(1)
        + e.I32_ADD
        + e.local_set(low)
        + e.ELSE
        + e.local_get(middle)
        + e.local_set(high)
        + e.END
        + e.branch(1)
        + e.END
        + e.END
        + e.local_get(low)
        + e.i32_const(points.count)
        + e.I32_GE_U
        + e.IF
        + bad
        + e.END
        + at(points.addresses, low)
        + b"\xad"
        + e.global_get(pc)
        + e.I64_NE
        + e.IF
        + bad
        + e.END
        + at(points.selectors, low)
        + at(points.ordinals, low)
        + enter
        + e.END
    )


def again(bodies: int, table: int, resume_type: int) -> bytes:
    """Enter a resume body of a module that may not be there yet: parameters selector, number."""
    return (
        e.local_get(1)
        + b"\x25"  # table.get
        + e.unsigned(table)
        + b"\xd1"  # ref.is_null
        + e.IF
        + e.call(bodies)
        + e.END
        + e.local_get(0)
        + e.local_get(1)
        + b"\x11"
        + e.unsigned(resume_type)
        + e.unsigned(table)
        + e.END
    )


def syscall(p: Personality, registers: Sequence[int], pc: int, pending: int) -> bytes:
    """A system call: parameters nr, a0 ... a5, pc; local 8 is the result."""
    return (
        b"".join(e.local_get(i) for i in range(7))
        + e.call(p.syscall)
        + e.local_tee(8)
        + e.i32_const(p.pending)
        + _store(opcodes.I32_LOAD, 0)
        + e.IF
        + e.local_get(8)
        + e.global_set(registers[X[0]])
        + e.local_get(7)
        + e.global_set(pc)
        + e.call(pending)
        + e.END
        + e.END
    )


def pending(p: Personality, save: int, load: int, tag: int) -> bytes:
    """The personality wants the registers: give them, and go on from what it left."""
    return (
        e.call(save)
        + e.i32_const(p.pending)
        + e.i32_const(0)
        + _store(opcodes.I32_STORE, 0)
        + e.call(p.registers)
        + e.IF
        + e.call(load)
        + b"\x08"
        + e.unsigned(tag)
        + e.END
        + e.END
    )


def fault(p: Personality, pc: int, save: int, load: int, tag: int) -> bytes:
    """A fault: parameters kind and pc. The personality reports it or sets up a handler."""
    signo = b""
    code = b""
    for kind, (number, why) in _SIGNALS.items():
        equal = e.local_get(0) + e.i32_const(kind) + b"\x46"
        signo += e.i32_const(number) + equal + b"\x6c" + (e.I32_ADD if signo else b"")
        code += e.i32_const(why) + equal + b"\x6c" + (e.I32_ADD if code else b"")
    return (
        e.local_get(1)
        + e.global_set(pc)
        + e.call(save)
        + signo
        + code
        + e.local_get(1)
        + e.local_get(1)
        + e.call(p.fault)
        + e.call(load)
        + b"\x08"
        + e.unsigned(tag)
        + e.END
    )


def deeper(p: Personality, registers: Sequence[int], pc: int, fault: int, tag: int) -> bytes:
    """The Wasm stack is used up; the guest's own may be too, which is a fault."""
    return (
        e.global_get(registers[SP])
        + e.call(p.stack)
        + e.IF
        + e.i32_const(TrapKind.SEGMENT)
        + e.global_get(pc)
        + e.call(fault)
        + e.END
        + b"\x08"
        + e.unsigned(tag)
        + e.END
    )


def miss(registers: Sequence[int], tag: int) -> bytes:
    """An indirect call of an address that is no known function: through the driver."""
    code = b""
    for i, slot in enumerate(UNIFORM_PARAMETERS):
        code += e.local_get(i) + e.global_set(registers[slot])
    return code + b"\x08" + e.unsigned(tag) + e.END


def thunk(signature: Signature, layout: Layout) -> Emitted:
    """A resume body for a function that can only be entered at its start."""
    registers = layout.globals
    code = e.global_get(registers[LINK]) + e.local_set(1)
    locals_ = [I64]
    back = b""
    for slot, index in enumerate(registers):
        if signature.spoils >> slot & 1:
            locals_.append(I64)
            code += e.global_get(index) + e.local_set(len(locals_))
            back += e.local_get(len(locals_)) + e.global_set(index)
    for slot in signature.parameters:
        code += e.global_get(registers[slot])
    code += layout.calls[signature.entry] + back
    for slot in reversed(signature.results):
        code += e.global_set(registers[slot])
    return Emitted(locals_, code + e.local_get(1) + e.global_set(layout.pc) + e.END)
