"""Runs one instruction on random state twice: our semantics in the reference interpreter, Unicorn.

`WHEREVER_ORACLE=200` in the environment sets how many states each instruction sees; `make oracle`
does. A state is drawn so that the interesting values are frequent: zeros, ones, extremes, NaNs.
"""

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from unicorn import UC_ARCH_ARM64, UC_ERR_FETCH_UNMAPPED, UC_MODE_ARM, Uc, UcError, arm64_const

from wherever.ir.builder import Builder
from wherever.ir.interpret import Outcome, run_block
from wherever.ir.values import ExitKind
from wherever.isa.aarch64 import registers, table
from wherever.isa.aarch64.lifter import Lifter
from wherever.isa.instruction import Flow, Instruction

CODE = 0x0100_0000
LITERALS = 1 << 20  # bytes mapped on both sides of the code
DATA = 0x0200_0000
DATA_SIZE = 0x14000
COUNT = int(os.environ.get("WHEREVER_ORACLE", "0"))

X = [getattr(arm64_const, f"UC_ARM64_REG_X{n}") for n in range(31)]
V = [getattr(arm64_const, f"UC_ARM64_REG_V{n}") for n in range(32)]
SP = arm64_const.UC_ARM64_REG_SP
NZCV = arm64_const.UC_ARM64_REG_NZCV
PC = arm64_const.UC_ARM64_REG_PC

WORDS = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
F16 = (0, 0x8000, 0x3C00, 0xBC00, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0x7C01, 0xFE35, 1, 0x03FF, 0x0400)
F32 = (
    0, 0x80000000, 0x3F800000, 0xBF800000, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000,
    0x7F800001, 0xFFC12345, 0xFFA00000, 1, 0x807FFFFF, 0x00800000, 0x3F000000, 0x40200000,
    0x4EFFFFFF, 0x4F000000, 0xCF000000, 0x4F800000, 0x5F000000, 0xDF000000, 0x5F800000, 0x3FC00000,
)  # fmt: skip
F64 = (
    0, 1 << 63, 0x3FF0 << 48, 0xBFF0 << 48, 0x7FEFFFFFFFFFFFFF, 0x7FF0 << 48, 0xFFF0 << 48,
    0x7FF8 << 48, 0x7FF0000000000001, 0xFFF8123456789ABC, 0xFFF4 << 48, 1, 0x800FFFFFFFFFFFFF,
    0x0010 << 48, 0x3FE0 << 48, 0x4004 << 48, 0x41DFFFFFFFC00000, 0x41E0 << 48, 0xC1E0 << 48,
    0x41EFFFFFFFE00000, 0x41F0 << 48, 0x43E0 << 48, 0xC3E0 << 48, 0x43F0 << 48, 0x3FF8 << 48,
    0x3690 << 48, 0x36A0 << 48, 0x380FFFFFE0000000, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000,
)  # fmt: skip


class FlatMemory:
    """The same regions as Unicorn has mapped."""

    def __init__(self, regions: dict[int, bytearray]) -> None:
        self.regions = regions
        self.written: list[tuple[int, bytes]] = []

    def _find(self, address: int, size: int) -> tuple[bytearray, int]:
        address &= (1 << 64) - 1
        for base, data in self.regions.items():
            if base <= address and address + size <= base + len(data):
                return data, address - base
        raise LookupError(f"nothing is mapped at {address:#x}")

    def read(self, address: int, size: int) -> bytes:
        data, offset = self._find(address, size)
        return bytes(data[offset : offset + size])

    def write(self, address: int, data: bytes) -> None:
        region, offset = self._find(address, len(data))
        region[offset : offset + len(data)] = data


@dataclass
class State:
    x: list[int]
    v: list[int]
    sp: int
    nzcv: int
    data: bytes
    monitor: tuple[int, int, int] = (0xFFFF_FFFF_FFFF_FFFF, 0, 0)
    fpcr: int = 0
    address: int = -1
    pointers: dict[int, int] = field(default_factory=dict)


def random_integer(source: random.Random) -> int:
    kind = source.randrange(6)
    if kind == 0:
        return source.choice(WORDS)
    if kind == 1:
        return -source.choice(WORDS) & (1 << 64) - 1
    if kind == 2:
        return source.getrandbits(32)
    if kind == 3:
        return (1 << 63) + source.choice((0, -1, 1))
    return source.getrandbits(64)


def random_vector(source: random.Random) -> int:
    kind = source.randrange(6)
    if kind == 0:
        return source.getrandbits(128)
    if kind == 1:
        return sum(source.choice(F64) << 64 * lane for lane in range(2))
    if kind == 2:
        return sum(source.choice(F32) << 32 * lane for lane in range(4))
    if kind == 3:
        return sum(source.choice(F16) << 16 * lane for lane in range(8))
    if kind == 4:  # small numbers, so that arithmetic meets
        return sum(
            (source.randrange(0x3F00, 0x4080) << 16 | source.getrandbits(16)) << 32 * lane
            for lane in range(4)
        )
    return sum(
        source.choice((0, 1, 0x7F, 0x80, 0xFF, source.getrandbits(8))) << 8 * lane
        for lane in range(16)
    )


class Oracle:
    """Both machines."""

    def __init__(self) -> None:
        self.uc = Uc(UC_ARCH_ARM64, UC_MODE_ARM)
        self.uc.ctl_set_cpu_model(arm64_const.UC_CPU_ARM64_MAX)
        source = random.Random(1)
        literals = bytearray(source.randbytes(2 * LITERALS + 0x10000))
        self.uc.mem_map(CODE - LITERALS, len(literals))
        self.uc.mem_write(CODE - LITERALS, bytes(literals))
        self.uc.mem_map(DATA, DATA_SIZE)
        # FP and SIMD are on at EL0 and above
        self.uc.reg_write(arm64_const.UC_ARM64_REG_CPACR_EL1, 3 << 20)
        self.regions = {CODE - LITERALS: literals, DATA: bytearray(DATA_SIZE)}
        self.noise = source.randbytes(2 * DATA_SIZE)
        self.lifter = Lifter(Builder(registers.REGISTERS))
        self.fpsr = False  # whether FPSR is compared

    def state(self, source: random.Random, one: Instruction, word: int) -> State:
        fields = one.fields(word)
        x = [random_integer(source) for _ in range(31)]
        sp = DATA + 0x2000
        if "Loads" in one.group or "structure" in one.group:
            base = DATA + 0x2000 + 16 * source.randrange(-8, 8)
            if fields.get("rn", 31) != 31:
                x[fields["rn"]] = base
            index = fields.get("rm", 31)
            if index != 31 and index != fields.get("rn"):
                x[index] = source.randrange(0x40)
        start = source.randrange(DATA_SIZE)
        return State(
            x,
            [random_vector(source) for _ in range(32)],
            sp,
            source.randrange(16),
            self.noise[start : start + DATA_SIZE],
        )

    def ours(self, words: Sequence[int], state: State) -> tuple[list[int], Outcome, bytes]:
        b = self.lifter.b
        b.begin(CODE)
        for number, word in enumerate(words):
            one = table.decode(word)
            assert one is not None
            b.pc, b.next = CODE + 4 * number, CODE + 4 * number + 4
            table.lift(self.lifter, one, word)
        block = b.finish()
        slots = [0] * len(registers.REGISTERS)
        for n in range(31):
            slots[registers.X[n]] = state.x[n]
        for n in range(32):
            slots[registers.V[n]] = state.v[n]
        slots[registers.SP] = state.sp
        for slot, shift in (
            (registers.N, 3),
            (registers.Z, 2),
            (registers.C, 1),
            (registers.VF, 0),
        ):
            slots[slot] = state.nzcv >> shift & 1
        slots[registers.FPCR] = state.fpcr
        (
            slots[registers.MONITOR_ADDRESS],
            slots[registers.MONITOR_LOW],
            slots[registers.MONITOR_HIGH],
        ) = state.monitor
        memory = FlatMemory({**self.regions, DATA: bytearray(state.data)})
        outcome = run_block(block, slots, memory, b.runtime.functions)
        return slots, outcome, bytes(memory.regions[DATA])

    def check(self, one: Instruction, word: int, state: State) -> str | None:
        """None if both agree on one instruction, else what differs."""
        return self.check_sequence([(one, word)], state)

    def check_sequence(self, code: Sequence[tuple[Instruction, int]], state: State) -> str | None:
        """None if both agree on a straight piece of code, else what differs."""
        text = "; ".join(
            f"{word:08x} {table.text(one, word, CODE + 4 * n)}"
            for n, (one, word) in enumerate(code)
        )
        uc = self.uc
        slots, outcome, data = self.ours([word for _, word in code], state)
        uc.mem_write(CODE, b"".join(word.to_bytes(4, "little") for _, word in code))
        uc.ctl_remove_cache(CODE, CODE + 4 * len(code))
        uc.mem_write(DATA, state.data)
        # by element, field M is the highest bit of the register's number
        touched = sorted(
            {
                (value + k) % 32
                for one, word in code
                for name, value in one.fields(word).items()
                if name in ("rd", "rn", "rm", "ra", "rt", "rt2", "rs")
                for k in (0, 1, 2, 3, 16)
            }
        )
        uc.reg_write_batch(
            [(X[n], state.x[n]) for n in range(31)]
            + [(V[n], state.v[n]) for n in touched]
            + [
                (SP, state.sp),
                (NZCV, state.nzcv << 28),
                (arm64_const.UC_ARM64_REG_FPCR, state.fpcr),
            ]
        )
        uc.reg_write(arm64_const.UC_ARM64_REG_FPSR, 0)
        try:
            uc.emu_start(CODE, 0, count=len(code))
        except UcError as error:
            # a wild jump has happened by the time it faults
            if error.errno != UC_ERR_FETCH_UNMAPPED or code[-1][0].flow is Flow.NEXT:
                return f"{text}: Unicorn refuses: {error}"
        problems: list[str] = []
        got = uc.reg_read_batch(X)
        problems += [
            f"x{n} {slots[registers.X[n]]:#x}, should be {got[n]:#x}"
            for n in range(31)
            if got[n] != slots[registers.X[n]]
        ]
        for n, value in zip(touched, uc.reg_read_batch([V[n] for n in touched]), strict=True):
            if value != slots[registers.V[n]]:
                problems.append(f"v{n} {slots[registers.V[n]]:032x}, should be {value:032x}")
        sp, nzcv, pc = uc.reg_read_batch([SP, NZCV, PC])
        if sp != slots[registers.SP]:
            problems.append(f"sp {slots[registers.SP]:#x}, should be {sp:#x}")
        ours = (
            slots[registers.N] << 3
            | slots[registers.Z] << 2
            | slots[registers.C] << 1
            | slots[registers.VF]
        )
        if ours != nzcv >> 28 & 15:
            problems.append(f"nzcv {ours:04b}, should be {nzcv >> 28 & 15:04b}")
        if self.fpsr:
            fpsr = uc.reg_read(arm64_const.UC_ARM64_REG_FPSR) & 0x9F
            if fpsr != slots[registers.FPSR]:
                problems.append(f"fpsr {slots[registers.FPSR]:02x}, should be {fpsr:02x}")
        if bytes(uc.mem_read(DATA, DATA_SIZE)) != data:
            problems.append("memory differs")
        if outcome.kind in (ExitKind.TRAP, ExitKind.SYSCALL):
            problems.append(f"we leave with {outcome.kind.name}")
        elif outcome.address & (1 << 64) - 1 != pc:
            problems.append(f"pc {outcome.address:#x}, should be {pc:#x}")
        if not problems:
            return None
        before = {
            f"{kind}{n}": f"{values[n]:#x}"
            for kind, values in (("x", state.x), ("v", state.v))
            for one, word in code
            for n in {v for k, v in one.fields(word).items() if k[0] == "r" and v < 31}
        }
        return f"{text}: " + "; ".join(problems) + f"; before: nzcv={state.nzcv:04b} {before}"


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture(scope="session")
def states_each() -> Callable[[int], int]:
    """How many states an instruction sees: more in `make oracle`."""
    return lambda small: COUNT or small
