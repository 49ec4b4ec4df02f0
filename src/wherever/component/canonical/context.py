"""Owns the state that the canonical ABI keeps: instances, handle tables, calls (CanonicalABI.md).

Names follow `definitions.py`: `ComponentInstance`, `Table`, `ResourceHandle`, `ResourceType`,
`Task`. What a waitable, a stream end or a future needs goes into the same table as its own class.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from wherever.errors import GuestTrap, LimitExceeded

MAX_HANDLES = 1 << 20
"""Handles in one instance's table: the specification allows 2^28-1, a host must bound memory."""

LIFT_BUDGET = 1 << 29
"""What lifting the values of one call may cost the host, in bytes."""

ITEM_COST = 64
"""What one Python object costs, in that budget."""


def trap(message: str, code: str) -> NoReturn:
    """End the guest."""
    raise GuestTrap(f"trap: {message}", code=code)


class Memory(Protocol):
    """A linear memory: `view` is all of it as of the last `refresh`."""

    view: memoryview

    def refresh(self) -> memoryview:
        """Look again at the memory's size, which may have grown; return `view`."""
        ...


@dataclass(eq=False, slots=True)
class ResourceType:
    """A resource type at run time: who implements it and how a resource of it is destroyed.

    `impl` is None for a resource of the host, whose representation may be any Python object.
    """

    name: str
    impl: ComponentInstance | None = None
    dtor: Callable[[int], None] | None = None
    dtor_host: Callable[[object], None] | None = None


class Task:
    """One call: the borrows lent to the callee, and the handles lent by the caller."""

    __slots__ = ("left", "lenders", "num_borrows")

    def __init__(self) -> None:
        self.num_borrows = 0
        self.left = LIFT_BUDGET
        self.lenders: list[ResourceHandle] = []

    def exit(self) -> None:
        """The callee is done: it must have dropped what it borrowed."""
        if self.num_borrows:
            trap(
                f"borrow handles still remain at the end of the call: {self.num_borrows}",
                "borrow handles still remain at the end of the call",
            )

    def release(self) -> None:
        """The caller has its handles back."""
        for handle in self.lenders:
            handle.num_lends -= 1
        self.lenders = []


class ResourceHandle:
    """An entry of a handle table: a resource owned, or borrowed for the length of `scope`."""

    __slots__ = ("num_lends", "own", "rep", "rt", "scope")

    def __init__(self, rt: ResourceType, rep: object, scope: Task | None = None) -> None:
        self.rt = rt
        self.rep = rep
        self.own = scope is None
        self.scope = scope
        self.num_lends = 0


class Table:
    """An instance's handles; index 0 is never given out."""

    __slots__ = ("array", "free")

    def __init__(self) -> None:
        self.array: list[ResourceHandle | None] = [None]
        self.free: list[int] = []

    def add(self, handle: ResourceHandle) -> int:
        """Put `handle` in; its index."""
        if self.free:
            index = self.free.pop()
            self.array[index] = handle
            return index
        index = len(self.array)
        if index > MAX_HANDLES:
            raise LimitExceeded(
                f"limit: the guest holds {MAX_HANDLES} handles, as many as a table may have",
                limit="handles",
                value=MAX_HANDLES,
            )
        self.array.append(handle)
        return index

    def get(self, index: int) -> ResourceHandle:
        """The handle at `index`."""
        if 0 <= index < len(self.array):
            handle = self.array[index]
            if handle is not None:
                return handle
        trap(f"unknown handle index {index}", "unknown handle index")

    def remove(self, index: int) -> ResourceHandle:
        """Take the handle at `index` out."""
        handle = self.get(index)
        self.array[index] = None
        self.free.append(index)
        return handle


@dataclass(eq=False, slots=True)
class ComponentInstance:
    """The state of one component instance.

    `entered` says that a call is inside it: no other may enter until that ends, and none at all
    once a call has trapped. `may_leave` is off while the ABI itself runs guest code.
    """

    name: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    parent: ComponentInstance | None = None
    begin: Callable[[], object] | None = None
    """Called when the host enters: a call's time begins."""
    may_leave: bool = True
    entered: bool = False
    trapped: bool = False
    handles: Table = field(default_factory=Table)
    has_context: bool = False
    backpressure: int = 0
    context: list[int] = field(default_factory=lambda: [0, 0])

    def is_kin(self, other: ComponentInstance) -> bool:
        """Is one of the two the other, or an ancestor of it?"""
        return other in self._line() or self in other._line()

    def _line(self) -> list[ComponentInstance]:
        line: list[ComponentInstance] = []
        at: ComponentInstance | None = self
        while at is not None:
            line.append(at)
            at = at.parent
        return line

    def refuse_entry(self) -> NoReturn:
        """Say why a call may not enter now."""
        trap(
            f"cannot enter component instance {self.name or 'main'}: a call is inside it already, "
            "or has trapped there; load the component again",
            "cannot enter component instance",
        )

    def refuse_kin(self) -> NoReturn:
        """Say that a parent and its child cannot call each other."""
        trap(
            f"cannot enter component instance {self.name or 'main'}: it contains its caller or is "
            "contained in it, and the specification does not let these two call each other; put "
            "what is called into a component beside the caller",
            "cannot enter component instance",
        )

    def refuse_leave(self) -> NoReturn:
        """Say why a call may not leave now."""
        trap("cannot leave component instance", "cannot leave component instance")


def context_get(inst: ComponentInstance, slot: int) -> int:
    """canon context.get: a word that a task keeps; synchronous calls are one task each."""
    return inst.context[slot]


def context_set(inst: ComponentInstance, slot: int, value: int) -> None:
    """canon context.set"""
    inst.context[slot] = value


def backpressure(inst: ComponentInstance, step: int) -> None:
    """canon backpressure.inc and backpressure.dec; it holds back asynchronous calls only."""
    inst.backpressure += step
    if not 0 <= inst.backpressure < 1 << 16:
        trap("backpressure counter overflow", "backpressure counter overflow")


# -- resource built-ins and the handle half of lift and lower --------------------------------


def _checked(handle: ResourceHandle, rt: ResourceType) -> ResourceHandle:
    if handle.rt is not rt:
        trap(
            f"handle index used with the wrong type: expected guest-defined resource `{rt.name}`, "
            f"found `{handle.rt.name}`",
            "handle index used with the wrong type",
        )
    return handle


def resource_new(inst: ComponentInstance, rt: ResourceType, rep: int) -> int:
    """canon resource.new"""
    if not inst.may_leave:
        inst.refuse_leave()
    return inst.handles.add(ResourceHandle(rt, rep))


def resource_rep(inst: ComponentInstance, rt: ResourceType, index: int) -> object:
    """canon resource.rep"""
    return _checked(inst.handles.get(index), rt).rep


def resource_drop(inst: ComponentInstance, rt: ResourceType, index: int) -> None:
    """canon resource.drop"""
    if not inst.may_leave:
        inst.refuse_leave()
    handle = _checked(inst.handles.get(index), rt)
    if handle.num_lends:
        trap("cannot remove owned resource while borrowed", "cannot remove owned resource")
    inst.handles.remove(index)
    if not handle.own:
        assert handle.scope is not None
        handle.scope.num_borrows -= 1
        return
    destroy(rt, handle.rep, inst)


def destroy(rt: ResourceType, rep: object, caller: ComponentInstance | None) -> None:
    """Run the destructor of a resource that nobody owns any more."""
    impl = rt.impl
    if impl is None:
        if rt.dtor_host is not None:
            rt.dtor_host(rep)
        return
    if rt.dtor is None:
        return
    assert isinstance(rep, int)
    if impl is caller:
        rt.dtor(rep)
        return
    if impl.entered:
        impl.refuse_entry()
    if caller is None and impl.begin is not None:
        impl.begin()
    impl.entered = True
    rt.dtor(rep)
    impl.entered = False


def lift_own(inst: ComponentInstance, rt: ResourceType, index: int) -> object:
    """Take an owned handle out of the guest's table; its representation."""
    handle = _checked(inst.handles.get(index), rt)
    if handle.num_lends:
        trap("cannot remove owned resource while borrowed", "cannot remove owned resource")
    if not handle.own:
        trap("cannot lift own resource from a borrow", "cannot lift own resource from a borrow")
    inst.handles.remove(index)
    return handle.rep


def lift_borrow(inst: ComponentInstance, rt: ResourceType, index: int, task: Task) -> object:
    """Lend a handle for the call `task`; its representation."""
    handle = _checked(inst.handles.get(index), rt)
    if handle.own:
        handle.num_lends += 1
        task.lenders.append(handle)
    return handle.rep


def lower_own(inst: ComponentInstance, rt: ResourceType, rep: object) -> int:
    """Put an owned handle into the guest's table; its index."""
    return inst.handles.add(ResourceHandle(rt, rep))


def lower_borrow(inst: ComponentInstance, rt: ResourceType, rep: object, task: Task) -> int:
    """Lend a resource to the guest for the call `task`: an index, or the guest's own number."""
    if rt.impl is inst:
        assert isinstance(rep, int)
        return rep
    task.num_borrows += 1
    return inst.handles.add(ResourceHandle(rt, rep, task))
