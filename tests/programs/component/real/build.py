"""Builds the guests of `everything.wit` by the tools of other projects, into a folder of ours.

    python tests/programs/component/real/build.py [c] [python] [command] [js] [qjs]

C needs zig and wasm-tools, which the development dependencies have. The others are fetched: PyPI's
componentize-py into a virtual environment, npm's componentize-js and componentize-qjs (Node.js must
be there). `command` is a program in Python for the world `wasi:cli/command` of the WIT in
`suites/wit` (WHEREVER_SUITES). What is built already is kept; the folder is `.corpora/components`,
or what WHEREVER_COMPONENTS names. A tool that cannot be had is named, and the others go on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORLD = "everything"
COMPONENTIZE_PY = "componentize-py==0.25.1"
NPM = ("@bytecodealliance/componentize-js@0.23.0", "componentize-qjs@0.4.5")


def folder() -> Path:
    """Where the components are kept."""
    named = os.environ.get("WHEREVER_COMPONENTS")
    return Path(named) if named else HERE.parents[3] / ".corpora" / "components"


def component(kind: str) -> Path:
    """Where the guest written in `kind` is, once it is built."""
    return folder() / f"{kind}.wasm"


def is_current(kind: str) -> bool:
    """Is it built, and of the sources as they are now?"""
    built = component(kind)
    sources = [HERE / name for name in ("everything.wit", *SOURCES[kind])]
    return built.exists() and built.stat().st_mtime >= max(s.stat().st_mtime for s in sources)


def run(*words: object, cwd: Path | None = None) -> None:
    """Run a tool; it says what is wrong itself."""
    subprocess.run([str(word) for word in words], cwd=cwd, check=True, capture_output=True)


def build_c(target: Path) -> None:
    """zig makes the core module, wasm-tools the component."""
    tools = shutil.which("wasm-tools", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if tools is None:
        raise FileNotFoundError("wasm-tools")
    core = target.with_suffix(".core.wasm")
    flags = ["-Os", "-nostdlib", "-Wl,--no-entry", "-mno-bulk-memory", "-fno-builtin"]
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-freestanding", *flags]
    run(*zig, HERE / "guest.c", "-o", core)
    run(tools, "component", "embed", HERE / "everything.wit", "-w", WORLD, core, "-o", core)
    run(tools, "component", "new", core, "-o", target)


def componentize_py() -> Path:
    """The tool, in an environment of its own."""
    home = folder() / "componentize-py"
    tool = home / "bin" / "componentize-py"
    if not tool.exists():
        venv.create(home, with_pip=True)
        run(home / "bin" / "pip", "install", "--quiet", COMPONENTIZE_PY)
    return tool


def wasi_wit() -> Path:
    """The WIT of WASI 0.2.9, a folder a package."""
    named = os.environ.get("WHEREVER_SUITES")
    suites = Path(named) if named else HERE.parents[4] / "shared" / "suites"
    return suites / "wit" / "0.2.9"


def build_command(target: Path) -> None:
    """componentize-py, the world of a command."""
    wit = folder() / "command-wit"
    shutil.rmtree(wit, ignore_errors=True)
    shutil.copytree(wasi_wit(), wit / "deps")
    world = "package test:command;\nworld command { include wasi:cli/command@0.2.9; }\n"
    (wit / "command.wit").write_text(world)
    words = ("-d", wit, "-w", "command", "componentize", "app", "-o", target)
    run(componentize_py(), *words, cwd=HERE / "command")


def build_python(target: Path) -> None:
    """componentize-py, in an environment of its own."""
    tool = componentize_py()
    wit = HERE / "everything.wit"
    run(tool, "-d", wit, "-w", WORLD, "componentize", "app", "-o", target, cwd=HERE)


def npx(*words: object) -> None:
    """Run one of npm's tools, fetched once."""
    home = folder() / "npm"
    if not (home / "node_modules" / "componentize-qjs").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}\n')
        run("npm", "install", "--no-audit", "--no-fund", *NPM, cwd=home)
    run("npx", "--no-install", *words, cwd=home)


def build_js(target: Path) -> None:
    """componentize-js: StarlingMonkey, 12 MB."""
    npx(
        "componentize-js",
        "--wit",
        HERE / "everything.wit",
        "-n",
        WORLD,
        HERE / "app.js",
        "-o",
        target,
    )


def build_qjs(target: Path) -> None:
    """componentize-qjs: QuickJS, 1.7 MB, by the synchronous ABI."""
    wit, app = HERE / "everything.wit", HERE / "app.js"
    npx("componentize-qjs", "--sync", "--wit", wit, "--js", app, "-n", WORLD, "-o", target)


KINDS: dict[str, Callable[[Path], None]] = {
    "c": build_c,
    "python": build_python,
    "command": build_command,
    "js": build_js,
    "qjs": build_qjs,
}
SOURCES = {
    "c": ("guest.c",),
    "python": ("app.py", "counters.py"),
    "command": ("command/app.py",),
    "js": ("app.js",),
    "qjs": ("app.js",),
}


def build(kind: str) -> bool:
    """Build one guest if need be; whether it is there."""
    folder().mkdir(parents=True, exist_ok=True)
    if is_current(kind):
        return True
    aside = folder() / f"{kind}.new.wasm"
    try:
        KINDS[kind](aside)
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", None) or b""
        sys.stderr.write(f"{kind}: not built: {error}\n{said.decode(errors='replace')[-2000:]}\n")
        return False
    aside.replace(component(kind))
    return True


def main(kinds: list[str]) -> int:
    """Build what is asked for, or all; the number that could not be built."""
    return sum(not build(kind) for kind in kinds or list(KINDS))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
