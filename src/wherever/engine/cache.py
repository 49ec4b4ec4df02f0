"""Owns compiled code kept on disk, under the ledger's rule (ADR 0007).

Deserialising native code checks nothing, so an entry is loaded only if the store room's ledger says
that we made exactly these bytes from exactly this key, in a folder that only we can write to. Any
doubt is a miss: the module is compiled again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherever.engine.confine import serialised
from wherever.errors import Unsupported
from wherever.store.cache import open_cache
from wherever.store.digest import digest_of, digest_of_parts

if TYPE_CHECKING:
    from wherever.engine.engine import Code, Engine
    from wherever.engine.outline import Outline
    from wherever.store.cache import Cache
    from wherever.store.digest import Digest

__all__ = ["CodeCache"]


class CodeCache:
    """Machine code by module, processor, release and configuration."""

    __slots__ = ("cache",)

    def __init__(self, cache: Cache | None = None) -> None:
        self.cache = open_cache("code") if cache is None else cache

    @staticmethod
    def key(engine: Engine, wasm: bytes) -> Digest:
        """What the machine code of a module depends on."""
        return digest_of_parts(digest_of(wasm), engine.key)

    def load(self, engine: Engine, wasm: bytes, outline: Outline | None = None) -> Code | None:
        """The module's code where it is kept and loads; None otherwise."""
        data = self.cache.get(self.key(engine, wasm))
        if data is None:
            return None
        try:
            return engine.load_own(data, wasm, outline)
        except Unsupported:  # made on a processor with other features
            return None

    def code(
        self,
        engine: Engine,
        wasm: bytes,
        outline: Outline | None = None,
        *,
        trusted: bool = False,
    ) -> Code:
        """The module's code, kept from now on. One that is not `trusted` compiles in a child."""
        code = self.load(engine, wasm, outline)
        if code is not None:
            return code
        if trusted:
            code = engine.compile(wasm, outline)
            data = code.serialise()
        else:
            data = serialised(engine, wasm)
            code = engine.load_own(data, wasm, outline)
        self.cache.put(self.key(engine, wasm), data)
        return code

    def descriptor(self, engine: Engine, wasm: bytes) -> int | None:
        """The kept code as sealed memory for a worker, which sees no path; None where not kept."""
        return self.cache.descriptor(self.key(engine, wasm))
