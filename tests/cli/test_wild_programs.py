"""Do programs that go wrong end as they do under Linux: one message, the status of the signal?"""

from __future__ import annotations

from pathlib import Path

import pytest
from small_elf import small_elf, words

from wherever.nanoprocess.running import run
from wherever.policy import Limits

_WILD: dict[str, tuple[tuple[int, ...], int, str]] = {
    # br to the program's data
    "data": ((0xD2A00840, 0xD61F0000), 139, "SIGSEGV at 0x420000"),
    # br and blr to where nothing is
    "jump": ((0xD2A02460, 0xD61F0000), 139, "SIGSEGV at 0x1230000"),
    "call": ((0xD2BFFFE0, 0xD63F0000), 139, "SIGSEGV at 0xffff0000"),
    # br into the middle of an instruction
    "misaligned": ((0x10000000, 0x91000800, 0xD61F0000), 135, "SIGBUS at 0x401002"),
    "illegal": ((0xD503201F, 0x00000000), 132, "SIGILL at 0x401004 (_start+0x4), word 0x00000000"),
    "sve": ((0x04BF57E0,), 132, "word 0x04bf57e0, group SVE"),
    "half precision": ((0x1EE02820,), 132, "group Scalar Floating-Point and Advanced SIMD"),
    "break": ((0xD4200000,), 133, "SIGTRAP at 0x401000"),
    "null": ((0xD2800000, 0xF9400001), 139, "address 0x0"),
    # a function that calls itself without end, pushing a frame each time
    "recursion": (
        (0x94000002, 0x14000000, 0xA9BF7BFD, 0x97FFFFFF, 0xA8C17BFD, 0xD65F03C0),
        139,
        "SIGSEGV",
    ),
    # a function that overwrites its own return address
    "smashed stack": (
        (
            *(0x94000003, 0xD2800BC8, 0xD4000001, 0xA9BF7BFD),
            *(0xD2A02460, 0xF90007E0, 0xA8C17BFD, 0xD65F03C0),
        ),
        139,
        "SIGSEGV at 0x1230000",
    ),
}


@pytest.fixture(autouse=True)
def cache_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEREVER_CACHE", str(tmp_path / "cache"))


@pytest.mark.slow
@pytest.mark.parametrize("name", _WILD)
def test_a_program_that_goes_wrong(name: str) -> None:
    code, status, says = _WILD[name]
    program = small_elf(words(*code), symbols={"_start": 0})
    result = run(program, limits=Limits(time=30, memory=1 << 30))
    assert result.status == status, result.stderr
    assert says in str(result.stderr)
    assert not result.limit
