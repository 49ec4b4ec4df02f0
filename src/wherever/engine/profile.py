"""Owns the named engine configurations and which of them a module runs under (ADR 0002).

A profile is part of every key under which compiled code is kept, so its name says everything that
decides what the compiler emits.
"""

from __future__ import annotations

from enum import Enum
from typing import Self

from wherever.engine.library import library, message_of
from wherever.errors import Unsupported

__all__ = ["MAX_WASM_STACK", "POOL", "Backend", "Placement", "Pool", "Profile", "configure"]

MAX_WASM_STACK = 512 * 1024
"""Native stack that guest frames may take, on a thread and on a fiber alike."""
FIBER_STACK = 1024 * 1024
"""A fiber's whole stack: guest frames, then the host call that suspends it. wasmtime aborts where
this is not above `MAX_WASM_STACK`, so both are constants and no caller can set either."""
RESERVATION = 4 << 30
"""Address space kept for one linear memory. Memories never move (ADR 0003)."""


class Placement(Enum):
    """Where instances, memories and tables come from."""

    POOLED = "pooled"
    """Slots made ahead: an instance costs microseconds."""
    DEMAND = "demand"
    """Allocated for each instance: no bound on tables, memories or escaped functions."""


class Backend(Enum):
    """What the compiler emits."""

    NATIVE = "native"
    PULLEY = "pulley"
    """Bytecode for wasmtime's portable interpreter: 6-8 times slower, runs where no code may be
    made executable."""


class Profile:
    """One configuration of the engine. Values compare by name."""

    __slots__ = ("backend", "epochs", "fuel", "name", "placement", "quick")

    def __init__(
        self,
        placement: Placement = Placement.POOLED,
        *,
        epochs: bool = True,
        backend: Backend = Backend.NATIVE,
        fuel: bool = False,
        quick: bool = False,
    ) -> None:
        """`quick` compiles without optimising; what it makes loads where the rest is the same."""
        self.placement = placement
        self.epochs = epochs
        self.backend = backend
        self.fuel = fuel
        self.quick = quick
        words = [placement.value]
        words += [backend.value] if backend is Backend.PULLEY else []
        flags = (("epochs", epochs), ("fuel", fuel), ("quick", quick))
        words += [word for word, on in flags if on]
        self.name = "+".join(words)

    @property
    def code_name(self) -> str:
        """What of the configuration is in the machine code: all but the placement."""
        return self.name.partition("+")[2] or "plain"

    @classmethod
    def of_code(cls, code_name: str) -> Self:
        """The configuration that a `code_name` was made from, placed on demand."""
        words = set(code_name.split("+"))
        return cls(
            Placement.DEMAND,
            epochs="epochs" in words,
            fuel="fuel" in words,
            quick="quick" in words,
            backend=Backend.PULLEY if Backend.PULLEY.value in words else Backend.NATIVE,
        )

    def replace(self, placement: Placement) -> Profile:
        """The same configuration with other placement."""
        return Profile(
            placement,
            epochs=self.epochs,
            backend=self.backend,
            fuel=self.fuel,
            quick=self.quick,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"


class Pool:
    """The bounds of the pooled placement; a module beyond them is placed on demand."""

    __slots__ = ("instance_bytes", "instances", "memories", "stacks", "table_elements", "tables")

    def __init__(self) -> None:
        self.instances = 1000
        self.memories = 1
        self.tables = 4
        self.table_elements = 20_000
        self.instance_bytes = 1 << 20
        self.stacks = 1000

    def bounds(self, memory: int, table_elements: int, instances: int, tables: int) -> bool:
        """Whether no store within the pool comes to have more than this."""
        return (
            memory >= RESERVATION
            and table_elements >= self.table_elements
            and instances >= self.instances
            and tables >= self.instances * self.tables
        )

    def address_space(self) -> int:
        """What the pool reserves when it is made: a memory and its guards for every slot."""
        return self.instances * (RESERVATION + (32 << 20)) + self.stacks * FIBER_STACK


POOL = Pool()

_KEEP_RESIDENT = 64 * 1024  # zeroed by hand on reuse; above it pages are given back (ENGINE.md)


_NOT_OPTIMISED = 0  # WASMTIME_OPT_LEVEL_NONE


def configure(profile: Profile, *, parallel: bool) -> int:
    """A new wasm_config_t for the profile; the engine that is made of it consumes it."""
    lib = library()
    config = lib.wasm_config_new()
    lib.wasmtime_config_max_wasm_stack_set(config, MAX_WASM_STACK)
    lib.wasmtime_config_async_stack_size_set(config, FIBER_STACK)
    lib.wasmtime_config_memory_may_move_set(config, False)  # C has no keywords
    lib.wasmtime_config_memory_reservation_set(config, RESERVATION)
    lib.wasmtime_config_parallel_compilation_set(config, parallel)
    lib.wasmtime_config_epoch_interruption_set(config, profile.epochs)
    lib.wasmtime_config_consume_fuel_set(config, profile.fuel)
    if profile.quick:
        lib.wasmtime_config_cranelift_opt_level_set(config, _NOT_OPTIMISED)
    if profile.backend is Backend.PULLEY:
        error = lib.wasmtime_config_target_set(config, b"pulley64")
        if error:
            raise Unsupported(f"the portable interpreter is not in this build: {message_of(error)}")
    if profile.placement is Placement.POOLED:
        _pool(config)
    return config


def pool_fits() -> bool:
    """Whether the address space for the pool can be had; wasmtime aborts where it cannot.

    A limit on address space (`ulimit -v`, a container's) or strict overcommit refuses it. Asking
    the kernel for the same reservation first, and giving it back, is the answer that is certain.
    """
    import mmap  # only where there is a pool

    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    try:
        mmap.mmap(-1, POOL.address_space() * 9 // 8, flags=flags, prot=0).close()
    except (OSError, ValueError):
        return False
    return True


def _pool(config: int) -> None:
    lib = library()
    pool = lib.wasmtime_pooling_allocation_config_new()

    def bound(name: str, value: int) -> None:
        getattr(lib, f"wasmtime_pooling_allocation_config_{name}_set")(pool, value)

    bound("total_core_instances", POOL.instances)
    bound("total_memories", POOL.instances * POOL.memories)
    bound("total_tables", POOL.instances * POOL.tables)
    bound("total_stacks", POOL.stacks)
    bound("total_gc_heaps", POOL.instances)
    bound("max_core_instance_size", POOL.instance_bytes)
    bound("max_memories_per_module", POOL.memories)
    bound("max_tables_per_module", POOL.tables)
    bound("table_elements", POOL.table_elements)
    bound("max_memory_size", RESERVATION)
    bound("linear_memory_keep_resident", _KEEP_RESIDENT)
    bound("table_keep_resident", _KEEP_RESIDENT)
    bound("max_unused_warm_slots", 100)
    lib.wasmtime_pooling_allocation_strategy_set(config, pool)
    lib.wasmtime_pooling_allocation_config_delete(pool)
