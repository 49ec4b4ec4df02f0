"""Owns the output module: the personality with everything generated appended to it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wherever.aot import driver
from wherever.aot.bodies import Apart, Within
from wherever.aot.driver import Personality, Points
from wherever.aot.emit import FunctionEmitter
from wherever.aot.inline import with_copies
from wherever.aot.layout import TYPES, Emitted, Layout, body, func_type
from wherever.aot.points import find_beginnings, find_points
from wherever.aot.resume import ResumeEmitter
from wherever.aot.runtime import RuntimeEmitter
from wherever.aot.signature import UNIFORM_PARAMETERS, UNIFORM_RESULTS, Conventions
from wherever.aot.spread import spread
from wherever.errors import InternalError, Unsupported
from wherever.isa.aarch64.registers import REGISTERS
from wherever.linux.addresses import HIGH_END
from wherever.program.elf import PF_R, PF_W, PF_X, STT_FUNC, STT_GNU_IFUNC
from wherever.wasm.builder import ModuleBuilder
from wherever.wasm.instructions import instruction
from wherever.wasm.module import Module, Table
from wherever.wasm.reader import read_module
from wherever.wasm.types import (
    AbstractHeap,
    ExternKind,
    FuncType,
    GlobalType,
    Limits,
    NumType,
    RefType,
    TableType,
    TagType,
)
from wherever.wasm.writer import expression

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherever.aot.bodies import Bodies
    from wherever.aot.image import Image
    from wherever.aot.lift import Lifted
    from wherever.aot.recover import Recovered

_I32, _I64 = NumType.I32, NumType.I64
_PAGE: Final = 65536
_MAX_TEXT: Final = 64 << 20
# What the generated code implements, as the kernel announces it (asm/hwcap.h): FP, ASIMD, AES,
# PMULL, SHA1, SHA2, CRC32, ATOMICS, CPUID (isa.aarch64.identification says the same in detail).
HWCAP: Final = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 11


# linux_image.flags (linux/ABI.md)
EXECUTABLE_STACK: Final = 2
TEXT_RELOCATIONS: Final = 4


@dataclass(slots=True)
class Sizes:
    """What the translation weighs, for reports."""

    functions: int = 0
    instructions: int = 0
    fast: int = 0  # bytes of function bodies
    resume: int = 0  # bytes of the bodies that `resume` enters
    total: int = 0
    points: int = 0
    extra: dict[str, int] = field(default_factory=dict[str, int])


def _exported(module: Module, name: str) -> int:
    """The index of a function that the personality exports."""
    for item in module.exports:
        if item.name == name and item.kind is ExternKind.FUNC:
            return item.index
    raise InternalError(f"the Linux personality exports no function {name}")


def read_personality(module: Module) -> Personality:
    """Find the personality's exports (linux/ABI.md)."""
    exports = {item.name: item for item in module.exports}
    imported = len(module.global_types()) - len(module.globals)

    def address(name: str) -> int:
        item = exports.get(name)
        if item is None or item.kind is not ExternKind.GLOBAL or item.index < imported:
            raise InternalError(f"the Linux personality exports no address {name}")
        for current in module.globals[item.index - imported].init:
            if current.opcode.name == "i32.const":
                value = current.immediates[0]
                if isinstance(value, int):
                    return value & 0xFFFF_FFFF
        raise InternalError(f"the Linux personality's {name} is not a constant")

    return Personality(
        start=_exported(module, "linux_start"),
        syscall=_exported(module, "linux_syscall"),
        registers=_exported(module, "linux_registers"),
        fault=_exported(module, "linux_fault"),
        stack=_exported(module, "linux_stack"),
        trapped=_exported(module, "linux_trapped"),
        image=address("linux_image"),
        state=address("linux_state"),
        pending=address("linux_pending"),
        sigreturn=address("linux_sigreturn"),
        bodies=_exported(module, "linux_bodies") if "linux_bodies" in exports else None,
    )


class Assembler:
    """Puts one translated program together with the personality."""

    def __init__(
        self,
        image: Image,
        recovered: Recovered,
        lifted: Lifted,
        conventions: Conventions,
        personality: bytes,
        jobs: int = 1,
    ) -> None:
        self.image = image
        self.recovered = recovered
        self.lifted = lifted
        self.c = conventions
        self.source = read_module(personality)
        self.builder = ModuleBuilder(self.source)
        self.personality = read_personality(self.source)
        self.sizes = Sizes()
        self.origins: dict[int, int] = {}  # Wasm function -> the guest function it is made of
        self.apart: Apart | None = None
        self.jobs = jobs
        # pages that the guest may not write, behind the image and the personality
        end = max(image.end, HIGH_END) if image.low else image.end
        self.data_at = (end + 0xFFF) & ~0xFFF
        self.data = bytearray()

    # -- pieces of linear memory after the image

    def place(self, contents: bytes) -> int:
        """Put read-only bytes behind the image; their address."""
        self.data += bytes(-len(self.data) % 16)
        at = self.data_at + len(self.data)
        self.data += contents
        return at

    # -- the whole

    def assemble(self, progress: Callable[[int, int], None] | None = None) -> bytes:
        """The module's bytes."""
        b = self.builder
        p = self.personality
        registers = [self._global(t) for t in REGISTERS.types]
        pc = self._global(0x7E)
        depth = self._global(0x7F)
        tag = b.tag(TagType(b.type(FuncType((), ()))))
        uniform = func_type(
            [REGISTERS.types[s] for s in UNIFORM_PARAMETERS],
            [REGISTERS.types[s] for s in UNIFORM_RESULTS],
        )
        uniform_type = b.type(uniform)

        save = b.declare_function(FuncType((), ()), name="save_state")
        load = b.declare_function(FuncType((), ()), name="load_state")
        fault = b.declare_function(FuncType((_I32, _I64), ()), name="fault")
        pending = b.declare_function(FuncType((), ()), name="pending")
        syscall = b.declare_function(FuncType((_I64,) * 8, (_I64,)), name="syscall")
        deeper = b.declare_function(FuncType((), ()), name="deeper")
        miss = b.declare_function(uniform_type, name="miss")
        step = b.declare_function(FuncType((), ()), name="step")
        start = b.declare_function(FuncType((), ()), name="_start")
        trapped = b.declare_function(FuncType((_I32, _I32, _I64, _I64), ()), name="trapped")
        where = b.declare_function(FuncType((_I32,), (_I32,)), name="where")

        runtime = [
            (
                _exported(self.source, f.imported)
                if f.imported
                else b.declare_function(func_type(f.parameters, f.results), name=f.name),
                f.results,
                f.gives_nan,
                f.exchanges,
            )
            for f in self.lifted.runtime.functions
        ]
        signatures = {
            signature.entry: func_type(
                [REGISTERS.types[s] for s in signature.parameters],
                [REGISTERS.types[s] for s in signature.results],
            )
            for signature in self.c.all.values()
            if self.c.functions.bodies[signature.entry].reached
        }
        functions = {
            entry: b.declare_function(type_, name=self.c.all[entry].name)
            for entry, type_ in signatures.items()
        }

        low = min(a for a, _ in self.image.text)
        high = max(a for _, a in self.image.text)
        if high - low > _MAX_TEXT:
            raise Unsupported(
                f"unsupported: the program's code spans {high - low >> 20} MiB; "
                f"up to {_MAX_TEXT >> 20} MiB is translated"
            )
        words = high - low >> 2
        table = b.table(
            Table(
                TableType(RefType(nullable=False, heap=AbstractHeap.FUNC), Limits(words, words)),
                expression(instruction("ref.func", miss)),
            )
        )
        for entry in sorted(self.c.functions.taken):
            if entry in functions:
                b.functions_in_table(entry - low >> 2, [functions[entry]], table)

        layout = Layout(
            globals=registers,
            pc=pc,
            functions=functions,
            runtime=runtime,
            syscall=syscall,
            fault=fault,
            tag=tag,
            depth=depth,
            deeper=deeper,
            uniform=uniform_type,
            table=table,
            resumes={},
            text_low=low,
            text_words=words,
        )
        points, enter = self._functions(layout, signatures, uniform, progress)

        for function, (index, *_) in zip(self.lifted.runtime.functions, runtime, strict=True):
            if function.imported:
                continue
            b.define(index, body(RuntimeEmitter(function, runtime).emit()))
        go_on = driver.loop(step, tag)
        plain: dict[int, bytes] = {
            save: driver.save_state(p, registers, pc),
            load: driver.load_state(p, registers, pc),
            fault: driver.fault(p, pc, save, load, tag),
            pending: driver.pending(p, save, load, tag),
            deeper: driver.deeper(p, registers, pc, fault, tag),
            miss: driver.miss(registers, tag),
            start: driver.start(p, self.image.entry, registers, pc, go_on),
            trapped: driver.trapped(p, pc, save, load, go_on),
            where: self._where(self.origins),
        }
        for index, code in plain.items():
            b.define(index, body(Emitted([], code)))
        b.define(syscall, body(Emitted([0x7E], driver.syscall(p, registers, pc, pending))))
        code = driver.step(p, points, pc, depth, syscall, fault, enter)
        b.define(step, body(Emitted([0x7F] * 4, code)))
        b.export("_start", ExternKind.FUNC, start)
        b.export("wherever_trapped", ExternKind.FUNC, trapped)
        b.export("wherever_where", ExternKind.FUNC, where)
        if self.apart is not None:
            resumed = b.declare_function(FuncType((_I32,), (_I32,)), name="where resumed")
            b.define(resumed, body(Emitted([], self._where(self.apart.origins))))
            b.export("wherever_where_resumed", ExternKind.FUNC, resumed)
        self._memory()
        wasm = b.build()
        self.sizes.total = len(wasm)
        return wasm

    def _global(self, type_: int) -> int:
        zero = {
            0x7F: instruction("i32.const", 0),
            0x7E: instruction("i64.const", 0),
            0x7B: instruction("v128.const", bytes(16)),
        }[type_]
        return self.builder.global_(GlobalType(TYPES[type_], mutable=True), expression(zero))

    # -- functions

    def _functions(
        self,
        layout: Layout,
        signatures: dict[int, FuncType],
        uniform: FuncType,
        progress: Callable[[int, int], None] | None,
    ) -> tuple[Points, bytes]:
        """Emit every function as it runs, and what of it may be resumed."""
        inside = find_points(self.c, self.recovered)
        functions = self.c.functions
        everything = list(self.c.all.values())
        again = find_beginnings(self.c)
        # the bodies that the driver enters, by number: a function from its start, or at a point
        starts: dict[int, int] = {}
        resumes: dict[int, int] = {}
        for signature in everything:
            entry = signature.entry
            if functions.bodies[entry].reached:
                starts[entry] = len(starts) + len(resumes)
            if entry in inside.points or entry in again:
                resumes[entry] = len(starts) + len(resumes)
        count = len(starts) + len(resumes)
        place = self._bodies(layout, signatures, uniform, count)
        names = {entry: self.c.all[entry].name for entry in functions.bodies}
        indices = {
            **{
                number: place.declare(f"resume {names[entry]}") for entry, number in resumes.items()
            },
            **{number: place.declare(f"enter {names[entry]}") for entry, number in starts.items()},
        }
        for entry, number in resumes.items():
            layout.resumes[entry] = place.entering(indices[number], number)

        def bodies(number: int) -> tuple[bytes, bytes, bytes, list[int]]:
            """The fast body, the thunk that enters it, the resume body and its selectors."""
            signature = everything[number]
            fast = enter = resume = b""
            points = inside.points.get(signature.entry, [])
            beginnings = again.get(signature.entry, [])
            selectors: list[int] = []
            exact: dict[int, int] = {}
            if points or beginnings:
                every = sorted({*points, *beginnings})
                emitter = ResumeEmitter(place.layout, self.c, signature, every)
                resume = body(emitter.emit())
                selectors = [emitter.index[point] for point in points]
                exact = {start: emitter.index[start] for start in beginnings}
            if functions.bodies[signature.entry].reached:
                c, whole = with_copies(self.c, signature)
                fast = body(FunctionEmitter(layout, c, whole, exact=exact).emit())
                enter = body(driver.thunk(signature, place.layout))
            return fast, enter, resume, selectors

        # the large ones first, so that no worker is left with one at the end
        weight = [
            len(functions.bodies[s.entry].reached) + len(inside.points.get(s.entry, ()))
            for s in everything
        ]
        pieces = sorted(range(len(everything)), key=lambda number: (-weight[number], number))
        emitted = spread(pieces, bodies, self.jobs, progress)

        addresses: dict[int, tuple[int, int]] = {}  # -> which resume body, and its selector
        for number, signature in enumerate(everything):
            fast, enter, resume, selectors = emitted[number]
            entry = signature.entry
            if fast:
                self.builder.define(layout.functions[entry], fast)
                self.origins[layout.functions[entry]] = entry
                addresses[entry] = (starts[entry], 0)
                place.define(indices[starts[entry]], enter)
            if resume:
                ordinal = resumes[entry]
                rows = zip(inside.points.get(entry, []), selectors, strict=True)
                addresses |= {point: (ordinal, selector) for point, selector in rows}
                place.define(indices[ordinal], resume)
                place.origins[indices[ordinal]] = entry
            self.sizes.fast += len(fast)
            self.sizes.resume += len(enter) + len(resume)
        addresses |= {alias: addresses[target] for alias, target in inside.aliases.items()}
        for begin in sorted(self._beginning(inside.aliases) & starts.keys()):
            place.begins(starts[begin], driver.thunk(self.c.all[begin], layout))
        place.finish([indices[number] for number in range(count)])
        self.sizes.functions = len(everything)
        self.sizes.instructions = sum(len(words) for _, words in self.recovered.words)
        self.sizes.points = count = len(addresses)
        table = sorted(addresses.items())
        points = Points(
            self.place(struct.pack(f"<{count}I", *(a for a, _ in table))),
            self.place(struct.pack(f"<{count}I", *(o for _, (o, _) in table))),
            self.place(struct.pack(f"<{count}I", *(s for _, (_, s) in table))),
            count,
        )
        return points, place.enter

    def _beginning(self, aliases: dict[int, int]) -> set[int]:
        """The function that the program begins with, and those that it ends by jumping to (musl's
        `_start` does): nobody called it, so the driver is in between."""
        entry = aliases.get(self.image.entry, self.image.entry)
        functions = self.c.functions
        found = {entry}
        for start in functions.bodies[entry].reached if entry in functions.bodies else ():
            found.update(functions.blocks[start].exit.successors())
        return found

    def _bodies(
        self,
        layout: Layout,
        signatures: dict[int, FuncType],
        uniform: FuncType,
        count: int,
    ) -> Bodies:
        """Where resume bodies go: apart, if the personality can have the host bring them."""
        brings = self.personality.bodies
        if brings is None:
            return Within(self.builder, layout, count, self.origins)
        runtime = self.lifted.runtime.functions
        self.apart = Apart(self.builder, layout, brings, signatures, uniform, runtime, count)
        return self.apart

    def _where(self, origins: dict[int, int]) -> bytes:
        """From the first Wasm function of the guest's on, the guest address of each."""
        first, last = min(origins, default=0), max(origins, default=-1)
        made_of = [origins.get(i, 0) for i in range(first, last + 1)]
        return driver.where(made_of, first, self.place(struct.pack(f"<{len(made_of)}I", *made_of)))

    # -- memory

    def _memory(self) -> None:
        image, b, p = self.image, self.builder, self.personality
        symbols, symbol_count = self._symbols()
        segments = b"".join(
            struct.pack(
                "<4Q",
                piece.address & ~0xFFF,
                (piece.end + 0xFFF) & ~0xFFF,
                (1 if piece.flags & PF_R else 0)
                | (2 if piece.flags & PF_W else 0)
                | (4 if piece.flags & PF_X else 0),
                piece.offset & ~0xFFF,
            )
            for piece in image.pieces
        )
        segments_at = self.place(segments)
        end = self.data_at + len(self.data)
        for piece in image.pieces:
            contents = piece.data.rstrip(b"\0")
            if contents:
                b.bytes_at(piece.address, contents)
        if self.data:
            b.bytes_at(self.data_at, bytes(self.data))
        elf = image.elf
        phdr = next(
            (
                piece.address + elf.phdr_offset - piece.offset
                for piece in image.pieces
                if piece.offset <= elf.phdr_offset < piece.offset + len(piece.data)
            ),
            0,
        )
        b.bytes_at(
            p.image,
            struct.pack(
                "<15Q",
                image.entry,
                image.base & 0xFFFF_FFFF_FFFF_FFFF,
                phdr,
                56,
                elf.phdr_count,
                image.pieces[0].address & ~0xFFF,
                end,
                HWCAP,
                0,
                segments_at,
                len(image.pieces),
                symbols,
                symbol_count,
                0,
                EXECUTABLE_STACK * elf.executable_stack + TEXT_RELOCATIONS * elf.text_relocations,
            ),
        )
        b.reserve_memory(0, (end + _PAGE - 1) // _PAGE)

    def _symbols(self) -> tuple[int, int]:
        rows = sorted(
            {
                (s.address + self.image.base, s.name)
                for s in self.image.elf.symbols
                if s.type in (STT_FUNC, STT_GNU_IFUNC)
                and s.name
                and self.image.in_text(s.address + self.image.base)
            }
        )
        if not rows:
            return 0, 0
        names = bytearray()
        offsets: list[int] = []
        for _, name in rows:
            offsets.append(len(names))
            names += name.encode() + b"\0"
        at = self.place(bytes(names))
        table = b"".join(
            struct.pack("<2I", address, at + offset)
            for (address, _), offset in zip(rows, offsets, strict=True)
        )
        return self.place(table), len(rows)
