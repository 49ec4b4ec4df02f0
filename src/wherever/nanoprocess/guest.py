"""Owns one guest inside a worker: opened, linked, confined, run, and how it ended."""

from __future__ import annotations

import os
import time

from wherever.engine.engine import Code, Engine, wat2wasm
from wherever.engine.externs import Memory
from wherever.engine.outline import Outline, choose
from wherever.engine.profile import Placement, Profile
from wherever.engine.state import Limits as StoreLimits
from wherever.engine.store import Store
from wherever.errors import Denied, GuestTrap, LimitExceeded
from wherever.hosts.linux.command import instantiate
from wherever.hosts.wasi.run import GuestExit
from wherever.nanoprocess.confine import close_others, confine
from wherever.nanoprocess.frames import CHANNEL
from wherever.nanoprocess.linking import require_known_imports
from wherever.nanoprocess.reactor import call_by_text
from wherever.nanoprocess.signals import start_timer
from wherever.policy import Audit, Decision, Grants, Limits, Malformed, frozen, replace
from wherever.policy.grammar import parse_words
from wherever.system.polling import Interrupt
from wherever.system.surroundings import Surroundings, inherited_streams, surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["Ending", "Work", "run"]

_COMPONENT = b"\0asm\x0d\0\1\0"
_MEMORIES = 4  # linear memories that one guest may have; they share its limit


@frozen
class Work:
    """What the parent asks for, as it travels to the worker: plain values, by name."""

    arguments: tuple[str, ...]
    grants: tuple[str, ...]  # in the grammar's words, environment values included
    limits: dict[str, float | None]
    invoke: str | None = None
    whole_record: bool = False

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

    __slots__ = ("confined", "decided", "die_with_parent")

    def __init__(
        self,
        decided: Callable[[Decision], None],
        confined: Callable[[tuple[str, ...]], None],
        die_with_parent: Callable[[], None],
    ) -> None:
        self.decided = decided
        self.confined = confined
        self.die_with_parent = die_with_parent


def run(work: Work, fds: list[int], report: Report) -> Ending:
    """Run the guest in this process, which is fit for nothing else afterwards.

    `fds`: the program's bytes, then the standard streams if they are not this process's own.
    """
    program, *streams = fds
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    close_others(frozenset((CHANNEL, program)))
    os.chdir("/")
    grants = parse_words(work.grants).grants
    limits = Limits().override(**work.limits)
    wasm = _read(program)
    if wasm[:8] == _COMPONENT:
        return _run_component(work, wasm, grants, limits, report)
    code = _load(wasm)
    around = _surroundings(work, grants, limits, report)
    store = Store(code.engine, _store_limits(limits))
    require_known_imports(code.outline)
    report.die_with_parent()
    started = time.process_time()
    if limits.cpu is not None:
        start_timer(limits.cpu)
    report.confined(confine(grants, limits).lacks)
    ending = _ended(lambda: _call(work, store, code, around))
    return replace(ending, memory=_peak(store), cpu=time.process_time() - started)


def _peak(store: Store) -> int:
    """Bytes of the guest's memories, which never shrink."""
    found = [ref() for ref in store.memories]
    return sum(memory.refresh() for memory in found if isinstance(memory, Memory))


def _run_component(
    work: Work, wasm: bytes, grants: Grants, limits: Limits, report: Report
) -> Ending:
    """The same for a component: compiled whole before the process is confined."""
    from wherever.nanoprocess import components

    prepared = components.prepare(wasm)
    around = _surroundings(work, grants, limits, report)
    report.die_with_parent()
    started = time.process_time()
    if limits.cpu is not None:
        start_timer(limits.cpu)
    report.confined(confine(grants, limits).lacks)
    ending = _ended(lambda: components.call_component(prepared, around, limits.memory, work.invoke))
    return replace(ending, cpu=time.process_time() - started)


def _read(fd: int) -> bytes:
    data = bytearray()
    while part := os.read(fd, 1 << 20):
        data += part
    os.close(fd)
    return bytes(data)


def _load(wasm: bytes) -> Code:
    """The program's code. Its format has been recognised; its bytes are not trusted."""
    if wasm[:4] != b"\0asm":
        wasm = wat2wasm(wasm.decode("utf-8", "replace"))
    profile = choose(Outline(wasm).shape, Profile(Placement.DEMAND, epochs=False))
    return Engine.of(profile).compile(wasm)


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


def _store_limits(limits: Limits) -> StoreLimits:
    if limits.memory is None:
        return StoreLimits(memories=_MEMORIES, memory=_MEMORIES << 32)
    return StoreLimits(memory=limits.memory)


def _call(work: Work, store: Store, code: Code, around: Surroundings) -> int:
    """Call what is to be called; returns the exit status of a guest that comes back."""
    exports = code.outline.exports
    if work.invoke is None and "_start" not in exports:
        raise Malformed(
            "the program exports no _start, so it is no command; call one of its functions with "
            f"--invoke: {', '.join(list(exports)[:20]) or 'it exports nothing'}"
        )
    instance, linux = instantiate(store, code, around)
    try:
        if work.invoke is None:
            instance.func("_start")()
        else:
            call_by_text(instance, work.invoke, work.arguments[1:])
    finally:
        linux.close()  # a terminal that the guest changed is as it was
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
