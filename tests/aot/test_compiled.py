"""Does the translator give the same as machine code, and is none used that is not of these sources?

`make compiled` builds it and runs this file; where it is not built, what needs it is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile_elf import LARGE_AND_STRANGE

from wherever.aot import compiled
from wherever.aot.apart import translate_apart
from wherever.aot.build import publish
from wherever.aot.compiled import MODULES, TOOLS, State, describe, state
from wherever.aot.pipeline import translate

ROOT = Path(__file__).parents[2]

machine_code = pytest.mark.skipif(
    state() is not State.COMPILED, reason=f"run `make compiled` first ({describe()})"
)


def in_python(code: str, **environment: str) -> str:
    """What a few lines print in an interpreter of their own."""
    command = [sys.executable, "-c", "from wherever.aot import compiled\n" + code]
    support = os.fspath(Path(__file__).with_name("support"))
    variables = {**os.environ, "PYTHONPATH": support, **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    return done.stdout.strip()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of one file a room, whose machine code is what a test puts there."""
    for room in ("ir", "isa/aarch64", "passes", "aot"):
        (tmp_path / room).mkdir(parents=True)
        (tmp_path / room / "one.py").write_text("ONE = 1\n", encoding="ascii")
    monkeypatch.setattr(compiled, "PACKAGE", os.fspath(tmp_path))
    monkeypatch.delenv("WHEREVER_COMPILED", raising=False)
    compiled.current.cache_clear()
    yield tmp_path
    compiled.current.cache_clear()


def put(text: str = "code") -> Path:
    """Publish machine code for the sources as they are now."""

    def fill(aside: Path) -> None:
        (aside / "one.so").write_text(text, encoding="ascii")

    folder = Path(compiled.kind(), compiled.current())
    publish(fill, folder)
    return folder


def test_machine_code_of_other_sources_is_not_used(house: Path) -> None:
    assert state() is State.ABSENT
    put()
    assert state() is State.COMPILED
    (house / "passes" / "one.py").write_text("ONE = 2\n", encoding="ascii")
    compiled.current.cache_clear()
    assert state() is State.STALE
    assert not compiled.use()
    (house / "passes" / "one.py").rename(house / "passes" / "two.py")
    compiled.current.cache_clear()
    assert state() is State.STALE


@pytest.mark.usefixtures("house")
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    monkeypatch.setenv("WHEREVER_COMPILED", "no")
    assert state() is State.OFF
    assert not compiled.use()
    assert describe() == "interpreted: WHEREVER_COMPILED=no"


def test_it_appears_whole_or_not_at_all(house: Path) -> None:
    old = put()
    (house / "ir" / "one.py").write_text("ONE = 3\n", encoding="ascii")
    compiled.current.cache_clear()

    def fails(aside: Path) -> None:
        (aside / "half.so").write_text("half", encoding="ascii")
        raise OSError("disk full")

    new = Path(compiled.kind(), compiled.current())
    with pytest.raises(OSError, match="disk full"):
        publish(fails, new)
    assert [path.name for path in new.parent.iterdir()] == [old.name]
    assert put("first") == new
    put("second")  # who comes second leaves the first one's
    assert (new / "one.so").read_text(encoding="ascii") == "first"
    assert [path.name for path in new.parent.iterdir()] == [new.name]


@pytest.mark.usefixtures("house")
def test_nothing_changes_once_a_hot_room_is_imported() -> None:
    put()
    assert not sys.modules.keys().isdisjoint(MODULES)
    before = list(sys.meta_path)
    assert not compiled.use()
    assert sys.meta_path == before


def test_the_tools_are_pinned_once() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(TOOLS) <= set(extras["optional-dependencies"]["dev"])


def test_every_compiled_module_has_a_source() -> None:
    for module in MODULES:
        assert (ROOT / "src" / f"{module.replace('.', '/')}.py").is_file()


@machine_code
def test_the_modules_are_machine_code_where_it_is_used() -> None:
    names = ", ".join(MODULES)
    shown = f"import {names}, sys\nprint({{sys.modules[m].__file__[-3:] for m in {MODULES!r}}})"
    assert in_python(f"print(compiled.use())\n{shown}") == "True\n{'.so'}"
    assert in_python(f"print(compiled.use())\n{shown}", WHEREVER_COMPILED="no") == "False\n{'.py'}"


@machine_code
@pytest.mark.parametrize("make", LARGE_AND_STRANGE)
@pytest.mark.parametrize("jobs", [1, 2])
def test_machine_code_gives_the_same_bytes(
    make: Callable[[], bytes], jobs: int, stub: bytes
) -> None:
    data = make()
    assert translate_apart(data, stub, jobs) == translate(data, stub).wasm


DEEP = """
import resource
from hostile_elf import branches_in_a_long_row, values_in_a_long_chain
from wherever.aot.apart import translate_apart
from wherever.errors import LimitExceeded
from wherever.linux.module import personality
soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
resource.setrlimit(resource.RLIMIT_STACK, (%s, %s))
try:
    print(len(translate_apart(%s, personality(), %d)) > 100_000)
except LimitExceeded as error:
    print(error.limit, str(error).partition(':')[0])
"""


@machine_code
@pytest.mark.parametrize(
    "make", ["branches_in_a_long_row(20_000)", "values_in_a_long_chain(200_000)"]
)
def test_code_that_nests_deep_is_translated(make: str) -> None:
    assert in_python(DEEP % ("min(soft, 1 << 20)", "hard", make, 2)) == "True"


@machine_code
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stack_that_overflows_is_one_clear_error(jobs: int) -> None:
    """Where the machine allows no larger stack; with two, whichever of them meets it."""
    said = in_python(DEEP % ("1 << 20", "1 << 20", "branches_in_a_long_row(20_000)", jobs))
    assert said == "stack translating overflowed the stack"
