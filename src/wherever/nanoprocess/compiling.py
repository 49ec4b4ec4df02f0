"""Owns compiled code on the parent's side: found by the ledger, or compiled by a confined child.

Code is loaded only if this user's ledger names it (ADR 0010). Compiling looks at hostile bytes for
as long as they like, so a confined child with limits does it and hands back bytes, nothing else
(ADR 0007). Every face of the package compiles here, but for modules that are certainly cheap.
"""

from __future__ import annotations

import os

from wherever.engine.cache import CodeCache
from wherever.errors import InternalError, InvalidProgram, LimitExceeded
from wherever.nanoprocess.codefile import (
    ALONE,
    COMPONENT,
    FORM,
    HEAD,
    MODULE,
    RESUME,
    Kind,
    apart,
    count_apart,
    count_parts,
    is_code,
    joined,
    kind_of,
    parts_of,
)
from wherever.nanoprocess.pool import hand_over
from wherever.nanoprocess.signals import SIGABRT
from wherever.nanoprocess.supervise import Supervision
from wherever.policy import Limits
from wherever.store.cache import sealed
from wherever.store.digest import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer  # in collections.abc from 3.12

    from wherever.engine.engine import Code, Engine
    from wherever.engine.outline import Outline
    from wherever.engine.profile import Profile
    from wherever.nanoprocess.result import Result
    from wherever.nanoprocess.source import Source
    from wherever.store import Digest

    # Does the work, and shows meanwhile what it is.
    During = Callable[[str, Callable[[], bytes]], bytes]

__all__ = [
    "COMPILING",
    "Compiled",
    "close_all",
    "compiled",
    "compiled_component",
    "compiled_module",
    "compiled_program",
    "found_compiled",
]

COMPILING = Limits(memory=4 << 30, time=600, cpu=300)
"""What compiling one program may take: a megabyte of machine code takes about a second."""
_LARGEST = 1 << 30


class Compiled:
    """A program's compiled form, and what makes the rest of it, if it has one."""

    __slots__ = ("parts", "rest")

    def __init__(self, parts: list[int], data: Callable[[], bytes]) -> None:
        """`parts` is sealed memory: the head, then what lies apart; `data` is the module."""
        self.parts = parts
        self.rest: Callable[[], list[int]] | None = None
        head = os.pread(parts[0], HEAD, 0)
        if kind_of(head) == Kind.TRANSLATED and count_parts(head) == ALONE:
            self.rest = lambda: _rest(data())


def _rest(data: bytes) -> list[int]:
    """The compiled resume bodies of a translated program."""
    return found_compiled(digest_of(data), RESUME) or _made(
        RESUME, data, lambda: _compile(RESUME, data, COMPILING)
    )


def compiled_program(source: Source, during: During | None = None) -> Compiled:
    """The compiled form of a program.

    From the cache where it is known; else `during` does what takes long, and can say so.
    """
    digest = source.digest()
    known = found_compiled(digest)
    if known is not None:
        return Compiled(known, lambda: _unchanged(source, digest))
    data = source.data()
    if is_code(data):
        _require_ours(data, source.name)
        return Compiled(_sealed(*apart(data)), lambda: data)

    def compile_() -> bytes:
        return _compile(FORM, data, COMPILING)

    made = compile_ if during is None else lambda: during(_compiling(source), compile_)
    return Compiled(_made(FORM, data, made), lambda: data)


def _unchanged(source: Source, digest: Digest) -> bytes:
    data = source.data()
    if digest_of(data) != digest:
        raise InvalidProgram(f"{source.name} was changed while it ran: run it again")
    return data


def found_compiled(program: Digest, form: str = FORM) -> list[int] | None:
    """The compiled form of the program with that digest, if the cache has it."""
    cache = CodeCache.open()
    if cache is None:
        return None
    try:
        return _kept(cache, cache.key_of(form, program))
    finally:
        cache.close()


def compiled_component(profile: Profile, data: bytes, limits: Limits = COMPILING) -> list[int]:
    """A component for `components.load` in this process, in sealed memory."""
    form = f"{COMPONENT}{profile.code_name}"
    return found_compiled(digest_of(data), form) or _made(
        form, data, lambda: _compile(form, data, limits)
    )


def compiled_module(
    engine: Engine, wasm: bytes, outline: Outline | None = None, limits: Limits = COMPILING
) -> Code:
    """A module's code for an engine of this process, whose profile decides the form."""
    form = f"{MODULE}{engine.profile.code_name}"

    cache = CodeCache.open()
    key = CodeCache.key(form, wasm)
    try:
        code = None if cache is None else cache.get(key)
        if code is None:
            code = _compile(form, wasm, limits)
            if cache is not None:
                cache.keep(key, code)
    finally:
        if cache is not None:
            cache.close()
    return engine.load_own(code, wasm, outline)


def compiled(data: bytes) -> bytes:
    """The compiled form of a program, noted in the ledger so that it may be loaded from a file."""
    cache = CodeCache.open()
    if cache is None:
        raise InvalidProgram(
            "there is no place for a ledger of what was compiled here, and compiled code is loaded "
            "only if that names it: set WHEREVER_CACHE to a folder that can be written to"
        )
    try:
        code = _compile(FORM, data, COMPILING)
        if kind_of(code) == Kind.TRANSLATED:
            rest = _compile(RESUME, data, COMPILING)
            code = joined(Kind.TRANSLATED, (*parts_of(code), *parts_of(rest)))
        cache.vouch(cache.key(FORM, data), code)
        return code
    finally:
        cache.close()


def _made(form: str, data: bytes, compile_: Callable[[], bytes]) -> list[int]:
    """What the child makes, which is kept."""
    head, large = apart(compile_())
    cache = CodeCache.open()
    if cache is not None:
        key = cache.key(form, data)
        for number, part in enumerate(large):
            cache.keep(cache.key_apart(key, number), part)
        cache.keep(key, head)  # last: it names the others
        cache.close()
    return _sealed(head, large)


def _kept(cache: CodeCache, key: Digest) -> list[int] | None:
    """What the cache holds, if it holds all of it."""
    head = cache.get(key)
    if head is None:
        return None
    found: list[int] = []
    try:
        for number in range(count_apart(head)):
            part = cache.descriptor(cache.key_apart(key, number))
            if part is None:
                close_all(found)
                return None
            found.append(part)
        return [sealed(head), *found]
    except BaseException:
        close_all(found)
        raise


def _sealed(head: bytes, large: Sequence[Buffer]) -> list[int]:
    found: list[int] = []
    try:
        for part in (head, *large):
            found.append(sealed(part))  # noqa: PERF401 - what was made is closed on failure
    except BaseException:
        close_all(found)
        raise
    return found


def close_all(fds: Sequence[int]) -> None:
    """Close each of the descriptors."""
    for fd in fds:
        os.close(fd)


def _compiling(source: Source) -> str:
    return f"compiling {source.name}"


def _require_ours(data: bytes, name: str) -> None:
    cache = CodeCache.open()
    if cache is None or not cache.made(data):
        raise InvalidProgram(
            f"{name} is compiled code that was not compiled here by this user: it could be "
            "anything, and is not loaded; compile the module with wherever compile"
        )


def _compile(form: str, data: bytes, limits: Limits) -> bytes:
    """Compile in a child, and take the bytes once it has ended and can change them no more."""
    program = sealed(data)
    target = os.memfd_create("wherever-code", os.MFD_CLOEXEC)
    try:
        work = {"compile": form, "memory": limits.memory, "cpu": limits.cpu}
        worker = hand_over(work, [program, target])
        # Memory and processor time are kept in the child: see `guest.compile_`.
        result = Supervision(worker, limits).watch()
        if not result.ok:
            raise _failed(result, limits)
        size = os.fstat(target).st_size
        if not 0 < size <= _LARGEST:
            raise InternalError(f"the compiling child gave {size} bytes")
        return os.pread(target, size, 0)
    finally:
        os.close(program)
        os.close(target)


def _failed(result: Result, limits: Limits) -> Exception:
    limit = result.limit.limit if result.limit is not None else ""
    if result.signal == SIGABRT:  # all that the compiler does when an allocation fails
        limit = "memory"
    if not limit:
        return InvalidProgram(
            f"compiling ended unexpectedly, so the module is refused: {result.sentence()}"
        )
    allowed = {
        "time": f"{limits.time:g} s",
        "cpu": f"{limits.cpu:g} s of processor time",
        "memory": f"{(limits.memory or 0) >> 20} MiB of memory",
    }
    return LimitExceeded(
        f"compiling took more than the {allowed.get(limit, limit)} that it may take",
        limit=limit,
        value=getattr(limits, limit, None),
    )
