"""Is a large object, which the kernel copies, checked as a small one is?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherever.store import Cache, digest_of

KEY = digest_of(b"key")
DATA = bytes(range(256)) * (3 << 12)  # 3 MiB


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    made = Cache(tmp_path / "cache")
    assert made.put(KEY, DATA)
    return made


def the_object(cache: Cache) -> Path:
    (entry,) = cache.entries()
    return Path(cache.path) / "objects" / entry.digest


def test_the_bytes_are_there_and_sealed(cache: Cache) -> None:
    fd = cache.descriptor(KEY)
    assert fd is not None
    try:
        assert os.pread(fd, len(DATA) + 1, 0) == DATA
        with pytest.raises(OSError, match="not permitted"):
            os.pwrite(fd, b"x", 0)
        with pytest.raises(OSError, match="not permitted"):
            os.ftruncate(fd, 1)
    finally:
        os.close(fd)


@pytest.mark.parametrize("at", [0, 1 << 20, len(DATA) - 1])
def test_a_flipped_bit_is_absence(cache: Cache, at: int) -> None:
    with the_object(cache).open("r+b") as file:
        file.seek(at)
        file.write(bytes([DATA[at] ^ 1]))
    assert cache.descriptor(KEY) is None
    assert cache.entries() == []


@pytest.mark.parametrize("size", [1 << 20, len(DATA) - 1, len(DATA) + 1])
def test_another_length_is_absence(cache: Cache, size: int) -> None:
    os.truncate(the_object(cache), size)
    assert cache.descriptor(KEY) is None
