"""Is WIT read as `wasm-tools component wit` reads it? The packages of WASI, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherever.component import types as ct
from wherever.component.read import read_component
from wherever.component.validate import validate
from wherever.component.wit.lex import BadWit
from wherever.component.wit.parse import parse
from wherever.component.wit.resolve import Resolver, resolver_of
from wherever.component.wit.show import show_interface

SUITE = (
    Path(os.environ.get("WHEREVER_SUITES", Path(__file__).parents[3] / "shared" / "suites")) / "wit"
)
TOOLS = shutil.which("wasm-tools", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
PACKAGES = [
    f"{version}/{name}"
    for version, names in {
        "0.2.9": "cli clocks filesystem http io random sockets",
        "0.3.0": "cli clocks filesystem http random sockets",
    }.items()
    for name in names.split()
]


WORDS = [
    "interface",
    "world",
    "use",
    "type",
    "record",
    "{",
    "}",
    "<",
    ">",
    "(",
    ")",
    ",",
    ";",
    ":",
    "=",
    ".",
    "@",
    "a",
    "b",
    "u32",
    "list",
    "func",
    "->",
    "1",
    "%",
]


def resolver(version: str) -> Resolver:
    root = SUITE / version
    files = [(str(p.relative_to(root)), p.read_text()) for p in sorted(root.glob("*/*.wit"))]
    return resolver_of(files)


@pytest.mark.skipif(not SUITE.is_dir() or TOOLS is None, reason="suites or wasm-tools not here")
@pytest.mark.parametrize("package", PACKAGES)
def test_interfaces_are_what_wasm_tools_encodes(package: str, tmp_path: Path) -> None:
    version, _, name = package.partition("/")
    shutil.copytree(SUITE / version / name, tmp_path / "wit")
    for other in (SUITE / version).iterdir():
        if other.is_dir() and other.name != name:
            shutil.copytree(other, tmp_path / "wit" / "deps" / other.name)
    assert TOOLS is not None
    encoded = tmp_path / "wit.wasm"
    subprocess.run(
        [TOOLS, "component", "wit", tmp_path / "wit", "--wasm", "-o", encoded], check=True
    )
    ours = resolver(version)
    seen = 0
    for extern in validate(read_component(encoded.read_bytes())).type.exports.values():
        assert isinstance(extern, ct.TypeBound)
        assert isinstance(extern.type, ct.ComponentType)
        for full_name, instance in extern.type.exports.items():
            if not isinstance(instance, ct.InstanceType):
                continue
            home = next(p for p in ours.packages.values() if p.name == name)
            short = full_name.partition("/")[2].partition("@")[0]
            if short not in home.interfaces:
                continue
            resolved = ours.interface(home, home.interfaces[short])
            assert resolved.name == full_name
            assert set(resolved.exports) == set(instance.exports)
            mine, theirs = show_interface(resolved.exports), show_interface(instance.exports)
            assert sorted(mine) == sorted(theirs)
            seen += 1
    assert seen


def one(text: str) -> Resolver:
    return resolver_of([("x/a.wit", f"package a:b@1.0.0;\n{text}")])


def lines(text: str, name: str) -> list[str]:
    found = one(text)
    package = found.packages["a:b@1.0.0"]
    return show_interface(found.interface(package, package.interfaces[name]).exports)


def test_types_and_docs() -> None:
    text = """
    /// What it is.
    interface i {
      /// A point.
      record point { /** east */ x: s32, y: list<u8, 4> }
      type id = u64;
      resource file {
        constructor(%type: string);
        read: func(at: id) -> result<list<u8>, point>;
        open: static func() -> option<file>;
      }
      @unstable(feature = later)
      never: func();
      @since(version = 1.0.0)
      lend: async func(f: borrow<file>, s: stream<u8>) -> future<point>;
    }
    """
    assert lines(text, "i") == [
        "  record point {",
        "    x: s32,",
        "    y: list<u8, 4>,",
        "  }",
        "  type id = u64;",
        "  resource file {",
        "    constructor(%type: string);",
        "    read: func(at: id) -> result<list<u8>, point>;",
        "    open: static func() -> option<file>;",
        "  }",
        "  lend: async func(f: borrow<file>, s: stream<u8>) -> future<point>;",
    ]
    found = one(text)
    package = found.packages["a:b@1.0.0"]
    interface = found.interface(package, package.interfaces["i"])
    assert interface.doc == "What it is."
    assert interface.docs["point"] == "A point."
    assert interface.docs["point.x"] == "east"


def test_worlds_include_and_use() -> None:
    found = one("""
    interface t { type n = u32; }
    interface i { use t.{n as m}; f: func(x: m); }
    world base { import i; export run: func(); }
    world all { include base with { run as go }; export j: interface { g: func(); } }
    """)
    package = found.packages["a:b@1.0.0"]
    world = found.world(package, package.worlds["all"])
    assert set(world.imports) == {"a:b/i@1.0.0", "a:b/t@1.0.0"}
    assert set(world.exports) == {"go", "j"}


def resolve_all(text: str) -> None:
    found = one(text)
    for package in found.packages.values():
        for interface in package.interfaces.values():
            found.interface(package, interface)
        for world in package.worlds.values():
            found.world(package, world)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("interface i { f: func(x: nope); }", "no type nope"),
        ("interface i { record r { x: r } }", "contains itself"),
        ("interface i { use j.{x}; } interface j { use i.{x}; }", "uses itself"),
        ("interface i {} interface i {}", "defined twice"),
        ("interface i { f: func( }", "expected"),
        ("interface i { /* never", "does not end"),
        ("world w { include w; }", "includes itself"),
        ("interface i { type t = " + "list<" * 200, "nested"),
        ("interface i { type t = option<>; }", "no type option"),
        ("interface é {}", "unexpected character"),
    ],
)
def test_refused(text: str, what: str) -> None:
    with pytest.raises(BadWit, match=what):
        resolve_all(text)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "interface",
                "world",
                "use",
                "type",
                "record",
                "{",
                "}",
                "<",
                ">",
                "(",
                ")",
                ",",
                ";",
                ":",
                "=",
                ".",
                "@",
                "a",
                "b",
                "u32",
                "list",
                "func",
                "->",
                "1",
                "%",
            ]
        ),
        max_size=30,
    )
)
def test_any_tokens_end_in_a_typed_error(words: list[str]) -> None:
    try:
        parse(" ".join(words))
    except BadWit:
        return
