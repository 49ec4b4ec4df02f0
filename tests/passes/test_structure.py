"""Is every graph made reducible without changing where control goes?"""

from __future__ import annotations

import random

from wherever.passes.structure import Edge, structure


def arrives(edges: list[list[Edge]], node: int, choice: int, dispatch: int) -> int:
    """The next real node along an edge, through dispatch nodes."""
    target, selected = edges[node][choice]
    while target >= dispatch:
        row = edges[target]
        target = row[0][0] if len(row) == 1 else next(t for t, n in row if n == selected)
    return target


def test_random_graphs_stay_the_same_and_become_reducible() -> None:
    rng = random.Random(40)
    split = 0
    for _ in range(400):
        count = rng.randrange(1, 14)
        before: list[list[int]] = [
            [rng.randrange(count) for _ in range(rng.choice((0, 1, 1, 2, 2, 3)))]
            for _ in range(count)
        ]
        graph = structure([[(t, -1) for t in row] for row in before], 0)
        split += len(graph.edges) > count
        for node in graph.order:
            if node < count:
                for choice, target in enumerate(before[node]):
                    assert arrives(graph.edges, node, choice, count) == target
            for target, _ in graph.edges[node]:
                if graph.number[target] <= graph.number[node]:
                    at = node
                    while graph.number[at] > graph.number[target]:
                        at = graph.dominator[at]
                    assert at == target, "a backward edge's target dominates its source"
    assert split > 20, "the sample held loops with several entrances"


def test_a_plain_loop_needs_no_dispatch() -> None:
    graph = structure([[(1, -1)], [(2, -1), (3, -1)], [(1, -1)], []], 0)
    assert graph.loops == {1}
    assert len(graph.edges) == 4
