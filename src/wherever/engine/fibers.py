"""Owns guests that wait: calls on fibers of their own, suspended in a host call, driven by asyncio.

A host function of an `AsyncStore` may return an awaitable. The guest is then suspended on its own
small stack, the thread goes on with other work, and the result is delivered when it is there. The
wait itself is C: the library polls `strlen` of a flag, which is 0 until the result is in place.
"""

from __future__ import annotations

import ctypes
from collections.abc import Awaitable
from types import coroutine
from typing import TYPE_CHECKING, Any

from wherever.engine import epochs
from wherever.engine.externs import Func, func_from
from wherever.engine.hostcalls import HostFunc, several
from wherever.engine.instance import Given, Instance, externs_of, instantiate, refused
from wherever.engine.library import Words2, Words4, library, message_of
from wherever.engine.store import Store
from wherever.engine.threads import here, refuse_thread
from wherever.engine.traps import new_trap
from wherever.engine.valtypes import functype, is_raw, kind_of
from wherever.engine.values import OF, VAL, new_vals, read_val, write_val
from wherever.errors import InternalError, Unsupported
from wherever.wasm.types import NumType

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from wherever.engine.engine import Code, Engine
    from wherever.engine.externs import Extern
    from wherever.engine.state import Limits
    from wherever.wasm.types import ValType

__all__ = ["AsyncStore", "Fiber"]

ONLY_ASYNC = "its host functions may suspend: use call_async"
SUSPENDED = (
    "its guest is suspended in a host call; "
    "await one call before the next, or make another instance"
)

_strlen = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value
_done = ctypes.create_string_buffer(b"\1")
# wasmtime_async_continuation_t: the function, its argument, a finalizer. Put in place before any
# Python of a callback runs: returning without a continuation ends the process.
_READY = (_strlen or 0, ctypes.addressof(_done), 0)


class AsyncStore(Store):
    """A store whose guests run on fibers. One guest at a time is in it, running or suspended."""

    __slots__ = ("fiber", "futures", "linkers")

    def __init__(self, engine: Engine, limits: Limits | None = None) -> None:
        super().__init__(engine, limits)
        self.fiber: Fiber | None = None
        # The native store ends them before itself, whoever holds this object.
        self.futures: dict[int, object] = {}
        self.linkers: list[int] = []
        self.native.futures, self.native.linkers = self.futures, self.linkers
        # An asynchronous host function called outside a fiber ends the process, so generated
        # calls, which would enter without one, find the store blocked for good.
        self.blocked.append(ONLY_ASYNC)
        if engine.profile.epochs:
            epochs.arm(self, None, yields=True)

    def require_open(self) -> None:
        """Raise where the store is closed, or a guest is suspended in it."""
        if self.blocked[-1] != ONLY_ASYNC:
            raise self.refusal()

    def set_deadline(self, seconds: float | None) -> None:
        """Stop the guest of this store `seconds` from now; None takes the deadline away."""
        if not self.engine.profile.epochs:
            raise ValueError(f"{self.engine.profile!r} has no epochs: no deadline would be seen")
        if "closed" in self.blocked:
            raise self.refusal()
        epochs.arm(self, seconds, yields=True)

    def link(self, host: HostFunc) -> Func:
        """A host function as a function of the store; one that `suspends` may return awaitables."""
        if not host.suspends:
            return super().link(host)
        if not is_raw(host.type.results):
            # Making a reference may collect garbage, and a suspended guest's roots are not seen.
            raise Unsupported(f"{host!r} suspends and returns a reference")
        lib = library()
        callback = _callback(self, host)
        extern = Words4()
        with self.lock:
            self.require_open()
            self.native.keep.append(callback)
            # Only a linker makes asynchronous functions; the store keeps what it got from there.
            linker = lib.wasmtime_linker_new(self.engine.ptr)
            error = lib.wasmtime_linker_define_async_func(
                linker,
                b"",
                0,
                b"",
                0,
                functype(self.engine, host.type),
                ctypes.cast(callback, ctypes.c_void_p),
                None,
                None,
            )
            self.check(error)
            found = lib.wasmtime_linker_get(
                linker, self.context, b"", 0, b"", 0, ctypes.addressof(extern)
            )
            lib.wasmtime_linker_delete(linker)
            if not found:
                raise InternalError("a function just defined in a linker is not there")
        cell = Words2(extern[1], extern[2])
        return func_from(self, cell, host.type, host.name)

    def instantiate(self, code: Code, imports: Given | None = None) -> Instance:
        """Link a module without a start function, which could not suspend here."""
        if code.outline.shape.start is not None:
            raise RuntimeError("the module has a start function: use instantiate_async")
        return instantiate(self, code, imports or {})

    async def instantiate_async(
        self, code: Code, imports: Mapping[tuple[str, str], Extern | HostFunc] | None = None
    ) -> Instance:
        """Link a module and run its start function, which may suspend."""
        if code.outline.shape.start is None:
            return instantiate(self, code, imports or {})
        lib = library()
        with self.lock:
            self.require_open()
            externs, keep = externs_of(self, code, imports or {})
            linker = lib.wasmtime_linker_new(self.engine.ptr)
            self.linkers.append(linker)
            lib.wasmtime_linker_allow_shadowing(linker, 1)
            for index, item in enumerate(code.outline.imports):
                module, name = item.module.encode(), item.name.encode()
                at = ctypes.addressof(externs) + 32 * index
                self.check(
                    lib.wasmtime_linker_define(
                        linker, self.context, module, len(module), name, len(name), at
                    )
                )
            cell = Words2()
            self.know(code)
            fiber = Fiber(self, ())
            fiber.start(
                lib.wasmtime_linker_instantiate_async,
                (linker, self.context, code.ptr, ctypes.addressof(cell)),
                (linker, cell, code, keep),
            )
        await fiber.run()
        return Instance(self, code, cell)

    async def call_async(self, func: Func, *args: object) -> Any:
        """Call a guest function that may suspend; cancelling the task unwinds the guest."""
        return await self.enter(func, *args).run()

    def enter(self, func: Func, *args: object) -> Fiber:
        """A call that is driven by hand: `step`, `resume` or `deliver` or `fail`, `result`."""
        if func.store is not self:
            raise ValueError(f"{func!r} belongs to another store")
        params, results = func.type.params, func.type.results
        if len(args) != len(params):
            raise TypeError(f"{func.name} takes {len(params)} values, not {len(args)}")
        lib = library()
        with self.lock:
            self.require_open()
            cells = new_vals(len(params) + len(results))
            at = ctypes.addressof(cells)
            fiber = Fiber(self, results)
            try:
                for index, (value, valtype) in enumerate(zip(args, params, strict=True)):
                    what = f"{func.name}: parameter {index}"
                    write_val(self, at + VAL * index, value, valtype, what)
                fiber.out = at + VAL * len(params)
                fiber.start(
                    lib.wasmtime_func_call_async,
                    (self.context, func.at, at, len(params), fiber.out, len(results)),
                    (cells, func),
                )
            finally:
                for index in range(len(params)):
                    lib.wasmtime_val_unroot(at + VAL * index)
        return fiber

    def close(self) -> None:
        """End the store, and a guest that is suspended in it."""
        fiber = self.fiber
        if fiber is not None:
            fiber.close()
        super().close()


class Fiber:
    """One call into a guest, which may suspend any number of times."""

    # fmt: off
    __slots__ = (
        "_arg", "_done", "_ends", "_keep", "_out", "_trap", "_what",
        "flag", "flag_at", "future", "out", "results", "store", "waiting",
    )
    # fmt: on

    def __init__(self, store: AsyncStore, results: tuple[ValType, ...]) -> None:
        self.store = store
        self.results = results
        self.out = 0
        self.future = 0
        self.flag = _Flag()
        self.flag_at = ctypes.addressof(self.flag)
        self.waiting: Awaitable[Any] | None = None
        """What the guest waits for; None after `step` said False means: it only gave way."""
        self._ends = (ctypes.c_size_t * 2)()  # where a trap or an error is put
        self._keep: object = None
        self._done = False
        self._what: _Waited | None = None
        self._out: Any = None
        self._trap = 0
        self._arg: ctypes.c_void_p | None = None

    def start(self, begin: Any, args: tuple[Any, ...], keep: object) -> None:
        """Make the native future; nothing runs yet. `keep` lives as long as it."""
        store = self.store
        if store.deadline is not None:  # a fresh tick, or the guest would give way at once
            library().wasmtime_context_set_epoch_deadline(store.context, 1)
        ends = ctypes.addressof(self._ends)
        self.future = begin(*args, ends, ends + 8)
        self._arg = ctypes.c_void_p(self.future)
        self._keep = (keep, self._ends, self.flag)
        store.futures[self.future] = self._keep
        store.fiber = self
        store.blocked.append(SUSPENDED)

    def step(self) -> bool:
        """Run the guest until it ends (True) or waits (False)."""
        with self.store.lock:
            return self._step()

    def resume(self, value: object) -> bool:
        """`deliver`, then `step`."""
        with self.store.lock:
            self._deliver(value)
            return self._step()

    def _step(self) -> bool:
        if self._done:
            return True
        if not self.future:
            raise RuntimeError("the call was given up")
        if not here.fits:
            raise refuse_thread()
        blocked = self.store.blocked
        if blocked[-1] is not SUSPENDED:
            raise self.store.refusal()
        if self.waiting is not None:
            if not self.flag[0]:
                raise RuntimeError("the guest waits: deliver a result, or fail, first")
            self.waiting = None
        # The store is entered: what host functions may do, they may do now.
        blocked.pop()
        try:
            self._done = done = _poll()(self._arg) & 0xFF != 0  # a C bool is a byte
        finally:
            blocked.append(SUSPENDED)
        if done:
            self._let_go()
        return done

    def suspend(self, waiting: Awaitable[Any], what: _Waited, out: Any, trap: int) -> int:
        """Called in a host call: the guest waits for this, and its results go there.

        Returns the address of a string that is empty until they are there.
        """
        self.flag[0] = 0
        self.waiting = waiting
        self._out, self._trap, self._what = out, trap, what
        return self.flag_at

    def deliver(self, value: object) -> None:
        """Give the waiting host call its result; a wrong one becomes its error."""
        with self.store.lock:
            self._deliver(value)

    def _deliver(self, value: object) -> None:
        what = self._what
        if self.waiting is None or what is None:
            raise RuntimeError("the guest waits for nothing")
        try:
            what.write(self.store, self._out, value)
        except Exception as error:  # as of a host function that returned at once
            self.fail(error)
        else:
            self.flag[0] = 1

    def fail(self, error: BaseException) -> None:
        """Give the waiting host call an exception: the guest is unwound, `result` raises it."""
        if self.waiting is None:
            raise RuntimeError("the guest waits for nothing")
        self.store.error = error
        ctypes.c_size_t.from_address(self._trap).value = new_trap()
        self.flag[0] = 1

    def result(self) -> Any:
        """What the ended call returned, or the exception it ended with."""
        if not self._done:
            raise RuntimeError("the call has not ended")
        trap, error = self._ends
        store = self.store
        if trap or error:
            self._ends[0] = self._ends[1] = 0
            if error and store.error is None and store.deadline is None:
                raise refused(message_of(error))
            raise store.failed(error, trap)
        with store.lock:
            values = tuple(
                read_val(store, self.out + VAL * index, own=True)
                for index in range(len(self.results))
            )
        return values[0] if len(values) == 1 else values or None

    async def run(self) -> Any:
        """Drive the call to its end, awaiting what it waits for."""
        try:
            ended = self.step()
            while not ended:
                if self.waiting is None:
                    await _give_way()
                    ended = self.step()
                    continue
                try:
                    value = await self.waiting
                except BaseException as error:  # CancelledError unwinds the guest
                    self.fail(error)
                    ended = self.step()
                else:
                    ended = self.resume(value)
            return self.result()
        finally:
            self.close()

    def close(self) -> None:
        """Give the call up where it has not ended: its guest frames are dropped."""
        if not self._done:
            with self.store.lock:
                self._let_go()

    def _let_go(self) -> None:
        store = self.store
        future, self.future = self.future, 0
        if future and store.futures.pop(future, None) is not None:
            library().wasmtime_call_future_delete(future)
        if store.fiber is self:
            store.fiber = None
            if store.blocked[-1] == SUSPENDED:
                store.blocked.pop()


@coroutine
def _give_way() -> Generator[None, None, None]:
    """Let other tasks run once, as asyncio.sleep(0)."""
    yield


_Flag = ctypes.c_uint8 * 2
_poll_function: Callable[..., int] | None = None


def _poll() -> Callable[..., int]:
    global _poll_function
    if _poll_function is None:
        _poll_function = library().bare.wasmtime_call_future_poll
    return _poll_function


class _Waited:
    """How the results of one host function are written, now or when its guest has waited."""

    __slots__ = ("name", "types")

    def __init__(self, host: HostFunc) -> None:
        self.name = host.name
        self.types = host.type.results

    def address(self, out: Any) -> int:
        """Where the results go."""
        at: int = out
        return at

    def write(self, store: Store, out: Any, value: object) -> None:
        """Write results; TypeError or OverflowError for what does not fit."""
        types, at = self.types, self.address(out)
        if len(types) == 1:
            write_val(store, at, value, types[0], f"{self.name}: result")
        elif types:
            for index, one in enumerate(several(value, len(types), self.name)):
                what = f"{self.name}: result {index}"
                write_val(store, at + VAL * index, one, types[index], what)


class _WaitedInt(_Waited):
    """The same for one integer, through a pointer to words."""

    __slots__ = ("high", "kind", "low", "mask")

    def __init__(self, host: HostFunc) -> None:
        super().__init__(host)
        bits = 32 if self.types[0] is NumType.I32 else 64
        kind = kind_of(self.types[0])
        assert kind is not None
        self.kind = kind.value
        self.low, self.high, self.mask = -(1 << bits - 1), 1 << bits, (1 << bits) - 1

    def address(self, out: Any) -> int:
        """Where the results go."""
        return ctypes.addressof(out.contents)

    def write(self, store: Store, out: Any, value: object) -> None:
        """Write an int, which either sign may have; anything else as any value."""
        if isinstance(value, int) and self.low <= value < self.high:
            out[0] = self.kind
            out[1] = value & self.mask
        else:
            super().write(store, out, value)


# Pointers to the values of integers, read in place.
_WORDS = ctypes.POINTER(ctypes.c_uint64)
_NARROW = ctypes.POINTER(ctypes.c_int32)
_WIDE = ctypes.POINTER(ctypes.c_int64)
_INTEGERS = frozenset((NumType.I32, NumType.I64))


def _parameters(params: tuple[ValType, ...]) -> tuple[Any, Callable[[Store, Any], list[Any]]]:
    """The C type of a callback's parameters, and what reads them."""
    kinds = set(params)
    if kinds <= {NumType.I32}:
        slots = [(OF + VAL * index) // 4 for index in range(len(params))]
        if len(slots) == 1:
            (only,) = slots
            return _NARROW, lambda _store, at: [at[only]]
        return _NARROW, lambda _store, at: [at[slot] for slot in slots]
    if kinds <= {NumType.I64}:
        slots = [(OF + VAL * index) // 8 for index in range(len(params))]
        return _WIDE, lambda _store, at: [at[slot] for slot in slots]
    places = [VAL * index for index in range(len(params))]
    return ctypes.c_size_t, lambda store, at: [
        read_val(store, at + place, own=False) for place in places
    ]


_prototypes: dict[tuple[Any, Any], Any] = {}


def _callback(store: AsyncStore, host: HostFunc) -> Any:
    """The C callback (wasmtime_func_async_callback_t); the caller must keep it alive."""
    function, results = host.function, host.type.results
    item, read = _parameters(host.type.params)
    integer = len(results) == 1 and results[0] in _INTEGERS
    what = _WaitedInt(host) if integer else _Waited(host)
    word = _WORDS if integer else ctypes.c_size_t

    def callback(
        _env: int, _caller: int, args: Any, _count: int, out: Any, _: int, trap: int, then: Any
    ) -> None:
        then[0], then[1], then[2] = _READY
        try:
            returned: Any = function(*read(store, args))
            if hasattr(returned, "__await__"):
                fiber = store.fiber
                assert fiber is not None, "generated calls are blocked in this store"
                then[1] = fiber.suspend(returned, what, out, trap)
            else:
                what.write(store, out, returned)
        except BaseException as error:  # see hostcalls.py: nothing may escape
            ctypes.c_size_t.from_address(trap).value = store.carry(error)

    prototype = _prototypes.get((item, word))
    if prototype is None:
        byte, size = ctypes.c_uint8, ctypes.c_size_t
        prototype = _prototypes[item, word] = ctypes.CFUNCTYPE(
            None, byte, byte, item, byte, word, byte, size, ctypes.POINTER(size)
        )
    return prototype(callback)
