"""What do small functions become? Cost shows in review: the golden file counts instructions."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from wherever.aot import encode as e
from wherever.aot.convention import conventions
from wherever.aot.emit import FunctionEmitter
from wherever.aot.functions import find_functions
from wherever.aot.image import place
from wherever.aot.inline import with_copies
from wherever.aot.layout import Layout
from wherever.aot.lift import lift
from wherever.aot.points import find_beginnings
from wherever.aot.recover import recover
from wherever.aot.tables import find_tables
from wherever.isa.aarch64.registers import REGISTERS
from wherever.program.elf import read_elf
from wherever.wasm.cursor import Cursor
from wherever.wasm.instructions import read_expression

GOLDEN = Path(__file__).parents[1] / "golden" / "aot" / "functions.txt"
BASE = 0x400000


def program(code: bytes) -> bytes:
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    entry = BASE + 120
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", ident, 2, 183, 1, entry, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    size = 120 + len(code)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 4096) + code


def emitted(words: list[int]) -> str:
    """The function, pointed to and so of the uniform signature, as the pipeline emits it."""
    # _start: bl f; b .
    code = struct.pack(f"<{len(words) + 2}I", 0x94000002, 0x14000000, *words)
    code += bytes(-len(code) % 8) + struct.pack("<Q", BASE + 128)
    image = place(read_elf(program(code)))
    recovered = recover(image)
    lifted = lift(recovered)
    find_tables(image, recovered, lifted)
    agreed = conventions(find_functions(recovered, lifted))
    registers = list(range(len(REGISTERS)))
    functions = dict.fromkeys(agreed.all, 0)
    runtime = [(97, f.results, f.gives_nan, f.exchanges) for f in lifted.runtime.functions]
    layout = Layout(registers, 99, functions, runtime, 0, 0, 0, 98, 0, 0, 0, {}, BASE, 64)
    signature = agreed.all[BASE + 128]
    layout.resumes[signature.entry] = e.call(96)
    again = find_beginnings(agreed).get(signature.entry, [])
    exact = {start: selector for selector, start in enumerate(again)}
    body = FunctionEmitter(layout, *with_copies(agreed, signature), exact=exact).emit()
    names = [REGISTERS.names[s] for s in signature.parameters]
    results = [REGISTERS.names[s] for s in signature.results]
    text = [
        " ".join(
            (item.opcode.name, *(str(value) for value in item.immediates if value is not None))
        )
        for _, item in read_expression(Cursor(body.code))
    ]
    shape = f"({' '.join(names)}) -> ({' '.join(results)}): {len(text)} instructions"
    return f"{shape}: {'; '.join(text)}"


def test_golden_functions() -> None:
    lines = GOLDEN.read_text().splitlines()
    sources = [line for line in lines if line and not line.startswith(("#", "=>"))]
    out = [line for line in lines if line.startswith("#")]
    for source in sources:
        _, *words = source.split()
        out += [source, "=> " + emitted([int(word, 16) for word in words])]
    wanted = "\n".join(out) + "\n"
    if os.environ.get("BLESS"):
        GOLDEN.write_text(wanted)
    assert GOLDEN.read_text() == wanted, "run BLESS=1 pytest tests/aot/test_golden.py"
