"""Does a command component, CPython by componentize-py, get of WASI 0.2 what it was granted?

Beside it, where it is here, runs the wasmtime 49 command line with the same grants.
`make components` builds the program.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import real_components

import wherever
from wherever.policy.grammar import parse_words

PROGRAM: Path = real_components.builder().component("command")


@pytest.fixture(scope="module", autouse=True)  # before wasmtime compiles it
def asked_for(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--whole"):
        pytest.skip("18 MB: make components runs it")
    if not PROGRAM.exists():
        pytest.skip("make components builds it")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "in").write_text("grüße\n", encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def wasmtime(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[int, bytes]]:
    spec = importlib.util.find_spec("wasmtime_cli")
    if spec is None or spec.origin is None:
        pytest.skip("the wasmtime command line is not here")
    found = max(Path(spec.origin).parent.rglob("wasmtime*"), key=lambda path: path.stat().st_size)
    tool = tmp_path_factory.mktemp("wasmtime") / "wasmtime"
    shutil.copy(found, tool)
    tool.chmod(0o755)
    compiled = tool.with_name("command.cwasm")
    subprocess.run([tool, "compile", PROGRAM, "-o", compiled], check=True)

    def run(*words: object, stdin: bytes = b"") -> tuple[int, bytes]:
        *options, rest = words
        assert isinstance(rest, tuple)
        line = [tool, "run", "--allow-precompiled", *options, compiled, *rest]
        result = subprocess.run(line, input=stdin, capture_output=True, check=False)
        return result.returncode, result.stdout

    return run


def grants(data: Path) -> wherever.Grants:
    return parse_words([f"--dir={data}::/data,rw"]).grants


def test_files_clocks_and_streams_are_as_under_wasmtime(
    data: Path, wasmtime: Callable[..., tuple[int, bytes]]
) -> None:
    for words, stdin in (
        ((), b""),
        (("copy", "/data/in", "/data/out"), b""),
        (("echo",), b"abc\nd\xc3\xa9f\n"),
        (("clock",), b""),
        (("env", "HOME"), b""),
        (("a", "b c", "ü"), b""),
    ):
        ours = wherever.run(PROGRAM, words, grants=grants(data), stdin=stdin)
        theirs = wasmtime(f"--dir={data}::/data", words, stdin=stdin)
        assert (ours.status, ours.stdout) == theirs
    assert (data / "out").read_text(encoding="utf-8") == "GRÜSSE\n"


def test_what_is_granted_is_there_and_what_is_not_is_named(data: Path) -> None:
    os.environ["WHEREVER_TEST_SECRET"] = "secret"
    try:
        unset = wherever.run(PROGRAM, ["env", "WHEREVER_TEST_SECRET"])
        asked = parse_words(["--env=WHEREVER_TEST_SECRET"]).grants
        granted = wherever.run(PROGRAM, ["env", "WHEREVER_TEST_SECRET"], grants=asked)
    finally:
        del os.environ["WHEREVER_TEST_SECRET"]
    assert unset.stdout == b"None\n"
    assert granted.stdout == b"secret\n"
    refused = wherever.run(PROGRAM, ["copy", "/data/in", "/data/out"])
    assert refused.status != 0
    assert b"/data/in" in refused.stderr
    read_only = parse_words([f"--dir={data}::/data"]).grants
    refused = wherever.run(PROGRAM, ["copy", "/data/in", "/data/out"], grants=read_only)
    assert refused.status != 0
    assert not (data / "out").exists()
    assert any("/data/out" in denial.thing for denial in refused.denials)


def test_randomness_is_seeded_when_asked() -> None:
    seeded = parse_words(["--random=seed:7"]).grants
    first, second = (wherever.run(PROGRAM, ["random"], grants=seeded).stdout for _ in range(2))
    assert first == second
    assert wherever.run(PROGRAM, ["random"]).stdout != first


def test_how_it_ends_is_its_status() -> None:
    failed = wherever.run(PROGRAM, ["fail"])
    assert (failed.status, failed.stderr) == (1, b"it failed\n")  # wasi:cli/exit tells ok or not
    raised = wherever.run(PROGRAM, ["raise"])
    assert raised.status == 1 or raised.trap
    assert b"nobody catches this" in raised.stderr
