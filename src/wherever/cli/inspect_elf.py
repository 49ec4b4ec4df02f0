"""Owns printing the report on a Linux program for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from wherever.cli.terminal import bold, dim
from wherever.policy import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.aot.report import ElfReport, Missing

__all__ = ["elf_lines"]

_PLACES = 8  # of each extension
_WIDTH = 96


def elf_lines(name: str, report: ElfReport) -> list[str]:
    """The report; names that the program chose are escaped."""
    return list(_lines(name, report))


def _lines(name: str, report: ElfReport) -> Iterator[str]:
    out = sys.stdout
    kind = f"Linux program for {report.machine}, {report.linkage}, {report.size:,} bytes"
    yield f"{bold(printable(name), out)}: {kind}"
    if report.interpreter:
        yield f"  {dim('loader', out)}     {printable(report.interpreter)}"
    if report.libraries:
        yield f"  {dim('libraries', out)}  {printable(' '.join(report.libraries))}"
    yield f"  {dim('libc', out)}       {printable(report.origin.libc)}"
    if report.origin.languages:
        yield f"  {dim('language', out)}   {printable(', '.join(report.origin.languages))}"
    for compiler in report.origin.compilers:
        yield f"  {dim('made with', out)}  {printable(compiler)}"
    yield f"  {dim('symbols', out)}    {'none: it is stripped' if report.stripped else 'kept'}"
    if report.build:
        yield f"  {dim('build id', out)}   {report.build}"
    yield f"  {dim('entry', out)}      {report.entry:#x}"
    if report.refused:
        yield f"{bold('not translated', out)}: {printable(report.refused)}"
    if report.functions is not None:
        known = report.functions
        yield (
            f"{bold('functions', out)} {known.together:,} known: {known.symbols:,} by symbols, "
            f"{known.frames:,} by unwind information, {known.called:,} by calls"
        )
    yield from _instructions(report)
    for one in report.missing:
        yield from _missing(one)
    yield from _calls(report)


def _instructions(report: ElfReport) -> Iterator[str]:
    total = sum(count for _, count in report.instructions)
    if not total:
        return
    yield f"{bold('instructions', sys.stdout)} {total:,} in {report.text:,} bytes of text"
    for group, count in report.instructions:
        yield f"  {count:>10,}  {group}"
    if report.data_words:
        yield f"  {report.data_words:>10,}  words of data among them"


def _missing(one: Missing) -> Iterator[str]:
    title = bold(f"{one.feature}: {len(one.places)} not translated", sys.stdout)
    yield f"{title} (SIGILL if reached; HWCAP does not announce it)"
    for place in one.places[:_PLACES]:
        inside = f"  <{printable(place.function)}>" if place.function else ""
        yield f"  {place.address:x}  {place.text}{inside}"
    if len(one.places) > _PLACES:
        yield f"  and {len(one.places) - _PLACES} more; --json lists them all"


def _calls(report: ElfReport) -> Iterator[str]:
    calls = report.system_calls
    if not calls and not report.computed_calls:
        return
    yield f"{bold('system calls', sys.stdout)} {len(calls)} by number in the text" + (
        f", and {report.computed_calls} whose number is computed" if report.computed_calls else ""
    )
    for support, title in (("full", "supported"), ("partial", "in part"), ("none", "ENOSYS")):
        names = [call.name for call in calls if call.support == support]
        if names:
            yield from _wrapped(f"  {title + ':':<11}", names)


def _wrapped(lead: str, words: list[str]) -> Iterator[str]:
    line = lead
    for word in words:
        if len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = " " * len(lead)
        line += f" {word}"
    yield line
