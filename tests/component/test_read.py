"""Does the reader take what is well-formed, and refuse the rest with an offset?"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherever.component.read import is_component, read_component
from wherever.component.syntax import CoreModule, Custom, NestedComponent
from wherever.component.validate import validate
from wherever.errors import InvalidProgram, Unsupported

EMPTY = b"\0asm\x0d\0\x01\0"
CORE = b"\0asm\x01\0\0\0"


def section(code: int, body: bytes) -> bytes:
    size = len(body)
    return bytes([code, size & 0x7F | 0x80, size >> 7]) + body


def test_empty_component() -> None:
    assert is_component(EMPTY)
    assert not is_component(CORE)
    assert read_component(EMPTY).definitions == ()


def test_nested_things_keep_the_offsets_of_the_file() -> None:
    data = EMPTY + section(1, CORE) + section(4, EMPTY) + section(0, b"\x02hibytes")
    component = read_component(data)
    module, nested = component.definitions
    assert isinstance(module, CoreModule)
    assert data[module.start : module.end] == CORE
    assert isinstance(nested, NestedComponent)
    assert nested.component.start == 22
    assert component.customs == (Custom("hi", 36, 41),)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "magic"),
        (EMPTY[:7], "magic"),
        (b"\0asm\x0e\0\x01\0", "version"),
        (EMPTY + b"\x0d\x00", "unknown section"),
        (EMPTY + b"\x07\x05", "beyond the end"),
        (EMPTY + section(7, b"\x7f"), "do not fit"),
        (EMPTY + section(7, b"\x01\x72\x00"), "at least one field"),
        (EMPTY + section(7, b"\x01\x73\x00"), "at the end of a section"),
        (EMPTY + section(8, b"\x01\x60"), "canonical function 0x60"),
        (EMPTY + section(6, b"\x01\x05\x07"), "alias target"),
    ],
)
def test_malformed(data: bytes, what: str) -> None:
    with pytest.raises(InvalidProgram, match=what):
        read_component(data)


def test_nesting_is_bounded() -> None:
    data = EMPTY
    for _ in range(100):
        size = len(data)
        leb = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
        data = EMPTY + b"\x04" + leb + data
    with pytest.raises(InvalidProgram, match="nested more than"):
        read_component(data)


def test_values_are_recognised_and_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="values"):
        read_component(EMPTY + section(12, b"\x00"))


def test_a_type_that_doubles_is_refused_before_anything_walks_it() -> None:
    # type n is (tuple n-1 n-1): 2^64 leaves from 200 bytes
    types = b"\x01\x7f" + b"".join(bytes([0x6F, 2, i, i]) for i in range(64))
    body = bytes([65]) + types[1:]
    with pytest.raises(InvalidProgram, match="exceeds"):
        validate(read_component(EMPTY + section(7, body)))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_typed_error(tail: bytes) -> None:
    with contextlib.suppress(InvalidProgram, Unsupported):
        validate(read_component(EMPTY + tail))
