from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from wherever.system.kernel import HAS_OPENAT2


@pytest.mark.slow
@pytest.mark.parametrize("resolver", ["kernel", "walk"])
def test_two_seconds_of_the_race(resolver: str) -> None:
    """`make race` runs it for a minute."""
    if resolver == "kernel" and not HAS_OPENAT2:
        pytest.skip("this kernel has no openat2(2)")
    spec = importlib.util.spec_from_file_location("race", Path(__file__).with_name("race.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["race"] = module
    spec.loader.exec_module(module)
    calls, won = module.race(2.0, resolver)
    assert won == []
    assert calls > 1000
