"""Is a component's world, as `wherever inspect` shows it, WIT that other tools and ours read?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wherever.component.bindings import of_component, package_texts
from wherever.component.facts import Validated
from wherever.component.read import read_component
from wherever.component.validate import validate
from wherever.component.wit.docs import PackageDocs, package_docs, read_docs
from wherever.component.wit.document import show_component
from wherever.component.wit.resolve import resolver_of

TOOLS = shutil.which("wasm-tools", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
SUITES = Path(os.environ.get("WHEREVER_SUITES", Path(__file__).parents[3] / "shared" / "suites"))
pytestmark = pytest.mark.skipif(TOOLS is None, reason="wasm-tools is not here")

WORLD = """/// The package.
package a:b@1.0.0;
/// Shapes.
interface shapes {
  /// A point.
  record point {
    /// East.
    x: u32, y: u32 }
  type spot = point;
  type name = string;
  resource pen {
    constructor(at: point);
    /// Draw it.
    draw: func(to: spot) -> result<name>;
    make: static func() -> pen;
  }
  variant %interface { %record(point), other }
}
interface user {
  use shapes.{point, pen as ink};
  f: func(p: borrow<ink>, q: option<point>) -> tuple<ink, list<point>>;
}
/// What a plug-in is.
world plug {
  import user;
  import c:d/far@0.2.0;
  import log: func(line: string);
  use shapes.{point as place};
  export inside: interface {
    use shapes.{point}; flags access { read }
    g: func(a: access, p: point);
  }
  export shapes;
  /// Start here.
  export run: async func(p: place) -> u32;
}
package c:d@0.2.0 { interface far { enum side { left, right } type sides = list<side>; } }
"""


def tools(*args: object, data: str | None = None) -> str:
    assert TOOLS is not None
    done = subprocess.run(
        [TOOLS, *map(str, args)], input=data, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def component_of(tmp_path: Path, wit: str, world: str) -> Validated:
    """A component of that world that does nothing."""
    (tmp_path / "w.wit").write_text(wit)
    tools(
        "component", "embed", tmp_path / "w.wit", "-w", world, "--dummy", "-o", tmp_path / "m.wasm"
    )
    tools("component", "new", tmp_path / "m.wasm", "-o", tmp_path / "c.wasm")
    return validate(read_component((tmp_path / "c.wasm").read_bytes()))


def as_wasm_tools(text: str, tmp_path: Path) -> str:
    """What wasm-tools makes of a WIT document, and that our own reader takes it too."""
    for file in ("doc.wit", "doc2.wit"):
        (tmp_path / file).write_text(text)
        text = tools("component", "wit", tmp_path / file)
    return text


def sorted_lines(text: str) -> list[str]:
    """The lines: `use`s may be gathered, items in another order, stability is not told."""
    found: list[str] = []
    for line in text.splitlines():
        head, brace, names = line.strip().partition(".{")
        if head.startswith("use ") and brace:
            found += [f"{head}.{name.strip()}" for name in names.rstrip("};").split(",")]
        else:
            found.append(head + brace + names)
    return sorted(line for line in found if line and not line.startswith("@"))


def test_a_world_is_the_one_that_wasm_tools_shows(tmp_path: Path) -> None:
    validated = component_of(tmp_path, WORLD, "plug")
    shown = show_component(validated)
    theirs = tools("component", "wit", tmp_path / "c.wasm")
    assert sorted_lines(as_wasm_tools(shown, tmp_path)) == sorted_lines(theirs)
    assert "use shapes.{pen as ink, point};" in shown
    assert "type spot = point;" in shown
    found = resolver_of([("x/doc.wit", shown)])
    package = next(iter(found.packages.values()))
    world = found.world(package, package.worlds["root"])
    assert set(world.imports) >= {"a:b/user@1.0.0", "log"}
    assert set(world.exports) == {"inside", "a:b/shapes@1.0.0", "run"}


@pytest.mark.slow
def test_every_wasi_package_shows_as_wasm_tools_has_it(tmp_path: Path) -> None:
    root = SUITES / "wit" / "0.2.9"
    if not root.is_dir():
        pytest.skip("the suites are not here")
    for name in ("http", "cli"):
        folder = tmp_path / name
        (folder / "deps").mkdir(parents=True)
        for file in (root / name).glob("*.wit"):
            shutil.copy(file, folder)
        for other in root.iterdir():
            if other.name != name:
                shutil.copytree(other, folder / "deps" / other.name)
        tools("component", "wit", folder, "--wasm", "-o", tmp_path / "p.wasm")
        shown = show_component(validate(read_component((tmp_path / "p.wasm").read_bytes())))
        ours = as_wasm_tools(shown, tmp_path)
        theirs = tools("component", "wit", tmp_path / "p.wasm")
        assert sorted_lines(ours) == sorted_lines(theirs)


def test_a_package_in_binary_shows_its_docs(tmp_path: Path) -> None:
    (tmp_path / "w.wit").write_text(WORLD)
    tools("component", "wit", tmp_path / "w.wit", "--wasm", "-o", tmp_path / "p.wasm")
    validated = validate(read_component((tmp_path / "p.wasm").read_bytes()))
    shown = show_component(validated)
    theirs = tools("component", "wit", tmp_path / "p.wasm")
    assert sorted_lines(as_wasm_tools(shown, tmp_path)) == sorted_lines(theirs)
    for doc in ("The package.", "Shapes.", "A point.", "East.", "Draw it.", "What a plug-in is."):
        assert f"/// {doc}" in shown
    texts = package_texts(of_component(validated.type, package_docs(validated.component)), "t")
    assert '"""A point."""' in texts["shapes.py"]
    assert '"""Draw it.' in texts["shapes.py"]
    assert "from .shapes import Pen as Ink" in texts["user.py"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1",
        b"\1[]",
        b'\1{"interfaces": [1], "worlds": {"w": 3}, "docs": {}}',
        b"\1" + b"[" * 100_000,
        b"\1\xff\xfe",
        b'\1{"interfaces": {"i": {"types": {"t": {"docs": 1, "items": {"x": null}}}}}}',
    ],
)
def test_docs_of_any_shape_are_read_or_passed_over(data: bytes) -> None:
    found = read_docs(data)
    assert found.text == ""
    assert all(not item.text for item in found.worlds.values())


def test_docs_cannot_reach_the_terminal_or_leave_their_line() -> None:
    evil = "one\x1b[2J\r\nworld w {}\u2028x\u202e"
    docs = read_docs(b"\1" + json.dumps({"docs": evil}).encode())
    component = validate(read_component(b"\0asm\x0d\0\1\0"))
    assert docs == PackageDocs(evil)
    from wherever.component.wit.show import doc_lines

    for line in doc_lines(docs.text, "  "):
        assert line.startswith("  ///")
        assert line.isprintable()
    assert show_component(component) == "package root:component;\n\nworld root {\n}\n"


def test_a_component_of_no_wit_is_told_in_comments(tmp_path: Path) -> None:
    (tmp_path / "c.wat").write_text(
        """(component
          (import "m" (core module))
          (import "url=<https://x>" (func))
          (component $c) (export "inner" (component $c))
          (type $r (record (field "use" u32)))
          (export $e "thing" (type $r))
          (import "h" (func $h (param "x" u32))) (export "h2" (func $h)))"""
    )
    tools("parse", tmp_path / "c.wat", "-o", tmp_path / "c.wasm")
    shown = show_component(validate(read_component((tmp_path / "c.wasm").read_bytes())))
    assert "// import m: core module" in shown
    assert "// export inner: component" in shown
    assert "%use: u32" in shown
    as_wasm_tools(shown, tmp_path)
