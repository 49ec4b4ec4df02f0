"""Owns compiling the hot rooms: mypyc makes C of them, the ziglang package machine code (ADR 0045).

Needs what `compiled.TOOLS` names and the headers of this Python, all at build time only.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wherever.aot.compiled import GROUP, MODULES, PACKAGE, TOOLS, State, kind, made_of, state
from wherever.errors import InternalError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["GLIBC", "build", "main", "platform_tag", "publish"]

GLIBC: Final = "2.17"  # the oldest that wheels are made for (PEP 600: manylinux_2_17)
_FLAGS: Final = (
    *("-O2", "-g0", "-fPIC", "-fwrapv", "-DNDEBUG", "-fno-sanitize=all", "-shared", "-s"),
    *("-w", "-Wl,-z,now"),
)


def _target() -> tuple[str, ...]:
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        return ("-target", f"{platform.machine()}-linux-gnu.{GLIBC}")
    return ()


def platform_tag() -> str | None:
    """The platform of a wheel with what `build` makes, where it is more than this machine."""
    if not _target():
        return None
    return f"manylinux_{GLIBC.replace('.', '_')}_{platform.machine()}"


@contextlib.contextmanager
def _inside(folder: Path) -> Generator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _to_c(folder: Path) -> list[tuple[str, list[str], list[str]]]:
    """C in `folder`, from a copy of the package there: of each library its name, files, includes.

    The copy gives mypyc names relative to it, so no path of this machine enters the machine code.
    """
    from mypyc.build import mypycify

    unneeded = shutil.ignore_patterns("built", "__pycache__", "c")
    shutil.copytree(PACKAGE, folder / "wherever", ignore=unneeded)
    files = [f"{module.replace('.', '/')}.py" for module in MODULES]
    with _inside(folder), contextlib.redirect_stdout(sys.stderr):
        extensions = mypycify(["--strict", *files], group_name=GROUP, target_dir="c")
    return [
        (extension.name, [str(file) for file in extension.sources], list(extension.include_dirs))
        for extension in extensions
    ]


def _compile(folder: Path, name: str, sources: list[str], includes: list[str]) -> None:
    headers = [f"-I{include}" for include in (*includes, sysconfig.get_path("include"))]
    command = [sys.executable, "-m", "ziglang", "cc", *_target(), *_FLAGS, *headers, *sources]
    done = subprocess.run(
        [*command, "-o", f"built/{name}.so"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise InternalError(f"the C of {name} does not compile:\n{done.stderr[-4000:]}")


def _check_tools() -> None:
    if sys.platform not in ("linux", "darwin") or sys.implementation.name != "cpython":
        raise Unsupported(
            f"compiling the hot rooms on {sys.implementation.name} for {sys.platform}: "
            "CPython on Linux or macOS can; elsewhere they run interpreted"
        )
    absent = [name for name in ("mypyc", "setuptools", "ziglang") if not _installed(name)]
    if absent:
        raise Unsupported(
            f"compiling the hot rooms needs {', '.join(absent)}: pip install {' '.join(TOOLS)}"
        )
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        raise Unsupported("compiling the hot rooms needs Python.h: install this Python's headers")


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def publish(fill: Callable[[Path], None], folder: Path) -> None:
    """Have `folder` appear filled, at once and for good; what lay beside it goes.

    Written aside and renamed: whoever looks finds nothing or everything, also after a crash. Of two
    who build the same, the second finds the first one's, which is as good.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as scratch:
        aside = Path(scratch) / folder.name
        aside.mkdir()
        fill(aside)
        for path in (*sorted(aside.iterdir()), aside):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        try:
            aside.rename(folder)
        except OSError:  # POSIX lets it say EEXIST or ENOTEMPTY
            if not folder.is_dir():
                raise
    for other in folder.parent.iterdir():
        if other != folder and not other.name.startswith("."):
            shutil.rmtree(other, ignore_errors=True)


def build(folder: Path | None = None) -> None:
    """Compile every hot room for this interpreter."""
    _check_tools()
    with tempfile.TemporaryDirectory(prefix="wherever-compiled-") as scratch:
        work = Path(scratch)
        libraries = _to_c(work)
        (work / "built").mkdir()
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for each in [pool.submit(_compile, work, *library) for library in libraries]:
                each.result()

        def fill(aside: Path) -> None:
            for file in sorted((work / "built").iterdir()):
                shutil.copy(file, aside)

        publish(fill, folder or Path(kind(), made_of(os.fspath(work / "wherever"))))


def main() -> None:
    """`python -m wherever.aot.build`: build what is not current, and say what there is."""
    if state() in (State.ABSENT, State.STALE):
        build()
    print(f"{state().value}: {kind()}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
