"""Owns turning a control-flow graph into nested blocks and loops, which is all that Wasm has.

N. Ramsey, "Beyond Relooper: Recursive Translation of Unstructured Control Flow to Structured
Control Flow" (ICFP 2022). Loops with several entrances get a dispatch node of their own, and only
they do: every edge into an entrance goes through it, carrying which entrance was meant. Carried is
the number of the entrance's node, so that one selector serves all dispatch nodes on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# an edge is its target and what it puts into the selector (-1: nothing)
Edge = tuple[int, int]
_PLAIN: Final = -1


@dataclass(slots=True)
class Graph:
    """A reducible graph: nodes are numbers; dispatch nodes come after the ones that were given.

    It is entered at `order[0]`. A dispatch node goes along the edge whose number the selector
    holds; one with a single edge just goes there.
    """

    edges: list[list[Edge]]
    order: list[int]  # reverse postorder
    number: list[int]  # position of each node in `order`, -1 where unreachable
    dominator: list[int]
    loops: set[int]  # nodes that a backward edge goes to
    merges: set[int]  # nodes with two or more forward edges into them
    children: list[list[int]]  # of the dominator tree, later in `order` first
    dispatch: int  # number of the first dispatch node


def _reverse_postorder(edges: list[list[Edge]], entry: int) -> list[int]:
    seen = bytearray(len(edges))
    seen[entry] = 1
    order: list[int] = []
    stack = [(entry, iter(edges[entry]))]
    while stack:
        node, rest = stack[-1]
        for target, _ in rest:
            if not seen[target]:
                seen[target] = 1
                stack.append((target, iter(edges[target])))
                break
        else:
            order.append(node)
            stack.pop()
    order.reverse()
    return order


def _predecessors(edges: list[list[Edge]], order: list[int]) -> list[list[int]]:
    preds: list[list[int]] = [[] for _ in edges]
    for node in order:
        for target, _ in edges[node]:
            preds[target].append(node)
    return preds


def _dominators(
    preds: list[list[int]], order: list[int], number: list[int], entry: int
) -> list[int]:
    """Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm"."""
    idom = [-1] * len(preds)
    idom[entry] = entry
    changed = True
    while changed:
        changed = False
        for node in order:
            if node == entry:
                continue
            new = -1
            for pred in preds[node]:
                if idom[pred] < 0:
                    continue
                if new < 0:
                    new = pred
                    continue
                a, b = pred, new
                while a != b:
                    while number[a] > number[b]:
                        a = idom[a]
                    while number[b] > number[a]:
                        b = idom[b]
                new = a
            if idom[node] != new:
                idom[node] = new
                changed = True
    return idom


def _dominates(a: int, b: int, idom: list[int], number: list[int]) -> bool:
    while number[b] > number[a]:
        b = idom[b]
    return a == b


def _components(edges: list[list[Edge]], nodes: set[int]) -> list[set[int]]:
    """Strongly connected components with a cycle, within some nodes (Tarjan, iterative)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    found: list[set[int]] = []
    for root in sorted(nodes):
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(edges[root]))]
        while work:
            node, rest = work[-1]
            for target, _ in rest:
                if target not in nodes:
                    continue
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(edges[target])))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: set[int] = set()
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.add(member)
                        if member == node:
                            break
                    if len(component) > 1 or any(t == node for t, _ in edges[node]):
                        found.append(component)
    return found


def _make_reducible(edges: list[list[Edge]], entry: int) -> None:
    """Give every loop with several entrances one, in place: a new node that dispatches."""
    pending = [set(_reverse_postorder(edges, entry))]
    while pending:
        nodes = pending.pop()
        for component in _components(edges, nodes):
            entrances = sorted(
                {
                    target
                    for node in range(len(edges))
                    if node not in component
                    for target, _ in edges[node]
                    if target in component
                }
                | ({entry} & component)
            )
            header = entrances[0]
            if len(entrances) > 1:
                header = len(edges)
                chosen = set(entrances)
                for row in edges:
                    for i, (target, _) in enumerate(row):
                        if target in chosen:
                            row[i] = (header, target)
                edges.append([(entrance, entrance) for entrance in entrances])
                component = component | {header}
            inner = component - {header}
            if len(inner) > 1 or (inner and any(t in inner for n in inner for t, _ in edges[n])):
                pending.append(inner)


def structure(edges: list[list[Edge]], entry: int = 0) -> Graph:
    """Everything the nesting needs; `edges` is changed where a loop had several entrances."""
    count = len(edges)
    order = _reverse_postorder(edges, entry)
    graph = _finish(edges, order, entry, count)
    if graph is None:
        # the way in from outside must not be an entrance of a loop: a node before it
        edges.append([(entry, _PLAIN)])
        entry = len(edges) - 1
        _make_reducible(edges, entry)
        order = _reverse_postorder(edges, entry)
        graph = _finish(edges, order, entry, count)
        if graph is None:
            raise AssertionError("a graph is still irreducible after dispatch nodes")
    return graph


def _finish(edges: list[list[Edge]], order: list[int], entry: int, count: int) -> Graph | None:
    number = [-1] * len(edges)
    for i, node in enumerate(order):
        number[node] = i
    preds = _predecessors(edges, order)
    idom = _dominators(preds, order, number, entry)
    loops: set[int] = set()
    merges: set[int] = set()
    children: list[list[int]] = [[] for _ in edges]
    for node in order:
        forward = 0
        for pred in preds[node]:
            if number[pred] >= number[node]:
                if not _dominates(node, pred, idom, number):
                    return None
                loops.add(node)
            else:
                forward += 1
        if forward > 1:
            merges.add(node)
    for node in reversed(order):
        if node != entry:
            children[idom[node]].append(node)
    return Graph(edges, order, number, idom, loops, merges, children, count)
