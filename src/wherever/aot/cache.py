"""Owns remembering translations: the same program, translator and options are translated once."""

from __future__ import annotations

import os
from functools import cache

from wherever.linux.addresses import linked_low
from wherever.linux.module import personality
from wherever.store.cache import open_cache
from wherever.store.digest import digest_of, digest_of_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.store import Digest

__all__ = ["translated", "translation_known"]

_ROOMS = ("program", "ir", "isa", "isa.aarch64", "passes", "aot", "wasm")


@cache
def _translator() -> str:
    """A digest of everything that decides what a translation looks like.

    Reading some hundred files takes longer than a translated program needs to start. So it is noted
    which sizes and times they had, which is what Python itself asks before it reads its own
    compiled files.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files: list[os.DirEntry[str]] = []
    for room in _ROOMS:
        with os.scandir(os.path.join(root, room.replace(".", os.sep))) as found:
            python = (entry for entry in found if entry.name.endswith(".py"))
            files += sorted(python, key=lambda entry: entry.name)
    stamps = [(file.path, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    noted = digest_of_parts("translator", repr(stamps))
    store = open_cache("translations")
    try:
        known = store.ledger.made_from(noted)
        if known is None:
            known = digest_of_parts(*[_digest_of_file(path) for path, *_ in stamps])
            store.ledger.record(known, noted)
        return known
    finally:
        store.close()


def _digest_of_file(path: str) -> Digest:
    with open(path, "rb", buffering=0) as file:
        return digest_of(file.readall())


def _key(program: bytes, base: bytes, *, exact: bool = False) -> Digest:
    options = (digest_of(b"exact"),) if exact else ()
    return digest_of_parts(digest_of(program), digest_of(base), _translator(), *options)


def _personality(program: bytes, target: str) -> bytes:
    return personality(f"{target}-high" if linked_low(program) else target)


def translation_known(
    program: bytes, target: str = "wherever", *, exact: bool = False
) -> Digest | None:
    """The digest of the program's translation, if it was ever made here."""
    store = open_cache("translations")
    try:
        return store.ledger.made_from(_key(program, _personality(program, target), exact=exact))
    finally:
        store.close()


def translated(
    program: bytes,
    target: str = "wherever",
    progress: Callable[[str, int, int], None] | None = None,
    jobs: int = 0,
    *,
    exact: bool = False,
) -> bytes:
    """The translation of a program, from the cache where it is there.

    Made in as many processes as `jobs` says; 0 is as many as there are cores.
    `exact` floating point obeys FPCR and reports to FPSR.
    """
    base = _personality(program, target)
    key = _key(program, base, exact=exact)
    store = open_cache("translations")
    try:
        known = store.get(key)
        if known is None:
            # Only here: what a second run needs none of costs it most of its time.
            from wherever.aot.apart import translate_apart
            from wherever.aot.spread import cores

            known = translate_apart(program, base, jobs or cores(), progress, exact=exact)
            store.put(key, known)
        return known
    finally:
        store.close()
