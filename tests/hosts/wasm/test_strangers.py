"""Does the API do what someone expects who knows it from JavaScript, and say so where it cannot?"""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest

from wherever import webassembly as wa
from wherever.errors import LimitExceeded


def instance(text: str, imports: Any = None, **words: Any) -> wa.Instance:
    return wa.Instance(wa.compile(wa.wat2wasm(text)), imports, **words)


THREE = '(module (func (export "f") (result i32) i32.const 3))'


def test_a_function_fits_into_any_table_and_comes_back_out() -> None:
    f = instance(THREE).exports.f
    table = wa.Table("anyfunc", 2)
    table.set(0, f)
    table[1] = f
    assert table.get(0) is f
    assert table[1] is f
    caller = instance(
        '(module (import "a" "t" (table $t 1 funcref)) (type $r (func (result i32)))'
        ' (func (export "call") (param i32) (result i32)'
        " (call_indirect $t (type $r) (local.get 0)))"
        ' (func (export "id") (param funcref) (result funcref) (local.get 0)))',
        {"a": {"t": table}},
    )
    assert caller.exports.call(1) == 3
    assert caller.exports.id(f) is f
    with pytest.raises(TypeError, match="a guest's function or None"):
        table.set(0, lambda: 3)


def test_a_function_is_the_same_through_another_instance() -> None:
    a = instance(
        '(module (func (export "f") (result i32) i32.const 4) (func (export "g"))'
        ' (table (export "t") 2 funcref))'
    )
    b = instance(
        '(module (import "a" "f" (func $f (result i32))) (import "a" "g" (func $g))'
        ' (import "a" "t" (table 1 funcref)) (elem (i32.const 0) $f $g) (export "f2" (func $f)))',
        {"a": a.exports},
    )
    assert b.exports.f2 is a.exports.f
    assert a.exports.t.get(0) is a.exports.f
    assert a.exports.t.get(1) is a.exports.g
    assert a.exports.t.get(1) is not a.exports.f


def test_nothing_can_be_put_among_exports() -> None:
    exports = instance(THREE).exports
    for name in ("f", "g", "_instance"):
        with pytest.raises(AttributeError, match="nothing can be put"):
            setattr(exports, name, 3)
    assert exports.f() == 3
    assert exports.f is exports["f"]


def test_a_module_is_copied_and_sent_as_its_bytes() -> None:
    module = wa.compile(wa.wat2wasm(THREE))
    for again in (copy.copy(module), pickle.loads(pickle.dumps(module))):
        assert wa.Instance(again).exports.f() == 3


def test_instantiate_takes_a_module_or_its_bytes() -> None:
    wasm = wa.wat2wasm(THREE)
    for source in (wasm, bytearray(wasm), memoryview(wasm), wa.compile(wasm)):
        assert wa.instantiate(source).exports.f() == 3


@pytest.mark.parametrize("source", [None, 5, "(module)", ["a"], object()])
def test_what_is_no_bytes_is_a_type_error(source: Any) -> None:
    for call in (wa.compile, wa.validate, wa.instantiate):
        with pytest.raises(TypeError, match="a module is made of bytes"):
            call(source)


@pytest.mark.parametrize("imports", [5, "a", [1], {"a": 5}, {"a": "b"}])
def test_imports_are_mappings(imports: Any) -> None:
    with pytest.raises(TypeError, match="mapping"):
        instance('(module (import "a" "b" (func)))', imports)


def test_imports_may_be_anything_with_names() -> None:
    class Names:
        def __getitem__(self, name: str) -> Any:
            if name != "b":
                raise KeyError(name)
            return lambda: None

    instance('(module (import "a" "b" (func)))', {"a": Names()})
    with pytest.raises(wa.LinkError, match=r"'c' of type .* was not given"):
        instance('(module (import "a" "c" (func)))', {"a": Names()})


@pytest.mark.parametrize("size", ["1", None, {"initial": 1}, 1.0])
def test_sizes_are_ints(size: Any) -> None:
    with pytest.raises(TypeError, match="size is an int"):
        wa.Memory(size)
    with pytest.raises(TypeError, match="size is an int"):
        wa.Table("anyfunc", size)


def test_a_bound_on_memory_is_for_one_memory_unless_told() -> None:
    with wa.Store(memory=1 << 20) as store:
        exports = instance('(module (memory (export "m") 1))', store=store).exports
        assert exports.m.grow(15) == 1
        with pytest.raises(LimitExceeded, match="cannot grow by 1"):
            exports.m.grow(1)


def test_a_frame_that_never_began_has_no_offset() -> None:
    with pytest.raises(wa.RuntimeError) as caught:
        instance('(module (func $f (export "f") call $f))').exports.f()
    assert caught.value.code == "call stack exhausted"
    assert "0xffffffff" not in str(caught.value)


def test_a_second_call_of_a_waiting_guest_says_what_to_do() -> None:
    async def slow(value: int) -> int:
        await asyncio.sleep(0.005)
        return value

    async def main() -> None:
        text = (
            '(module (import "a" "h" (func $h (param i32) (result i32)))'
            ' (func (export "f") (param i32) (result i32) (call $h (local.get 0))))'
        )
        made = await wa.instantiate_async(wa.wat2wasm(text), {"a": {"h": slow}})
        first = asyncio.create_task(made.exports.f(1))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="await one call before the next"):
            await made.exports.f(2)
        assert await first == 1

    asyncio.run(main())
