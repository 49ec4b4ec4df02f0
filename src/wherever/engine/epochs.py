"""Owns deadlines: the thread that moves the epochs on, and what happens when one is due.

A store with a deadline is asked at every tick, through its epoch callback, whether its time is up.
The callback runs on the guest's own thread, as Python code between two guest instructions: so a
pending Ctrl-C is delivered there too, and ends the guest as KeyboardInterrupt.
"""

from __future__ import annotations

import _thread
import ctypes
import itertools
import os
import sys
import time
import weakref
from typing import TYPE_CHECKING, Any

from wherever.engine.library import library
from wherever.engine.state import NEVER, Deadline

if TYPE_CHECKING:
    import threading

    from wherever.engine.state import StoreState

__all__ = ["TICK", "arm", "disarm"]

TICK = 0.01
"""Seconds between two looks at the clock."""
_numbers = itertools.count(1)
_armed: dict[int, tuple[Deadline, weakref.ref[StoreState]]] = {}
_ticker: threading.Thread | None = None
# Reentrant: a store may be collected, and forgotten, in the middle of any allocation.
_wake = _thread.RLock()
_engines: dict[int, int] = {}

_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_size_t, ctypes.c_size_t, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(ctypes.c_uint8),
)  # fmt: skip


def _due(_context: int, number: int, delta: Any, kind: Any) -> int:
    """wasmtime_store_epoch_deadline_callback: 0 and a new delta to go on, an error to stop."""
    armed = _armed.get(number)
    try:
        delta[0] = 1
        if armed is None:
            delta[0] = NEVER
            return 0
        deadline = armed[0]
        late = deadline.at is not None and time.monotonic() >= deadline.at
        if deadline.cancelled:
            deadline.cancelled = False
            return library().wasmtime_error_new(b"interrupt")
        if not late:
            kind[0] = deadline.yields
            return 0
        deadline.expired = True
    except BaseException as error:  # KeyboardInterrupt lands here
        store = armed[1]() if armed is not None else None
        if store is not None:
            store.error = error
    return library().wasmtime_error_new(b"interrupt")


def _on_lost(lost: sys.UnraisableHookArgs) -> None:
    """sys.unraisablehook: a signal's exception that met a callback before its first line.

    Python delivers Ctrl-C where a function begins, which for a callback is outside its `try`: the
    exception would be printed and lost, and the guest would go on. It is carried to the stores
    that this thread is in instead, and their guests are stopped at the next tick.
    """
    if getattr(lost.object, "__module__", "") in _CALLBACKS and lost.exc_value is not None:
        entered = False
        for deadline, reference in list(_armed.values()):
            store = reference()
            if store is not None and store.inside():
                store.error = lost.exc_value
                deadline.cancelled = entered = True
        if entered:
            return
    _next_hook(lost)


_CALLBACKS = (__name__, "wherever.engine.hostcalls", "wherever.engine.checked")
_next_hook = sys.unraisablehook
_due_callback = _CALLBACK(_due)
_due_at = ctypes.cast(_due_callback, ctypes.c_void_p)


def arm(store: StoreState, seconds: float | None, *, yields: bool = False) -> None:
    """Give the store a deadline from now, or take the one it has.

    With `yields` its guest, on a fiber, gives way at every tick.
    """
    disarm(store)
    lib = library()
    if seconds is None and not yields:
        lib.wasmtime_context_set_epoch_deadline(store.context, NEVER)
        return
    at = None if seconds is None else time.monotonic() + seconds
    deadline = Deadline(seconds, at, next(_numbers))
    deadline.yields = yields
    store.deadline = deadline
    number, engine = deadline.number, store.engine.ptr
    _watch()
    with _wake:
        _armed[number] = (deadline, weakref.ref(store, lambda _: _forget(number, engine)))
        _engines[engine] = _engines.get(engine, 0) + 1
        _start()
    lib.wasmtime_store_epoch_deadline_callback(store.native.ptr, _due_at, number, None)
    lib.wasmtime_context_set_epoch_deadline(store.context, 1)


def _watch() -> None:
    global _next_hook
    if sys.unraisablehook is not _on_lost:
        _next_hook = sys.unraisablehook
        sys.unraisablehook = _on_lost


def disarm(store: StoreState) -> None:
    """Forget the store's deadline."""
    deadline, store.deadline = store.deadline, None
    if deadline is not None:
        _forget(deadline.number, store.engine.ptr)


def _forget(number: int, engine: int) -> None:
    with _wake:
        if _armed.pop(number, None) is not None:
            _engines[engine] -= 1


def _start() -> None:
    global _ticker
    if _ticker is None:
        import threading  # a worker arms no deadline, and has no time for it

        _ticker = threading.Thread(target=_tick, name="wherever-epochs", daemon=True)
        _ticker.start()


def _tick() -> None:
    global _ticker
    lib = library()
    while True:
        time.sleep(TICK)
        for engine, armed in list(_engines.items()):
            if armed:
                lib.wasmtime_engine_increment_epoch(engine)
        with _wake:
            if not _armed:
                _ticker = None
                return


def _after_fork() -> None:
    global _ticker, _wake
    _ticker = None
    _wake = _thread.RLock()
    _engines.clear()
    _armed.clear()


os.register_at_fork(after_in_child=_after_fork)
