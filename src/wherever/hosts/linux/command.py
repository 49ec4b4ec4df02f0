"""Owns linking a translated program: preview 1 and `wherever_linux` over one set of descriptors."""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING, Final

from wherever.engine.hostcalls import HostFunc
from wherever.engine.instance import Passed
from wherever.errors import InvalidProgram
from wherever.hosts.linux.run import Linux
from wherever.hosts.linux.table import FUNCTIONS, MODULE, Function
from wherever.hosts.wasi.command import imports as preview1_imports
from wherever.hosts.wasi.run import Preview1, Refused
from wherever.linux.bodies import PROGRAM, bodies_of
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
    takes_descriptor = function.words[:1] == ("fd",)

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


def instantiate(
    store: Store,
    code: Code,
    surroundings: Surroundings,
    bodies: Callable[[], Code] | None = None,
) -> tuple[Instance, Linux]:
    """An instance of a translated program with all it imports, and the guest's state behind it.

    `bodies` gives the code of its resume bodies when it first enters one; without it they are
    compiled then, of the program's own bytes.
    """
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
    run.bring = partial(_bring, store, instance, bodies or partial(_compiled, code))
    exported = code.outline.exports.get("memory")
    if exported is not None and isinstance(exported.type, MemoryType):
        wasi.attach(instance.memory("memory"))
        surroundings.memory.changed = store.reserve
    return instance, run


def _bring(store: Store, instance: Instance, bodies: Callable[[], Code]) -> None:
    """Link the module of resume bodies to what its program exports; the engine compares types."""
    code = bodies()
    given = {
        (item.module, item.name): Passed(instance, item.name)
        for item in code.outline.imports
        if item.module == PROGRAM
    }
    try:
        store.instantiate(code, given)
    except KeyError as missing:
        raise InvalidProgram(f"the program does not fit its resume bodies: {missing}") from None


def _compiled(code: Code) -> Code:
    from wherever.wasm.reader import read_module  # a worker is given compiled code

    bodies = bodies_of(read_module(code.wasm))
    if bodies is None:
        raise InvalidProgram("the program asks for its resume bodies, and has none")
    return code.engine.compile(bodies)
