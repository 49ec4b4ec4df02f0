"""Owns `wherever cache`: what the caches hold, and emptying them."""

from __future__ import annotations

import os

from wherever.policy import Malformed
from wherever.policy.quantities import show_size
from wherever.store import Cache, cache_root

__all__ = ["main"]


def main(words: list[str]) -> int:
    """`wherever cache ls|clear`."""
    as_json = "--json" in words
    rest = [word for word in words if word != "--json"]
    if rest not in (["ls"], ["clear"]):
        raise Malformed("what about the cache? wherever cache ls, or wherever cache clear")
    return _list(as_json=as_json) if rest == ["ls"] else _clear(as_json=as_json)


def _caches() -> list[tuple[str, Cache]]:
    root = cache_root()
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return []
    folders = [(name, os.path.join(root, name)) for name in names]
    return [(name, Cache(path)) for name, path in folders if _is_cache(path)]


def _is_cache(path: str) -> bool:
    return os.path.isdir(os.path.join(path, "objects"))


def _list(*, as_json: bool) -> int:
    found = [(name, cache.usage()) for name, cache in _caches()]
    if as_json:
        import json

        held = {
            name: {"entries": usage.entries, "bytes": usage.bytes, "quota": usage.quota}
            for name, usage in found
        }
        print(json.dumps({"path": cache_root(), "caches": held}))
        return 0
    print(cache_root())
    for name, usage in found:
        print(f"  {name:<16}{usage.entries:>6} entries {_about(usage.bytes):>12}"
              f"  of {show_size(usage.quota)}")  # fmt: skip
    if not found:
        print("  nothing is held")
    return 0


def _clear(*, as_json: bool) -> int:
    entries = size = 0
    for _, cache in _caches():
        held = cache.clear()
        entries += held.entries
        size += held.bytes
    if as_json:
        import json

        print(json.dumps({"path": cache_root(), "entries": entries, "bytes": size}))
        return 0
    print(f"removed {entries} entries, {_about(size)}")
    return 0


def _about(size: int) -> str:
    number = float(size)
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
