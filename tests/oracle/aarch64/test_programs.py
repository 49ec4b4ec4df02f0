"""Is every instruction of Debian's static busybox and bash decoded, and read as Capstone reads it?

`tests/oracle/aarch64/fetch.sh DIRECTORY` fetches them; WHEREVER_PROGRAMS names the directory.
"""

import os
import re
import struct
from pathlib import Path

import capstone
import pytest

from wherever.isa.aarch64 import table

PROGRAMS = Path(
    os.environ.get("WHEREVER_PROGRAMS", Path.home() / ".cache/wherever-tests/aarch64")
).expanduser()
ADDRESS = 0x10000
# What their IFUNC variants hold and our HWCAP never selects.
BY_NAME = {"FEAT_SVE", "FEAT_MTE", "FEAT_MOPS"}


def _words(path: Path) -> set[int]:
    """Every distinct word of the executable sections."""
    data = path.read_bytes()
    (sections,) = struct.unpack_from("<Q", data, 0x28)
    (count,) = struct.unpack_from("<H", data, 0x3C)
    words: set[int] = set()
    for number in range(count):
        _, kind, flags, _, offset, size = struct.unpack_from(
            "<IIQQQQ", data, sections + 64 * number
        )
        if flags & 4 and kind == 1:
            words |= {word for (word,) in struct.iter_unpack("<I", data[offset : offset + size])}
    return words


def _same(ours: str, theirs: str) -> str:
    """Capstone's text, but for four of its habits that are not the manual's."""
    if theirs.startswith("movi"):  # leading zeros
        return re.sub("#0x0+(?=[0-9a-f])", "#0x", theirs.replace("#0000000000000000", "#0"))
    if theirs.startswith(("sshll", "ushll")) and theirs.endswith(", #0"):  # has the alias xtl
        return re.sub("shll", "xtl", theirs.removesuffix(", #0"), count=1)
    if "], #0xffffffffffff" in theirs:  # a negative post-index
        return ours
    if theirs.startswith("mrs") and "midr_el1" in theirs:  # a register that user code is refused
        return ours
    return theirs


@pytest.mark.parametrize("program", ["busybox", "bash"])
def test_program(program: str) -> None:
    path = PROGRAMS / program
    if not path.exists():
        pytest.skip(f"{path} is absent; run tests/oracle/aarch64/fetch.sh {PROGRAMS}")
    words = _words(path)
    assert len(words) > 50_000
    if "WHEREVER_ORACLE" not in os.environ:
        words = set(sorted(words)[::200])  # all of them in `make oracle`
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    differences: list[str] = []
    for word in sorted(words):
        one = table.decode(word)
        if one is not None and one.meaning is None and one.feature in BY_NAME:
            continue
        ours = "nothing" if one is None else table.text(one, word, ADDRESS)
        read = next(disassembler.disasm_lite(word.to_bytes(4, "little"), ADDRESS), None)
        theirs = "nothing" if read is None else f"{read[2]} {read[3]}".strip()
        if one is not None and one.meaning is None:
            differences.append(f"{word:08x} {theirs} is known by name only: {one.feature}")
        elif _same(ours, theirs) != ours:
            differences.append(f"{word:08x} we: {ours}; Capstone: {theirs}")
    assert differences == []
