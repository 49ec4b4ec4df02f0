"""Owns `wherever run` once its worker starts: its words, signals passed on, how it ended."""

from __future__ import annotations

import os

from wherever.cli.terminal import Progress, note, say_error
from wherever.nanoprocess.passing import PASSED, takes
from wherever.nanoprocess.prepare import open_program
from wherever.nanoprocess.signals import ENDING, SIGPIPE, SIGTSTP, default, handle
from wherever.nanoprocess.starting import Handed, guest_name, require_supported
from wherever.nanoprocess.supervise import Supervision
from wherever.policy import Audit, Limits, Malformed
from wherever.policy.grammar import FLAGS, parse_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.nanoprocess.launch import Worker
    from wherever.nanoprocess.result import Result
    from wherever.policy import Decision

__all__ = ["ended", "pass_signals_on", "started"]

_OWN = ("invoke", "audit", "argv0")  # options of the verb that are no grants
_EXACT = "--exact"
_MOST_DENIALS = 8
# absent system calls that a program cannot do without; others it only tried (rseq, io_uring...)
_NEEDED = ("clone", "execve", "fork", "vfork", "socket", "shm", "sem", "msg", "mq_", "ptrace")


def started(worker: Worker, words: list[str]) -> Supervision:
    """The words read, the program opened, the work handed over."""
    own, rights = _split(words)
    spoken = parse_words(rights)
    rest = list(spoken.rest)
    if rest[:1] == ["--"]:
        rest.pop(0)
    elif rest and rest[0].startswith("--"):
        raise Malformed(f"{rest[0]} is no grant, limit or option; wherever help run lists them")
    if not rest:
        raise Malformed("which program? wherever run [GRANTS] PROGRAM [ARGS...]")
    require_supported(spoken.grants)
    limits = spoken.limits_over(Limits(time=None, cpu=None))
    sink = _record_to(own["audit"]) if "audit" in own else None
    exact = "exact" in own
    name, compiled = open_program(
        rest[0],
        _shown,
        worker.expect_component,
        lambda program: _translated(program, exact=exact),
        exact=exact,
    )
    arguments = (own.get("argv0", guest_name(name)), *rest[1:])
    work = Handed(compiled, arguments, spoken.grants, limits, own.get("invoke"), sink)
    with work:
        if not worker.send(work.message, work.fds):
            raise OSError("the worker ended before it had its work")
    return Supervision(worker, limits, audit=Audit(sink), rest=work.rest)


def _translated(program: bytes, *, exact: bool) -> bytes:
    """The translation of a Linux program, with a bar where no cache has it."""
    from wherever.aot.cache import translated
    from wherever.cli.bar import Bar

    with Bar() as progress:
        return translated(program, progress=progress, exact=exact)


def _shown(what: str, work: Callable[[], bytes]) -> bytes:
    """Do what takes long where no cache has it, and say so on a terminal."""
    with Progress(what):
        return work()


def _split(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The verb's own options, taken out from among the grants before the program."""
    taking = {flag.name for flag in FLAGS if flag.value}
    own: dict[str, str] = {}
    rights: list[str] = []
    at = 0
    while at < len(words) and words[at].startswith("--") and words[at] != "--":
        name, equals, value = words[at][2:].partition("=")
        step = 1 if equals or name not in (*_OWN, *taking) else 2
        if words[at] == _EXACT:
            own["exact"], step = "yes", 1
        elif name in _OWN:
            if step == 2 and at + 1 == len(words):
                raise Malformed(f"--{name} needs a value")
            own[name] = value if equals else words[at + 1]
        else:
            rights += words[at : at + step]
        at += step
    return own, rights + words[at:]


def _record_to(path: str) -> Callable[[Decision], None]:
    """A sink that appends each decision to the file as one line of JSON."""
    import json

    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def sink(decision: Decision) -> None:
        os.write(fd, json.dumps(decision.record()).encode() + b"\n")

    return sink


def pass_signals_on(supervision: Supervision) -> None:
    """Signals meant for this process go to the guest; the terminal's reach both of us anyway."""
    for number in PASSED:
        handle(number, supervision.pass_on)

    def stop(number: int) -> None:
        if takes(supervision.pid, number):
            supervision.pass_on(number)
            return
        default(number)
        os.kill(os.getpid(), number)  # until someone continues us
        handle(number, stop)

    handle(SIGTSTP, stop)


def _may_have_mattered(denial: Decision) -> bool:
    """Whether a denial may be why a program failed; --audit lists the others too."""
    return denial.what != "system call" or denial.thing.startswith(_NEEDED)


def ended(result: Result) -> int:
    """Say how it ended, where that is to be said; the exit status."""
    asked_for = result.signal in ENDING or result.signal == SIGPIPE
    if not asked_for and (result.limit or result.trap or result.signal):
        say_error(result.sentence())
    denials = [denial for denial in result.denials if _may_have_mattered(denial)]
    if result.status and denials:
        shown = denials[:_MOST_DENIALS]
        lines = [decision.sentence() for decision in shown]
        if len(denials) > len(shown):
            lines.append(f"and {len(denials) - len(shown)} more; --audit FILE lists them")
        note("the program was denied something:\n  " + "\n  ".join(lines))
    return result.status
