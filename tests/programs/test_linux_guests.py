"""Do C and C++ programs do, translated, what they do under qemu? `--whole` runs every variant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import linux_guests
import pytest

SOURCES = Path(__file__).parent / "linux"
REASON = linux_guests.missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
]


@dataclass(frozen=True, slots=True)
class Guest:
    """A program, the ways it is built (the first in `make test`), and what it is called with."""

    name: str
    sources: tuple[str, ...]
    builds: tuple[tuple[str, ...], ...]
    calls: tuple[tuple[str, ...], ...] = ((),)
    hosted: bool = False  # by the default target only
    long: bool = False  # the C++ library is built first, and is a large program: `make guests` only


DEFINED = ("-fno-sanitize=undefined",)  # zig's own default at -O0 and -O1
LEVELS = (("-O2",), ("-O0",), ("-O1",), ("-O3",))
FAULTS = (
    *("", "null", "store", "call", "wild", "data", "odd", "illegal", "trap", "smash"),
    *("ignored", "blocked"),
)
GUESTS = (
    Guest("library", ("library.c",), tuple((*level, *DEFINED) for level in LEVELS)),
    Guest(
        "recursion",
        ("recursion.c",),
        tuple((*level, *DEFINED, "-fno-optimize-sibling-calls") for level in LEVELS),
        ((), ("caught",), ("endless",), ("pages",)),
    ),
    Guest(
        "faults",
        ("faults.c",),
        # memory faults are signals under our own host; the portable target traps
        tuple((*level, *DEFINED, "-fno-stack-protector") for level in LEVELS),
        tuple((what,) if what else () for what in FAULTS),
        hosted=True,
    ),
    Guest(
        "pages",
        ("pages.c",),
        tuple((*level, *DEFINED, "-fno-stack-protector") for level in LEVELS),
        ((), ("constant",), ("text",)),
        hosted=True,
    ),
    Guest(
        "kept",
        ("kept.c",),
        tuple((*level, *DEFINED) for level in LEVELS)
        + tuple((*level, *DEFINED, "-fno-optimize-sibling-calls") for level in LEVELS[1:]),
    ),
    Guest("high", ("high.c",), (("-O2", *DEFINED),)),
    Guest("fills", ("fills.c",), (("-O2", *DEFINED),), ((), ("faults",)), hosted=True),
    Guest("streams", ("streams.c",), (("-O2", *DEFINED),), ((), ("faults",)), hosted=True),
    Guest(
        "low",  # where Go's linker puts programs
        ("low.c",),
        (("-O1", *DEFINED, "-Wl,--image-base=0x10000"),),
        hosted=True,
    ),
    Guest("contexts", ("contexts.c",), tuple((*level, *DEFINED) for level in LEVELS)),
    Guest("libm", ("libm.c",), tuple((*level, *DEFINED) for level in LEVELS)),
    Guest("payloads", ("payloads.c",), tuple((*level, *DEFINED) for level in LEVELS)),
    Guest(
        "exceptions",
        ("exceptions.cpp", "thrower.cpp"),
        tuple((*level, "-std=c++20", "-w") for level in LEVELS[:2]),
        ((), ("uncaught",)),
        long=True,
    ),
    Guest("control", ("../control.c",), LEVELS),
    Guest(
        "signals",
        ("signals.c",),
        LEVELS,
        ((), ("abort",), ("abort-caught",), ("abort-jump",), ("pipe",), ("1",), ("17",)),
    ),
)
BOTH = ("signals", "recursion")  # by both targets in `make test` as well
BROKEN: dict[str, str] = {}
CASES = [
    pytest.param(
        guest,
        build,
        id=f"{guest.name}{''.join(build[:2])}",
        marks=[pytest.mark.xfail(reason=BROKEN[guest.name])] if guest.name in BROKEN else [],
    )
    for guest in GUESTS
    for build in guest.builds
]


def agree(program: Path, calls: tuple[tuple[str, ...], ...], *, both: bool) -> None:
    for arguments in calls:
        expected = linux_guests.under_qemu(program, *arguments)
        assert linux_guests.in_wherever(program, *arguments) == expected, arguments
        if both:
            portable = linux_guests.under_wasmtime(program, *arguments)
            assert portable == linux_guests.portable(expected), arguments


@pytest.mark.parametrize(("guest", "build"), CASES)
def test_a_guest_agrees_with_qemu(guest: Guest, build: tuple[str, ...], whole: bool) -> None:
    if (guest.long or build != guest.builds[0]) and not whole:
        pytest.skip("one of those that only `make guests` runs")
    program = linux_guests.compiled(
        [SOURCES / s for s in guest.sources], *linux_guests.MUSL, *build
    )
    agree(
        program,
        guest.calls if whole else guest.calls[:2],
        both=guest.name in BOTH or (whole and not guest.hosted),
    )
