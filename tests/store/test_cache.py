"""The cache: whole or absent, never wrong, whatever happens to disk, writers and files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherever.errors import Denied
from wherever.store import Cache, Digest, Folder, Record, cache_root, digest_of, digest_of_parts
from wherever.store.cache import open_cache


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def key(name: str) -> Digest:
    return digest_of_parts("test", name)


def object_file(cache: Cache, data: bytes) -> Path:
    return Path(cache.path) / "objects" / digest_of(data)


def test_put_then_get(cache: Cache) -> None:
    assert cache.get(key("a")) is None
    assert cache.put(key("a"), b"made from a")
    assert cache.get(key("a")) == b"made from a"
    assert cache.get(key("b")) is None
    assert cache.holds(key("a"))


def test_the_newest_of_a_key_is_found(cache: Cache) -> None:
    cache.put(key("a"), b"one")
    cache.put(key("a"), b"two")
    assert cache.get(key("a")) == b"two"


def test_a_descriptor_is_sealed_and_closed_on_exec(cache: Cache) -> None:
    cache.put(key("a"), b"code")
    fd = cache.descriptor(key("a"))
    assert fd is not None
    try:
        assert os.read(fd, 100) == b"code"
        assert not os.get_inheritable(fd)
        with pytest.raises(PermissionError):
            os.pwrite(fd, b"x", 0)
        again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR)
        try:
            with pytest.raises(PermissionError):
                os.pwrite(again, b"x", 0)
        finally:
            os.close(again)
    finally:
        os.close(fd)


def test_every_flipped_bit_is_absent(cache: Cache) -> None:
    data = b"native code, badly kept"
    for byte in range(len(data)):
        cache.put(key("a"), data)
        file = object_file(cache, data)
        file.chmod(0o600)
        damaged = bytearray(data)
        damaged[byte] ^= 1 << (byte % 8)
        file.write_bytes(bytes(damaged))
        assert cache.get(key("a")) is None
        assert not file.exists()


def test_a_flipped_bit_in_the_ledger_is_absent(cache: Cache) -> None:
    cache.put(key("a"), b"data")
    ledger = Path(cache.path) / "ledger"
    whole = ledger.read_bytes()
    for byte in range(len(whole)):
        damaged = bytearray(whole)
        damaged[byte] ^= 0x10
        ledger.write_bytes(bytes(damaged))
        assert cache.get(key("a")) is None
        assert not cache.ledger.knows(digest_of(b"data"))
    ledger.write_bytes(whole)
    assert cache.get(key("a")) == b"data"


def test_a_torn_ledger_line_costs_nothing_else(cache: Cache) -> None:
    cache.put(key("a"), b"first")
    cache.put(key("b"), b"second")
    ledger = Path(cache.path) / "ledger"
    whole = ledger.read_bytes()
    for cut in range(len(whole) // 2, len(whole)):
        ledger.write_bytes(whole[:cut])
        assert cache.get(key("a")) == b"first"
        assert cache.get(key("b")) is None
        cache.put(key("c"), b"third")
        assert cache.get(key("a")) == b"first"
        assert cache.get(key("c")) == b"third"


def test_a_forged_entry_is_absent(cache: Cache) -> None:
    forged = b"not made by us"
    object_file(cache, forged).write_bytes(forged)
    assert not cache.ledger.knows(digest_of(forged))
    cache.put(key("a"), b"ours")
    file = object_file(cache, b"ours")
    file.unlink()
    file.write_bytes(forged)
    assert cache.get(key("a")) is None


def test_swapped_entries_are_absent(cache: Cache) -> None:
    cache.put(key("a"), b"for a")
    cache.put(key("b"), b"for b")
    one, two = object_file(cache, b"for a"), object_file(cache, b"for b")
    one.rename(one.parent / "x")
    two.rename(one)
    (one.parent / "x").rename(two)
    assert cache.get(key("a")) is None
    assert cache.get(key("b")) is None


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder", "hole"])
def test_what_is_not_a_plain_file_is_absent(cache: Cache, tmp_path: Path, kind: str) -> None:
    cache.put(key("a"), b"data")
    file = object_file(cache, b"data")
    file.unlink()
    match kind:
        case "symlink":
            (tmp_path / "elsewhere").write_bytes(b"data")
            file.symlink_to(tmp_path / "elsewhere")
        case "fifo":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
        case _:
            file.write_bytes(bytes(4))
    assert cache.get(key("a")) is None


def test_a_file_that_others_can_write_is_absent(cache: Cache) -> None:
    cache.put(key("a"), b"data")
    object_file(cache, b"data").chmod(0o666)
    assert cache.get(key("a")) is None


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o720])
def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "cache"
    path.mkdir()
    path.chmod(mode)
    with pytest.raises(Denied, match=r"can be written to by others.*chmod 700"):
        Cache(path)


def test_our_readable_folder_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cache"
    Cache(path)
    assert path.stat().st_mode & 0o777 == 0o700
    path.chmod(0o755)
    Cache(path)
    assert path.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    os.chown(path, 12345, -1)
    with pytest.raises(Denied, match="belongs to user 12345"):
        Cache(path)


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", quota=1000)
    for number, name in enumerate("abc"):
        data = name.encode() * 300
        cache.put(key(name), data)
        os.utime(object_file(cache, data), (1000 + number, 1000 + number))
    assert cache.get(key("a")) is not None  # used now
    cache.put(key("d"), b"d" * 300)
    assert cache.get(key("a")) is not None
    assert cache.get(key("b")) is None
    assert cache.get(key("d")) is not None
    assert cache.usage().bytes <= 1000


def test_what_exceeds_the_quota_is_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", quota=1000)
    cache.put(key("a"), b"small")
    assert not cache.put(key("b"), bytes(1001))
    assert cache.get(key("a")) == b"small"


def test_clear_forgets_everything(cache: Cache) -> None:
    cache.put(key("a"), b"data")
    held = cache.clear()
    assert (held.entries, held.bytes) == (1, 4)
    assert cache.get(key("a")) is None
    assert not cache.ledger.knows(digest_of(b"data"))
    assert cache.usage().entries == 0


def test_the_root_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("WHEREVER_CACHE", raising=False)
    assert cache_root() == str(tmp_path / "xdg" / "wherever")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == str(tmp_path / ".cache" / "wherever")
    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path / "named"))
    assert cache_root() == str(tmp_path / "named")
    assert open_cache("code").path == str(tmp_path / "named" / "code")
    assert (tmp_path / "named").stat().st_mode & 0o777 == 0o700


@given(st.lists(st.binary(max_size=8), max_size=4), st.lists(st.binary(max_size=8), max_size=4))
def test_parts_never_run_together(one: list[bytes], two: list[bytes]) -> None:
    assert (digest_of_parts(*one) == digest_of_parts(*two)) == (one == two)


@given(st.binary(max_size=200))
def test_any_ledger_line_is_a_record_or_nothing(line: bytes) -> None:
    record = Record.parse(line)
    assert record is None or record.line() == line


def test_the_builtin_and_the_openssl_digest_agree() -> None:
    import hashlib

    for size in (0, 1, 1000, 256 * 1024, 256 * 1024 + 1):
        assert digest_of(bytes(size)) == hashlib.sha256(bytes(size)).hexdigest()


# --- disasters -------------------------------------------------------------------------------

WRITER = """
import sys
from wherever.store import Cache, digest_of_parts
cache = Cache(sys.argv[1], quota=int(sys.argv[2]))
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    name = number % 20
    data = bytes([name]) * (1 + name * 20_000)
    kept = cache.put(digest_of_parts("disaster", str(name)), data)
    got = cache.get(digest_of_parts("disaster", str(name)))
    assert got is None or got == data, name
print("done", flush=True)
"""


def writer(path: Path, quota: int = 10**9, rounds: int = 10**6) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(quota), str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def assert_sound(path: Path) -> int:
    cache = Cache(path)
    found = 0
    for name in range(20):
        data = cache.get(digest_of_parts("disaster", str(name)))
        assert data is None or data == bytes([name]) * (1 + name * 20_000)
        found += data is not None
    return found


@pytest.mark.slow
def test_kill_9_at_random_moments(tmp_path: Path) -> None:
    import random
    import time

    path = tmp_path / "cache"
    for seed in range(12):
        with writer(path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(random.Random(seed).uniform(0, 0.05))
            process.kill()
        assert_sound(path)
    assert assert_sound(path) > 0
    aside = path / "objects" / "aside"
    for left in aside.iterdir():
        os.utime(left, (1000, 1000))
    Folder(path / "objects").sweep()
    assert list(aside.iterdir()) == []


@pytest.mark.slow
def test_two_processes_at_once_under_a_tight_quota(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    pair = [writer(path, quota=1_000_000, rounds=150) for _ in range(2)]
    for process in pair:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert out == "ready\ndone\n"
    assert_sound(path)


def test_a_live_writer_is_not_swept(cache: Cache) -> None:
    import fcntl

    folder = Folder(Path(cache.path) / "objects")
    folder.write("x", b"x")
    aside = Path(folder.path) / "aside" / "1-live"
    with aside.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(aside, (1000, 1000))
        assert folder.sweep() == 0
    assert folder.sweep() == 1


FULL_DISK = """
import resource, sys
from wherever.store import Cache, digest_of_parts
cache = Cache(sys.argv[1])
assert cache.put(digest_of_parts("small"), b"small")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
assert not cache.put(digest_of_parts("large"), bytes(100_000))
assert cache.get(digest_of_parts("large")) is None
assert cache.get(digest_of_parts("small")) == b"small"
"""


@pytest.mark.parametrize("room", [0, 1, 100, 155, 4096, 99_999])
def test_a_full_disk_leaves_the_entry_absent(tmp_path: Path, room: int) -> None:
    path = tmp_path / "cache"
    subprocess.run([sys.executable, "-c", FULL_DISK, str(path), str(room)], check=True)
    cache = Cache(path)
    assert cache.get(digest_of_parts("large")) is None
    assert cache.get(digest_of_parts("small")) == b"small"
    assert list((path / "objects" / "aside").iterdir()) == []


def test_a_full_disk_for_real(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "none", str(path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        cache = Cache(path / "cache")
        kept = [cache.put(key(str(number)), os.urandom(40_000)) for number in range(12)]
        assert True in kept
        assert False in kept
        for number, was_kept in enumerate(kept):
            assert (cache.get(key(str(number))) is not None) == was_kept
        cache.clear()
        assert cache.put(key("after"), b"room again")
        cache.close()
    finally:
        subprocess.run(["umount", str(path)], check=True)
