"""Owns what one system call's description says, and the words a signature may use."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["FULL", "NONE", "PARTIAL", "TYPES", "Argument", "Call", "Family", "Support", "call"]


class Support(enum.Enum):
    """How much of a system call works."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


FULL = Support.FULL
PARTIAL = Support.PARTIAL
NONE = Support.NONE

# type -> (C type of the decoded argument, letter of its format in a trace)
TYPES: dict[str, tuple[str, str]] = {
    "access_mode": ("int", "d"),
    "address": ("u64", "p"),
    "at_flags": ("int", "x"),
    "clock": ("int", "d"),
    "device": ("u32", "x"),
    "dirfd": ("int", "D"),
    "fcntl_command": ("int", "d"),
    "fd": ("int", "d"),
    "flags": ("u32", "x"),
    "gid": ("u32", "d"),
    "int": ("int", "d"),
    "ioctl_request": ("u32", "x"),
    "mmap_flags": ("u32", "x"),
    "mmap_prot": ("u32", "x"),
    "mode": ("u32", "o"),
    "offset": ("s64", "l"),
    "open_flags": ("u32", "O"),
    "path": ("u64", "s"),
    "pid": ("int", "d"),
    "signal": ("int", "d"),
    "size": ("u64", "l"),
    "uid": ("u32", "d"),
    "uint": ("u32", "u"),
    "whence": ("int", "d"),
    "word": ("u64", "x"),
}
RESULTS = frozenset(
    {"address", "fd", "int", "mode", "never", "offset", "pid", "signal", "size", "uid", "gid"}
    | {"uint", "word", "zero"}
)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its type's name and, for a pointer, which way bytes go (in, out, inout)."""

    type: str
    direction: str | None = None

    @property
    def c_type(self) -> str:
        """The C type a handler receives it as: pointers are guest addresses."""
        return "u64" if self.direction is not None else TYPES[self.type][0]

    @property
    def letter(self) -> str:
        """The letter that tells a trace how to print it."""
        return "p" if self.direction is not None else TYPES[self.type][1]


@dataclass(frozen=True, slots=True)
class Call:
    """One system call, under its man-page name."""

    name: str
    generic: int | None
    x86_64: int | None
    signature: str
    support: Support
    needs: str | None = None
    note: str = ""
    becomes: str | None = None

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The arguments, parsed from the signature."""
        left = self.signature.split("->", maxsplit=1)[0].strip()
        found: list[Argument] = []
        for word in filter(None, (part.strip() for part in left.split(","))):
            direction, colon, pointee = word.partition(":")
            found.append(Argument(pointee, direction) if colon else Argument(word))
        return tuple(found)

    @property
    def result(self) -> str:
        """What a call that succeeds returns."""
        return self.signature.split("->", maxsplit=1)[1].strip()

    @property
    def identifier(self) -> str:
        """The C identifier of the handler."""
        return f"sys_{self.name}"


@dataclass(frozen=True, slots=True)
class Family:
    """The calls of one man-page family, in the order of the manual."""

    name: str
    title: str
    manual: str
    calls: tuple[Call, ...]


def call(
    name: str,
    generic: int | None,
    x86_64: int | None,
    signature: str,
    support: Support,
    *,
    needs: str | None = None,
    note: str = "",
    becomes: str | None = None,
) -> Call:
    """One row of the table."""
    return Call(name, generic, x86_64, signature, support, needs, note, becomes)
