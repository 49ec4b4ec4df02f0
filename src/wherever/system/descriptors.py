"""Owns the descriptor table: small integers to handles, the lowest free one first, with a limit."""

from __future__ import annotations

import errno
from _heapq import heappop, heappush
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from wherever.system.handles import refuse

__all__ = ["DescriptorTable"]

Slot = TypeVar("Slot")


class DescriptorTable(Generic[Slot]):
    """What one guest holds open, by number. A slot is whatever the ABI keeps for a descriptor.

    `limit` is `--files`: the highest number of descriptors open at once; EMFILE beyond it.
    """

    __slots__ = ("_free", "_limit", "_next", "slots")

    def __init__(self, limit: int, held: Sequence[Slot] = ()) -> None:
        """`held` is open from the start, from 0 on, whatever the limit."""
        # Adapters look descriptors up here without a call.
        self.slots: dict[int, Slot] = dict(enumerate(held))
        self._free: list[int] = []  # released numbers below _next, as a heap
        self._next = len(held)
        self._limit = limit

    @property
    def limit(self) -> int:
        """How many may be open at once."""
        return self._limit

    def __len__(self) -> int:
        return len(self.slots)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self.slots))

    def get(self, descriptor: int) -> Slot:
        """The slot of an open descriptor, else EBADF."""
        try:
            return self.slots[descriptor]
        except KeyError:
            raise refuse(errno.EBADF) from None

    def room(self) -> None:
        """EMFILE unless one more can be opened: asked before a resource is made."""
        if len(self.slots) >= self._limit:
            raise refuse(errno.EMFILE)

    def add(self, slot: Slot) -> int:
        """The lowest free number, now holding `slot`."""
        self.room()
        number = self._lowest()
        self.slots[number] = slot
        return number

    def _lowest(self) -> int:
        while self._free:
            number = heappop(self._free)
            if number not in self.slots:  # `place` may have taken a released number
                return number
        number = self._next
        while number in self.slots:
            number += 1
        self._next = number + 1
        return number

    def place(self, number: int, slot: Slot) -> Slot | None:
        """Put `slot` at `number`, below the limit if it is new, and return what was there."""
        previous = self.slots.get(number)
        if previous is None:
            if not 0 <= number < self._limit:
                raise refuse(errno.EBADF)
            self.room()
        self.slots[number] = slot
        return previous

    def remove(self, number: int) -> Slot:
        """Release the number; the caller closes what it held."""
        try:
            slot = self.slots.pop(number)
        except KeyError:
            raise refuse(errno.EBADF) from None
        if number < self._next:
            heappush(self._free, number)
        return slot

    def clear(self) -> list[Slot]:
        """Empty the table and return what it held."""
        held = list(self.slots.values())
        self.slots.clear()
        self._free.clear()
        self._next = 0
        return held
