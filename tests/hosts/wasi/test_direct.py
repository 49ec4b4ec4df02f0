"""The directly bound functions and the ordinary ones give the same answers to any arguments."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wherever.hosts.wasi.binding import bind, bind_ordinary
from wherever.hosts.wasi.direct import DIRECT
from wherever.hosts.wasi.table import FUNCTIONS
from wherever.policy import Clock, Random
from wherever.system.streams import BytesInput, CapturedOutput

MakeGuest = Callable[..., Any]
SIZE = 1 << 18  # of the guest's memory
EDGES = [0, 1, 7, 8, 64, SIZE - 9, SIZE - 8, SIZE - 4, SIZE - 1, SIZE, 1 << 31, (1 << 32) - 1]
address = st.sampled_from(EDGES) | st.integers(0, (1 << 32) - 1)


def arguments(name: str, draw: st.DataObject) -> tuple[int, ...]:
    match name:
        case "clock_time_get":
            return draw.draw(st.integers(0, 5)), 0, draw.draw(address)
        case "random_get":
            return draw.draw(address), draw.draw(st.sampled_from([0, 1, 100, 70_000, SIZE]))
        case _:
            fd = draw.draw(st.sampled_from([0, 1, 2, 3, 4, 5, 99]))
            count = draw.draw(st.sampled_from([0, 1, 1, 1, 2, 3, 1 << 20]))
            return fd, draw.draw(address), count, draw.draw(address)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(draw=st.data())
def test_the_same_answers(make_guest: MakeGuest, place: Path, draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(sorted(DIRECT)))
    guests = []
    for binding in (bind, bind_ordinary):
        guest = make_guest(
            f"{place}::/,rw",
            clock=Clock("fixed", 7.0),
            random=Random("seed", 3),
            streams=(BytesInput(b"input"), CapturedOutput(), CapturedOutput()),
        )
        guest.open("file", rights=2)  # 4: to read; 5: to write
        guest.open("written", oflags=1, rights=64)
        guest.memory.data[:32] = struct.pack("<8I", 64, 10, 128, 0, SIZE - 4, 8, 200, 5)
        guests.append((guest, binding(guest.run, FUNCTIONS[name])))
    given_to = arguments(name, draw)
    answers = [call(*given_to) for _, call in guests]
    assert answers[0] == answers[1]
    assert guests[0][0].memory.data == guests[1][0].memory.data
    assert guests[0][0].around.streams[1].data == guests[1][0].around.streams[1].data
    for guest, _ in guests:
        guest.close()
