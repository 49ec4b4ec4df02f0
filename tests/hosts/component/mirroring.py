"""Makes guests that give back whatever their host gives: any WIT, without writing a guest for it.

The world imports an interface and exports it too. `wasm-tools` writes the empty guest; its
functions become calls of the import of the same name, over its memory, by the canonical ABI.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.hosts.component.assembling import TOOLS

_FUNC = r"\(func \(;(\d+);\) \(type \d+\)((?: \(param[^)]*\))?)((?: \(result[^)]*\))?)"
_IMPORT = re.compile(rf'  \(import "([^"]+)" "([^"]+)" {_FUNC}\)\)')
_EXPORT = re.compile(r'  \(export "cm32p2\|([^"|]+)\|([^"|]+)" \(func (\d+)\)\)')
_REALLOC = re.compile(r'  \(export "cm32p2_realloc" \(func (\d+)\)\)')
_BODY = re.compile(rf"  {_FUNC}\n    unreachable\n  \)", re.MULTILINE)

_ALLOCATE = """  (global $top (mut i32) (i32.const 1024))
  (func $allocate (param $old i32) (param $had i32)
                  (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (block $fits (loop $more
      (br_if $fits (i32.le_u (global.get $top) (i32.shl (memory.size) (i32.const 16))))
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
      unreachable))
    (memory.copy (local.get $at) (local.get $old) (local.get $had))
    (local.get $at))
"""


def tool(*words: str, text: str = "") -> bytes:
    """What wasm-tools prints."""
    assert TOOLS is not None
    done = subprocess.run([TOOLS, *words], input=text.encode(), check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@cache
def mirror(
    wit: str,
    encoding: str = "utf8",
    drops: tuple[tuple[str, tuple[tuple[int, str], ...]], ...] = (),
) -> bytes:
    """The component for a WIT document whose one world exports what it imports.

    `drops` says of a function which of its flat parameters are borrows, and whose.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "world.wit"
        file.write_text(wit, encoding="utf-8")
        words = ("--dummy", "-t", "--encoding", encoding)
        core = tool("component", "embed", str(file), *words).decode()
        text = _with_bodies(core, dict(drops))
        module = Path(folder) / "core.wat"
        module.write_text(text, encoding="utf-8")
        return tool("component", "new", str(module))


def _with_bodies(core: str, drops: Mapping[str, Sequence[tuple[int, str]]]) -> str:
    imports: dict[tuple[str, str], tuple[str, int]] = {}
    for module, name, number, params, _ in _IMPORT.findall(core):
        imports[module.removeprefix("cm32p2|"), name] = (number, len(params.split()[1:]))
    dropping = {name: number for (_, name), (number, _) in imports.items()}
    names = {number: (module, name) for module, name, number in _EXPORT.findall(core)}
    realloc = _REALLOC.findall(core)

    def body(match: re.Match[str]) -> str:
        number, params, results = match.groups()
        head = match.group(0).split("\n")[0]
        gets = [f"(local.get {at})" for at in range(len(params.split()[1:]))]
        if number in realloc:
            return f"{head}\n    (call $allocate {' '.join(gets)}))"
        key = names.get(number)
        if key is None or key not in imports:
            return match.group(0)
        target, wanted = imports[key]
        ends = [
            f"(call {dropping[f'{resource}_drop']} (local.get {at}))"
            for at, resource in drops.get(key[1], ())
        ]
        room = "(call $allocate (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 4096))"
        if results and wanted == len(gets) + 1:  # what comes back is spilled
            at = len(gets)
            lines = [
                f"(local i32) (local.set {at} {room})",
                f"(call {target} {' '.join(gets)} (local.get {at}))",
                *ends,
                f"(local.get {at})",
            ]
        elif results:
            kind = results.split()[1].rstrip(")")
            at = len(gets)
            lines = [
                f"(local {kind}) (local.set {at} (call {target} {' '.join(gets)}))",
                *ends,
                f"(local.get {at})",
            ]
        else:
            lines = [f"(call {target} {' '.join(gets)})", *ends]
        return "\n    ".join([head, *lines]) + ")"

    text = _BODY.sub(body, core)
    return text.replace("\n  (@custom ", f"\n{_ALLOCATE}  (@custom ", 1)
