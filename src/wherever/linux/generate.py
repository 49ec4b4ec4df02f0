"""Owns what is generated from the tables: C headers and dispatch, and the compatibility page."""

from __future__ import annotations

import sys

from wherever.linux.call import Call, Support
from wherever.linux.calls import CALLS, FAMILIES
from wherever.linux.structs import STRUCTS, Struct, layout

__all__ = ["abi_header", "compatibility_page", "dispatch_source", "handlers_header"]

_BANNER = "/* Generated from the tables of wherever.linux: change those. */\n"


def _struct_source(struct: Struct) -> str:
    lines = [f"struct {struct.name} {{"]
    for field in struct.fields:
        scalar = field.type in {"u8", "u16", "s16", "u32", "s32", "u64", "s64", "char"}
        spelled = field.type if scalar else f"struct {field.type}"
        count = f"[{field.count}]" if field.count > 1 else ""
        lines.append(f"  {spelled} {field.name}{count};")
    lines.append("} __attribute__((packed));" if struct.packed else "};")
    lines.append(f'_Static_assert(sizeof(struct {struct.name}) == {struct.size}, "size");')
    lines.extend(
        f'_Static_assert(__builtin_offsetof(struct {struct.name}, {name}) == {offset}, "{name}");'
        for name, offset in layout(struct).items()
    )
    return "\n".join(lines) + "\n"


def abi_header() -> str:
    """`abi.h`: every structure, each size and offset asserted."""
    return _BANNER + "#pragma once\n" + "\n".join(_struct_source(struct) for struct in STRUCTS)


def _has_handler(call: Call) -> bool:
    return call.support is not Support.NONE and call.becomes is None


def handlers_header() -> str:
    """`handlers.h`: each handler's prototype, so that a C file that differs does not compile."""
    lines = [_BANNER, "#pragma once"]
    for call in CALLS:
        if _has_handler(call):
            arguments = ", ".join(argument.c_type for argument in call.arguments) or "void"
            lines.append(f"s64 {call.identifier}({arguments});")
    return "\n".join(lines) + "\n"


def dispatch_source() -> str:
    """`dispatch.c`: from a number and six words to a handler, and the table that a trace reads."""
    lines = [_BANNER, '#include "linux.h"', "", "s64 dispatch(u64 nr, const u64 *a) {"]
    lines.append("  switch (nr) {")
    for call in CALLS:
        if call.generic is None or not _has_handler(call):
            continue
        arguments = ", ".join(
            f"({argument.c_type})a[{index}]" for index, argument in enumerate(call.arguments)
        )
        lines.append(f"  case {call.generic}: return {call.identifier}({arguments});")
    lines += ["  default: return absent(nr);", "  }", "}", ""]
    lines.append("const char *const call_signatures[] = {")
    for call in CALLS:
        if call.generic is not None:
            letters = "".join(argument.letter for argument in call.arguments)
            lines.append(f'  [{call.generic}] = "{call.name} {letters}",')
    lines += ["};", "const u32 call_count = sizeof call_signatures / sizeof *call_signatures;", ""]
    return "\n".join(lines)


def compatibility_page() -> str:
    """`docs/linux-compatibility.md`: every call by family, its support and what is missing."""
    counted = {
        support: sum(call.support is support and call.generic is not None for call in CALLS)
        for support in Support
    }
    lines = [
        "# Linux system calls",
        "",
        "Generated from the table in `src/wherever/linux/calls.py`: do not edit.",
        "",
        f"Of the {sum(counted.values())} calls of the generic table (aarch64, riscv64), "
        f"{counted[Support.FULL]} are full, {counted[Support.PARTIAL]} partial (what is missing "
        f"stands beside each), {counted[Support.NONE]} answer ENOSYS and are named by `--audit`.",
    ]
    for family in FAMILIES:
        lines += ["", f"## {family.title}", "", f"{family.manual}", ""]
        lines += ["| call | generic | x86-64 | signature | support | needs | note |"]
        lines += ["|---|---|---|---|---|---|---|"]
        for call in family.calls:
            generic = "-" if call.generic is None else str(call.generic)
            x86_64 = "-" if call.x86_64 is None else str(call.x86_64)
            cells = (call.name, generic, x86_64, f"`{call.signature}`", call.support.value)
            lines.append("| " + " | ".join((*cells, call.needs or "", call.note)) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(compatibility_page())
