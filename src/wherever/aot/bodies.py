"""Owns where resume bodies are put: among the others, or in a module of their own (ADR 0016).

A host that can bring a module later, as ours can, is given the resume bodies as a second one, in a
custom section of the first: most runs never enter any, and they are a third of what the engine
would compile. The second module imports from the first whatever bodies refer to; its elements fill
the first one's table of bodies.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from wherever.aot import driver
from wherever.aot import encode as e
from wherever.aot.layout import TYPES, Emitted, body, func_type
from wherever.aot.runtime import RuntimeEmitter
from wherever.ir.ops import I32, I64
from wherever.isa.aarch64.registers import REGISTERS
from wherever.linux.bodies import NAME, PROGRAM, SECTION
from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.names import NameKind, encode_name_map, encode_subsection
from wherever.wasm.types import (
    FUNCREF,
    AbstractHeap,
    ExternKind,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    NumType,
    RefType,
    TableType,
    TagType,
)
from wherever.wasm.writer import encode_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from wherever.aot.layout import Layout
    from wherever.aot.locals import RuntimeRow
    from wherever.ir.values import RuntimeFunction
    from wherever.wasm.types import ExternType

    class Bodies(Protocol):
        """Where resume bodies are put, and how they are entered."""

        layout: Layout
        enter: bytes
        """Enters a body, its selector and its number on the stack."""
        origins: dict[int, int]
        """Which guest function a body is made of, by the body's index."""

        def declare(self, name: str) -> int:
            """A body that is defined later: its index."""
            ...

        def define(self, index: int, code: bytes) -> None:
            """Give it its code."""
            ...

        def entering(self, index: int, number: int) -> bytes:
            """What enters it from its function's other body, its selector on the stack."""
            ...

        def begins(self, number: int, thunk: Emitted) -> None:
            """A body that the program begins with, of its function in the first module."""
            ...

        def finish(self, bodies: Sequence[int]) -> None:
            """Every body, by number."""
            ...


_I32, _I64 = NumType.I32, NumType.I64
_RESUME: Final = FuncType((_I32,), ())


class Within:
    """Resume bodies among all other functions."""

    def __init__(
        self, b: ModuleBuilder, layout: Layout, count: int, origins: dict[int, int]
    ) -> None:
        self.layout = layout
        self.origins = origins
        self._b = b
        self._table = b.table(TableType(FUNCREF, Limits(count, count)))
        self.enter = b"\x11" + e.unsigned(b.type(_RESUME)) + e.unsigned(self._table)

    def declare(self, name: str) -> int:
        """A body that is defined later: its index."""
        return self._b.declare_function(_RESUME, name=name)

    def define(self, index: int, code: bytes) -> None:
        """Give it its code."""
        self._b.define(index, code)

    def entering(self, index: int, number: int) -> bytes:
        """What enters it from its function's other body, its selector on the stack."""
        del number
        return e.call(index)

    def begins(self, number: int, thunk: Emitted) -> None:
        """It is there like all others."""

    def finish(self, bodies: Sequence[int]) -> None:
        """Every body, by number."""
        if bodies:
            self._b.functions_in_table(0, bodies, self._table)


class Apart:
    """Resume bodies in a module of their own, which the host brings when one is first entered."""

    def __init__(
        self,
        b: ModuleBuilder,
        layout: Layout,
        brings: int,
        signatures: Mapping[int, FuncType],
        uniform: FuncType,
        runtime: Sequence[RuntimeFunction],
        count: int,
    ) -> None:
        """`brings` has the host bring it; `signatures` are the functions' types, by entry."""
        self._b = b
        self._r = r = ModuleBuilder()
        self._names: dict[int, str] = {}
        self.origins: dict[int, int] = {}
        # imported functions first: they come before what is defined
        func = ExternKind.FUNC
        syscall = self._shared("syscall", func, layout.syscall, FuncType((_I64,) * 8, (_I64,)))
        fault = self._shared("fault", func, layout.fault, FuncType((_I32, _I64), ()))
        deeper = self._shared("deeper", func, layout.deeper, FuncType((), ()))
        rows = self._runtime(runtime, layout.runtime)

        r.import_(PROGRAM, "memory", MemoryType(Limits(0)))
        bodies = TableType(FUNCREF, Limits(count, count))
        callees = sorted(layout.functions)
        called = TableType(FUNCREF, Limits(len(callees), len(callees)))
        words = Limits(layout.text_words, layout.text_words)
        text = TableType(RefType(nullable=False, heap=AbstractHeap.FUNC), words)
        self._table = b.table(bodies)
        functions = b.table(called)
        b.functions_in_table(0, [layout.functions[entry] for entry in callees], functions)
        self._filled = self._shared("bodies", ExternKind.TABLE, self._table, bodies)
        calls = e.unsigned(self._shared("functions", ExternKind.TABLE, functions, called))
        types = {entry: e.unsigned(r.type(signatures[entry])) for entry in callees}
        tag = TagType(r.type(FuncType((), ())))
        registers = zip(REGISTERS.names, layout.globals, REGISTERS.types, strict=True)
        self.layout = replace(
            layout,
            globals=[self._global(*register) for register in registers],
            pc=self._global("pc", layout.pc, I64),
            depth=self._global("depth", layout.depth, I32),
            runtime=rows,
            syscall=syscall,
            fault=fault,
            deeper=deeper,
            tag=self._shared("leave", ExternKind.TAG, layout.tag, tag),
            table=self._shared("text", ExternKind.TABLE, layout.table, text),
            uniform=r.type(uniform),
            calls={
                entry: e.i32_const(slot) + b"\x11" + types[entry] + calls
                for slot, entry in enumerate(callees)
            },
        )
        again = b.declare_function(FuncType((_I32, _I32), ()), name="again")
        b.define(again, body(Emitted([], driver.again(brings, self._table, b.type(_RESUME)))))
        self.enter = e.call(again)

    def _shared(self, name: str, kind: ExternKind, index: int, type_: ExternType | FuncType) -> int:
        """What the first module exports and the second one imports: its index there."""
        self._b.export(f"wherever.{name}", kind, index)
        return self._r.import_(PROGRAM, f"wherever.{name}", type_)

    def _global(self, name: str, index: int, type_: int) -> int:
        return self._shared(name, ExternKind.GLOBAL, index, GlobalType(TYPES[type_], mutable=True))

    def _runtime(
        self, runtime: Sequence[RuntimeFunction], rows: Sequence[RuntimeRow]
    ) -> list[RuntimeRow]:
        """The runtime functions once more: those of the personality are imported."""
        r = self._r
        found: dict[int, int] = {}
        for imported in (True, False):
            for number, f in enumerate(runtime):
                type_ = func_type(f.parameters, f.results)
                if bool(f.imported) is not imported:
                    continue
                if imported:
                    found[number] = r.import_(PROGRAM, f.imported, type_)
                else:
                    found[number] = r.declare_function(type_)
                    self._names[found[number]] = f.name
        mine: list[RuntimeRow] = [(found[n], *row[1:]) for n, row in enumerate(rows)]
        for number, f in enumerate(runtime):
            if not f.imported:
                r.define(found[number], body(RuntimeEmitter(f, mine).emit()))
        return mine

    def declare(self, name: str) -> int:
        """A body that is defined later: its index."""
        index = self._r.declare_function(_RESUME)
        self._names[index] = name
        return index

    def define(self, index: int, code: bytes) -> None:
        """Give it its code."""
        self._r.define(index, code)

    def entering(self, index: int, number: int) -> bytes:
        """What enters it from its function's other body, its selector on the stack."""
        del index
        return e.i32_const(number) + self.enter

    def begins(self, number: int, thunk: Emitted) -> None:
        """What the program begins with is in the first module, too."""
        index = self._b.declare_function(_RESUME, name="begin")
        self._b.define(index, body(thunk))
        self._b.functions_in_table(number, [index], self._table)

    def finish(self, bodies: Sequence[int]) -> None:
        """Every body, by number."""
        self._r.functions_in_table(0, bodies, self._filled)
        names = encode_subsection(NameKind.MODULE, encode_name(NAME))
        names += encode_subsection(NameKind.FUNCTION, encode_name_map(self._names))
        self._r.custom("name", names)
        self._b.custom(SECTION, self._r.build())
