"""Does `import` load components only where it was asked to, for what was listed, without grants?"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hosts.component.assembling import TOOLS, assemble

import wherever

pytestmark = pytest.mark.skipif(TOOLS is None, reason="wasm-tools is not here")

ADDER = """(component
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "spin") (loop (br 0))))
  (core instance $i (instantiate $m))
  (type $e (enum "red" "green")) (export $e' "colour" (type $e))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $i "add")))
  (func (export "close") (canon lift (core func $i "spin")))
  (func (export "spin") (canon lift (core func $i "spin"))))"""
GREEDY = '(component (import "acme:disk/wipe" (instance (export "all" (func)))))'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = set(sys.modules)
    finders = list(sys.meta_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("whv_"):
            del sys.modules[name]
    assert sys.meta_path == finders


def test_nothing_is_imported_unless_it_is_enabled(folder: Path) -> None:
    (folder / "whv_lib.wasm").write_bytes(assemble(ADDER))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("whv_lib")


def test_a_listed_component_is_a_module(folder: Path) -> None:
    (folder / "whv_lib.wasm").write_bytes(assemble(ADDER))
    with wherever.enable_imports(["whv_lib"]):
        lib = importlib.import_module("whv_lib")
        assert lib.add(40, 2) == 42
        assert lib.Colour.GREEN.value == 1
        assert "add" in dir(lib)
        assert "add" in lib.__all__
        assert "export add: func(a: u32, b: u32) -> u32;" in lib.__doc__
        assert lib.__file__ == str(folder / "whv_lib.wasm")
        assert importlib.import_module("whv_lib") is lib
        with pytest.raises(AttributeError, match=r"the component exports .*add"):
            _ = lib.subtract
        with pytest.raises(TypeError, match="argument 'a'"):
            lib.add("1", 2)


def test_only_what_is_listed_is_found(folder: Path) -> None:
    (folder / "whv_other.wasm").write_bytes(assemble(ADDER))
    with wherever.enable_imports(["whv_lib"]), pytest.raises(ModuleNotFoundError):
        importlib.import_module("whv_other")


def test_what_python_finds_by_itself_is_never_taken(folder: Path) -> None:
    for name in ("whv_lib", "json"):
        (folder / f"{name}.wasm").write_bytes(assemble(ADDER))
    (folder / "whv_lib.py").write_text("mine = True\n")
    with wherever.enable_imports(["whv_lib", "json"]) as hook:
        assert sys.meta_path[-1] is hook
        assert importlib.import_module("whv_lib").mine
        sys.modules.pop("json")
        assert importlib.import_module("json").dumps(1) == "1"


def test_a_mapping_names_the_files(folder: Path) -> None:
    (folder / "else where.wasm").write_bytes(assemble(ADDER))
    with wherever.enable_imports({"whv_named": folder / "else where.wasm"}):
        assert importlib.import_module("whv_named").add(1, 2) == 3


def test_a_component_inside_a_package(folder: Path) -> None:
    (folder / "whv_pkg").mkdir()
    (folder / "whv_pkg" / "__init__.py").touch()
    (folder / "whv_pkg" / "fast.wasm").write_bytes(assemble(ADDER))
    with wherever.enable_imports(["whv_pkg.fast"]):
        assert importlib.import_module("whv_pkg.fast").add(1, 2) == 3


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (assemble(GREEDY), "acme:disk/wipe"),
        (b"\0asm\1\0\0\0", "webassembly"),
        (b"no", "no program|not"),
    ]
    if TOOLS
    else [],
)
def test_what_cannot_be_had_without_grants_is_an_import_error(
    folder: Path, data: bytes, what: str
) -> None:
    (folder / "whv_bad.wasm").write_bytes(data)
    with wherever.enable_imports(["whv_bad"]), pytest.raises(ImportError, match=what) as caught:
        importlib.import_module("whv_bad")
    assert caught.value.name == "whv_bad"
    assert "whv_bad" not in sys.modules


def test_limits_are_kept(folder: Path) -> None:
    (folder / "whv_spin.wasm").write_bytes(assemble(ADDER))
    with wherever.enable_imports(["whv_spin"], limits=wherever.Limits(time=0.2)):
        lib = importlib.import_module("whv_spin")
        with pytest.raises(wherever.LimitExceeded):
            lib.spin()


@pytest.mark.parametrize("name", ["../x", "a-b", "", "a..b", "a/b", "x y"])
def test_a_name_that_import_could_not_take_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        wherever.enable_imports([name])


def test_one_string_is_not_a_list_of_letters() -> None:
    with pytest.raises(TypeError, match="list of names"):
        wherever.enable_imports("shapes")


def test_it_works_from_a_fresh_interpreter(folder: Path) -> None:
    (folder / "whv_lib.wasm").write_bytes(assemble(ADDER))
    code = "import wherever; wherever.enable_imports(['whv_lib']); from whv_lib import add; "
    done = subprocess.run(
        [sys.executable, "-c", code + "print(add(1, 2))"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "3\n", done.stderr
