"""Does `--invoke` read and print WAVE as the wasmtime command line does?

Ours also takes WAVE's own words where only a label can stand (`id-enum(some)`), a bare name, and a
value where an option of an option is wanted; it refuses a field that the record does not have.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.hosts.component.assembling import TOOLS, assemble

import wherever
from wherever.hosts.component.command import call_by_text

IDENTITY = Path(__file__).parents[2] / "programs" / "component" / "identity.wat"
CALLS = [
    "id-u8(255)",
    "id-u8(256)",
    "id-u8(-1)",
    "id-s8(-128)",
    "id-s8(0x10)",
    "id-u8(1.0)",
    "id-s32(-2147483648)",
    "id-u64(18446744073709551615)",
    "id-s64(-9223372036854775808)",
    "id-bool(true)",
    "id-bool(1)",
    "id-char('a')",
    "id-char('\\'')",
    "id-char('\"')",
    "id-char('\\u{1F600}')",
    "id-char('\\n')",
    "id-char('ab')",
    "id-char('\\u{d800}')",
    "id-f32(1.5)",
    "id-f32(0.1)",
    "id-f32(1e10)",
    "id-f32(1e38)",
    "id-f32(1e-10)",
    "id-f32(inf)",
    "id-f32(-inf)",
    "id-f32(nan)",
    "id-f32(-0.0)",
    "id-f32(3)",
    "id-f64(0.1)",
    "id-f64(1e300)",
    "id-f64(1e15)",
    "id-f64(1e16)",
    "id-f64(1e17)",
    "id-f64(123456789.125)",
    "id-f64(1e-7)",
    "id-f64(-0.0)",
    "id-enum(red)",
    "id-enum(dark-blue)",
    "id-enum(%some)",
    "id-enum(nope)",
    "id-flags({})",
    "id-flags({read})",
    "id-flags({write, read})",
    "id-flags({none, f8})",
    "id-flags({read, read})",
    "id-flags({nope})",
    'id-string("")',
    'id-string("héllo \\u{1F600}")',
    'id-string("a\\"b\\\\c\\n\\t\\r")',
    'id-string("\\u{7}")',
    'id-string("\'")',
    'id-string("\\x41")',
    'id-string("""multi""")',
    "id-lls([])",
    'id-lls([[], ["a"], ["b", "c"]])',
    'id-lls([["a",],])',
    "id-lchar(['a', 'b'])",
    "id-lf32([1, 2.5, nan])",
    "id-oo(none)",
    "id-oo(some(none))",
    "id-oo(some(some(3)))",
    "id-oo(some(3))",
    "id-var(a(1.5))",
    "id-var(b(-3))",
    'id-var(c("x"))',
    "id-var(%none)",
    "id-var(a)",
    "id-var(none(1))",
    "id-tup((1, -2))",
    "id-tup((1))",
    "id-tup((1, 2, 3))",
    "id-res(2)",
    "id-res(3)",
    "id-res0(0)",
    "id-res0(1)",
    'id-rec({name: "x", age: some(3), ok: true})',
    'id-rec({ok: false, name: "y"})',
    'id-rec({name: "x", age: 3, ok: true})',
    'id-rec({name: "x"})',
    'id-rec({name: "x", name: "y", ok: true})',
    "id-trap()",
    "id-none()",
    "id-none( )",
    "id-u8()",
    "id-u8(1,)",
    "id-u8(1, 2)",
    "id-u8(7) ",
    "id-nope(1)",
    "id-u8(7) x",
    "// c",
    "id-u8(/* c */ 7)",
    "id-u8(+7)",
    "id-u8(007)",
    "id-u8(1_000)",
]
pytestmark = pytest.mark.skipif(TOOLS is None, reason="wasm-tools is not here")


def wasmtime(tmp_path: Path) -> Path:
    """The command line of the wheel, which does not say that it may be executed."""
    spec = find_spec("wasmtime_cli")
    if spec is None or spec.origin is None:
        pytest.skip("the wasmtime command line is not here")
    found = [p for p in Path(spec.origin).parent.rglob("wasmtime") if p.is_file()]
    if not found:
        pytest.skip("the wasmtime command line is not here")
    if os.access(found[0], os.X_OK):
        return found[0]
    shutil.copy(found[0], tmp_path / "wasmtime")
    (tmp_path / "wasmtime").chmod(0o755)
    return tmp_path / "wasmtime"


def ours(data: bytes, call: str) -> str | None:
    with wherever.load(data) as loaded:
        try:
            return call_by_text(loaded, call)
        except (wherever.Malformed, wherever.GuestTrap, wherever.Unsupported, ValueError):
            return None


@pytest.mark.slow
def test_calls_are_as_wasmtime_has_them(tmp_path: Path) -> None:
    command = wasmtime(tmp_path)
    data = assemble(IDENTITY.read_text())
    (tmp_path / "c.wasm").write_bytes(data)
    compiled = tmp_path / "c.cwasm"
    subprocess.run([command, "compile", tmp_path / "c.wasm", "-o", compiled], check=True)
    differ: list[tuple[str, str | None, str | None]] = []
    for call in CALLS:
        done = subprocess.run(
            [command, "run", "--allow-precompiled", "--invoke", call, compiled],
            capture_output=True,
            text=True,
            check=False,
        )
        theirs = None if done.returncode else done.stdout.removesuffix("\n")
        if ours(data, call) != theirs:
            differ.append((call, ours(data, call), theirs))
    assert differ == []


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("id-f32(0.1)", "0.1"),
        ("id-f64(-0.0)", "-0"),
        ("id-f64(1e22)", "10000000000000000000000"),
        ("id-enum(%some)", "%some"),
        ('id-string("\'\\u{7}")', '"\\\'\\u{7}"'),
        ('id-rec({ok: false, name: "y"})', '{name: "y", ok: false}'),
        ("id-none()", "()"),
        ("id-res(3)", "err(3)"),
        ("id-res(2)", "ok(2)"),
        ("id-res0(1)", "err"),
        ("id-oo(some(none))", "some(none)"),
        ("id-flags({read, read})", None),
        ('id-rec({name: "x", name: "y", ok: true})', None),
        ("id-u8(007)", None),
        ("id-u8(256)", None),
        ("id-trap()", None),
        ("nope(1)", None),
    ],
)
def test_what_is_printed(call: str, shown: str | None) -> None:
    assert ours(assemble(IDENTITY.read_text()), call) == shown


def test_a_component_in_the_text_format_is_loaded_run_and_shown(tmp_path: Path) -> None:
    text = tmp_path / "c.wat"
    # what the first bytes do not say
    text.write_text(";" * 3000 + "\n" + IDENTITY.read_text())
    with wherever.load(text) as loaded:
        assert call_by_text(loaded, "id-u8(7)") == "7"
    for words, shown in (
        (("run", "--invoke", "id-u8(8)"), "8\n"),
        (("inspect", "--wit"), "package root:component;"),
    ):
        command = [sys.executable, "-m", "wherever", *words, text]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(shown)


def test_what_run_cannot_give_is_named(tmp_path: Path) -> None:
    for name, message in (
        ("acme:log/sink@1.0.0", "none of WASI's"),
        ("wasi:cli/stdout@0.3.0", "every release of 0.2"),
    ):
        text = tmp_path / "c.wat"
        text.write_text(f'(component (import "{name}" (instance (export "f" (func)))))')
        command = [sys.executable, "-m", "wherever", "run", text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (69, 77)
        assert name in done.stderr
        assert message in done.stderr
