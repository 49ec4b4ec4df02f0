"""Owns the build hook: what a wheel holds that is compiled by the ziglang package.

That is the Linux personality, and, in a wheel for one kind of Python, the translator's hot rooms as
machine code (ADR 0045). Where those cannot be compiled, or WHEREVER_COMPILED=no says so, the wheel
is for every platform. An editable install has neither machine code nor, with
WHEREVER_PERSONALITY=later, a personality: `make setup` and `make compiled` build them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCES = Path(__file__).parent / "src"


class Compiled(BuildHookInterface):  # type: ignore[type-arg]  # hatchling is untyped here
    """Builds `wherever/linux/built/*.wasm` and `wherever/aot/built/KIND/DIGEST/*.so`."""

    def _later(self) -> bool:
        return os.environ.get("WHEREVER_PERSONALITY") == "later"

    def dependencies(self) -> list[str]:
        """The compilers, unless the caller builds the personality by itself afterwards."""
        if self._later():
            return []
        sys.path.insert(0, str(_SOURCES))
        try:
            from wherever.aot.compiled import TOOLS  # of the package being built

            return list(TOOLS)
        finally:
            sys.path.remove(str(_SOURCES))

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not current, and put it into the wheel."""
        if self._later():
            return
        sys.path.insert(0, str(_SOURCES))
        try:
            from wherever.linux.build import main

            main()
            if version != "editable":
                build_data["artifacts"].append("src/wherever/linux/built/*.wasm")
                self._machine_code(build_data)
        finally:
            sys.path.remove(str(_SOURCES))

    def _machine_code(self, build_data: dict[str, Any]) -> None:
        from wherever.aot.build import main, platform_tag
        from wherever.aot.compiled import State, current, kind, state
        from wherever.errors import Unsupported

        try:
            main()
        except Unsupported as error:
            self.app.display_warning(f"a wheel without machine code: {error}")
            return
        if state() is not State.COMPILED:
            self.app.display_warning(f"a wheel without machine code: {state().value}")
            return
        folder = Path(kind(), current()).relative_to(Path(__file__).parent)
        build_data["artifacts"].append(f"{folder.as_posix()}/*.so")
        build_data["pure_python"] = False
        tag = platform_tag()
        if tag is None:
            build_data["infer_tag"] = True
        else:
            python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
            build_data["tag"] = f"{python}-{python}-{tag}"
