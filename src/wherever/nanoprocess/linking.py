"""Owns the refusal of imports that no host here offers, all of them named at once."""

from __future__ import annotations

from wherever.errors import Unsupported
from wherever.hosts.linux import table as linux
from wherever.hosts.wasi.table import FUNCTIONS, MODULE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.engine.outline import Outline

__all__ = ["require_known_imports"]

_SHOWN = 8


def require_known_imports(outline: Outline) -> None:
    """Raise `Unsupported` for imports that no host here offers."""
    unknown = [
        f"{item.module} {item.name} {item.type}"
        for item in outline.imports
        if not (item.module == MODULE and item.name in FUNCTIONS)
        and not (item.module == linux.MODULE and item.name in linux.FUNCTIONS)
    ]
    if unknown:
        more = f"; and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise Unsupported(
            f"the program imports what no host here offers: {'; '.join(unknown[:_SHOWN])}{more}\n"
            f"known: the functions of {MODULE}; wherever inspect shows every import"
        )
