"""What the engine's tests start from: an engine, and stores that are closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.instance import Given, Instance
from wherever.engine.profile import Profile
from wherever.engine.store import Limits, Store

Load = Callable[..., Instance]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine.of(Profile())


@pytest.fixture
def store(engine: Engine) -> Iterator[Store]:
    store = Store(engine)
    yield store
    if not store.closed:
        store.close()


@pytest.fixture
def load(engine: Engine, store: Store) -> Load:
    """Instantiate a module given as text, with its imports."""

    def load(text: str, imports: Given | None = None, limits: Limits | None = None) -> Instance:
        where = store if limits is None else Store(engine, limits)
        return where.instantiate(engine.compile(wat2wasm(text)), imports)

    return load
