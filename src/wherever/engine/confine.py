"""Owns compiling in a child process with limits: compilation itself has none.

The child gets the module on its standard input, and a clean environment; it gives back the
serialised code, bounded. What it may use is bounded by the kernel, so a module made to exhaust the
compiler ends the child and comes out here as `LimitExceeded`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from wherever.engine.engine import Code, Engine
from wherever.engine.library import library
from wherever.engine.profile import Backend, Placement, Profile
from wherever.errors import InternalError, InvalidProgram, LimitExceeded

if TYPE_CHECKING:
    from wherever.engine.outline import Outline

__all__ = ["CompileLimits", "child", "compile_untrusted"]


class CompileLimits:
    """What compiling one module may take."""

    __slots__ = ("memory", "output", "seconds")

    def __init__(
        self, *, seconds: float = 60.0, memory: int = 4 << 30, output: int = 1 << 30
    ) -> None:
        self.seconds = seconds
        self.memory = memory
        self.output = output


_DEFAULT = CompileLimits()
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[4:]; from wherever.engine.confine import child; child()"
)
_INVALID = 65


def compile_untrusted(
    engine: Engine,
    wasm: bytes,
    limits: CompileLimits = _DEFAULT,
    outline: Outline | None = None,
) -> Code:
    """Compile someone else's module, in a child with limits on time, memory and output."""
    return engine.load_own(serialised(engine, wasm, limits), wasm, outline)


def serialised(engine: Engine, wasm: bytes, limits: CompileLimits = _DEFAULT) -> bytes:
    """The machine code of someone else's module, as bytes."""
    arguments = [engine.profile.name, str(int(limits.seconds) + 1), str(limits.memory)]
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _PROGRAM, *arguments, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        close_fds=True,
    )
    with process:
        try:
            out, err = process.communicate(wasm, timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise _late(limits) from None
        except BaseException:
            process.kill()
            raise
    status = process.returncode
    if status == 0 and len(out) <= limits.output:
        return out
    said = err.decode("utf-8", "replace").strip()[-2000:]
    match status:
        case 0:
            raise LimitExceeded(
                f"the compiled code has {len(out)} bytes of {limits.output} allowed",
                limit="compiled size",
                value=limits.output,
            )
        case _ if status == _INVALID:
            raise InvalidProgram(said)
        case _ if status in (-signal.SIGXCPU, -signal.SIGKILL):
            raise _late(limits)
        case _ if "memory allocation" in said or "MemoryError" in said or "allocate" in said:
            raise LimitExceeded(
                f"compiling took more than the {limits.memory >> 20} MiB it may use",
                limit="memory",
                value=limits.memory,
            )
        case _:
            raise InternalError(f"the compiler ended with status {status}: {said}")


def _late(limits: CompileLimits) -> LimitExceeded:
    return LimitExceeded(
        f"compiling took more than the {limits.seconds:g} s it may take",
        limit="time",
        value=limits.seconds,
    )


def child() -> None:
    """The child: standard input to standard output, under the limits it was given."""
    import resource

    name, seconds, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    wasm = sys.stdin.buffer.read()
    library()  # opened before the limits: its own mappings are not the module's doing
    for limit, value in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, _NO_MORE_THREADS),
    ):
        with contextlib.suppress(ValueError, OSError):  # a lower limit is in force already
            resource.setrlimit(limit, (value, value))
    try:
        code = Engine(_profile(name), parallel=False).compile(wasm).serialise()
    except InvalidProgram as error:
        sys.stderr.write(str(error))
        sys.stderr.flush()
        os._exit(_INVALID)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(code)
        sys.stdout.buffer.flush()
    os._exit(0)


_NO_MORE_THREADS = 0


def _profile(name: str) -> Profile:
    words = set(name.split("+"))
    return Profile(
        Placement.DEMAND,  # placement is not in the code, and a pool would not fit the limits
        epochs="epochs" in words,
        fuel="fuel" in words,
        dwarf="dwarf" in words,
        backend=Backend.PULLEY if Backend.PULLEY.value in words else Backend.NATIVE,
    )
