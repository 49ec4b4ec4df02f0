"""Is compiled code put together and taken apart as it says, and nothing else taken for it?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherever.engine.cache import CodeCache
from wherever.errors import InvalidProgram
from wherever.nanoprocess import compiling
from wherever.nanoprocess.codefile import Kind, apart, count_apart, cut, is_code, joined, kind_of
from wherever.nanoprocess.source import Source
from wherever.store import digest_of

SMALL, LARGE, HUGE = b"small", b"l" * (256 << 10), b"h" * (1 << 20)
PARTS = (b"told", LARGE, SMALL, HUGE)


def test_large_parts_lie_apart_and_the_head_says_where() -> None:
    head, large = apart(joined(Kind.COMPONENT, PARTS))
    assert [bytes(part) for part in large] == [LARGE, HUGE]
    assert count_apart(head) == 2
    assert kind_of(head) == Kind.COMPONENT
    told = [part if isinstance(part, int) else bytes(part) for part in cut(head)]
    assert told == [b"told", 0, SMALL, 1]


def test_what_tells_of_the_others_never_lies_apart() -> None:
    head, large = apart(joined(Kind.PROGRAM, (HUGE, SMALL)))
    assert not large
    assert cut(head)[0] == HUGE


def test_so_many_parts_lie_apart_and_no_more() -> None:
    head, large = apart(joined(Kind.COMPONENT, (b"", *[LARGE] * 20)))
    assert len(large) == count_apart(head) == 16
    assert cut(head)[-1] == LARGE


def test_damage_is_said_wherever_it_is() -> None:
    data = joined(Kind.PROGRAM, (b"told", SMALL))
    head, _ = apart(data)
    for size in range(len(data)):
        with pytest.raises(InvalidProgram, match="damaged"):
            apart(data[:size])
        with pytest.raises(InvalidProgram, match="damaged"):
            cut(head[:size])
    with pytest.raises(InvalidProgram, match="damaged"):
        apart(data + b"\0")
    lies = bytearray(data)
    lies[len(data) - len(SMALL) - 4 - 9] = 0xFF  # the high byte of a size
    with pytest.raises(InvalidProgram, match="damaged"):
        apart(bytes(lies))
    assert not is_code(data[1:])
    assert kind_of(b"\0asm\1\0\0\0") == 0


def test_a_part_that_is_gone_is_a_miss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path))
    data = joined(Kind.COMPONENT, PARTS)
    made = compiling._made(compiling.FORM, b"program", lambda: data)
    again = compiling.found_compiled(digest_of(b"program"))
    assert again is not None
    for fd, other in zip(made, again, strict=True):
        assert os.pread(fd, 2 << 20, 0) == os.pread(other, 2 << 20, 0)
        with pytest.raises(OSError, match="not permitted"):
            os.pwrite(other, b"x", 0)
    compiling.close_all([*made, *again])
    cache = CodeCache.open()
    assert cache is not None
    key = cache.key_apart(cache.key(compiling.FORM, b"program"), 1)
    digest = cache.cache.ledger.made_from(key)
    assert digest is not None
    (tmp_path / "code" / "objects" / digest).unlink()
    before = set(Path("/proc/self/fd").iterdir())
    assert compiling.found_compiled(digest_of(b"program")) is None
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_large_program_is_not_held_until_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(HUGE)
    source = Source(path)
    assert source.digest() == digest_of(HUGE)
    assert source.head == HUGE[:512]
    path.write_bytes(LARGE * 4)  # the same size
    assert source.data() == LARGE * 4
    assert source.digest() == digest_of(LARGE * 4)
    assert source.head == LARGE[:512]
    os.truncate(path, 5)
    assert source.data() == LARGE * 4  # what was taken stays


def test_a_program_that_shrinks_meanwhile_is_the_bytes_that_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(HUGE)
    source = Source(path)
    os.truncate(path, 7)
    assert source.digest() == digest_of(HUGE[:7])
    assert source.data() == HUGE[:7]


def test_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        Source(tmp_path)
    assert caught.value.filename == str(tmp_path)
