"""Owns what parent and worker say to each other: bounded frames of plain text fields, no pickles.

A worker is hostile once its guest has run, so what arrives from it is only ever cut into fields:

    kind: 1 byte    length: 4 bytes, little-endian    fields: each 4 bytes of length, then UTF-8

A frame that is too long, of an unknown kind or cut wrongly is a `BrokenFrame`, and its worker is
killed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "CHANNEL",
    "CONFINED",
    "DECISION",
    "END",
    "EXPECT_COMPONENT",
    "LARGEST",
    "NEEDS",
    "READY",
    "TOOK",
    "BrokenFrame",
    "Reader",
    "fields_of",
    "frame",
    "pack_fields",
]

CHANNEL = 3  # the worker's descriptor
EXPECT_COMPONENT = bytes(4)  # to a worker: the size of no work; a component will come

READY = 1  # the worker has imported everything
CONFINED = 4  # what the kernel lacks for confining the worker
DECISION = 2  # what, thing, "1" for granted, rule, grant
END = 3  # how, code, limit, message, peak memory in bytes, processor seconds, backtrace...

TOOK = 5  # the guest's handler has been told of a Ctrl-C
NEEDS = 6  # the guest needs what of its program was not compiled yet

LARGEST = 1 << 20
_HEADER = 5
_KINDS = frozenset((READY, CONFINED, DECISION, END, TOOK, NEEDS))
_MOST_FRAMES = 20_000  # decisions are bounded in the worker; this bounds a worker that is not ours


class BrokenFrame(Exception):
    """The bytes are not frames: the worker is not running our code any more."""


def frame(kind: int, fields: Sequence[str]) -> bytes:
    """One frame; fields that would make it too long are cut."""
    body = pack_fields(fields, LARGEST)
    return bytes((kind,)) + len(body).to_bytes(4, "little") + body


def pack_fields(fields: Sequence[str], most: int = 1 << 30) -> bytes:
    """Fields as `fields_of` takes them apart; what would make more bytes than `most` is cut."""
    parts: list[bytes] = []
    room = most - 4 * len(fields)
    for field in fields:
        data = field.encode("utf-8", "backslashreplace")[:room]
        room -= len(data)
        parts += (len(data).to_bytes(4, "little"), data)
    return b"".join(parts)


class Reader:
    """Cuts a stream into frames as its bytes arrive."""

    __slots__ = ("_buffer", "_seen")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._seen = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, list[str]]]:
        """The frames that these bytes complete."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEADER:
            kind = buffer[at]
            length = int.from_bytes(buffer[at + 1 : at + _HEADER], "little")
            if kind not in _KINDS or length > LARGEST:
                raise BrokenFrame(f"kind {kind}, length {length}")
            end = at + _HEADER + length
            if len(buffer) < end:
                break
            self._seen += 1
            if self._seen > _MOST_FRAMES:
                raise BrokenFrame(f"more than {_MOST_FRAMES} frames")
            yield kind, fields_of(bytes(buffer[at + _HEADER : end]))
            at = end
        del buffer[:at]


def fields_of(body: bytes) -> list[str]:
    """The fields of a frame's body."""
    fields: list[str] = []
    at = 0
    while at < len(body):
        start = at + 4
        end = start + int.from_bytes(body[at:start], "little")
        if start > len(body) or end > len(body):
            raise BrokenFrame("a field is longer than its frame")
        fields.append(body[start:end].decode("utf-8", "replace"))
        at = end
    return fields
