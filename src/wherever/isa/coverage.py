"""Owns the coverage page: what an instruction table holds, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from wherever.isa.instruction import Group

__all__ = ["coverage_page"]


def coverage_page(title: str, groups: Iterable[Group]) -> str:
    """One table for each group, a row for each encoding, in the manual's order."""
    groups = tuple(groups)
    executed = sum(one.meaning is not None for group in groups for one in group.instructions)
    lines = [
        f"# {title}",
        "",
        f"{executed} encodings are translated. Those of the last group are recognised by name: "
        "`inspect` reports them, and running one gives the guest SIGILL.",
        "",
        "Generated from the instruction table: `BLESS=1 pytest tests/isa/test_coverage.py`.",
    ]
    for group in groups:
        lines += ["", f"## {group.title}", "", "| instruction | encoding | manual | feature |"]
        lines.append("|---|---|---|---|")
        lines += [
            f"| {one.name} | `{' '.join(one.encoding.diagram.split())}` | {one.spec} "
            f"| {one.feature or 'Armv8.0-A'} |"
            for one in group.instructions
        ]
    return "\n".join(lines) + "\n"
