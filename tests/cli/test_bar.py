"""Does the bar say how far, how fast and how long still, and does it leave nothing behind?"""

from __future__ import annotations

import re

import pytest

from wherever.cli.bar import Bar


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as progress:
        assert progress is None
    assert capsys.readouterr().err == ""


def test_it_draws_and_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHEREVER_PROGRESS", "1")
    with Bar() as progress:
        assert progress is not None
        progress("lift", 100, 1000)
        progress("lift", 101, 1000)  # too soon to be drawn again
    shown = capsys.readouterr().err
    assert shown.count("translating") == 1
    assert "reading 100 of 1,000 instructions" in shown
    assert shown.endswith("\r\x1b[2K")


def test_the_estimate_follows_the_stages() -> None:
    bar = Bar()
    bar._began = bar._stage_began = 100.0
    half = bar.line("emit", 50, 100, 110.0)
    # emission begins at .45 of the whole: half of it is .725, of which 10 s have passed
    assert re.search(r"\[#{21}\.{9}\] writing 50 of 100 functions, 5/s, 4 s left$", half)
    assert bar.line("lift", 1, 1000, 100.1).endswith("…")
    assert "0 s left" in bar.line("emit", 100, 100, 130.0)
