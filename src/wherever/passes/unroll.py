"""Owns which loops run several times around before they jump back: small ones, without branches.

A loop whose blocks form one cycle (each goes to the next one or leaves) is repeated: the machine
jumps back, and moves registers for it, once in two or four turns, and what a turn adds to an
address is added at compile time. Rule `unroll`; the copies are the same blocks, so nothing of
their meaning changes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherever.passes.structure import Graph

_MOST_BLOCKS: Final = 4
_SMALL: Final = 10  # of at most this weight a loop is repeated four times
_LARGE: Final = 40  # up to this one twice


def cycles(graph: Graph, weigh: Callable[[int], int]) -> dict[int, tuple[tuple[int, ...], int]]:
    """The loops to repeat: head -> the cycle's nodes from the head on, and how many copies.

    `weigh` gives a node's size, or -1 where it must not be copied.
    """
    found: dict[int, tuple[tuple[int, ...], int]] = {}
    if not graph.loops:
        return found
    before: dict[int, list[int]] = {head: [] for head in graph.loops}
    for node in graph.order:
        for target, _ in graph.edges[node]:
            if target in before:
                before[target].append(node)
    for head in sorted(graph.loops):
        cycle = _cycle(graph, head, before[head])
        if not cycle:
            continue
        weights = [weigh(node) for node in cycle]
        total = sum(weights)
        if min(weights) >= 0 and total <= _LARGE:
            found[head] = cycle, 4 if total <= _SMALL else 2
    return found


def _cycle(graph: Graph, head: int, before: list[int]) -> tuple[int, ...]:
    """The nodes of a loop that is one cycle, or none."""
    number = graph.number
    path = [head]
    while len(path) <= _MOST_BLOCKS:
        node = path[-1]
        targets = [target for target, selected in graph.edges[node] if selected < 0]
        if len(targets) != len(graph.edges[node]):
            return ()
        if head in targets:
            # any other way back to the head, or into the loop, would be another cycle
            return tuple(path) if _alone(graph, path, before) else ()
        within = [
            target
            for target in targets
            if number[target] > number[node] and _reaches(graph, target, head)
        ]
        if len(within) != 1:
            return ()
        path.append(within[0])
    return ()


def _reaches(graph: Graph, node: int, head: int) -> bool:
    """Whether a few steps lead from a node back to the head, without another loop between."""
    work = [(node, 0)]
    while work:
        at, steps = work.pop()
        if at == head:
            return True
        if steps < _MOST_BLOCKS and at not in graph.loops:
            work += [(target, steps + 1) for target, _ in graph.edges[at]]
    return False


def _alone(graph: Graph, path: list[int], before: list[int]) -> bool:
    """Whether nothing but the cycle itself leads into it, its head apart."""
    inside = set(path)
    number = graph.number
    return all(
        graph.dominator[after] == one and after not in graph.merges and after not in graph.loops
        for one, after in pairwise(path)
    ) and all(node in inside or number[node] < number[path[0]] for node in before)


def repeated(
    count: int, found: Mapping[int, tuple[tuple[int, ...], int]]
) -> tuple[dict[tuple[int, int], int], list[int]]:
    """Where the edges of repeated cycles go, and the nodes that new ones are copies of.

    New nodes are numbered from `count` on; an edge is a node and the one it used to lead to.
    """
    copies: list[int] = []
    moved: dict[tuple[int, int], int] = {}
    for _, (cycle, times) in sorted(found.items()):
        rounds = [list(cycle)]
        for _ in range(times - 1):
            rounds.append([count + len(copies) + i for i in range(len(cycle))])
            copies += cycle
        for turn, nodes in enumerate(rounds):
            after = rounds[(turn + 1) % times]
            for at, node in enumerate(nodes):
                last = at + 1 == len(cycle)
                moved[node, cycle[0 if last else at + 1]] = after[0] if last else nodes[at + 1]
    return moved, copies
