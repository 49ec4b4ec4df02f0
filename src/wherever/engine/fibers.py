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
from wherever.engine.instance import Instance, externs_of, instantiate, refused
from wherever.engine.library import Words2, Words4, library, message_of
from wherever.engine.store import Store
from wherever.engine.threads import here, refuse_thread
from wherever.engine.traps import new_trap
from wherever.engine.valtypes import functype, is_raw
from wherever.engine.values import VAL, new_vals, read_val, write_val
from wherever.errors import InternalError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from wherever.engine.engine import Code, Engine
    from wherever.engine.externs import Extern
    from wherever.engine.state import Limits
    from wherever.wasm.types import ValType

__all__ = ["AsyncStore", "Fiber"]

ONLY_ASYNC = "its host functions may suspend: use call_async"
SUSPENDED = "its guest is suspended in a host call"

_strlen = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value
_done = ctypes.create_string_buffer(b"\1")
# wasmtime_async_continuation_t: the function, its argument, a finalizer. Put in place before any
# Python of a callback runs: returning without a continuation ends the process.
_READY = (ctypes.c_size_t * 3)(_strlen or 0, ctypes.addressof(_done), 0)
_READY_AT = ctypes.addressof(_READY)

_CALLBACK = ctypes.CFUNCTYPE(
    None,
    ctypes.c_uint8,
    ctypes.c_uint8,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_size_t,
)


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

    def instantiate(
        self, code: Code, imports: Mapping[tuple[str, str], Extern | HostFunc] | None = None
    ) -> Instance:
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
            fiber = Fiber(self, "start", ())
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
        """A call that is driven by hand: `step`, `deliver` or `fail`, `result`."""
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
            fiber = Fiber(self, func.name, results)
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
        "_done", "_ends", "_keep", "_out", "_trap", "_types", "_what",
        "flag", "future", "out", "results", "store", "waiting",
    )
    # fmt: on

    def __init__(self, store: AsyncStore, name: str, results: tuple[ValType, ...]) -> None:
        self.store = store
        self.results = results
        self.out = 0
        self.future = 0
        self.flag = (ctypes.c_uint8 * 2)()
        self.waiting: Awaitable[Any] | None = None
        """What the guest waits for; None after `step` said False means: it only gave way."""
        self._ends = (ctypes.c_size_t * 2)()  # where a trap or an error is put
        self._keep: object = None
        self._done = False
        self._what = name
        self._types: tuple[ValType, ...] = ()
        self._out = self._trap = 0

    def start(self, begin: Any, args: tuple[Any, ...], keep: object) -> None:
        """Make the native future; nothing runs yet. `keep` lives as long as it."""
        store = self.store
        if store.deadline is not None:  # a fresh tick, or the guest would give way at once
            library().wasmtime_context_set_epoch_deadline(store.context, 1)
        ends = ctypes.addressof(self._ends)
        self.future = begin(*args, ends, ends + 8)
        self._keep = (keep, self._ends, self.flag)
        store.futures[self.future] = self._keep
        store.fiber = self
        store.blocked.append(SUSPENDED)

    def step(self) -> bool:
        """Run the guest until it ends (True) or waits (False)."""
        store = self.store
        if self._done:
            return True
        if not self.future:
            raise RuntimeError("the call was given up")
        if not here.fits:
            raise refuse_thread()
        with store.lock:
            if store.blocked[-1] is not SUSPENDED:
                raise store.refusal()
            if self.waiting is not None and not self.flag[0]:
                raise RuntimeError("the guest waits: deliver a result, or fail, first")
            self.waiting = None
            # The store is entered: what host functions may do, they may do now.
            store.blocked.pop()
            try:
                self._done = bool(library().wasmtime_call_future_poll(self.future))
            finally:
                store.blocked.append(SUSPENDED)
            if self._done:
                self._let_go()
        return self._done

    def suspend(
        self, waiting: Awaitable[Any], host: HostFunc, out: int, trap: int, continuation: int
    ) -> None:
        """Called in a host call: the guest waits for this, and its results go there."""
        self.flag[0] = 0
        self.waiting = waiting
        self._out, self._trap = out, trap
        self._types, self._what = host.type.results, host.name
        ctypes.c_size_t.from_address(continuation + 8).value = ctypes.addressof(self.flag)

    def deliver(self, value: object) -> None:
        """Give the waiting host call its result; a wrong one becomes its error."""
        if self.waiting is None:
            raise RuntimeError("the guest waits for nothing")
        try:
            with self.store.lock:
                _write(self.store, self._out, value, self._types, self._what)
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
            while not self.step():
                if self.waiting is None:
                    await _give_way()
                    continue
                try:
                    value = await self.waiting
                except BaseException as error:  # CancelledError unwinds the guest
                    self.fail(error)
                else:
                    self.deliver(value)
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


def _write(store: Store, out: int, value: object, types: tuple[ValType, ...], what: str) -> None:
    if len(types) == 1:
        write_val(store, out, value, types[0], f"{what}: result")
    elif types:
        for index, one in enumerate(several(value, len(types), what)):
            write_val(store, out + VAL * index, one, types[index], f"{what}: result {index}")


def _callback(store: AsyncStore, host: HostFunc) -> Any:
    """The C callback (wasmtime_func_async_callback_t); the caller must keep it alive."""
    function, types, name = host.function, host.type.results, host.name

    def callback(
        _env: int,
        _caller: int,
        args: int,
        count: int,
        out: int,
        _results: int,
        trap: int,
        continuation: int,
    ) -> None:
        ctypes.memmove(continuation, _READY_AT, 24)
        try:
            given = [read_val(store, args + VAL * index, own=False) for index in range(count)]
            returned: Any = function(*given)
            if hasattr(returned, "__await__"):
                fiber = store.fiber
                assert fiber is not None, "generated calls are blocked in this store"
                fiber.suspend(returned, host, out, trap, continuation)
            else:
                _write(store, out, returned, types, name)
        except BaseException as error:  # see hostcalls.py: nothing may escape
            ctypes.c_size_t.from_address(trap).value = store.carry(error)

    return _CALLBACK(callback)
