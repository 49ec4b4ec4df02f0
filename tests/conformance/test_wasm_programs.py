"""Do real programs read, inspect and write back byte for byte?

The programs are those of tests/corpora.py; `make corpora` fetches them.
"""

import os
from pathlib import Path

import pytest

from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.code_scan import code_features
from wherever.wasm.declared import heap_type_feature, val_type_feature
from wherever.wasm.features import Feature
from wherever.wasm.inspect import inspect_module
from wherever.wasm.instructions import TypeBlock
from wherever.wasm.module import Module
from wherever.wasm.reader import read_module
from wherever.wasm.types import AbstractHeap, ConcreteHeap, RefType, VecType
from wherever.wasm.writer import rewrite_module, write_module

SAMPLE = 700_000  # the bytes of a program small enough for `make test`
DECODED = 4_000_000  # the bytes of code of which every instruction is decoded one by one


def programs(config: pytest.Config) -> list[Path]:
    named = os.environ.get("WHEREVER_CORPORA")
    folder = Path(named) if named else config.rootpath / ".corpora"
    found = sorted(path for path in folder.rglob("*.wasm") if is_core(path))
    if config.getoption("whole"):
        return found
    return [path for path in found if path.stat().st_size <= SAMPLE]


def is_core(path: Path) -> bool:
    """Components are built into the same folder: the layer, in the header, tells them apart."""
    with path.open("rb") as file:
        return file.read(8)[6:] == b"\0\0"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "program" in metafunc.fixturenames:
        found = programs(metafunc.config)
        missing = pytest.param(
            None, marks=pytest.mark.skip(reason="no programs fetched: make corpora")
        )
        names = [path.stem for path in found]
        metafunc.parametrize("program", found or [missing], ids=names or ["none"])


def features_by_decoding(module: Module, step: int) -> set[Feature]:
    found: set[Feature] = set()
    for body in module.code[::step]:
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


def test_program(program: Path) -> None:
    data = program.read_bytes()
    module = read_module(data)
    assert write_module(module) == data
    assert ModuleBuilder(module).build() == data
    again = read_module(rewrite_module(module))
    assert (again.types, again.imports, again.exports) == (
        module.types,
        module.imports,
        module.exports,
    )
    assert (again.elements, again.data) == (module.elements, module.data)
    report = inspect_module(module)
    assert report.counts is not None
    assert report.counts.functions == report.counts.imported_functions + len(module.code)
    assert sum(section.size for section in report.sections) + 8 == len(data)
    code = sum(body.end - body.start for body in module.code)
    # Of a large program every instruction is scanned, and a part decoded to compare with.
    step = max(1, code // DECODED)
    decoded = features_by_decoding(module, step)
    scanned = code_features(module)
    assert decoded == scanned if step == 1 else decoded <= scanned
