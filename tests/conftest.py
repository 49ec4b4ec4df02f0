"""What every room's tests share: the upstream suites, and whether to run them whole."""

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--whole",
        action="store_true",
        help="run the upstream suites whole (make conformance), not the sample of make test",
    )


@pytest.fixture(scope="session")
def whole(pytestconfig: pytest.Config) -> bool:
    """Is this the long run?"""
    return bool(pytestconfig.getoption("whole"))


def suites_folder() -> Path:
    """Where the upstream suites lie, whether they are there or not."""
    named = os.environ.get("WHEREVER_SUITES")
    return Path(named) if named else CHECKOUT.parent / "shared" / "suites"


@pytest.fixture(scope="session")
def suites() -> Path:
    """The upstream suites; the test is skipped where they are absent."""
    folder = suites_folder()
    if not folder.is_dir():
        pytest.skip(f"the upstream suites are not at {folder}: set WHEREVER_SUITES")
    return folder
