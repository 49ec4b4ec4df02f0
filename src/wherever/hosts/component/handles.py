"""Owns how resources cross: between two guests as they are, to and from Python as objects.

A guest's resource is a Python object of its class, owning it until it is given away, dropped or
collected. A resource of the host is any Python object: guests see only numbers for it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NoReturn, Self

from wherever.component import types as ct
from wherever.component.canonical import context
from wherever.component.canonical.context import ComponentInstance, ResourceType, Task
from wherever.component.canonical.values import BadValue
from wherever.hosts.component.runtime import Environment, resolve


class RawHandles:
    """Handles between guests: representations, nothing more."""

    def __init__(self, inst: ComponentInstance, environment: Environment) -> None:
        self.inst = inst
        self.environment = environment

    def as_own(self, t: ct.OwnType) -> Callable[[Any], Any]:
        """Values from guests are prepared already."""
        raise AssertionError(t)

    def as_borrow(self, t: ct.BorrowType) -> Callable[[Any], Any]:
        """Values from guests are prepared already."""
        raise AssertionError(t)

    def lower_own(self, t: ct.OwnType) -> Callable[[Any], int]:
        """Give a representation to the guest."""
        return partial(context.lower_own, self.inst, resolve(self.environment, t.resource))

    def lower_borrow(self, t: ct.BorrowType) -> Callable[[Any, Any], int]:
        """Lend a representation to the guest."""
        return partial(context.lower_borrow, self.inst, resolve(self.environment, t.resource))

    def lift_own(self, t: ct.OwnType) -> Callable[[int], Any]:
        """Take a representation from the guest."""
        return partial(context.lift_own, self.inst, resolve(self.environment, t.resource))

    def lift_borrow(self, t: ct.BorrowType) -> Callable[[int, Any], Any]:
        """Borrow a representation from the guest."""
        return partial(context.lift_borrow, self.inst, resolve(self.environment, t.resource))


class GuestResource:
    """A resource that a guest implements, held by Python.

    Used as a context manager, or given to `drop`, it is destroyed at once; else when collected.
    """

    __slots__ = ("__weakref__", "borrowed__", "finalizer__", "num_lends", "rep__", "rt__")
    _wit_name: ClassVar[str] = "resource"
    num_lends: int
    """How many calls it is lent to."""

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError(f"resource {self._wit_name} has no constructor: the guest gives them out")

    @classmethod
    def wrap__(cls, rt: ResourceType, rep: int, *, borrowed: bool = False) -> GuestResource:
        made = object.__new__(cls)
        made.hold__(rt, rep, borrowed=borrowed)
        return made

    def hold__(self, rt: ResourceType, rep: int, *, borrowed: bool = False) -> None:
        self.rt__ = rt
        self.rep__ = rep
        self.borrowed__ = borrowed
        self.num_lends = 1 if borrowed else 0
        self.finalizer__ = None if borrowed else weakref.finalize(self, _collect, rt, rep)
        if self.finalizer__ is not None:
            self.finalizer__.atexit = False

    def unusable__(self) -> str:
        """Why no guest may have it any more; "" while one may."""
        if not hasattr(self, "finalizer__"):
            return "never made: its class's __init__ did not call super().__init__()"
        if self.borrowed__:
            return "lent for a call that is over" if self.num_lends <= 0 else ""
        alive = self.finalizer__ is not None and self.finalizer__.alive
        return "" if alive else "dropped or given away"

    def check_usable__(self, path: str) -> None:
        reason = self.unusable__()
        if reason:
            raise ValueError(f"{path}: this {self._wit_name} was {reason}")

    def take__(self) -> int:
        """Give the representation away."""
        if self.finalizer__ is None or self.finalizer__.detach() is None:
            # it was usable when the call was checked: another thread was quicker
            raise ValueError(f"this {self._wit_name} was given away by another thread meanwhile")
        return self.rep__

    def drop(self) -> None:
        """Destroy the resource now, running the guest's destructor."""
        self.check_usable__(self._wit_name)
        if self.borrowed__ or self.num_lends:
            raise ValueError(f"this {self._wit_name} is lent to a call: it cannot be dropped now")
        with _lock_of(self.rt__):
            context.destroy(self.rt__, self.take__(), None)

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} is a resource that a guest implements, owned once: it can "
            "be neither copied nor pickled"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.finalizer__ is not None and self.finalizer__.alive:
            self.drop()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.rep__:#x}>"


def _lock_of(rt: ResourceType) -> Any:
    assert rt.impl is not None
    return rt.impl.lock


def _collect(rt: ResourceType, rep: int) -> None:
    """Destroy what was collected, unless a call is inside the guest or it has trapped."""
    impl = rt.impl
    assert impl is not None
    if impl.lock.acquire(blocking=False):
        try:
            if not impl.entered:
                context.destroy(rt, rep, None)
        except Exception:  # a collector has nobody to tell; the instance knows
            pass
        finally:
            impl.lock.release()


class PythonHandles:
    """Handles between a guest and Python."""

    def __init__(
        self,
        inst: ComponentInstance,
        environment: Environment,
        class_of: Callable[[ct.ResourceType, ResourceType], type[Any]],
    ) -> None:
        self.inst = inst
        self.environment = environment
        self.class_of = class_of

    def _pair(self, t: ct.OwnType | ct.BorrowType) -> tuple[ResourceType, type[Any]]:
        rt = resolve(self.environment, t.resource)
        return rt, self.class_of(t.resource, rt)

    def as_own(self, t: ct.OwnType) -> Callable[[Any], Any]:
        """Check that Python may give this object away."""
        rt, cls = self._pair(t)
        if rt.impl is None:
            return _instance_check(cls)

        def check(value: Any) -> Any:
            if not isinstance(value, cls) or value.rt__ is not rt:
                raise BadValue
            if value.finalizer__ is None or not value.finalizer__.alive or value.num_lends:
                raise BadValue
            return value

        return check

    def as_borrow(self, t: ct.BorrowType) -> Callable[[Any], Any]:
        """Check that Python may lend this object."""
        rt, cls = self._pair(t)
        if rt.impl is None:
            return _instance_check(cls)

        def check(value: Any) -> Any:
            if not isinstance(value, cls) or value.rt__ is not rt:
                raise BadValue
            if value.unusable__():
                raise BadValue  # which the caller explains, with the path to it
            return value

        return check

    def lower_own(self, t: ct.OwnType) -> Callable[[Any], int]:
        """Give an object to the guest."""
        rt, _ = self._pair(t)
        inst = self.inst
        if rt.impl is None:
            return partial(context.lower_own, inst, rt)
        return lambda value: context.lower_own(inst, rt, value.take__())

    def lower_borrow(self, t: ct.BorrowType) -> Callable[[Any, Any], int]:
        """Lend an object to the guest."""
        rt, _ = self._pair(t)
        inst = self.inst
        if rt.impl is None:
            return partial(context.lower_borrow, inst, rt)

        def lend(value: Any, task: Task) -> int:
            value.num_lends += 1
            task.lenders.append(value)
            return context.lower_borrow(inst, rt, value.rep__, task)

        return lend

    def lift_own(self, t: ct.OwnType) -> Callable[[int], Any]:
        """Take an object from the guest."""
        rt, cls = self._pair(t)
        inst = self.inst
        if rt.impl is None:
            return partial(context.lift_own, inst, rt)
        return lambda index: cls.wrap__(rt, context.lift_own(inst, rt, index))

    def lift_borrow(self, t: ct.BorrowType) -> Callable[[int, Any], Any]:
        """Borrow an object from the guest until the call ends."""
        rt, cls = self._pair(t)
        inst = self.inst
        if rt.impl is None:
            return partial(context.lift_borrow, inst, rt)

        def borrow(index: int, task: Task) -> Any:
            rep = context.lift_borrow(inst, rt, index, task)
            wrapped = cls.wrap__(rt, rep, borrowed=True)
            task.lenders.append(wrapped)
            return wrapped

        return borrow


def _instance_check(cls: type[Any]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, cls):
            raise BadValue
        return value

    return check
