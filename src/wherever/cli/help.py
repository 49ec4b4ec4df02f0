"""Owns help: pages made from the tables of verbs, grants and limits."""

from __future__ import annotations

import sys

from wherever.cli.terminal import bold, dim
from wherever.cli.verbs import GLOBAL, VERBS, Option, Verb, verb
from wherever.policy import Malformed
from wherever.policy.grammar import FLAGS
from wherever.policy.limits import LIMITS, Limits

__all__ = ["main", "page", "show"]


def main(words: list[str]) -> int:
    """`wherever help [VERB]`."""
    if not words:
        print(overview(), end="")
        return 0
    found = verb(words[0])
    if found is None or len(words) > 1:
        raise Malformed(f"no such verb: {' '.join(words)}; wherever help lists them")
    return show(found)


def show(found: Verb) -> int:
    """Print the page of a verb."""
    print(page(found), end="")
    return 0


def overview() -> str:
    """The first page."""
    out = sys.stdout
    lines = [
        bold("wherever", out) + ": run any program wherever you are, "
        "with only the rights you gave it.",
        "",
        bold("Start here", out),
        "  wherever run hello.wasm                      "
        + dim("runs it; it can touch nothing of yours", out),
        "  wherever run --dir data,rw sort.wasm data/x  " + dim("grants one directory", out),
        "  wherever inspect app.wasm                    " + dim("what would it ask for?", out),
        "",
        bold("Verbs", out),
        *(f"  {each.name:<12}{each.summary}" for each in VERBS),
        "",
        "wherever help VERB, or wherever VERB --help, says more.",
    ]
    return "\n".join(lines) + "\n"


def page(found: Verb) -> str:
    """The page of one verb."""
    out = sys.stdout
    lines = [f"{bold('Usage:', out)} {found.usage}", "", f"{found.summary[0].upper()}"
             f"{found.summary[1:]}."]  # fmt: skip
    if found.about:
        lines += ["", *found.about.split("\n")]
    if found.examples:
        lines += ["", bold("Examples", out)]
        for command, why in found.examples:
            lines += [f"  {command}", "      " + dim(why, out)]
    if found.takes_grants:
        rights = [Option(f.name, f.value, f.help) for f in FLAGS if f.name not in LIMITS]
        lines += ["", bold("Grants", out) + " (none unless given)", *_table(rights)]
        usual = Limits(time=None, cpu=None)
        shown = dict(zip(usual.text()[::2], usual.text()[1::2], strict=True))
        limits = [
            Option(name, row[2], f"{row[3]} [{shown[f'--{name}']}]") for name, row in LIMITS.items()
        ]
        lines += ["", bold("Limits", out) + " [what counts unless said]", *_table(limits)]
    lines += ["", bold("Options", out), *_table((*found.options, *GLOBAL))]
    return "\n".join(lines) + "\n"


def _table(options: list[Option] | tuple[Option, ...]) -> list[str]:
    lines: list[str] = []
    for option in options:
        left = f"  --{option.name} {option.value}".rstrip()
        if len(left) > 30:
            lines += [left, f"{'':32}{option.help}"]
        else:
            lines.append(f"{left:<32}{option.help}")
    return lines
