"""Owns the build hook: a wheel holds the Linux personality, compiled by the ziglang package."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCES = Path(__file__).parent / "src"


class Personality(BuildHookInterface):  # type: ignore[type-arg]  # hatchling is untyped here
    """Builds `wherever/linux/built/*.wasm`; `make setup` does so by itself for a checkout."""

    def _later(self) -> bool:
        return os.environ.get("WHEREVER_PERSONALITY") == "later"

    def dependencies(self) -> list[str]:
        """The compiler, unless the caller builds the personality by itself afterwards."""
        return [] if self._later() else ["ziglang==0.17.0"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not current, and put it into the wheel."""
        if self._later():
            return
        sys.path.insert(0, str(_SOURCES))
        try:
            from wherever.linux.build import main  # the package being built

            main()
        finally:
            sys.path.remove(str(_SOURCES))
        if version != "editable":
            build_data["artifacts"].append("src/wherever/linux/built/*.wasm")
