"""Owns the form of a compiled program: its parts, as one file and as what a worker is handed.

    magic    kind: 1 byte    how many parts: 2 bytes    the size of each: 8 bytes    the parts

The first part tells what the others are: a module's outline, a component's plan. The others are
machine code. A large one lies *apart*, in sealed memory of its own, so that the engine maps it
instead of copying it; what is left, the *head*, has the same sizes and the small parts.
"""

from __future__ import annotations

from wherever.errors import InvalidProgram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ALONE",
    "COMPONENT",
    "FORM",
    "HEAD",
    "MODULE",
    "RESUME",
    "Kind",
    "apart",
    "count_apart",
    "count_parts",
    "cut",
    "is_code",
    "joined",
    "kind_of",
    "parts_of",
]

_MAGIC = b"\0wherever code 4\n"
FORM = "program 6"
"""What a compiling child is asked for, and part of the cache's key: these bytes."""
COMPONENT = "component 5 "
"""The same for a component that a process of its own profile loads; the profile's name follows."""
RESUME = "resume bodies 5"
"""The same for what of a translated program is compiled when its guest first needs it."""
MODULE = "module "
"""The same for machine code alone; the engine's configuration follows (`Profile.code_name`)."""

ALONE = 2
"""The parts of a module: its outline and its code."""

_MOST_APART = 16
_LARGE = 256 << 10
_MOST_PARTS = 4096
_SIZES = len(_MAGIC) + 3
HEAD = _SIZES
"""How many bytes tell what was compiled and how many parts it has."""


class Kind:
    """What was compiled."""

    PROGRAM = 5
    COMPONENT = 6
    TRANSLATED = 7
    """A program of which only what every run needs is there: two parts; of a file that was asked
    for (`wherever compile`) the resume bodies, too: four."""


def is_code(data: bytes) -> bool:
    """Whether the bytes say that they are compiled code; whose, only the ledger knows."""
    return data.startswith(_MAGIC)


def kind_of(head: bytes) -> int:
    """What was compiled; 0 where the bytes are no compiled code."""
    return head[len(_MAGIC)] if is_code(head) and len(head) > len(_MAGIC) else 0


def count_parts(head: bytes) -> int:
    """How many parts there are."""
    return int.from_bytes(head[_SIZES - 2 : _SIZES], "little")


def joined(kind: int, parts: Sequence[bytes]) -> bytes:
    """The parts as one file."""
    if len(parts) > _MOST_PARTS:
        raise InvalidProgram(f"{len(parts)} modules in one component: {_MOST_PARTS} are the most")
    sizes = [len(part).to_bytes(8, "little") for part in parts]
    return b"".join((_MAGIC, bytes((kind,)), len(parts).to_bytes(2, "little"), *sizes, *parts))


def apart(data: bytes) -> tuple[bytes, list[memoryview]]:
    """One file as its head and the parts that lie apart."""
    sizes = _sizes(data)
    far = _far(sizes)
    view = memoryview(data)
    at = _SIZES + 8 * len(sizes)
    near: list[memoryview] = [view[:at]]
    large: list[memoryview] = []
    for number, size in enumerate(sizes):
        (large if number in far else near).append(view[at : at + size])
        at += size
    if at != len(data):
        raise _damaged()
    return b"".join(near), large


def cut(head: bytes) -> list[memoryview | int]:
    """The parts of a head in order; a part that lies apart is its place among those."""
    sizes = _sizes(head)
    far = _far(sizes)
    view = memoryview(head)
    at = _SIZES + 8 * len(sizes)
    found: list[memoryview | int] = []
    for number, size in enumerate(sizes):
        if number in far:
            found.append(far.index(number))
            continue
        found.append(view[at : at + size])
        at += size
    if at != len(head) or not found:
        raise _damaged()
    return found


def parts_of(data: bytes) -> list[bytes]:
    """The parts of one file."""
    sizes = _sizes(data)
    at = _SIZES + 8 * len(sizes)
    found: list[bytes] = []
    for size in sizes:
        found.append(data[at : at + size])
        at += size
    if at != len(data):
        raise _damaged()
    return found


def count_apart(head: bytes) -> int:
    """How many parts lie apart from this head."""
    return len(_far(_sizes(head)))


def _sizes(data: bytes) -> list[int]:
    count = count_parts(data)
    end = _SIZES + 8 * count
    if not is_code(data) or count > _MOST_PARTS or len(data) < end:
        raise _damaged()
    return [int.from_bytes(data[at : at + 8], "little") for at in range(_SIZES, end, 8)]


def _far(sizes: list[int]) -> list[int]:
    """Which parts lie apart."""
    return [at for at, size in enumerate(sizes) if at and size >= _LARGE][:_MOST_APART]


def _damaged() -> InvalidProgram:
    return InvalidProgram("damaged compiled code: compile it again")
