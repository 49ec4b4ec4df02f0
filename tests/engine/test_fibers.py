"""Do guests suspend in host calls, resume, get cancelled, and share one thread fairly?"""

import asyncio
import gc
from collections.abc import Callable, Iterator

import pytest

from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.fibers import AsyncStore, Fiber
from wherever.engine.hostcalls import HostFunc
from wherever.engine.profile import Placement, Profile
from wherever.engine.store import Store
from wherever.errors import LimitExceeded, Unsupported
from wherever.wasm.types import EXTERNREF, F64, I32, I64, FuncType

TEXT = """(module
  (import "" "h" (func $h (param i32) (result i32)))
  (memory (export "m") 1)
  (func (export "twice") (param i32) (result i32)
    (i32.add (call $h (local.get 0)) (call $h (i32.const 100))))
  (func (export "spin") (loop br 0))
  (func (export "trap") (drop (call $h (i32.const 0))) unreachable))"""
ONE = FuncType((I32,), (I32,))
Make = Callable[[Callable[[int], object]], tuple[AsyncStore, dict[str, object]]]


@pytest.fixture
def make(engine: Engine) -> Iterator[Make]:
    stores: list[AsyncStore] = []

    def make(host: Callable[[int], object]) -> tuple[AsyncStore, dict]:
        store = AsyncStore(engine)
        stores.append(store)
        code = engine.compile(wat2wasm(TEXT))
        instance = store.instantiate(code, {("", "h"): HostFunc(ONE, host, suspends=True)})
        return store, {name: instance[name] for name in instance}

    yield make
    for store in stores:
        store.close()


async def plus_one(value: int) -> int:
    await asyncio.sleep(0)
    return value + 1


def test_a_guest_waits_for_its_host(make: Make) -> None:
    store, exports = make(plus_one)
    assert asyncio.run(store.call_async(exports["twice"], 5)) == 6 + 101


def test_a_host_that_suspends_may_also_answer_at_once(make: Make) -> None:
    store, exports = make(lambda value: value * 2)
    assert asyncio.run(store.call_async(exports["twice"], 5)) == 210


def test_many_guests_wait_at_once(make: Make) -> None:
    async def slow(value: int) -> int:
        await asyncio.sleep(0.01)
        return value

    async def all_of_them() -> list[int]:
        guests = [make(slow) for _ in range(50)]
        calls = [store.call_async(exports["twice"], n) for n, (store, exports) in enumerate(guests)]
        return await asyncio.gather(*calls)

    loop_time = asyncio.run(asyncio.wait_for(all_of_them(), 5))
    assert loop_time == [n + 100 for n in range(50)]


def test_the_hosts_exception_comes_out(make: Make) -> None:
    async def fails(_value: int) -> int:
        await asyncio.sleep(0)
        raise KeyError("late")

    store, exports = make(fails)
    with pytest.raises(KeyError, match="late"):
        asyncio.run(store.call_async(exports["twice"], 1))
    with pytest.raises(KeyError, match="late"):
        asyncio.run(store.call_async(exports["twice"], 1))


def test_a_hosts_wrong_result_is_an_error(make: Make) -> None:
    async def wrong(_value: int) -> object:
        await asyncio.sleep(0)
        return "text"

    store, exports = make(wrong)
    with pytest.raises(TypeError, match="an int is needed, not str"):
        asyncio.run(store.call_async(exports["twice"], 1))


def test_cancelling_the_task_ends_the_guest(make: Make) -> None:
    async def forever(_value: int) -> int:
        await asyncio.Event().wait()
        return 0

    async def main() -> None:
        task = asyncio.create_task(store.call_async(exports["twice"], 1))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    store, exports = make(forever)
    asyncio.run(main())
    store.close()


def test_an_endless_guest_gives_way_and_meets_its_deadline(make: Make) -> None:
    async def main() -> int:
        store.set_deadline(0.5)
        guest = asyncio.create_task(store.call_async(exports["spin"]))
        turns = 0
        while not guest.done():
            turns += 1
            await asyncio.sleep(0.001)
        with pytest.raises(LimitExceeded, match="ran past"):
            await guest
        return turns

    store, exports = make(plus_one)
    assert asyncio.run(main()) >= 3, "the event loop must get its turns"


def test_a_synchronous_call_is_refused(make: Make) -> None:
    _store, exports = make(plus_one)
    with pytest.raises(RuntimeError, match="use call_async"):
        exports["twice"](1)


def test_a_synchronous_call_inside_a_host_call_is_refused(make: Make) -> None:
    found: dict = {}
    store, exports = make(lambda _value: found["twice"](1))
    found.update(exports)
    with pytest.raises(RuntimeError, match="use call_async"):
        asyncio.run(store.call_async(exports["twice"], 1))


def run_until_it_waits(fiber: Fiber) -> None:
    """A guest may also give way to others, at a tick."""
    while not fiber.step() and fiber.waiting is None:
        pass
    assert fiber.waiting is not None
    fiber.waiting.close()


def test_one_guest_at_a_time(make: Make) -> None:
    store, exports = make(plus_one)
    first = store.enter(exports["twice"], 1)
    run_until_it_waits(first)
    with pytest.raises(RuntimeError, match="suspended in a host call"):
        store.enter(exports["twice"], 2)
    with pytest.raises(RuntimeError, match="deliver a result"):
        first.step()
    first.deliver(1)
    run_until_it_waits(first)
    first.deliver(2)
    while not first.step():
        pass
    assert first.result() == 3


def test_memory_can_be_used_while_the_guest_waits(make: Make) -> None:
    async def host(value: int) -> int:
        await asyncio.sleep(0)
        exports["m"].write(0, b"abc")
        return exports["m"].slice(0, 1)[0] + value

    store, exports = make(host)
    assert asyncio.run(store.call_async(exports["twice"], 0)) == 97 + 197


def test_a_suspended_guest_may_be_dropped_in_any_order(make: Make) -> None:
    for how in range(3):
        store, exports = make(lambda _value: asyncio.sleep(0))
        fiber = store.enter(exports["twice"], 1)
        if how:
            run_until_it_waits(fiber)
        if how == 2:
            store.close()
            with pytest.raises(RuntimeError, match="given up"):
                fiber.step()
        del store, exports, fiber
        gc.collect()


def test_a_trap_after_a_wait(make: Make) -> None:
    from wherever.errors import GuestTrap

    store, exports = make(plus_one)
    with pytest.raises(GuestTrap, match="unreachable"):
        asyncio.run(store.call_async(exports["trap"]))


def test_a_start_function_may_wait(engine: Engine) -> None:
    seen: list[int] = []

    async def host(value: int) -> int:
        await asyncio.sleep(0)
        seen.append(value)
        return value

    text = """(module (import "a" "h" (func $h (param i32) (result i32)))
      (func $s (drop (call $h (i32.const 7)))) (start $s)
      (func (export "f") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0)))"""
    code = engine.compile(wat2wasm(text))

    async def main() -> object:
        with AsyncStore(engine) as store:
            imports = {("a", "h"): HostFunc(ONE, host, suspends=True)}
            with pytest.raises(RuntimeError, match="use instantiate_async"):
                store.instantiate(code, imports)
            instance = await store.instantiate_async(code, imports)
            assert instance.func("f").type == FuncType((I64, F64), (F64, I64))
            return await store.call_async(instance.func("f"), 1, 2.5)

    assert asyncio.run(main()) == (2.5, 1)
    assert seen == [7]


def test_what_cannot_suspend_says_so(engine: Engine) -> None:
    with Store(engine) as store, pytest.raises(ValueError, match="needs an AsyncStore"):
        store.link(HostFunc(ONE, plus_one, suspends=True))
    reference = HostFunc(FuncType((), (EXTERNREF,)), plus_one, suspends=True)
    with AsyncStore(engine) as store, pytest.raises(Unsupported, match="returns a reference"):
        store.link(reference)


def test_on_demand_too() -> None:
    engine = Engine.of(Profile(Placement.DEMAND, epochs=False))
    with AsyncStore(engine) as store:
        host = HostFunc(ONE, plus_one, suspends=True)
        instance = store.instantiate(engine.compile(wat2wasm(TEXT)), {("", "h"): host})
        assert asyncio.run(store.call_async(instance.func("twice"), 5)) == 107
