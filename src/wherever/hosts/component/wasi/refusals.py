"""Owns what is linked only to be refused: sockets and HTTP, each call naming the grant it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from wherever.errors import Denied

GRANTS = {"sockets": "--net HOST:PORT or --listen ADDR:PORT", "http": "--http ORIGIN"}


class Refusal:
    """An interface of which every function refuses, and every resource is never made."""

    def __init__(self, interface: str, package: str) -> None:
        self._interface = interface
        self._package = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name[:1].isupper():
            return _resource(self._interface, self._package, name)
        return refusing(f"{self._interface}#{name}", self._package)


def refusing(what: str, package: str) -> Callable[..., NoReturn]:
    """A function that refuses."""

    def refuse(*_: object) -> NoReturn:
        raise Denied(
            f"denied: the guest called {what}; the network was not granted and components cannot "
            f"use it yet; {GRANTS[package]} will be the grant"
        )

    return refuse


class _Refusing(type):
    """The class of resources whose methods refuse."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return refusing(f"{cls.__qualname__}.{name}", cls.__module__)


_made: dict[tuple[str, str], type] = {}


def _resource(interface: str, package: str, name: str) -> type:
    key = (interface, name)
    if key not in _made:

        def new(cls: type, *_: object) -> NoReturn:
            refusing(f"{interface}.{cls.__name__}", package)()

        _made[key] = _Refusing(
            name,
            (),
            {"__new__": new, "__module__": package, "__qualname__": f"{interface}.{name}"},
        )
    return _made[key]
