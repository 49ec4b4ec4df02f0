"""Owns sequences of system calls that run twice: on this machine's kernel, and in the personality.

A sequence is written once, with names instead of numbers where architectures differ. What a call
returns is compared by its table entry: descriptors and addresses by success, sizes exactly; what it
writes is compared by its structure, field by field where a field can be the same.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench_linux import Bench

from wherever.linux.calls import CALLS
from wherever.linux.structs import STRUCTS, layout

TABLE = {call.name: call for call in CALLS}
_STRUCTS = {struct_.name: struct_ for struct_ in STRUCTS}
OPEN_FLAGS = {
    "O_RDONLY": 0, "O_WRONLY": 1, "O_RDWR": 2, "O_CREAT": 0o100, "O_EXCL": 0o200,
    "O_TRUNC": 0o1000, "O_APPEND": 0o2000, "O_NONBLOCK": 0o4000, "O_CLOEXEC": 0o2000000,
    "O_PATH": 0o10000000,
}  # fmt: skip
_GUEST_FLAGS = OPEN_FLAGS | {"O_DIRECTORY": 0o40000, "O_NOFOLLOW": 0o100000}
_HOST_FLAGS = OPEN_FLAGS | {"O_DIRECTORY": os.O_DIRECTORY, "O_NOFOLLOW": os.O_NOFOLLOW}
AT_FDCWD = -100
# results that cannot be the same number on both sides
_ONLY_SUCCESS = frozenset({"fd", "address", "pid", "uid", "gid", "word"})
# fields of stat that must agree
_STAT = ("st_mode", "st_nlink", "st_size")


@dataclass(frozen=True)
class Out:
    """Room for `size` bytes that the call writes."""

    size: int
    compare: bool = True


@dataclass(frozen=True)
class Result:
    """What call `step` of the sequence returned."""

    step: int


@dataclass(frozen=True)
class Field:
    """An int32 at `offset` of what call `step` wrote into its argument `argument`."""

    step: int
    argument: int
    offset: int


Argument = int | str | bytes | Out | Result | Field


@dataclass(frozen=True)
class Step:
    """One call."""

    name: str
    arguments: tuple[Argument, ...]


def sequence(*steps: tuple[Any, ...]) -> tuple[Step, ...]:
    """Steps from tuples: the call's name, then its arguments."""
    return tuple(Step(name, arguments) for name, *rest in steps for arguments in [tuple(rest)])


@dataclass
class Outcome:
    """What one call did: the error or the comparable result, and what it wrote."""

    result: int
    written: dict[int, bytes] = field(default_factory=dict)


def _is_path(call: str, index: int) -> bool:
    arguments = TABLE[call].arguments
    return index < len(arguments) and arguments[index].type == "path"


def _flags(text: str, values: dict[str, int]) -> int:
    total = 0
    for name in text.split("|"):
        total |= values[name]
    return total


def _resolve(
    step: Step, done: list[Outcome], flags: dict[str, int]
) -> list[int | bytes | tuple[int, bool]]:
    """Arguments as integers, bytes to put into memory, or rooms."""
    found: list[int | bytes | tuple[int, bool]] = []
    for index, argument in enumerate(step.arguments):
        match argument:
            case Result(step=which):
                found.append(done[which].result)
            case Field(step=which, argument=at, offset=offset):
                written = done[which].written.get(at, b"\xff" * 64)
                found.append(struct.unpack_from("<i", written, offset)[0])
            case Out(size=size, compare=compare):
                found.append((size, compare))
            case str() if _is_path(step.name, index):
                found.append(os.fsencode(argument) + b"\0")
            case str():
                found.append(_flags(argument, flags))
            case bytes() | int():
                found.append(argument)
    return found


def run_guest(guest: Bench, steps: tuple[Step, ...]) -> list[Outcome]:
    """The sequence in the personality."""
    done: list[Outcome] = []
    for step in steps:
        words: list[int] = []
        rooms: dict[int, tuple[int, int]] = {}
        for index, argument in enumerate(_resolve(step, done, _GUEST_FLAGS)):
            match argument:
                case tuple((size, _)):
                    rooms[index] = (guest.buffer(bytes(size)), size)
                    words.append(rooms[index][0])
                case bytes():
                    words.append(guest.buffer(argument))
                case int():
                    words.append(argument)
        result = guest(step.name, *words)
        outcome = Outcome(result, {i: guest.get(at, size) for i, (at, size) in rooms.items()})
        done.append(outcome)
    return done


def _run_here(steps: tuple[Step, ...]) -> list[Outcome]:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    done: list[Outcome] = []
    for step in steps:
        call = TABLE[step.name]
        number = call.x86_64 if os.uname().machine == "x86_64" else call.generic
        assert number is not None
        words: list[Any] = []
        rooms: dict[int, Any] = {}
        kept: list[Any] = []
        for index, argument in enumerate(_resolve(step, done, _HOST_FLAGS)):
            match argument:
                case tuple((size, _)):
                    rooms[index] = ctypes.create_string_buffer(max(size, 1) + 64)
                    words.append(ctypes.cast(rooms[index], ctypes.c_void_p))
                case bytes():
                    kept.append(ctypes.create_string_buffer(argument, len(argument)))
                    words.append(ctypes.cast(kept[-1], ctypes.c_void_p))
                case int():
                    words.append(ctypes.c_long(argument))
        ctypes.set_errno(0)
        result = libc.syscall(ctypes.c_long(number), *words)
        if result == -1 and ctypes.get_errno():
            result = -ctypes.get_errno()
        sizes = {i: a.size for i, a in enumerate(step.arguments) if isinstance(a, Out)}
        done.append(Outcome(result, {i: room.raw[: sizes[i]] for i, room in rooms.items()}))
    return done


def _stat_fields(raw: bytes, structure: str) -> list[int]:
    described = _STRUCTS[structure]
    offsets = layout(described)
    sizes = {"u32": "<I", "u64": "<Q", "s64": "<q"}
    types = {member.name: member.type for member in described.fields}
    values = [struct.unpack_from(sizes[types[n]], raw, offsets[n])[0] for n in _STAT]
    if values[0] & 0o170000 == 0o040000:
        values[1:] = [0, 0]  # a directory's links and size are its filesystem's own affair
    return values


def _entries(raw: bytes, size: int) -> list[list[Any]]:
    found: list[list[Any]] = []
    at = 0
    while at < size:
        length, kind = struct.unpack_from("<HB", raw, at + 16)
        name = raw[at + 19 : at + length].split(b"\0")[0]
        found.append([os.fsdecode(name), kind])
        at += length
    return sorted(found)


def comparable(steps: tuple[Step, ...], done: list[Outcome], native: bool) -> list[Any]:
    """What must be the same on both sides, one entry a step."""
    rows: list[Any] = []
    for step, outcome in zip(steps, done, strict=True):
        call = TABLE[step.name]
        result: Any = outcome.result
        failed = -4096 < result < 0
        if not failed and call.result in _ONLY_SUCCESS and step.name != "fcntl":
            result = "ok"
        if step.name == "getdents64" and not failed:
            result = "ok"
        row: list[Any] = [step.name, result]
        for index, argument in enumerate(step.arguments):
            if failed or not isinstance(argument, Out) or not argument.compare:
                continue
            raw = outcome.written[index]
            kind = call.arguments[index].type if index < len(call.arguments) else "bytes"
            if kind == "stat":
                x86 = native and os.uname().machine == "x86_64"
                row.append(_stat_fields(raw, "stat_x86_64" if x86 else "stat"))
            elif step.name == "getdents64":
                row.append(_entries(raw, outcome.result))
            elif kind == "bytes":
                row.append(raw[: max(outcome.result, 0)].hex())
            else:
                row.append(raw.hex())
        rows.append(row)
    return rows


def _encode(steps: tuple[Step, ...]) -> list[Any]:
    def one(argument: Argument) -> Any:
        match argument:
            case bytes():
                return {"bytes": argument.hex()}
            case Out(size=size, compare=compare):
                return {"out": [size, compare]}
            case Result(step=step):
                return {"result": step}
            case Field(step=step, argument=at, offset=offset):
                return {"field": [step, at, offset]}
            case int() | str():
                return argument

    return [[step.name, *map(one, step.arguments)] for step in steps]


def _decode(rows: list[Any]) -> tuple[Step, ...]:
    def one(value: Any) -> Argument:
        match value:
            case {"bytes": text}:
                return bytes.fromhex(text)
            case {"out": [size, compare]}:
                return Out(size, compare)
            case {"result": step}:
                return Result(step)
            case {"field": [step, at, offset]}:
                return Field(step, at, offset)
            case _:
                assert isinstance(value, int | str)
                return value

    return tuple(Step(name, tuple(map(one, rest))) for name, *rest in rows)


def run_native(sequences: dict[str, tuple[Step, ...]], where: Path) -> dict[str, list[Any]]:
    """Every sequence on this kernel, each in a process and a directory of its own."""
    request = {name: _encode(steps) for name, steps in sequences.items()}
    done = subprocess.run(
        [sys.executable, __file__, str(where)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, list[Any]] = json.loads(done.stdout)
    return answers


def _main() -> None:
    request = json.load(sys.stdin)
    answers: dict[str, Any] = {}
    for index, (name, rows) in enumerate(request.items()):
        folder = Path(sys.argv[1]) / f"native{index}"
        folder.mkdir()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            os.chdir(folder)
            os.umask(0o022)
            steps = _decode(rows)
            os.dup2(writing, 200)  # out of the way of the sequence's own descriptors
            for fd in range(3, 64):
                if fd != 200:
                    try:
                        os.close(fd)
                    except OSError:
                        continue
            answer = json.dumps(comparable(steps, _run_here(steps), native=True))
            os.write(200, answer.encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            answers[name] = json.loads(stream.read() or b"null")
        os.waitpid(child, 0)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    _main()
