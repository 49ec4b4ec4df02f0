"""Makes components of their text, and runs what other tests of components share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

TOOLS = shutil.which("wasm-tools", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@cache
def assemble(text: str) -> bytes:
    """The component in the text format, as bytes."""
    assert TOOLS is not None
    done = subprocess.run(
        [TOOLS, "parse", "-"], input=text.encode(), check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
