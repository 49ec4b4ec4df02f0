"""Owns the import hook: `import lib` finds `lib.wasm`, for listed packages, with no grants.

Off until `enable_imports` is called. The finder stands after all others, so it never takes a name
that Python finds by itself, and it looks for nothing that is not on its list: a `.wasm` file that
somebody drops beside a program is not code until the program says so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self, cast

from wherever.errors import WhereverError
from wherever.hosts.component.load import LoadedComponent
from wherever.nanoprocess.loading import load
from wherever.policy import Limits

__all__ = ["ImportHook", "enable_imports"]

_SUFFIX = ".wasm"


def enable_imports(
    packages: Iterable[str] | Mapping[str, str | os.PathLike[str]], *, limits: Limits | None = None
) -> ImportHook:
    """Let `import` load components, for the packages listed and no others.

    `packages` are module names, looked for as `NAME.wasm` where Python would look for `NAME.py`, or
    a mapping of names to files. A component so imported has no grants: what it imports besides
    WASI is refused, and WASI gives it no directory, no environment and no streams. `limits` are as
    for `wherever.load`. Undone by `remove()`, or by leaving it as a context manager.

        wherever.enable_imports(["shapes"])
        import shapes
    """
    hook = ImportHook(packages, limits)
    sys.meta_path.append(hook)
    return hook


class ImportHook(MetaPathFinder):
    """Finds the listed packages; on `sys.meta_path` until `remove` is called."""

    def __init__(
        self,
        packages: Iterable[str] | Mapping[str, str | os.PathLike[str]],
        limits: Limits | None = None,
    ) -> None:
        if isinstance(packages, str):
            raise TypeError(f"packages must be a list of names: [{packages!r}]")
        self._files: dict[str, Path | None]
        if isinstance(packages, Mapping):
            files = cast("Mapping[str, str | os.PathLike[str]]", packages)
            self._files = {name: Path(file).absolute() for name, file in files.items()}
        else:
            self._files = dict.fromkeys(packages)
        for name in self._files:
            if not all(part.isidentifier() for part in name.split(".")):
                raise ValueError(f"{name!r} is no name that `import` could take")
        self._limits = limits

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a listed package is; None for any other name."""
        if fullname not in self._files:
            return None
        file = self._files[fullname] or _found(fullname, sys.path if path is None else path)
        if file is None or not file.is_file():
            return None
        return ModuleSpec(fullname, _Loader(self._limits), origin=str(file))

    def remove(self) -> None:
        """Find nothing any more; what was imported stays."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<ImportHook for {', '.join(self._files) or 'nothing'}>"


def _found(fullname: str, folders: Sequence[str]) -> Path | None:
    name = fullname.rpartition(".")[2] + _SUFFIX
    for folder in folders:
        file = Path(folder or ".") / name
        if file.is_file():
            return file.absolute()
    return None


class _Loader(Loader):
    def __init__(self, limits: Limits | None) -> None:
        self._limits = limits

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ComponentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        assert isinstance(module, ComponentModule)
        spec = module.__spec__
        assert spec is not None
        assert spec.origin is not None
        try:
            loaded = load(Path(spec.origin), limits=self._limits)
        except (WhereverError, OSError) as error:
            raise ImportError(
                f"component {spec.name} cannot be imported: {error}",
                name=spec.name,
                path=spec.origin,
            ) from error
        module.__file__ = spec.origin
        module.__doc__ = loaded.wit
        module.holds__(loaded)


class ComponentModule(ModuleType):
    """A component as a module: its exports are the module's names."""

    component__: LoadedComponent

    def holds__(self, loaded: LoadedComponent) -> None:
        """Take the names of what was loaded."""
        self.__dict__["component__"] = loaded
        self.__dict__["__all__"] = loaded.names__()

    def __getattr__(self, name: str) -> Any:
        loaded = self.__dict__.get("component__")
        if loaded is None or name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        try:
            value = getattr(loaded, name) if name in loaded.names__() else None
        except AttributeError:
            value = None
        if value is None:
            exported = ", ".join(loaded.names__()) or "nothing"
            raise AttributeError(
                f"module {self.__name__!r} has no attribute {name!r}; the component exports "
                f"{exported}"
            )
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        loaded = self.__dict__.get("component__")
        return sorted({*super().__dir__(), *(loaded.names__() if loaded is not None else ())})
