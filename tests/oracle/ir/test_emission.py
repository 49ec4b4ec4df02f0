"""Does emitted Wasm do what the reference interpreter says the IR means?

The interpreter is plain Python over integers; the emitter goes through the engine. Each runs the
same random functions (tests/ir/support/random_ir.py) on the same memory, which must end the same.
WHEREVER_EMISSION=N runs N seeds instead of 60.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import pytest
from random_ir import random_function, random_memory

from wherever.aot.runtime import RuntimeEmitter
from wherever.engine.engine import Engine
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.ir import interpret
from wherever.ir.ops import OPS, Kind
from wherever.ir.values import RuntimeFunction
from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.emit import function_body, locals_of
from wherever.wasm.types import (
    ExternKind,
    FuncType,
    Limits,
    MemoryType,
    NumType,
    ValType,
    VecType,
)

SEEDS = int(os.environ.get("WHEREVER_EMISSION", "60"))


TYPES: dict[int, ValType] = {
    0x7F: NumType.I32,
    0x7E: NumType.I64,
    0x7D: NumType.F32,
    0x7C: NumType.F64,
    0x7B: VecType.V128,
}


def body_of(types: Sequence[int], code: bytes) -> bytes:
    return function_body(locals_of([TYPES[t] for t in types]), code)


class Bytes:
    def __init__(self, data: bytearray) -> None:
        self.data = data

    def read(self, address: int, size: int) -> bytes:
        assert address + size <= len(self.data)
        return bytes(self.data[address : address + size])

    def write(self, address: int, data: bytes) -> None:
        assert address + len(data) <= len(self.data)
        self.data[address : address + len(data)] = data


def module(functions: Sequence[RuntimeFunction]) -> bytes:
    """A module that exports each function by its number."""
    b = ModuleBuilder()
    memory = b.memory(MemoryType(Limits(1, 1)))
    b.export("memory", ExternKind.MEMORY, memory)
    indices = [b.declare_function(FuncType((), ())) for _ in functions]
    runtime = [(index, ()) for index in indices]
    for i, (index, function) in enumerate(zip(indices, functions, strict=True)):
        emitted = RuntimeEmitter(function, runtime).emit()
        b.define(index, body_of(emitted.locals, emitted.code))
        b.export(str(i), ExternKind.FUNC, index)
    return b.build()


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(Engine.of(Profile())) as made:
        yield made


def disagreements(store: Store, functions: Sequence[RuntimeFunction]) -> list[str]:
    instance = store.instantiate(store.engine.compile(module(functions)))
    memory = instance.memory("memory")
    wrong: list[str] = []
    for i, function in enumerate(functions):
        start = random_memory(i)
        memory.write(0, start)
        instance.func(str(i))()
        expected = Bytes(bytearray(start))
        interpret.run_runtime(function, [], expected)
        if memory.read(0, len(start)) != bytes(expected.data):
            wrong.append(function.name)
    return wrong


def test_random_functions(store: Store) -> None:
    functions = [random_function(seed) for seed in range(SEEDS)]
    assert disagreements(store, functions) == []


def test_every_operation(store: Store) -> None:
    usable = [op for op in OPS if op.kind is not Kind.SPECIAL and ".trunc_f" not in op.name]
    functions = [
        random_function(1000 + i, blocks=2, count=3, only=op) for i, op in enumerate(usable)
    ]
    wrong = {
        name: usable[int(name.split("_")[1]) - 1000].name
        for name in disagreements(store, functions)
    }
    assert wrong == {}
