"""Is the coverage page what the table says?"""

import os
from pathlib import Path

from wherever.isa.aarch64 import table
from wherever.isa.coverage import coverage_page

PAGE = Path(__file__).parents[2] / "docs" / "aarch64-instructions.md"


def test_the_page_is_up_to_date() -> None:
    text = coverage_page("A64 instructions", table.GROUPS)
    if os.environ.get("BLESS"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "run BLESS=1 pytest tests/isa/test_coverage.py"
