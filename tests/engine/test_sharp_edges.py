"""Every way that ENGINE notes and experiments found to end the process: each is a clean error.

Cases run in a child process, so that an edge that is sharp again fails one test and not the run.
"""

import subprocess
import sys
import textwrap

import pytest

PROLOGUE = """
import asyncio, gc, os, resource, sys, threading, time
from wherever import errors
from wherever.engine.engine import Engine, wat2wasm
from wherever.engine.externs import *
from wherever.engine.fibers import AsyncStore
from wherever.engine.hostcalls import HostFunc
from wherever.engine.instance import LinkFailure
from wherever.engine.profile import *
from wherever.wasm.types import *
from wherever.wasm.types import Limits as Bounds
from wherever.engine.store import Limits, Store
engine = Engine.of(Profile())
def load(text, imports=None, store=None):
    return (store or Store(engine)).instantiate(engine.compile(wat2wasm(text)), imports)
def expect(kind, act, words=""):
    try:
        act()
    except kind as error:
        assert words in str(error), error
        return
    raise SystemExit(f"no {kind.__name__}")
"""

CASES = {
    "a signature with v128, GC, exnref and typed references": """
        instance = load('''(module (type $s (struct)) (type $f (func))
          (func (export "f") (param v128 (ref null $s) exnref (ref null $f) i31ref arrayref)
            (result v128 (ref null $s) exnref (ref null $f) i31ref arrayref)
            local.get 0 local.get 1 local.get 2 local.get 3 local.get 4 local.get 5)
          (table (export "t") 1 funcref) (elem (i32.const 0) 0)
          (func (export "g") (result funcref) (ref.func 0)))''')
        func = instance.func("f")
        assert func.call(bytes(16), None, None, None, 3, None)[4] == 3
        # Reflected, not read from the module: a function that a table and a call give.
        for found in (instance["t"].get(0), instance.func("g").call()):
            assert len(found.type.params) == 6, found.type
            found.handle.type = None
            found.type
    """,
    "one function type used with two engines": """
        other = Engine.of(Profile(epochs=False))
        signature = FuncType((I32,), (I32,))
        for each in (engine, other, engine):
            with Store(each) as store:
                assert store.host_func(signature, lambda x: x)(3) == 3
    """,
    "an object with the wrong store": """
        text = '(module (import "" "m" (memory 1)) (import "" "f" (func)))'
        one, two = Store(engine), Store(engine)
        memory, func = two.memory(MemoryType(Bounds(1))), two.host_func(FuncType(), print)
        expect(LinkFailure, lambda: load(text, {("", "m"): memory, ("", "f"): func}, one),
               "another store")
        table = one.table(TableType(FUNCREF, Bounds(1)))
        expect(TypeError, lambda: table.set(0, func), "another store")
        taker = one.host_func(FuncType((FUNCREF,)), lambda f: None)
        expect(TypeError, lambda: taker(func), "another store")
        expect(TypeError, lambda: one.global_(GlobalType(FUNCREF), func), "another store")
        made = load('''(module (type $s (struct)) (func (export "f") (result anyref)
          (struct.new $s)))''', store=one).func("f")()
        expect(TypeError, lambda: two.host_func(FuncType((ANYREF,)), print)(made), "another store")
    """,
    "closing a store inside a host call": """
        store = Store(engine)
        def host():
            store.close()
        instance = load('(module (import "" "h" (func $h)) (func (export "f") call $h))',
                        {("", "h"): HostFunc(FuncType(), host)}, store)
        expect(RuntimeError, instance.func("f"), "inside one of its own host calls")
        store.close()
    """,
    "dropping the last reference to a store inside a host call": """
        def host():
            global instance
            instance = None
            gc.collect()
        instance = load('(module (import "" "h" (func $h)) (func (export "f") call $h))',
                        {("", "h"): HostFunc(FuncType(), host)})
        instance.func("f").call()
    """,
    "KeyboardInterrupt and SystemExit inside a host function": """
        for kind in (KeyboardInterrupt, SystemExit, MemoryError, RecursionError):
            def host():
                raise kind()
            instance = load('(module (import "" "h" (func $h)) (func (export "f") call $h))',
                            {("", "h"): HostFunc(FuncType(), host)})
            expect(kind, instance.func("f"))
    """,
    "Ctrl-C while the guest loops": """
        import signal
        store = Store(engine)
        instance = load('(module (func (export "f") (loop br 0)))', store=store)
        store.set_deadline(5)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        expect(KeyboardInterrupt, instance.func("f"))
        assert time.monotonic() - start < 3
    """,
    "an asynchronous host function that raises at once, or late, or wrongly": """
        async def late(x):
            await asyncio.sleep(0)
            raise KeyError("late")
        def at_once(x):
            raise KeyError("at once")
        for host in (late, at_once):
            with AsyncStore(engine) as store:
                instance = load('''(module (import "" "h" (func $h (param i32) (result i32)))
                  (func (export "f") (result i32) (call $h (i32.const 1))))''',
                  {("", "h"): HostFunc(FuncType((I32,), (I32,)), host, suspends=True)}, store)
                expect(KeyError, lambda: asyncio.run(store.call_async(instance.func("f"))))
                expect(RuntimeError, instance.func("f"), "call_async")
    """,
    "a store dropped before its suspended call": """
        for _ in range(20):
            store = AsyncStore(engine)
            host = HostFunc(FuncType(), lambda: asyncio.Future(loop=loop), suspends=True)
            loop = asyncio.new_event_loop()
            instance = load('(module (import "" "h" (func $h)) (func (export "f") call $h))',
                            {("", "h"): host}, store)
            fiber = store.enter(instance.func("f"))
            while not fiber.step() and fiber.waiting is None:
                pass
            del store, fiber, instance, host
            gc.collect()
            loop.close()
    """,
    "guest recursion on a small thread": """
        instance = load('(module (func $f (export "f") (call $f)))')
        found = []
        def work():
            try:
                instance.func("f")()
            except errors.LimitExceeded as error:
                found.append(error)
        for size in (64 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20, 16 << 20):
            threading.stack_size(size)
            thread = threading.Thread(target=work)
            thread.start(); thread.join()
        assert [one.limit for one in found] == ["stack"] * 6, found
        assert "threading.stack_size(" in str(found[0])
        assert "call stack exhausted" in str(found[-1])
    """,
    "deep recursion between guest and host": """
        sys.setrecursionlimit(100_000)
        found = []
        instance = load('(module (import "" "h" (func $h)) (func (export "f") call $h))',
                        {("", "h"): HostFunc(FuncType(), lambda: found[0]())})
        found.append(instance.func("f").call)
        expect((errors.LimitExceeded, RecursionError), found[0])
    """,
    "a pool that does not fit": """
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        program = (
            "from wherever.engine.engine import *; from wherever.engine.profile import *;"
            "engine = Engine.of(Profile()); engine.compile(wat2wasm('(module)'));"
            "assert engine.profile.placement is Placement.DEMAND, engine"
        )
        os.execv(sys.executable, [sys.executable, "-c", program])
    """,
    "one store on many threads": """
        store = Store(engine)
        instance = load('''(module (memory (export "m") 1) (global $g (export "g") (mut i64)
            (i64.const 0)) (func (export "f") (param i32) (loop
            (global.set $g (i64.add (global.get $g) (i64.const 1)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))''', store=store)
        run = instance.func("f").call
        def work():
            for _ in range(200):
                run(100); instance["m"].read(0, 8); instance["g"].get()
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert instance["g"].get() == 80_000
    """,
    "closing while another thread calls and reads": """
        for _ in range(30):
            store = Store(engine)
            instance = load('(module (memory (export "m") 1) (func (export "f")))', store=store)
            run, memory = instance.func("f").call, instance.memory("m")
            stop = []
            def work():
                try:
                    while not stop:
                        run(); memory.view()[0] = 1; memory.read(5, 100)
                except ValueError:
                    pass
            threads = [threading.Thread(target=work) for _ in range(2)]
            for thread in threads: thread.start()
            time.sleep(0.002)
            store.close(); stop.append(1)
            for thread in threads: thread.join()
    """,
    "views kept past the end": """
        kept = []
        for _ in range(50):
            with Store(engine) as store:
                memory = store.memory(MemoryType(Bounds(1, 4)))
                view = memory.view()
                kept += [view[5:9], view.cast("I"), memory.slice(0, 65536)]
                memory.grow(2)
                kept.append(memory.view()[-4:])
        gc.collect()
        for view in kept:
            view[0] = 1
            bytes(view)
    """,
    "floods of memories, tables, instances and garbage": """
        limits = Limits(memory=16 << 20, memories=4, table_elements=100_000, tables=4, instances=8)
        store = Store(engine, limits)
        def fill():
            while True:
                store.memory(MemoryType(Bounds(1)))
        expect(errors.LimitExceeded, fill)
        def tables():
            while True:
                store.table(TableType(FUNCREF, Bounds(10)))
        expect(errors.LimitExceeded, tables)
        code = engine.compile(wat2wasm("(module)"))
        def instances():
            while True:
                store.instantiate(code)
        expect(errors.LimitExceeded, instances)
        store = Store(engine, limits)
        expect(errors.LimitExceeded, lambda: load("(module (memory 60000))", store=store))
        store = Store(engine, limits)
        grow = load('''(module (table 1 funcref) (func (export "f") (result i32)
          (table.grow (ref.null func) (i32.const 50000000))))''', store=store).func("f")
        assert grow() == -1
        store = Store(engine, limits)
        garbage = load('''(module (type $a (array i64)) (type $n (struct (field (ref null 1))
          (field (ref $a)))) (global $g (mut (ref null 1)) (ref.null 1))
          (func (export "f") (loop (global.set $g (struct.new 1 (global.get $g)
            (array.new_default $a (i32.const 10000)))) (br 0))))''', store=store).func("f")
        store.set_deadline(20)
        expect(errors.GuestTrap, garbage)
    """,
    "more instances than the pool has": """
        code = engine.compile(wat2wasm("(module (memory 1))"))
        kept = []
        def fill():
            while True:
                kept.append(Store(engine)); kept[-1].instantiate(code)
        expect(errors.LimitExceeded, fill, "pool")
        assert len(kept) >= 1000
        kept.clear()
        Store(engine).instantiate(code)
    """,
    "host objects let go of while the guest runs": """
        class Loud:
            def __del__(self):
                load('(module (func (export "f")))').func("f")()
        store = Store(engine)
        f = load('''(module (table 10 externref) (func (export "f") (param externref i32)
          (table.set (local.get 1) (local.get 0))))''', store=store).func("f")
        for n in range(20_000):
            f.call(Loud() if n % 1000 == 0 else object(), n % 10)
        store.close()
    """,
    "running and compiling in a forked child": """
        engine.compile(wat2wasm("(module)"))
        pid = os.fork()
        if pid == 0:
            fresh = Engine.of(Profile())
            store = Store(fresh)
            code = fresh.compile(wat2wasm('(module (func (export "f") (loop br 0)))'))
            store.set_deadline(0.05)
            expect(errors.LimitExceeded, store.instantiate(code).func("f"))
            os._exit(7)
        assert os.waitpid(pid, 0)[1] >> 8 == 7
    """,
    "objects alive at exit": """
        store = Store(engine)
        instance = load('(module (memory (export "m") 1) (func (export "f")))', store=store)
        instance.func("f")()
        view = instance["m"].view()
        waiting = AsyncStore(engine)
        store.set_deadline(100)
        sys.exit(0)
    """,
    "memory64 and huge addresses": """
        instance = load('''(module (memory (export "m") i64 1) (func (export "f") (param i64)
          (result i64) (i64.load (local.get 0))))''')
        for address in (-1, -8, 1 << 40, 65536, (1 << 63) - 1):
            expect(errors.GuestTrap, lambda: instance.func("f")(address))
            expect(errors.GuestTrap, lambda: instance["m"].read(address, 8))
        assert instance["m"].grow(1 << 40) == -1
    """,
    "a shared memory in process": """
        text = '(module (memory (export "m") 1 2 shared))'
        expect(errors.WhereverError, lambda: load(text))
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_edge(case: str) -> None:
    program = PROLOGUE + textwrap.dedent(CASES[case])
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{done.returncode}\n{done.stderr[-2500:]}"
    assert "Exception ignored" not in done.stderr, done.stderr[-2500:]
