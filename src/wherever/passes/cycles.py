"""Owns finding cycles of calls: which nodes of a graph can come back to themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def on_cycles(edges: Mapping[int, Iterable[int]]) -> set[int]:
    """The nodes that are on some cycle: Tarjan's components, without recursion."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    waiting: list[int] = []  # nodes whose component is not complete
    place: dict[int, int] = {}  # where in it
    open_: set[int] = set()
    found: set[int] = set()
    for root in edges:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        place[root] = len(waiting)
        waiting.append(root)
        open_.add(root)
        path = [(root, iter(edges[root]))]
        while path:
            node, rest = path[-1]
            for target in rest:
                if target not in edges:
                    continue
                if target not in number:
                    number[target] = low[target] = len(number)
                    place[target] = len(waiting)
                    waiting.append(target)
                    open_.add(target)
                    path.append((target, iter(edges[target])))
                    break
                if target in open_:
                    low[node] = min(low[node], number[target])
                    if target == node:
                        found.add(node)
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    low[above] = min(low[above], low[node])
                if low[node] == number[node]:
                    at = place[node]
                    component = waiting[at:]
                    del waiting[at:]
                    open_.difference_update(component)
                    if len(component) > 1:
                        found.update(component)
    return found
