"""Do our own imports enforce the grant, say what was refused, and check every pointer?"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench_linux import Hosted

from wherever.hosts.linux.run import GuestKilled
from wherever.hosts.linux.table import FUNCTIONS
from wherever.linux.structs import STRUCTS

EPERM, EBADF, EFAULT, EROFS, ENOTTY, ENOSYS = 1, 9, 14, 30, 25, 38


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    (made / "file").write_text("content")
    return made


@pytest.fixture
def guest(folder: Path) -> Iterator[Hosted]:
    made = Hosted(folder, ["prog"], {"PWD": "/work"})
    yield made
    made.close()


@pytest.fixture
def reader(folder: Path) -> Iterator[Hosted]:
    made = Hosted(folder, ["prog"], {"PWD": "/work"}, mode="ro")
    yield made
    made.close()


def test_the_layout_of_a_stat_is_the_tables() -> None:
    from wherever.hosts.linux import calls

    (described,) = (s for s in STRUCTS if s.name == "host_stat")
    assert calls._STAT.size == described.size


def test_modes_reach_the_host(guest: Hosted, folder: Path) -> None:
    assert guest("fchmodat", -100, "file", 0o751) == 0
    assert (folder / "file").stat().st_mode & 0o7777 == 0o751
    assert guest("umask", 0) == 0o022
    assert guest("openat", -100, "new", 0o101, 0o666) >= 0
    assert (folder / "new").stat().st_mode & 0o777 == 0o666
    assert guest("mkdirat", -100, "dir", 0o1777) == 0
    assert (folder / "dir").stat().st_mode & 0o7777 == 0o1777


def test_set_id_bits_are_refused(guest: Hosted, folder: Path) -> None:
    assert guest("fchmodat", -100, "file", 0o4755) == -EPERM
    fd = guest("openat", -100, "file", 2, 0)
    assert guest("fchmod", fd, 0o2755) == -EPERM
    assert (folder / "file").stat().st_mode & 0o6000 == 0


def test_a_read_only_grant_changes_nothing(reader: Hosted, folder: Path) -> None:
    before = (folder / "file").stat()
    assert reader("openat", -100, "new", 0o101, 0o666) == -EROFS
    assert reader("openat", -100, "file", 1, 0) == -EROFS
    assert reader("mkdirat", -100, "dir", 0o777) == -EROFS
    assert reader("fchmodat", -100, "file", 0o777) == -EROFS
    assert reader("fchownat", -100, "file", 0, 0, 0) == -EROFS
    assert reader("unlinkat", -100, "file", 0) == -EROFS
    fd = reader("openat", -100, "file", 0, 0)
    assert reader("fchmod", fd, 0o777) == -EROFS
    assert reader("ftruncate", fd, 0) < 0
    assert (folder / "file").stat() == before
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_link_out_of_the_grant_leads_nowhere(guest: Hosted, folder: Path) -> None:
    (folder / "out").symlink_to("/etc/passwd")
    (folder / "up").symlink_to("../..")
    assert guest("openat", -100, "out", 0, 0) < 0
    assert guest("openat", -100, "up/etc/passwd", 0, 0) < 0
    assert guest("symlinkat", "/etc/passwd", -100, "mine") == -EPERM


def test_an_ungranted_path_is_named(guest: Hosted) -> None:
    assert guest("openat", -100, "/etc/passwd", 0, 0) == -2
    assert any("/etc" in decision.grant for decision in guest.audit.denials)


def test_an_absent_call_is_named_once(guest: Hosted) -> None:
    for _ in range(3):
        assert guest("io_uring_setup", 1, 0) == -ENOSYS
    named = [d for d in guest.audit.denials if d.what == "system call"]
    assert [d.thing for d in named] == ["io_uring_setup (425)"]


def test_standard_streams_are_no_terminals_here(guest: Hosted) -> None:
    at = guest.buffer(64)
    for fd in range(3):
        assert guest("ioctl", fd, 0x5401, at) == -ENOTTY


def test_a_signal_ends_the_guest(guest: Hosted) -> None:
    guest("kill", 1000, 15)
    with pytest.raises(GuestKilled) as ended:
        guest.registers()
    assert (ended.value.signal, ended.value.status) == (15, 143)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_wild_arguments_are_errors_never_exceptions(guest: Hosted, name: str) -> None:
    from wherever.hosts.linux.command import bind

    function = FUNCTIONS[name]
    if name in ("killed", "resume_bodies"):  # they unwind the guest
        return
    call = bind(guest.linux, function)
    words = len(function.words)
    for wild in (0, 1, 3, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFF000):
        for first in (0, 1, 3, 99):
            result = call(first, *[wild] * (words - 1))
            assert result is None or -4095 <= result <= 0


def test_identity_is_the_hosts(guest: Hosted) -> None:
    assert guest("getuid") == os.getuid()
    assert guest("getegid") == os.getegid()
    at = guest.buffer(128)
    assert guest("newfstatat", -100, "file", at, 0) == 0
    mode, links, uid, gid = struct.unpack("<4I", guest.get(at + 16, 16))
    assert (mode, links, uid, gid) == (0o100644, 1, os.getuid(), os.getgid())
