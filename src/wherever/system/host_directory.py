"""Owns a directory of the host as a guest is granted it, read-only or read-write.

Invariants: every path is resolved by a `Resolver`, beneath the directory it was given for; a name
is changed only through a descriptor of its parent; only regular files and directories are ever
opened, and what they are is known before they are opened for reading or writing; nothing on a
kernel interface (/proc and its like) is opened.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from wherever.system.beneath import O_PATH, Escaped, Resolver, default_resolver
from wherever.system.decisions import Decisions
from wherever.system.handles import Directory, Entry, File, Kind, Opening, Stat, refuse
from wherever.system.host_file import HostFile, refuse_set_id
from wherever.system.host_grant import HostGrant
from wherever.system.kernel import (
    Filesystem,
    chmod_handle,
    chown_handle,
    filesystem_type,
    rename_no_replace,
    utimes_handle,
)
from wherever.system.link_targets import climbs, links_that_climb

if TYPE_CHECKING:
    pass

__all__ = ["HostDirectory", "grant_host_directory"]

_CREATE_ATTEMPTS: Final = 16
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_KIND_OF_ENTRY: Final = {kind.value: kind for kind in Kind}
_T = TypeVar("_T")


class _Held(Generic[_T]):
    """What a path led to, and the descriptor (or -1) to close after use."""

    __slots__ = ("_fd", "_what", "reporting")

    def __init__(self, fd: int, what: _T) -> None:
        self._fd = fd
        self._what = what
        self.reporting: _Reporting | None = None

    def __enter__(self) -> _T:
        return self._what

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.close()
        if self.reporting is not None:
            self.reporting.saw(error)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)


class _Reporting:
    """While it is entered, an escape is a decision."""

    __slots__ = ("_action", "_directory", "_path")

    def __init__(self, directory: HostDirectory, action: str, path: bytes) -> None:
        self._directory = directory
        self._action = action
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.saw(error)

    def saw(self, error: BaseException | None) -> None:
        if isinstance(error, Escaped):
            self._directory.report_escape(self._action, self._path)


def grant_host_directory(
    host: str | os.PathLike[str],
    *,
    writable: bool,
    guest_path: bytes = b"/",
    resolver: Resolver | None = None,
    decisions: Decisions | None = None,
) -> HostDirectory:
    """Open a directory of the host for a guest. Links in `host` itself are the granter's own."""
    fd = os.open(host, _DIRECTORY)
    try:
        _refuse_kernel_interface(fd, host, writable=writable)
        grant = HostGrant(
            os.fstat(fd),
            host_path=os.fsencode(host),
            guest_path=guest_path,
            writable=writable,
            resolver=resolver or default_resolver(),
            decisions=decisions or Decisions(),
        )
    except BaseException:
        os.close(fd)
        raise
    return HostDirectory(fd, grant)


def _refuse_kernel_interface(fd: int, host: str | os.PathLike[str], *, writable: bool) -> None:
    """A guest that can write /proc/self/mem owns the process that runs it."""
    kind = filesystem_type(fd)
    if kind == Filesystem.PROC or (writable and kind in Filesystem.KERNEL):
        raise OSError(errno.EACCES, "a kernel interface cannot be granted", os.fspath(host))


class HostDirectory(Directory):
    """An open directory of the host within one grant."""

    __slots__ = ("fd", "grant")

    def __init__(self, fd: int, grant: HostGrant) -> None:
        self.fd = fd
        self.grant = grant

    # -- the directory itself

    def stat(self) -> Stat:
        return Stat.of(os.fstat(self.fd))

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        self._writable("set the times of", b".")
        utimes_handle(self.fd, accessed, modified)

    def chmod(self, mode: int) -> None:
        self._writable("change the mode of", b".")
        os.fchmod(self.fd, refuse_set_id(mode))

    def chown(self, uid: int, gid: int) -> None:
        self._writable("change the owner of", b".")
        os.fchown(self.fd, uid, gid)

    def sync(self, *, data_only: bool = False) -> None:
        if data_only:
            os.fdatasync(self.fd)
        else:
            os.fsync(self.fd)

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def entries(self) -> list[Entry]:
        # `..` shows the directory's own inode: what lies above a grant is not the guest's to know
        own = os.fstat(self.fd).st_ino
        found = [Entry(b".", Kind.DIRECTORY, own), Entry(b"..", Kind.DIRECTORY, own)]
        with os.scandir(self.fd) as names:
            for name in names:
                if name.is_symlink():
                    kind = Kind.SYMLINK
                elif name.is_dir(follow_symlinks=False):
                    kind = Kind.DIRECTORY
                elif name.is_file(follow_symlinks=False):
                    kind = Kind.REGULAR
                else:
                    kind = self._special_kind(name)
                found.append(Entry(os.fsencode(name.name), kind, name.inode()))
        return found

    @staticmethod
    def _special_kind(name: os.DirEntry[str]) -> Kind:
        try:
            return Kind.of_mode(name.stat(follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return Kind.UNKNOWN

    # -- opening

    def open(self, path: bytes, how: Opening) -> File | Directory:
        with self._reporting("open", path):
            if how.changes and not self.grant.writable:
                opened = self._open_read_only(path, how)
            else:
                opened = self._open(path, how)
        if self.grant.decisions.whole:
            self.grant.decisions.allow("open", self._shown(path), self.grant.rule)
        return opened

    def _open_read_only(self, path: bytes, how: Opening) -> File | Directory:
        """A read-only directory: what exists may be opened for reading, as on any such mount."""
        try:
            probe = self._locate(path, follow=how.follow)
        except FileNotFoundError:
            if not how.create:
                raise
            raise self._read_only("create", path) from None
        os.close(probe)
        if how.create and how.exclusive:
            raise refuse(errno.EEXIST, path)
        if how.write or how.truncate:
            raise self._read_only("open for writing", path)
        return self._open(path, Opening(directory=how.directory, follow=how.follow))

    def _open(self, path: bytes, how: Opening) -> File | Directory:
        if how.directory:
            if how.create:
                raise refuse(errno.EINVAL, path)
            if how.write:
                raise refuse(errno.EISDIR, path)
            return self._open_directory(path, how.follow)
        flags = _open_flags(how)
        if how.create and how.exclusive:  # never follows a link, never opens what exists
            fd = self.grant.resolver.open(
                self.fd, path, flags | os.O_CREAT | os.O_EXCL, how.mode & 0o777
            )
            return self._file(fd, how)
        for _ in range(_CREATE_ATTEMPTS):
            try:
                probe = self._locate(path, follow=how.follow)
            except FileNotFoundError:
                if not how.create:
                    raise
                created = self._create(path, how, flags)
                if created is not None:
                    return created
                continue  # someone made it in between: open that one
            try:
                return self._open_probed(probe, path, how, flags)
            finally:
                os.close(probe)
        raise refuse(errno.EBUSY, path)

    def _create(self, path: bytes, how: Opening, flags: int) -> File | None:
        """Make the file; None if the name is taken after all."""
        try:
            fd = self.grant.resolver.open(
                self.fd, path, flags | os.O_CREAT | os.O_EXCL, how.mode & 0o777
            )
        except FileExistsError:
            return self._create_through_link(path, how, flags)
        return self._file(fd, how)

    def _create_through_link(self, path: bytes, how: Opening, flags: int) -> File | None:
        """O_CREAT on a dangling link makes the file that it names, if that lies in the grant."""
        with self._parent(path) as (parent, name):
            try:
                target = os.readlink(name.rstrip(b"/"), dir_fd=parent)
            except OSError:
                return None
            if not how.follow:
                raise refuse(errno.ELOOP, path)
            if target.startswith(b"/"):
                raise Escaped(path)
            head = path.rstrip(b"/").rpartition(b"/")[0]
            through = target if not head else head + b"/" + target
            # The next round resolves from our own directory again, so `..` in the target is
            # checked against the same boundary; a chain of links ends at the path limit.
            if len(through) > 4000:
                raise refuse(errno.ELOOP, path)
        return self._create(through, how, flags)

    def _open_probed(self, probe: int, path: bytes, how: Opening, flags: int) -> File | Directory:
        found = self._admit(probe, path)
        kind = stat.S_IFMT(found.st_mode)
        if kind == stat.S_IFREG:
            return self._file(self._reopen(probe, found, path, flags), how)
        if kind == stat.S_IFDIR:
            if how.write or how.truncate or how.create:
                raise refuse(errno.EISDIR, path)
            return HostDirectory(os.open(b".", _DIRECTORY, dir_fd=probe), self.grant)
        if kind == stat.S_IFLNK:
            raise refuse(errno.ELOOP, path)
        self.grant.decisions.deny(
            "open", self._shown(path), f"it is {_SPECIAL.get(kind, 'a special file')}"
        )
        raise refuse(errno.EACCES, path)

    def _reopen(self, probe: int, found: os.stat_result, path: bytes, flags: int) -> int:
        """Open for use exactly the file that was looked at."""
        try:
            return os.open(f"/proc/self/fd/{probe}", flags)
        except FileNotFoundError:
            pass  # no /proc here
        # By name again, then: not blocking on a FIFO put there meanwhile, and compared after.
        fd = self.grant.resolver.open(
            self.fd, path, (flags & ~os.O_TRUNC) | os.O_NONBLOCK | os.O_NOCTTY
        )
        again = os.fstat(fd)
        if (again.st_dev, again.st_ino) != (found.st_dev, found.st_ino):
            os.close(fd)
            raise refuse(errno.EBUSY, path)
        if flags & os.O_TRUNC:
            os.ftruncate(fd, 0)
        return fd

    def _open_directory(self, path: bytes, follow: bool) -> HostDirectory:
        fd = self.grant.resolver.open(self.fd, path, _DIRECTORY, follow=follow)
        try:
            self._admit(fd, path)
        except BaseException:
            os.close(fd)
            raise
        return HostDirectory(fd, self.grant)

    def _file(self, fd: int, how: Opening) -> HostFile:
        file = HostFile(
            fd,
            readable=how.read,
            writable=how.write,
            changeable=self.grant.writable,
        )
        file.append = how.append
        file.nonblock = how.nonblock
        file.data_sync = how.data_sync
        file.sync_writes = how.sync
        return file

    # -- names

    def stat_path(self, path: bytes, *, follow: bool = True) -> Stat:
        with self._reporting("stat", path), self._located(path, follow=follow) as fd:
            return Stat.of(os.fstat(fd))

    def set_path_times(
        self, path: bytes, accessed: int | None, modified: int | None, *, follow: bool = True
    ) -> None:
        with self._reporting("set the times of", path), self._located(path, follow=follow) as fd:
            self._writable("set the times of", path)
            utimes_handle(fd, accessed, modified)

    def chmod_path(self, path: bytes, mode: int, *, follow: bool = True) -> None:
        with self._reporting("change the mode of", path), self._located(path, follow=follow) as fd:
            self._writable("change the mode of", path)
            chmod_handle(fd, refuse_set_id(mode))

    def chown_path(self, path: bytes, uid: int, gid: int, *, follow: bool = True) -> None:
        with self._reporting("change the owner of", path), self._located(path, follow=follow) as fd:
            self._writable("change the owner of", path)
            chown_handle(fd, uid, gid)

    def make_directory(self, path: bytes, mode: int = 0o777) -> None:
        with self.changing("make the directory", path) as (parent, name):
            os.mkdir(name, mode & 0o1777, dir_fd=parent)

    def remove_directory(self, path: bytes) -> None:
        with self.changing("remove the directory", path) as (parent, name):
            os.rmdir(name, dir_fd=parent)

    def unlink(self, path: bytes) -> None:
        with self.changing("unlink", path) as (parent, name):
            os.unlink(name, dir_fd=parent)

    def symlink(self, target: bytes, path: bytes) -> None:
        with self.changing("make the link", path) as (parent, name):
            if not target:
                raise refuse(errno.ENOENT, path)
            self.admit_target(target, parent, path)
            os.symlink(target, name, dir_fd=parent)

    def readlink(self, path: bytes) -> bytes:
        with self._reporting("read the link", path):
            if path.endswith(b"/"):  # the slash asks for what the link names: not a link
                with self._located(path, follow=True):
                    raise refuse(errno.EINVAL, path)
            with self._located(path, follow=False) as fd:
                if not stat.S_ISLNK(os.fstat(fd).st_mode):
                    raise refuse(errno.EINVAL, path)
                return os.readlink(b"", dir_fd=fd)

    def link(self, path: bytes, other: Directory, other_path: bytes) -> None:
        target = self._partner(other, path)
        with (
            self.changing("link", path) as (parent, name),
            target.changing("link to", other_path) as (new_parent, new_name),
        ):
            found = os.stat(name.rstrip(b"/"), dir_fd=parent, follow_symlinks=False)
            if name.endswith(b"/"):
                # Left to the kernel, a slash would follow a link, wherever it leads.
                if not stat.S_ISDIR(found.st_mode):
                    raise refuse(errno.ENOTDIR, path)
                name = name[:-1]
            self._admit_move(found, parent, name, target, new_parent, other_path)
            os.link(name, new_name, src_dir_fd=parent, dst_dir_fd=new_parent, follow_symlinks=False)

    def rename(
        self, path: bytes, other: Directory, other_path: bytes, *, replace: bool = True
    ) -> None:
        target = self._partner(other, path)
        with (
            self.changing("rename", path) as (parent, name),
            target.changing("rename to", other_path) as (new_parent, new_name),
        ):
            found = os.stat(name.rstrip(b"/"), dir_fd=parent, follow_symlinks=False)
            self._admit_move(found, parent, name, target, new_parent, other_path)
            if replace:
                os.rename(name, new_name, src_dir_fd=parent, dst_dir_fd=new_parent)
            else:
                rename_no_replace(parent, name, new_parent, new_name)

    # -- what may be done

    def _writable(self, action: str, path: bytes) -> None:
        if not self.grant.writable:
            raise self._read_only(action, path)

    def _read_only(self, action: str, path: bytes) -> OSError:
        grant = self.grant
        grant.decisions.read_only(action, self._shown(path), grant.host_path, grant.guest_path)
        return refuse(errno.EROFS, path)

    def _partner(self, other: Directory, path: bytes) -> HostDirectory:
        if not isinstance(other, HostDirectory):
            raise refuse(errno.EXDEV, path)
        return other

    def _admit(self, fd: int, path: bytes) -> os.stat_result:
        """What `fd` is, unless it lies on a mounted kernel interface."""
        found = os.fstat(fd)
        if found.st_dev != self.grant.device and not self.grant.crosses(fd, found.st_dev):
            self.grant.decisions.deny(
                "open", self._shown(path), "it lies on a kernel interface such as /proc"
            )
            raise refuse(errno.EACCES, path)
        return found

    def admit_target(self, target: bytes, parent: int, path: bytes) -> None:
        """A link made by a guest must not lead out, whoever follows it later."""
        if target.startswith(b"/"):
            raise Escaped(path)
        up = climbs(target)
        if up is None or (up and up > self.grant.depth(parent)):
            raise Escaped(path)

    def _admit_move(
        self,
        found: os.stat_result,
        parent: int,
        name: bytes,
        target: HostDirectory,
        new_parent: int,
        new_path: bytes,
    ) -> None:
        """Links that move, alone or within a directory, must not lead out of where they come to."""
        if stat.S_ISLNK(found.st_mode):
            text = os.readlink(name.rstrip(b"/"), dir_fd=parent)
            target.admit_target(text, new_parent, new_path)
        elif stat.S_ISDIR(found.st_mode) and not os.path.sameopenfile(parent, new_parent):
            room = target.grant.depth(new_parent)
            if room < self.grant.depth(parent) and links_that_climb(parent, name, room):
                raise refuse(errno.EXDEV, new_path)  # as between filesystems: copy it instead

    # -- resolving

    def _locate(self, path: bytes, *, follow: bool) -> int:
        return self.grant.resolver.open(self.fd, path, O_PATH | os.O_CLOEXEC, follow=follow)

    def _located(self, path: bytes, *, follow: bool) -> _Held[int]:
        fd = self._locate(path, follow=follow)
        return self._held(fd, path, fd)

    def _held(self, fd: int, path: bytes, what: _T) -> _Held[_T]:
        try:
            self._admit(fd, path)
        except BaseException:
            os.close(fd)
            raise
        return _Held(fd, what)

    def _parent(self, path: bytes) -> _Held[tuple[int, bytes]]:
        """The directory that holds the last component, and its name (a trailing slash is kept)."""
        bare = path.rstrip(b"/")
        if not bare:
            raise Escaped(path) if path else refuse(errno.ENOENT, path)
        head, _, name = bare.rpartition(b"/")
        if bare.startswith(b"/"):
            raise Escaped(path)
        if name in (b".", b".."):
            os.close(self._locate(path, follow=True))  # Escaped, or what kind of error it is
            raise refuse(errno.EINVAL if name == b"." else errno.EBUSY, path)
        if len(bare) != len(path):
            name += b"/"
        if not head:
            return _Held(-1, (self.fd, name))
        fd = self.grant.resolver.open(self.fd, head, O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._held(fd, path, (fd, name))

    def changing(self, action: str, path: bytes) -> _Held[tuple[int, bytes]]:
        """The parent and name of something about to be made, removed or moved."""
        reporting = _Reporting(self, action, path)
        with reporting:
            held = self._parent(path)
            try:
                self._writable(action, path)
            except BaseException:
                held.close()
                raise
        held.reporting = reporting
        return held

    def _reporting(self, action: str, path: bytes) -> _Reporting:
        return _Reporting(self, action, path)

    def report_escape(self, action: str, path: bytes) -> None:
        """A path that would have led out of the grant, as a decision."""
        self.grant.decisions.escape(action, self._shown(path), self.grant.guest_path)

    def _shown(self, path: bytes) -> bytes:
        """The path as the guest would name it, as far as is known without asking the kernel."""
        if path.startswith(b"/"):
            return path
        return self.grant.guest_path.rstrip(b"/") + b"/" + path


_SPECIAL: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}


def _open_flags(how: Opening) -> int:
    flags = os.O_RDONLY if not how.write else os.O_RDWR if how.read else os.O_WRONLY
    for wanted, flag in (
        (how.truncate, os.O_TRUNC),
        (how.append, os.O_APPEND),
        (how.nonblock, os.O_NONBLOCK),
        (how.sync, os.O_SYNC),
        (how.data_sync, os.O_DSYNC),
    ):
        if wanted:
            flags |= flag
    return flags | os.O_CLOEXEC | os.O_NOCTTY
