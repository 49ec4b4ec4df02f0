"""Are the generated files what the table says?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherever.ir import generate, ops

ROOM = Path(ops.__file__).parent


@pytest.mark.parametrize("name", ["opcodes", "build_ops"])
def test_generated_file_is_current(name: str) -> None:
    path = ROOM / f"{name}.py"
    wanted = getattr(generate, name)()
    if os.environ.get("BLESS"):
        path.write_text(wanted)
    assert path.read_text() == wanted, "run BLESS=1 pytest tests/ir/test_generated.py"
