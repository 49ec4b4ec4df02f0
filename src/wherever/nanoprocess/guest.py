"""Owns one guest inside a worker: opened, linked, confined, run, and how it ended."""

from __future__ import annotations

import os
import time

from wherever.engine.externs import Memory
from wherever.engine.state import Limits as StoreLimits
from wherever.engine.store import Store
from wherever.errors import Denied, GuestTrap, LimitExceeded
from wherever.hosts.wasi.command import instantiate
from wherever.hosts.wasi.run import GuestExit
from wherever.hosts.wasi.table import MODULE
from wherever.nanoprocess.code import compile_for, load, load_bodies, open_compiler, read_all
from wherever.nanoprocess.codefile import Kind, kind_of
from wherever.nanoprocess.confine import close_others, confine
from wherever.nanoprocess.frames import CHANNEL
from wherever.nanoprocess.reactor import call_by_text
from wherever.nanoprocess.signals import start_timer
from wherever.nanoprocess.start_section import START
from wherever.policy import Audit, Decision, Grants, Limits, Malformed, frozen, replace
from wherever.policy.grammar import parse_words
from wherever.policy.quantities import show_size
from wherever.system.polling import Interrupt
from wherever.system.surroundings import Surroundings, inherited_streams, surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol

    from wherever.engine.engine import Code
    from wherever.engine.instance import Instance

    class Closes(Protocol):
        """A host's state for one guest."""

        def close(self) -> None: ...


__all__ = ["Ending", "Work", "run"]

_MEMORIES = 4  # linear memories that one guest may have; they share its limit


# How many elements a guest's tables have together at least, and for how much of --memory one more:
# each takes 8 bytes.
_ELEMENTS = 10_000_000
_BYTES_PER_ELEMENT = 32


@frozen
class Work:
    """What the parent asks for, as it travels to the worker: plain values, by name."""

    arguments: tuple[str, ...]
    grants: tuple[str, ...]  # in the grammar's words, environment values included
    limits: dict[str, float | None]
    invoke: str | None = None
    whole_record: bool = False
    codes: int = 1
    """How many of the descriptors are the program's."""
    rest: bool = False
    """Whether the next one is a socket: the rest of the program comes there when it is needed."""

    @classmethod
    def of(cls, message: Mapping[str, object]) -> Work:
        """The work of a message."""
        fields: Any = message
        return cls(**fields)


@frozen
class Ending:
    """How a guest ended: "exit", "trap" or "limit", and the rest as an END frame has it."""

    how: str
    code: int = 0
    name: str = ""
    message: str = ""
    memory: int = 0
    cpu: float = 0.0
    frames: tuple[str, ...] = ()


class Report:
    """What the worker can say to its parent while it works."""

    __slots__ = ("confined", "decided", "die_with_parent", "rest", "took")

    def __init__(
        self,
        decided: Callable[[Decision], None],
        confined: Callable[[tuple[str, ...]], None],
        die_with_parent: Callable[[], None],
        took: Callable[[], None],
        rest: Callable[[int], Callable[[], list[int]]],
    ) -> None:
        self.decided = decided
        self.confined = confined
        self.die_with_parent = die_with_parent
        self.took = took
        self.rest = rest


def run(work: Work, fds: list[int], report: Report) -> Ending:
    """Run the guest in this process, which is fit for nothing else afterwards.

    `fds`: the program's head and what lies apart from it, then the standard streams if they are not
    this process's own.
    """
    program, *apart = fds[: work.codes]
    socket = fds[work.codes : work.codes + work.rest]
    for number, fd in enumerate(fds[work.codes + work.rest :]):
        os.dup2(fd, number)
    close_others(frozenset((CHANNEL, program, *apart, *socket)))
    os.chdir("/")
    grants = parse_words(work.grants).grants
    limits = Limits().override(**work.limits)
    head = read_all(program)
    if kind_of(head) == Kind.COMPONENT:
        return _run_component(work, head, apart, grants, limits, report)
    code = load(head, apart)
    around = _surroundings(work, grants, limits, report)
    store = Store(code.engine, _store_limits(limits, code.outline.tables))
    rest = report.rest(socket[0] if socket else -1)
    link = _linker(code, lambda: load_bodies(head, apart, rest))
    start = _starter(code, around.interrupt, report)
    report.die_with_parent()
    started = time.process_time()
    if limits.cpu is not None:
        start_timer(limits.cpu)
    report.confined(confine(grants, limits).lacks)
    kept: list[Instance] = []  # so that its memories are still there to be measured

    def linked() -> tuple[Instance, Closes]:
        try:
            instance, host = link(store, code, around)
        except LimitExceeded as limit:
            raise _too_large(limit, limits.memory) from None
        kept.append(instance)
        return instance, host

    ending = _ended(lambda: _call(work, linked, start, code))
    memory = sum(map(_peak, kept))
    ending = _out_of_memory(ending, memory, limits.memory)
    return replace(ending, memory=memory, cpu=time.process_time() - started)


def compile_(work: Mapping[str, Any], fds: list[int], report: Report) -> None:
    """Compile the program of the first descriptor into the second, confined as for a guest."""
    program, target = fds
    form: str = work["compile"]
    close_others(frozenset((CHANNEL, program, target)))
    os.chdir("/")
    open_compiler(form)
    limits = Limits(memory=work["memory"], time=None, cpu=work["cpu"])
    report.die_with_parent()
    if limits.cpu is not None:
        start_timer(limits.cpu)
    report.confined(confine(Grants(), limits).lacks)
    view = memoryview(compile_for(form, read_all(program)))
    while view:
        view = view[os.write(target, view) :]


def _run_component(
    work: Work, head: bytes, apart: list[int], grants: Grants, limits: Limits, report: Report
) -> Ending:
    """The same for a component: compiled whole before the process is confined."""
    from wherever.nanoprocess import components

    prepared = components.load(head, apart)
    if work.invoke is not None:
        components.open_texts()
    around = _surroundings(work, grants, limits, report)
    report.die_with_parent()
    started = time.process_time()
    if limits.cpu is not None:
        start_timer(limits.cpu)
    report.confined(confine(grants, limits).lacks)
    ending = _ended(lambda: components.call_component(prepared, around, limits.memory, work.invoke))
    return replace(ending, cpu=time.process_time() - started)


def _peak(instance: Instance) -> int:
    """Bytes of the exported memories, which never shrink."""
    found = [instance[name] for name in instance]
    return sum(extern.refresh() for extern in found if isinstance(extern, Memory))


def _out_of_memory(ending: Ending, memory: int, most: int | None) -> Ending:
    """The ending, with memory named as its cause where that is certain or likely.

    A refused `memory.grow` is -1 to the guest, whose allocator aborts then: `unreachable`. The
    engine does not tell us of the refusal, so it is judged by how full the memory was.
    """
    if most is None or (ending.how, ending.name) != ("trap", "unreachable") or 4 * memory < most:
        return ending
    full = f"with {show_size(memory)} of {show_size(most)} of memory in use"
    if 4 * memory < 3 * most:
        return replace(ending, message=f"{ending.message}\n({full}; --memory may be too little)")
    message = f"limit exceeded: the guest gave up {full}; raise it with --memory\n{ending.message}"
    return replace(ending, how="limit", name="memory", message=message)


def _linker(
    code: Code, bodies: Callable[[], Code]
) -> Callable[[Store, Code, Surroundings], tuple[Instance, Closes]]:
    """What links the program: preview 1 alone, or with the imports of translated programs."""
    if any(item.module != MODULE for item in code.outline.imports):
        from wherever.hosts.linux.command import instantiate as link

        return lambda store, code, around: link(store, code, around, bodies)
    return instantiate


def _starter(
    code: Code, interrupt: Interrupt, report: Report
) -> Callable[[Instance, Closes], None]:
    """What runs a command: a translated program's memory faults are signals first."""
    if _translated(code):
        from wherever.hosts.linux.faults import run_command
        from wherever.nanoprocess.passing import Passing

        signals = Passing(interrupt, report.took)
        return lambda instance, host: run_command(instance, host, signals)
    return _start


def _start(instance: Instance, host: Closes) -> None:
    del host
    instance.func("_start")()


def _surroundings(work: Work, grants: Grants, limits: Limits, report: Report) -> Surroundings:
    interrupt = Interrupt()
    return surroundings(
        grants,
        limits,
        work.arguments,
        streams=inherited_streams(interrupt),
        interrupt=interrupt,
        audit=Audit(report.decided),
        whole_record=work.whole_record,
    )


def _translated(code: Code) -> bool:
    return "wherever_trapped" in code.outline.exports


def _store_limits(limits: Limits, tables: int) -> StoreLimits:
    """The engine's bounds for a module that has so many tables, which share the elements.

    A translated program has one, with an element an instruction (`aot.layout`): shared among as
    many tables as a module may have, the elements would do for 625 000 instructions only.
    """
    memory = _MEMORIES << 32 if limits.memory is None else limits.memory
    return StoreLimits(
        memories=_MEMORIES if limits.memory is None else 1,
        memory=memory,
        table_elements=max(_ELEMENTS, memory // _BYTES_PER_ELEMENT),
        tables=tables,
    )


def _too_large(limit: LimitExceeded, memory: int | None) -> LimitExceeded:
    """The same for a program that is larger than its limits before it began, and what helps."""
    if memory is None or limit.limit not in ("memory", "table elements"):
        return limit
    return LimitExceeded(
        f"{limit}; --memory is {show_size(memory)}: raise it", limit=limit.limit, value=limit.value
    )


def _call(
    work: Work,
    link: Callable[[], tuple[Instance, Closes]],
    start: Callable[[Instance, Closes], None],
    code: Code,
) -> int:
    """Call what is to be called; returns the exit status of a guest that comes back."""
    exports = code.outline.exports
    if work.invoke is None and "_start" not in exports and START not in exports:
        raise Malformed(
            "the program exports no _start, so it is no command; call one of its functions with "
            f"--invoke: {', '.join(list(exports)[:20]) or 'it exports nothing'}"
        )
    instance, host = link()
    try:
        if START in exports:
            instance.func(START)()
        if work.invoke is None and "_start" in exports:
            start(instance, host)
        elif work.invoke is not None:
            call_by_text(instance, work.invoke, work.arguments[1:])
    finally:
        host.close()  # a terminal that the guest changed is as it was
    return 0


def _ended(call: Callable[[], int]) -> Ending:
    try:
        return Ending("exit", call())
    except GuestExit as exit_:
        return Ending("exit", exit_.status)
    except LimitExceeded as limit:
        return Ending("limit", 0, limit.limit, str(limit), frames=limit.frames)
    except Denied:
        raise
    except GuestTrap as trap:
        return Ending("trap", 0, trap.code, str(trap), frames=trap.frames)
