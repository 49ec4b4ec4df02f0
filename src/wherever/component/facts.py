"""Owns what validation learns about each definition of a component: what running it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from wherever.component.syntax import Component
from wherever.component.types import AnyType, ComponentType, FuncType
from wherever.wasm import types as core


@dataclass(frozen=True, slots=True, eq=False)
class LiftFact:
    """A lifted function: its type, and that of the core function it calls."""

    type: FuncType
    core: core.FuncType


@dataclass(frozen=True, slots=True, eq=False)
class LowerFact:
    """A lowered function: its type, and that of the core function it becomes."""

    type: FuncType
    core: core.FuncType


@dataclass(frozen=True, slots=True, eq=False)
class BuiltinFact:
    """A canonical built-in's core type, and the type or resource that it works on."""

    core: core.FuncType
    type: AnyType | None = None


Fact: TypeAlias = object
"""What validation learned about a definition: its type, or one of the facts above."""


@dataclass(frozen=True, slots=True, eq=False)
class Validated:
    """A component that validates: its type, and a fact for each of its definitions."""

    component: Component
    type: ComponentType
    facts: tuple[Fact, ...]
