from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MakeGuest = Callable[..., Any]
MODES = ("ro", "rw", "overlay")


@pytest.mark.parametrize("mode", MODES)
def test_a_granted_file_is_read(make_guest: MakeGuest, place: Path, mode: str) -> None:
    guest = make_guest(f"{place}::/,{mode}")
    assert guest.contents("file") == b"hello"
    assert guest.contents("sub/../sub/./deep") == b"deep"
    assert sorted(guest.listing()) == [b".", b"..", b"file", b"sub"]


@pytest.mark.parametrize("mode", ["rw", "overlay"])
def test_what_is_written_is_read_back(make_guest: MakeGuest, place: Path, mode: str) -> None:
    guest = make_guest(f"{place}::/,{mode}")
    code, fd = guest.open("new", oflags=1)
    assert code == 0
    assert guest.write(fd, b"written") == 0
    assert guest.call("fd_close", fd) == 0
    assert guest.contents("new") == b"written"
    assert (place / "new").exists() == (mode == "rw")


def test_a_read_only_grant_refuses_every_change_and_names_the_grant(
    make_guest: MakeGuest, place: Path
) -> None:
    guest = make_guest(f"{place}::/data,ro")
    rofs = 69
    assert guest.open("file")[0] == rofs
    assert guest.open("new", oflags=1)[0] == rofs
    assert guest.call("path_create_directory", 3, "d") == rofs
    assert guest.call("path_unlink_file", 3, "file") == rofs
    assert guest.call("path_remove_directory", 3, "sub") == rofs
    assert guest.call("path_symlink", "file", 3, "l") == rofs
    assert guest.call("path_rename", 3, "file", 3, "f") == rofs
    assert guest.call("path_link", 3, 0, "file", 3, "f") == rofs
    assert guest.call("path_filestat_set_times", 3, 0, "file", 0, 0, 10) == rofs
    denials = guest.denials()
    assert "denied: guest asked to unlink /data/file; /data is granted read-only; " in denials
    assert f"; grant --dir {place}::/data,rw" in denials
    assert sorted(p.name for p in place.iterdir()) == ["file", "sub"]


def test_what_no_grant_covers_does_not_exist_and_is_named(
    make_guest: MakeGuest, place: Path
) -> None:
    guest = make_guest(f"{place}::/data,ro")
    assert guest.contents("etc/passwd", fd=4) == 8  # a guest that has not looked for it
    assert guest.call("fd_prestat_get", 4, guest.room(8)) == 0
    assert guest.contents("etc/passwd", fd=4) == 44
    assert (
        "denied: guest asked to open /etc/passwd; no granted directory covers it; grant --dir /etc"
        in guest.denials()
    )
    assert guest.listing(4) == [b".", b"..", b"data"]


def test_descriptors_are_limited(make_guest: MakeGuest, place: Path) -> None:
    from wherever.policy import Limits

    guest = make_guest(f"{place}::/,rw", limits=Limits(files=8))
    codes = [guest.open("file")[0] for _ in range(10)]
    assert codes == [0] * 4 + [33] * 6
    assert errno.EMFILE == 24
