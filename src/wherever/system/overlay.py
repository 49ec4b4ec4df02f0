"""Owns a directory granted as an overlay: reads come from the host, writes stay in memory."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wherever.system.beneath import Escaped, Resolver
from wherever.system.budget import Budget
from wherever.system.decisions import Decisions
from wherever.system.handles import (
    Directory,
    Entry,
    File,
    Kind,
    Opening,
    Stat,
    Whence,
    refuse,
)
from wherever.system.host_directory import grant_host_directory
from wherever.system.host_file import refuse_set_id
from wherever.system.overlay_nodes import DirectoryNode, FileNode, LinkNode, Node, Tree
from wherever.system.polling import Readiness

if TYPE_CHECKING:
    import os

__all__ = ["OverlayDirectory", "OverlayFile", "grant_overlay"]

_MAX_LINKS: Final = 40
_MAX_PATH: Final = 4096
_MAX_NAME: Final = 255
_MOST: Final = (1 << 63) - 1


def grant_overlay(
    host: str | os.PathLike[str],
    guest_path: bytes = b"/",
    decisions: Decisions | None = None,
    budget: Budget | None = None,
    resolver: Resolver | None = None,
) -> OverlayDirectory:
    """Open a directory of the host for a guest, changes kept in memory for this run."""
    decisions = decisions or Decisions()
    lower = grant_host_directory(
        host, writable=False, guest_path=guest_path, decisions=decisions, resolver=resolver
    )
    tree = Tree(lower, guest_path, budget or Budget())
    return OverlayDirectory(tree, tree.root, decisions, root=True)


class OverlayDirectory(Directory):
    """An open directory of an overlay."""

    __slots__ = ("_decisions", "_root", "node", "tree")

    def __init__(
        self, tree: Tree, node: DirectoryNode, decisions: Decisions, *, root: bool = False
    ) -> None:
        self.tree = tree
        self.node = node
        self._decisions = decisions
        self._root = root

    # -- the directory itself

    def stat(self) -> Stat:
        return self.node.stat()

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        _set_times(self.node, accessed, modified)

    def chmod(self, mode: int) -> None:
        self.node.change(mode=refuse_set_id(mode))

    def chown(self, uid: int, gid: int) -> None:
        _chown(self.node, uid, gid)

    def sync(self, *, data_only: bool = False) -> None:
        pass

    def close(self) -> None:
        if self._root:
            self.tree.lower.close()

    def entries(self) -> list[Entry]:
        own = self.node.inode
        return [
            Entry(b".", Kind.DIRECTORY, own),
            Entry(b"..", Kind.DIRECTORY, own),
            *self.node.entries(),
        ]

    # -- walking

    def _walk(self, path: bytes, *, follow: bool) -> tuple[DirectoryNode, bytes, Node | None, bool]:
        """The parent of the last component, its name, its node if it exists, and whether a slash
        followed. The name is empty where the path ends in `.` or `..`."""
        if not path:
            raise refuse(errno.ENOENT)
        if b"\0" in path:
            raise refuse(errno.EINVAL)
        if len(path) >= _MAX_PATH:
            raise refuse(errno.ENAMETOOLONG)
        if path.startswith(b"/"):
            raise self._escape(path)
        pending = path.split(b"/")
        walked: list[DirectoryNode] = [self.node]
        links = 0
        while True:
            part = pending.pop(0)
            last = not any(pending)
            slash = bool(pending)
            here = walked[-1]
            if part in (b"", b".", b".."):
                if part == b"..":
                    if len(walked) == 1:
                        raise self._escape(path)
                    walked.pop()
                if last:
                    here = walked[-1]
                    return here.parent or here, b"", here, True
                continue
            if len(part) > _MAX_NAME:
                raise refuse(errno.ENAMETOOLONG, path)
            node = here.find(part)
            if isinstance(node, LinkNode) and (not last or slash or follow):
                links += 1
                if links > _MAX_LINKS:
                    raise refuse(errno.ELOOP, path)
                target = node.target()
                if target.startswith(b"/"):
                    raise self._escape(path)
                pending = target.split(b"/") + pending
                continue
            if last:
                if slash and node is not None and not isinstance(node, DirectoryNode):
                    raise refuse(errno.ENOTDIR, path)
                return here, part, node, slash
            if node is None:
                raise refuse(errno.ENOENT, path)
            if not isinstance(node, DirectoryNode):
                raise refuse(errno.ENOTDIR, path)
            walked.append(node)

    def _escape(self, path: bytes) -> Escaped:
        self._decisions.escape("open", self._shown(path), self.tree.guest_path)
        return Escaped(path)

    def _shown(self, path: bytes) -> bytes:
        return path if path.startswith(b"/") else self.tree.guest_path.rstrip(b"/") + b"/" + path

    def _existing(self, path: bytes, *, follow: bool) -> Node:
        node = self._walk(path, follow=follow)[2]
        if node is None:
            raise refuse(errno.ENOENT, path)
        return node

    def named(self, path: bytes) -> tuple[DirectoryNode, bytes, Node | None, bool]:
        """As `_walk` for what makes or removes a name: no link followed, no `.` or `..`."""
        bare = path.rstrip(b"/")
        slash = len(bare) != len(path)
        parent, name, node, _ = self._walk(bare or path, follow=False)
        if not name:
            raise refuse(errno.EINVAL if bare.endswith(b".") else errno.EBUSY, path)
        return parent, name, node, slash

    # -- opening

    def open(self, path: bytes, how: Opening) -> File | Directory:
        opened = self._open(path, how)
        if self._decisions.whole:
            self._decisions.allow("open", self._shown(path), "the directory is an overlay")
        return opened

    def _open(self, path: bytes, how: Opening) -> File | Directory:
        if how.create and how.exclusive and path.endswith(b"/") and path.strip(b"/"):
            self._walk(path.rstrip(b"/"), follow=False)
            raise refuse(errno.EISDIR, path)  # a slash after what would be a file
        parent, name, node, slash = self._walk(
            path, follow=how.follow and not (how.create and how.exclusive)
        )
        if node is None:
            if not how.create:
                raise refuse(errno.ENOENT, path)
            if slash or how.directory:
                raise refuse(errno.EISDIR, path)
            node = FileNode(self.tree, parent, name, None, None, how.mode & 0o777)
            parent.put(name, node)
        elif how.create and how.exclusive:
            raise refuse(errno.EEXIST, path)
        if isinstance(node, DirectoryNode):
            if how.write or how.truncate or how.create:
                raise refuse(errno.EISDIR, path)
            return OverlayDirectory(self.tree, node, self._decisions)
        if how.directory:
            raise refuse(errno.ENOTDIR, path)
        if not isinstance(node, FileNode):
            raise refuse(errno.ELOOP, path)
        if how.truncate:
            node.truncate(0)
        return OverlayFile(node, how)

    # -- names

    def stat_path(self, path: bytes, *, follow: bool = True) -> Stat:
        return self._existing(path, follow=follow).stat()

    def set_path_times(
        self, path: bytes, accessed: int | None, modified: int | None, *, follow: bool = True
    ) -> None:
        _set_times(self._existing(path, follow=follow), accessed, modified)

    def chmod_path(self, path: bytes, mode: int, *, follow: bool = True) -> None:
        self._existing(path, follow=follow).change(mode=refuse_set_id(mode))

    def chown_path(self, path: bytes, uid: int, gid: int, *, follow: bool = True) -> None:
        _chown(self._existing(path, follow=follow), uid, gid)

    def make_directory(self, path: bytes, mode: int = 0o777) -> None:
        parent, name, node, _ = self.named(path)
        if node is not None:
            raise refuse(errno.EEXIST, path)
        parent.put(name, DirectoryNode(self.tree, parent, name, None, None, mode))

    def remove_directory(self, path: bytes) -> None:
        parent, name, node, _ = self.named(path)
        if node is None:
            raise refuse(errno.ENOENT, path)
        if not isinstance(node, DirectoryNode):
            raise refuse(errno.ENOTDIR, path)
        if node.entries():
            raise refuse(errno.ENOTEMPTY, path)
        parent.take_out(name)
        node.removed = True
        node.links = 0

    def unlink(self, path: bytes) -> None:
        parent, name, node, slash = self.named(path)
        if node is None:
            raise refuse(errno.ENOENT, path)
        if isinstance(node, DirectoryNode):
            raise refuse(errno.EISDIR, path)
        if slash:
            raise refuse(errno.ENOTDIR, path)
        _forget(parent, name, node)

    def symlink(self, target: bytes, path: bytes) -> None:
        """Any target may be stored: only this overlay ever follows it, and never out of it."""
        if not target:
            raise refuse(errno.ENOENT, path)
        parent, name, node, slash = self.named(path)
        if node is not None:
            raise refuse(errno.EEXIST, path)
        if slash:
            raise refuse(errno.ENOENT, path)
        self.tree.budget.take(len(target))
        parent.put(name, LinkNode(self.tree, parent, name, None, None, target))

    def readlink(self, path: bytes) -> bytes:
        node = self._existing(path, follow=False)
        if not isinstance(node, LinkNode):
            raise refuse(errno.EINVAL, path)
        return node.target()

    def link(self, path: bytes, other: Directory, other_path: bytes) -> None:
        target = self._partner(other, path)
        _, _, node, slash = self.named(path)
        parent, name, taken, new_slash = target.named(other_path)
        if node is None:
            raise refuse(errno.ENOENT, path)
        if slash and not isinstance(node, DirectoryNode):
            raise refuse(errno.ENOTDIR, path)
        if taken is not None:
            raise refuse(errno.EEXIST, other_path)
        if new_slash:
            raise refuse(errno.ENOENT, other_path)
        if isinstance(node, DirectoryNode):
            raise refuse(errno.EPERM, path)
        node.attach()
        parent.put(name, node)
        node.links += 1

    def rename(
        self, path: bytes, other: Directory, other_path: bytes, *, replace: bool = True
    ) -> None:
        target = self._partner(other, path)
        parent, name, node, slash = self.named(path)
        new_parent, new_name, taken, new_slash = target.named(other_path)
        if node is None:
            raise refuse(errno.ENOENT, path)
        is_directory = isinstance(node, DirectoryNode)
        if taken is not None and not replace:
            raise refuse(errno.EEXIST, other_path)
        if (slash or new_slash) and not is_directory:
            raise refuse(errno.ENOTDIR, path)
        if is_directory and new_parent.within(node):
            raise refuse(errno.EINVAL, path)
        if taken is node:
            return
        if taken is not None:
            if parent.within(taken):
                raise refuse(errno.ENOTEMPTY, other_path)
            _check_replaced(is_directory, taken, other_path)
        node.attach()
        if taken is not None:
            _forget(new_parent, new_name, taken)
        parent.take_out(name)
        new_parent.put(new_name, node)
        node.change()

    def _partner(self, other: Directory, path: bytes) -> OverlayDirectory:
        if not isinstance(other, OverlayDirectory) or other.tree is not self.tree:
            raise refuse(errno.EXDEV, path)
        return other


def _check_replaced(is_directory: bool, taken: Node, path: bytes) -> None:
    if isinstance(taken, DirectoryNode):
        if not is_directory:
            raise refuse(errno.EISDIR, path)
        if taken.entries():
            raise refuse(errno.ENOTEMPTY, path)
    elif is_directory:
        raise refuse(errno.ENOTDIR, path)


def _forget(parent: DirectoryNode, name: bytes, node: Node) -> None:
    """Remove one name of a node."""
    parent.take_out(name)
    node.links -= 1
    if isinstance(node, DirectoryNode):
        node.removed = True
        node.links = 0
    elif isinstance(node, FileNode):
        node.drop()


def _set_times(node: Node, accessed: int | None, modified: int | None) -> None:
    node.change(accessed=accessed, modified=modified)


def _chown(node: Node, uid: int, gid: int) -> None:
    node.change(uid=None if uid == -1 else uid, gid=None if gid == -1 else gid)


class OverlayFile(File):
    """An open file of an overlay: a position in a node that all its handles share."""

    __slots__ = ("_at", "_open", "node")

    def __init__(self, node: FileNode, how: Opening) -> None:
        super().__init__(readable=how.read, writable=how.write)
        self.append = how.append
        self.nonblock = how.nonblock
        self.data_sync = how.data_sync
        self.sync_writes = how.sync
        self.node = node
        self._at = 0
        self._open = True
        node.content()
        node.use()

    def stat(self) -> Stat:
        return self.node.stat()

    def read(self, into: Sequence[memoryview]) -> int:
        count = self.read_at(into, self._at)
        self._at += count
        return count

    def read_at(self, into: Sequence[memoryview], offset: int) -> int:
        if not self.readable:
            raise refuse(errno.EBADF)
        return self.node.content().read(into, offset)

    def write(self, parts: Sequence[memoryview]) -> int:
        if not self.writable:
            raise refuse(errno.EBADF)
        at = self.node.size() if self.append else self._at
        count = self.node.write(list(parts), at)
        self._at = at + count
        return count

    def write_at(self, parts: Sequence[memoryview], offset: int) -> int:
        if not self.writable:
            raise refuse(errno.EBADF)
        return self.node.write(list(parts), self.node.size() if self.append else offset)

    def seek(self, offset: int, whence: Whence) -> int:
        base = (0, self._at, self.node.size())[whence]
        if not 0 <= base + offset <= _MOST:
            raise refuse(errno.EINVAL)
        self._at = base + offset
        return self._at

    def truncate(self, size: int) -> None:
        if not self.writable:
            raise refuse(errno.EINVAL)
        self.node.truncate(size)

    def allocate(self, offset: int, length: int) -> None:
        if not self.writable:
            raise refuse(errno.EBADF)
        if length == 0:
            raise refuse(errno.EINVAL)
        if offset + length > self.node.size():
            self.node.truncate(offset + length)

    def advise(self, offset: int, length: int, advice: int) -> None:
        pass

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        _set_times(self.node, accessed, modified)

    def chmod(self, mode: int) -> None:
        self.node.change(mode=refuse_set_id(mode))

    def chown(self, uid: int, gid: int) -> None:
        _chown(self.node, uid, gid)

    def sync(self, *, data_only: bool = False) -> None:
        pass

    def readiness(self, events: int) -> Readiness:
        return Readiness.always(max(self.node.size() - self._at, 0))

    def close(self) -> None:
        if self._open:
            self._open = False
            self.node.unuse()
