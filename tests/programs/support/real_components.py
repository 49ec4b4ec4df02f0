"""Owns loading what builds the real components, a program beside their sources, as a module."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

__all__ = ["builder"]

_BUILD = Path(__file__).parents[1] / "component" / "real" / "build.py"


def builder() -> ModuleType:
    """`component/real/build.py`: where each component is, and how it is made."""
    spec = importlib.util.spec_from_file_location("build_components", _BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
