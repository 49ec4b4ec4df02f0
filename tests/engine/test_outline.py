"""Does a module's outline survive what the module says of itself, and choose a profile by it?"""

import pytest

from wherever.engine.engine import wat2wasm
from wherever.engine.outline import Outline, choose
from wherever.engine.profile import Placement, Profile
from wherever.errors import InvalidProgram
from wherever.wasm.types import AbstractHeap, FuncType, RefType


def test_a_type_that_is_not_there_is_an_invalid_program() -> None:
    """Found by tests/hostile/modules.py: a signature naming type 99 of one."""
    wasm = (
        b"\0asm\x01\0\0\0"
        b"\x01\x07\x01\x60\x00\x01\x64\xe3\x00"  # (type (func (result (ref 99))))
        b"\x03\x02\x01\x00"
        b"\x07\x05\x01\x01f\x00\x00"
        b"\x0a\x05\x01\x03\x00\x00\x0b"
    )
    with pytest.raises(InvalidProgram, match="unknown type"):
        Outline(wasm)


def test_exports_name_the_modules_own_types_by_their_supertypes() -> None:
    outline = Outline(
        wat2wasm("""(module (type $s (struct)) (type $a (array i8)) (type $f (func))
          (func (export "f") (param (ref null $s) (ref $a)) (result (ref null $f)) ref.null $f))""")
    )
    assert outline.exports["f"].type == FuncType(
        (RefType(True, AbstractHeap.STRUCT), RefType(False, AbstractHeap.ARRAY)),
        (RefType(True, AbstractHeap.FUNC),),
    )


@pytest.mark.parametrize(
    ("text", "placement"),
    [
        ("(module (memory 1))", Placement.POOLED),
        ("(module (memory 1) (memory 1))", Placement.DEMAND),
        ("(module (table 20001 funcref))", Placement.DEMAND),
        ("(module (memory 1 1 shared))", Placement.DEMAND),
        ("(module (table 1 funcref) (table 1 funcref))", Placement.POOLED),
    ],
)
def test_the_profile_is_chosen_by_the_shape(text: str, placement: Placement) -> None:
    assert choose(Outline(wat2wasm(text)).shape, Profile()).placement is placement
