"""Owns the errors of the API, each a member of one of the package's families."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wherever.engine.exceptions import GuestException
from wherever.engine.externs import Tag
from wherever.engine.instance import LinkFailure
from wherever.errors import GuestTrap, InvalidProgram, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherever.engine.values import ExnRef

__all__ = ["CompileError", "Exception", "LimitError", "LinkError", "RuntimeError", "translated"]


class Tagged(Protocol):
    """A tag of the API."""

    @property
    def extern(self) -> Tag:
        """The engine's."""
        ...


class CompileError(InvalidProgram):
    """The bytes are not a valid module."""


class LinkError(LinkFailure):
    """An import is missing, or does not match its type."""


class RuntimeError(GuestTrap):  # noqa: A001  # the specification's name
    """The guest trapped: `code` says why, `frames` where."""


class LimitError(LimitExceeded, RuntimeError):
    """A limit ended the guest: `limit` names it."""


class Exception(GuestException):  # noqa: A001  # the specification's name
    """An exception with a tag and a payload: raise it in a host function, catch it from a guest."""

    def __init__(
        self, tag: Tagged | Tag, payload: Sequence[object] = (), *, ref: ExnRef | None = None
    ) -> None:
        super().__init__(tag if isinstance(tag, Tag) else tag.extern, payload, ref=ref)

    def is_(self, tag: Tagged | Tag) -> bool:
        """Whether it was thrown with this tag."""
        return super().is_(tag if isinstance(tag, Tag) else tag.extern)

    def get_arg(self, tag: Tagged | Tag, index: int) -> Any:
        """One of its values; TypeError where the tag is another, IndexError beyond the last."""
        if not self.is_(tag):
            raise TypeError("the exception has another tag")
        return self.values[index]


def translated(error: BaseException) -> BaseException:
    """The API's error for one of the engine's; anything else as it is."""
    match error:
        case GuestException():
            return (
                error
                if isinstance(error, Exception)
                else Exception(error.tag, error.values, ref=error.ref)
            )
        case LimitError() | RuntimeError() | CompileError() | LinkError():
            return error
        case LimitExceeded():
            return LimitError(
                str(error),
                limit=error.limit,
                value=error.value,
                code=error.code,
                frames=error.frames,
            )
        case GuestTrap() if type(error) is GuestTrap:
            return RuntimeError(str(error), code=error.code, frames=error.frames)
        case LinkFailure():
            return LinkError(str(error))
        case InvalidProgram():
            return CompileError(str(error))
        case _:
            return error
