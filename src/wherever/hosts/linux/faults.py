"""Owns faults of translated code: a trap of the engine becomes the signal that Linux would send.

Nobody may touch the first 64 KiB of a translated program's memory, nor what `protection` keeps from
it: such an access traps as an address beyond the memory does. Trapped code cannot go on; but the
instance can be called again, and its export `wherever_trapped` runs the guest's handler, or ends
the program by the signal.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from wherever.engine.frames import Frame
from wherever.errors import GuestTrap
from wherever.hosts.linux.protection import protect_null
from wherever.hosts.linux.run import GuestKilled, Linux
from wherever.linux.bodies import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.engine.instance import Instance
    from wherever.hosts.linux.run import Signals

__all__ = ["run_command"]

_TRAPPED: Final = "wherever_trapped"
_WHERE: Final = "wherever_where"
_RESUMED: Final = "wherever_where_resumed"
_SIGSEGV: Final = 11
_SEGV_MAPERR: Final = 1
# what an access of guest code can end in, by the engine's words
_FAULTS: Final = frozenset({"out of bounds memory access", "call stack exhausted"})
_SHOWN: Final = 32


def run_command(instance: Instance, host: object, signals: Signals) -> None:
    """Run `_start`; whatever faults in guest code is the guest's own affair first.

    The process is a worker: nobody uses the memory, whose pages get protected, after the guest.
    """
    call: Callable[[], object] = instance.func("_start")
    where: _Where = {"": instance.func(_WHERE)}
    if _RESUMED in instance:
        where[NAME] = instance.func(_RESUMED)
    trapped = instance.func(_TRAPPED)
    memory = instance.memory("memory")
    protect_null(memory)
    if isinstance(host, Linux):
        host.memory = memory
        host.signals = signals
    while True:
        try:
            call()
        except GuestTrap as trap:
            places = _places(trap, where)
            if trap.code not in _FAULTS or not places or not places[0][1]:
                raise  # not the guest's code: the personality's, and so our bug
            address = trap.address or 0
            pc = places[0][1]
        else:
            return

        call = partial(_deliver, trapped, pc, address, places)


def _deliver(
    trapped: Callable[[int, int, int, int], object], pc: int, address: int, places: _Places
) -> None:
    """Let the guest's handler have the fault; where there is none, show where it was."""
    try:
        trapped(_SIGSEGV, _SEGV_MAPERR, pc, address)
    except GuestKilled:
        _backtrace(places)
        raise


_Places = list[tuple[str, int]]
_Where = dict[str, "Callable[[int], object]"]  # by the name of the module: which guest function


def _places(trap: GuestTrap, where: _Where) -> _Places:
    """The frames of a trap: names, and the guest addresses of the functions (0: none)."""
    found: _Places = []
    for frame in trap.frames:
        if isinstance(frame, Frame):
            pc = where.get(frame.module, where[""])(frame.function_index)
            found.append((frame.function, pc & 0xFFFFFFFF if isinstance(pc, int) else 0))
    return found


def _backtrace(places: _Places) -> None:
    lines = [
        f"  called from {name.removeprefix('resume ')} ({pc:#x})\n"
        for name, pc in places[1:_SHOWN]
        if pc
    ]
    sys.stderr.write("".join(lines))
    sys.stderr.flush()
