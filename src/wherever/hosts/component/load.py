"""Owns loading a component into this process: bytes and hosts in, a typed Python object out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from wherever.component.facts import Validated
from wherever.engine.engine import Engine
from wherever.engine.profile import Placement, Profile
from wherever.engine.store import Limits, Store
from wherever.hosts.component.census import Census, census
from wherever.hosts.component.codes import compiling
from wherever.hosts.component.face import Face
from wherever.hosts.component.host import link
from wherever.hosts.component.instantiate import Codes, World, instantiate
from wherever.hosts.component.python_types import PythonTypes
from wherever.hosts.component.runtime import Item

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

DEFAULT_MEMORY = 1 << 30
"""What all memories of a component may take together, if the caller says nothing."""


class LoadedComponent(Face):
    """A component instance: its exports are attributes, its interfaces attributes with theirs."""

    def __init__(
        self, world: World, validated: Validated, items: Mapping[str, Item], title: str
    ) -> None:
        frame, instance = instantiate(world, validated, None, items, "")
        super().__init__(world, frame.environment, validated.type.exports, instance.exports, title)
        self._validated = validated
        self._closing: list[Callable[[], object]] = []

    @property
    def wit(self) -> str:
        """The component's world."""
        from wherever.component.wit.document import show_component  # a run never asks for it

        return show_component(self._validated)

    def close(self) -> None:
        """End the instance and give its memory back; calls after this fail."""
        self._world.store.close()
        while self._closing:
            self._closing.pop()()

    def when_closed(self, call: Callable[[], object]) -> None:
        """Do this too when the instance is closed."""
        self._closing.append(call)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def load_component(
    source: bytes | str | Path,
    host: Mapping[str, Any] | None = None,
    *,
    memory: int = DEFAULT_MEMORY,
    engine: Engine | None = None,
    title: str = "component",
) -> LoadedComponent:
    """Load a component: validate it, link `host` to its imports, instantiate it.

    `host` maps import names to host objects. Nothing is granted by default: a component that
    imports what `host` does not give is refused, and the message names it.
    """
    from wherever.component.read import read_component
    from wherever.component.validate import validate

    if not isinstance(source, bytes):
        from pathlib import Path

        source = Path(source).read_bytes()
    return load_validated(
        validate(read_component(source)), host, memory=memory, engine=engine, title=title
    )


def load_validated(
    validated: Validated,
    host: Mapping[str, Any] | None = None,
    *,
    memory: int = DEFAULT_MEMORY,
    engine: Engine | None = None,
    codes: Codes | None = None,
    count: Census | None = None,
    title: str = "component",
    given: Mapping[tuple[str, str], object] | None = None,
    seconds: float | None = None,
    described: bool = True,
) -> LoadedComponent:
    """`load_component`, of a component that has been validated, perhaps compiled and counted.

    Loading it, and each call into it, may take `seconds`.
    """
    engine = engine or Engine.of(Profile(placement=Placement.DEMAND))
    types = PythonTypes(title, given)
    types.learn(iter(validated.type.imports.items()))
    types.learn(iter(validated.type.exports.items()))
    items = link(validated.type.imports, host or {}, types)
    count = count or census(validated)
    limits = Limits(
        memory=memory,
        memories=max(1, count.memories),
        tables=max(1, count.tables),
        instances=count.instances,
    )
    store = Store(engine, limits)
    world = World(engine, store, types, codes or compiling(engine))
    world.described = described
    if seconds is not None:
        world.begin = _clock(store, seconds)
    try:
        return LoadedComponent(world, validated, items, title)
    except BaseException:
        store.close()
        raise


def _clock(store: Store, seconds: float) -> Callable[[], None]:
    """What begins the time of a call; one inside another has the time that is left of it."""
    store.set_deadline(seconds)
    deadline = store.deadline
    assert deadline is not None
    inside = store.inside

    def begin() -> None:
        if not inside():
            deadline.at = monotonic() + seconds

    return begin
