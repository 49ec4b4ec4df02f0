"""Are generated bindings typed Python whatever the WIT says, and does mypy agree?"""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wherever.component.bindings import of_resolved, package_texts, quoted
from wherever.component.wit.resolve import resolver_of

SUITE = (
    Path(os.environ.get("WHEREVER_SUITES", Path(__file__).parents[3] / "shared" / "suites")) / "wit"
)
NAMES = Path(__file__).parents[1] / "programs" / "component" / "names.wit"
SOURCE = Path(__file__).parents[2] / "src"


def texts_of(files: list[tuple[str, str]]) -> dict[str, str]:
    found = resolver_of(files)
    return package_texts(
        [
            of_resolved(found.interface(package, interface))
            for package in found.packages.values()
            for interface in package.interfaces.values()
        ],
        "test",
    )


def write(texts: dict[str, str], folder: Path) -> None:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)


WIT = """package a:b@1.0.0;
/// Shapes and more.
interface shapes {
  /// A point.
  record point { /** East. */ x: s32, y: s32 }
  variant shape { empty, circle(f64), polygon(list<point>) }
  enum color { red, dark-blue }
  flags access { read, write }
  type id = u64;
  resource counter {
    constructor(start: u32);
    /// The next number.
    next: func() -> u32;
    take: static func(it: counter) -> result<id, color>;
  }
  /// Draw it.
  draw: func(it: shape, class: option<option<u32>>, names: list<string>) -> list<u8>;
}
interface user { use shapes.{point as spot, counter}; at: func(c: borrow<counter>) -> spot; }
"""


def test_docs_and_signatures_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(texts_of([("x/a.wit", WIT)]), tmp_path / "shapes_types")
    monkeypatch.syspath_prepend(str(tmp_path))
    package = importlib.import_module("shapes_types")
    shapes, user = package.shapes, package.user
    assert shapes.__doc__ == "Shapes and more."
    assert shapes.Point.__doc__ == "A point."
    assert shapes.Counter.next.__doc__ == "The next number."
    assert shapes.Color.DARK_BLUE.value == 1
    assert shapes.Access.WRITE.value == 2
    assert shapes.ShapeCircle(1.5).value == 1.5
    assert user.Spot is shapes.Point
    assert package.TYPES["a:b/shapes@1.0.0", "point"] is shapes.Point
    assert (
        "class_: Some[int | None] | None" in (tmp_path / "shapes_types" / "shapes.py").read_text()
    )


@pytest.mark.parametrize(
    "docs",
    ['"""', '\\"""', "\\", 'x"', "x\\", '""" + exit() + """', "\\N{DEL}", "a\x00b\x1b[2J", "{x}"],
)
def test_docs_stay_inside_their_quotes(docs: str) -> None:
    tree = ast.parse(f'"""{quoted(docs)}"""')
    assert len(tree.body) == 1
    assert isinstance(tree.body[0], ast.Expr)
    assert isinstance(tree.body[0].value, ast.Constant)


def test_evil_docs_in_wit() -> None:
    evil = 'package a:b;\n/// """\n/// import os\ninterface i { /// \\"""\n f: func(); }\n'
    for text in texts_of([("x/a.wit", evil)]).values():
        assert "import os" not in [line.strip() for line in text.splitlines()] or ast.parse(text)
        imports = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import)]
        assert not imports


def test_names_that_python_means_something_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(texts_of([("x/a.wit", NAMES.read_text())]), tmp_path / "names_types")
    monkeypatch.syspath_prepend(str(tmp_path))
    package = importlib.import_module("names_types")
    typing = package.typing
    assert typing.Sequence(["a"]).a == ["a"]
    assert typing.AnyClass(3).value == 3
    assert typing.Enum.MRO_.value == 2
    assert typing.Case.__dataclass_fields__.keys() > {"int", "str", "list"} - {"list"}
    assert package.os.Str is typing.Case
    assert package.__file__.startswith(str(tmp_path))


@pytest.mark.slow
@pytest.mark.skipif(not SUITE.is_dir(), reason="the suites are not here")
def test_wasi_passes_mypy_and_pyright_strict(tmp_path: Path) -> None:
    root = SUITE / "0.2.9"
    files = [(str(p.relative_to(root)), p.read_text()) for p in sorted(root.glob("*/*.wit"))]
    write(texts_of(files), tmp_path / "wasi")
    write(texts_of([("x/a.wit", WIT)]), tmp_path / "shapes_types")
    write(texts_of([("x/a.wit", NAMES.read_text())]), tmp_path / "names_types")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            tmp_path / "c",
            "wasi",
            "shapes_types",
            "names_types",
        ],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    settings = {
        "typeCheckingMode": "strict",
        "include": ["wasi", "shapes_types", "names_types"],
        "extraPaths": [str(SOURCE)],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
