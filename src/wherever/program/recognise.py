"""Owns the first question asked of any input: what is it?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Format(Enum):
    """What the bytes are."""

    WASM_MODULE = "a WebAssembly module"
    WASM_COMPONENT = "a WebAssembly component"
    WAT = "WebAssembly text"
    ELF = "an ELF file"
    GZIP = "gzip-compressed data"
    ZSTD = "zstd-compressed data"
    TAR = "a tar archive"
    ZIP = "a zip archive"
    AR = "a static library (ar archive)"
    PE = "a Windows (PE) program"
    MACHO = "a macOS (Mach-O) program"
    SCRIPT = "a script"
    OCI_JSON = "an OCI document (JSON)"
    EMPTY = "empty"
    UNKNOWN = "of no format we know"


# e_machine (System V gABI, "ELF Header"): what to call an architecture, and whether Linux runs it
MACHINES: Final[dict[int, str]] = {
    2: "sparc",
    3: "i386",
    8: "mips",
    20: "powerpc",
    21: "powerpc64",
    22: "s390x",
    40: "arm",
    43: "sparc64",
    62: "x86_64",
    183: "aarch64",
    243: "riscv64",
    247: "bpf",
    258: "loongarch64",
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the bytes are, and for ELF and scripts a little more."""

    format: Format
    detail: str = ""  # the ELF machine, the script's interpreter

    def __str__(self) -> str:
        return f"{self.format.value} ({self.detail})" if self.detail else self.format.value


def _elf_detail(head: bytes) -> str:
    if len(head) < 20 or head[5] not in (1, 2) or head[4] not in (1, 2):
        return "damaged header"
    order = "little" if head[5] == 1 else "big"
    number = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
    name = MACHINES.get(number, f"machine {number}")
    if number == 243 and head[4] == 1:
        name = "riscv32"
    return name if order == "little" else f"{name}, big-endian"


_MAGIC: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\x1f\x8b", Format.GZIP),
    (b"\x28\xb5\x2f\xfd", Format.ZSTD),
    (b"PK\x03\x04", Format.ZIP),
    (b"!<arch>\n", Format.AR),
    (b"MZ", Format.PE),
    (b"\xfe\xed\xfa\xce", Format.MACHO),
    (b"\xfe\xed\xfa\xcf", Format.MACHO),
    (b"\xce\xfa\xed\xfe", Format.MACHO),
    (b"\xcf\xfa\xed\xfe", Format.MACHO),
    (b"\xca\xfe\xba\xbe", Format.MACHO),
)


def recognise(head: bytes) -> Recognised:
    """Say what begins with these bytes; give at least the first 512 where there are as many."""
    if not head:
        return Recognised(Format.EMPTY)
    if head[:4] == b"\0asm":
        # the layer field: 0 for a core module, 1 for a component (component model, Binary.md)
        layer = int.from_bytes(head[6:8], "little")
        return Recognised(Format.WASM_COMPONENT if layer == 1 else Format.WASM_MODULE)
    if head[:4] == b"\x7fELF":
        return Recognised(Format.ELF, _elf_detail(head))
    for magic, what in _MAGIC:
        if head.startswith(magic):
            return Recognised(what)
    if head[257:262] == b"ustar":
        return Recognised(Format.TAR)
    if head.startswith(b"#!"):
        line = head[2:].split(b"\n", 1)[0].strip()[:120]
        return Recognised(Format.SCRIPT, line.decode("utf-8", "backslashreplace"))
    text = head.lstrip()
    if text.startswith((b"(module", b"(component", b"(;", b";;")):
        return Recognised(Format.WAT)
    if text.startswith(b"{") and (b'"schemaVersion"' in head or b'"imageLayoutVersion"' in head):
        return Recognised(Format.OCI_JSON)
    return Recognised(Format.UNKNOWN)
