"""Is the opcode table right, row by row, in the eyes of another tool?"""

import re
import subprocess
from collections.abc import Callable

from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.emit import END, encoding, function_body
from wherever.wasm.instructions import (
    Cast,
    Catch,
    CatchKind,
    Instruction,
    MemArg,
    Value,
    encode_instruction,
)
from wherever.wasm.leb128 import unsigned
from wherever.wasm.module import Data, Element, SegmentMode
from wherever.wasm.opcodes import BY_NAME, INDEX_IMMEDIATES, OPCODES, Immediate, Opcode
from wherever.wasm.preamble import MODULE_PREAMBLE
from wherever.wasm.text import instruction_text, natural_alignment
from wherever.wasm.types import (
    ANYREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    AbstractHeap,
    FuncType,
    Limits,
    MemoryType,
    RefType,
    TableType,
)

# Only ever inside a block of their own kind; each stands in one of the bodies below.
INSIDE = {"else": "if", "catch": "try", "catch_all": "try", "delegate": "try"}


def immediate(opcode: Opcode, kind: Immediate) -> Value:
    """Something plausible."""
    if kind in INDEX_IMMEDIATES:
        return 0
    match kind:
        case Immediate.BLOCKTYPE:
            return None
        case Immediate.LABELS:
            return (0, 0)
        case Immediate.MEMARG:
            return MemArg(natural_alignment(opcode), 8)
        case Immediate.V128 | Immediate.LANES:
            return bytes(range(16))
        case Immediate.VALTYPES:
            return (I32,)
        case Immediate.HEAPTYPE:
            return AbstractHeap.STRUCT
        case Immediate.CATCHES:
            return (Catch(CatchKind.CATCH_ALL, None, 0),)
        case Immediate.CAST:
            return Cast(0, ANYREF, RefType(nullable=False, heap=AbstractHeap.STRUCT))
        case _:
            return 0


def example(opcode: Opcode) -> Instruction:
    return Instruction(opcode, tuple(immediate(opcode, kind) for kind in opcode.immediates))


def bodies() -> list[tuple[str, bytes]]:
    """For every row the line it must print as, and a body that has it at its start or middle."""
    found: list[tuple[str, bytes]] = []
    for opcode in OPCODES:
        if opcode.name == "end":
            continue
        raw = encode_instruction(example(opcode))
        if opcode.name in INSIDE:
            raw = encoding(INSIDE[opcode.name]) + b"\x40" + raw
            raw += b"" if opcode.name == "delegate" else END
        elif Immediate.BLOCKTYPE in opcode.immediates:
            raw += END
        found.append((instruction_text(example(opcode)), raw + END))
    return found


def test_every_row_prints_as_wasm_tools_prints_it(wasm_tools: str) -> None:
    made = bodies()
    entries = [unsigned(len(raw) + 1) + b"\0" + raw for _, raw in made]
    code = unsigned(len(entries)) + b"".join(entries)
    functions = unsigned(len(entries)) + b"\0" * len(entries)
    module = MODULE_PREAMBLE + b"".join(
        bytes((number,)) + unsigned(len(contents)) + contents
        for number, contents in (
            (1, b"\x01\x60\x00\x00"),
            (3, functions),
            (5, b"\x01\x00\x01"),
            (13, b"\x01\x00\x00"),
            (10, code),
        )
    )
    printed = subprocess.run(
        [wasm_tools, "print", "-"], input=module, capture_output=True, check=True
    ).stdout.decode()
    chunks = re.split(r"^  \(func .*$", printed, flags=re.MULTILINE)[1:]
    assert len(chunks) == len(made) == len(OPCODES) - 1
    for (wanted, raw), chunk in zip(made, chunks, strict=True):
        lines = [re.sub(r";;.*|\(;.*?;\)", "", line).split() for line in chunk.splitlines()]
        texts = [" ".join(words).replace(" )", ")") for words in lines]
        if wanted.startswith(("f32.const", "f64.const")):
            wanted = wanted.replace("const 0", "const 0x0p+0")
        assert wanted in texts, (wanted, raw.hex(), texts)


def test_names_and_codes_are_unique() -> None:
    assert len(BY_NAME) == len(OPCODES)
    assert len({opcode.encoding for opcode in OPCODES}) == len(OPCODES)


def test_signatures_speak_of_known_types() -> None:
    known = {"i32", "i64", "f32", "f64", "v128", "addr", "ref"}
    for opcode in OPCODES:
        if opcode.signature is not None:
            assert {*opcode.signature.operands, *opcode.signature.results} <= known, opcode.name


PUSH = {
    "i32": b"\x41\x00",
    "addr": b"\x41\x00",
    "i64": b"\x42\x00",
    "f32": b"\x43" + bytes(4),
    "f64": b"\x44" + bytes(8),
    "v128": b"\xfd\x0c" + bytes(16),
    "ref": b"\xd0\x6d",  # ref.null eq
}
TYPES = {"i32": I32, "addr": I32, "i64": I64, "f32": F32, "f64": F64, "v128": V128}


def test_every_signature_validates(validate: Callable[[bytes], str]) -> None:
    """A function that pushes the operands and returns the results of one instruction."""
    builder = ModuleBuilder()
    builder.memory(MemoryType(Limits(1)))
    builder.table(TableType(FUNCREF, Limits(1)))
    builder.data(Data(SegmentMode.PASSIVE, memoryview(b"x")))
    builder.element(Element(SegmentMode.PASSIVE, FUNCREF, None, ()))
    checked = 0
    for opcode in OPCODES:
        if opcode.signature is None:
            continue
        results = tuple(TYPES[word] for word in opcode.signature.results)
        function = builder.declare_function(FuncType((), results), name=opcode.name)
        code = b"".join(PUSH[word] for word in opcode.signature.operands)
        code += encode_instruction(example(opcode)) + END
        builder.define(function, function_body([], code))
        checked += 1
    assert checked > 480
    assert validate(builder.build()) == ""
