"""The wasi-testsuite for preview 1: every module, with the arguments and files it asks for."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from wherever.engine.engine import Engine
from wherever.engine.profile import Profile
from wherever.engine.store import Store
from wherever.hosts.wasi.command import run_command
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


@pytest.mark.parametrize("module", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_module_in_process(module: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    name = f"{module.parent.name}/{module.stem}"
    if name in EXPECTED_FAILURES:
        request.applymarker(pytest.mark.xfail(reason=EXPECTED_FAILURES[name]))
    description = module.with_suffix(".json")
    asked = json.loads(description.read_text()) if description.exists() else {}
    dirs: list[str] = []
    if "root" in asked:
        shutil.copytree(module.parent / asked["root"], tmp_path / "root", symlinks=True)
        dirs = [f"{tmp_path / 'root'}::/,rw"]
    out, err = CapturedOutput(), CapturedOutput()
    around = surroundings(
        Grants(dirs=dirs, env=asked.get("env", {})),
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
