"""Owns translating in a process of its own, so that nothing of it stays in the caller's.

A translation takes seconds and hundreds of megabytes, switches the collector off and forks: in a
server, a notebook or next to other threads none of that is welcome. The child is a clean
interpreter (ADR 0043); it gets the program and the personality on its standard input and answers in
frames: a letter, a length, the contents.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NoReturn

from wherever.aot.parent import end_with
from wherever.aot.spread import too_deep
from wherever.errors import InternalError, LimitExceeded, Unsupported, WhereverError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main", "translate_apart"]

_BOOT: Final = "import sys;sys.path.append(%r);from wherever.aot.apart import main;main()"
_HEAD: Final = struct.Struct("<cI")
# jobs, whether floating point is exact, sizes of the program and of the personality
_REQUEST: Final = struct.Struct("<I?QQ")
_MEMORY: Final = "WHEREVER_TRANSLATE_MEMORY"
_GIB: Final = 4  # what one process of a translation may have, unless the environment says more
STACK: Final = 1 << 30
"""What of it may be stack: machine code recurses there, interpreted code does not (ADR 0045)."""


def translate_apart(
    program: bytes,
    personality: bytes,
    jobs: int,
    progress: Callable[[str, int, int], None] | None = None,
    *,
    exact: bool = False,
) -> bytes:
    """`pipeline.translate` in a child; its errors are raised here."""
    executable = os.environ.get("WHEREVER_PYTHON") or sys.executable
    package = str(Path(__file__).resolve().parents[2])
    words = [executable, "-I", "-S", "-X", "utf8", "-c", _BOOT % package]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            try:
                child.stdin.write(_REQUEST.pack(jobs, exact, len(program), len(personality)))
                child.stdin.write(program)
                child.stdin.write(personality)
                child.stdin.close()
            except BrokenPipeError:
                pass  # it ended early: what it said, or its status, tells why
            wasm = _answer(child.stdout, progress)
        except BaseException:
            child.kill()
            raise
    if wasm is None:
        if child.returncode == -signal.SIGSEGV:
            raise too_deep()
        how = f"killed by signal {-child.returncode}" if child.returncode < 0 else "gone"
        raise InternalError(
            f"the translating process was {how} before it was done; "
            "where memory is short, translate with one job"
        )
    return wasm


def _answer(answers: IO[bytes], progress: Callable[[str, int, int], None] | None) -> bytes | None:
    while head := answers.read(_HEAD.size):
        if len(head) < _HEAD.size:
            break
        kind, size = _HEAD.unpack(head)
        contents = answers.read(size)
        if len(contents) < size:
            break
        if kind == b"W":
            return contents
        if kind == b"E":
            raise _error(*json.loads(contents))
        if progress is not None:
            stage, done, of = json.loads(contents)
            progress(stage, done, of)
    return None


def _error(family: str, text: str, limit: str) -> WhereverError:
    if family == LimitExceeded.__name__:
        return LimitExceeded(text, limit=limit, value=STACK if limit == "stack" else memory())
    kind = getattr(sys.modules[WhereverError.__module__], family, InternalError)
    error: WhereverError = kind(text)
    return error


def memory() -> int:
    """The address space that one process of a translation may have."""
    said = os.environ.get(_MEMORY, "")
    if said and not (said.isascii() and said.isdigit() and 0 < int(said) < 1 << 20):
        raise Unsupported(f"{_MEMORY} is a number of GiB; it says {said!r}")
    return int(said or _GIB) << 30


# -- the child


def main() -> NoReturn:
    """Translate what standard input holds, and end."""
    from wherever.aot import compiled

    if compiled.state() is compiled.State.COMPILED:
        _raise_stack()
    end_with(os.getppid())
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    head = requests.read(_REQUEST.size)
    if len(head) < _REQUEST.size:
        os._exit(1)  # who asks was gone before it could
    jobs, exact, size, rest = _REQUEST.unpack(head)
    program, personality = requests.read(size), requests.read(rest)

    def answer(kind: bytes, contents: bytes) -> None:
        answers.write(_HEAD.pack(kind, len(contents)) + contents)
        answers.flush()

    def progress(stage: str, done: int, of: int) -> None:
        answer(b"P", json.dumps((stage, done, of)).encode())

    def fail(family: str, text: str, limit: str = "") -> None:
        answer(b"E", json.dumps((family, text, limit)).encode())

    try:
        _limit()
        compiled.use()  # before anything else: it decides what the imports below mean
        from wherever.aot.pipeline import translate

        answer(b"W", translate(program, personality, progress, jobs=jobs, exact=exact).wasm)
    except MemoryError:
        fail(
            LimitExceeded.__name__,
            f"translating took more than the {memory() >> 30} GiB of memory that it may take; "
            f"{_MEMORY}={memory() >> 29} lets it take twice that",
            "memory",
        )
    except LimitExceeded as error:
        fail(type(error).__name__, str(error), error.limit)
    except WhereverError as error:
        fail(type(error).__name__, str(error))
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more
    # what the interpreter would take down now, piece by piece, goes with the process
    os._exit(0)


def _raise_stack() -> None:
    """Have this process begin anew with room for a stack as deep as its memory allows.

    The kernel leaves room for the stack that is allowed when a program begins, and no more: raising
    the limit later would have it meet what was mapped below.
    """
    if sys.platform != "linux":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    most = STACK if hard == resource.RLIM_INFINITY else min(STACK, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_STACK, (most, hard))
        os.execv(sys.executable, sys.orig_argv)  # nothing of standard input was read yet


def _limit() -> None:
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = memory() if hard == resource.RLIM_INFINITY else min(memory(), hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
