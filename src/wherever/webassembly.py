"""Owns the door to WebAssembly in Python: the W3C JavaScript API, with Python's manners.

    from wherever import webassembly

    module = webassembly.compile(wasm_bytes)
    instance = webassembly.Instance(module, {"env": {"log": print}})
    instance.exports.add(1, 2)

i32 and i64 are ints, f32 and f64 floats, v128 is 16 bytes, externref any object, several results a
tuple. Wrong types and ranges raise TypeError or OverflowError before the guest runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wherever.engine.engine import wat2wasm
from wherever.hosts.wasm.errors import (
    CompileError,
    Exception,  # noqa: A004  # the specification's name
    LinkError,
    RuntimeError,  # noqa: A004  # the specification's name
)
from wherever.hosts.wasm.instance import Exports, Instance, Suspending
from wherever.hosts.wasm.instance import instantiate_async as _instantiate_async
from wherever.hosts.wasm.module import ExportDescriptor, ImportDescriptor, in_process, validate
from wherever.hosts.wasm.module import Module as _Module
from wherever.hosts.wasm.objects import Global, Memory, Table, Tag
from wherever.hosts.wasm.realm import Store
from wherever.hosts.wasm.streaming import gather, gather_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from wherever.engine.engine import Code, Engine
    from wherever.engine.outline import Outline
    from wherever.hosts.wasm.instance import Imports
    from wherever.hosts.wasm.streaming import Piece, Source

__all__ = [
    "CompileError",
    "Exception",
    "ExportDescriptor",
    "Exports",
    "Global",
    "ImportDescriptor",
    "Instance",
    "Instantiated",
    "LinkError",
    "Memory",
    "Module",
    "RuntimeError",
    "Store",
    "Suspending",
    "Table",
    "Tag",
    "compile",
    "compile_async",
    "compile_streaming",
    "compile_streaming_async",
    "instantiate",
    "instantiate_async",
    "instantiate_streaming",
    "validate",
    "wat2wasm",
]


def _bounded(engine: Engine, wasm: bytes, outline: Outline) -> Code:
    """Compile here what is certainly cheap, anything else in a child with limits (ADR 0007)."""
    if outline.cheap:
        return engine.compile(wasm, outline)
    from wherever.nanoprocess.compiling import compiled_module

    return compiled_module(engine, wasm, outline)


class Module(_Module):
    """A compiled module. It has no state: any number of instances can be made of it.

    What compiling may take is bounded, since a few kilobytes can keep a compiler busy for hours: a
    module that is not certainly cheap is compiled by a confined child, and found in the cache from
    then on. `trusted` compiles any module in this process, without limits, and caches nothing.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[type[Module], tuple[bytes]]:
        """Copied and sent to other processes as its bytes."""
        return Module, (self.wasm,)

    def __init__(self, source: Piece, *, trusted: bool = False) -> None:
        super().__init__(source, compiler=in_process if trusted else _bounded)


class Instantiated(NamedTuple):
    """What `instantiate` makes: a module, and an instance of it."""

    module: Module
    instance: Instance

    @property
    def exports(self) -> Exports:
        """The instance's exports."""
        return self.instance.exports


def compile(source: Piece) -> Module:  # noqa: A001  # the specification's name
    """Compile a module's bytes; `CompileError` where they are not valid."""
    return Module(source)


def compile_streaming(source: Source) -> Module:
    """Compile a module from a binary file or an iterable of bytes."""
    return Module(gather(source))


def instantiate(source: Piece | Module, imports: Imports | None = None) -> Instantiated:
    """Make an instance of a module, which is compiled first where it comes as bytes."""
    module = source if isinstance(source, Module) else Module(source)
    return Instantiated(module, Instance(module, imports))


def instantiate_streaming(source: Source, imports: Imports | None = None) -> Instantiated:
    """Compile a module from a binary file or an iterable, and make an instance of it."""
    return instantiate(gather(source), imports)


async def compile_async(source: Piece) -> Module:
    """Compile on another thread: the event loop goes on meanwhile."""
    import asyncio

    return await asyncio.to_thread(Module, source)


async def compile_streaming_async(source: Source | AsyncIterable[Piece]) -> Module:
    """Compile, on another thread, what a file, an iterable or an asynchronous iterable gives."""
    return await compile_async(await gather_async(source))


async def instantiate_async(
    source: Piece | Module, imports: Imports | None = None, *, seconds: float | None = None
) -> Instantiated:
    """An instance whose host functions may suspend it; its exported functions are awaited."""
    module = source if isinstance(source, Module) else await compile_async(source)
    return Instantiated(module, await _instantiate_async(module, imports, seconds=seconds))
