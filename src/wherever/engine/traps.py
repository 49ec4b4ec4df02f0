"""Owns how a guest's end becomes a Python exception: trap codes and limits."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from wherever.engine.frames import backtrace, frames_of
from wherever.engine.library import library
from wherever.errors import GuestTrap, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherever.engine.engine import Code

__all__ = ["HOST_ERROR", "new_trap", "out_of_time", "raised"]

# wasmtime_trap_code_t -> the specification's words, as its test suite spells them.
_CODES: dict[int, str] = {
    0: "call stack exhausted",
    1: "out of bounds memory access",
    2: "unaligned atomic",
    3: "out of bounds table access",
    4: "uninitialized element",
    5: "indirect call type mismatch",
    6: "integer overflow",
    7: "integer divide by zero",
    8: "invalid conversion to integer",
    9: "unreachable",
    10: "interrupt",
    11: "all fuel consumed",
    12: "expected shared memory",
    13: "null reference",
    14: "out of bounds array access",
    15: "allocation size too large",
    16: "cast failure",
    49: "uncaught exception",
}
_STACK, _MEMORY, _INTERRUPT, _FUEL = 0, 1, 10, 11
_ADDRESS = "memory fault at wasm address 0x"

HOST_ERROR = b"a host function raised"


def new_trap() -> int:
    """A wasm_trap_t for a host function to return; the error itself waits in the store's slot."""
    return library().wasmtime_trap_new(HOST_ERROR, len(HOST_ERROR))


def raised(trap: int, deadline: float | None, codes: Iterable[Code]) -> GuestTrap:
    """The exception for a wasm_trap_t, which this frees; the store has instances of `codes`."""
    lib = library()
    code = ctypes.c_uint8(255)
    known = lib.wasmtime_trap_code(trap, ctypes.addressof(code))
    frames = frames_of(lib.wasm_trap_trace, trap, codes)
    message = _message(trap)
    lib.wasm_trap_delete(trap)
    words = _CODES.get(code.value, "") if known else ""
    if not words:
        # wasmtime's own text: its first line is the cause.
        words = message.strip().splitlines()[-1].strip() if message.strip() else "trap"
    where = f"\n{backtrace(frames)}" if frames else ""
    text = f"the guest trapped: {words}{where}"
    if known and code.value == _INTERRUPT:
        return _late(deadline, frames)
    if known and code.value == _FUEL:
        return LimitExceeded(
            f"the guest used up its fuel{where}", limit="fuel", code=words, frames=frames
        )
    if known and code.value == _STACK:
        return LimitExceeded(text, limit="stack", code=words, frames=frames)
    error = GuestTrap(text, code=words, frames=frames)
    if known and code.value == _MEMORY:
        error.address = _address(message)
    return error


def _address(message: str) -> int | None:
    """The address that a memory fault's message tells; a worker has no time to load `re`."""
    _, told, rest = message.partition(_ADDRESS)
    digits = rest[: len(rest) - len(rest.lstrip("0123456789abcdef"))]
    return int(digits, 16) if told and digits else None


def out_of_time(error: int, deadline: float | None, codes: Iterable[Code]) -> LimitExceeded:
    """The exception for the wasmtime_error_t of an epoch callback, which this frees."""
    frames = frames_of(library().wasmtime_error_wasm_trace, error, codes)
    library().wasmtime_error_delete(error)
    return _late(deadline, frames)


def _late(deadline: float | None, frames: tuple[str, ...]) -> LimitExceeded:
    where = f"\n{backtrace(frames)}" if frames else ""
    what = "its time" if deadline is None else f"its {deadline:g} s"
    return LimitExceeded(
        f"the guest ran past {what} and was stopped{where}",
        limit="time",
        value=deadline,
        code="interrupt",
        frames=frames,
    )


def _message(trap: int) -> str:
    lib = library()
    vector = (ctypes.c_size_t * 2)()
    lib.wasm_trap_message(trap, ctypes.addressof(vector))
    text = ctypes.string_at(vector[1], vector[0]).decode("utf-8", "replace").rstrip("\0")
    lib.wasm_byte_vec_delete(ctypes.addressof(vector))
    return text
