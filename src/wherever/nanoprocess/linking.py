"""Owns linking: which host functions a module's imports get, and the refusal of those we lack."""

from __future__ import annotations

from wherever.engine.externs import Memory
from wherever.engine.hostcalls import HostFunc
from wherever.errors import Unsupported
from wherever.hosts.wasi.binding import bind
from wherever.hosts.wasi.table import FUNCTIONS, MODULE
from wherever.wasm.types import I32, I64, FuncType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherever.engine.instance import Instance
    from wherever.engine.outline import Outline
    from wherever.hosts.wasi.run import Preview1

__all__ = ["LateMemory", "require_known_imports", "wasi_imports"]

_TYPES = {"i32": I32, "i64": I64}


class LateMemory:
    """The guest's memory, known once its instance is; empty before."""

    __slots__ = ("_memories", "_memory")

    def __init__(self) -> None:
        self._memory: Memory | None = None
        self._memories: list[Memory] = []

    def of(self, instance: Instance) -> None:
        """Take the instance's memories; WASI uses the one exported as "memory"."""
        found = [(name, instance[name]) for name in instance]
        self._memories = [extern for _, extern in found if isinstance(extern, Memory)]
        exported = instance.get("memory")
        self._memory = exported if isinstance(exported, Memory) else None

    def view(self) -> memoryview:
        """All of the memory as it is now."""
        memory = self._memory
        return memoryview(bytearray()) if memory is None else memory.view()

    def peak(self) -> int:
        """Bytes of all exported memories; they never shrink."""
        return sum(memory.refresh() for memory in self._memories)


def wasi_imports(outline: Outline, host: Preview1) -> dict[tuple[str, str], HostFunc]:
    """A host function for each import of the module; `Unsupported` names those we lack."""
    require_known_imports(outline)
    found: dict[tuple[str, str], HostFunc] = {}
    for item in outline.imports:
        function = FUNCTIONS[item.name]
        params = tuple(_TYPES[word] for word in function.signature)
        results = tuple(_TYPES[word] for word in function.results)
        found[item.module, item.name] = HostFunc(
            FuncType(params, results), bind(host, function), name=item.name, unsigned=True
        )
    return found


def require_known_imports(outline: Outline) -> None:
    """Raise `Unsupported`, naming them, for imports that no host here offers."""
    unknown = [
        f"{item.module} {item.name} {item.type}"
        for item in outline.imports
        if item.module != MODULE or item.name not in FUNCTIONS
    ]
    if unknown:
        shown = "; ".join(unknown[:8]) + (f"; and {len(unknown) - 8} more" * (len(unknown) > 8))
        raise Unsupported(
            f"the program imports what no host here offers: {shown}\n"
            f"known: the functions of {MODULE}; wherever inspect shows every import"
        )
