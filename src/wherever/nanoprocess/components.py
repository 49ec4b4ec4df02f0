"""Owns components on their way to a worker and in it: compiled by the child, run after confinement.

    magic    6    size, the component    size, the code of each core module, in reading order

A size is 8 bytes, little-endian. The component itself travels along: what its functions and types
are is read from it again, only the compiling is saved.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Iterator

from wherever.engine.engine import Code, Engine
from wherever.engine.library import library, message_of
from wherever.engine.profile import Placement, Profile
from wherever.errors import InternalError, InvalidProgram
from wherever.hosts.component.command import Prepared, prepare, read_outlines, run_command
from wherever.hosts.component.load import DEFAULT_MEMORY
from wherever.nanoprocess.codefile import MAGIC
from wherever.system.surroundings import Surroundings

__all__ = ["call_component", "compile_component", "is_compiled", "load", "open_compiler"]

_KIND = 6
_HEADER = MAGIC + bytes((_KIND,))
_SIZE = struct.Struct("<Q")


def open_compiler() -> None:
    """Load everything that compiling needs: a confined child can open no file."""
    prepare(b"\0asm\x0d\0\1\0")


def is_compiled(data: bytes) -> bool:
    """Is this a component that `compile_component` made?"""
    return data.startswith(_HEADER)


def compile_component(data: bytes) -> bytes:
    """The bytes for `load`. Runs in a child with limits of its own."""
    prepared = prepare(data)
    parts = [data, *[code.serialise() for code in prepared.codes.values()]]
    return b"".join([_HEADER, *[_SIZE.pack(len(part)) + part for part in parts]])


def load(data: bytes) -> Prepared:
    """The component of bytes that `compile_component` made; the caller has asked the ledger."""
    parts = _parts(data)
    component = bytes(next(parts))
    engine = Engine.of(Profile(Placement.DEMAND, epochs=False))

    def deserialised(wasm: bytes) -> Code:
        part = next(parts)
        out = ctypes.c_size_t()
        code = bytes(part)
        error = library().wasmtime_module_deserialize(
            engine.ptr, code, len(code), ctypes.addressof(out)
        )
        if error:
            raise InternalError(
                f"compiled code does not load: {message_of(error)}; wherever cache clear, and again"
            )
        return Code(engine, out.value, wasm)

    prepared = prepare(component, compiled=deserialised)
    read_outlines(prepared)
    return prepared


def _parts(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    at = len(_HEADER)
    while at + _SIZE.size <= len(view):
        (size,) = _SIZE.unpack_from(view, at)
        at += _SIZE.size
        if size > len(view) - at:
            break
        yield view[at : at + size]
        at += size
    raise InvalidProgram("damaged compiled component: compile it again")


def call_component(
    prepared: Prepared, around: Surroundings, memory: int | None, invoke: str | None
) -> int:
    """Run the component to its end; its exit status."""
    return run_command(
        prepared,
        around,
        memory=DEFAULT_MEMORY if memory is None else memory,
        invoke=invoke,
        say=_say,
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
