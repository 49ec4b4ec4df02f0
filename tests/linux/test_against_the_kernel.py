"""Does each call answer as this machine's kernel does: result, errno, and what it writes?"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from bench_linux import TARGETS, Hosted, bench
from differ import AT_FDCWD, Out, Result, Step, comparable, run_guest, run_native, sequence
from sequences import CREATE, SEQUENCES


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Every sequence, as this kernel answers."""
    return run_native(SEQUENCES, tmp_path_factory.mktemp("native"))


# Preview 1 cannot say these: an entry is a sequence and the reason.
PORTABLE_DIFFERS: dict[str, str] = {}


def in_personality(target: str, folder: Path, steps: tuple[Step, ...]) -> list[Any]:
    guest = bench(target, folder)
    try:
        return comparable(steps, run_guest(guest, steps), native=False)
    finally:
        if isinstance(guest, Hosted):
            guest.close()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence(name: str, target: str, folder: Path, native: dict[str, list[Any]]) -> None:
    if target == "wasi" and name in PORTABLE_DIFFERS:
        pytest.skip(PORTABLE_DIFFERS[name])
    assert in_personality(target, folder, SEQUENCES[name]) == native[name]


def random_steps(seed: int) -> tuple[Step, ...]:
    """Forty operations over few names, so that they meet."""
    chance = random.Random(seed)
    names = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/f", "a/b", "./a", "d/../b", "s", "t/a"]

    def name() -> str:
        return chance.choice(names)

    steps: list[tuple[Any, ...]] = [("mkdirat", AT_FDCWD, "d", 0o755)]
    opened: list[int] = []
    makers = {
        "mkdir": lambda: ("mkdirat", AT_FDCWD, name(), chance.choice([0o755, 0o700])),
        "unlink": lambda: ("unlinkat", AT_FDCWD, name(), chance.choice([0, 0, 0x200])),
        "rename": lambda: (
            "renameat2",
            AT_FDCWD,
            name(),
            AT_FDCWD,
            name(),
            chance.choice([0, 0, 1]),
        ),
        "link": lambda: ("linkat", AT_FDCWD, name(), AT_FDCWD, name(), 0),
        "symlink": lambda: ("symlinkat", chance.choice(["a", "d", "b", "nope"]), AT_FDCWD, name()),
        "stat": lambda: ("newfstatat", AT_FDCWD, name(), Out(144), chance.choice([0, 0x100])),
        "readlink": lambda: ("readlinkat", AT_FDCWD, name(), Out(32), 32),
        "chmod": lambda: ("fchmodat", AT_FDCWD, name(), chance.choice([0o600, 0o755, 0o444])),
        "truncate": lambda: ("truncate", name(), chance.randrange(20)),
    }
    for _ in range(40):
        kind = chance.choice([*makers, "open", "open", "open", "use", "use", "use", "use"])
        if kind == "open":
            how = chance.choice(
                [
                    "O_RDONLY",
                    CREATE,
                    CREATE,
                    "O_RDWR|O_CREAT|O_EXCL",
                    "O_WRONLY|O_TRUNC",
                    "O_RDWR|O_APPEND",
                ]
            )
            opened.append(len(steps))
            steps.append(("openat", AT_FDCWD, name(), how, 0o644))
        elif kind == "use" and opened:
            fd = Result(chance.choice(opened))
            data = bytes(chance.randrange(97, 123) for _ in range(chance.randrange(12)))
            steps.append(
                chance.choice(
                    [
                        ("write", fd, data or b"-", len(data)),
                        ("pwrite64", fd, data or b"-", len(data), chance.randrange(30)),
                        ("read", fd, Out(16), chance.randrange(17)),
                        ("pread64", fd, Out(16), 16, chance.randrange(20)),
                        ("lseek", fd, chance.randrange(-5, 20), chance.randrange(3)),
                        ("ftruncate", fd, chance.randrange(25)),
                        ("fstat", fd, Out(144)),
                        ("dup", fd),
                        ("close", fd),
                    ]
                )
            )
        elif kind in makers:
            steps.append(makers[kind]())
    return sequence(*steps)


SEEDS = range(int(os.environ.get("WHEREVER_SEEDS", "40")))


@pytest.fixture(scope="module")
def native_random(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The random sequences, as this kernel answers."""
    steps = {str(seed): random_steps(seed) for seed in SEEDS}
    return run_native(steps, tmp_path_factory.mktemp("random"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_operations(
    seed: int, target: str, folder: Path, native_random: dict[str, list[Any]]
) -> None:
    steps = random_steps(seed)
    for step, ours, theirs in zip(
        steps, in_personality(target, folder, steps), native_random[str(seed)], strict=True
    ):
        assert ours == theirs, step
