"""Owns instances: linking a module's imports, and its exports by name."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from wherever.engine.checked import checked_callback
from wherever.engine.externs import (
    Extern,
    Func,
    Global,
    Memory,
    Table,
    Tag,
    call_maker,
    func_from,
    func_of,
    handle_from,
)
from wherever.engine.hostcalls import HostFunc, raw_callback
from wherever.engine.library import Words1, Words2, Words3, Words4, library, message_of
from wherever.engine.outline import TagItem
from wherever.engine.state import StoreState
from wherever.engine.threads import here, refuse_thread
from wherever.engine.valtypes import functype, is_raw
from wherever.errors import GuestTrap, InvalidProgram, LimitExceeded
from wherever.wasm.types import FuncType, GlobalType, MemoryType, TableType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wherever.engine.engine import Code
    from wherever.engine.outline import ExportItem, ImportItem

__all__ = [
    "Given",
    "Instance",
    "LinkFailure",
    "Passed",
    "externs_of",
    "instantiate",
    "instantiate_alone",
    "link",
    "refused",
]

_EXTERN = 4  # c_uint64's in a wasmtime_extern_t: the kind, then a union of 24 bytes

Given: TypeAlias = "Mapping[tuple[str, str], Extern | HostFunc | Passed]"
"""What imports are linked to, by (module, name)."""


class Passed:
    """An instance's export, to be linked to another's import without being looked at here."""

    __slots__ = ("instance", "name")

    def __init__(self, instance: Instance, name: str) -> None:
        self.instance = instance
        self.name = name

    def extern(self) -> Extern:
        """The export itself."""
        return self.instance[self.name]


class Linking(StoreState):
    """A store that makes functions of host functions; stores differ in how."""

    __slots__ = ()

    def link(self, host: HostFunc) -> Func:
        """A host function as a function of this store."""
        return link(self, host)


class LinkFailure(InvalidProgram):
    """An import is missing, or what was given for it does not match its type."""


def instantiate_alone(store: StoreState, code: Code) -> Instance:
    """An instance of a module without imports in a store just made, which no one else knows yet."""
    if not here.fits:
        raise refuse_thread()
    store.codes = (code,)
    cell, trap = Words2(), Words1()
    error = library().bare.wasmtime_instance_new(
        store.context_arg, code.arg, None, None, cell, trap
    )
    if trap[0]:
        raise store.failed(0, trap[0])
    if error:
        raise refused(message_of(error))
    return Instance(store, code, cell)


def instantiate(store: Linking, code: Code, given: Given) -> Instance:
    """An instance of the module in the store."""
    if code.engine is not store.engine:
        raise ValueError(f"the code is of {code.engine!r}, the store of {store.engine!r}")
    with store.lock:
        store.require_open()
        if not here.fits:
            raise refuse_thread()
        count = len(code.outline.imports)
        externs, _keep = externs_of(store, code, given) if count else _NO_EXTERNS
        store.know(code)
        cell, trap = Words2(), Words1()
        error = library().bare.wasmtime_instance_new(
            store.context_arg, code.arg, externs, ctypes.c_size_t(count), cell, trap
        )
        if trap[0]:
            raise store.failed(0, trap[0])
        if error:
            if store.error is not None:
                raise store.failed(error, 0)
            raise refused(message_of(error))
    return Instance(store, code, cell)


_NO_EXTERNS: tuple[None, tuple[()]] = (None, ())


def externs_of(
    store: Linking, code: Code, given: Given
) -> tuple[ctypes.Array[ctypes.c_uint64], list[Extern]]:
    """The module's imports as wasmtime_extern_t's in order, and what must live while they do."""
    imports = code.outline.imports
    externs = (ctypes.c_uint64 * (_EXTERN * len(imports)))()
    start = ctypes.addressof(externs)
    get = library().brief.wasmtime_instance_export_get
    keep: list[Extern] = []
    for index, item in enumerate(imports):
        passed = given.get((item.module, item.name))
        if isinstance(passed, Passed) and passed.instance.store is store:
            # The engine compares the types; nothing of it has to exist in Python.
            name = passed.name.encode()
            slot = ctypes.byref(externs, 8 * _EXTERN * index)
            length = ctypes.c_size_t(len(name))
            if get(store.context_arg, passed.instance.cell, name, length, slot):
                continue
        extern = _resolve(store, item, given)
        keep.append(extern)
        externs[_EXTERN * index] = extern.kind
        if isinstance(extern, Func):
            at, size = extern.at, 16
        else:
            at, size = ctypes.addressof(extern.cell), ctypes.sizeof(extern.cell)
        ctypes.memmove(start + 8 * (_EXTERN * index + 1), at, size)
    return externs, keep


# Starts of wasmtime's own messages for a module that a limit keeps out.
_LIMITS = {
    "table minimum size": "table elements",
    "resource limit exceeded: instance": "instances",
    "resource limit exceeded: table": "tables",
    "resource limit exceeded: memory": "memories",
    "maximum concurrent": "instances of the pool",
    "failed to allocate": "memory",
    "Cannot allocate memory": "memory",
}


def refused(message: str) -> Exception:
    """The exception for wasmtime's words on a module that it did not instantiate."""
    pages = message.partition("memory minimum size of ")[2].split(" ")[0]
    if pages.isdecimal():
        mebibytes = -(-int(pages) // 16)
        return LimitExceeded(
            f"limit exceeded: the program begins with {mebibytes} MiB of memory, "
            "more than it may have",
            limit="memory",
        )
    for words, limit in _LIMITS.items():
        if words in message:
            return LimitExceeded(f"{message} (limit: {limit})", limit=limit)
    if "incompatible import type" in message or "types incompatible" in message:
        return LinkFailure(message)
    return GuestTrap(message)


def _resolve(store: Linking, item: ImportItem, given: Given) -> Extern:
    where = f"import {item.module!r} {item.name!r}"
    extern = given.get((item.module, item.name))
    if isinstance(extern, Passed):
        extern = extern.extern()
    match extern:
        case None:
            raise LinkFailure(f"{where} of type {item.type} was not given")
        case HostFunc():
            if extern.type != item.type:
                raise LinkFailure(f"{where} is {item.type}, and the host's is {extern.type}")
            return store.link(extern)
        case Func():
            wanted = isinstance(item.type, FuncType)
        case Memory():
            wanted = isinstance(item.type, MemoryType)
        case Table():
            wanted = isinstance(item.type, TableType)
        case Global():
            wanted = isinstance(item.type, GlobalType)
        case Tag():
            wanted = isinstance(item.type, TagItem)
        case _:
            assert_never(extern)
    if not wanted:
        raise LinkFailure(f"{where} is {item.type}, and {extern!r} was given")
    if extern.store is not store:
        raise LinkFailure(f"{where}: {extern!r} belongs to another store")
    return extern


def link(store: StoreState, host: HostFunc) -> Func:
    """A host function as a function of the store."""
    lib = library()
    signature = host.type
    if host.suspends:
        raise ValueError(f"{host!r} may suspend: it needs an AsyncStore")
    raw = is_raw(signature.params) and is_raw(signature.results)
    if host.build is not None and not raw:
        host.function = host.build()
    callback = raw_callback(store, host) if raw else checked_callback(store, host)
    new = lib.wasmtime_func_new_unchecked if raw else lib.wasmtime_func_new
    type_ = functype(store.engine, signature)
    cell = Words2()
    with store.lock:
        store.require_open()
        store.native.keep.append(callback)
        new(
            store.context,
            type_,
            ctypes.cast(callback, ctypes.c_void_p),
            None,
            None,
            ctypes.addressof(cell),
        )
    return func_from(store, cell, signature, host.name)


class Instance:
    """An instance of a module: its exports, made as they are looked up."""

    __slots__ = ("_found", "cell", "code", "store")

    def __init__(self, store: StoreState, code: Code, cell: ctypes.Array[ctypes.c_uint64]) -> None:
        self.store = store
        self.code = code
        self.cell = cell
        self._found: dict[str, Extern] = {}

    def __getitem__(self, name: str) -> Extern:
        found = self._found.get(name)
        if found is None:
            item = self.code.outline.exports.get(name)
            if item is None:
                raise KeyError(f"the instance exports no {name!r}")
            found = self._found[name] = self._export(item)
        return found

    def get(self, name: str) -> Extern | None:
        """The export, or None where there is none of that name."""
        return self[name] if name in self.code.outline.exports else None

    def __iter__(self) -> Iterator[str]:
        return iter(self.code.outline.exports)

    def __len__(self) -> int:
        return len(self.code.outline.exports)

    def func(self, name: str) -> Func:
        """The exported function; KeyError or TypeError where there is none."""
        found = self[name]
        if not isinstance(found, Func):
            raise TypeError(f"export {name!r} is {found!r}, not a function")
        return found

    def callable(self, item: ExportItem, type_: FuncType) -> Callable[..., Any]:
        """An exported function as a plain Python one, without a `Func` in between."""
        make = item.make
        if make is None:
            make = item.make = call_maker(type_)
        return handle_from(self.store, self._extern(item), type_, item.name, skip=1).callable(make)

    def memory(self, name: str = "memory") -> Memory:
        """The exported memory; KeyError or TypeError where there is none."""
        found = self[name]
        if not isinstance(found, Memory):
            raise TypeError(f"export {name!r} is {found!r}, not a memory")
        return found

    def _extern(self, item: ExportItem) -> ctypes.Array[ctypes.c_uint64]:
        """The wasmtime_extern_t of an export: its kind, then the handle."""
        store = self.store
        extern = Words4()
        with store.lock:
            store.require_open()
            library().brief.wasmtime_instance_export_get(
                store.context_arg, self.cell, item.encoded, item.length, extern
            )
        return extern

    def _export(self, item: ExportItem) -> Extern:
        store = self.store
        extern = self._extern(item)
        type_ = item.type
        if isinstance(type_, FuncType):
            return func_of(handle_from(store, extern, type_, item.name, skip=1))
        cell = Words3(extern[1], extern[2], extern[3])
        match type_:
            case MemoryType():
                return Memory(store, cell, type_)
            case TableType():
                return Table(store, cell, type_)
            case GlobalType():
                return Global(store, cell, type_)
            case TagItem():
                return Tag(store, cell, type_.params)

    def __repr__(self) -> str:
        return f"<Instance in {self.store!r}>"
