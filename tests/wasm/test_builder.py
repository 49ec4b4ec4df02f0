"""Does what we make validate, and does appending leave what stood there alone?"""

from collections.abc import Callable

import pytest

from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.emit import (
    END,
    block,
    br_if,
    br_table,
    call,
    call_indirect,
    encoding,
    f32_const,
    f64_const,
    function_body,
    global_get,
    global_set,
    i32_const,
    i64_const,
    if_,
    local_get,
    local_set,
    local_tee,
    locals_of,
    loop,
    memory_access,
    select,
    shuffle,
    v128_const,
    with_indices,
)
from wherever.wasm.instructions import TypeBlock, instruction
from wherever.wasm.leb128 import padded, signed, unsigned
from wherever.wasm.module import Data, Local, SectionId, SegmentMode, Table
from wherever.wasm.names import function_names
from wherever.wasm.preamble import MODULE_PREAMBLE
from wherever.wasm.reader import read_module
from wherever.wasm.shape import shape
from wherever.wasm.types import (
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    AddressType,
    ArrayType,
    ConcreteHeap,
    ExternKind,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RecGroup,
    RefType,
    StructType,
    SubType,
    TableType,
    TypeIndex,
)
from wherever.wasm.writer import expression

Validate = Callable[[bytes], str]
ADD = FuncType((I32, I32), (I32,))


def test_a_module_of_every_section(validate: Validate) -> None:
    builder = ModuleBuilder()
    imported = builder.import_("env", "log", FuncType((I32,)))
    builder.import_("env", "base", GlobalType(I32))
    table = builder.table(TableType(FUNCREF, Limits(2, 2)))
    memory = builder.memory(MemoryType(Limits(1, 4)))
    builder.memory(MemoryType(Limits(1, None, AddressType.I64)))
    counter = builder.global_(
        GlobalType(I64, mutable=True), expression(instruction("i64.const", -5))
    )
    add = builder.declare_function(ADD, name="add")
    main = builder.declare_function(FuncType(), name="main")
    builder.define(add, function_body([], local_get(0) + local_get(1) + encoding("i32.add") + END))
    code = bytearray()
    code += i32_const(0xFFFFFFFF) + i32_const(2) + call(add) + call(imported)
    code += i32_const(7) + i32_const(0) + call_indirect(builder.type(FuncType((I32,))), table)
    code += global_get(counter) + i64_const(1) + encoding("i64.add") + global_set(counter)
    code += i32_const(0) + i64_const(1 << 63) + memory_access("i64.store", 16)
    code += i64_const(0) + memory_access("i32.load8_u", 3, memory=1) + local_set(0)
    code += block() + loop() + local_get(0) + br_if(1) + local_get(0) + br_table([0, 1], 1)
    code += END + END
    code += f64_const(0x7FF0000000000001) + local_tee(1) + encoding("drop") + f32_const(0)
    code += encoding("drop") + i32_const(0) + i32_const(0) + i32_const(1)
    code += with_indices("memory.init", 1, memory)
    code += v128_const(bytes(16)) + v128_const(bytes(16)) + shuffle(bytes(range(16)))
    code += local_set(2) + local_get(0) + if_(I32) + i32_const(1) + encoding("else")
    code += local_get(0) + END + local_get(0) + local_get(0) + select() + encoding("drop")
    code += END
    builder.define(main, function_body(locals_of([I32, F64, V128]), code))
    builder.export("main", ExternKind.FUNC, main)
    builder.start(main)
    builder.functions_in_table(0, [add, imported])
    builder.bytes_at(0xFFF0, b"hello")
    builder.data(Data(SegmentMode.PASSIVE, memoryview(b"passive")))
    builder.custom("note", b"by hand")
    built = builder.build()
    assert validate(built) == ""
    module = read_module(built)
    assert function_names(module) == {add: "add", main: "main"}
    assert module.data_count == 2
    assert module.start == main
    assert builder.build() == built


def test_types_are_made_once(validate: Validate) -> None:
    builder = ModuleBuilder()
    assert builder.type(ADD) == builder.type(FuncType((I32, I32), (I32,))) == 0
    ref = RefType(nullable=True, heap=ConcreteHeap(TypeIndex(2)))
    pair = builder.rec_group(
        RecGroup(
            (
                SubType(StructType((FieldType(ref, mutable=True),)), final=False),
                SubType(ArrayType(FieldType(I32, mutable=False))),
            )
        )
    )
    child = SubType(
        StructType((FieldType(ref, mutable=True), FieldType(I64, mutable=False))),
        supertypes=(pair,),
    )
    assert (pair, builder.type(child), builder.type(child)) == (1, 3, 3)
    assert validate(builder.build()) == ""


def test_a_type_that_mentions_itself_is_not_taken_for_another() -> None:
    builder = ModuleBuilder()
    itself = RefType(nullable=True, heap=ConcreteHeap(TypeIndex(0)))
    builder.rec_group(RecGroup((SubType(StructType((FieldType(itself, mutable=False),))),)))
    base = read_module(builder.build())
    extended = ModuleBuilder(base)
    # A struct that refers to type 0, standing at 1, is not the struct at 0 that refers to itself.
    assert extended.type(SubType(StructType((FieldType(itself, mutable=False),)))) == 1


BASE = """
(module $personality
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (table 3 3 funcref)
  (memory (export "memory") 2)
  (global $sp (mut i32) (i32.const 65536))
  (elem (i32.const 1) func $exit $main)
  (func $main (export "_start") i32.const 3 call $exit)
  (func $resume (export "resume") (param i32) (result i32) unreachable)
  (data (i32.const 1024) "base")
  (@custom "before code" (before code) "kept")
  (@custom "note" "kept too"))
"""


def test_appending_keeps_every_index_and_byte(
    wat: Callable[[str], bytes], validate: Validate
) -> None:
    source = wat(BASE)
    base = read_module(source)
    assert ModuleBuilder(base).build() == source

    builder = ModuleBuilder(base)
    lifted = builder.declare_function(FuncType((I32,), (I32,)), name="lifted")
    assert lifted == 3
    builder.define(lifted, function_body([Local(1, I64)], local_get(0) + END))
    builder.define(2, function_body([], local_get(0) + call(lifted) + END))  # $resume
    register = builder.global_(
        GlobalType(I64, mutable=True), expression(instruction("i64.const", 0))
    )
    assert register == 1
    first = builder.grow_table(0, 2)
    assert first == 3
    builder.functions_in_table(first, [lifted, 1])
    builder.reserve_memory(0, 16)
    builder.bytes_at(0x20000, b"image")
    builder.export("lifted", ExternKind.FUNC, lifted)
    built = builder.build()
    assert validate(built) == ""

    module = read_module(built)
    assert module.types[: len(base.types)] == base.types
    assert module.code[0].raw == base.code[0].raw
    assert module.elements[0] == base.elements[0]
    assert [bytes(segment.init) for segment in module.data] == [b"base", b"image"]
    assert [table.type.limits for table in module.tables] == [Limits(5, 5)]
    assert module.memories[0].limits == Limits(16)
    assert [export.name for export in module.exports] == ["memory", "_start", "resume", "lifted"]
    assert function_names(module) == {0: "exit", 1: "main", 2: "resume", 3: "lifted"}
    assert [bytes(custom.payload) for custom in module.customs[:2]] == [b"kept", b"kept too"]
    order = [section.id for section in module.sections if section.id is not SectionId.CUSTOM]
    assert order == [section.id for section in base.sections if section.id is not SectionId.CUSTOM]


def test_sections_that_the_base_lacks_come_in_order(validate: Validate) -> None:
    only_memory = ModuleBuilder()
    only_memory.memory(MemoryType(Limits(1)))
    only_memory.custom("note", b"")
    builder = ModuleBuilder(read_module(only_memory.build()))
    function = builder.declare_function(FuncType())
    builder.define(function, function_body([], END))
    builder.data(Data(SegmentMode.PASSIVE, memoryview(b"x")))
    builder.start(function)
    built = builder.build()
    assert validate(built) == ""
    assert read_module(built).customs[0].name == "note"


def test_exports_can_be_replaced(wat: Callable[[str], bytes]) -> None:
    builder = ModuleBuilder(read_module(wat(BASE)))
    with pytest.raises(ValueError, match="exports '_start' already"):
        builder.export("_start", ExternKind.FUNC, 2)
    builder.remove_export("_start")
    builder.export("_start", ExternKind.FUNC, 2)
    exports = shape(read_module(builder.build())).exports
    assert [(item.name, item.index) for item in exports] == [
        ("memory", 0),
        ("resume", 2),
        ("_start", 2),
    ]


def test_a_start_function_can_be_taken_away(validate: Validate) -> None:
    builder = ModuleBuilder()
    function = builder.declare_function(FuncType())
    builder.define(function, function_body([], END))
    builder.start(function)
    again = ModuleBuilder(read_module(builder.build()))
    again.start(None)
    built = again.build()
    assert validate(built) == ""
    assert read_module(built).start is None


def test_what_cannot_be_built_is_refused() -> None:
    builder = ModuleBuilder()
    function = builder.declare_function(FuncType())
    with pytest.raises(ValueError, match="would renumber: a func is already defined"):
        builder.import_("env", "late", FuncType())
    with pytest.raises(ValueError, match="function 0 was declared and never defined"):
        builder.build()
    with pytest.raises(ValueError, match="function 1 is not one that the module defines"):
        builder.define(function + 1, b"")
    imported = ModuleBuilder()
    imported.import_("env", "table", TableType(FUNCREF, Limits(1)))
    with pytest.raises(ValueError, match="table 0 is imported"):
        imported.grow_table(0, 1)


@pytest.mark.parametrize("value", [0, 63, 64, 127, 128, 4095, 4096, 624485, (1 << 64) - 1])
def test_unsigned_leb128_is_shortest(value: int) -> None:
    raw = unsigned(value)
    assert len(raw) == max(1, -(-value.bit_length() // 7))
    assert sum((byte & 0x7F) << 7 * place for place, byte in enumerate(raw)) == value
    assert len(padded(value, 10)) == 10


@pytest.mark.parametrize(
    ("value", "raw"),
    [(0, "00"), (63, "3f"), (64, "c000"), (-64, "40"), (-65, "bf7f"), (-123456, "c0bb78")],
)
def test_signed_leb128_is_shortest(value: int, raw: str) -> None:
    assert signed(value).hex() == raw


def test_emitters_refuse_what_does_not_fit() -> None:
    for emit, bad in ((i32_const, 1 << 32), (i64_const, 1 << 64), (unsigned, -1), (local_get, -1)):
        with pytest.raises(ValueError, match=str(bad)):
            emit(bad)
    with pytest.raises(ValueError, match="does not access memory"):
        memory_access("i32.add")
    with pytest.raises(ValueError, match="takes 2 immediates"):
        with_indices("memory.copy", 0)


def test_block_types() -> None:
    assert block(TypeBlock(TypeIndex(64))) == b"\x02\xc0\x00"  # signed: 64 takes two bytes
    assert block(RefType(nullable=True, heap=ConcreteHeap(TypeIndex(3)))) == b"\x02\x63\x03"
    assert select(FUNCREF) == b"\x1c\x01\x70"


def test_a_table_with_an_initialiser(validate: Validate) -> None:
    builder = ModuleBuilder()
    function = builder.declare_function(FuncType())
    builder.define(function, function_body([], END))
    init = expression(instruction("ref.func", function))
    builder.table(Table(TableType(FUNCREF, Limits(4)), init))
    assert validate(builder.build()) == ""


def test_bodies_that_stay_keep_their_padded_sizes() -> None:
    padded_module = MODULE_PREAMBLE + b"".join(
        (
            b"\x01\x04\x01\x60\x00\x00\x03\x04\x03\x00\x00\x00",
            b"\x0a\x0e\x83\x00",  # three bodies, the count in two bytes
            b"\x82\x00\x00\x0b" + b"\x02\x00\x0b" + b"\x82\x80\x00\x00\x0b",
        )
    )
    base = read_module(padded_module)
    assert len(base.code) == 3
    builder = ModuleBuilder(base)
    builder.define(1, function_body([], encoding("nop") + END))
    builder.define(builder.declare_function(FuncType()), function_body([], END))
    code = read_module(builder.build()).section(SectionId.CODE)
    assert code is not None
    contents = builder.build()[code.payload : code.end]
    assert contents.hex(" ") == "04 82 00 00 0b 03 00 01 0b 82 80 00 00 0b 02 00 0b"
