"""Granted directories in every mode and with every resolver, beside a secret not granted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherever.policy import Audit
from wherever.system.beneath import KernelResolver, Resolver, WalkResolver
from wherever.system.decisions import Decisions
from wherever.system.handles import Directory
from wherever.system.host_directory import grant_host_directory
from wherever.system.kernel import HAS_OPENAT2
from wherever.system.overlay import grant_overlay

SECRET = b"the secret"
Grant = Callable[..., Directory]

KERNEL = pytest.param(
    "kernel", marks=pytest.mark.skipif(not HAS_OPENAT2, reason="this kernel has no openat2(2)")
)


@pytest.fixture(params=[KERNEL, "walk"])
def resolver(request: pytest.FixtureRequest) -> Resolver:
    return KernelResolver() if request.param == "kernel" else WalkResolver()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """tmp_path/granted is granted; tmp_path/secret and tmp_path/outside/secret are not."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    granted = tmp_path / "granted"
    (granted / "sub" / "deeper").mkdir(parents=True)
    (granted / "file").write_bytes(b"hello")
    (granted / "sub" / "inner").write_bytes(b"inner")
    return granted


@pytest.fixture
def audit() -> Audit:
    return Audit()


@pytest.fixture
def grant(resolver: Resolver, audit: Audit) -> Iterator[Grant]:
    """Grants a directory of the host: `grant(path, "rw")`."""
    made: list[Directory] = []

    def make(path: Path, mode: str = "rw", guest: bytes = b"/data") -> Directory:
        decisions = Decisions(audit)
        directory: Directory
        if mode == "overlay":
            directory = grant_overlay(path, guest, decisions, resolver=resolver)
        else:
            directory = grant_host_directory(
                path,
                writable=mode == "rw",
                guest_path=guest,
                resolver=resolver,
                decisions=decisions,
            )
        made.append(directory)
        return directory

    yield make
    for directory in made:
        directory.close()


@pytest.fixture(params=["ro", "rw", "overlay"])
def granted(request: pytest.FixtureRequest, grant: Grant, place: Path) -> Directory:
    """The directory in each mode."""
    return grant(place, request.param)


@pytest.fixture(params=["rw", "overlay"])
def writable(request: pytest.FixtureRequest, grant: Grant, place: Path) -> Directory:
    """The directory in each mode in which a guest can change it."""
    return grant(place, request.param)
