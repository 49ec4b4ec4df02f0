"""Owns remembering translations: the same program, translator and options are translated once."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from wherever.linux.module import personality
from wherever.store.cache import open_cache
from wherever.store.digest import digest_of, digest_of_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.store import Digest

__all__ = ["is_translated", "translated"]

_ROOMS = ("program", "ir", "isa", "isa.aarch64", "passes", "aot", "wasm")


@cache
def _translator() -> str:
    """A digest of everything that decides what a translation looks like."""
    rooms = (resources.files(f"wherever.{room}") for room in _ROOMS)
    files = (f for room in rooms for f in sorted(room.iterdir(), key=lambda f: f.name))
    parts = [digest_of(f.read_bytes()) for f in files if f.name.endswith(".py")]
    return digest_of_parts(*parts)


def _key(program: bytes, base: bytes, *, exact: bool = False) -> Digest:
    options = (digest_of(b"exact"),) if exact else ()
    return digest_of_parts(digest_of(program), digest_of(base), _translator(), *options)


def is_translated(program: bytes, target: str = "wherever") -> bool:
    """Whether `translated` would find it in the cache."""
    store = open_cache("translations")
    try:
        return store.holds(_key(program, personality(target)))
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
    base = personality(target)
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
