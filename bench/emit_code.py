"""How fast does Python emit Wasm code through the `wasm` room, and build modules of it?

    python bench/emit_code.py

One large function body is emitted in four ways, from fastest to most convenient, side by side;
figures are million instructions a second, medians of five rounds. The module is then built, alone
and appended to itself.
"""

import statistics
import time
from collections.abc import Callable

from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.emit import (
    END,
    LOCAL_GET,
    LOCAL_SET,
    encoding,
    function_body,
    i64_const,
    local_get,
    local_set,
    memory_access,
)
from wherever.wasm.instructions import MemArg, encode_instruction, instruction
from wherever.wasm.module import Local
from wherever.wasm.reader import read_module
from wherever.wasm.types import I64, FuncType, Limits, MemoryType

ROUNDS = 5
BLOCKS = 40_000  # of six instructions: x = load(wrap(y) + 16) + constant
WRAP, ADD = encoding("i32.wrap_i64"), encoding("i64.add")


def by_tables() -> bytearray:
    """Ready-made bytes, indexed."""
    code = bytearray()
    load = memory_access("i64.load", 16)
    for at in range(BLOCKS):
        code += LOCAL_GET[at & 31]
        code += WRAP
        code += load
        code += i64_const(at & 0xFFF)
        code += ADD
        code += LOCAL_SET[at & 15]
    return code


def by_functions() -> bytearray:
    """The functions of `emit`."""
    code = bytearray()
    for at in range(BLOCKS):
        code += local_get(at & 31)
        code += WRAP
        code += memory_access("i64.load", 16)
        code += i64_const(at & 0xFFF)
        code += ADD
        code += local_set(at & 15)
    return code


def by_joining() -> bytes:
    """The same, collected in a list and joined."""
    parts: list[bytes] = []
    append = parts.append
    for at in range(BLOCKS):
        append(local_get(at & 31))
        append(WRAP)
        append(memory_access("i64.load", 16))
        append(i64_const(at & 0xFFF))
        append(ADD)
        append(local_set(at & 15))
    return b"".join(parts)


def by_values() -> bytes:
    """Instructions as values, encoded."""
    parts: list[bytes] = []
    for at in range(BLOCKS):
        parts += [
            encode_instruction(instruction("local.get", at & 31)),
            encode_instruction(instruction("i32.wrap_i64")),
            encode_instruction(instruction("i64.load", MemArg(3, 16))),
            encode_instruction(instruction("i64.const", at & 0xFFF)),
            encode_instruction(instruction("i64.add")),
            encode_instruction(instruction("local.set", at & 15)),
        ]
    return b"".join(parts)


def median(action: Callable[[], object]) -> float:
    """Seconds, the median of the rounds."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def build(code: bytes | bytearray, functions: int = 200) -> bytes:
    """A module of many functions of that code."""
    builder = ModuleBuilder()
    builder.memory(MemoryType(Limits(1)))
    for _ in range(functions):
        index = builder.declare_function(FuncType())
        builder.define(index, function_body([Local(32, I64)], code))
    return builder.build()


def main() -> None:
    """Measure and print."""
    assert by_tables() == by_functions() == by_joining() == by_values()
    for way in (by_tables, by_functions, by_joining, by_values):
        print(f"{way.__name__:14} {BLOCKS * 6 / median(way) / 1e6:6.1f} M instructions/s")
    small = LOCAL_GET[0] + LOCAL_SET[1] + END
    wasm = build(small, 20_000)
    print(f"{'build':14} {20_000 / median(lambda: build(small, 20_000)) / 1e3:6.0f} k functions/s")
    base = read_module(wasm)

    def append() -> bytes:
        builder = ModuleBuilder(base)
        index = builder.declare_function(FuncType())
        builder.define(index, function_body([Local(32, I64)], small))
        return builder.build()

    print(f"{'append one':14} {median(append) * 1e3:6.1f} ms to {len(base.code)} functions")


if __name__ == "__main__":
    main()
