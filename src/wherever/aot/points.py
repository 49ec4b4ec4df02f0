"""Owns where a program can be resumed: every address that the driver may have to go on at.

That is every function's start; where a call comes back to, if what it calls may leave the Wasm
stack or lets its return address escape (setjmp); around system calls; addresses inside functions
that data knows or jump tables have; and whatever was not reached by recovery. A block that several
functions share is resumed as part of the first one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wherever.ir.values import Asks, ExitKind

if TYPE_CHECKING:
    from wherever.aot.recover import Recovered
    from wherever.aot.signature import Conventions, Signature


@dataclass(slots=True)
class Inside:
    """Where each function is resumed, its start apart; and addresses that stand for another one."""

    points: dict[int, list[int]] = field(default_factory=dict[int, list[int]])  # by function
    aliases: dict[int, int] = field(default_factory=dict[int, int])  # padding -> what it runs into


def find_points(c: Conventions, recovered: Recovered) -> Inside:
    """The points of every function."""
    known = recovered.labels | _crossings(c)
    found = Inside()
    seen = {entry for entry, body in c.functions.bodies.items() if body.reached}
    for signature in c.all.values():
        points = _points(c, signature, known)
        for point in points:
            if point not in seen:
                target = _padding(c, point)
                if target >= 0:
                    found.aliases[point] = target
                else:
                    found.points.setdefault(signature.entry, []).append(point)
        seen |= points
    for points_of_one in found.points.values():
        points_of_one.sort()
    return found


def find_beginnings(c: Conventions) -> dict[int, list[int]]:
    """By function, the blocks that begin anew in the resume body where a NaN is to be exact.

    Not where a return is not proved to be to the caller: it goes through the driver, and what the
    caller has in locals need not be what it finds then.
    """
    found: dict[int, list[int]] = {}
    blocks = c.functions.blocks
    for entry, body in c.functions.bodies.items():
        starts = [start for start in body.reached if blocks[start].asks is Asks.FIRST]
        if (
            starts
            and entry in c.all
            and all(
                start in c.all[entry].frame.own_returns
                for start in body.reached
                if blocks[start].exit.kind is ExitKind.RET
            )
        ):
            found[entry] = starts
    return found


def _points(c: Conventions, signature: Signature, known: set[int]) -> set[int]:
    body = c.functions.bodies[signature.entry]
    blocks = c.functions.blocks
    inside = {*body.reached, *body.orphans}
    found = set(body.orphans) | (inside & known)
    for start in inside:
        block = blocks[start]
        end = block.exit
        kind = end.kind
        if kind is ExitKind.CALL:
            callee = c.all.get(end.target)
            if callee is None or callee.suspends:
                # even after a call that seems never to return
                found.add(block.end)
        elif kind is ExitKind.CALL_INDIRECT:
            found.add(block.end)
        elif kind is ExitKind.SYSCALL:
            found.add(start)  # to be made again after a handler (SA_RESTART)
            found.add(block.end)
        elif kind is ExitKind.JUMP_INDIRECT:
            found.update(end.targets)
    return found & inside


def _crossings(c: Conventions) -> set[int]:
    """Addresses, starts of functions apart, that control reaches from another function.

    Only from what nothing else reaches: whatever a reached block goes on at is a function's start,
    or reached itself.
    """
    blocks = c.functions.blocks
    found: set[int] = set()
    for body in c.functions.bodies.values():
        if body.orphans:
            inside = {*body.reached, *body.orphans}
            for start in body.orphans:
                found.update(t for t in blocks[start].exit.successors() if t not in inside)
    return found


def _padding(c: Conventions, point: int) -> int:
    """The function that a block of nothing but no-operations runs into, or -1."""
    block = c.functions.blocks[point]
    target = block.exit.target
    if block.effects or block.outs or block.deferred is not None:
        return -1
    body = c.functions.bodies.get(target)
    plain = block.exit.kind is ExitKind.JUMP and body is not None and bool(body.reached)
    return target if plain else -1
