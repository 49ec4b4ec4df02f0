"""Owns putting together what one run was granted: everything its guest can reach."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wherever.errors import Denied, Unsupported
from wherever.policy import Decision, Grants, Limits
from wherever.system.budget import Budget
from wherever.system.clocks import Clocks, CoarseClocks, FixedClocks, RealClocks
from wherever.system.decisions import Decisions
from wherever.system.handles import Directory, File
from wherever.system.host_directory import grant_host_directory
from wherever.system.host_file import HostStream
from wherever.system.polling import Interrupt
from wherever.system.randomness import Randomness, RealRandomness, SeededRandomness
from wherever.system.sockets import Listener
from wherever.system.streams import NoStream
from wherever.system.ungranted import UngrantedRoot

__all__ = ["Surroundings", "inherited_streams", "surroundings"]

_UNLIMITED_FILES = 1 << 20
_DEFAULT_LIMITS = Limits()


@dataclass(slots=True)
class Surroundings:
    """Everything one guest can reach, whatever ABI it speaks. Nothing here is ambient."""

    arguments: Sequence[bytes] = ()
    environment: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    streams: tuple[File, File, File] = field(
        default_factory=lambda: (NoStream(), NoStream(), NoStream())
    )
    preopens: Sequence[tuple[bytes, Directory]] = ()
    ungranted: Directory | None = None
    listeners: Sequence[Listener] = ()
    clocks: Clocks = field(default_factory=RealClocks)
    randomness: Randomness = field(default_factory=RealRandomness)
    interrupt: Interrupt = field(default_factory=Interrupt)
    decisions: Decisions = field(default_factory=Decisions)
    files: int = 256
    memory: Budget = field(default_factory=Budget)

    def close(self) -> None:
        """Close the directories, listeners and streams of the run."""
        for _, directory in self.preopens:
            directory.close()
        for handle in (*self.streams, *self.listeners):
            handle.close()
        self.interrupt.close()


def inherited_streams(interrupt: Interrupt) -> tuple[File, File, File]:
    """The standard streams of this process; they stay open when the guest closes its own."""
    sys.stdout.flush()
    return (
        HostStream(0, readable=True, writable=False, interrupt=interrupt, owned=False),
        HostStream(1, readable=False, writable=True, interrupt=interrupt, owned=False),
        HostStream(2, readable=False, writable=True, interrupt=interrupt, owned=False),
    )


def surroundings(
    grants: Grants,
    limits: Limits | None = None,
    arguments: Iterable[str | bytes] = (),
    *,
    streams: tuple[File, File, File] | None = None,
    listeners: Sequence[Listener] = (),
    interrupt: Interrupt | None = None,
    audit: Callable[[Decision], object] | None = None,
    whole_record: bool = False,
) -> Surroundings:
    """What `grants` and `limits` stand for on this host, opened.

    `audit` receives every refusal, and with `whole_record` every grant used.
    """
    if grants.net or grants.dns or grants.http:
        raise Unsupported(
            "connecting, resolving names and HTTP are not available to a guest yet; "
            "run it without --net, --dns and --http"
        )
    limits = limits or _DEFAULT_LIMITS
    interrupt = interrupt or Interrupt()
    decisions = Decisions(audit, whole=whole_record)
    memory = Budget(limits.memory)
    preopens, ungranted = _preopens(grants, decisions, memory)
    return Surroundings(
        arguments=[os.fsencode(argument) for argument in arguments],
        environment=_environment(grants),
        streams=streams or (NoStream(), NoStream(), NoStream()),
        preopens=preopens,
        ungranted=ungranted,
        listeners=listeners,
        clocks=_clocks(grants),
        randomness=_randomness(grants),
        interrupt=interrupt,
        decisions=decisions,
        files=_UNLIMITED_FILES if limits.files is None else limits.files,
        memory=memory,
    )


def _environment(grants: Grants) -> dict[bytes, bytes]:
    granted: dict[bytes, bytes] = {}
    for variable in grants.env:
        value = os.environ.get(variable.name) if variable.value is None else variable.value
        if value is not None:
            granted[os.fsencode(variable.name)] = os.fsencode(value)
    return granted


def _preopens(
    grants: Grants, decisions: Decisions, memory: Budget
) -> tuple[list[tuple[bytes, Directory]], UngrantedRoot | None]:
    """The granted directories, and the root that stands for the rest if `/` is not among them."""
    preopens: list[tuple[bytes, Directory]] = []
    try:
        for granted in grants.dirs:
            guest = os.fsencode(granted.guest)
            directory: Directory
            if granted.mode == "overlay":
                from wherever.system.overlay import grant_overlay  # not needed by most guests

                directory = grant_overlay(granted.host, guest, decisions, memory)
            else:
                directory = grant_host_directory(
                    granted.host,
                    writable=granted.mode == "rw",
                    guest_path=guest,
                    decisions=decisions,
                )
            preopens.append((guest, directory))
    except OSError as error:
        for _, opened in preopens:
            opened.close()
        raise Denied(
            f"cannot grant the directory {error.filename or ''}: {error.strerror}; "
            f"--dir takes an existing directory that you may open"
        ) from error
    covered = [path for path, _ in preopens]
    root = None if any(map(_is_root, covered)) else UngrantedRoot(decisions, covered)
    return preopens, root


def _is_root(path: bytes) -> bool:
    """Whether a C library finds every name in it: to wasi-libc `.` and `/` are the same."""
    return all(part in (b"", b".") for part in path.split(b"/"))


def _clocks(grants: Grants) -> Clocks:
    clock = grants.clock
    if clock is None or clock.kind == "real":
        return RealClocks()
    if clock.kind == "coarse":
        return CoarseClocks()
    return FixedClocks(round(clock.seconds * 1_000_000_000))


def _randomness(grants: Grants) -> Randomness:
    random = grants.random
    if random is None or random.kind == "real":
        return RealRandomness()
    return SeededRandomness(random.seed)
