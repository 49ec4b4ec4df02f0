"""Owns `wherever inspect`: a program's report, for people or as JSON. It reads and runs nothing."""

from __future__ import annotations

import sys

from wherever.cli.inspect_component import only_wit, world_json, world_lines
from wherever.cli.terminal import bold, dim
from wherever.errors import Unsupported
from wherever.nanoprocess.prepare import read_program
from wherever.policy import Malformed, printable
from wherever.wasm.preamble import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.wasm.inspect import Item, Report

__all__ = ["main"]

_SHOWN = 40


def main(words: list[str]) -> int:
    """`wherever inspect [--json | --wit] PROGRAM`."""
    as_json, as_wit = "--json" in words, "--wit" in words
    rest = [word for word in words if word not in ("--json", "--wit")]
    if len(rest) != 1 or (as_json and as_wit):
        raise Malformed("which program? wherever inspect [--json | --wit] PROGRAM")
    name, data = read_program(rest[0])
    if data[:4] == b"\x7fELF":
        return _linux_program(name, data, as_json=as_json, as_wit=as_wit)
    data = assembled(data)
    if as_wit:
        print(only_wit(name, data), end="")
        return 0
    report = report_of(name, data)
    component = report.kind is Kind.COMPONENT
    if as_json:
        import json

        print(json.dumps({**report.to_json(), **(world_json(data) if component else {})}))
    else:
        print("\n".join(lines(name, report) + (world_lines(data) if component else [])))
    return 0


def assembled(data: bytes) -> bytes:
    """The binary of what may be in the text format."""
    from wherever.program.recognise import Format, recognise

    if recognise(data[:512]).format is not Format.WAT:
        return data
    from wherever.engine.engine import wat2wasm

    return wat2wasm(data.decode("utf-8", "replace"))


def report_of(name: str, data: bytes) -> Report:
    """The report of the wasm room; text is assembled first."""
    from wherever.program.recognise import Format, recognise
    from wherever.wasm.inspect import inspect

    data = assembled(data)
    found = recognise(data[:512])
    if found.format not in (Format.WASM_MODULE, Format.WASM_COMPONENT):
        raise Unsupported(
            f"{name} is {found}: WebAssembly and Linux (ELF) programs can be inspected"
        )
    return inspect(data)


def _linux_program(name: str, data: bytes, *, as_json: bool, as_wit: bool) -> int:
    from wherever.aot.report import report_elf
    from wherever.cli.inspect_elf import elf_lines

    if as_wit:
        raise Malformed(f"{name} is a Linux program: only components have WIT")
    report = report_elf(data)
    if as_json:
        import json

        print(json.dumps(report.to_json()))
    else:
        print("\n".join(elf_lines(name, report)))
    return 0


def lines(name: str, report: Report) -> list[str]:
    """The report for people; names that the program chose are escaped."""
    out = sys.stdout
    found = [f"{bold(printable(name), out)}: {report.kind}, {report.size:,} bytes"]
    if report.name:
        found.append(f"  named {printable(report.name)}")
    for group in report.imports:
        abi = f"  {dim(group.abi, out)}" if group.abi else ""
        found.append(f"{bold('imports from', out)} {printable(group.module)}{abi}")
        found += _items(group.items)
    if report.exports:
        found.append(bold("exports", out))
        found += _items(report.exports)
    if report.memories:
        found.append(bold("memories", out))
        for memory in report.memories:
            most = "no maximum" if memory.maximum is None else f"at most {memory.maximum:,} bytes"
            words = [f"{memory.minimum:,} bytes at first", most]
            words += ["shared"] if memory.shared else []
            words += ["imported"] if memory.imported else []
            found.append(f"  {', '.join(words)}")
    if report.start is not None:
        found.append(f"{bold('starts with', out)} {printable(report.start)}")
    if report.features:
        found.append(f"{bold('features used', out)} {', '.join(report.features)}")
    for producer in report.producers:
        made = f"{producer.field} {producer.name} {producer.version}"
        found.append(f"{bold('made with', out)} {printable(made)}")
    if report.sections:
        found.append(bold("sections", out))
        for section in report.sections:
            kind = dim("  custom", out) if section.custom else ""
            found.append(f"  {section.size:>12,}  {printable(section.name)}{kind}")
    return found


def _items(items: tuple[Item, ...]) -> list[str]:
    found = [f"  {printable(item.name)}  {dim(item.type, sys.stdout)}"
             for item in items[:_SHOWN]]  # fmt: skip
    if len(items) > _SHOWN:
        found.append(f"  and {len(items) - _SHOWN} more; --json lists them all")
    return found
