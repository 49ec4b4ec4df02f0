"""What a worker sends is cut into fields and never trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherever.nanoprocess.frames import DECISION, END, LARGEST, BrokenFrame, Reader, frame


@given(
    st.lists(st.lists(st.text(max_size=20), max_size=5), max_size=5),
    st.lists(st.integers(1, 30), min_size=1),
)
def test_frames_survive_any_cutting(messages: list[list[str]], cuts: list[int]) -> None:
    stream = b"".join(frame(DECISION, fields) for fields in messages)
    reader = Reader()
    found: list[list[str]] = []
    at = 0
    while at < len(stream):
        size = cuts[at % len(cuts)]
        found += [fields for _, fields in reader.feed(stream[at : at + size])]
        at += size
    assert found == messages


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_broken(data: bytes) -> None:
    reader = Reader()
    try:
        for kind, fields in reader.feed(data):
            assert kind in (1, 2, 3, 4)
            assert all(isinstance(field, str) for field in fields)
    except BrokenFrame:
        return


def test_a_frame_is_bounded_both_ways() -> None:
    sent = frame(END, ["x" * (2 * LARGEST), "lost"])
    assert len(sent) <= LARGEST + 5
    [(kind, fields)] = Reader().feed(sent)
    assert kind == END
    assert len(fields[0]) == LARGEST - 8
    with pytest.raises(BrokenFrame, match="length"):
        list(Reader().feed(bytes((END,)) + (LARGEST + 1).to_bytes(4, "little")))


def test_a_flood_of_frames_is_broken() -> None:
    flood = frame(DECISION, []) * 20_001
    with pytest.raises(BrokenFrame, match="more than"):
        list(Reader().feed(flood))
