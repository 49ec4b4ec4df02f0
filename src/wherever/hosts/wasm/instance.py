"""Owns Instance: finding the store, linking Python values to imports, exports as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from wherever.engine.externs import Extern, Func, func_of, handle_of
from wherever.engine.externs import Global as EngineGlobal
from wherever.engine.externs import Memory as EngineMemory
from wherever.engine.externs import Table as EngineTable
from wherever.engine.externs import Tag as EngineTag
from wherever.engine.hostcalls import HostFunc
from wherever.engine.instance import instantiate_alone
from wherever.engine.outline import TagItem
from wherever.errors import GuestTrap, WhereverError
from wherever.hosts.wasm.errors import LinkError, translated
from wherever.hosts.wasm.objects import Global, Memory, Table, Tag
from wherever.hosts.wasm.realm import AsyncRealm, Realm
from wherever.wasm.types import FuncType, GlobalType, MemoryType, NumType, TableType, VecType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wherever.engine.instance import Instance as EngineInstance
    from wherever.engine.outline import ExportItem, ImportItem
    from wherever.engine.state import StoreState
    from wherever.engine.store import Store
    from wherever.hosts.wasm.module import Module

__all__ = ["Exports", "Imports", "Instance", "Suspending", "instantiate_async"]

Imports: TypeAlias = "Mapping[str, Mapping[str, object] | Exports]"


class Suspending:
    """Marks a host function that returns an awaitable: the guest waits for it.

    An instance with such an import is made by `instantiate_async`, and its exported functions are
    awaited.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


class Exports:
    """An instance's exports, as attributes and by name."""

    # What was looked up as an attribute is one from then on: a name that a class has of its own is
    # never looked up, and stays what it is.
    __slots__ = ("__dict__", "_instance")
    _instance: EngineInstance

    def __init__(self, instance: EngineInstance) -> None:
        _set_instance(self, instance)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("exports are what the module says: nothing can be put among them")

    def __getitem__(self, name: str) -> Any:
        found = self.__dict__.get(name)
        if found is None:
            instance = self._instance
            item = instance.code.outline.exports.get(name)
            if item is None:
                raise KeyError(_absent(self, name))
            found = self.__dict__[name] = _exported(instance, item)
        return found

    def __getattr__(self, name: str) -> Any:
        instance = self._instance
        item = instance.code.outline.exports.get(name)
        if item is None:
            raise AttributeError(_absent(self, name))
        found = self.__dict__[name] = _exported(instance, item)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._instance)

    def __len__(self) -> int:
        return len(self._instance)

    def __contains__(self, name: object) -> bool:
        return name in self._instance.code.outline.exports

    def __dir__(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"<Exports {', '.join(self)}>"


_set_instance = vars(Exports)["_instance"].__set__


def _absent(exports: Exports, name: str) -> str:
    return f"the instance exports no {name!r}; it exports {', '.join(exports) or 'nothing'}"


class Instance:
    """A module linked to its imports: functions and objects under `exports`."""

    __slots__ = ("_made", "exports", "module", "store")

    def __init__(
        self, module: Module, imports: Imports | None = None, *, store: Realm | None = None
    ) -> None:
        try:
            if store is None and not module.outline.imports:
                code = module.best
                where = Realm(code.engine)
                made = instantiate_alone(where, code)
            else:
                given = _values(module, imports or {})
                where = _store(module, given, store)
                made = where.instantiate(module.code(where.engine), _linked(given, where))
        except WhereverError as error:
            raise translated(error) from error.__cause__
        self.module = module
        self.store: Store = where
        self._made = made
        self.exports = Exports(made)

    @classmethod
    def of(cls, module: Module, made: EngineInstance, store: Store) -> Instance:
        """The instance that was made elsewhere."""
        self = cls.__new__(cls)
        self.module = module
        self.store = store
        self._made = made
        self.exports = Exports(made)
        return self

    def core_dump(self, error: GuestTrap | None = None) -> bytes:
        """The instance as it is now, as a core dump that debuggers of WebAssembly read.

        With the error that a call raised, its stack is in it. Memories and globals are those that
        the module exports; what is not in it is listed in the section `wherever.absent`.

            except webassembly.RuntimeError as error:
                Path("core.wasm").write_bytes(instance.core_dump(error))
        """
        from wherever.engine.coredump import core_dump

        return core_dump(self._made, error)

    def __repr__(self) -> str:
        return f"<Instance of {self.module!r}>"


async def instantiate_async(
    module: Module, imports: Imports | None = None, *, seconds: float | None = None
) -> Instance:
    """An instance whose host functions may suspend it: coroutine functions, or `Suspending`.

    Every exported function returns an awaitable. `seconds` is how long the guest may run from now.
    """
    given = _values(module, imports or {})
    store = AsyncRealm(module.best.engine)
    if seconds is not None:
        store.set_deadline(seconds)
    try:
        made = await store.instantiate_async(module.code(store.engine), _linked(given, store))
    except WhereverError as error:
        raise translated(error) from error.__cause__
    return Instance.of(module, made, store)


_Given: TypeAlias = "list[tuple[ImportItem, object]]"


def _values(module: Module, imports: Imports) -> _Given:
    _require_subscriptable(imports, "imports are a mapping of modules to mappings of names")
    given: _Given = []
    for item in module.outline.imports:
        where = f"import {item.module!r} {item.name!r} of type {item.type} was not given"
        try:
            space = imports[item.module]
        except KeyError:
            raise LinkError(f"{where}: the imports have no {item.module!r}") from None
        _require_subscriptable(space, f"the imports of module {item.module!r} are a mapping")
        try:
            value = space[item.name]
        except KeyError:
            raise LinkError(where) from None
        given.append((item, value))
    return given


def _require_subscriptable(value: object, what: str) -> None:
    given = type(value)
    if not hasattr(given, "__getitem__") or issubclass(given, str | bytes | list | tuple):
        raise TypeError(f'{what}, as in {{"env": {{"log": print}}}}, and not {given.__name__}')


def _bound(value: object) -> StoreState | None:
    """The store that an object cannot leave."""
    if isinstance(value, Memory | Table | Global | Tag):
        return value.extern.store
    return None


def _store(module: Module, given: _Given, wanted: Realm | None) -> Realm:
    stores: list[StoreState] = [wanted] if wanted is not None else []
    for item, value in given:
        store = _bound(value)
        if store is not None and store not in stores:
            if stores:
                raise LinkError(
                    f"import {item.module!r} {item.name!r} belongs to another store than the other "
                    "imports: make them all with the same store=webassembly.Store()"
                )
            stores.append(store)
    if not stores:
        for _, value in given:
            handle = handle_of(value)
            if handle is not None and isinstance(handle.store, Realm):
                stores.append(handle.store)
                break
    if stores:
        store = stores[0]
        if not isinstance(store, Realm):
            raise LinkError("an import belongs to a store of guests that wait")
        return store
    return Realm(module.best.engine)


def _linked(given: _Given, store: Store) -> dict[tuple[str, str], Extern | HostFunc]:
    return {(item.module, item.name): _link(item, value, store) for item, value in given}


def _link(item: ImportItem, value: object, store: Store) -> Extern | HostFunc:
    where = f"import {item.module!r} {item.name!r}"
    match item.type:
        case FuncType():
            return _function(item, item.type, value, store, where)
        case MemoryType() if isinstance(value, Memory):
            return value.extern
        case TableType() if isinstance(value, Table):
            return value.extern
        case TagItem() if isinstance(value, Tag):
            return value.extern
        case GlobalType() if isinstance(value, Global):
            return value.extern
        case GlobalType() if not item.type.mutable and (
            isinstance(item.type.value, NumType | VecType) is isinstance(value, int | float | bytes)
        ):
            try:
                return store.global_(item.type, value)
            except (TypeError, OverflowError, ValueError) as error:
                raise LinkError(f"{where}: {error}") from None
        case _:
            raise LinkError(f"{where} is {item.type}, not {type(value).__name__}")


def _function(
    item: ImportItem, type_: FuncType, value: object, store: Store, where: str
) -> Extern | HostFunc:
    handle = handle_of(value)
    if handle is not None and handle.store is store:
        return func_of(handle)
    if isinstance(value, Suspending):
        return HostFunc(type_, value.function, name=item.name, suspends=True)
    if not callable(value):
        raise LinkError(f"{where} is {type_}: a callable is needed, not {type(value).__name__}")
    if handle is not None and handle.type is not None and handle.type != type_:
        raise LinkError(f"{where} is {type_}, and {handle.name} is {handle.type}")
    # A guest's function of another store is called as any other Python callable.
    code = getattr(value, "__code__", None)
    suspends = code is not None and bool(code.co_flags & _CO_COROUTINE)
    return HostFunc(type_, value, name=item.name, suspends=suspends)


_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect


def _exported(instance: EngineInstance, item: ExportItem) -> Any:
    store = instance.store
    waits = isinstance(store, AsyncRealm)
    if not waits and isinstance(item.type, FuncType):
        return instance.callable(item, item.type)
    extern = instance[item.name]
    match extern:
        case Func():
            return _awaited(store, extern) if isinstance(store, AsyncRealm) else extern.call
        case EngineMemory():
            return Memory.of(extern)
        case EngineTable():
            return Table.of(extern)
        case EngineGlobal():
            return Global.of(extern)
        case EngineTag():
            return Tag.of(extern)


def _awaited(store: AsyncRealm, func: Func) -> Callable[..., Any]:
    async def guest(*args: object) -> Any:
        return await store.call_async(func, *args)

    guest.__name__ = guest.__qualname__ = func.name
    guest.__doc__ = f"{func.name} {func.type}"
    return guest
