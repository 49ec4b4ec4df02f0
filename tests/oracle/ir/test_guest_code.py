"""Does a translated program do to its registers what the interpreter says it means?

Random A64 code with branches, calls, loads and stores runs twice: its blocks in the reference
interpreter, and the whole translation in the engine. Signatures, lazy flags, registers that are
scalars here and vectors there, NaNs looked for late: all of it lies between the two.
WHEREVER_EMISSION=N runs N programs instead of 12.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from small_elf import small_elf, words

from wherever.aot.image import place
from wherever.aot.lift import lift
from wherever.aot.pipeline import translate
from wherever.aot.recover import recover
from wherever.engine.engine import Engine
from wherever.engine.hostcalls import HostFunc
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.ir import interpret
from wherever.ir.values import ExitKind
from wherever.isa.aarch64 import table
from wherever.isa.aarch64.registers import REGISTERS
from wherever.isa.instruction import Flow
from wherever.linux.module import personality
from wherever.program.elf import read_elf
from wherever.wasm.types import FuncType

SEEDS = int(os.environ.get("WHEREVER_EMISSION", "12"))
DATA = 0x42_0000
BASE = 28  # the register that always points there
OUT, SCRATCH, SIZE = 0x800, 0xC00, 0x1000
ACCESSES = (
    *((0xF9400000, 8), (0xF9000000, 8), (0xB9400000, 4), (0x39000000, 1), (0x39400000, 1)),
    *((0x3DC00000, 16), (0x3D800000, 16), (0xFD400000, 8), (0xFD000000, 8), (0xBD400000, 4)),
)
_NOT = ("Branches", "System", "Loads", "Extensions", "Reserved")
USABLE = [
    one
    for group in table.GROUPS
    for one in group.instructions
    if one.meaning is not None and one.flow is Flow.NEXT and not one.group.startswith(_NOT)
]


def instruction(source: random.Random) -> int:
    """A random word that touches registers only, and neither the base nor the link."""
    while True:
        one = source.choice(USABLE)
        word = source.getrandbits(32) & ~one.encoding.mask | one.encoding.match
        if one.accepts(word) and word & 31 not in (BASE, 30):
            return word


def access(source: random.Random) -> int:
    """A load or store of the scratch bytes."""
    number = source.randrange(28)
    bits, size = source.choice(ACCESSES)
    offset = source.randrange(SCRATCH // size, (SIZE - 16) // size)
    return bits | offset << 10 | BASE << 5 | number


def exclusive(source: random.Random) -> list[int]:
    """A load-exclusive and a store-exclusive; sometimes not of the same width, or with a store."""
    size = source.randrange(4) << 30
    other = source.choice((size, size, source.randrange(4) << 30))
    loaded, failed, stored = source.sample(range(28), 3)
    between = [0xF9000000 | BASE << 5 | source.randrange(28)] * source.choice((0, 0, 1))
    load = size | 0x085FFC00 | BASE << 5 | loaded
    return [load, *between, other | 0x0800FC00 | failed << 16 | BASE << 5 | stored]


def body(source: random.Random, count: int) -> list[int]:
    """Instructions, some of them skipped by a branch over a few."""
    made: list[int] = []
    while len(made) < count:
        kind = source.random()
        if kind < 0.12:
            skip = source.randrange(2, 6)
            register = source.randrange(28)
            branch = source.choice(
                (
                    0x54000000 | skip << 5 | source.randrange(14),  # b.cond
                    0xB4000000 | skip << 5 | register,  # cbz
                    0x35000000 | skip << 5 | register,  # cbnz w
                    0x36000000 | source.randrange(32) << 19 | skip << 5 | register,  # tbz
                )
            )
            made += [branch, *(instruction(source) for _ in range(skip - 1))]
        elif kind < 0.27:
            made.append(access(source))
        elif kind < 0.3:
            made += exclusive(source)
        else:
            made.append(instruction(source))
    return made


def program(seed: int) -> bytes:
    """Loads every register, runs three functions, stores every register, and ends."""
    source = random.Random(seed)
    code = [0xD2A00000 | (DATA >> 16) << 5 | BASE]
    code += [0xF9400000 | n << 10 | BASE << 5 | n for n in range(28)]
    code += [0x3DC00000 | (16 + n) << 10 | BASE << 5 | n for n in range(32)]
    code += [0xD51B4200 | 5]  # msr nzcv, x5
    calls: list[int] = []
    for _ in range(3):
        code += body(source, 12)
        calls.append(len(code))
        code.append(0)
    code += [0xF9000000 | (OUT // 8 + n) << 10 | BASE << 5 | n for n in range(28)]
    code += [0x3D800000 | (OUT // 16 + 14 + n) << 10 | BASE << 5 | n for n in range(32)]
    code += [0xD53B4200, 0xF9000000 | (OUT // 8 + 28 + 64) << 10 | BASE << 5]  # nzcv
    code += [0xD2800000, 0xD2800BC8, 0xD4000001]
    for at in calls:
        code[at] = 0x94000000 | len(code) - at
        code += [*body(source, 10), 0xD65F03C0]
    edges = (0, 1, 1 << 63, (1 << 64) - 1, 0x7FF0 << 48, 0x7FF4 << 48 | 1, 0x3FF0 << 48, 1 << 31)
    numbers = [source.choice((source.choice(edges), source.getrandbits(64))) for _ in range(512)]
    data = b"".join(number.to_bytes(8, "little") for number in numbers)
    return small_elf(words(*code), data=data)


class Bytes:
    """The data page of the interpreter."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.data[address - DATA : address - DATA + size])

    def write(self, address: int, data: bytes) -> None:
        self.data[address - DATA : address - DATA + len(data)] = data


def interpreted(elf: bytes) -> bytes:
    image = place(read_elf(elf))
    lifted = lift(recover(image))
    memory = Bytes(image.read(DATA, SIZE))
    state = [0] * len(REGISTERS)
    at = image.entry
    for _ in range(10_000):
        block = lifted.blocks[at]
        outcome = interpret.run_block(block, state, memory, lifted.runtime.functions)
        if outcome.kind is ExitKind.SYSCALL:
            return bytes(memory.data)
        assert outcome.kind in (ExitKind.JUMP, ExitKind.BRANCH, ExitKind.CALL, ExitKind.RET)
        at = outcome.address
    raise AssertionError("the program does not end")


class Ended(Exception):
    """The guest called exit."""


def emitted(elf: bytes, engine: Engine) -> bytes:
    """What the engine leaves in the data page: the personality's imports but proc_exit fail."""

    def end(*arguments: int) -> None:
        del arguments
        raise Ended

    def fails(*arguments: int) -> int:
        del arguments
        return 8  # EBADF: there are no directories

    code = engine.compile(translate(elf, personality("wasi")).wasm)
    with Store(engine) as store:
        given: dict[tuple[str, str], HostFunc] = {}
        for item in code.outline.imports:
            type_ = item.type
            assert isinstance(type_, FuncType)
            function: Callable[..., object] = fails if type_.results else end
            given[item.module, item.name] = HostFunc(type_, function)
        instance = store.instantiate(code, given)
        with pytest.raises(Ended):
            instance.func("_start")()
        return instance.memory("memory").read(DATA, SIZE)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.of(Profile())


def differences(seed: int, engine: Engine) -> list[str]:
    """The registers, by name, and scratch bytes that differ at the end."""
    elf = program(seed)
    ours, theirs = interpreted(elf), emitted(elf, engine)
    places = {OUT + 8 * n: (f"x{n}", 8) for n in range(28)}
    places |= {OUT + 224 + 16 * n: (f"v{n}", 16) for n in range(32)}
    places[OUT + 8 * (28 + 64)] = ("nzcv", 8)
    found = [
        f"{name}: {ours[at : at + size][::-1].hex()} interpreted, "
        f"{theirs[at : at + size][::-1].hex()} emitted"
        for at, (name, size) in places.items()
        if ours[at : at + size] != theirs[at : at + size]
    ]
    return found + (["scratch"] if ours[SCRATCH:] != theirs[SCRATCH:] else [])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_registers_end_the_same(seed: int, engine: Engine, tmp_path: Path) -> None:
    found = differences(seed, engine)
    if found:
        (tmp_path / "program.elf").write_bytes(program(seed))
    assert found == [], f"{tmp_path}/program.elf"
