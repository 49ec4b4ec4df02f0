"""Owns telling what made a Linux program: C library, language and compilers, by what they leave.

Static programs carry no list of libraries, so each is told by text that only it contains.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wherever.program.elf import Elf

__all__ = ["Origin", "build_id", "needed", "origin"]

_DT_NEEDED: Final = 1
_DT_STRTAB: Final = 5
_PT_DYNAMIC: Final = 2
_NT_GNU_BUILD_ID: Final = 3
_MOST_LIBRARIES: Final = 512
_LONGEST: Final = 200

_GLIBC: Final = re.compile(
    rb"GNU C Library \(([^)\n]{1,80})\) [a-z]+ release version (\d{1,3}\.\d{1,3})"
)
_GO: Final = re.compile(rb"\xff Go buildinf:")
_GO_VERSION: Final = re.compile(rb"go1\.\d{1,3}(?:\.\d{1,3})?(?:rc\d+|beta\d+)?")
_RUST: Final = re.compile(rb"/rustc/[0-9a-f]{40}/|/rustc-([\d.]{5,12})-src/")


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a program, as far as it shows."""

    libc: str  # "glibc 2.36 (Debian GLIBC 2.36-9+deb12u13)", "musl", "none" for Go, "unknown"
    languages: tuple[str, ...]
    compilers: tuple[str, ...]  # the strings of .comment


def origin(elf: Elf) -> Origin:
    """Tell what made a program."""
    data = elf.data
    languages: list[str] = []
    if _GO.search(data) or elf.section(".gopclntab") is not None:
        version = _GO_VERSION.search(data)
        languages.append(f"Go ({version[0].decode()})" if version else "Go")
    rust = _RUST.search(data)
    if rust:
        languages.append(f"Rust {rust[1].decode()}" if rust[1] else "Rust")
    if b"_ZTVN10__cxxabiv1" in data or b"__gxx_personality_v0" in data or b"St9exception" in data:
        languages.append("C++")
    return Origin(
        _libc(elf, bool(languages) and languages[0].startswith("Go")),
        tuple(languages),
        _comment(elf),
    )


def _libc(elf: Elf, go: bool) -> str:
    data = elf.data
    found = _GLIBC.search(data)
    if found:
        return f"glibc {found[2].decode()} ({found[1].decode('utf-8', 'replace')})"
    if "ld-linux" in elf.interpreter:
        return "glibc, of the system it runs on"
    if "ld-musl" in elf.interpreter:
        return "musl, of the system it runs on"
    if "/system/bin/linker" in elf.interpreter or elf.section(".note.android.ident") is not None:
        return "bionic (Android)"
    # strerror(0): musl's words, which no other library has
    if b"No error information\0" in data or b"musl libc" in data:
        return "musl"
    if (
        b"GLIBC_PRIVATE" in data
        or b"glibc-ld.so" in data
        or b"/usr/lib/locale/locale-archive" in data
    ):
        return "glibc"
    if b"uClibc" in data:
        return "uClibc"
    if go:
        return "none: Go makes its own system calls"
    return "none that is known"


def _comment(elf: Elf) -> tuple[str, ...]:
    section = elf.section(".comment")
    if section is None:
        return ()
    text = elf.data[section.offset : section.offset + min(section.size, 1 << 16)]
    parts = [part.decode("utf-8", "backslashreplace")[:_LONGEST] for part in text.split(b"\0")]
    return tuple(dict.fromkeys(part for part in parts if part))[:16]


def build_id(elf: Elf) -> str:
    """The linker's identification of the build, in hexadecimal; "" without one."""
    section = elf.section(".note.gnu.build-id")
    if section is None:
        return ""
    note = elf.data[section.offset : section.offset + min(section.size, 256)]
    name, size, kind = (int.from_bytes(note[at : at + 4], "little") for at in (0, 4, 8))
    if name != 4 or kind != _NT_GNU_BUILD_ID or not 0 < size <= 64:
        return ""
    return note[16 : 16 + size].hex()


def needed(elf: Elf) -> tuple[str, ...]:
    """The shared libraries that a dynamically linked program names (DT_NEEDED)."""
    segment = elf.segment(_PT_DYNAMIC)
    if segment is None:
        return ()
    rows = elf.data[segment.offset : segment.offset + min(segment.file_size, 1 << 16)]
    strings = elf.dynamic.get(_DT_STRTAB, 0)
    found: list[str] = []
    for at in range(0, len(rows) - 15, 16):
        tag = int.from_bytes(rows[at : at + 8], "little")
        if tag == 0 or len(found) == _MOST_LIBRARIES:
            break
        if tag == _DT_NEEDED:
            value = int.from_bytes(rows[at + 8 : at + 16], "little")
            name = elf.read(strings + value, _LONGEST).split(b"\0")[0]
            found.append(name.decode("utf-8", "backslashreplace"))
    return tuple(found)
