"""Does reading follow the binary format, and name what it refuses and where?"""

import pytest

from wherever.errors import InvalidProgram
from wherever.wasm.cursor import Cursor, Malformed
from wherever.wasm.features import Feature
from wherever.wasm.module import SectionId
from wherever.wasm.preamble import COMPONENT_PREAMBLE, MODULE_PREAMBLE
from wherever.wasm.reader import read_module
from wherever.wasm.shape import shape
from wherever.wasm.types import I32, ExternKind, FuncType


def section(number: int, contents: bytes) -> bytes:
    return bytes((number, len(contents))) + contents


ADD = MODULE_PREAMBLE + b"".join(
    (
        section(1, b"\x01\x60\x02\x7f\x7f\x01\x7f"),
        section(3, b"\x01\x00"),
        section(7, b"\x01\x03add\x00\x00"),
        section(10, b"\x01\x07\x00\x20\x00\x20\x01\x6a\x0b"),
    )
)


def test_a_module_is_read() -> None:
    module = read_module(ADD)
    assert module.types[0].composite == FuncType((I32, I32), (I32,))
    assert [section.id for section in module.sections] == [
        SectionId.TYPE,
        SectionId.FUNCTION,
        SectionId.EXPORT,
        SectionId.CODE,
    ]
    names = [instruction.opcode.name for _, instruction in module.code[0].instructions()]
    assert names == ["local.get", "local.get", "i32.add", "end"]


def test_a_shape_resolves_exports() -> None:
    (export,) = shape(read_module(ADD)).exports
    assert (export.name, export.kind, str(export.signature), export.opaque) == (
        "add",
        ExternKind.FUNC,
        "(func (param i32 i32) (result i32))",
        False,
    )


@pytest.mark.parametrize(
    ("data", "reason", "offset"),
    [
        (b"", "unexpected end in the magic number", 0),
        (b"\x7fELF....", "magic header not detected", 0),
        (b"\0asm\2\0\0\0", "unknown binary version 2", 4),
        (COMPONENT_PREAMBLE, "a component, where a module was wanted", 6),
        (MODULE_PREAMBLE + b"\x0e\x00", "malformed section id 14", 8),
        (MODULE_PREAMBLE + b"\x01\x7f", "claims 127 bytes, 0 are left", 8),
        (MODULE_PREAMBLE + b"\x03\x01\x00\x01\x01\x00", "out of order or repeated", 11),
        (MODULE_PREAMBLE + b"\x03\x02\x01\x00", "inconsistent lengths: 1 and 0", 12),
        (MODULE_PREAMBLE + b"\x01\x02\x00\x00", "section size mismatch", 11),
        (MODULE_PREAMBLE + b"\x01\x05\xff\xff\xff\xff\x0f", "4294967295 types do not fit", 10),
        (MODULE_PREAMBLE + b"\x05\x03\x01\x10\x00", "malformed limits flags 0x10", 11),
        (MODULE_PREAMBLE + b"\x00\x03\x02\xc0\xaf", "malformed UTF-8 encoding in a name", 11),
    ],
)
def test_what_is_malformed_is_named_with_its_offset(data: bytes, reason: str, offset: int) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        read_module(data)
    assert caught.value.offset == offset
    assert isinstance(caught.value, InvalidProgram)


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        (b"\x00", 0),
        (b"\xe5\x8e\x26", 624485),
        (b"\x80\x80\x80\x80\x00", 0),
        (b"\xff\xff\xff\xff\x0f", 0xFFFFFFFF),
    ],
)
def test_unsigned_leb128(encoded: bytes, value: int) -> None:
    assert Cursor(encoded).u32() == value


@pytest.mark.parametrize(
    ("encoded", "value"),
    [(b"\x7f", -1), (b"\xc0\xbb\x78", -123456), (b"\x80\x80\x80\x80\x78", -(1 << 31))],
)
def test_signed_leb128(encoded: bytes, value: int) -> None:
    assert Cursor(encoded).s32() == value


@pytest.mark.parametrize("encoded", [b"\xff\xff\xff\xff\x1f", b"\x80\x80\x80\x80\x80\x00", b"\x80"])
def test_unsigned_leb128_out_of_range(encoded: bytes) -> None:
    with pytest.raises(Malformed):
        Cursor(encoded).u32()


@pytest.mark.parametrize("encoded", [b"\xff\xff\xff\xff\x4f", b"\x80\x80\x80\x80\x08", b"\xff"])
def test_signed_leb128_out_of_range(encoded: bytes) -> None:
    with pytest.raises(Malformed):
        Cursor(encoded).s32()


def test_declared_features() -> None:
    memories = MODULE_PREAMBLE + section(5, b"\x02\x03\x01\x02\x04\x01")
    found = shape(read_module(memories))
    assert found.features == {Feature.THREADS, Feature.MEMORY64, Feature.MULTI_MEMORY}
    assert found.shared_memory
    assert found.memory64


def test_an_export_of_nothing_is_refused() -> None:
    data = MODULE_PREAMBLE + section(7, b"\x01\x01f\x00\x07")
    with pytest.raises(Malformed, match="unknown func 7: an export names it"):
        shape(read_module(data))


def test_an_opaque_type_is_flagged() -> None:
    exports_v128 = MODULE_PREAMBLE + b"".join(
        (
            section(1, b"\x01\x60\x00\x01\x7b"),
            section(3, b"\x01\x00"),
            section(7, b"\x01\x01f\x00\x00"),
            section(10, b"\x01\x03\x00\x00\x0b"),
        )
    )
    assert shape(read_module(exports_v128)).opaque
    assert not shape(read_module(ADD)).opaque


def test_more_than_any_engine_takes_is_refused() -> None:
    """A million types are some hundred megabytes of values; what runs nowhere need not be made."""
    count = 1_000_001
    contents = b"\xc1\x84\x3d" + b"\x60\0\0" * count
    size = bytes((len(contents) & 0x7F | 0x80, len(contents) >> 7 & 0x7F | 0x80))
    data = MODULE_PREAMBLE + b"\x01" + size + bytes((len(contents) >> 14 & 0x7F | 0x80, 1))
    with pytest.raises(Malformed, match="1000001 types, where engines take at most 1000000"):
        read_module(data + contents)


def test_branch_hints_are_a_feature() -> None:
    hinted = MODULE_PREAMBLE + section(0, b"\x19metadata.code.branch_hint\0")
    assert shape(read_module(hinted)).features == {Feature.BRANCH_HINTING}
