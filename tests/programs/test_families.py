"""Does each family of system calls answer a translated program as it answers one under qemu?

A program of linux/families/ prints every call with its result or errno. Each line must be qemu's,
or stand in families/differ.txt under its reason. Where that says that the kernel is right and qemu
is not, `--whole` runs the program on this machine's kernel too, and the portable target as well.
"""

from __future__ import annotations

import platform
import subprocess
from collections import Counter
from pathlib import Path

import linux_guests
import pytest
import scratch
import sides

FAMILIES = Path(__file__).parent / "linux" / "families"
NAMES = sorted(path.stem for path in FAMILIES.glob("*.c"))
FLAGS = ("-O2", "-fno-sanitize=undefined")
KERNEL = "the kernel"  # a reason that begins so: Linux itself answers as we do
REASON = linux_guests.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(REASON is not None, reason=str(REASON))]


def listed(family: str, target: str) -> tuple[Counter[str], Counter[str]]:
    """Our lines that are not qemu's: those of the kernel, and those that are neither's."""
    kernels: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    chosen: Counter[str] | None = None
    for line in (FAMILIES / "differ.txt").read_text().splitlines():
        if line.startswith("## "):
            heading, _, reason = line[3:].partition(": ")
            name, targets = heading.split()
            applies = name == family and targets in ("both", target)
            chosen = (kernels if reason.startswith(KERNEL) else ours) if applies else None
        elif line and chosen is not None:
            chosen[line] += 1
    return kernels, ours


def not_of(got: sides.Outcome, expected: bytes) -> Counter[str]:
    """The lines of an outcome that are not those expected at their place."""
    lines, wanted = got.stdout.decode().splitlines(), expected.decode().splitlines()
    assert len(lines) == len(wanted), "\n".join([*lines[-3:], got.stderr.decode()])
    return Counter(mine for mine, theirs in zip(lines, wanted, strict=True) if mine != theirs)


def on_this_kernel(family: str, base: Path) -> bytes:
    target = f"{platform.machine()}-linux-musl"
    program = linux_guests.compiled(
        [FAMILIES / f"{family}.c"], "-target", target, "-static", *FLAGS
    )
    directory = scratch.make(base)
    done = subprocess.run(
        [family],
        executable=program,
        cwd=directory,
        env=sides.environment(directory),
        input=b"",
        capture_output=True,
        check=True,
        umask=0o022,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize("family", NAMES)
def test_a_family(family: str, whole: bool, tmp_path: Path) -> None:
    program = linux_guests.compiled([FAMILIES / f"{family}.c"], *linux_guests.MUSL, *FLAGS)
    line = sides.Line(family, ())
    base = tmp_path / "base"
    expected = sides.qemu(program, family, line, base)
    got = sides.ours(program, family, line, base)
    kernels, ours = listed(family, "default")
    assert got.status == expected.status, got.stderr.decode()
    assert not_of(got, expected.stdout) == kernels + ours
    if not whole:
        return
    native = on_this_kernel(family, base)
    assert not_of(got, native) & kernels == Counter()
    portable = sides.portable(sides.precompiled(program), family, line, base)
    kernels, ours = listed(family, "wasi")
    assert portable.status == expected.status, portable.stderr.decode()
    assert not_of(portable, expected.stdout) == kernels + ours
