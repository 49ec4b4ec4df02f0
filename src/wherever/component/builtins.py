"""Owns the table of canonical built-ins beside lift, lower and resource.*: code, name, immediates.

Binary.md, "Canonical Definitions". A row is enough to read and validate one; those whose place at
run time is not filled yet are recognised and refused by name when a component is instantiated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from wherever.wasm import types as core


class Immediate(Enum):
    """What can stand after a built-in's code."""

    RESULT = "resultlist"
    TYPE = "typeidx"
    CORE_TYPE = "core:typeidx"
    TABLE = "core:tableidx"
    MEMORY = "core:memidx"
    CORE_VALTYPE = "core:valtype"
    U32 = "u32"
    FLAG = "flag"
    OPTS = "opts"


@dataclass(frozen=True, slots=True)
class Builtin:
    """One built-in; `type` is None where it depends on the immediates."""

    code: int
    name: str
    immediates: tuple[Immediate, ...] = ()
    params: str | None = ""
    results: str = ""
    of: str = ""
    """"stream" or "future", where the type index must be one."""

    @property
    def type(self) -> core.FuncType | None:
        """The core function type, where it is fixed."""
        if self.params is None:
            return None
        letters = {"i": core.I32, "I": core.I64}
        return core.FuncType(
            tuple(letters[x] for x in self.params), tuple(letters[x] for x in self.results)
        )


_I = Immediate

BUILTINS: tuple[Builtin, ...] = (
    Builtin(0x05, "task.cancel"),
    Builtin(0x06, "subtask.cancel", (_I.FLAG,), "i", "i"),
    Builtin(0x08, "backpressure.set", (), "i"),
    Builtin(0x09, "task.return", (_I.RESULT, _I.OPTS), None),
    Builtin(0x0A, "context.get", (_I.CORE_VALTYPE, _I.U32), None),
    Builtin(0x0B, "context.set", (_I.CORE_VALTYPE, _I.U32), None),
    Builtin(0x0C, "thread.yield", (_I.FLAG,), "", "i"),
    Builtin(0x0D, "subtask.drop", (), "i"),
    Builtin(0x0E, "stream.new", (_I.TYPE,), "", "I", "stream"),
    Builtin(0x0F, "stream.read", (_I.TYPE, _I.OPTS), "iii", "i", "stream"),
    Builtin(0x10, "stream.write", (_I.TYPE, _I.OPTS), "iii", "i", "stream"),
    Builtin(0x11, "stream.cancel-read", (_I.TYPE, _I.FLAG), "i", "i", "stream"),
    Builtin(0x12, "stream.cancel-write", (_I.TYPE, _I.FLAG), "i", "i", "stream"),
    Builtin(0x13, "stream.drop-readable", (_I.TYPE,), "i", "", "stream"),
    Builtin(0x14, "stream.drop-writable", (_I.TYPE,), "i", "", "stream"),
    Builtin(0x15, "future.new", (_I.TYPE,), "", "I", "future"),
    Builtin(0x16, "future.read", (_I.TYPE, _I.OPTS), "ii", "i", "future"),
    Builtin(0x17, "future.write", (_I.TYPE, _I.OPTS), "ii", "i", "future"),
    Builtin(0x18, "future.cancel-read", (_I.TYPE, _I.FLAG), "i", "i", "future"),
    Builtin(0x19, "future.cancel-write", (_I.TYPE, _I.FLAG), "i", "i", "future"),
    Builtin(0x1A, "future.drop-readable", (_I.TYPE,), "i", "", "future"),
    Builtin(0x1B, "future.drop-writable", (_I.TYPE,), "i", "", "future"),
    Builtin(0x1C, "error-context.new", (_I.OPTS,), "ii", "i"),
    Builtin(0x1D, "error-context.debug-message", (_I.OPTS,), "ii"),
    Builtin(0x1E, "error-context.drop", (), "i"),
    Builtin(0x1F, "waitable-set.new", (), "", "i"),
    Builtin(0x20, "waitable-set.wait", (_I.FLAG, _I.MEMORY), "ii", "i"),
    Builtin(0x21, "waitable-set.poll", (_I.FLAG, _I.MEMORY), "ii", "i"),
    Builtin(0x22, "waitable-set.drop", (), "i"),
    Builtin(0x23, "waitable.join", (), "ii"),
    Builtin(0x24, "backpressure.inc"),
    Builtin(0x25, "backpressure.dec"),
    Builtin(0x26, "thread.index", (), "", "i"),
    Builtin(0x27, "thread.new-indirect", (_I.CORE_TYPE, _I.TABLE), "ii", "i"),
    Builtin(0x28, "thread.resume-later", (), "i"),
    Builtin(0x29, "thread.suspend", (_I.FLAG,), "", "i"),
    Builtin(0x2A, "thread.suspend-then-resume", (_I.FLAG,), "i", "i"),
    Builtin(0x2B, "thread.yield-then-resume", (_I.FLAG,), "i", "i"),
    Builtin(0x2C, "thread.suspend-then-promote", (_I.FLAG,), "i", "i"),
    Builtin(0x2D, "thread.yield-then-promote", (_I.FLAG,), "i", "i"),
    Builtin(0x40, "thread.spawn-ref", (_I.FLAG, _I.CORE_TYPE), None),
    Builtin(0x41, "thread.spawn-indirect", (_I.FLAG, _I.CORE_TYPE, _I.TABLE), "ii", "i"),
    Builtin(0x42, "thread.available-parallelism", (_I.FLAG,), "", "i"),
)

BUILTIN_BY_CODE: Mapping[int, Builtin] = {row.code: row for row in BUILTINS}
