"""What a second run of a program may cost: nothing of the translator."""

import subprocess
import sys


def test_remembering_a_translation_imports_no_translator() -> None:
    """The instruction tables alone cost more than the whole warm start may."""
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, wherever.aot.cache;"
            " print([m for m in sys.modules if m.startswith(('wherever.isa', 'wherever.passes'))])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == "[]"
