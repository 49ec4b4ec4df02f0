"""Owns digests: SHA-256 as 64 lower-case hexadecimal digits, of bytes or of several parts."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType, Protocol

    from typing_extensions import Buffer  # in collections.abc from 3.12

    Digest = NewType("Digest", str)

    class Hash(Protocol):
        """What we use of a hash object."""

        def update(self, data: Buffer, /) -> None: ...
        def hexdigest(self) -> str: ...
else:
    Digest = str  # `typing` takes longer to import than the digests take to compute

__all__ = [
    "DIGEST_LENGTH",
    "Digest",
    "digest_of",
    "digest_of_descriptor",
    "digest_of_parts",
    "is_digest",
]

DIGEST_LENGTH = 64
_HEX = frozenset("0123456789abcdef")

# Loading OpenSSL costs more than the interpreter's own SHA-256 needs for this many bytes.
_SMALL = 256 * 1024
_PIECE = 256 * 1024  # stays in the processor's cache from the copy to the hash


def new_hash(size: int) -> Hash:
    """A SHA-256 object, of the implementation that is done first for about `size` bytes."""
    if size <= _SMALL:
        for name in ("_sha2", "_sha256"):  # 3.12 and later; 3.11
            try:
                module = __import__(name)
            except ImportError:
                continue
            own: Hash = module.sha256()
            return own
    import hashlib

    return hashlib.sha256()


def digest_of(data: Buffer) -> Digest:
    """The digest of some bytes."""
    hash_ = new_hash(memoryview(data).nbytes)
    hash_.update(data)
    return Digest(hash_.hexdigest())


def digest_of_descriptor(fd: int, size: int, into: int = -1) -> Digest | None:
    """The digest of a file of that size, piece by piece; None if it is of another size.

    What is read is written `into` a second file as it is hashed.
    """
    hash_ = new_hash(size)
    buffer = memoryview(bytearray(min(size, _PIECE) or 1))
    at = 0
    while got := os.preadv(fd, [buffer], at):
        piece = buffer[:got]
        hash_.update(piece)
        at += got
        while into >= 0 and piece:
            piece = piece[os.write(into, piece) :]
    return Digest(hash_.hexdigest()) if at == size else None


def digest_of_parts(*parts: bytes | str) -> Digest:
    """The digest of a list of parts, each with its length: no two lists share their bytes.

    This makes a cache key of the things that decide a result: input digest, version, options.
    """
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    hash_ = new_hash(sum(map(len, encoded)))
    for part in encoded:
        hash_.update(b"%d:" % len(part))
        hash_.update(part)
    return Digest(hash_.hexdigest())


def is_digest(text: str) -> bool:
    """Whether the text is spelled as a digest is: nothing else ever becomes a file name."""
    return len(text) == DIGEST_LENGTH and _HEX.issuperset(text)
