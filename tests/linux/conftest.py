"""Owns the fixtures of the personality's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench_linux import TARGETS, Bench, Hosted, bench


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory that the guest sees as /work."""
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture(params=TARGETS)
def guest(folder: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A personality that has started, under each host."""
    made = bench(request.param, folder)
    yield made
    if isinstance(made, Hosted):
        made.close()
