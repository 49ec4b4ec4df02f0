"""Owns linking a translated program: preview 1 and `wherever_linux` over one set of descriptors."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from wherever.engine.hostcalls import HostFunc
from wherever.hosts.linux.run import Linux
from wherever.hosts.linux.table import FUNCTIONS, MODULE, Function
from wherever.hosts.wasi.command import imports as preview1_imports
from wherever.hosts.wasi.run import Preview1, Refused
from wherever.system.beneath import Escaped
from wherever.wasm.types import I32, FuncType, MemoryType

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.engine.engine import Code
    from wherever.engine.instance import Instance
    from wherever.engine.store import Store
    from wherever.system.surroundings import Surroundings

__all__ = ["bind", "instantiate"]

# c/constants.h, EESCAPE: the host would not follow a path out of its directory, so the personality
# walks it itself: an absolute link may lead into another granted directory.
_ESCAPED: Final = -4095


def bind(run: Linux, function: Function) -> Callable[..., int | None]:
    """The function for one guest: plain integers in, 0 or a negative Linux errno out.

    Raises only what must unwind the guest: its end, a limit, the run's interrupt, and our bugs.
    """
    slots = run.wasi.fds.slots
    body = function.body
    takes_descriptor = function.words[0] == "fd"

    def call(*arguments: int) -> int:
        try:
            if not takes_descriptor:
                return body(run, *arguments)
            descriptor = slots.get(arguments[0])
            if descriptor is None:
                return -errno.EBADF
            return body(run, descriptor, *arguments[1:])
        except Escaped:
            return _ESCAPED
        except OSError as failure:
            return -(failure.errno or errno.EIO)
        except Refused:
            return -errno.EROFS
        except MemoryError:
            return -errno.ENOMEM
        except (ValueError, OverflowError):
            return -errno.EINVAL

    def say(*arguments: int) -> None:
        call(*arguments)

    return call if function.answers else say


def instantiate(store: Store, code: Code, surroundings: Surroundings) -> tuple[Instance, Linux]:
    """An instance of a translated program with all it imports, and the guest's state behind it."""
    wasi = Preview1(surroundings)
    run = Linux(wasi)
    given = preview1_imports(wasi, code.outline.imports)
    for item in code.outline.imports:
        function = FUNCTIONS.get(item.name) if item.module == MODULE else None
        if function is not None:
            type_ = FuncType((I32,) * len(function.words), (I32,) if function.answers else ())
            given[MODULE, item.name] = HostFunc(
                type_, bind(run, function), name=item.name, unsigned=True
            )
    instance = store.instantiate(code, given)
    exported = code.outline.exports.get("memory")
    if exported is not None and isinstance(exported.type, MemoryType):
        wasi.attach(instance.memory("memory"))
        surroundings.memory.changed = store.reserve
    return instance, run
