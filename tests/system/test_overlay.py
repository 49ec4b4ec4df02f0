"""An overlay behaves as the host's own filesystem does, and leaves the host as it was."""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wherever.system.budget import Budget
from wherever.system.handles import Directory, File, Kind, Opening, Whence
from wherever.system.overlay import grant_overlay

Grant = Callable[..., Directory]

NAMES = [b"a", b"b", b"file", b"sub", b"sub/inner", b"sub/deeper", b"sub/x", b"a/b", b"b/y", b"l",
         b"sub/../file", b"a/", b"sub/", b"l/x", b"file/x", b"."]  # fmt: skip


def snapshot(directory: Directory, path: bytes = b".") -> dict[bytes, object]:
    """Everything below a directory: kinds, modes, sizes, contents, link targets."""
    opened = directory.open(path, Opening(directory=True))
    assert isinstance(opened, Directory)
    found: dict[bytes, object] = {}
    for name, kind, _ in opened.entries()[2:]:
        at = name if path == b"." else path + b"/" + name
        stat = directory.stat_path(at, follow=False)
        assert stat.kind is kind
        if kind is Kind.DIRECTORY:
            found[name] = (kind, stat.mode, snapshot(directory, at))
        elif kind is Kind.SYMLINK:
            found[name] = (kind, directory.readlink(at))
        else:
            found[name] = (kind, stat.mode, stat.links, stat.size, contents(directory, at))
    opened.close()
    return found


def contents(directory: Directory, path: bytes) -> bytes:
    opened = directory.open(path, Opening(follow=False))
    assert isinstance(opened, File)
    buffer = bytearray(1 << 20)
    data = bytes(buffer[: opened.read([memoryview(buffer)])])
    opened.close()
    return data


def one_step(directory: Directory, kept: list[File], pick: random.Random) -> object:
    """One random operation; its answer, or its errno."""
    action = pick.randrange(13)
    one, two = pick.choice(NAMES), pick.choice(NAMES)
    data = bytes([pick.randrange(256)]) * pick.randrange(1, 200)
    offset = pick.choice([0, 3, 70_000, 200_000])
    follow = pick.random() < 0.5
    try:
        match action:
            case 0 | 1:
                how = Opening(
                    write=True,
                    create=pick.random() < 0.7,
                    exclusive=pick.random() < 0.2,
                    truncate=pick.random() < 0.3,
                    append=pick.random() < 0.3,
                    follow=follow,
                    mode=0o640,
                )
                opened = directory.open(one, how)
                if not isinstance(opened, File):
                    return "a directory"
                kept.append(opened)
                return opened.write([memoryview(data)])
            case 2:
                return directory.make_directory(one, 0o755)
            case 3:
                return directory.remove_directory(one)
            case 4:
                return directory.unlink(one)
            case 5:
                return directory.rename(one, directory, two)
            case 6:
                return directory.link(one, directory, two)
            case 7:
                return directory.symlink(pick.choice([b"file", b"sub", b"missing", b"a"]), one)
            case 8:
                return directory.chmod_path(one, 0o600)
            case 9:
                return directory.rename(one, directory, two, replace=False)
            case _ if kept:
                file = pick.choice(kept)
                if action == 10:
                    return file.write_at([memoryview(data)], offset)
                if action == 11:
                    return file.truncate(offset)
                buffer = bytearray(300)
                return bytes(buffer[: file.read_at([memoryview(buffer)], offset)])
            case _:
                return None
    except OSError as error:
        return errno.errorcode[error.errno or 0]


@pytest.mark.parametrize("seed", range(40))
def test_the_same_steps_on_an_overlay_and_on_the_host_agree(
    grant: Grant, place: Path, seed: int
) -> None:
    """Linux is the oracle: every answer and every errno, and the tree at the end."""
    (place / "sub" / "l").symlink_to("../file")
    (place / "file").write_bytes(b"0123456789" * 10_000)  # more than a piece
    copy = place.parent / "copy"
    shutil.copytree(place, copy, symlinks=True)
    before = snapshot(grant(place, "ro"))
    host, overlay = grant(copy, "rw"), grant(place, "overlay")
    host_files: list[File] = []
    overlay_files: list[File] = []
    for step in range(80):
        state = f"{seed}:{step}"
        expected = one_step(host, host_files, random.Random(state))
        assert one_step(overlay, overlay_files, random.Random(state)) == expected, state
    assert snapshot(overlay) == snapshot(host)
    for file in host_files + overlay_files:
        file.close()
    assert snapshot(grant(place, "ro")) == before


def test_writes_are_shared_between_handles_and_outlive_unlink(grant: Grant, place: Path) -> None:
    overlay = grant(place, "overlay")
    reader = overlay.open(b"file", Opening())
    writer = overlay.open(b"file", Opening(write=True))
    assert isinstance(reader, File)
    assert isinstance(writer, File)
    writer.write([memoryview(b"J")])
    overlay.unlink(b"file")
    buffer = bytearray(10)
    assert reader.read([memoryview(buffer)]) == 5
    assert buffer[:5] == b"Jello"
    assert reader.stat().links == 0
    with pytest.raises(OSError):
        overlay.stat_path(b"file")
    reader.close()
    writer.close()


def test_memory_is_counted_refused_and_given_back(place: Path) -> None:
    budget = Budget(200_000)
    overlay = grant_overlay(place, budget=budget)
    opened = overlay.open(b"big", Opening(write=True, create=True))
    assert isinstance(opened, File)
    written = opened.write([memoryview(bytes(300_000))])
    assert 100_000 < written < 200_000  # a short write, as on a full disk
    with pytest.raises(OSError) as refused:
        opened.write([memoryview(bytes(100_000))])
    assert refused.value.errno == errno.ENOSPC
    opened.close()
    overlay.unlink(b"big")
    assert budget.used < 5_000

    def flood() -> None:
        for index in range(1000):
            overlay.make_directory(b"d%d" % index)

    with pytest.raises(OSError) as refused:
        flood()
    assert refused.value.errno == errno.ENOSPC
    overlay.close()


def test_a_hole_costs_nothing_and_reads_as_zeros(place: Path) -> None:
    budget = Budget(1 << 20)
    overlay = grant_overlay(place, budget=budget)
    opened = overlay.open(b"sparse", Opening(write=True, create=True))
    assert isinstance(opened, File)
    opened.truncate(1 << 50)
    opened.seek(-1, Whence.END)
    assert opened.write([memoryview(b"x")]) == 1
    assert opened.stat().size == 1 << 50
    buffer = bytearray(8)
    assert opened.read_at([memoryview(buffer)], (1 << 50) - 8) == 8
    assert buffer == b"\0" * 7 + b"x"
    assert budget.used < 100_000
    opened.close()
    overlay.close()


def test_only_what_is_changed_of_a_large_file_is_copied(place: Path) -> None:
    (place / "large").write_bytes(os.urandom(1 << 20))
    expected = bytearray((place / "large").read_bytes())
    budget = Budget(1 << 20)
    overlay = grant_overlay(place, budget=budget)
    opened = overlay.open(b"large", Opening(write=True))
    assert isinstance(opened, File)
    opened.write_at([memoryview(b"changed")], 500_000)
    expected[500_000:500_007] = b"changed"
    assert budget.used < 70_000
    assert contents(overlay, b"large") == expected
    opened.close()
    overlay.close()


def test_descriptors_of_the_host_are_given_back(place: Path) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before = count()
    overlay = grant_overlay(place)
    for _ in range(50):
        opened = overlay.open(b"sub/inner", Opening())
        opened.close()
        overlay.stat_path(b"sub/inner")
        sub = overlay.open(b"sub", Opening(directory=True))
        assert isinstance(sub, Directory)
        sub.entries()
        sub.close()
    overlay.close()
    assert count() == before
