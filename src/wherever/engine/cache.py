"""Owns compiled code kept on disk, under the ledger's rule (ADR 0007, 0010).

Deserialising native code checks nothing, so an entry is loaded only if the store room's ledger says
that we made exactly these bytes from exactly this key, in a folder that only we can write to. Any
doubt is a miss: the module is compiled again. This is the one place that names such entries,
whoever compiles and whoever loads.
"""

from __future__ import annotations

from wherever.engine.release import VERSION, processor
from wherever.store import Cache, digest_of, digest_of_parts, open_cache
from wherever.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from typing_extensions import Buffer  # in collections.abc from 3.12

    from wherever.store import Digest

__all__ = ["CodeCache"]


class CodeCache:
    """Machine code by what it was made of: program, form, releases, processor.

    The form is the configuration of the engine and what else is in the bytes besides machine code.
    """

    __slots__ = ("cache",)

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    @classmethod
    def open(cls) -> Self | None:
        """This user's; None where there is no place for one (a read-only home)."""
        try:
            return cls(open_cache("code"))
        except OSError:
            return None

    def close(self) -> None:
        """Close the folders."""
        self.cache.close()

    @staticmethod
    def key(form: str, program: bytes) -> Digest:
        """What the machine code of a program depends on."""
        return CodeCache.key_of(form, digest_of(program))

    @staticmethod
    def key_of(form: str, program: Digest) -> Digest:
        """The same for a program of which the digest is known."""
        return digest_of_parts(form, __version__, VERSION, processor(), program)

    @staticmethod
    def key_apart(key: Digest, number: int) -> Digest:
        """The key of a part that is kept apart, beside what the key itself names."""
        return digest_of_parts(key, "apart", str(number))

    def get(self, key: Digest) -> bytes | None:
        """The code that we made, checked against the ledger; None otherwise."""
        return self.cache.get(key)

    def descriptor(self, key: Digest) -> int | None:
        """The same as sealed memory for a worker, which sees no path."""
        return self.cache.descriptor(key)

    def keep(self, key: Digest, code: Buffer) -> None:
        """Keep code that our own compiler made; a full disk leaves it absent."""
        self.cache.put(key, code)

    def vouch(self, key: Digest, code: bytes) -> None:
        """Note in the ledger that we made it: it goes into a file."""
        digest = digest_of(code)
        if not self.cache.ledger.knows(digest):
            self.cache.ledger.record(digest, digest_of_parts(key, "in a file"))

    def made(self, code: bytes) -> bool:
        """Whether these are bytes that we made."""
        return self.cache.ledger.knows(digest_of(code))
