"""Is `wherever.webassembly` the W3C API, with Python's manners and no way to crash?"""

import asyncio
import gc
import inspect
import io
import threading
import weakref
from collections.abc import AsyncIterator

import pytest

from wherever import errors
from wherever import webassembly as wa

ADD = wa.wat2wasm("""(module $m
  (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "fail") unreachable)
  (memory (export "memory") 1 4) (global (export "g") (mut i64) (i64.const 5))
  (table (export "table") 2 funcref) (elem (i32.const 0) $add)
  (@custom "note" "hello"))""")


@pytest.fixture
def instance() -> wa.Instance:
    return wa.instantiate(ADD).instance


def test_the_readme_example() -> None:
    seen: list[int] = []
    text = """(module (import "env" "log" (func $l (param i32)))
      (func (export "f") i32.const 3 call $l))"""
    instance = wa.Instance(wa.compile(wa.wat2wasm(text)), {"env": {"log": seen.append}})
    assert instance.exports.f() is None
    assert seen == [3]


def test_a_module_describes_itself() -> None:
    module = wa.compile(ADD)
    assert [(one.name, one.kind) for one in wa.Module.exports(module)] == [
        ("add", "function"),
        ("fail", "function"),
        ("memory", "memory"),
        ("g", "global"),
        ("table", "table"),
    ]
    assert module.exports()[0].type == "(func (param i32 i32) (result i32))"
    assert module.imports() == []
    assert module.custom_sections("note") == [b"hello"]
    assert module.custom_sections("other") == []


def test_validate_and_compile_errors() -> None:
    assert wa.validate(ADD)
    assert not wa.validate(b"\0asm\x01\0\0\0\x01")
    for wrong in (b"", b"nonsense", ADD[:-1]):
        with pytest.raises(wa.CompileError):
            wa.compile(wrong)
    with pytest.raises(TypeError, match="wat2wasm"):
        wa.compile("(module)")


def test_exports_help_an_editor(instance: wa.Instance) -> None:
    add = instance.exports.add
    assert add.__name__ == "add"
    assert add.__doc__ == "add(i32, i32) -> i32"
    assert str(inspect.signature(add)) == "(p0: 'int', p1: 'int', /) -> 'int'"
    assert dir(instance.exports) == ["add", "fail", "g", "memory", "table"]
    assert instance.exports["add"] is add
    with pytest.raises(AttributeError, match="exports no 'sub'; it exports add, fail"):
        _ = instance.exports.sub


def test_traps_are_runtime_errors_with_a_backtrace(instance: wa.Instance) -> None:
    with pytest.raises(wa.RuntimeError, match="unreachable") as caught:
        instance.exports.fail()
    assert isinstance(caught.value, errors.GuestTrap)
    assert caught.value.frames


def test_memory(instance: wa.Instance) -> None:
    memory = instance.exports.memory
    buffer = memory.buffer
    buffer[0:3] = b"abc"
    assert memory.grow(1) == 1
    assert bytes(memory.buffer[0:3]) == b"abc"
    assert len(memory.buffer) == 2 << 16
    with pytest.raises(errors.LimitExceeded):
        memory.grow(9)
    with pytest.raises(OverflowError):
        memory.grow(-1)


def test_a_buffer_outlives_everything() -> None:
    buffer = wa.instantiate(ADD).instance.exports.memory.buffer
    gc.collect()
    buffer[0] = 7
    assert buffer[0] == 7


def test_table_and_global(instance: wa.Instance) -> None:
    table, add = instance.exports.table, instance.exports.add
    assert table.get(0) is add
    assert table[0](1, 2) == 3
    assert table[1] is None
    table[1] = add
    assert table.get(1) is add
    assert table.grow(2) == 2
    assert len(table) == 4
    with pytest.raises(IndexError):
        table.get(4)
    with pytest.raises(TypeError):
        table.set(0, print)
    instance.exports.g.value = 7
    assert instance.exports.g.value == 7


def test_objects_made_in_python_are_shared() -> None:
    text = wa.wat2wasm("""(module
      (import "js" "m" (memory 1)) (import "js" "t" (table 1 funcref))
      (import "js" "g" (global $g (mut i32))) (import "js" "k" (global $k i32))
      (func $f (export "f") (result i32)
        (global.set $g (i32.const 9)) (i32.add (i32.load8_u (i32.const 0)) (global.get $k)))
      (elem (i32.const 0) $f))""")
    memory, table = wa.Memory(1), wa.Table("anyfunc", 1)
    variable = wa.Global("i32", 1, mutable=True)
    memory.buffer[0] = 5
    imports = {"js": {"m": memory, "t": table, "g": variable, "k": 100}}
    instance = wa.Instance(wa.compile(text), imports)
    assert instance.exports.f() == 105
    assert variable.value == 9
    assert table.get(0) is instance.exports.f


def test_one_modules_export_is_anothers_import(instance: wa.Instance) -> None:
    text = """(module (import "a" "add" (func $a (param i32 i32) (result i32)))
      (func (export "f") (result i32) (call $a (i32.const 2) (i32.const 3))))"""
    module = wa.compile(wa.wat2wasm(text))
    joined = wa.Instance(module, {"a": {"add": instance.exports.add}})
    assert joined.exports.f() == 5
    assert joined.store is instance.store
    with wa.Store() as store:
        apart = wa.Instance(module, {"a": {"add": instance.exports.add}}, store=store)
        assert apart.exports.f() == 5
        assert apart.store is store


@pytest.mark.parametrize(
    ("imports", "words"),
    [
        ({}, "the imports have no 'a'"),
        ({"a": {}}, "import 'a' 'f' of type .* was not given"),
        ({"a": {"f": 5, "m": None}}, "a callable is needed, not int"),
        ({"a": {"f": print, "m": 5}}, "'m' is .memory 1., not int"),
        ({"a": {"f": print, "m": b""}}, "'m' is .memory 1., not bytes"),
    ],
)
def test_link_errors_say_what_is_wrong(imports: dict, words: str) -> None:
    module = wa.compile(wa.wat2wasm('(module (import "a" "f" (func)) (import "a" "m" (memory 1)))'))
    with pytest.raises(wa.LinkError, match=words):
        wa.Instance(module, imports)


def test_a_memory_that_is_too_small_does_not_link() -> None:
    module = wa.compile(wa.wat2wasm('(module (import "a" "m" (memory 2)))'))
    with pytest.raises(wa.LinkError):
        wa.Instance(module, {"a": {"m": wa.Memory(1)}})


def test_objects_of_two_stores_do_not_link() -> None:
    module = wa.compile(
        wa.wat2wasm('(module (import "a" "m" (memory 1)) (import "a" "g" (global i32)))')
    )
    with wa.Store() as one, wa.Store() as two:
        imports = {"a": {"m": wa.Memory(1, store=one), "g": wa.Global("i32", 1, store=two)}}
        with pytest.raises(wa.LinkError, match=r"store=webassembly\.Store"):
            wa.Instance(module, imports)


def test_exceptions_cross() -> None:
    tag = wa.Tag(["i32"])

    def host() -> None:
        raise wa.Exception(tag, [42])

    text = """(module (import "" "t" (tag $t (param i32))) (import "" "h" (func $h))
      (func (export "catch") (result i32)
        (block $b (result i32) (try_table (catch $t $b) (call $h)) (i32.const 0)))
      (func (export "throw") (throw $t (i32.const 7))))"""
    instance = wa.instantiate(wa.wat2wasm(text), {"": {"t": tag, "h": host}}).instance
    assert instance.exports.catch() == 42
    with pytest.raises(wa.Exception) as caught:
        instance.exports.throw()
    assert caught.value.is_(tag)
    assert caught.value.get_arg(tag, 0) == 7
    assert not caught.value.is_(wa.Tag())


def test_gc_references_are_opaque_and_come_back() -> None:
    text = """(module (type $s (struct (field (mut i32))))
      (func (export "new") (param i32) (result (ref $s)) (struct.new $s (local.get 0)))
      (func (export "get") (param (ref $s)) (result i32) (struct.get $s 0 (local.get 0)))
      (func (export "small") (result i31ref) (ref.i31 (i32.const -5)))
      (func (export "any") (param anyref) (result anyref) (local.get 0)))"""
    exports = wa.instantiate(wa.wat2wasm(text)).instance.exports
    made = exports.new(41)
    assert exports.get(made) == 41
    assert exports.small() == -5
    assert exports.any(12) == 12
    with pytest.raises(TypeError):
        exports.get(None)
    with pytest.raises(TypeError):
        exports.get(5)


def test_an_instance_is_freed_with_its_last_reference(instance: wa.Instance) -> None:
    add = instance.exports.add
    native = weakref.ref(instance.store.native)
    assert add(1, 1) == 2
    gc.disable()
    try:
        del instance
    finally:
        gc.enable()
    assert native() is not None
    assert add(2, 2) == 4


def test_no_cycle_keeps_an_instance() -> None:
    gc.disable()
    try:
        instance = wa.instantiate(ADD).instance
        assert instance.exports.add(1, 2) == 3
        assert instance.exports.memory.buffer[0] == 0
        native = weakref.ref(instance.store.native)
        del instance
        assert native() is None
    finally:
        gc.enable()


def test_a_store_bounds_what_is_in_it() -> None:
    module = wa.compile(wa.wat2wasm('(module (memory 1) (func (export "spin") (loop br 0)))'))
    with wa.Store(memory=1 << 20, memories=1, seconds=0.05) as store:
        instance = wa.Instance(module, store=store)
        with pytest.raises(wa.RuntimeError, match="ran past") as caught:
            instance.exports.spin()
        assert isinstance(caught.value, errors.LimitExceeded)
    with pytest.raises(ValueError, match="closed"):
        instance.exports.spin()


def test_streams() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(ADD), 7):
            yield ADD[start : start + 7]

    sources = (io.BytesIO(ADD), [ADD[:9], ADD[9:]], memoryview(ADD))
    for source in sources:
        assert wa.compile_streaming(source).wasm == ADD
    assert wa.instantiate_streaming(io.BytesIO(ADD)).instance.exports.add(1, 1) == 2
    assert asyncio.run(wa.compile_streaming_async(pieces())).wasm == ADD


def test_guests_that_wait() -> None:
    async def fetch(value: int) -> int:
        await asyncio.sleep(0)
        return value * 2

    text = """(module (import "env" "fetch" (func $f (param i32) (result i32)))
      (func (export "run") (param i32) (result i32) (call $f (local.get 0))))"""

    async def main() -> list[int]:
        _, instance = await wa.instantiate_async(wa.wat2wasm(text), {"env": {"fetch": fetch}})
        first = await instance.exports.run(4)
        lazily = {"env": {"fetch": wa.Suspending(lambda value: fetch(value))}}
        _, other = await wa.instantiate_async(wa.wat2wasm(text), lazily)
        return [first, await other.exports.run(5)]

    assert asyncio.run(main()) == [8, 10]
    with pytest.raises(ValueError, match="AsyncStore"):
        wa.instantiate(wa.wat2wasm(text), {"env": {"fetch": fetch}})


def test_shared_memory_is_refused_and_says_why() -> None:
    with pytest.raises(errors.Unsupported, match="shared memories"):
        wa.Memory(1, 1, shared=True)
    with pytest.raises(errors.Unsupported, match="shared memories"):
        wa.compile(wa.wat2wasm("(module (memory 1 1 shared))"))


def test_wrong_descriptors() -> None:
    for make in (lambda: wa.Memory(2, 1), lambda: wa.Memory(1, address="i16")):
        with pytest.raises(ValueError, match=r"maximum|i16"):
            make()
    with pytest.raises(OverflowError):
        wa.Memory(1 << 17)
    with pytest.raises(TypeError, match="not a value type"):
        wa.Global("i33", 0)
    with pytest.raises(TypeError, match="a table holds references"):
        wa.Table("i32", 1)
    assert wa.Global("i64").value == 0
    assert wa.Global("externref").value is None


def test_each_thread_makes_its_own_objects() -> None:
    stores: list[object] = []

    def work() -> None:
        stores.append(wa.Memory(1).extern.store)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert wa.Memory(1).extern.store is not stores[0]
