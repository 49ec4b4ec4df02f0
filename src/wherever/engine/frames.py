"""Owns frames of a Wasm backtrace: where in which function, under the guest's own names.

A frame is text, as every reader of a backtrace wants it, and knows its parts besides: core dumps
are made of them. Names, files and all else in it are the guest's words, made printable.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from wherever.engine.library import library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from wherever.engine.engine import Code
    from wherever.wasm.lines import LineTable
    from wherever.wasm.module import Module

__all__ = ["Frame", "backtrace", "frames_of", "printable"]

_UNKNOWN = (1 << 64) - 1  # the offset of a frame that has none: a function that did not begin
_LOCATED = 20  # frames whose lines are looked up: as many as are shown


class Frame(str):
    """One frame: `name (module+0x4a) at file.c:3:1`."""

    __slots__ = (
        "function",
        "function_index",
        "function_offset",
        "module",
        "module_offset",
        "where",
    )
    function: str
    """The guest's name of the function; "" where it has none."""
    function_index: int
    """Its index in its module."""
    function_offset: int
    module: str
    module_offset: int
    where: str
    """File, line and column, where the module's DWARF says so."""

    @classmethod
    def of(
        cls, function: str, index: int, function_offset: int, module: str, offset: int, where: str
    ) -> Self:
        """The frame with these parts."""
        name = function or f"function {index}"
        place = "" if offset == _UNKNOWN else f"+{offset:#x}"
        text = f"{name} ({module or 'module'}{place})"
        self = cls(f"{text} at {where}" if where else text)
        self.function, self.function_index, self.function_offset = function, index, function_offset
        self.module, self.module_offset, self.where = module, offset, where
        return self


def frames_of(trace: Callable[..., int], of: int, codes: Iterable[Code]) -> tuple[Frame, ...]:
    """The frames that a trap or an error has; `trace` is the function that gives them."""
    lib = library()
    vector = (ctypes.c_size_t * 2)()
    trace(of, ctypes.addressof(vector))
    count, first = vector[0], vector[1]
    if not count:
        return ()
    lines = _Lines(codes)
    found = tuple(
        _frame(frame, lines if number < _LOCATED else None)
        for number, frame in enumerate((ctypes.c_size_t * count).from_address(first))
    )
    lib.wasm_frame_vec_delete(ctypes.addressof(vector))
    return found


def backtrace(frames: tuple[str, ...]) -> str:
    """The frames as the end of a message."""
    shown = [f"  at {frame}" for frame in frames[:20]]
    if len(frames) > len(shown):
        shown.append(f"  ... and {len(frames) - len(shown)} more")
    return "\n".join(shown)


def printable(name: str) -> str:
    """A guest's name on one line: it is the guest's text and may hold anything."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in name[:200])


def _frame(frame: int, lines: _Lines | None) -> Frame:
    lib = library()
    index = lib.wasm_frame_func_index(frame)
    offset = lib.wasm_frame_module_offset(frame)
    return Frame.of(
        printable(_name(lib.wasmtime_frame_func_name(frame))),
        index,
        lib.wasm_frame_func_offset(frame),
        printable(_name(lib.wasmtime_frame_module_name(frame))),
        offset,
        lines.at(index, offset) if lines is not None else "",
    )


def _name(vector: int) -> str:
    """The text of a wasm_name_t that someone else owns."""
    if not vector:
        return ""
    size, data = (ctypes.c_size_t * 2).from_address(vector)
    return ctypes.string_at(data, size).decode("utf-8", "replace")


class _Lines:
    """The line tables of a store's modules, read when a frame is in one that has them."""

    __slots__ = ("_codes", "_tables")

    def __init__(self, codes: Iterable[Code]) -> None:
        self._codes = codes
        self._tables: list[tuple[Module, LineTable, int]] | None = None

    def at(self, index: int, offset: int) -> str:
        """The place in the source, as text; "" where it is not known for certain."""
        if self._tables is None:
            self._tables = [table for code in self._codes if (table := _table(code)) is not None]
        places = {
            str(found)
            for module, table, start in self._tables
            if (at := _instruction(module, index, offset)) is not None
            and (found := table.find(at - start)) is not None
        }
        # A frame does not say which of several modules it is in: where they disagree, none is told.
        return printable(places.pop()) if len(places) == 1 else ""


_tables: WeakKeyDictionary[Code, tuple[Module, LineTable, int] | None] = WeakKeyDictionary()


def _table(code: Code) -> tuple[Module, LineTable, int] | None:
    """The lines of a module, read once; None where it has none."""
    if code not in _tables:
        _tables[code] = _read(code.wasm)
    table = _tables[code]
    if table is not None:
        table[1].refill()
    return table


def _read(wasm: bytes) -> tuple[Module, LineTable, int] | None:
    # A worker's code was compiled elsewhere: its module's bytes are not there, and `wasm` is empty.
    if b".debug_line" not in wasm:
        return None
    from wherever.wasm.lines import LineTable, code_start
    from wherever.wasm.reader import read_module

    module = read_module(wasm)
    return module, LineTable(module), code_start(module)


def _instruction(module: Module, index: int, offset: int) -> int | None:
    """The offset of an instruction of the function of that index; None where it is not in there."""
    imported = len(module.function_types()) - len(module.functions)
    if not 0 <= index - imported < len(module.code):
        return None
    body = module.code[index - imported]
    if not body.start <= offset < body.end:
        return None
    return max(offset, body.code_start())  # a first instruction may be told as its function's start
