"""Which loops are repeated, and do the copies keep the cycle?"""

from __future__ import annotations

from wherever.passes.structure import structure
from wherever.passes.unroll import cycles, repeated


def found(edges: list[list[int]], weight: int = 3) -> dict[int, tuple[tuple[int, ...], int]]:
    graph = structure([[(target, -1) for target in targets] for targets in edges], 0)
    return cycles(graph, lambda _: weight)


def test_a_cycle_is_repeated_and_closes() -> None:
    # 0 -> 1 <-> 2, both leave for 3
    loops = found([[1], [2, 3], [1, 3], []])
    assert loops == {1: ((1, 2), 4)}
    moved, copies = repeated(4, loops)
    assert copies == [1, 2] * 3
    at, seen = 1, [1]
    for _ in range(7):
        original = at if at < 4 else copies[at - 4]
        at = moved[at, 2 if original == 1 else 1]
        seen.append(at)
    assert len(set(seen)) == 8
    assert moved[at, 1] == 1


def test_a_large_one_is_left_alone() -> None:
    assert found([[1], [1, 2], []], weight=41) == {}


def test_a_branch_inside_is_no_cycle() -> None:
    assert found([[1], [2, 3], [4], [4], [1, 5], []]) == {}


def test_what_must_not_be_copied() -> None:
    assert found([[1], [1, 2], []], weight=-1) == {}
