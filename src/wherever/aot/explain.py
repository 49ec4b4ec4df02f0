"""Owns explaining one function: its instructions, its IR after each stage, and its Wasm."""

from __future__ import annotations

import difflib
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherever.aot.cache import translated
from wherever.aot.convention import conventions
from wherever.aot.functions import find_functions
from wherever.aot.image import place
from wherever.aot.inline import calls_in_place
from wherever.aot.lift import Lifted, lift
from wherever.aot.recover import recover
from wherever.aot.returned import keeps_to_the_standard
from wherever.aot.tables import find_tables
from wherever.errors import InvalidProgram
from wherever.ir.text import print_block
from wherever.ir.verify import Stage
from wherever.isa.aarch64 import table
from wherever.isa.aarch64.registers import REGISTERS
from wherever.linux.bodies import bodies_of
from wherever.program.elf import read_elf
from wherever.wasm.names import function_names
from wherever.wasm.reader import read_module
from wherever.wasm.text import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wherever.aot.functions import Body, Functions
    from wherever.aot.recover import Recovered
    from wherever.aot.signature import Conventions, Signature
    from wherever.wasm.module import Module

__all__ = ["Explained", "Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class Explained:
    """One block: its instructions as text, and its IR after each stage that changed it."""

    start: int
    instructions: tuple[str, ...]
    stages: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One function, from its instructions to its Wasm."""

    name: str
    entry: int
    facts: tuple[tuple[str, str], ...]  # what the rest of the program knows of it
    blocks: tuple[Explained, ...]
    wasm: tuple[tuple[str, tuple[str, ...]], ...]  # each body: its title, its lines


def _address_of(where: str, recovered: Recovered, base: int) -> int:
    """The address that a symbol or a number names; raises with near names where none does."""
    by_name = {name: address for address, name in sorted(recovered.names.items(), reverse=True)}
    if where in by_name:
        return by_name[where]
    try:
        address = int(where, 16) if where[:1].isdigit() else int(where.removeprefix("sub_"), 16)
    except ValueError:
        near = difflib.get_close_matches(where, by_name, 3)
        near += [name for name in sorted(by_name) if where in name and name not in near][:3]
        if near:
            hint = f"; there are {', '.join(near)}"
        elif by_name:
            hint = f"; the program names {len(by_name)} functions"
        else:
            hint = ": it is stripped, so give a hexadecimal address"
        raise InvalidProgram(f"the program has no function {where!r}{hint}") from None
    for low, words in recovered.words:
        for one in (address, address + base):
            if low <= one < low + 4 * len(words):
                return one & ~3
    low, high = recovered.words[0][0], recovered.words[-1][0] + 4 * len(recovered.words[-1][1])
    raise InvalidProgram(
        f"no code is at {address:#x}: the program's text is from {low:#x} to {high:#x}"
    )


def _instructions(recovered: Recovered, start: int, end: int) -> Iterator[str]:
    for low, words in recovered.words:
        for at in range(max(start, low), min(end, low + 4 * len(words)), 4):
            word = words[at - low >> 2]
            instruction = table.decode(word)
            text = ".word" if instruction is None else table.text(instruction, word, at)
            if instruction is None or instruction.meaning is None:
                text += f"  ; {table.not_translated(word)}"
            name = _target_name(recovered, text)
            yield f"{at:x}: {word:08x}  {text}{f'  <{name}>' if name else ''}"


def _target_name(recovered: Recovered, text: str) -> str:
    """The function that a branch or an address names in its last operand."""
    last = text.rpartition("#0x")[2]
    try:
        return recovered.names.get(int(last, 16), "") if last != text else ""
    except ValueError:
        return ""


def _lines(lifted: Lifted, starts: Sequence[int]) -> dict[int, tuple[str, ...]]:
    runtime = lifted.runtime.functions
    return {
        start: tuple(print_block(lifted.blocks[start], REGISTERS, runtime).splitlines())
        for start in starts
        if start in lifted.blocks
    }


def _registers(slots: Sequence[int]) -> str:
    return " ".join(REGISTERS.names[slot] for slot in slots) or "none"


def _masked(mask: int) -> str:
    """The registers of a mask; neighbours like x19 ... x28 as x19-x28."""
    words: list[str] = []
    run: list[str] = []
    for slot, name in enumerate((*REGISTERS.names, "")):
        known = bool(mask >> slot & 1) and bool(name)
        if run and not (known and name[:1] == run[0][:1] and name[1:].isdigit()):
            words += run if len(run) < 3 else [f"{run[0]}-{run[-1]}"]
            run = []
        if known and name[1:].isdigit():
            run.append(name)
        elif known:
            words.append(name)
    return " ".join(words) or "none"


def _facts(c: Conventions, signature: Signature) -> Iterator[tuple[str, str]]:
    functions = c.functions
    body = functions.bodies[signature.entry]
    yield "parameters", _registers(signature.parameters)
    yield "results", _registers(signature.results)
    yield "reads", _masked(signature.reads)
    yield "writes", _masked(signature.writes)
    yield "gives back", _masked(signature.kept & signature.changes)
    uniform = "its address is known, so its signature is the uniform one"
    yield "spoils", _masked(signature.spoils)
    yield "called", uniform if signature.taken else "directly, with an exact signature"
    yield "suspends", "it may leave the Wasm stack" if signature.suspends else "never"
    copies = [callee for _, callee in calls_in_place(c, signature)]
    if copies:
        named = [f"{c.all[one].name} {copies.count(one)} times" for one in dict.fromkeys(copies)]
        yield "calls in place", ", ".join(named).replace(" 1 times", " once")
    if body.orphans:
        yield "entered by resume only", " ".join(f"{start:#x}" for start in body.orphans)


def _bodies(module: Module, name: str, nth: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    imported = len(module.function_types()) - len(module.code)
    names = sorted(function_names(module).items())
    for wanted in (name, f"enter {name}", f"resume {name}"):
        found = [i for i, n in names if n == wanted]
        if len(found) <= nth:
            continue
        body = module.code[found[nth] - imported]
        declared = " ".join(f"{local.count} {local.type}" for local in body.locals)
        signature = str(module.types[module.function_types()[found[nth]]].composite)
        head = f"func {found[nth]} {signature}" + (f" locals {declared}" if declared else "")
        yield f"Wasm, {wanted}", (head, *listing(body.instructions()))


def explain(
    program: bytes,
    where: str,
    target: str = "wherever",
    progress: Callable[[str, int, int], None] | None = None,
) -> Explanation:
    """Everything about the function that `where` names or lies in."""
    image = place(read_elf(program))
    recovered = recover(image)
    address = _address_of(where, recovered, image.base)
    total = sum(len(words) for _, words in recovered.words)
    low = recovered.words[0][0]

    def lifting(at: int) -> None:
        if progress is not None:
            progress("lift", at - low >> 2, total)

    lifted = lift(recovered, lifting, marked=True)
    leaders = sorted(recovered.leaders)
    find_tables(image, recovered, lifted)
    functions = find_functions(recovered, lifted)
    body = _body_around(address, functions)
    # as they were before tables and functions were known: lifted again, for that changes blocks
    starts = sorted({*body.reached, *body.orphans})
    fresh = Lifted(recovered.words)
    for start in starts:
        at = bisect_right(leaders, start)
        if leaders[at - 1] == start:
            low, words = next(r for r in recovered.words if r[0] <= start < r[0] + 4 * len(r[1]))
            end = leaders[at] if at < len(leaders) else low + 4 * len(words)
            fresh.block(words, low, start, min(end, low + 4 * len(words)))
    before, after = _lines(fresh, starts), _lines(lifted, starts)
    agreed = conventions(functions, standard=keeps_to_the_standard(image.elf))
    modules = [read_module(translated(program, target, progress))]
    if (resumed := bodies_of(modules[0])) is not None:
        modules.append(read_module(resumed))
    signature = agreed.all[body.entry]
    same = [one.entry for one in agreed.all.values() if one.name == signature.name]
    return Explanation(
        signature.name,
        body.entry,
        tuple(_facts(agreed, signature)),
        tuple(
            Explained(
                start,
                tuple(_instructions(recovered, start, lifted.blocks[start].end)),
                _stages(before.get(start, ()), after[start]),
            )
            for start in starts
        ),
        tuple(
            found
            for one in modules
            for found in _bodies(one, signature.name, same.index(body.entry))
        ),
    )


def _body_around(address: int, functions: Functions) -> Body:
    """The function that has an instruction; the one it is reached in, where there are several."""
    holders: list[Body] = []
    for body in functions.bodies.values():
        for start in (*body.reached, *body.orphans):
            if start <= address < functions.blocks[start].end:
                holders.append(body)
                break
    return min(holders, key=lambda body: (address != body.entry, abs(address - body.entry)))


def _stages(
    before: tuple[str, ...], after: tuple[str, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not before:
        return ((f"IR, {Stage.LINKED.value}", after),)
    if before == after:
        return ((f"IR, {Stage.LIFTED.value}", before),)
    return ((f"IR, {Stage.LIFTED.value}", before), (f"IR, {Stage.LINKED.value}", after))
