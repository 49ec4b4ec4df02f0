"""Does the report say what the module is, and only what it uses?"""

import json
from collections.abc import Callable

import pytest

from wherever.wasm.code_scan import code_features
from wherever.wasm.cursor import Malformed
from wherever.wasm.features import Feature
from wherever.wasm.inspect import Item, abi_of, inspect
from wherever.wasm.preamble import COMPONENT_PREAMBLE, MODULE_PREAMBLE
from wherever.wasm.reader import read_module
from wherever.wasm.text import quoted
from wherever.wasm.types import ExternKind

Wat = Callable[[str], bytes]

PROGRAM = """
(module $program
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (import "env" "base" (global i32))
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (memory (export "memory") 2 16)
  (tag $oops (export "oops") (param i32))
  (func $main (export "_start") (local f32)
    local.get 0 i32.trunc_sat_f32_s drop)
  (func $init)
  (start $init))
"""


def test_a_report(wat: Wat) -> None:
    report = inspect(wat(PROGRAM))
    assert report.name == "program"
    assert report.abis == ("WASI 0.1", "environment")
    assert [(group.module, [item.name for item in group.items]) for group in report.imports] == [
        ("wasi_snapshot_preview1", ["fd_write", "proc_exit"]),
        ("env", ["base"]),
    ]
    assert report.exports == (
        Item("memory", ExternKind.MEMORY, "(memory 2 16)"),
        Item("oops", ExternKind.TAG, "(tag (param i32))"),
        Item("_start", ExternKind.FUNC, "(func)"),
    )
    assert (report.memories[0].minimum, report.memories[0].maximum) == (131072, 1048576)
    assert report.features == ("saturating-float-to-int", "exceptions")
    assert report.start == "init"
    assert report.sections[-1].name == "name"
    assert sum(section.size for section in report.sections) + 8 == report.size
    assert json.loads(json.dumps(report.to_json()))["counts"]["functions"] == 4


def test_a_component_is_told_apart() -> None:
    report = inspect(COMPONENT_PREAMBLE)
    assert report.to_json() == {"kind": "component", "size": 8}


@pytest.mark.parametrize(
    ("module", "abi"),
    [
        ("wasi_snapshot_preview1", "WASI 0.1"),
        ("wasi_snapshot_preview1x", ""),
        ("wasi:clocks/wall-clock@0.2.9", "WASI component interface"),
        ("GOT.mem", "dynamic linking"),
        ("my-host", ""),
    ],
)
def test_abis(module: str, abi: str) -> None:
    assert abi_of(module) == abi


# code -> what it uses; each is met after a plain instruction, so that the pattern must stop in time
USES = {
    "(func nop)": set[Feature](),
    "(func (local v128))": {Feature.SIMD},
    "(func i32.const 1 i32.extend8_s drop)": {Feature.SIGN_EXTENSION},
    "(func (drop (i32x4.add (v128.const i32x4 1 2 3 4) (v128.const i32x4 1 2 3 4))))": {
        Feature.SIMD
    },
    "(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 1 2) (v128.const i64x2 1 2))))": {
        Feature.SIMD,
        Feature.RELAXED_SIMD,
    },
    "(func nop atomic.fence)": {Feature.THREADS},
    "(func $f return_call $f)": {Feature.TAIL_CALL},
    "(func (block (result i32 i32) i32.const 1 i32.const 2) drop drop)": {Feature.MULTI_VALUE},
    "(func (block (result funcref) ref.null func) drop)": {Feature.REFERENCE_TYPES},
    "(func (block $l (try_table (catch_all $l))))": {Feature.EXCEPTIONS},
    "(func i32.const 1 ref.i31 drop)": {Feature.GC},
    "(func (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3))))": {
        Feature.REFERENCE_TYPES
    },
    "(memory 1) (func (memory.fill (i32.const 1) (i32.const 2) (i32.const 3)))": {
        Feature.BULK_MEMORY
    },
    "(func (block (br_table 0 0 0 (i32.const 3))) i64.const 0xfdfcfbfe drop)": set[Feature](),
    "(func (block (result (ref null any)) ref.null any) drop)": {
        Feature.GC,
        Feature.REFERENCE_TYPES,
    },
    "(func (drop (block (result (ref null exn)) ref.null exn)))": {
        Feature.EXCEPTIONS,
        Feature.REFERENCE_TYPES,
    },
    "(type $t (func)) (func (drop (block (result (ref null $t)) ref.null $t)))": {
        Feature.FUNCTION_REFERENCES,
        Feature.REFERENCE_TYPES,
    },
    "(func i64.const -1 i64.const 2 i64.mul_wide_u drop drop)": {Feature.WIDE_ARITHMETIC},
}


@pytest.mark.parametrize("code", USES, ids=range(len(USES)))
def test_features_of_code(wat: Wat, code: str) -> None:
    plain = "(func (param i32) (f32.const 1.5) drop local.get 0 drop)"
    module = read_module(wat(f"(module {code} {plain})"))
    assert code_features(module) == USES[code]
    # The same after the same: what is known by then is run over, with the same result.
    if "$" not in code and "memory" not in code:
        assert code_features(read_module(wat(f"(module {code} {code})"))) == USES[code]


def body_of(code: bytes) -> bytes:
    size = len(code) + 1
    return MODULE_PREAMBLE + b"".join(
        (
            b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00",
            bytes((10, size + 2, 1, size)),
            b"\x00",
            code,
        )
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"\x01\xff\x0b", "illegal opcode 0xff"),
        (b"\x01\xfd\xff\x7f\x0b", "illegal opcode 0xfd 0x3fff"),
        (b"\x41\x80", "unexpected end in an integer"),
        (b"\x43\x00\x00", "unexpected end: 4 bytes wanted, 2 left"),
        (b"\x02\x50\x0b\x0b", "malformed value type 0x50"),
        (b"\xfc\x09\x00\x0b", "data count section required: data.drop"),
    ],
)
def test_the_scan_refuses_what_is_no_instruction(code: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        code_features(read_module(body_of(code)))


def test_a_huge_body_is_scanned_in_place() -> None:
    """One body of a million alternations neither recurses nor backtracks."""
    code = b"\x20\x00\x1a\x41\x01\x1a" * 200_000 + b"\x0b"
    size = (len(code) + 1).to_bytes(3, "little")  # three bytes of LEB128 suffice for the sizes

    def leb(value: int) -> bytes:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))

    assert len(size) == 3
    data = MODULE_PREAMBLE + b"".join(
        (
            b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00",
            b"\x0a" + leb(len(code) + 5) + b"\x01" + leb(len(code) + 1) + b"\x00",
            code,
        )
    )
    assert code_features(read_module(data)) == frozenset()


def test_a_name_is_quoted_for_a_terminal() -> None:
    assert quoted('a"b\\\x1b[31m\u202e') == '"a\\"b\\\\\\u{1b}[31m\\u{202e}"'
