"""Owns the page and the picture that bench/kernels.py writes about its figures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

_COLOURS = {"native": "#9aa5b1", "source→Wasm": "#3e5c76", "ours": "#d1495b"}


def _table(record: dict[str, Any], kind: str, programs: Sequence[Any]) -> list[str]:
    times = record[kind]["times"]
    columns = [c for c in next(iter(times.values())) if c != "source→Wasm"]
    lines = [
        f"| {kind} | source→Wasm, ms | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for program in programs:
        row = times.get(program.name)
        if row is None:
            continue
        base = row["source→Wasm"]
        cells = " | ".join(f"{row[c] / base:.2f}" for c in columns)
        lines.append(f"| {program.name} ({program.what}) | {base / 1e6:.1f} | {cells} |")
    lines.append("")
    lines += [f"- {name}: {value:.2f}" for name, value in record[kind]["means"].items()]
    return lines


def page(history: Sequence[dict[str, Any]], programs: Sequence[Any]) -> str:
    """The newest figures in full, and how they came about."""
    last = history[-1]
    lines = [
        "# Translated programs beside the same programs compiled to Wasm",
        "",
        "Written by `python bench/kernels.py --record LABEL`; do not edit. Time inside the guest,",
        "medians, all ways interleaved in one run; ratios are to source→Wasm, below 1 is faster.",
        "",
        f"{last['label']}, {last['date']}, {last['machine']}, load {last['load']} at the start, "
        f"{last['rounds']} rounds{', a fifth of the work' if last['quick'] else ''}.",
        "",
        "![ratios](5-kernels.svg)",
        "",
    ]
    for kind in ("scalar", "vector"):
        if kind in last:
            lines += [*_table(last, kind, programs), ""]
    heads = ("translation", "instructions", "s", "a second", "compile, s", "bytes an instruction",
             "resume bodies", "peak, MB", "warm start, ms")  # fmt: skip
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, row in last["translation"].items():
        n = row["instructions"]
        rate = f"{row['translate']:.2f} | {n / row['translate']:.0f} | {row['compile']:.2f}"
        size = f"{row['fast'] / n:.1f} | {row['resume'] / n:.1f} | {row['peak'] / 1e6:.0f}"
        lines.append(f"| {name} | {n} | {rate} | {size} | {row['warm'] * 1000:.0f} |")
    lines += [
        "",
        "| history | nine scalar, mean / worst | nine vectorised | five scalar | five vectorised |",
        "|---|---|---|---|---|",
    ]
    for row in history:
        cells: list[str] = []
        for group in ("nine", "five"):
            for kind in ("scalar", "vector"):
                means = row.get(kind, {}).get("means", {})
                mean, worst = means.get(f"{group} over source"), means.get(f"{group} worst")
                cells.append("" if mean is None else f"{mean:.2f} / {worst:.2f}")
        lines.append(f"| {row['date']} {row['label']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def picture(record: dict[str, Any], names: Sequence[str]) -> str:
    """Bars for each program: time over source→Wasm, of native code and of ours."""
    bars: list[str] = []
    unit, left, top, row = 220, 110, 40, 20
    y = top
    for kind in ("scalar", "vector"):
        if kind not in record:
            continue
        bars.append(f'<text x="8" y="{y + 6}" font-weight="bold">{kind}</text>')
        y += 14
        for name in names:
            times = record[kind]["times"][name]
            base = times["source→Wasm"]
            bars.append(f'<text x="8" y="{y + 12}">{html.escape(name)}</text>')
            for at, way in enumerate(("native", "ours")):
                ratio = times[way] / base
                width = min(ratio, 2.4) * unit
                bars.append(
                    f'<rect x="{left}" y="{y + at * 8}" width="{width:.0f}" height="7" '
                    f'fill="{_COLOURS[way]}"><title>{way}: {ratio:.2f}</title></rect>'
                )
                bars.append(
                    f'<text x="{left + width + 4:.0f}" y="{y + 7 + at * 8}" font-size="8">'
                    f"{ratio:.2f}</text>"
                )
            y += row
        y += 12
    one = left + unit
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + 3 * unit}" height="{y + 10}" '
        f'font-family="sans-serif" font-size="11">'
        '<rect width="100%" height="100%" fill="white"/>'
        f'<text x="8" y="18">time inside the guest, source compiled to Wasm = 1: '
        f'<tspan fill="{_COLOURS["native"]}">native</tspan>, '
        f'<tspan fill="{_COLOURS["ours"]}">translated</tspan></text>'
        f'<line x1="{one}" y1="{top - 8}" x2="{one}" y2="{y}" stroke="{_COLOURS["source→Wasm"]}" '
        'stroke-dasharray="4 3"/>' + "".join(bars) + "</svg>\n"
    )
