"""Is every public name exported from exactly one place, and is the root cheap to import?"""

import subprocess
import sys

import pytest

import wherever
from wherever import errors


def test_every_listed_name_resolves() -> None:
    for name in wherever.__all__:
        assert getattr(wherever, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        wherever.nonesuch  # noqa: B018  # the access is the test


def test_importing_the_root_imports_no_room() -> None:
    code = "import wherever, sys; print([m for m in sys.modules if m.startswith('wherever.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "['wherever.version']"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidProgram("x"), 65),
        (errors.Unsupported("x"), 69),
        (errors.Denied("x"), 77),
        (errors.GuestTrap("x"), 134),
        (errors.LimitExceeded("x", limit="time"), 124),
        (errors.LimitExceeded("x", limit="memory"), 137),
        (errors.InternalError("x"), 70),
    ],
)
def test_each_family_has_its_exit_status(error: errors.WhereverError, status: int) -> None:
    assert error.status == status
