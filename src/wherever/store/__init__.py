"""Owns what we keep on disk: content-addressed files, written whole or not at all, in our folders.

Nothing heavy is imported here: `wherever run` opens the cache in its first milliseconds.
"""

from __future__ import annotations

from wherever.store.cache import Cache, Entry, Usage, open_cache
from wherever.store.digest import Digest, digest_of, digest_of_parts
from wherever.store.folder import Folder, cache_root
from wherever.store.ledger import Ledger, Record
from wherever.store.lock import locked

__all__ = [
    "Cache",
    "Digest",
    "Entry",
    "Folder",
    "Ledger",
    "Record",
    "Usage",
    "cache_root",
    "digest_of",
    "digest_of_parts",
    "locked",
    "open_cache",
]
