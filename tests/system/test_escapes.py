"""Each test is one trick to reach what was not granted, in every mode and with every resolver.

`no_secret` tries to read through a path in every way a guest has; a trick fails if any of them gets
the secret or an answer that tells it exists.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from wherever.policy import Audit
from wherever.system.beneath import KernelResolver, WalkResolver
from wherever.system.handles import Directory, File, Opening
from wherever.system.host_directory import HostDirectory, grant_host_directory

SECRET = b"the secret"
Grant = Callable[..., Directory]


def read(directory: Directory, path: bytes, **how: bool) -> bytes:
    opened = directory.open(path, Opening(**how))
    assert isinstance(opened, File)
    try:
        buffer = bytearray(100)
        return bytes(buffer[: opened.read([memoryview(buffer)])])
    finally:
        opened.close()


def no_secret(directory: Directory, path: bytes) -> None:
    """No way to read `path` works, and none tells whether something is there."""
    with pytest.raises(OSError) as opened:
        read(directory, path)
    assert opened.value.errno in (errno.EPERM, errno.ELOOP, errno.ENOENT, errno.ENOTDIR)
    with pytest.raises(OSError):
        directory.stat_path(path)
    with pytest.raises(OSError):
        directory.open(path, Opening(directory=True))
    for how in (Opening(write=True), Opening(create=True, write=True), Opening(truncate=True)):
        with pytest.raises(OSError):
            directory.open(path, how)


@pytest.fixture(autouse=True)
def _secret_is_untouched(place: Path) -> object:
    yield
    assert (place.parent / "secret").read_bytes() == SECRET
    assert (place.parent / "outside" / "secret").read_bytes() == SECRET
    assert [p.name for p in (place.parent / "outside").iterdir()] == ["secret"]


# -- paths


def test_dot_dot(granted: Directory) -> None:
    no_secret(granted, b"../secret")


def test_dot_dot_alone(granted: Directory) -> None:
    no_secret(granted, b"..")


def test_dot_dot_after_going_down(granted: Directory) -> None:
    no_secret(granted, b"sub/../../secret")


def test_dot_dot_through_the_parent_and_back(granted: Directory) -> None:
    no_secret(granted, b"../granted/file")  # even back to what is granted: it names what lies above


def test_many_dot_dots(granted: Directory) -> None:
    no_secret(granted, b"../" * 64 + b"etc/passwd")


def test_dot_dot_with_doubled_slashes_and_dots(granted: Directory) -> None:
    no_secret(granted, b".//./..///secret")


def test_dot_dot_behind_a_missing_name(granted: Directory) -> None:
    no_secret(granted, b"missing/../../secret")


def test_dot_dot_behind_a_file(granted: Directory) -> None:
    no_secret(granted, b"file/../../secret")


def test_absolute_path(granted: Directory, place: Path) -> None:
    no_secret(granted, os.fsencode(place.parent / "secret"))


def test_absolute_path_into_the_grant_itself(granted: Directory, place: Path) -> None:
    no_secret(granted, os.fsencode(place / "file"))


def test_doubled_leading_slash(granted: Directory, place: Path) -> None:
    no_secret(granted, b"/" + os.fsencode(place.parent / "secret"))


def test_dot_dot_from_an_opened_subdirectory(granted: Directory) -> None:
    sub = granted.open(b"sub", Opening(directory=True))
    assert isinstance(sub, Directory)
    try:
        no_secret(sub, b"../../secret")
        no_secret(sub, b"../file")  # a handle is a grant of its own: nothing above it
    finally:
        sub.close()


def test_nul_byte_hides_the_end_of_a_path(granted: Directory) -> None:
    with pytest.raises(OSError):
        read(granted, b"../secret\0/../granted/file")
    with pytest.raises(OSError):
        read(granted, b"file\0.txt")


def test_path_longer_than_the_kernel_takes(granted: Directory) -> None:
    with pytest.raises(OSError):
        read(granted, b"./" * 5000 + b"../secret")


def test_empty_path(granted: Directory) -> None:
    with pytest.raises(OSError):
        granted.open(b"", Opening())
    with pytest.raises(OSError):
        granted.stat_path(b"")


# -- links made by the host


def test_host_link_to_an_absolute_path(grant: Grant, place: Path) -> None:
    (place / "link").symlink_to(place.parent / "secret")
    for mode in ("ro", "rw", "overlay"):
        no_secret(grant(place, mode), b"link")


def test_host_link_that_climbs(grant: Grant, place: Path) -> None:
    (place / "link").symlink_to("../secret")
    for mode in ("ro", "rw", "overlay"):
        no_secret(grant(place, mode), b"link")


def test_host_link_to_a_directory_outside(grant: Grant, place: Path) -> None:
    (place / "link").symlink_to("../outside")
    for mode in ("ro", "rw", "overlay"):
        no_secret(grant(place, mode), b"link/secret")
        no_secret(grant(place, mode), b"link/")
        no_secret(grant(place, mode), b"link/.")


def test_chain_of_host_links_that_leads_out_at_the_end(grant: Grant, place: Path) -> None:
    (place / "one").symlink_to("sub/two")
    (place / "sub" / "two").symlink_to("../three")
    (place / "three").symlink_to("sub/../../secret")
    for mode in ("ro", "rw", "overlay"):
        no_secret(grant(place, mode), b"one")


def test_host_link_whose_dot_dot_counts_from_the_link_it_goes_through(
    grant: Grant, place: Path
) -> None:
    (place / "sub" / "up").symlink_to("..")
    for mode in ("ro", "rw", "overlay"):
        directory = grant(place, mode)
        assert read(directory, b"sub/up/file") == b"hello"
        no_secret(directory, b"sub/up/../secret")


def test_loop_of_host_links(grant: Grant, place: Path) -> None:
    (place / "a").symlink_to("b")
    (place / "b").symlink_to("a")
    for mode in ("ro", "rw", "overlay"):
        no_secret(grant(place, mode), b"a")
        no_secret(grant(place, mode), b"a/x")


def test_links_that_double_at_every_step(grant: Grant, place: Path) -> None:
    (place / "l0").symlink_to("sub")
    for level in range(1, 30):
        (place / f"l{level}").symlink_to(f"l{level - 1}/../l{level - 1}")
    for mode in ("ro", "rw", "overlay"):
        with pytest.raises(OSError) as refused:
            read(grant(place, mode), b"l29/inner")  # 2^29 links if they were all followed
        assert refused.value.errno == errno.ELOOP


def test_readlink_tells_the_text_of_a_link_but_follows_nothing(grant: Grant, place: Path) -> None:
    (place / "link").symlink_to("../outside")
    for mode in ("ro", "rw", "overlay"):
        directory = grant(place, mode)
        assert directory.readlink(b"link") == b"../outside"
        with pytest.raises(OSError):
            directory.readlink(b"link/secret")
        with pytest.raises(OSError):
            directory.readlink(b"link/")


def test_hard_link_of_the_host_is_the_file_it_names(grant: Grant, place: Path) -> None:
    """What the host linked into the grant is in the grant; a read-only one stays read-only."""
    (place / "hard").hardlink_to(place.parent / "secret")
    with pytest.raises(OSError) as refused:
        grant(place, "ro").open(b"hard", Opening(write=True, truncate=True))
    assert refused.value.errno == errno.EROFS


# -- links made by the guest


def test_guest_link_with_an_absolute_target(grant: Grant, place: Path) -> None:
    directory = grant(place)
    with pytest.raises(OSError) as refused:
        directory.symlink(b"/etc/passwd", b"link")
    assert refused.value.errno == errno.EPERM
    assert not (place / "link").is_symlink()


def test_guest_link_that_climbs_out(grant: Grant, place: Path) -> None:
    with pytest.raises(OSError):
        grant(place).symlink(b"../secret", b"link")
    assert not (place / "link").is_symlink()


def test_guest_link_that_climbs_out_from_a_subdirectory(grant: Grant, place: Path) -> None:
    directory = grant(place)
    directory.symlink(b"../file", b"sub/good")
    assert read(directory, b"sub/good") == b"hello"
    with pytest.raises(OSError):
        directory.symlink(b"../../secret", b"sub/bad")


def test_guest_link_that_climbs_out_of_the_grant_through_an_opened_subdirectory(
    grant: Grant, place: Path
) -> None:
    """The depth counts from the grant, not from the handle; the handle still cannot follow it."""
    sub = grant(place).open(b"sub", Opening(directory=True))
    assert isinstance(sub, Directory)
    sub.symlink(b"../file", b"up")
    with pytest.raises(OSError):
        sub.symlink(b"../../secret", b"out")
    no_secret(sub, b"up")
    sub.close()


def test_guest_link_that_climbs_after_a_name(grant: Grant, place: Path) -> None:
    """`a/../..` climbs twice if `a` is itself a link upwards: refused whatever `a` is now."""
    directory = grant(place)
    directory.symlink(b"..", b"sub/deeper/a")
    with pytest.raises(OSError):
        directory.symlink(b"a/../../secret", b"sub/deeper/out")


def test_guest_renames_a_link_upwards(grant: Grant, place: Path) -> None:
    directory = grant(place)
    directory.symlink(b"../secret", b"sub/link")  # fine there: granted/secret, which is nothing
    with pytest.raises(OSError):
        directory.rename(b"sub/link", directory, b"link")
    assert not os.path.lexists(place / "link")


def test_guest_hard_links_a_link_upwards(grant: Grant, place: Path) -> None:
    directory = grant(place)
    directory.symlink(b"../secret", b"sub/link")
    with pytest.raises(OSError):
        directory.link(b"sub/link", directory, b"link")
    assert not os.path.lexists(place / "link")


def test_guest_moves_a_directory_of_links_upwards(grant: Grant, place: Path) -> None:
    directory = grant(place)
    directory.symlink(b"../../secret", b"sub/deeper/link")
    with pytest.raises(OSError) as refused:
        directory.rename(b"sub/deeper", directory, b"moved")
    assert refused.value.errno == errno.EXDEV
    assert not (place / "moved").exists()


def test_overlay_link_may_say_anything_and_leads_nowhere(grant: Grant, place: Path) -> None:
    directory = grant(place, "overlay")
    directory.symlink(os.fsencode(place.parent / "secret"), b"absolute")
    directory.symlink(b"../secret", b"climbs")
    no_secret(directory, b"absolute")
    no_secret(directory, b"climbs")
    assert not (place / "climbs").is_symlink()


def test_writing_through_a_dangling_link_that_leads_out(grant: Grant, place: Path) -> None:
    (place / "dangling").symlink_to("../created")
    for mode in ("rw", "overlay"):
        with pytest.raises(OSError):
            grant(place, mode).open(b"dangling", Opening(write=True, create=True))
    assert not (place.parent / "created").exists()


# -- names changed across the boundary


@pytest.mark.parametrize("name", [b"../stolen", b"sub/../../stolen", b"/tmp/stolen"])
def test_rename_out(writable: Directory, place: Path, name: bytes) -> None:
    with pytest.raises(OSError):
        writable.rename(b"file", writable, name)
    assert (place / "file").exists()


@pytest.mark.parametrize("name", [b"../secret", b"sub/../../secret", b".."])
def test_rename_in(writable: Directory, name: bytes) -> None:
    with pytest.raises(OSError):
        writable.rename(name, writable, b"mine")


@pytest.mark.parametrize("name", [b"../secret", b"sub/../../outside/secret"])
def test_link_in(writable: Directory, name: bytes) -> None:
    with pytest.raises(OSError):
        writable.link(name, writable, b"mine")


def test_link_in_through_a_host_link(grant: Grant, place: Path) -> None:
    """linkat(2) of a link is the link itself, never the file it names."""
    (place / "link").symlink_to("../secret")
    directory = grant(place)
    with contextlib.suppress(OSError):
        directory.link(b"link", directory, b"mine")
    assert not os.path.lexists(place / "mine") or (place / "mine").is_symlink()
    with pytest.raises(OSError):
        directory.link(b"link/", directory, b"mine2")


def test_link_out(writable: Directory, place: Path) -> None:
    with pytest.raises(OSError):
        writable.link(b"file", writable, b"../copy")
    assert not (place.parent / "copy").exists()


@pytest.mark.parametrize("name", [b"../made", b"sub/../../made", b"/tmp/made-by-guest"])
def test_make_and_remove_outside(writable: Directory, place: Path, name: bytes) -> None:
    for change in (
        lambda: writable.make_directory(name),
        lambda: writable.symlink(b"file", name),
        lambda: writable.remove_directory(b"../outside"),
        lambda: writable.unlink(b"../secret"),
        lambda: writable.set_path_times(b"../secret", 0, 0),
        lambda: writable.chmod_path(b"../secret", 0o777),
        lambda: writable.chown_path(b"../secret", 1, 1),
    ):
        with pytest.raises(OSError):
            change()
    assert not (place.parent / "made").exists()
    assert (place.parent / "secret").stat().st_mtime_ns > 0


def test_change_through_a_directory_link(grant: Grant, place: Path) -> None:
    (place / "link").symlink_to("../outside")
    for mode in ("rw", "overlay"):
        directory = grant(place, mode)
        for change in (
            lambda d=directory: d.unlink(b"link/secret"),
            lambda d=directory: d.make_directory(b"link/made"),
            lambda d=directory: d.rename(b"link/secret", d, b"mine"),
            lambda d=directory: d.rename(b"file", d, b"link/file"),
            lambda d=directory: d.link(b"link/secret", d, b"mine"),
            lambda d=directory: d.symlink(b"x", b"link/l"),
            lambda d=directory: d.set_path_times(b"link/secret", 0, 0),
            lambda d=directory: d.chmod_path(b"link/secret", 0o777),
        ):
            with pytest.raises(OSError):
                change()


def test_link_from_a_read_only_grant_into_a_writable_one(grant: Grant, place: Path) -> None:
    """A hard link would make the read-only file writable."""
    writable_place = place.parent / "writable"
    writable_place.mkdir()
    read_only, read_write = grant(place, "ro"), grant(writable_place, "rw")
    with pytest.raises(OSError) as refused:
        read_only.link(b"file", read_write, b"mine")
    assert refused.value.errno == errno.EROFS
    with pytest.raises(OSError):
        read_only.rename(b"file", read_write, b"mine")
    with pytest.raises(OSError):
        read_write.rename(b".", read_only, b"x")
    assert list(writable_place.iterdir()) == []


def test_link_or_rename_between_an_overlay_and_the_host(grant: Grant, place: Path) -> None:
    other = place.parent / "other"
    other.mkdir()
    overlay, host = grant(place, "overlay"), grant(other, "rw")
    for change in (
        lambda: overlay.link(b"file", host, b"mine"),
        lambda: overlay.rename(b"file", host, b"mine"),
        lambda: host.rename(b"x", overlay, b"mine"),
    ):
        with pytest.raises(OSError):
            change()
    assert list(other.iterdir()) == []


def test_read_only_grant_inside_a_writable_one_is_reached_by_its_own_mode(
    grant: Grant, place: Path
) -> None:
    """The same file by two grants: each handle keeps the mode of the grant it came through."""
    inner, outer = grant(place / "sub", "ro"), grant(place, "rw")
    with pytest.raises(OSError) as refused:
        inner.unlink(b"inner")
    assert refused.value.errno == errno.EROFS
    assert read(outer, b"sub/inner") == b"inner"


# -- special files


def test_fifo_is_refused_without_waiting(grant: Grant, place: Path, audit: Audit) -> None:
    os.mkfifo(place / "fifo")
    for mode in ("ro", "rw", "overlay"):
        with pytest.raises(OSError) as refused:
            grant(place, mode).open(b"fifo", Opening())
        assert refused.value.errno == errno.EACCES
    assert "it is a FIFO" in audit.denials[0].sentence()


def test_socket_is_refused(grant: Grant, place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(".", os.O_RDONLY)
        os.chdir(place)  # the path of a socket is short
        server.bind("sock")
        os.fchdir(here)
        os.close(here)
        for mode in ("ro", "rw", "overlay"):
            with pytest.raises(OSError) as refused:
                grant(place, mode).open(b"sock", Opening(write=True))
            assert refused.value.errno in (errno.EACCES, errno.EROFS)


@pytest.mark.skipif(os.geteuid() != 0, reason="making a device needs root")
def test_device_is_refused(grant: Grant, place: Path) -> None:
    try:
        os.mknod(place / "mem", stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("this sandbox may not make devices")
    for mode in ("ro", "rw", "overlay"):
        with pytest.raises(OSError) as refused:
            read(grant(place, mode), b"mem")
        assert refused.value.errno == errno.EACCES


def test_set_id_bits_are_refused(writable: Directory) -> None:
    for mode in (0o4755, 0o2755, 0o6777):
        with pytest.raises(OSError) as refused:
            writable.chmod_path(b"file", mode)
        assert refused.value.errno == errno.EPERM
        opened = writable.open(b"file", Opening(write=True))
        with pytest.raises(OSError):
            opened.chmod(mode)
        opened.close()
    made = writable.open(b"made", Opening(write=True, create=True, mode=0o6777))
    assert made.stat().mode & 0o6000 == 0
    made.close()
    writable.make_directory(b"made-dir", 0o6777)
    assert writable.stat_path(b"made-dir").mode & 0o6000 == 0


# -- /proc and other kernel interfaces


@pytest.mark.parametrize(
    "path",
    [
        "proc/self/root/etc/passwd",
        "proc/self/cwd/x",
        "proc/self/environ",
        "proc/self/mem",
        "proc/self/maps",
        "proc/self/fd/0",
        "proc/1/root/etc/passwd",
        "proc/thread-self/environ",
        "proc/sys/kernel/hostname",
    ],
)
def test_proc_below_a_granted_root(grant: Grant, path: str) -> None:
    for mode in ("ro", "overlay"):
        with pytest.raises(OSError) as refused:
            read(grant(Path("/"), mode), path.encode())
        assert refused.value.errno in (
            errno.EACCES, errno.ELOOP, errno.EPERM, errno.ENOENT, errno.ENOTDIR,
        )  # fmt: skip


def test_proc_itself_cannot_be_granted(grant: Grant) -> None:
    for mode in ("ro", "rw", "overlay"):
        with pytest.raises(OSError) as refused:
            grant(Path("/proc/self"), mode)
        assert refused.value.errno == errno.EACCES


def test_sys_cannot_be_granted_for_writing(grant: Grant) -> None:
    with pytest.raises(OSError):
        grant(Path("/sys"), "rw")


def test_link_into_proc(grant: Grant, place: Path) -> None:
    (place / "link").symlink_to("/proc/self/root")
    for mode in ("ro", "rw", "overlay"):
        no_secret(grant(place, mode), b"link" + os.fsencode(place.parent / "secret"))


# -- things that change while a path is walked


def test_directory_replaced_by_a_link_between_two_steps(place: Path) -> None:
    """Our walk opens each step without following: a swapped-in link is resolved, and refused."""

    def swap(name: bytes) -> None:
        if name == b"sub" and (place / "sub").is_dir() and not (place / "sub").is_symlink():
            (place / "sub").rename(place / "moved")
            (place / "sub").symlink_to("../outside")

    directory = grant_host_directory(place, writable=False, resolver=WalkResolver(swap))
    with pytest.raises(OSError) as refused:
        read(directory, b"sub/secret")
    assert refused.value.errno == errno.EPERM
    directory.close()


def test_directory_moved_out_while_inside_it(place: Path) -> None:
    """`..` steps back along what was walked; it never asks where the directory is now."""

    def move(name: bytes) -> None:
        if name == b"..":
            with contextlib.suppress(OSError):
                (place / "sub").rename(place.parent / "outside" / "sub")

    directory = grant_host_directory(place, writable=False, resolver=WalkResolver(move))
    try:
        assert read(directory, b"sub/../file") == b"hello"
        with pytest.raises(OSError):
            read(directory, b"sub/../secret")
    finally:
        directory.close()
        (place.parent / "outside" / "sub").rename(place / "sub")


def test_granted_directory_itself_moved(grant: Grant, place: Path) -> None:
    directory = grant(place, "ro")
    place.rename(place.parent / "outside" / "granted")
    try:
        no_secret(directory, b"../secret")
        assert read(directory, b"file") == b"hello"
    finally:
        (place.parent / "outside" / "granted").rename(place)


def test_opened_directory_moved_out_of_the_grant_makes_no_links(grant: Grant, place: Path) -> None:
    sub = grant(place).open(b"sub/deeper", Opening(directory=True))
    assert isinstance(sub, HostDirectory)
    (place / "sub" / "deeper").rename(place.parent / "outside" / "deeper")
    try:
        with pytest.raises(OSError):
            sub.symlink(b"../secret", b"link")  # its depth below the grant is not known any more
        no_secret(sub, b"../secret")
    finally:
        (place.parent / "outside" / "deeper").rename(place / "sub" / "deeper")
        sub.close()


def test_file_replaced_by_a_fifo_between_look_and_open(place: Path) -> None:
    """Without openat2 as with it, what is opened is exactly what was looked at."""
    swapped = False

    class Swapping(WalkResolver):
        def open(
            self, directory: int, path: bytes, flags: int, mode: int = 0, *, follow: bool = True
        ) -> int:
            nonlocal swapped
            opened = super().open(directory, path, flags, mode, follow=follow)
            if path == b"file" and not swapped:
                swapped = True
                (place / "file").unlink()
                os.mkfifo(place / "file")
            return opened

    directory = grant_host_directory(place, writable=False, resolver=Swapping())
    assert read(directory, b"file") == b"hello"
    directory.close()


def test_a_storm_of_renames_does_not_starve_the_walk(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that sees a race at every attempt: our own walk answers instead, as strictly."""

    def races(*_: object, **__: object) -> int:
        raise BlockingIOError(errno.EAGAIN, "raced")

    monkeypatch.setattr("wherever.system.beneath.openat2", races)
    directory = grant_host_directory(place, writable=False, resolver=KernelResolver())
    assert read(directory, b"sub/../file") == b"hello"
    no_secret(directory, b"sub/../../secret")
    directory.close()


# -- what a refusal tells


def test_an_escape_is_reported(grant: Grant, place: Path, audit: Audit) -> None:
    for mode in ("ro", "rw", "overlay"):
        with pytest.raises(OSError):
            read(grant(place, mode), b"sub/../../secret")
    assert [denial.sentence() for denial in audit.denials] == [
        "denied: guest asked to open /data/sub/../../secret; "
        "the path leads out of the granted directory /data"
    ]


def test_what_lies_above_a_grant_is_not_shown(granted: Directory, place: Path) -> None:
    listed = {entry.name: entry.inode for entry in granted.entries()}
    assert listed[b".."] == listed[b"."] == place.stat().st_ino
