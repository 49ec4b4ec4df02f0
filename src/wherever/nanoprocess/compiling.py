"""Owns compiled code on the parent's side: found by the ledger, or compiled by a confined child.

Code is loaded only if this user's ledger names it (ADR 0010). Compiling looks at hostile bytes for
as long as they like, so a confined child with limits does it and hands back bytes, nothing else
(ADR 0007). Every face of the package compiles here, but for modules that are certainly cheap.
"""

from __future__ import annotations

import os

from wherever.engine.cache import CodeCache
from wherever.errors import InternalError, InvalidProgram, LimitExceeded
from wherever.nanoprocess.codefile import COMPONENT, FORM, MODULE, is_code
from wherever.nanoprocess.pool import hand_over
from wherever.nanoprocess.signals import SIGABRT
from wherever.nanoprocess.supervise import Supervision
from wherever.policy import Limits
from wherever.store.cache import sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from wherever.engine.engine import Code, Engine
    from wherever.engine.outline import Outline
    from wherever.engine.profile import Profile
    from wherever.nanoprocess.result import Result
    from wherever.store import Digest

    T = TypeVar("T")

    # Does the work, and shows meanwhile what it is.
    During = Callable[[str, Callable[[], bytes]], bytes]

__all__ = ["COMPILING", "compiled", "compiled_component", "compiled_descriptor", "compiled_module"]

COMPILING = Limits(memory=4 << 30, time=600, cpu=300)
"""What compiling one program may take: a megabyte of machine code takes about a second."""
_LARGEST = 1 << 30


def compiled_descriptor(data: bytes, name: str, during: During | None = None) -> int:
    """The compiled form of a program as sealed memory, from the cache where it is known."""
    if is_code(data):
        _require_ours(data, name)
        return sealed(data)

    def known(cache: CodeCache, key: Digest) -> int | None:
        return cache.descriptor(key)

    def compile_() -> bytes:
        return _compile(FORM, data, COMPILING)

    return _found(
        FORM,
        data,
        known,
        sealed,
        compile_ if during is None else lambda: during(f"compiling {name}", compile_),
    )


def compiled_component(profile: Profile, data: bytes, limits: Limits = COMPILING) -> int:
    """A component for `components.load` in this process, as sealed memory."""

    def known(cache: CodeCache, key: Digest) -> int | None:
        return cache.descriptor(key)

    form = f"{COMPONENT}{profile.code_name}"
    return _found(form, data, known, sealed, lambda: _compile(form, data, limits))


def compiled_module(
    engine: Engine, wasm: bytes, outline: Outline | None = None, limits: Limits = COMPILING
) -> Code:
    """A module's code for an engine of this process, whose profile decides the form."""
    form = f"{MODULE}{engine.profile.code_name}"

    def known(cache: CodeCache, key: Digest) -> bytes | None:
        return cache.get(key)

    code = _found(form, wasm, known, bytes, lambda: _compile(form, wasm, limits))
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
        key = cache.key(FORM, data)
        code = cache.get(key) or _compile(FORM, data, COMPILING)
        cache.vouch(key, code)
        return code
    finally:
        cache.close()


def _found(
    form: str,
    data: bytes,
    known: Callable[[CodeCache, Digest], T | None],
    made: Callable[[bytes], T],
    compile_: Callable[[], bytes],
) -> T:
    """What the cache holds, else what the child makes, which is kept."""
    cache = CodeCache.open()
    if cache is None:
        return made(compile_())
    try:
        key = cache.key(form, data)
        found = known(cache, key)
        if found is None:
            code = compile_()
            cache.keep(key, code)
            found = made(code)
        return found
    finally:
        cache.close()


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
