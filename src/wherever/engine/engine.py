"""Owns the process's engines, one a profile, and the compiled code that they make of modules."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

from wherever.engine.library import library, message_of
from wherever.engine.outline import Outline
from wherever.engine.profile import Placement, Profile, configure, pool_fits
from wherever.errors import InternalError, InvalidProgram, LimitExceeded, Unsupported

if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

__all__ = ["Code", "Engine", "wat2wasm"]


class Engine:
    """One wasmtime engine. `Engine.of(profile)` is the only way to get one."""

    __slots__ = ("__weakref__", "arg", "epochs", "functypes", "pooled", "profile", "ptr")

    def __init__(self, profile: Profile, *, parallel: bool = True) -> None:
        self.profile = profile
        self.epochs = profile.epochs
        self.pooled = profile.placement is Placement.POOLED
        self.ptr = library().wasm_engine_new_with_config(
            configure(profile, parallel=parallel and not _forked)
        )
        self.arg = ctypes.c_void_p(self.ptr)  # as bare functions take it
        # A wasm_functype_t belongs to the engine it was made for: two engines sharing one abort.
        self.functypes: dict[object, int] = {}

    @staticmethod
    def of(profile: Profile) -> Engine:
        """The engine of the profile, made at the first call and kept while the process lives.

        Where the address space does not allow a pool, the on-demand engine stands in.
        """
        engine = _engines.get(profile.name)
        if engine is None:
            if profile.placement is Placement.POOLED and not pool_fits():
                engine = Engine.of(profile.replace(Placement.DEMAND))
            else:
                engine = Engine(profile)
            _engines[profile.name] = engine
        return engine

    def validate(self, wasm: Buffer) -> None:
        """Raise `InvalidProgram` where the bytes are not a valid module."""
        data = wasm if isinstance(wasm, bytes) else bytes(wasm)
        error = library().wasmtime_module_validate(self.ptr, data, len(data))
        if error:
            raise InvalidProgram(f"invalid module: {message_of(error)}")

    def compile(self, wasm: Buffer, outline: Outline | None = None) -> Code:
        """Compile a module's bytes to machine code, in this process and without limits of its own.

        For a module from someone else: `cost.certainly_cheap`, or a child that has limits.
        """
        data = wasm if isinstance(wasm, bytes) else bytes(wasm)
        out = ctypes.c_size_t()
        error = library().wasmtime_module_new(self.ptr, data, len(data), ctypes.addressof(out))
        if error:
            message = message_of(error)
            if "Cannot allocate memory" in message:
                raise LimitExceeded(f"compiling: {message}", limit="memory")
            raise InvalidProgram(f"invalid module: {message}")
        return Code(self, out.value, data, outline)

    def load_own(self, serialised: bytes, wasm: bytes, outline: Outline | None = None) -> Code:
        """Load machine code that *this process or its ledger* vouches for; nothing checks it.

        `Unsupported` where it was compiled for another processor, release or configuration.
        """
        return Code(self, self.deserialised(serialised), wasm, outline)

    def load_descriptor(self, descriptor: int, wasm: bytes, outline: Outline | None = None) -> Code:
        """The same from an open descriptor, mapped and not copied: how a worker gets its code."""
        return Code(self, self.deserialised(descriptor), wasm, outline)

    def deserialised(self, code: bytes | int) -> int:
        """The engine's own module of machine code that is vouched for: bytes, or a descriptor.

        A descriptor's pages are mapped: what the guest does not use is never read, and what its
        memories begin with is copied page by page as it writes to them.
        """
        out = ctypes.c_size_t()
        if isinstance(code, bytes):
            error = library().wasmtime_module_deserialize(
                self.ptr, code, len(code), ctypes.addressof(out)
            )
        else:
            path = f"/proc/self/fd/{code}".encode()
            error = library().wasmtime_module_deserialize_file(
                self.ptr, path, ctypes.addressof(out)
            )
        if error:
            raise Unsupported(f"compiled code does not load: {message_of(error)}")
        return out.value

    def __repr__(self) -> str:
        return f"Engine.of({self.profile!r})"


class Code:
    """A compiled module. Instances keep what they need of it alive."""

    __slots__ = ("__weakref__", "_outline", "arg", "engine", "ptr", "wasm")

    def __init__(
        self, engine: Engine, ptr: int, wasm: bytes, outline: Outline | None = None
    ) -> None:
        self.engine = engine
        self.ptr = ptr
        self.arg = ctypes.c_void_p(ptr)  # as bare functions take it
        self.wasm = wasm
        self._outline = outline

    @property
    def outline(self) -> Outline:
        """The module's imports and exports with their types."""
        if self._outline is None:
            self._outline = Outline(self.wasm)
        return self._outline

    def serialise(self) -> bytes:
        """The machine code as bytes: native code, to be loaded only under the ledger's rule."""
        vector = (ctypes.c_size_t * 2)()
        error = library().wasmtime_module_serialize(self.ptr, ctypes.addressof(vector))
        if error:
            raise InternalError(f"compiled code does not serialise: {message_of(error)}")
        data = ctypes.string_at(vector[1], vector[0])
        library().wasm_byte_vec_delete(ctypes.addressof(vector))
        return data

    def __del__(self) -> None:
        library().wasmtime_module_delete(self.ptr)


_engines: dict[str, Engine] = {}


_forked = False


def threads_can_start() -> bool:
    """Whether the compiler may make its threads: it ends the process where it cannot.

    A limit on processes or on address space refuses them, and in a forked child it believes that
    it has them already.
    """
    import resource  # for compiling only: a worker that runs a guest has no time for them
    import threading

    if _forked or resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        return False
    release = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(os.cpu_count() or 1):
            thread = threading.Thread(target=release.wait, daemon=True)
            thread.start()
            started.append(thread)
    except (RuntimeError, MemoryError):
        return False
    finally:
        release.set()
        for thread in started:
            thread.join()
    return True


def _after_fork() -> None:
    """Start over in a forked child: the threads that compile in parallel did not come along, and
    waiting for them would be for ever."""
    global _forked
    _forked = True
    _engines.clear()


os.register_at_fork(after_in_child=_after_fork)


def wat2wasm(text: str) -> bytes:
    """The binary of a module in the text format."""
    lib = library()
    data = text.encode()
    vector = (ctypes.c_size_t * 2)()
    error = lib.wasmtime_wat2wasm(data, len(data), ctypes.addressof(vector))
    if error:
        raise InvalidProgram(f"invalid text: {message_of(error)}")
    wasm = ctypes.string_at(vector[1], vector[0])
    lib.wasm_byte_vec_delete(ctypes.addressof(vector))
    return wasm
