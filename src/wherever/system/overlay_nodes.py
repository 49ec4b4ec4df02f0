"""Owns the tree of an overlay: what was made, changed and removed in memory over a host directory.

A node stands for one file, link or directory. Nodes of the host that nobody changed are made when
looked up and forgotten when no longer used; the first change attaches a node, and with it the
directories above it, to the tree. `None` among a directory's entries is a whiteout: the name is
gone although the host has it.
"""

from __future__ import annotations

import errno
import itertools
import time
from typing import Final
from weakref import WeakValueDictionary

from wherever.system.budget import Budget
from wherever.system.content import Content
from wherever.system.handles import Entry, File, Kind, Opening, Stat, refuse
from wherever.system.host_directory import HostDirectory

__all__ = ["DirectoryNode", "FileNode", "LinkNode", "Node", "Tree"]

_NODE_COST: Final = 512  # what a node and its name take, about


class Tree:
    """What all nodes of one overlay share."""

    __slots__ = ("_inodes", "budget", "device", "guest_path", "lower", "root")

    def __init__(self, lower: HostDirectory, guest_path: bytes, budget: Budget) -> None:
        self.lower = lower
        self.guest_path = guest_path
        self.budget = budget
        found = lower.stat()
        self.device = found.device
        self._inodes = itertools.count(1 << 62)  # no filesystem numbers its own from here
        self.root = DirectoryNode(self, None, b"", b".", found)
        self.root.attached = True

    def new_inode(self) -> int:
        """A number no file of the host has."""
        return next(self._inodes)


class Node:
    """A file, a link or a directory of an overlay."""

    __slots__ = (
        "__weakref__",
        "_changed",
        "attached",
        "inode",
        "links",
        "lower",
        "name",
        "parent",
        "tree",
    )
    kind = Kind.UNKNOWN

    def __init__(
        self,
        tree: Tree,
        parent: DirectoryNode | None,
        name: bytes,
        lower: bytes | None,
        found: Stat | None,
        mode: int = 0,
    ) -> None:
        """`lower` is the path in the host's directory, None for what the guest made."""
        self.tree = tree
        self.parent = parent
        self.name = name
        self.lower = lower
        self.attached = False
        self.links = 1
        self._changed: Stat | None = None  # own metadata once it differs from the host's
        if found is not None:
            self.inode = found.inode
        else:
            self.inode = tree.new_inode()
            now = time.time_ns()
            self._changed = Stat(
                tree.device, self.inode, self.kind, mode & 0o1777, 1, 0, 0, 0, now, now, now
            )

    def attach(self) -> None:
        """Make this node part of the tree, and everything above it."""
        if self.attached or self.links == 0:  # what was unlinked lives on in its handles only
            return
        parent = self.parent
        if parent is None or parent.removed:
            raise refuse(errno.ENOENT)
        self.tree.budget.take(_NODE_COST + len(self.name))
        parent.attach()
        parent.nodes[self.name] = self
        self.attached = True

    def size(self) -> int:
        """st_size."""
        return 0

    def stat(self) -> Stat:
        """What fstat(2) shows: the host's metadata until something was changed."""
        if self._changed is not None:
            return self._changed._replace(size=self.size(), links=self.links)
        if self.lower is None:
            raise refuse(errno.ENOENT)
        found = self.tree.lower.stat_path(self.lower, follow=False)
        return found._replace(links=self.links) if self.links > found.links else found

    def change(
        self,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        accessed: int | None = None,
        modified: int | None = None,
    ) -> None:
        """Set metadata, in memory; the change time is now."""
        self.attach()
        old = self.stat()
        self._changed = old._replace(
            mode=old.mode if mode is None else mode,
            uid=old.uid if uid is None else uid,
            gid=old.gid if gid is None else gid,
            accessed=old.accessed if accessed is None else accessed,
            modified=old.modified if modified is None else modified,
            changed=time.time_ns(),
        )

    def modified(self) -> None:
        """The contents changed just now."""
        now = time.time_ns()
        if self._changed is None:
            self.change(modified=now)
        else:
            self._changed = self._changed._replace(modified=now, changed=now)


class LinkNode(Node):
    """A symbolic link."""

    __slots__ = ("_target",)
    kind = Kind.SYMLINK

    def __init__(
        self,
        tree: Tree,
        parent: DirectoryNode,
        name: bytes,
        lower: bytes | None,
        found: Stat | None,
        target: bytes = b"",
    ) -> None:
        super().__init__(tree, parent, name, lower, found, 0o777)
        self._target = target

    def size(self) -> int:
        return len(self.target())

    def target(self) -> bytes:
        """What readlink(2) gives."""
        return self.tree.lower.readlink(self.lower) if self.lower is not None else self._target


class FileNode(Node):
    """A regular file."""

    __slots__ = ("_content", "_dirty", "_users")
    kind = Kind.REGULAR

    def __init__(
        self,
        tree: Tree,
        parent: DirectoryNode,
        name: bytes,
        lower: bytes | None,
        found: Stat | None,
        mode: int = 0,
    ) -> None:
        super().__init__(tree, parent, name, lower, found, mode)
        self._content: Content | None = None
        self._dirty = lower is None
        self._users = 0

    def size(self) -> int:
        if self._content is not None:
            return self._content.size
        if self.lower is None:
            return 0
        return self.tree.lower.stat_path(self.lower, follow=False).size

    def content(self) -> Content:
        """The bytes; from the host until something was written."""
        if self._content is None:
            lower: File | None = None
            if self.lower is not None:
                opened = self.tree.lower.open(self.lower, Opening(follow=False))
                if not isinstance(opened, File):
                    opened.close()
                    raise refuse(errno.EISDIR)
                lower = opened
            self._content = Content(self.tree.budget, lower)
        return self._content

    def use(self) -> None:
        """An open handle refers to this file."""
        self._users += 1

    def unuse(self) -> None:
        """A handle was closed: drop what nobody can reach, and the host's unchanged file."""
        self._users -= 1
        self.drop()

    def drop(self) -> None:
        """Give memory back once neither a name nor a handle is left."""
        if self._users == 0 and (self.links == 0 or not self._dirty) and self._content is not None:
            self._content.close()
            self._content = None

    def write(self, parts: list[memoryview], offset: int) -> int:
        """Store bytes."""
        self.touch()
        written = self.content().write(parts, offset)
        self.modified()
        return written

    def truncate(self, size: int) -> None:
        """Set the size."""
        self.touch()
        self.content().truncate(size)
        self.modified()

    def touch(self) -> None:
        """The bytes are about to be this file's own."""
        if not self._dirty:
            if self.links:
                self.attach()
            self.content()
            self._dirty = True


class DirectoryNode(Node):
    """A directory: its own entries over those of the host's directory, if it has one."""

    __slots__ = ("_live", "nodes", "removed")
    kind = Kind.DIRECTORY

    def __init__(
        self,
        tree: Tree,
        parent: DirectoryNode | None,
        name: bytes,
        lower: bytes | None,
        found: Stat | None,
        mode: int = 0,
    ) -> None:
        super().__init__(tree, parent, name, lower, found, mode)
        self.nodes: dict[bytes, Node | None] = {}
        self._live: WeakValueDictionary[bytes, Node] = WeakValueDictionary()
        self.removed = False

    def find(self, name: bytes) -> Node | None:
        """The node of a name, None if there is none. Special files of the host do not exist."""
        if name in self.nodes:
            return self.nodes[name]
        if self.lower is None or self.removed:
            return None
        path = self.lower + b"/" + name if self.lower != b"." else name
        live = self._live.get(name)
        try:
            found = self.tree.lower.stat_path(path, follow=False)
        except FileNotFoundError:
            return None
        if live is not None and live.kind is found.kind and live.inode == found.inode:
            return live
        node: Node
        if found.kind is Kind.DIRECTORY:
            node = DirectoryNode(self.tree, self, name, path, found)
        elif found.kind is Kind.REGULAR:
            node = FileNode(self.tree, self, name, path, found)
        elif found.kind is Kind.SYMLINK:
            node = LinkNode(self.tree, self, name, path, found)
        else:
            raise refuse(errno.EACCES, name)
        self._live[name] = node
        return node

    def put(self, name: bytes, node: Node) -> None:
        """Enter a node under a name, in place of whatever the name stood for."""
        if self.removed:
            raise refuse(errno.ENOENT, name)
        self.tree.budget.take(_NODE_COST + len(name))
        self.attach()
        self.nodes[name] = node
        node.parent, node.name, node.attached = self, name, True
        self.modified()

    def take_out(self, name: bytes) -> None:
        """Remove a name; a whiteout stays where the host's directory may have it."""
        self.attach()
        if self.nodes.get(name) is not None:
            self.tree.budget.give_back(_NODE_COST + len(name))
        if self.lower is not None:
            self.nodes[name] = None
        else:
            self.nodes.pop(name, None)
        self.modified()

    def entries(self) -> list[Entry]:
        """Names of both layers, without `.` and `..`."""
        found = {
            name: Entry(name, node.kind, node.inode)
            for name, node in self.nodes.items()
            if node is not None
        }
        if self.lower is not None and not self.removed:
            opened = self.tree.lower.open(self.lower, Opening(directory=True, follow=False))
            if isinstance(opened, HostDirectory):
                try:
                    for entry in opened.entries():
                        if entry.name not in self.nodes and entry.name not in (b".", b".."):
                            found[entry.name] = entry
                finally:
                    opened.close()
        return list(found.values())

    def within(self, other: Node) -> bool:
        """Whether this directory is `other` or lies below it."""
        node: Node | None = self
        while node is not None:
            if node is other:
                return True
            node = node.parent
        return False
