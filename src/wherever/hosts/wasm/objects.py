"""Owns Memory, Table, Global, Tag and Exception: what modules share with Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from wherever.engine.externs import Global as EngineGlobal
from wherever.engine.externs import Memory as EngineMemory
from wherever.engine.externs import Table as EngineTable
from wherever.engine.externs import Tag as EngineTag
from wherever.errors import LimitExceeded, Unsupported
from wherever.hosts.wasm.realm import current
from wherever.wasm.types import (
    ANYREF,
    EXNREF,
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    AddressType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RefType,
    TableType,
    ValType,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.engine.store import Store

__all__ = ["Global", "Memory", "Table", "Tag", "TypeName", "valtype"]

TypeName: TypeAlias = "str | ValType"

_NAMES: dict[str, ValType] = {
    "i32": I32,
    "i64": I64,
    "f32": F32,
    "f64": F64,
    "v128": V128,
    "anyfunc": FUNCREF,
    "funcref": FUNCREF,
    "externref": EXTERNREF,
    "anyref": ANYREF,
    "exnref": EXNREF,
}
_UNSET = object()


def valtype(name: TypeName) -> ValType:
    """The value type of one of the API's names, or the type itself."""
    if not isinstance(name, str):
        return name
    found = _NAMES.get(name)
    if found is None:
        raise TypeError(f"{name!r} is not a value type; there are {', '.join(_NAMES)}")
    return found


def _limits(initial: int, maximum: int | None, address: str, what: str) -> Limits:
    for value in (initial, initial if maximum is None else maximum):
        if not isinstance(cast("object", value), int):
            raise TypeError(f"a {what}'s size is an int, not {type(value).__name__}")
    kind = AddressType(address)
    bound = 1 << 32 if kind is AddressType.I32 else 1 << 64
    for value in (initial, 0 if maximum is None else maximum):
        if not 0 <= value < bound:
            raise OverflowError(f"a {what} of {value} does not fit its address type {address}")
    if maximum is not None and maximum < initial:
        raise ValueError(f"a {what}'s maximum of {maximum} is below its initial {initial}")
    return Limits(initial, maximum, kind)


class Memory:
    """A linear memory, in pages of 64 KiB."""

    __slots__ = ("extern",)
    extern: EngineMemory

    @classmethod
    def of(cls, extern: EngineMemory) -> Self:
        """The API's object for one of the engine's."""
        self = cls.__new__(cls)
        self.extern = extern
        return self

    def __init__(
        self,
        initial: int,
        maximum: int | None = None,
        *,
        address: str = "i32",
        shared: bool = False,
        store: Store | None = None,
    ) -> None:
        if shared:
            raise Unsupported(
                "shared memories: a guest that waits on one could not be interrupted in process"
            )
        limits = _limits(initial, maximum, address, "memory")
        if initial > 1 << 16 and address == "i32":
            raise OverflowError(f"a memory of {initial} pages is more than 65536")
        self.extern = (store or current()).memory(MemoryType(limits))

    @property
    def buffer(self) -> memoryview:
        """All of its bytes, zero-copy and writable; after `grow`, look again for all of them."""
        return self.extern.view()

    def grow(self, delta: int) -> int:
        """Add pages; the number there were before. LimitExceeded where no more may be had."""
        if not 0 <= delta < 1 << 48:
            raise OverflowError(f"a memory cannot grow by {delta} pages")
        old = self.extern.grow(delta)
        if old < 0:
            pages = len(self.extern.view()) >> 16
            raise LimitExceeded(
                f"a memory of {pages} pages cannot grow by {delta}", limit="memory", value=pages
            )
        return old

    @property
    def type(self) -> MemoryType:
        """Its type."""
        return self.extern.type

    def __len__(self) -> int:
        return len(self.extern.view())

    def __repr__(self) -> str:
        return f"<Memory {self.extern.type.limits}>"


class Table:
    """A table of references."""

    __slots__ = ("extern",)
    extern: EngineTable

    @classmethod
    def of(cls, extern: EngineTable) -> Self:
        """The API's object for one of the engine's."""
        self = cls.__new__(cls)
        self.extern = extern
        return self

    def __init__(
        self,
        element: TypeName,
        initial: int,
        maximum: int | None = None,
        init: object = None,
        *,
        address: str = "i32",
        store: Store | None = None,
    ) -> None:
        type_ = valtype(element)
        if not isinstance(type_, RefType):
            raise TypeError(f"a table holds references, not {type_}")
        limits = _limits(initial, maximum, address, "table")
        self.extern = (store or current()).table(TableType(type_, limits), init)

    def __len__(self) -> int:
        return len(self.extern)

    def get(self, index: int) -> Any:
        """The element; IndexError beyond the end."""
        return self.extern.get(index)

    def set(self, index: int, value: object = None) -> None:
        """Replace an element; IndexError beyond the end, TypeError for a wrong reference."""
        self.extern.set(index, value)

    def __getitem__(self, index: int) -> Any:
        return self.extern.get(index)

    def __setitem__(self, index: int, value: object) -> None:
        self.extern.set(index, value)

    def grow(self, delta: int, init: object = None) -> int:
        """Add elements; the number there were before. LimitExceeded where no more may be had."""
        if not 0 <= delta < 1 << 64:
            raise OverflowError(f"a table cannot grow by {delta} elements")
        old = self.extern.grow(delta, init)
        if old < 0:
            raise LimitExceeded(
                f"a table of {len(self)} elements cannot grow by {delta}",
                limit="table elements",
                value=len(self),
            )
        return old

    @property
    def type(self) -> TableType:
        """Its type."""
        return self.extern.type

    def __repr__(self) -> str:
        return f"<Table {self.extern.type.element}>"


_DEFAULTS: dict[ValType, object] = {I32: 0, I64: 0, F32: 0.0, F64: 0.0, V128: bytes(16)}


class Global:
    """A global variable; `value` reads it and, where it is mutable, writes it."""

    __slots__ = ("extern",)
    extern: EngineGlobal

    @classmethod
    def of(cls, extern: EngineGlobal) -> Self:
        """The API's object for one of the engine's."""
        self = cls.__new__(cls)
        self.extern = extern
        return self

    def __init__(
        self,
        type_: TypeName,
        value: object = _UNSET,
        *,
        mutable: bool = False,
        store: Store | None = None,
    ) -> None:
        of = valtype(type_)
        given = _DEFAULTS.get(of) if value is _UNSET else value
        self.extern = (store or current()).global_(GlobalType(of, mutable), given)

    @property
    def value(self) -> Any:
        """What it holds."""
        return self.extern.get()

    @value.setter
    def value(self, value: object) -> None:
        self.extern.set(value)

    @property
    def type(self) -> GlobalType:
        """Its type."""
        return self.extern.type

    def __repr__(self) -> str:
        return f"<Global {self.extern.type}>"


class Tag:
    """A kind of exception, by the types of the values that it carries."""

    __slots__ = ("extern",)
    extern: EngineTag

    @classmethod
    def of(cls, extern: EngineTag) -> Self:
        """The API's object for one of the engine's."""
        self = cls.__new__(cls)
        self.extern = extern
        return self

    def __init__(self, parameters: Sequence[TypeName] = (), *, store: Store | None = None) -> None:
        types = FuncType(tuple(valtype(one) for one in parameters))
        self.extern = (store or current()).tag(types)

    def __repr__(self) -> str:
        return f"<Tag {self.extern.params}>"
