"""Owns what is declared about an instruction: one value per encoding, collected in groups."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import TypeVar

from wherever.isa.encoding import Encoding, parse_diagram

__all__ = ["Flow", "Group", "Instruction", "Meaning", "Text"]

Meaning = Callable[..., None]
Text = str | Callable[[Mapping[str, int]], str]

_F = TypeVar("_F", bound=Meaning)


class Flow(enum.Enum):
    """What an instruction does to the flow of control; everything that ends a block is here."""

    NEXT = "next"  # goes on to the next instruction
    JUMP = "jump"
    BRANCH = "branch"  # jumps or goes on
    CALL = "call"
    JUMP_INDIRECT = "jump indirect"
    CALL_INDIRECT = "call indirect"
    RETURN = "return"
    SYSCALL = "syscall"
    TRAP = "trap"  # does not go on


@dataclass(frozen=True, slots=True, eq=False)
class Instruction:
    """One encoding of one instruction: everything that is known about it, said once.

    `arguments` are shift and mask of the fields that `meaning` takes, in its order. `meaning` is
    None for an instruction that is known by name only. `guard` says, of a word that the diagram
    accepts, whether it is allocated. `text` is a template, or gives one for the fields' values.
    """

    name: str
    group: str
    encoding: Encoding
    text: Text
    spec: str
    meaning: Meaning | None
    arguments: tuple[tuple[int, int], ...]
    examples: tuple[str, ...] = ()
    flow: Flow = Flow.NEXT
    target: str = ""
    feature: str = ""
    guard: Callable[..., bool] | None = None
    guard_arguments: tuple[tuple[int, int], ...] = ()

    def accepts(self, word: int) -> bool:
        """Whether `word` is this instruction, allocated."""
        if not self.encoding.accepts(word):
            return False
        if self.guard is None:
            return True
        return self.guard(*[(word >> shift) & mask for shift, mask in self.guard_arguments])

    def fields(self, word: int) -> dict[str, int]:
        """The fields of `word` by name."""
        return {field.name: field.of(word) for field in self.encoding.fields}


def _arguments(
    function: Callable[..., object], encoding: Encoding, skip: int
) -> tuple[tuple[int, int], ...]:
    if isinstance(function, FunctionType):  # all are; what `inspect` does takes ten times as long
        code = function.__code__
        names = code.co_varnames[skip : code.co_argcount]
    else:
        names = tuple(inspect.signature(function).parameters)[skip:]
    fields = [encoding.field(name) for name in names]
    return tuple((field.shift, (1 << field.width) - 1) for field in fields)


class Group:
    """The instructions of one section of the manual, in the order in which they are declared."""

    def __init__(self, title: str, spec: str, feature: str = "") -> None:
        self.title = title
        self.spec = spec
        self.feature = feature
        self.instructions: list[Instruction] = []

    def instruction(
        self,
        diagram: str | Iterable[str],
        *,
        name: str,
        asm: Text | None = None,
        spec: str = "",
        examples: Iterable[str] = (),
        flow: Flow = Flow.NEXT,
        target: str = "",
        feature: str = "",
        where: Callable[..., bool] | None = None,
    ) -> Callable[[_F], _F]:
        """Declare an instruction: the decorated function is its meaning.

        The function takes the machine and then fields of the diagram by their names in lower
        case. Several diagrams share one meaning.
        """

        def declare(function: _F) -> _F:
            diagrams = [diagram] if isinstance(diagram, str) else list(diagram)
            for number, one in enumerate(diagrams):
                encoding = parse_diagram(one)
                self.instructions.append(
                    Instruction(
                        name=name,
                        group=self.title,
                        encoding=encoding,
                        text=name if asm is None else asm,
                        spec=f"{self.spec} {spec}".strip(),
                        meaning=function,
                        arguments=_arguments(function, encoding, 1),
                        examples=tuple(
                            example
                            for example in examples
                            if len(diagrams) == 1 or _is_example_of(example, diagrams, number)
                        ),
                        flow=flow,
                        target=target,
                        feature=feature or self.feature,
                        guard=where,
                        guard_arguments=() if where is None else _arguments(where, encoding, 0),
                    )
                )
            return function

        return declare

    def named_only(self, diagram: str, *, name: str, feature: str) -> None:
        """Declare encodings that are recognised, by the name of their feature, and not executed."""
        self.instructions.append(
            Instruction(
                name=name,
                group=self.title,
                encoding=parse_diagram(diagram),
                text=name,
                spec=self.spec,
                meaning=None,
                arguments=(),
                feature=feature,
            )
        )


def _is_example_of(example: str, diagrams: list[str], number: int) -> bool:
    return parse_diagram(diagrams[number]).accepts(int(example.split()[0], 16))
