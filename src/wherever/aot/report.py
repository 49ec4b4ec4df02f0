"""Owns the report on a Linux program: what it is, what it is made of, what is not translated."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from wherever.aot.image import place
from wherever.errors import InvalidProgram, Unsupported
from wherever.isa.aarch64 import table
from wherever.linux.call import Support
from wherever.linux.calls import CALLS
from wherever.program.eh_frame import read_frames
from wherever.program.elf import SHT_SYMTAB, STT_FUNC, STT_GNU_IFUNC, Elf, read_elf
from wherever.program.origin import Origin, build_id, needed, origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.isa.instruction import Instruction

__all__ = ["ElfReport", "Missing", "Place", "SystemCall", "report_elf"]

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

_SVC: Final = 0xD400_0001
_BACK: Final = 24  # instructions before a system call in which its number is looked for
_BY_NUMBER: Final = {call.generic: call for call in CALLS if call.generic is not None}


@dataclass(frozen=True, slots=True)
class Place:
    """An instruction's address, the function it is in, and its text."""

    address: int
    function: str
    text: str


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not translated: reached, it is SIGILL."""

    feature: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A system call whose number stands in the text, and how far it is supported."""

    number: int
    name: str
    support: str


@dataclass(frozen=True, slots=True)
class Functions:
    """How many functions are known, by what tells them."""

    symbols: int
    frames: int
    called: int
    together: int


@dataclass(frozen=True, slots=True)
class ElfReport:
    """What `inspect` has to say of a Linux program. Strings are the program's: escape them."""

    size: int
    machine: str
    linkage: str
    interpreter: str
    libraries: tuple[str, ...]
    origin: Origin
    stripped: bool
    build: str
    entry: int
    refused: str  # why it is not translated; "" where it is
    text: int = 0  # bytes
    functions: Functions | None = None
    instructions: tuple[tuple[str, int], ...] = ()  # by group
    data_words: int = 0  # words of the text that are no instruction of any kind
    missing: tuple[Missing, ...] = ()
    system_calls: tuple[SystemCall, ...] = ()
    computed_calls: int = 0  # system calls whose number is not in the text

    def to_json(self) -> dict[str, Json]:
        """The report as what `json.dumps` takes."""
        known = self.functions
        return {
            "kind": "linux program",
            "size": self.size,
            "machine": self.machine,
            "linkage": self.linkage,
            "interpreter": self.interpreter or None,
            "libraries": list(self.libraries),
            "libc": self.origin.libc,
            "languages": list(self.origin.languages),
            "compilers": list(self.origin.compilers),
            "stripped": self.stripped,
            "build_id": self.build or None,
            "entry": self.entry,
            "refused": self.refused or None,
            "text_bytes": self.text,
            "functions": None
            if known is None
            else {
                "symbols": known.symbols,
                "frames": known.frames,
                "called": known.called,
                "together": known.together,
            },
            "instructions": dict(self.instructions),
            "data_words": self.data_words,
            "not_translated": [
                {
                    "feature": one.feature,
                    "places": [
                        {"address": at.address, "function": at.function, "text": at.text}
                        for at in one.places
                    ],
                }
                for one in self.missing
            ],
            "system_calls": [
                {"number": one.number, "name": one.name, "support": one.support}
                for one in self.system_calls
            ],
            "computed_system_calls": self.computed_calls,
        }


def report_elf(data: bytes) -> ElfReport:
    """The report on an ELF file; raises for what is no ELF64 executable."""
    elf = read_elf(data)
    refused = ""
    try:
        place(elf)
    except (Unsupported, InvalidProgram) as error:
        refused = str(error)
    found = ElfReport(
        size=len(data),
        machine=elf.machine,
        linkage=_linkage(elf),
        interpreter=elf.interpreter,
        libraries=needed(elf),
        origin=origin(elf),
        stripped=not any(section.type == SHT_SYMTAB for section in elf.sections),
        build=build_id(elf),
        entry=elf.entry,
        refused=refused,
    )
    return found if elf.machine != "aarch64" else _with_text(found, elf)


def _linkage(elf: Elf) -> str:
    if elf.interpreter:
        return "dynamic"
    if not elf.pie:
        return "static"
    return "static-PIE" if elf.entry else "shared library"


def _with_text(report: ElfReport, elf: Elf) -> ElfReport:
    texts = [(low, _words(elf, low, high)) for low, high in elf.executable_ranges()]
    counts = Counter(word for _, words in texts for word in words)
    kinds = {word: table.decode(word) for word in counts}
    groups: Counter[str] = Counter()
    for word, count in counts.items():
        kind = kinds[word]
        if kind is not None:
            groups[kind.group] += count
    names = _Names(elf)
    numbers, computed = _system_calls(texts)
    called = _called(texts)
    return replace(
        report,
        text=sum(4 * len(words) for _, words in texts),
        functions=Functions(
            len(names.symbols), len(names.frames), len(called), len(called | names.known)
        ),
        instructions=tuple(sorted(groups.items(), key=lambda item: (-item[1], item[0]))),
        data_words=sum(count for word, count in counts.items() if kinds[word] is None),
        missing=_missing(texts, kinds, names),
        system_calls=tuple(_described(number) for number in sorted(numbers)),
        computed_calls=computed,
    )


def _words(elf: Elf, low: int, high: int) -> array[int]:
    start = (low + 3) & ~3
    words = array("I", elf.read(start, max(0, high - start) & ~3))
    if sys.byteorder == "big":
        words.byteswap()
    return words


class _Names:
    """Which function an address is in: by symbols, else by unwind information."""

    def __init__(self, elf: Elf) -> None:
        functions = (STT_FUNC, STT_GNU_IFUNC)
        self.symbols = {s.address: s.name for s in elf.symbols if s.type in functions}
        self.frames = {frame.start for frame in read_frames(elf)}
        self.known = self.frames | self.symbols.keys()
        self.starts = sorted(self.known)

    def at(self, address: int) -> str:
        at = bisect_right(self.starts, address) - 1
        if at < 0:
            return ""
        start = self.starts[at]
        name = self.symbols.get(start, f"sub_{start:x}")
        return name if start == address else f"{name}+{address - start:#x}"


def _missing(
    texts: Sequence[tuple[int, array[int]]],
    kinds: dict[int, Instruction | None],
    names: _Names,
) -> tuple[Missing, ...]:
    """Every instruction that is known by name only, by the extension that it belongs to."""
    found: dict[str, list[Place]] = {}
    unknown = {word: one for word, one in kinds.items() if one is not None and one.meaning is None}
    for low, words in texts:
        if unknown.keys().isdisjoint(words):
            continue
        for i, word in enumerate(words):
            one = unknown.get(word)
            if one is not None:
                at = low + 4 * i
                place_ = Place(at, names.at(at), table.text(one, word, at))
                found.setdefault(one.feature, []).append(place_)
    return tuple(Missing(feature, tuple(found[feature])) for feature in sorted(found))


def _called(texts: Sequence[tuple[int, array[int]]]) -> set[int]:
    """The targets of direct calls: bl, whose word begins with 100101."""
    found: set[int] = set()
    for low, words in texts:
        for i, word in enumerate(words):
            if word >> 26 == 0b100101:
                offset = (word & 0x3FF_FFFF) - ((word & 0x200_0000) << 1)
                found.add(low + 4 * (i + offset))
    ends = [(low, low + 4 * len(words)) for low, words in texts]
    return {a for a in found if any(low <= a < high for low, high in ends)}


def _system_calls(texts: Sequence[tuple[int, array[int]]]) -> tuple[set[int], int]:
    """The numbers that x8 has before system calls, and how many have one that is computed."""
    found: set[int] = set()
    computed = 0
    for _, words in texts:
        at = -1
        for _ in range(words.count(_SVC)):
            at = words.index(_SVC, at + 1)
            number = _number_before(words, at)
            if number is None:
                computed += 1
            else:
                found.add(number)
    return found, computed


def _number_before(words: array[int], at: int) -> int | None:
    """What x8 was set to shortly before; None where it is not a constant."""
    for i in range(at - 1, max(at - _BACK, 0) - 1, -1):
        word = words[i]
        if word & 0x7FE0_001F == 0x5280_0008:  # movz w8 or x8
            return word >> 5 & 0xFFFF
        if word & 0x7F80_001F == 0x2A00_0008 or word & 0xBFC0_001F == 0xB940_0008:
            return None  # mov x8 of a register, or a load of x8
        if word & 0xFFFF_FC1F in (0xD65F_0000, 0xD61F_0000):
            return None  # a return or a computed jump: what precedes it is another path
    return None


def _described(number: int) -> SystemCall:
    known = _BY_NUMBER.get(number)
    if known is None:
        return SystemCall(number, f"number {number}", Support.NONE.value)
    return SystemCall(number, known.name, known.support.value)
