"""Owns the inside of a store, for the files of this room: native handle, limits, errors.

Invariants:

- One thread at a time is inside a store: every entry takes `lock`.
- `blocked` is empty exactly while the store may be entered. Generated code looks at nothing else.
- The native store lives until the last view of a linear memory is gone, closed or not.
- A host function's exception waits in `error` while its trap passes through the guest's frames.
"""

from __future__ import annotations

import ctypes
import weakref
from _thread import RLock
from ctypes import c_void_p
from typing import TYPE_CHECKING

from wherever.engine.library import library, message_of
from wherever.engine.profile import POOL
from wherever.engine.traps import new_trap, out_of_time, raised
from wherever.errors import GuestTrap, InternalError, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar

    from wherever.engine.engine import Code, Engine

__all__ = [
    "NEVER",
    "Deadline",
    "Limits",
    "Native",
    "StoreState",
    "dead_objects",
    "drop_dead_objects",
    "objects",
]

NEVER = 1 << 60
"""Epochs that never pass: a store whose deadline was not set would trap at once."""
_NEVER = ctypes.c_uint64(NEVER)


class Limits:
    """What the guests of one store may hold together.

    wasmtime bounds each memory and each table, not their sum, so the sum is divided among the
    number that may exist: with `memories=2`, each may grow to half of `memory`.
    """

    __slots__ = (
        "_words",
        "above_pool",
        "instances",
        "memories",
        "memory",
        "table_elements",
        "tables",
    )

    def __init__(
        self,
        *,
        memory: int = 4 << 30,
        memories: int = 1,
        table_elements: int = 10_000_000,
        tables: int = 16,
        instances: int = 1000,
    ) -> None:
        for name, value in (("memories", memories), ("tables", tables), ("instances", instances)):
            if value < 0:
                raise ValueError(f"{name} must not be negative: {value}")
        self.memory = memory
        self.memories = memories
        self.table_elements = table_elements
        self.tables = tables
        self.instances = instances
        self._words = self._bounds(0, 0, 0)
        self.above_pool = POOL.bounds(
            memory // max(1, memories), table_elements // max(1, tables), instances, tables
        )
        """Whether the slots of the pool are smaller anyway, and wasmtime need not be told."""

    def words(
        self, host_memories: int, host_tables: int, reserved: int
    ) -> tuple[ctypes.c_int64, ...]:
        """The arguments of wasmtime_store_limiter, less what the host has made itself."""
        if host_memories or host_tables or reserved:
            return self._bounds(host_memories, host_tables, reserved)
        return self._words

    def _bounds(
        self, host_memories: int, host_tables: int, reserved: int
    ) -> tuple[ctypes.c_int64, ...]:
        bounds = (
            max(0, self.memory - reserved) // max(1, self.memories),
            self.table_elements // max(1, self.tables),
            self.instances,
            self.tables - host_tables,
            self.memories - host_memories,
        )
        return tuple(map(ctypes.c_int64, bounds))


class Native:
    """The wasmtime_store_t, and whoever must outlive it."""

    __slots__ = ("__weakref__", "arg", "closing", "futures", "keep", "linkers", "ptr", "regions")

    def __init__(self, ptr: int) -> None:
        self.ptr = ptr
        self.arg = c_void_p(ptr)  # as bare functions take it
        self.closing = False
        # Calls on fibers, each with the buffers it writes to: they must go before the store.
        self.futures: dict[int, object] | None = None
        self.linkers: list[int] | None = None
        self.keep: list[object] = []  # C callbacks that the store may call
        self.regions: list[weakref.ref[object]] = []  # exporters of views of its memories

    def free(self) -> None:
        ptr, self.ptr = self.ptr, 0
        if ptr:
            lib = library()
            while self.futures:
                lib.wasmtime_call_future_delete(self.futures.popitem()[0])
            while self.linkers:
                lib.wasmtime_linker_delete(self.linkers.pop())
            lib.bare.wasmtime_store_delete(self.arg)
            self.keep.clear()
            if dead_objects:
                drop_dead_objects()

    def region_gone(self, region: weakref.ref[object]) -> None:
        """The last view of one exporter went; a store that was closed meanwhile can go too."""
        self.regions = [one for one in self.regions if one is not region]
        if self.closing and not self.regions:
            self.free()

    def __del__(self) -> None:
        if self.ptr:
            self.free()


class Deadline:
    """When a store's guests must stop; `at` is on the monotonic clock."""

    __slots__ = ("at", "cancelled", "expired", "number", "seconds", "yields")

    def __init__(self, seconds: float | None, at: float | None, number: int) -> None:
        self.seconds = seconds
        self.at = at
        self.cancelled = False
        self.expired = False
        self.number = number
        self.yields = False


class StoreState:
    """What calls, values and externs need of their store."""

    __slots__ = (
        "__weakref__",
        "blocked",
        "codes",
        "context",
        "context_arg",
        "deadline",
        "engine",
        "error",
        "externs",
        "funcs",
        "host_memories",
        "host_tables",
        "limits",
        "lock",
        "memories",
        "native",
        "reserved",
        "same",
    )

    DEFAULT: ClassVar[Limits]

    def __init__(self, engine: Engine, limits: Limits | None = None) -> None:
        if limits is None:
            limits = self.DEFAULT
        lib = library().brief
        self.engine = engine
        self.native = native = Native(lib.wasmtime_store_new(engine.arg, None, None))
        self.context = context = lib.wasmtime_store_context(native.arg)
        self.context_arg = c_void_p(context)
        self.limits = limits
        self.lock = RLock()
        self.blocked: list[str] = []
        self.codes: tuple[Code, ...] = ()  # of every module with an instance here
        self.error: BaseException | None = None
        self.deadline: Deadline | None = None
        self.funcs: dict[int, weakref.ref[object]] = {}
        self.same: dict[tuple[int, int], weakref.ref[object]] = {}  # with several instances
        self.memories: list[weakref.ref[object]] = []
        self.externs = 0  # made since the last collection
        self.host_memories = 0
        self.host_tables = 0
        self.reserved = 0
        if not (limits.above_pool and engine.pooled):
            lib.wasmtime_store_limiter(native.arg, *limits.words(0, 0, 0))
        if engine.epochs:
            lib.wasmtime_context_set_epoch_deadline(self.context_arg, _NEVER)

    def set_limits(self) -> None:
        """Hand the limits to wasmtime, which counts what instances define, not what hosts make."""
        words = self.limits.words(self.host_memories, self.host_tables, self.reserved)
        library().bare.wasmtime_store_limiter(self.native.arg, *words)

    def reserve(self, count: int) -> None:
        """Keep that much of the limit on memory for what the guest holds outside its memories."""
        self.reserved = count
        self.set_limits()

    def know(self, code: Code) -> None:
        """A module is about to have an instance here: backtraces may be about it."""
        if code not in self.codes:
            self.codes = (*self.codes, code)

    def func_at(self, at: int) -> object:
        """The function value of the wasmtime_func_t at an address."""
        raise NotImplementedError

    def func_cell(self, value: object) -> tuple[StoreState, int] | None:
        """The store and the wasmtime_func_t of a function value; None for anything else."""
        raise NotImplementedError

    def inside(self) -> bool:
        """Whether this thread is in the store: in its guest, or in a host call of it."""
        owned: Callable[[], bool] = getattr(self.lock, "_is_owned")  # noqa: B009  # as Condition
        return owned()

    def carry(self, error: BaseException) -> int:
        """The wasm_trap_t for a host function that raised; the error waits in its slot."""
        self.error = error
        return new_trap()

    def uncaught(self) -> BaseException | None:
        """The guest's own exception that ended a call, if one did."""
        return None

    def require_open(self) -> None:
        """Raise unless the store may be entered."""
        if self.blocked:
            raise self.refusal()

    def refusal(self) -> Exception:
        """Why the store may not be entered now."""
        reason = self.blocked[-1] if self.blocked else "open"
        if "closed" in self.blocked:
            return ValueError("the store is closed: its instances, functions and memories are gone")
        return RuntimeError(f"the store cannot be entered: {reason}")

    def failed(self, error: int, trap: int) -> BaseException:
        """The exception for what a call into the C API returned."""
        waiting, self.error = self.error, None
        drop_dead_objects()
        if trap:
            thrown = self.uncaught() if waiting is None else None
            if thrown is not None:
                library().wasm_trap_delete(trap)
                return thrown
            if waiting is not None:
                library().wasm_trap_delete(trap)
                return waiting
            return raised(trap, self.deadline.seconds if self.deadline else None, self.codes)
        if waiting is not None:
            library().wasmtime_error_delete(error)
            return waiting
        if self.deadline is not None and self.deadline.expired:
            return out_of_time(error, self.deadline.seconds, self.codes)
        message = message_of(error)
        if "mismatch" in message:  # of a reference, which only wasmtime can tell
            return TypeError(message)
        if "GC heap out of memory" in message:
            return LimitExceeded("the guest's garbage-collected heap is full", limit="memory")
        return InternalError(f"wasmtime refused a call: {message}")

    def too_many(self, what: str, allowed: int) -> LimitExceeded:
        """The error for one more of something than the store may have."""
        return LimitExceeded(f"the store may have {allowed} {what}", limit=what, value=allowed)

    def check(self, error: int, *, limit: str = "") -> None:
        """Raise for a wasmtime_error_t."""
        if not error:
            return
        message = message_of(error)
        if limit:
            raise LimitExceeded(f"{message} (limit: {limit})", limit=limit)
        raise GuestTrap(message)


# Host objects that externrefs stand for, by the number that wasmtime keeps as their data. The
# guest's collector may let go of one in the middle of a call, where no Python destructor may run:
# it only queues the number.
objects: dict[int, object] = {}
dead_objects: list[int] = []


def drop_dead_objects() -> None:
    """Let go of the objects whose externrefs were collected; called where any code may run."""
    while dead_objects:
        objects.pop(dead_objects.pop(), None)
