"""Is a core dump a module that holds the instance's state and stack, and honest about the rest?"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wherever import webassembly as wa
from wherever.wasm.cursor import Cursor
from wherever.wasm.module import SegmentMode
from wherever.wasm.reader import read_module

TEXT = """(module $guest
  (memory (export "m") 1 4) (memory 1)
  (memory (export "wide") i64 1)
  (global (export "n") (mut i32) (i32.const 1)) (global (mut i64) (i64.const 7))
  (global (export "x") f32 (f32.const 1.5)) (global (export "r") externref (ref.null extern))
  (global (export "v") v128 (v128.const i64x2 3 -1))
  (func $inner unreachable)
  (func (export "f") (param i32)
    (global.set 0 (i32.const -5))
    (drop (memory.grow (i32.const 2)))
    (i32.store (i32.const 0x20004) (i32.const 0x01020304))
    (i64.store 2 (i64.const 8) (i64.const -1))
    (call $inner)))"""


@pytest.fixture(scope="module")
def dump() -> bytes:
    instance = wa.Instance(wa.compile(wa.wat2wasm(TEXT)))
    with pytest.raises(wa.RuntimeError) as caught:
        instance.exports.f(1)
    return instance.core_dump(caught.value)


def test_the_dump_holds_the_state(dump: bytes) -> None:
    module = read_module(dump)
    assert [one.limits.minimum for one in module.memories] == [3, 1, 1]
    values = [one.init.raw for one in module.globals]
    assert values[0] == b"\x41\x7b\x0b"  # i32.const -5
    assert values[1] == b"\x42\x00\x0b"  # not exported: zero, and told below
    assert values[2] == b"\x43\x00\x00\xc0\x3f\x0b"
    assert values[3] == b"\xd0\x6f\x0b"
    assert values[4] == b"\xfd\x0c" + (3).to_bytes(8, "little") + b"\xff" * 8 + b"\x0b"
    first, second = module.data
    assert (first.mode, first.memory, second.memory) == (SegmentMode.ACTIVE, 0, 2)
    assert bytes(first.init)[4:8] == bytes((4, 3, 2, 1))
    assert len(first.init) == 4096  # pages of zeros are left out
    absent = module.custom("wherever.absent")
    assert absent is not None
    assert bytes(absent.payload).decode().splitlines() == [
        "locals and operands of every frame",
        "memory 1: it is not exported",
        "global 1: it is not exported",
        "global 3: it is a reference",
    ]


def test_the_dump_holds_the_stack(dump: bytes) -> None:
    module = read_module(dump)
    stack = module.custom("corestack")
    assert stack is not None
    cursor = Cursor(bytes(stack.payload))
    assert (cursor.u8(), cursor.name(), cursor.u32()) == (0, "main", 2)
    frames = []
    for _ in range(2):
        assert (cursor.u8(), cursor.u32()) == (0, 0)
        frames.append((cursor.u32(), cursor.u32()))
        assert (cursor.u32(), cursor.u32()) == (0, 0)  # no locals, no operands
    assert cursor.at_end()
    assert [index for index, _ in frames] == [0, 1]
    assert frames[1][1] > 20  # in the function's body, at the call
    core = module.custom("core")
    assert core is not None
    assert bytes(core.payload) == b"\0\5guest"


def test_other_tools_read_the_dump(dump: bytes, tmp_path: Path) -> None:
    tool = shutil.which("wasm-tools", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("wasm-tools is not installed")
    path = tmp_path / "core.wasm"
    path.write_bytes(dump)
    subprocess.run([tool, "validate", "--features", "all", path], check=True)
    text = subprocess.run([tool, "print", path], check=True, capture_output=True, text=True).stdout
    assert '@custom "core' in text or "corestack" in text


def test_a_dump_without_an_error_has_no_stack() -> None:
    module = read_module(wa.Instance(wa.compile(wa.wat2wasm("(module)"))).core_dump())
    stack = module.custom("corestack")
    assert stack is not None
    assert bytes(stack.payload) == b"\0\4main\0"
    absent = module.custom("wherever.absent")
    assert absent is not None
    assert bytes(absent.payload) == b""
