"""Do traps, limits, deadlines and ends of stores come out as typed errors, with no way to crash?"""

import gc
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.externs import OutOfBounds
from wherever.engine.hostcalls import HostFunc
from wherever.engine.instance import Instance, LinkFailure, Passed
from wherever.engine.profile import Profile
from wherever.engine.state import objects
from wherever.engine.store import Limits, Store
from wherever.errors import GuestTrap, InvalidProgram, LimitExceeded
from wherever.wasm.types import EXTERNREF, FUNCREF, I32, FuncType, GlobalType, MemoryType, TableType
from wherever.wasm.types import Limits as Bounds

Load = Callable[..., Instance]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("unreachable", "unreachable"),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "integer divide by zero"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds memory access"),
        ("(call_indirect (type $v) (i32.const 0))", "uninitialized element"),
        ("(call_indirect (type $v) (i32.const 9))", "out of bounds table access"),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", "invalid conversion to integer"),
    ],
)
def test_traps_have_the_specifications_words(load: Load, body: str, code: str) -> None:
    instance = load(
        f"(module $m (type $v (func)) (memory 1) (table 1 funcref) (func $inner {body}) "
        '(func $outer (export "f") (call $inner)))'
    )
    with pytest.raises(GuestTrap) as caught:
        instance.func("f")()
    assert caught.value.code == code
    assert [frame.split(" ")[0] for frame in caught.value.frames] == ["inner", "outer"]
    assert "at inner (m+0x" in str(caught.value)


def test_endless_recursion_is_a_limit(load: Load) -> None:
    instance = load('(module (func $f (export "f") (call $f)))')
    with pytest.raises(LimitExceeded, match="call stack exhausted") as caught:
        instance.func("f")()
    assert caught.value.limit == "stack"


def test_an_endless_loop_ends_at_its_deadline(load: Load, store: Store) -> None:
    instance = load('(module (func $spin (export "f") (loop br 0)))')
    store.set_deadline(0.03)
    start = time.monotonic()
    with pytest.raises(LimitExceeded, match=r"ran past its 0\.03 s") as caught:
        instance.func("f")()
    assert 0.02 < time.monotonic() - start < 2
    assert caught.value.limit == "time"
    assert caught.value.status == 124


def test_a_deadline_can_be_moved(load: Load, store: Store) -> None:
    instance = load('(module (func (export "f") (result i32) (i32.const 1)))')
    store.set_deadline(60)
    assert instance.func("f")() == 1
    store.set_deadline(None)
    assert instance.func("f")() == 1


def test_a_memory_does_not_grow_past_the_limit(load: Load) -> None:
    instance = load(
        '(module (memory 1) (func (export "grow") (param i32) (result i32) '
        "(memory.grow (local.get 0))))",
        limits=Limits(memory=4 << 16),
    )
    grow = instance.func("grow").call
    assert grow(3) == 1
    assert grow(1) == -1


def test_a_memory_that_starts_past_the_limit_is_refused(load: Load) -> None:
    with pytest.raises(LimitExceeded):
        load("(module (memory 5))", limits=Limits(memory=4 << 16))


def test_more_memories_than_allowed_are_refused(engine: Engine) -> None:
    with Store(engine, Limits(memories=1)) as store:
        memory = MemoryType(Bounds(1))
        store.memory(memory)
        with pytest.raises(LimitExceeded):
            store.memory(memory)


def test_views_are_released_at_the_end_and_slices_stay_readable(engine: Engine) -> None:
    store = Store(engine)
    memory = store.memory(MemoryType(Bounds(1)))
    view = memory.view()
    view[0:4] = b"abcd"
    part = view[0:4]
    native = weakref.ref(store.native)
    store.close()
    assert bytes(part) == b"abcd"
    with pytest.raises(ValueError, match="released"):
        view[0]
    with pytest.raises(ValueError, match="closed"):
        memory.view()
    del store, memory, view
    gc.collect()
    assert native() is not None, "the slice must keep the memory"
    del part
    gc.collect()
    assert native() is None


def test_growth_shows_in_the_next_view(store: Store) -> None:
    memory = store.memory(MemoryType(Bounds(1, 3)))
    old = memory.view()
    assert memory.grow(1) == 1
    assert len(memory.view()) == 2 << 16
    memory.write((2 << 16) - 1, b"!")
    assert memory.grow(9) == -1
    assert len(old) == 1 << 16


def test_addresses_outside_are_refused(store: Store) -> None:
    memory = store.memory(MemoryType(Bounds(1)))
    for address, size in [(65536, 1), (-1, 1), (65535, 2), (0, 65537), (5, -1), (1 << 40, 1)]:
        with pytest.raises(OutOfBounds):
            memory.read(address, size)


def test_a_closed_store_is_a_clean_error(load: Load, store: Store) -> None:
    instance = load('(module (func (export "f")) (memory (export "m") 1))')
    run = instance.func("f").call
    store.close()
    store.close()
    for use in (run, lambda: instance["m"], lambda: store.set_deadline(1)):
        with pytest.raises(ValueError, match="the store is closed"):
            use()


def test_a_store_is_not_closed_inside_its_own_host_call(store: Store) -> None:
    func = store.host_func(FuncType(), lambda: store.close())
    with pytest.raises(RuntimeError, match="inside one of its own host calls"):
        func()


def test_close_waits_for_a_call_on_another_thread(store: Store) -> None:
    inside, leave = threading.Event(), threading.Event()

    def host() -> None:
        inside.set()
        leave.wait(5)

    func = store.host_func(FuncType(), host)
    caller = threading.Thread(target=func)
    caller.start()
    inside.wait(5)
    closer = threading.Thread(target=store.close)
    closer.start()
    time.sleep(0.02)
    assert not store.closed
    leave.set()
    caller.join(5)
    closer.join(5)
    assert store.closed


def test_tables_and_globals(store: Store) -> None:
    table = store.table(TableType(FUNCREF, Bounds(2, 4)))
    func = store.host_func(FuncType((), (I32,)), lambda: 9)
    table.set(1, func)
    assert table.get(1) is func
    assert table.get(0) is None
    assert table.grow(2, func) == 2
    assert table.grow(1) == -1
    with pytest.raises(IndexError):
        table.get(4)
    with pytest.raises(IndexError):
        table.set(-1, None)
    with pytest.raises(TypeError, match="a guest's function or None is needed, not int"):
        table.set(0, 5)
    variable = store.global_(GlobalType(I32, mutable=True), 5)
    variable.set(6)
    assert variable.get() == 6
    with pytest.raises(TypeError, match="immutable"):
        store.global_(GlobalType(I32), 5).set(6)


def test_linking_says_what_is_missing_or_wrong(load: Load, engine: Engine) -> None:
    text = '(module (import "env" "f" (func (param i32))))'
    with pytest.raises(LinkFailure, match=r"import 'env' 'f' of type .* was not given"):
        load(text)
    with pytest.raises(LinkFailure, match="the host's is"):
        load(text, {("env", "f"): HostFunc(FuncType(), print)})
    with Store(engine) as other:
        foreign = other.host_func(FuncType((I32,)), print)
        with pytest.raises(LinkFailure, match="belongs to another store"):
            load(text, {("env", "f"): foreign})


def test_exports_are_passed_on_without_being_looked_at(load: Load, store: Store) -> None:
    giver = load(
        '(module (memory (export "m") 1) (global (export "g") i32 (i32.const 6)) '
        '(func (export "f") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 7))) '
        '(table (export "t") 3 funcref))'
    )
    given = {("e", name): Passed(giver, name) for name in "mgft"}
    taker = store.instantiate(
        store.engine.compile(
            wat2wasm(
                '(module (import "e" "m" (memory 1)) (import "e" "g" (global $g i32)) '
                '(import "e" "f" (func $f (param i32) (result i32))) '
                '(import "e" "t" (table 3 funcref)) '
                '(func (export "run") (result i32) (call $f (global.get $g))))'
            )
        ),
        given,
    )
    assert taker.func("run")() == 42
    assert not giver._found  # no Python object was made for any of them
    with pytest.raises(LinkFailure):
        store.instantiate(store.engine.compile(wat2wasm('(module (import "e" "m" (func)))')), given)
    with Store(store.engine) as other, pytest.raises(LinkFailure, match="another store"):
        other.instantiate(
            store.engine.compile(
                wat2wasm('(module (import "e" "f" (func (param i32) (result i32))))')
            ),
            given,
        )


def test_a_late_function_is_made_at_its_first_call(store: Store) -> None:
    built: list[int] = []

    def build() -> Callable[[int], int]:
        built.append(1)
        if len(built) == 1:
            raise ValueError("not yet")
        return lambda n: n + 1

    late = store.late_func(FuncType((I32,), (I32,)), build, "late")
    module = (
        '(module (import "e" "f" (func $f (param i32) (result i32))) '
        '(func (export "run") (param i32) (result i32) (call $f (local.get 0))))'
    )
    instance = store.instantiate(store.engine.compile(wat2wasm(module)), {("e", "f"): late})
    run = instance.func("run")
    assert not built
    with pytest.raises(ValueError, match="not yet"):
        run(1)
    assert [run(1), run(41)] == [2, 42]
    assert len(built) == 2


def test_invalid_modules_are_invalid_programs(engine: Engine) -> None:
    for wasm in (b"", b"\0asm", b"\0asm\x01\0\0\0\xff", wat2wasm("(module)") + b"\x01\x01"):
        with pytest.raises(InvalidProgram):
            engine.compile(wasm)
        with pytest.raises(InvalidProgram):
            engine.validate(wasm)


def test_code_is_for_its_own_engine(engine: Engine) -> None:
    code = Engine.of(Profile(epochs=False)).compile(wat2wasm("(module)"))
    with Store(engine) as store, pytest.raises(ValueError, match="the code is of"):
        store.instantiate(code)


def test_a_dropped_store_is_freed(engine: Engine) -> None:
    code = engine.compile(wat2wasm('(module (memory (export "m") 1) (func (export "f")))'))
    store = Store(engine)
    instance = store.instantiate(code)
    instance.func("f")()
    native = weakref.ref(store.native)
    del store, instance
    gc.collect()
    assert native() is None


def test_host_objects_do_not_pile_up(load: Load, store: Store) -> None:
    """Found by measuring: objects that the guest had let go of stayed for ever."""
    before = len(objects)
    run = load('(module (func (export "f") (param externref) (result externref) local.get 0))')
    echo = run.func("f").call
    for _ in range(25_000):
        echo(object())
    assert len(objects) - before < 12_000
    store.close()
    assert len(objects) <= before


def test_collecting_inside_a_host_call_keeps_what_the_guest_holds(load: Load) -> None:
    host = HostFunc(FuncType((), (EXTERNREF,)), lambda: object())
    run = load(
        """(module (import "" "new" (func $new (result externref)))
          (func (export "f") (param externref i32) (result externref) (local externref)
            (loop (local.set 2 (call $new))
              (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
            (local.get 0)))""",
        {("", "new"): host},
    )
    thing = object()
    assert run.func("f")(thing, 25_000) is thing
