"""Whatever the bytes, is the answer a value or `InvalidProgram`, in bounded memory and time?"""

import contextlib
import random
import subprocess
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wherever.errors import InvalidProgram
from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.code_scan import code_features
from wherever.wasm.cursor import Cursor, Malformed
from wherever.wasm.features import Feature
from wherever.wasm.inspect import inspect
from wherever.wasm.instructions import (
    Cast,
    Catch,
    CatchKind,
    Instruction,
    MemArg,
    TypeBlock,
    Value,
    encode_instruction,
    read_instruction,
)
from wherever.wasm.leb128 import padded, signed, unsigned
from wherever.wasm.module import Module
from wherever.wasm.names import NameKind, function_names, names_of
from wherever.wasm.opcodes import INDEX_IMMEDIATES, OPCODES, Immediate
from wherever.wasm.preamble import MODULE_PREAMBLE
from wherever.wasm.reader import read_module
from wherever.wasm.text import instruction_text
from wherever.wasm.type_codec import (
    encode_extern_type,
    encode_rec_group,
    read_extern_type,
    read_rec_group,
)
from wherever.wasm.types import (
    AbstractHeap,
    AddressType,
    ArrayType,
    ConcreteHeap,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    NumType,
    PackedType,
    RecGroup,
    RefType,
    StructType,
    SubType,
    TableType,
    TagType,
    TypeIndex,
    TypeUse,
    VecType,
)
from wherever.wasm.writer import rewrite_module, write_module

EVERYTHING = """
(module $everything
  (rec (type $a (sub (struct (field (mut (ref null $b)) i8)))) (type $b (array (mut i16))))
  (type $c (sub final $a (struct (field (mut (ref null $b)) i8 v128))))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "env" "t" (table 1 10 externref))
  (import "env" "m" (memory i64 1 2))
  (import "env" "g" (global (mut f64)))
  (import "env" "e" (tag $e (param i32 i64)))
  (table $f 4 8 funcref)
  (table $r 1 1 (ref $b) (array.new_default $b (i32.const 3)))
  (memory $m 1 2)
  (global $k (mut i64) (i64.const -7))
  (global $n (ref null $a) (ref.null none))
  (export "run" (func $run)) (export "mem" (memory $m)) (export "e" (tag $e))
  (start $init)
  (elem $act (table $f) (i32.const 1) func $run $write)
  (elem $pas funcref (ref.func $run) (ref.null func))
  (elem declare func $init)
  (func $init)
  (func $run (param i32) (result i64) (local f32 f32 v128 (ref null $b))
    (block $caught (try_table (catch_all $caught) nop))
    (loop $never (br_if $never (local.get 0)))
    (block (br_table 0 0 0 (local.get 0)))
    (memory.init $m $d (i32.const 0) (i32.const 0) (i32.const 2))
    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
      (v128.const i64x2 1 2) (v128.load32_lane $m offset=9 3 (i32.const 0) (local.get 3))))
    (drop (block $is (result anyref) (br_on_cast $is anyref (ref $c) (global.get $n))))
    (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)))
    (i64.atomic.rmw.add (i64.const 8) (i64.const 1)))
  (data $d "passive") (data $x (memory $m) (i32.const 16) "active")
  (@custom "target_features" "\\01+\\04simd")
  (@custom "producers" "\\01\\08language\\01\\01C\\0217"))
"""


@pytest.fixture(scope="module")
def everything(wasm_tools: str) -> bytes:
    command = [wasm_tools, "parse", "-"]
    text = EVERYTHING.encode()
    return subprocess.run(command, input=text, capture_output=True, check=True).stdout


def exercise(data: bytes) -> Module:
    """Everything that the room does with bytes."""
    module = read_module(data)
    assert write_module(module) == data
    assert ModuleBuilder(module).build() == data
    names = names_of(module)
    for kind in NameKind:
        try:
            if kind in (NameKind.LOCAL, NameKind.LABEL, NameKind.FIELD):
                names.within(kind)
            elif kind is not NameKind.MODULE:
                names.of(kind)
        except InvalidProgram:
            pass
    function_names(module)
    assert read_module(rewrite_module(module)).types == module.types
    for body in module.code:
        for _, instruction in body.instructions():
            instruction_text(instruction)
            assert read_instruction(Cursor(encode_instruction(instruction))) == instruction
    code_features(module)
    inspect(data).to_json()
    return module


def test_the_seed_itself(everything: bytes, validate: Callable[[bytes], str]) -> None:
    assert validate(everything) == ""
    assert len(exercise(everything).sections) >= 13
    assert validate(rewrite_module(read_module(everything))) == ""


def mutants(seed: bytes, count: int) -> list[bytes]:
    rng = random.Random(20)
    made: list[bytes] = []
    for _ in range(count):
        data = bytearray(seed)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            at = rng.randrange(8, len(data))
            match rng.randrange(6):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    data[at] ^= 1 << rng.randrange(8)
                case 2:
                    del data[at : at + rng.randrange(1, 9)]
                case 3:
                    data[at:at] = rng.randbytes(rng.randrange(1, 5))
                case 4:
                    data[at : at + 1] = b"\xff\xff\xff\xff\x0f"
                case _:
                    other = rng.randrange(8, len(data))
                    data[at : at + 8] = data[other : other + 8]
            if len(data) < 9:
                break
        made.append(bytes(data))
    return made


def refusal(data: bytes) -> InvalidProgram | None:
    """How the bytes are refused, if they are."""
    try:
        exercise(data)
    except InvalidProgram as error:
        return error
    return None


def test_mutants_are_read_or_refused(everything: bytes, whole: bool) -> None:
    refused, count = 0, 30_000 if whole else 1500
    for mutant in mutants(everything, count):
        error = refusal(mutant)
        if isinstance(error, Malformed):
            assert 0 <= error.offset <= len(mutant)
            assert f"at offset {error.offset:#x}" in str(error)
        refused += error is not None
    assert count // 5 < refused < count  # both ways are well travelled


def test_every_truncation_is_read_or_refused(everything: bytes) -> None:
    for size in range(len(everything)):
        error = refusal(everything[:size])
        assert not isinstance(error, Malformed) or error.offset <= size


@given(st.binary(max_size=200))
@example(b"\x01\x80\x80\x80\x80\x00")
@settings(max_examples=300, deadline=None)
def test_any_bytes_after_a_preamble(data: bytes) -> None:
    refusal(MODULE_PREAMBLE + data)


@pytest.mark.parametrize("section", range(14))
@pytest.mark.parametrize("count", [1 << 16, (1 << 32) - 1])
def test_a_hostile_count_allocates_nothing(section: int, count: int) -> None:
    contents = unsigned(count) + b"\x00" * 16
    data = MODULE_PREAMBLE + bytes((section,)) + unsigned(len(contents)) + contents
    tracemalloc.start()
    with contextlib.suppress(InvalidProgram):
        read_module(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000


def one_body(body: bytes) -> bytes:
    """A module of one function."""
    entry = unsigned(len(body)) + body
    return MODULE_PREAMBLE + b"".join(
        (
            b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0c\x01\x00",
            b"\x0a" + unsigned(len(entry) + 1) + b"\x01" + entry,
        )
    )


@pytest.mark.parametrize(
    "code",
    [
        b"\x0e" + unsigned((1 << 32) - 1),  # br_table
        b"\x1c" + unsigned((1 << 32) - 1),  # select with types
        b"\x1f\x40" + unsigned((1 << 32) - 1),  # try_table
        b"\x02\x40" * 60_000,  # nesting
    ],
)
def test_a_hostile_body(code: bytes) -> None:
    module = read_module(one_body(b"\x00" + code))
    with pytest.raises(Malformed):
        list(module.code[0].instructions())


def test_too_many_locals_are_refused_without_being_made() -> None:
    declared = b"\x02" + unsigned((1 << 32) - 1) + b"\x7f" + unsigned(1) + b"\x7e"
    module = read_module(one_body(declared + b"\x0b"))
    with pytest.raises(Malformed, match="too many locals"):
        list(module.code[0].instructions())


# Values of every type, there and back.

u32 = st.integers(0, (1 << 32) - 1)
heaps = st.sampled_from(AbstractHeap) | st.builds(ConcreteHeap, u32.map(TypeIndex))
ref_types = st.builds(RefType, st.booleans(), heaps)
val_types = st.sampled_from(NumType) | st.sampled_from(VecType) | ref_types
val_type_tuples = st.lists(val_types, max_size=5).map(tuple)
field_types = st.builds(FieldType, val_types | st.sampled_from(PackedType), st.booleans())
composites = (
    st.builds(FuncType, val_type_tuples, val_type_tuples)
    | st.builds(StructType, st.lists(field_types, max_size=5).map(tuple))
    | st.builds(ArrayType, field_types)
)
sub_types = st.builds(
    SubType, composites, st.booleans(), st.lists(u32.map(TypeIndex), max_size=2).map(tuple)
)
limits_32 = st.builds(Limits, u32, st.none() | u32, st.just(AddressType.I32))
u64 = st.integers(0, (1 << 64) - 1)
limits = limits_32 | st.builds(Limits, u64, st.none() | u64, st.just(AddressType.I64))
extern_types = (
    st.builds(TypeUse, u32.map(TypeIndex))
    | st.builds(TagType, u32.map(TypeIndex))
    | st.builds(TableType, ref_types, limits)
    | st.builds(MemoryType, limits, st.sampled_from((0, 16)))
    | st.builds(GlobalType, val_types, st.booleans())
)


@given(st.lists(sub_types, max_size=4).map(tuple).map(RecGroup))
@settings(max_examples=200, deadline=None)
def test_types_come_back(group: RecGroup) -> None:
    cursor = Cursor(encode_rec_group(group))
    assert read_rec_group(cursor) == group
    assert cursor.at_end()


@given(extern_types)
@settings(max_examples=200, deadline=None)
def test_extern_types_come_back(extern: TypeUse | TagType | TableType | MemoryType) -> None:
    cursor = Cursor(encode_extern_type(extern))
    assert read_extern_type(cursor) == extern
    assert cursor.at_end()


catches = st.builds(
    lambda kind, tag, label: Catch(
        kind, tag if kind in (CatchKind.CATCH, CatchKind.CATCH_REF) else None, label
    ),
    st.sampled_from(CatchKind),
    u32,
    u32,
)
IMMEDIATES: dict[Immediate, st.SearchStrategy[Value]] = {
    **dict.fromkeys(INDEX_IMMEDIATES, u32),
    Immediate.BLOCKTYPE: st.none() | val_types | st.builds(TypeBlock, u32.map(TypeIndex)),
    Immediate.LABELS: st.lists(u32, min_size=1, max_size=20).map(tuple),
    Immediate.MEMARG: st.builds(MemArg, st.integers(0, 63), u64, u32),
    Immediate.I32: st.integers(-(1 << 31), (1 << 31) - 1),
    Immediate.I64: st.integers(-(1 << 63), (1 << 63) - 1),
    Immediate.F32: u32,
    Immediate.F64: u64,
    Immediate.V128: st.binary(min_size=16, max_size=16),
    Immediate.LANES: st.binary(min_size=16, max_size=16),
    Immediate.LANE: st.integers(0, 255),
    Immediate.ZERO: st.just(0),
    Immediate.VALTYPES: val_type_tuples,
    Immediate.HEAPTYPE: heaps,
    Immediate.CATCHES: st.lists(catches, max_size=5).map(tuple),
    Immediate.CAST: st.builds(Cast, u32, ref_types, ref_types),
}


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    opcode = draw(st.sampled_from(OPCODES))
    return Instruction(opcode, tuple(draw(IMMEDIATES[kind]) for kind in opcode.immediates))


@given(instructions())
@settings(max_examples=600, deadline=None)
def test_instructions_come_back(instruction: Instruction) -> None:
    cursor = Cursor(encode_instruction(instruction))
    assert read_instruction(cursor) == instruction
    assert cursor.at_end()
    assert instruction_text(instruction).startswith(instruction.opcode.mnemonic)


@given(st.integers(0, (1 << 64) - 1), st.integers(0, 3))
def test_unsigned_leb128_comes_back(value: int, more: int) -> None:
    shortest = unsigned(value)
    assert Cursor(shortest).u64() == value
    longer = padded(value, min(10, len(shortest) + more))
    assert Cursor(longer).u64() == value


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_signed_leb128_comes_back(value: int) -> None:
    assert Cursor(signed(value)).s64() == value


@given(st.lists(instructions(), max_size=30))
@settings(max_examples=150, deadline=None)
def test_the_scan_and_the_decoder_step_alike(listing: list[Instruction]) -> None:
    """The pattern must step over each instruction exactly as the decoder does."""
    code = b"".join(map(encode_instruction, listing)) + b"\x0b"
    found = code_features(read_module(one_body(b"\x00" + code)))
    assert {item.opcode.feature for item in listing} - found <= {Feature.WASM_1}
