"""Are the nodes on cycles found, whatever the order?"""

import random

from wherever.passes.cycles import on_cycles


def reaches_itself(edges: dict[int, list[int]], start: int) -> bool:
    seen: set[int] = set()
    work = list(edges[start])
    while work:
        node = work.pop()
        if node == start:
            return True
        if node not in seen and node in edges:
            seen.add(node)
            work += edges[node]
    return False


def test_by_definition() -> None:
    random.seed(5)
    for size in range(1, 12):
        for _ in range(60):
            edges = {
                n: [random.randrange(size + 1) for _ in range(random.randrange(3))]
                for n in random.sample(range(size), size)
            }
            assert on_cycles(edges) == {n for n in edges if reaches_itself(edges, n)}


def test_a_long_path_needs_no_recursion() -> None:
    edges = {n: [n + 1] for n in range(50_000)}
    assert on_cycles(edges) == set()
    edges[49_999] = [0]
    assert len(on_cycles(edges)) == 50_000
