"""Owns the form of a compiled program's bytes: how they are told from others, and cut apart."""

from __future__ import annotations

from wherever.errors import InvalidProgram
from wherever.nanoprocess.frames import LARGEST, OUTLINE, BrokenFrame, fields_of

__all__ = ["COMPONENT", "FORM", "MAGIC", "MODULE", "cut", "is_code"]

MAGIC = b"\0wherever code 2\n"
FORM = "program 2"
"""What a compiling child is asked for, and part of the cache's key: these bytes."""
COMPONENT = "component 2 "
"""The same for a component that a process of its own profile loads; the profile's name follows."""
MODULE = "module "
"""The same for machine code alone; the engine's configuration follows (`Profile.code_name`)."""
_HEADER = len(MAGIC) + 5


def is_code(data: bytes) -> bool:
    """Whether the bytes say that they are compiled code; whose, only the ledger knows."""
    return data.startswith(MAGIC)


def cut(data: bytes) -> tuple[list[str], bytes]:
    """The outline's fields, and the machine code."""
    kind, length = data[len(MAGIC)], int.from_bytes(data[len(MAGIC) + 1 : _HEADER], "little")
    if not is_code(data) or kind != OUTLINE or length > LARGEST or len(data) < _HEADER + length:
        raise InvalidProgram("damaged compiled code: compile it again")
    try:
        fields = fields_of(data[_HEADER : _HEADER + length])
    except BrokenFrame as error:
        raise InvalidProgram("damaged compiled code: compile it again") from error
    return fields, data[_HEADER + length :]
