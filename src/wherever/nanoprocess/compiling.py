"""Owns compiled programs on the parent's side: the cache, the ledger, and the child that compiles.

Code is loaded only if this user's ledger names it (ADR 0010). Compiling looks at hostile bytes for
as long as they like, so a confined child with limits does it and hands back bytes, nothing else.
"""

from __future__ import annotations

import os

from wherever.errors import InternalError, InvalidProgram, LimitExceeded
from wherever.nanoprocess.codefile import MAGIC, is_code
from wherever.nanoprocess.pool import take
from wherever.nanoprocess.supervise import Supervision
from wherever.policy import Limits
from wherever.store import Cache, Digest, digest_of, digest_of_parts, open_cache
from wherever.store.cache import sealed
from wherever.version import __version__

__all__ = ["ENGINE", "compiled", "compiled_descriptor"]

ENGINE = "50.0.1"  # as engine.library has it; importing that takes longer than the rest of a start
_LIMITS = Limits(memory=None, time=600, cpu=None)
_LARGEST = 2 << 30


def compiled_descriptor(data: bytes, name: str) -> int:
    """The compiled form of a program as sealed memory, from the cache where it is known."""
    if is_code(data):
        _require_ours(data, name)
        return sealed(data)
    cache = _cache()
    if cache is None:
        return sealed(_compile(data))
    try:
        key = _key(data)
        found = cache.descriptor(key)
        if found is not None:
            return found
        code = _compile(data)
        cache.put(key, code)
        return sealed(code)
    finally:
        cache.close()


def compiled(data: bytes) -> bytes:
    """The compiled form of a program, noted in the ledger so that it may be loaded from a file."""
    cache = open_cache("code")
    try:
        key = _key(data)
        code = cache.get(key) or _compile(data)
        cache.put(key, code)
        if not cache.ledger.knows(digest_of(code)):  # larger than the quota, or no room
            cache.ledger.record(digest_of(code), key)
        return code
    finally:
        cache.close()


def _cache() -> Cache | None:
    """The cache of compiled code; None where there is no place for one (a read-only home)."""
    try:
        return open_cache("code")
    except OSError:
        return None


def _key(data: bytes) -> Digest:
    machine = os.uname().machine
    return digest_of_parts(MAGIC, __version__, ENGINE, machine, "demand", digest_of(data))


def _require_ours(data: bytes, name: str) -> None:
    cache = _cache()
    if cache is None or not cache.ledger.knows(digest_of(data)):
        raise InvalidProgram(
            f"{name} is compiled code that was not compiled here by this user: it could be "
            "anything, and is not loaded; compile the module with wherever compile"
        )


def _compile(data: bytes) -> bytes:
    """Compile in a child, and take the bytes once it has ended and can change them no more."""
    program = sealed(data)
    target = os.memfd_create("wherever-code", os.MFD_CLOEXEC)
    try:
        worker = take()
        if not worker.send({"compile": True}, [program, target]):
            raise InternalError("the compiling child ended before it had its work")
        result = Supervision(worker, _LIMITS).watch()
        if not result.ok:
            raise _failed(result.limit, result.sentence())
        size = os.fstat(target).st_size
        if not 0 < size <= _LARGEST:
            raise InternalError(f"the compiling child gave {size} bytes")
        return os.pread(target, size, 0)
    finally:
        os.close(program)
        os.close(target)


def _failed(limit: LimitExceeded | None, sentence: str) -> Exception:
    if limit is not None:
        message = f"compiling took too much: {limit}"
        return LimitExceeded(message, limit=limit.limit, value=limit.value)
    return InvalidProgram(f"compiling ended unexpectedly, so the module is refused: {sentence}")
