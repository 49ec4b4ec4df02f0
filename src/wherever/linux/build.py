"""Owns the build of the personality: Wasm modules from the same C, the same bytes each time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wherever.errors import InternalError
from wherever.linux.addresses import HIGH
from wherever.linux.generate import abi_header, dispatch_source, handlers_header

__all__ = ["TARGETS", "build", "is_current", "main"]

_ROOM = Path(__file__).parent
_SOURCES = _ROOM / "c"
_BUILT = _ROOM / "built"

# A personality that leaves the low addresses to the program: its C stack ends at its data.
_HIGH = (
    f"-DPERSONALITY={HIGH}ull",
    f"-Wl,--global-base={HIGH}",
    f"-Wl,-z,stack-size={HIGH}",
)
_HOSTED = "-DWHEREVER_HOST"
# target -> what its preprocessor sees: `wasi` imports preview 1 only (ADR 0050)
TARGETS: dict[str, tuple[str, ...]] = {
    "wasi": (),
    "wherever": (_HOSTED,),
    "wasi-high": _HIGH,
    "wherever-high": (_HOSTED, *_HIGH),
}

# The stack comes first, from 0x30000 down; its last 64 KiB are the page that is never mapped, so a
# C stack deeper than 128 KiB faults under our host and never reaches data.
_FLAGS = (
    *("-target", "wasm32-freestanding", "-mcpu=generic+bulk_memory+sign_ext"),
    *("-std=c2x", "-O2", "-g0", "-ffreestanding", "-fno-builtin", "-nostdlib", "-fno-ident"),
    *("-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-fno-sanitize=all"),
    *("-Wl,--no-entry", "-Wl,--global-base=196608", "-Wl,-z,stack-size=196608"),
    *("-Wl,--export=linux_image", "-Wl,--export=linux_state", "-Wl,--export=linux_pending"),
    *("-Wl,--export=linux_sigreturn", "-Wl,--export=__heap_base", "-Wl,--export-table"),
    *("-Wl,--export=__stack_pointer", "-Wl,--growable-table"),
)


def _generated() -> dict[str, str]:
    return {
        "abi.h": abi_header(),
        "handlers.h": handlers_header(),
        "dispatch.c": dispatch_source(),
    }


def _inputs() -> Iterator[tuple[str, bytes]]:
    for path in sorted(_SOURCES.glob("*.[ch]")):
        yield path.name, path.read_bytes()
    for name, text in sorted(_generated().items()):
        yield name, text.encode()


def digest() -> str:
    """What the build is made of: sources, generated sources and flags."""
    hashed = hashlib.sha256(repr((_FLAGS, sorted(TARGETS.items()))).encode())
    for name, content in _inputs():
        hashed.update(name.encode() + b"\0" + content + b"\0")
    return hashed.hexdigest()


def is_current(built: Path = _BUILT) -> bool:
    """Whether both modules lie in `built` and were made from the sources as they are now."""
    stamp = built / "digest"
    present = all((built / f"{target}.wasm").is_file() for target in TARGETS)
    return present and stamp.is_file() and stamp.read_text().strip() == digest()


def _compile(target: str, built: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="wherever-personality-") as folder:
        # Copied to one folder and named relatively: no path of this machine enters the module.
        for name, content in _inputs():
            (Path(folder) / name).write_bytes(content)
        units = sorted(path.name for path in Path(folder).glob("*.c"))
        output = Path(folder) / "out.wasm"
        command = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, *TARGETS[target], *units]
        done = subprocess.run(
            [*command, "-o", output.name], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise InternalError(
                f"the personality ({target}) does not compile:\n{done.stderr[-4000:]}"
            )
        temporary = built / f".{target}.{os.getpid()}"
        temporary.write_bytes(output.read_bytes())
        temporary.replace(built / f"{target}.wasm")


def build(built: Path = _BUILT) -> None:
    """Compile every target into `built`, and note what it was made of."""
    built.mkdir(parents=True, exist_ok=True)
    for target in TARGETS:
        _compile(target, built)
    (built / "digest").write_text(digest() + "\n")


def main() -> None:
    """`python -m wherever.linux.build`: build what is not current."""
    if not is_current():
        build()


if __name__ == "__main__":
    main()
