"""Owns what the host gives to a component: a class per interface, checked against the world.

A host is an object (an instance, a module, a namespace) with one callable per function, in snake
case, and one class per resource, in Pascal case. What is missing or cannot take the arguments is
refused when the component is linked, with both signatures, not when the guest happens to call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from wherever.component import names
from wherever.component import types as ct
from wherever.component.canonical.context import ResourceType
from wherever.component.naming import method, pascal, snake
from wherever.component.wit.show import show_func
from wherever.errors import Denied, WhereverError
from wherever.hosts.component.python_types import PythonTypes
from wherever.hosts.component.runtime import (
    Environment,
    HostItem,
    InstanceItem,
    Item,
    TypeItem,
    bind,
)


class LinkError(WhereverError, TypeError):
    """What the host gives does not fit what the component imports."""

    exit_status = 65


def find(name: str, hosts: Mapping[str, Any]) -> Any:
    """The host object for the import `name`: the same name, or a semver-compatible version."""
    if name in hosts:
        return hosts[name]
    try:
        parsed = names.parse_extern_name(name)
    except names.BadName:
        return None
    if not isinstance(parsed, names.InterfaceName):
        return hosts.get(snake(name))
    best: tuple[names.Version, Any] | None = None
    for given, host in hosts.items():
        try:
            other = names.parse_extern_name(given)
        except names.BadName:
            continue
        if not isinstance(other, names.InterfaceName):
            continue
        if str(other) == f"{parsed.namespace}:{parsed.package}/{parsed.interface}":
            return host  # given without a version: any
        version = other.version
        if version is None or other.track != parsed.track:
            continue
        if best is None or version > best[0]:
            best = (version, host)
    return best[1] if best is not None else None


def link(
    imports: Mapping[str, ct.ExternType],
    hosts: Mapping[str, Any],
    types: PythonTypes,
) -> dict[str, Item]:
    """An item for every import of a root component."""
    linker = _Linker(types)
    items: dict[str, Item] = {}
    for name, extern in imports.items():
        host = find(name, hosts)
        items[name] = linker.item(name, name, extern, host)
    return items


class _Linker:
    def __init__(self, types: PythonTypes) -> None:
        self.types = types
        self.environment: Environment = {}

    def item(self, path: str, name: str, extern: ct.ExternType, host: Any) -> Item:
        match extern:
            case ct.InstanceType(exports):
                if host is None:
                    raise Denied(
                        f"denied: the component imports {path}, and nothing was given for it; "
                        f"pass a host object, load(..., host={{{path!r}: ...}})"
                    )
                return self.instance(path, exports, host)
            case ct.FuncType():
                if host is None:
                    raise Denied(
                        f"denied: the component imports the function {path}, and nothing was given "
                        f"for it; pass a callable, load(..., host={{{path!r}: ...}})"
                    )
                return self.function(path, name, extern, host, host)
            case ct.TypeBound(ct.ResourceType() as t):
                item = self.resource(path, t, host)
                bind(self.environment, extern, item)
                return item
            case ct.TypeBound():
                return TypeItem(None)
            case _:
                raise LinkError(
                    f"import {path} is a {ct.describe(extern)}: a host can give functions, types "
                    "and instances of them"
                )

    def instance(self, path: str, exports: Mapping[str, ct.ExternType], host: Any) -> InstanceItem:
        items: dict[str, Item] = {}
        for name, extern in exports.items():
            where = f"{path}#{name}"
            match extern:
                case ct.FuncType():
                    items[name] = self.function(where, name, extern, None, host)
                case ct.TypeBound(ct.ResourceType()):
                    items[name] = self.item(where, name, extern, _get(host, pascal(name)))
                case _:
                    items[name] = self.item(where, name, extern, _get(host, snake(name)))
        return InstanceItem(items)

    def resource(self, path: str, t: ct.ResourceType, host: Any) -> TypeItem:
        known = self.environment.get(t.resource)
        if known is not None:
            return TypeItem(known)
        if host is not None and not isinstance(host, type):
            raise LinkError(f"{path} is a resource: the host must give a class, not {host!r}")
        made = ResourceType(t.resource.name or path, None, None, _closer(host))
        if host is not None:
            self.types.host_classes[made] = host
        return TypeItem(made)

    def function(self, path: str, name: str, ft: ct.FuncType, direct: Any, host: Any) -> HostItem:
        function = direct if direct is not None else self.member(path, name, ft, host)
        if not callable(function):
            raise LinkError(
                f"{path}: the component imports\n    {show_func(name, ft)}\n"
                f"and the host gives {function!r}, which cannot be called"
            )
        self.fits(path, name, ft, function)
        return HostItem(function, ft, self.environment, path)

    def member(self, path: str, name: str, ft: ct.FuncType, host: Any) -> Callable[..., Any]:
        parsed = names.parse_extern_name(name)
        match parsed:
            case names.Constructor(resource):
                wanted, found = pascal(resource), _get(host, pascal(resource))
            case names.Method(resource, label) | names.Static(resource, label):
                wanted = f"{pascal(resource)}.{method(label)}"
                found = _get(_get(host, pascal(resource)), method(label))
            case _:
                wanted, found = snake(name), _get(host, snake(name))
        if found is None:
            params = ", ".join(snake(p) for p, _ in ft.params)
            raise LinkError(
                f"{path}: the component imports\n    {show_func(name, ft)}\nand the host "
                f"{_title(host)} has no {wanted}; give it\n    def {wanted}({params})"
            )
        return found  # type: ignore[no-any-return]

    def fits(self, path: str, name: str, ft: ct.FuncType, function: Callable[..., Any]) -> None:
        """Refuse a callable that cannot take the arguments."""
        if _plainly_takes(function, len(ft.params)):
            return
        import inspect

        try:
            signature = inspect.signature(function)
        except (ValueError, TypeError):
            return  # built-ins do not say
        try:
            signature.bind(*[None] * len(ft.params))
        except TypeError as error:
            raise LinkError(
                f"{path}: the component imports\n    {show_func(name, ft)}\nand the host gives\n"
                f"    {getattr(function, '__qualname__', function)}{signature}\n"
                f"which cannot take {len(ft.params)} arguments: {error}"
            ) from None


def _get(host: Any, name: str) -> Any:
    if host is None:
        return None
    if isinstance(host, Mapping):
        return host.get(name)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return getattr(host, name, None)


def _title(host: Any) -> str:
    return host.__name__ if isinstance(host, type) else type(host).__name__


def _closer(host: Any) -> Callable[[object], None] | None:
    """What to do with an object of the host that no guest owns any more."""
    close: Callable[[object], None] | None = getattr(host, "__drop__", None)
    return close


_MORE = 0x04  # CO_VARARGS: it takes any number


def _plainly_takes(function: Any, count: int) -> bool:
    """Does what is called say in its code that it takes `count` arguments? `inspect` is slow.

    A confined worker could not load it either; what its own hosts give is plain.
    """
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    bound = 1
    made: Any = function  # what it turns out to be says too little, or too much
    if isinstance(function, type):
        if type(made).__call__ is not type.__call__:
            return False
        new = made.__new__
        function = made.__init__ if new is object.__new__ else new
    elif hasattr(function, "__func__"):
        function = function.__func__
    elif hasattr(function, "__code__"):
        bound = 0
    else:
        kind = cast("Any", type)(made)
        function = getattr(kind, "__call__", None)  # noqa: B004  # its code is wanted
    code = getattr(function, "__code__", None)
    if code is None or code.co_kwonlyargcount:
        return False
    most = code.co_argcount - bound
    least = most - len(function.__defaults__ or ())
    return bool(least <= count and (count <= most or code.co_flags & _MORE))
