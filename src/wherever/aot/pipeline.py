"""Owns the pipeline: an ELF program becomes a WebAssembly module, stage by stage."""

from __future__ import annotations

import gc
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wherever.aot.convention import conventions
from wherever.aot.functions import find_functions
from wherever.aot.image import place
from wherever.aot.legal import Watch, legal, watcher
from wherever.aot.lift import lift
from wherever.aot.module import Assembler, Sizes
from wherever.aot.nesting import deep_recursion
from wherever.aot.recover import recover
from wherever.aot.returned import keeps_to_the_standard
from wherever.aot.tables import find_tables
from wherever.errors import LimitExceeded
from wherever.ir.verify import Stage
from wherever.program.elf import read_elf

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@dataclass(frozen=True, slots=True)
class Translation:
    """The module, and what it took."""

    wasm: bytes
    sizes: Sizes
    illegal: dict[int, int]  # address -> word of what is not translated
    stages: dict[str, float]  # seconds that each stage took


_BYTES: Final = 600  # that an instruction takes, as far as any program goes: most take some more


def _has_room(instructions: int) -> None:
    """Raise where the memory that this process may take will not do: before minutes are spent."""
    if sys.platform != "linux":
        return
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and instructions * _BYTES > most:
        raise LimitExceeded(
            f"translating {instructions} instructions takes some {_BYTES} bytes of memory each, "
            f"more than the {most >> 30} GiB that it may take; WHEREVER_TRANSLATE_MEMORY="
            f"{(instructions * _BYTES * 5 // 4 >> 30) + 1} in the environment lets it have enough",
            limit="memory",
            value=most,
        )


@contextmanager
def _uncollected() -> Generator[None]:
    """Without the cyclic collector: what a translation makes stays until its end.

    Millions of values are made and none of them is part of a cycle before the blocks are; the
    collector would walk them again and again (a tenth of the whole time) and find nothing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def translate(
    program: bytes,
    personality: bytes,
    progress: Callable[[str, int, int], None] | None = None,
    watch: Watch | None = None,
    jobs: int = 1,
    *,
    exact: bool = False,
) -> Translation:
    """Translate a static Linux program; the same bytes in give the same bytes out.

    `exact` floating point obeys FPCR and reports to FPSR, many times slower (ADR 0030).
    With several `jobs`, functions are emitted in as many processes, if this one can be forked.
    `watch` sees the blocks after each stage (WHEREVER_VERIFY=1 has them verified).
    """
    with _uncollected(), deep_recursion():
        return _translate(program, personality, progress, watch or watcher(), jobs, exact=exact)


def _translate(
    program: bytes,
    personality: bytes,
    progress: Callable[[str, int, int], None] | None,
    watch: Watch,
    jobs: int,
    *,
    exact: bool,
) -> Translation:
    stages: dict[str, float] = {}
    began = time.perf_counter()

    def done(stage: str) -> None:
        nonlocal began
        now = time.perf_counter()
        stages[stage] = now - began
        began = now

    elf = read_elf(program)
    image = place(elf)
    _has_room(sum(high - low >> 2 for low, high in image.text))
    recovered = recover(image)
    total = sum(len(words) for _, words in recovered.words)
    low = recovered.words[0][0] if recovered.words else 0

    def lifting(address: int) -> None:
        if progress is not None:
            progress("lift", address - low >> 2, total)

    def emitting(done: int, of: int) -> None:
        if progress is not None:
            progress("emit", done, of)

    done("recover")
    lifted = lift(recovered, lifting, exact=exact, marked=watch is legal)
    done("lift")
    watch(Stage.LIFTED, lifted)
    find_tables(image, recovered, lifted)
    watch(Stage.LINKED, lifted)
    functions = find_functions(recovered, lifted)
    done("functions")
    agreed = conventions(functions, standard=keeps_to_the_standard(elf))
    done("conventions")
    assembler = Assembler(image, recovered, lifted, agreed, personality, jobs)
    wasm = assembler.assemble(emitting)
    done("emit")
    return Translation(wasm, assembler.sizes, lifted.illegal, stages)
