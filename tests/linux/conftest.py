"""Owns the fixtures of the personality's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench_linux import Bench


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory that the guest sees as /work."""
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def guest(folder: Path) -> Bench:
    """A personality that has started."""
    return Bench(folder, ["/bin/prog", "one", "two"], {"PWD": "/work", "HOME": "/"})
