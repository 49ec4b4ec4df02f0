"""Owns the ledger: which bytes we made ourselves, and from what, so that we may load them again.

Compiled code is native code and loading it does no checks. It is loaded only if the ledger names
its digest; nothing inside a file says anything about where the file came from.

The ledger is one append-only file of fixed-size lines, each with a check over itself:

    <digest of the bytes> <key: digest of what they were made from> <check>

A torn or damaged line says nothing, and what it named is made anew.
"""

from __future__ import annotations

import errno
import os

from wherever.store.digest import DIGEST_LENGTH, Digest, digest_of, is_digest
from wherever.store.lock import locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherever.store.folder import Folder

__all__ = ["Ledger", "Record"]

_NAME = "ledger"
_LOCK = "ledger.lock"
_CHECK_LENGTH = 16
_LINE = 2 * (DIGEST_LENGTH + 1) + _CHECK_LENGTH + 1
_MOST_LINES = 65536  # 9.6 MB; the older half is forgotten beyond it


class Record:
    """One line: the bytes with this digest were made by us from what the key names."""

    __slots__ = ("digest", "key")

    def __init__(self, digest: Digest, key: Digest) -> None:
        self.digest = digest
        self.key = key

    def line(self) -> bytes:
        """The line as it stands in the file."""
        body = f"{self.digest} {self.key} "
        return f"{body}{_check(body)}\n".encode()

    @classmethod
    def parse(cls, line: bytes) -> Record | None:
        """The record of a line, or None for a damaged one."""
        if len(line) != _LINE:
            return None
        text = line.decode("latin-1")
        body, check = text[: 2 * (DIGEST_LENGTH + 1)], text[2 * (DIGEST_LENGTH + 1) : -1]
        digest, key = body[:DIGEST_LENGTH], body[DIGEST_LENGTH + 1 : -1]
        if text[-1] != "\n" or not is_digest(digest) or not is_digest(key):
            return None
        if body[DIGEST_LENGTH] != " " or body[-1] != " " or check != _check(body):
            return None
        return cls(Digest(digest), Digest(key))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return self.digest == other.digest and self.key == other.key

    def __hash__(self) -> int:
        return hash((self.digest, self.key))

    def __repr__(self) -> str:
        return f"Record(digest={self.digest!r}, key={self.key!r})"


class Ledger:
    """The ledger of one folder."""

    __slots__ = ("_folder",)

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def record(self, digest: Digest, key: Digest) -> None:
        """Write down that we made the bytes with this digest from what the key names."""
        line = Record(digest, key).line()
        with locked(self._folder.fd, _LOCK):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(_NAME, flags, 0o600, dir_fd=self._folder.fd)
            try:
                # A writer that died, or a full disk, may have left part of a line: drop it.
                whole = os.fstat(fd).st_size // _LINE * _LINE
                os.ftruncate(fd, whole)
                written = os.pwrite(fd, line, whole)
                os.fsync(fd)
            finally:
                os.close(fd)
            if written != _LINE:  # the torn line says nothing, and the next writer drops it
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._folder.path)
            if whole // _LINE >= _MOST_LINES:
                self._keep(list(self)[-_MOST_LINES // 2 :])

    def made_from(self, key: Digest) -> Digest | None:
        """The digest of what we last made from the key's things, or None."""
        found = self._find(str(key), DIGEST_LENGTH + 1)
        return found.digest if found else None

    def knows(self, digest: Digest) -> bool:
        """Whether we made the bytes with this digest ourselves."""
        return self._find(str(digest), 0) is not None

    def forget(self) -> None:
        """Forget everything: nothing made before will be loaded again."""
        with locked(self._folder.fd, _LOCK):
            self._folder.remove(_NAME)

    def __iter__(self) -> Iterator[Record]:
        data = self._folder.read(_NAME) or b""
        for at in range(0, len(data) - _LINE + 1, _LINE):
            if record := Record.parse(data[at : at + _LINE]):
                yield record

    def _find(self, text: str, column: int) -> Record | None:
        """The last sound record with the text at that column of its line."""
        if not is_digest(text):
            return None
        data, wanted = self._folder.read(_NAME) or b"", text.encode()
        end = len(data)
        while (at := data.rfind(wanted, 0, end)) >= 0:
            end = at + DIGEST_LENGTH - 1
            start = at - column
            if start >= 0 and start % _LINE == 0:
                record = Record.parse(data[start : start + _LINE])
                if record is not None:
                    return record
        return None

    def _keep(self, records: list[Record]) -> None:
        self._folder.write(_NAME, b"".join(record.line() for record in records))
        os.chmod(_NAME, 0o600, dir_fd=self._folder.fd)


def _check(body: str) -> str:
    return digest_of(b"wherever ledger " + body.encode())[:_CHECK_LENGTH]
