"""A short race of compiled hostile guests in workers; `make race` is the long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_nothing_leads_out() -> None:
    pytest.importorskip("ziglang", reason="zig cc compiles the guests")
    race = Path(__file__).with_name("race_workers.py")
    done = subprocess.run(
        [sys.executable, str(race), "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 escapes" in done.stdout
