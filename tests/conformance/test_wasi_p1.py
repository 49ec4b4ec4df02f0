"""The wasi-testsuite for preview 1: every module, with the arguments and files it asks for."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from wherever.engine.engine import Engine
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.hosts.wasi.command import run_command
from wherever.nanoprocess.running import run
from wherever.policy import Audit, Grants
from wherever.system.streams import BytesInput, CapturedOutput
from wherever.system.surroundings import surroundings

HERE = Path(__file__).resolve().parents[2]
SUITE = Path(os.environ.get("WHEREVER_SUITES", HERE.parent / "shared" / "suites")) / "wasi"
MODULES = sorted(SUITE.glob("wasm32-wasip1/*/*.wasm"))

# module -> why it does not pass yet. Strict: one that passes must leave this list.
EXPECTED_FAILURES: dict[str, str] = {}


def test_the_suite_is_whole() -> None:
    if not MODULES:
        pytest.skip(f"no wasi-testsuite in {SUITE}; set WHEREVER_SUITES")
    assert len(MODULES) == 72


each_module = pytest.mark.parametrize(
    "module", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)


def asked_of(module: Path, place: Path) -> tuple[dict[str, Any], Grants]:
    """What the module's description asks for, and the grants that give it."""
    description = module.with_suffix(".json")
    asked = json.loads(description.read_text()) if description.exists() else {}
    dirs: list[str] = []
    if "root" in asked:
        shutil.copytree(module.parent / asked["root"], place / "root", symlinks=True)
        dirs = [f"{place / 'root'}::/,rw"]
    return asked, Grants(dirs=dirs, env=asked.get("env", {}))


@pytest.fixture(autouse=True)
def _expected_failure(request: pytest.FixtureRequest) -> None:
    module = getattr(request.node, "callspec", None) and request.node.callspec.params.get("module")
    name = f"{module.parent.name}/{module.stem}" if module else ""
    if name in EXPECTED_FAILURES:
        request.applymarker(pytest.mark.xfail(reason=EXPECTED_FAILURES[name]))


@each_module
def test_module_in_a_worker(module: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Every module with --whole; otherwise one in six, for a worker compiles anew."""
    if not request.config.getoption("--whole") and MODULES.index(module) % 6:
        pytest.skip("one in six; --whole runs all in workers too")
    asked, grants = asked_of(module, tmp_path)
    result = run(module, asked.get("args", []), grants=grants)
    assert result.exit_code == asked.get("exit_code", 0), bytes(result.stderr).decode()[-500:]
    if "stdout" in asked:
        assert bytes(result.stdout).decode() == asked["stdout"]


@each_module
def test_module_in_process(module: Path, tmp_path: Path) -> None:
    asked, grants = asked_of(module, tmp_path)
    out, err = CapturedOutput(), CapturedOutput()
    around = surroundings(
        grants,
        arguments=[module.name, *asked.get("args", [])],
        streams=(BytesInput(b""), out, err),
        audit=Audit(),
    )
    engine = Engine.of(Profile())
    with Store(engine) as store:
        status = run_command(store, engine.compile(module.read_bytes()), around)
    around.close()
    assert status == asked.get("exit_code", 0), bytes(err.data).decode()[-500:]
    if "stdout" in asked:
        assert bytes(out.data).decode() == asked["stdout"]
