"""Owns the table of WASI 0.2: which host object stands for which interface of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherever.component import names
from wherever.hosts.component.wasi.filesystem import Preopens, Types
from wherever.hosts.component.wasi.io import ErrorInterface, PollInterface, StreamsInterface
from wherever.hosts.component.wasi.plain import (
    Environment,
    Exit,
    MonotonicClock,
    Random,
    Stdio,
    Terminals,
    WallClock,
)
from wherever.hosts.component.wasi.refusals import GRANTS, Refusal
from wherever.system.surroundings import Surroundings

VERSION = "0.2.9"


def wasi_hosts(world: Surroundings, imports: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Host objects for WASI 0.2 over what one run was granted.

    Of `imports`, those of sockets and http get objects that refuse.
    """
    stdio, random = Stdio(world), Random(world)
    interfaces: dict[str, Any] = {
        "io/error": ErrorInterface(),
        "io/poll": PollInterface(world),
        "io/streams": StreamsInterface(),
        "clocks/monotonic-clock": MonotonicClock(world),
        "clocks/wall-clock": WallClock(world),
        "random/random": random,
        "random/insecure": random,
        "random/insecure-seed": random,
        "cli/environment": Environment(world),
        "cli/exit": Exit(),
        "cli/stdin": stdio,
        "cli/stdout": stdio,
        "cli/stderr": stdio,
        "cli/terminal-input": Terminals(),
        "cli/terminal-output": Terminals(),
        "cli/terminal-stdin": stdio,
        "cli/terminal-stdout": stdio,
        "cli/terminal-stderr": stdio,
        "filesystem/types": Types(),
        "filesystem/preopens": Preopens(world),
    }
    hosts = {f"wasi:{path}@{VERSION}": host for path, host in interfaces.items()}
    for name in imports or {}:
        try:
            parsed = names.parse_extern_name(name)
        except names.BadName:
            continue
        if not isinstance(parsed, names.InterfaceName) or parsed.namespace != "wasi":
            continue
        if parsed.package in GRANTS and name not in hosts:
            hosts[name] = Refusal(f"wasi:{parsed.package}/{parsed.interface}", parsed.package)
    return hosts
